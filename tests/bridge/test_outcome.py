"""What follows from an attempt."""

from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.outcome import (
    BUSY,
    LONGEST_RETRY_AFTER,
    LONGEST_WAIT,
    Answer,
    Attempts,
    Dead,
    Delivered,
    NoAnswer,
    Outcome,
    Policy,
    RetryAt,
    backoff,
    decide,
    refused,
    retry_after,
)

NOW = 1_700_000_000.0
POLICY = Policy(retry_window=4 * 3600, hold=10)
FIRST = Attempts(0, NOW)


def answered(status: int, retry: str | None = None, attempts: Attempts = FIRST, jitter: float = 0.5) -> Outcome:
    headers = {} if retry is None else {"retry-after": retry}
    return decide(Answer(status, headers, b""), attempts, POLICY, NOW, jitter)


RETRIED = {408, 409, 423, 425, 429, 460, *range(500, 600)} - {501, 505}
PAUSING = {401, 403, 429}


@pytest.mark.parametrize("status", range(100, 600))
def test_the_table_of_statuses(status: int) -> None:
    outcome = answered(status)
    assert refused(Answer(status, {}, b"")) == isinstance(outcome, Dead)
    if 200 <= status < 300:
        assert outcome == Delivered()
    elif status in RETRIED | PAUSING:
        assert isinstance(outcome, RetryAt)
        assert outcome.pause == (status in PAUSING)
        assert outcome.at > NOW
        assert str(status) in outcome.reason
    else:
        assert isinstance(outcome, Dead)
        assert str(status) in outcome.reason


def test_a_redirect_says_what_to_check() -> None:
    assert "application_domain" in str(answered(302))


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_is_waited_out(status: int) -> None:
    long_ago = Attempts(1000, NOW - 365 * 86400)
    outcome = answered(status, attempts=long_ago)
    assert isinstance(outcome, RetryAt)
    assert (outcome.at, outcome.pause) == (NOW + POLICY.probe_every, True)


counts = st.integers(0, 10**6)
jitters = st.floats(0, 1)


@given(counts, st.floats(0.001, 10), jitters)
def test_a_wait_is_the_upper_half_of_a_doubling_one(count: int, first: float, jitter: float) -> None:
    full = LONGEST_WAIT if count > 40 else min(first * 2**count, LONGEST_WAIT)
    assert full / 2 <= backoff(count, first, jitter) <= full


def test_waits_double_up_to_ten_minutes() -> None:
    assert [backoff(count, 1, 1) for count in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]


results = st.builds(NoAnswer, st.just("gone"), st.booleans()) | st.builds(
    Answer, st.sampled_from(sorted(RETRIED)), st.sampled_from([{}, {"retry-after": "120"}]), st.just(b"")
)


@given(results, counts, st.floats(0, 6 * 3600), jitters)
def test_nothing_is_retried_beyond_the_window(got: Answer | NoAnswer, count: int, age: float, jitter: float) -> None:
    attempts = Attempts(count, NOW - age)
    outcome = decide(got, attempts, POLICY, NOW, jitter)
    if isinstance(outcome, RetryAt):
        assert NOW <= outcome.at <= attempts.first_at + POLICY.retry_window
    else:
        assert isinstance(outcome, Dead)
        assert age + LONGEST_WAIT >= POLICY.retry_window
        assert f"given up after {count + 1} attempts" in outcome.reason


@given(counts, jitters)
def test_what_may_still_land_is_waited_for(count: int, jitter: float) -> None:
    """A request that was abandoned can be applied later, over newer data."""
    for may_have_landed, hold in ((True, POLICY.hold), (False, 0.0)):
        outcome = decide(NoAnswer("gone", may_have_landed), Attempts(count, NOW), POLICY, NOW, jitter)
        at = NOW + max(backoff(count, POLICY.first_wait, jitter), hold)
        assert outcome == RetryAt(at, "gone", pause=not may_have_landed)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("300", 300),
        ("299", 299),
        ("301", 300),
        ("00000000000000000007", 7),
        ("1000000000", LONGEST_RETRY_AFTER),
        ("9" * 500, LONGEST_RETRY_AFTER),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e9", None),
        ("²", None),
        ("soon", None),
        (formatdate(NOW + 60, usegmt=True), 60),
        (formatdate(NOW + 60), 60),
        (formatdate(NOW - 60, usegmt=True), 0),
        ("Wed, 15 Nov 2023 03:43:25 +0530", 5),
        ("Tue, 14 Nov 2023 17:13:25 -0500", 5),
        (formatdate(NOW + 10**8, usegmt=True), LONGEST_RETRY_AFTER),
        ("Tue, 14 Nov 2023 22:13:25", 5),
        ("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,20} Jan [0-9]{1,20} [0-9:]{1,9} [+-]?[0-9]{0,20}\Z"))
