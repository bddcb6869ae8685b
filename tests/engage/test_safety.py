"""What keeps a sync from emptying an audience by mistake."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.safety import Options, refusal
from talon_bridge.engage.syncs import Comparison

AUDIENCE = Computation("buyers", "audience", "Buyers", "buyers")


def compared(before: int, left: int, entered: int = 0) -> Comparison:
    stay = before - left
    return Comparison(before, stay + entered, entered, left, 0, stay, 0, 0)


def judged(before: int, left: int, entered: int = 0, rows: int = 1, **options: object) -> EngageError | None:
    return refusal(AUDIENCE, compared(before, left, entered), rows, msgspec.convert(options, Options))


def test_an_empty_source_is_refused_until_it_is_allowed() -> None:
    for before in (0, 5):
        found = judged(before, before, rows=0)
        assert found is not None
        assert found.code == "empty_source"
        assert "0 rows read, 0 refused" in found.message
        assert "--allow-empty" in found.hint
        assert "allowEmpty=true" in found.hint
        assert judged(before, before, rows=0, allow_empty=True) is None
    what = "the source of the audience 'Buyers' is empty: 0 rows read, 0 refused"
    assert str(judged(5, 5, rows=0)) == f"{what}; it has 5 members"
    assert str(judged(1, 1, rows=0)) == f"{what}; it has 1 member"


def test_force_does_not_speak_for_an_empty_source() -> None:
    found = judged(5, 5, rows=0, force=True)
    assert found is not None
    assert found.code == "empty_source"


def test_rows_that_were_all_refused_leave_nobody() -> None:
    found = judged(5, 5, rows=12)
    assert found is not None
    assert (found.code, found.hint.split(";")[0]) == ("empty_source", "see the reasons among the refused rows")
    what = "none of the 12 rows read for the audience 'Buyers' can be used, all were refused"
    assert found.message == f"{what}; it has 5 members"
    assert "the 1 row read" in str(judged(5, 5, rows=1))
    allowed = judged(5, 5, rows=12, allow_empty=True)
    assert allowed is not None
    assert allowed.code == "too_many_leave"
    assert judged(5, 5, rows=12, allow_empty=True, force=True) is None
    assert judged(0, 0, rows=12, allow_empty=True) is None


def test_too_many_who_leave_are_refused_until_it_is_forced() -> None:
    assert judged(10, 5) is None
    found = judged(10, 6)
    assert found is not None
    assert found.code == "too_many_leave"
    assert found.message == "6 of 10 members (60 %) of the audience 'Buyers' would leave; at most 50 % may"
    assert "--force" in found.hint
    assert judged(10, 6, force=True) is None
    assert judged(10, 6, max_leaving=0.6) is None
    assert judged(10, 1, max_leaving=0.0) is not None
    assert judged(1, 1, entered=1) is not None
    assert judged(10, 6, allow_empty=True) is not None


def test_the_share_is_the_definitions_unless_another_is_asked_for() -> None:
    strict = msgspec.structs.replace(AUDIENCE, max_leaving=0.1)
    assert refusal(strict, compared(10, 1), 9, Options()) is None
    assert refusal(strict, compared(10, 2), 8, Options()) is not None
    assert refusal(strict, compared(10, 2), 8, Options(max_leaving=0.2)) is None


def test_a_first_sync_asks_nothing() -> None:
    assert judged(0, 0, entered=1_000_000, max_leaving=0.0) is None


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_share_that_is_reached_exactly_may_leave(before: int, hundredths: int) -> None:
    """What a person writes as 0.07 is met by 7 of 100, whatever floating point makes of their product."""
    share = float(f"{hundredths / 1000:.3f}")
    for times in (1, 3, 7):
        total = 1000 * times
        left = hundredths * times
        assert judged(total, left, rows=1, entered=1, max_leaving=share) is None
        if left < total:
            assert judged(total, left + 1, entered=1, max_leaving=share) is not None
    assert judged(before, before, entered=1, max_leaving=1.0) is None


@pytest.mark.parametrize("options", [{}, {"force": True}, {"allow_empty": True}])
def test_a_sync_in_which_nobody_leaves_goes_on(options: dict[str, bool]) -> None:
    assert judged(10, 0, **options) is None
    assert judged(10, 0, entered=5, max_leaving=0.0, **options) is None
