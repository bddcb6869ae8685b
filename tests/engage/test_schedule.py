"""Rhythms of syncs: what is written, and when it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.schedule import LONGEST, REAL_TIME_TO_BATCH, Every, RealTimeToBatch, parse

HOUR = 3600
TIMES = st.floats(0, 2e11)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1d", 86_400),
        ("1h30m", 5400),
        ("1d2h3m4s", 93_784),
        ("2d4s", 172_804),
        ("0h1m", 60),
        ("366d", LONGEST),
        ("000000001d000000001h000000001m000000001s", 90_061),
    ],
)
def test_a_rhythm_is_read(text: str, seconds: int) -> None:
    assert parse(text) == Every(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "2", "h", "2H", "2 h", " 2h", "2h ", "2h\n", "-2h", "1.5h", "30m1h", "1d/2h", "1h1h", "0s", "0d0h", "367d",
     "366d1s", "999999999d", "0000000001d", "0000000001h", "0000000001m", "0000000001s", "٢h", "daily", "2hours",
     "real-time-to-batch ", "Real-Time-To-Batch"],
)  # fmt: skip
def test_what_is_no_rhythm_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(EngageError) as refused:
        parse(text)
    assert refused.value.code == "bad_definition"
    assert refused.value.message == f"{text!r} is no rhythm of syncs"
    forms = '"30s", "15m", "2h", "1d", "1h30m" or the like, from 1s to 366d, or "real-time-to-batch"'
    assert refused.value.hint == f"give {forms}"


@pytest.mark.parametrize("unit", ["", *"dhms"])
def test_what_is_no_rhythm_is_not_repeated_whole(unit: str) -> None:
    with pytest.raises(EngageError) as refused:
        parse("1" * 10_000 + unit)
    assert refused.value.message == f"'{'1' * 80}' is no rhythm of syncs"


@given(st.integers(0, 300), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_units_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    assert parse(f"{days}d{hours}h{minutes}m{seconds}s") == Every(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    assert parse(f"{hours}h{seconds}s") == Every(hours * HOUR + seconds)


@given(TIMES, st.integers(1, LONGEST), st.integers(1), st.text())
def test_an_interval_begins_at_once_and_goes_on_from_the_last_run(at: float, every: int, number: int, id: str) -> None:
    rhythm = parse(f"{every}s")
    assert rhythm.first(at, id) == at
    assert rhythm.after(at, number, id) == at + every


@given(TIMES, st.integers(1), st.text(st.characters(codec="utf-8")))
def test_real_time_to_batch_waits_six_hours_and_then_two_to_three(at: float, number: int, id: str) -> None:
    rhythm = parse(REAL_TIME_TO_BATCH)
    assert rhythm == RealTimeToBatch()
    assert rhythm.first(at, id) == at + 6 * HOUR
    following = rhythm.after(at, number, id)
    assert at + 2 * HOUR <= following <= at + 3 * HOUR
    assert rhythm.after(at, number, id) == following


def test_real_time_to_batch_spreads_runs_over_the_hour() -> None:
    rhythm = parse(REAL_TIME_TO_BATCH)
    by_number = {rhythm.after(0, number, "a") for number in range(1, 101)}
    assert rhythm.after(0, 1, "1a") != rhythm.after(0, 11, "a")
    by_id = {rhythm.after(0, 1, f"a{number}") for number in range(100)}
    for runs in (by_number, by_id):
        assert len(runs) == 100
        assert min(runs) < 2.1 * HOUR
        assert max(runs) > 2.9 * HOUR
