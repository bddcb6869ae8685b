"""Profile updates against a dict as the model: patch, null deletes, one wrong value refuses all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator_support import SEED, pure
from talon_emulator import seed
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import EMPTY, State
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Profile, update_profile

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STATE = seed.apply(EMPTY, SEED, "2030-01-01T00:00:00.000000Z")
assert isinstance(STATE, State)
DEFINITIONS = Definitions("CustomerProfile", STATE.attributes)

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
