"""Profile updates against a dict as the model: patch, null deletes, one wrong value refuses all."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import SEED, pure
from talon_emulator import seed
from talon_emulator.assumptions import DEFAULTS
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import EMPTY, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import MAX_ID_LENGTH, Profile, erase, member, move, patch, sell, update_profile

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STATE = seed.apply(EMPTY, SEED, "2030-01-01T00:00:00.000000Z")
assert isinstance(STATE, State)
ATTRIBUTES = STATE.attributes
DEFINITIONS = Definitions("CustomerProfile", ATTRIBUTES)

good = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.text(),
        "number": st.none() | st.integers() | st.decimals("-1e300", "1e300"),
        "flag": st.none() | st.booleans(),
        "texts": st.none() | st.lists(st.text(), max_size=3),
    },
)
bad = st.dictionaries(st.sampled_from(["unknown", "Text", "flag "]), st.none() | st.integers(), min_size=1)


def update(stored: Profile | None, changes: dict[str, Any], active: bool = False) -> Profile | Refusal:
    return update_profile(stored, "user", changes, DEFINITIONS, LATER if stored else NOW, active)


@pure
@given(st.lists(st.tuples(good, st.one_of(st.just({}), bad))))
def test_a_history_ends_where_a_dict_ends(history: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    profile: Profile | None = None
    model: dict[str, Any] = {}
    for values, wrong in history:
        outcome = update(profile, values | wrong)
        if wrong:
            assert isinstance(outcome, Refusal)
            assert [problem.source["pointer"] for problem in outcome.errors] == [
                f"/attributes/{name}" for name in sorted(wrong)
            ]
            continue
        assert isinstance(outcome, Profile)
        profile = outcome
        model = {name: value for name, value in (model | values).items() if value is not None}
        assert profile.values() == model


def test_creation_sets_both_times() -> None:
    profile = update(None, {"text": "a", "flag": None})
    assert isinstance(profile, Profile)
    assert profile == Profile(0, "user", "2030-01-01T00:00:00.000000Z", "2030-01-01T00:00:00.000000Z", b'{"text":"a"}')


def test_only_an_active_update_moves_the_last_activity() -> None:
    stored = update(None, {})
    assert isinstance(stored, Profile)
    quiet, active = update(stored, {"flag": True}), update(stored, {}, active=True)
    assert isinstance(quiet, Profile)
    assert isinstance(active, Profile)
    assert quiet.last_activity == stored.last_activity
    assert active.last_activity == "2030-01-01T01:00:00.000000Z"
    assert active.created == stored.created


def test_an_update_without_effect_returns_the_stored_value_itself() -> None:
    stored = update(None, {"text": "a"})
    assert isinstance(stored, Profile)
    assert update(stored, {}) is stored


def test_restricted_values_are_refused() -> None:
    outcome = update(None, {"tier": "tin"})
    assert isinstance(outcome, Refusal)
    assert outcome.errors[0].title == "enum"


# What an update leaves alone


HELD = Profile(
    5,
    "user",
    "2020-01-01T00:00:00.000000Z",
    "2021-01-01T00:00:00.000000Z",
    b'{"number":1.10,"text":"a"}',
    (2, 7),
    hidden=True,
    environment="live",
    closed_sessions=3,
    total_sales=b"12.50",
)


def test_a_patch_keeps_all_that_it_does_not_name() -> None:
    changed = update(HELD, {"text": None, "flag": False, "moment": None})
    attributes = b'{"number":1.10,"flag":false}'
    assert changed == msgspec.structs.replace(HELD, attributes=attributes, hidden=False)


def test_a_hidden_profile_is_shown_by_the_first_update() -> None:
    assert update(HELD, {}) == msgspec.structs.replace(HELD, hidden=False)


def test_a_patch_is_quiet_unless_told() -> None:
    visible = msgspec.structs.replace(HELD, hidden=False)
    assert patch(visible, "user", {}, LATER) is visible
    assert patch(visible, "user", {"flag": True}, LATER).last_activity == HELD.last_activity


def test_a_new_profile_is_nobody_yet() -> None:
    profile = update(None, {})
    assert isinstance(profile, Profile)
    others = (profile.audiences, profile.hidden, profile.environment, profile.closed_sessions, profile.total_sales)
    assert others == ((), False, "sandbox", 0, b"0")
    assert Profile(0, "user", "", "").values() == {}
    assert MAX_ID_LENGTH == 1000


def test_values_are_read_as_they_are_meant() -> None:
    assumed = {**DEFAULTS, "null-value": "keep"}
    keeping = Definitions("CustomerProfile", ATTRIBUTES, assumed)
    kept = update_profile(HELD, "user", {"text": None}, keeping, LATER, False)
    assert isinstance(kept, Profile)
    assert kept.values() == HELD.values()


# Audiences


numbers = st.lists(st.integers(1, 6), max_size=5)


@pure
@given(numbers, numbers, numbers, st.none() | st.booleans())
@example([1], [2, 3], [1, 3], True)
@example([1], [2, 3], [1, 3], False)
@example([1], [2, 3], [1, 3], None)
def test_who_joins_and_leaves(was: list[int], adds: list[int], deletes: list[int], joins_last: bool | None) -> None:
    profile = msgspec.structs.replace(HELD, audiences=tuple(sorted(set(was))))
    order = {} if joins_last is None else {"joins_last": joins_last}
    moved = move(profile, iter(adds), iter(deletes), **order)
    left = (set(was) - set(deletes)) | set(adds) if joins_last else (set(was) | set(adds)) - set(deletes)
    assert moved == msgspec.structs.replace(profile, audiences=tuple(sorted(left)))
    assert (moved is profile) == (left == set(was))


def test_a_member_need_not_exist_before() -> None:
    began = "2030-01-01T00:00:00.000000Z"
    assert member(None, "new", 4, True, NOW) == Profile(0, "new", began, began, audiences=(4,), hidden=True)
    assert member(None, "new", 4, False, NOW) is None
    assert member(HELD, "user", 4, True, NOW) == msgspec.structs.replace(HELD, audiences=(2, 4, 7))
    assert member(HELD, "user", 7, False, NOW) == msgspec.structs.replace(HELD, audiences=(2,))
    assert member(HELD, "user", 7, True, NOW) is HELD
    assert member(HELD, "user", 4, False, NOW) is HELD


# Sales and erasure


@pure
@given(st.lists(st.tuples(st.integers(-3, 3), st.decimals("-1e6", "1e6", places=2)), max_size=6))
@example([(1, Decimal("0.10")), (1, Decimal("0.20"))])
def test_sales_add_up_digit_for_digit(sales: list[tuple[int, Decimal]]) -> None:
    profile = HELD
    for sessions, amount in sales:
        profile = sell(profile, sessions, amount)
    assert profile.closed_sessions == 3 + sum(sessions for sessions, _ in sales)
    total = sum((amount for _, amount in sales), Decimal("12.50"))
    assert Decimal(profile.total_sales.decode()) == total
    assert b'"' not in profile.total_sales
    assert msgspec.structs.replace(profile, closed_sessions=3, total_sales=b"12.50") == HELD


def test_erasure_forgets_the_attributes_and_keeps_the_profile() -> None:
    assert erase(HELD) == msgspec.structs.replace(HELD, attributes=b"{}")
    assert erase(HELD, leaves=True) == msgspec.structs.replace(HELD, attributes=b"{}", audiences=())
    assert erase(None) == Refusal(404, "Customer profile not found")