@example("Fri, 01 Jan 2024 00:00:00 +99999999999")
def test_any_retry_after_is_a_wait_within_bounds_or_none(header: str) -> None:
    seconds = retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_honoured(status: int) -> None:
    outcome = answered(status, "120")
    assert isinstance(outcome, RetryAt)
    assert outcome.at == NOW + 120
    unreadable = answered(status, "soon", jitter=1)
    assert isinstance(unreadable, RetryAt)
    assert unreadable.at == NOW + 1


@given(st.integers(100, 599), st.sampled_from([None, "3", "junk"]), st.integers(0, 20), st.floats(0, 1))
def test_a_refusal_is_what_no_time_would_mend(status: int, retry: str | None, count: int, jitter: float) -> None:
    endless = Policy(retry_window=float("inf"), hold=10)
    answer = Answer(status, {} if retry is None else {"retry-after": retry}, b"")
    assert refused(answer) == isinstance(decide(answer, Attempts(count, NOW), endless, NOW, jitter), Dead)


@pytest.mark.parametrize("status", range(100, 600))
def test_the_words_of_an_outcome(status: int) -> None:
    outcome = answered(status, jitter=1)
    said = f"Talon.One answered {status}"
    if status in (401, 403):
        paused = f"{said}: the API key is not accepted; the destination is paused"
        assert outcome == RetryAt(NOW + 15, paused, pause=True, busy=False)
    elif status in RETRIED:
        assert outcome == RetryAt(NOW + 1, said, pause=status == 429, busy=status == 429)
    elif 300 <= status < 400:
        redirect = f"{said}, a redirect; redirects are not followed: check application_domain"
        assert outcome == Dead(redirect, wait=0)
    elif not 200 <= status < 300:
        assert outcome == Dead(said, wait=0)


def test_what_says_nothing_refuses_nothing() -> None:
    assert not refused(NoAnswer("gone", may_have_landed=False))
    assert not refused(NoAnswer("gone", may_have_landed=True))


def test_a_busy_profile_is_no_busy_destination() -> None:
    assert {409, 423, 425} == BUSY
    for status in BUSY:
        outcome = answered(status)
        assert isinstance(outcome, RetryAt)
        assert (outcome.pause, outcome.busy) == (False, False)


@given(results, counts, jitters)
def test_the_window_is_closed_after_its_last_moment(got: Answer | NoAnswer, count: int, jitter: float) -> None:
    """A try at the very end is made; one that would come any later is not, and how late is told."""
    endless = decide(got, Attempts(count, NOW), Policy(float("inf"), POLICY.hold), NOW, jitter)
    assert isinstance(endless, RetryAt)
    wait = endless.at - NOW
    assert decide(got, Attempts(count, NOW), Policy(wait, POLICY.hold), NOW, jitter) == endless
    late = decide(got, Attempts(count, NOW), Policy(wait - 0.001, POLICY.hold), NOW, jitter)
    assert isinstance(late, Dead)
    assert late.wait == pytest.approx(wait)
    assert late.reason == f"{endless.reason}; given up after {count + 1} attempts, the retry window is over"


def test_an_outcome_asks_for_nothing_by_itself() -> None:
    assert RetryAt(NOW, "gone") == RetryAt(NOW, "gone", pause=False, busy=False)
    assert Dead("gone") == Dead("gone", wait=0)
    assert Policy(retry_window=1, hold=2) == Policy(1, 2, first_wait=1, probe_every=15)
