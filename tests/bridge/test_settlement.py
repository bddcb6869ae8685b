"""What an attempt changes of an event."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge_support import destination
from talon_bridge import events
from talon_bridge.explanation import Notice, Verdict
from talon_bridge.mapping import plan
from talon_bridge.outbox.protocol import Attempt, Entry, Settlement, State
from talon_bridge.outcome import Answer, NoAnswer, Policy
from talon_bridge.settlement import report_of, settle, unsent

NOW = 1_700_000_000.0
POLICY = Policy(retry_window=3600, hold=10)
BODY = json.dumps({"type": "identify", "userId": "u", "traits": {"email": "e", "shoe": 43}}).encode()
MAPPED = plan(events.read(BODY, "identify"), destination())

answers = st.builds(Answer, st.integers(200, 599), st.just({}), st.sampled_from([b"", b'{"message":"m"}', b"\xff"]))
results = answers | st.builds(NoAnswer, st.just("gone"), st.booleans())
histories = st.lists(st.builds(Attempt, st.floats(NOW - 7200, NOW), st.just(503), st.just("busy")), max_size=4)


def entry(*attempts: Attempt) -> Entry:
    accepted = events.Accepted("m", "identify", "u", BODY, NOW, "")
    return Entry(7, 3, 5, accepted, State.WAITING, tuple(sorted(attempts, key=lambda attempt: attempt.at)), 0.0, None)


def after(got: Answer | NoAnswer, *attempts: Attempt) -> Settlement:
    return settle(entry(*attempts), MAPPED, got, POLICY, NOW, 0.5, ("email",))


@given(results, histories)
def test_every_attempt_joins_the_history(got: Answer | NoAnswer, history: list[Attempt]) -> None:
    settlement = after(got, *history)
    earlier = entry(*history).attempts
    assert (settlement.seq, settlement.shard, settlement.mark, settlement.at) == (7, 3, 5, NOW)
    assert settlement.attempts[:-1] == earlier
    last = settlement.attempts[-1]
    assert last.at == NOW
    assert last.status == (got.status if isinstance(got, Answer) else None)
    assert bool(last.error) == (settlement.state is not State.DELIVERED)


@given(results, histories)
def test_what_is_settled_is_reported_and_what_waits_is_not(got: Answer | NoAnswer, history: list[Attempt]) -> None:
    settlement = after(got, *history)
    if settlement.state is State.WAITING:
        assert settlement.report is None
        assert settlement.not_before > NOW
        return
    assert settlement.report is not None
    sent, withheld = settlement.report.traits
    assert withheld == MAPPED.traits[1]
    assert sent.verdict in (Verdict.SENT, Verdict.REFUSED, Verdict.UNDELIVERED)
    assert (sent.verdict is Verdict.SENT) == (settlement.state is State.DELIVERED)
    assert settlement.report.path == "/v2/customer_profiles/u"


def test_an_answer_below_500_is_a_refusal_and_silence_is_none() -> None:
    refused, lost = after(Answer(404, {}, b"")), after(Answer(503, {}, b""), Attempt(NOW - 3600, None))
    assert refused.report is not None
    assert lost.report is not None
    assert [refused.report.traits[0].verdict, lost.report.traits[0].verdict] == [Verdict.REFUSED, Verdict.UNDELIVERED]
    assert (refused.state, lost.state) == (State.DEAD, State.DEAD)


def test_the_last_request_may_land_before_the_event_dies_and_its_profile_goes_on() -> None:
    left = after(NoAnswer("gone", True), Attempt(NOW - 3600, None))
    assert (left.state, left.report, left.attempts[-1].over) == (State.WAITING, None, True)
    assert left.not_before >= NOW + POLICY.hold
    waiting = entry(*left.attempts)
    assert waiting.given_up
    dead = unsent(waiting, MAPPED, left.not_before)
    assert (dead.state, dead.attempts) == (State.DEAD, left.attempts)
    assert dead.report is not None
    assert dead.report.traits[0].verdict is Verdict.UNDELIVERED
    assert dead.report.reason == Notice("", left.attempts[-1].error)
    assert not msgspec.structs.replace(waiting, earlier=len(waiting.attempts)).given_up  # it was replayed


@pytest.mark.parametrize("got", [Answer(503, {}, b""), NoAnswer("gone", True), Answer(429, {"retry-after": "9"}, b"")])
def test_none_dies_for_the_time_that_is_over_before_it_was_alone(got: Answer | NoAnswer) -> None:
    old = entry(Attempt(NOW - 3600, None))
    left = settle(old, MAPPED, got, POLICY, NOW, 0.5, (), via="bulk")
    assert (left.state, left.attempts[-1].over) == (State.WAITING, True)
    assert left.not_before > NOW
    assert not entry(*left.attempts).given_up


def test_an_unknown_attribute_is_told_with_the_name_that_was_meant() -> None:
    body = json.dumps({"message": "m", "errors": [{"details": "Email is not defined.", "source": POINTER}]})
    mapped = plan(
        events.read(BODY.replace(b"email", b"Email"), "identify"), destination(custom_attributes=("Email", "email"))
    )
    settlement = settle(entry(), mapped, Answer(400, {}, body.encode()), POLICY, NOW, 0.5, ("Email", "email"))
    assert settlement.report is not None
    assert settlement.report.reason is not None
    (trait, _) = settlement.report.traits
    assert (trait.rule, trait.nearest, settlement.report.reason.rule) == ("ATT-1", "email", "ATT-1")


POINTER = {"pointer": "/attributes/Email"}


def test_an_event_without_a_request_is_skipped_or_dead() -> None:
    for user, state in (("", State.SKIPPED), ("..", State.DEAD)):
        mapped = plan(events.Event(type="identify", user_id=user, traits={"n": 1}), destination())
        settlement = unsent(entry(), mapped, NOW)
        assert (settlement.state, settlement.attempts, settlement.report) == (state, (), report_of(mapped))
