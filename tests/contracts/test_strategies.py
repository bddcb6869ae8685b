"""The strategies draw what they promise."""

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from contracts_support import DEFINITIONS, SETTINGS
from talon_contracts.checks import CHECKS, Check
from talon_contracts.exact_json import Json
from talon_contracts.strategies import Case, names_of
from talon_contracts.strategies.case import Draft
from talon_contracts.strategies.names import near_misses
from talon_contracts.strategies.values import fitting, lists_with_structure, numbers, plain, unfitting
from talon_contracts.value_types import accepts_value
from talon_contracts.views import view_case

NAMES = names_of(SETTINGS, DEFINITIONS)
OF_CASES = [check for check in CHECKS.values() if check.view is view_case]
TYPES = ("string", "number", "boolean", "time", "(list string)", "(list number)", "(list time)")


@pytest.mark.parametrize("attribute_type", TYPES)
@given(data=st.data())
def test_values_fit_or_do_not(attribute_type: str, data: st.DataObject) -> None:
    assert accepts_value(attribute_type, data.draw(plain(attribute_type)))
    assert accepts_value(attribute_type, data.draw(fitting(attribute_type)))
    wrong = data.draw(unfitting(attribute_type))
    assert wrong is not None
    assert not accepts_value(attribute_type, wrong)


@given(lists_with_structure())
def test_lists_with_structure_hold_some(value: Json) -> None:
    assert isinstance(value, list)
    assert any(isinstance(item, dict | list) for item in value)


@given(numbers())
def test_numbers_stay_in_the_double_range(number: Json) -> None:
    assert abs(float(str(number))) < 1e300


def test_ways_are_all_ways_and_near_misses_are_none() -> None:
    assert set(NAMES.ways["signed_up_at"]) == {
        ("signed_up_at",),
        ("signed", "up_at"),
        ("signed_up", "at"),
        ("signed", "up", "at"),
    }
    for name, ways in NAMES.ways.items():
        assert {"_".join(way) for way in ways} == {name}
        assert name not in {"_".join(path) for path in near_misses(name)}
    assert not {"_".join(path) for path, _ in NAMES.near} & DEFINITIONS.keys()
    assert not {"_".join(path) for path in NAMES.strangers} & DEFINITIONS.keys()


@pytest.mark.parametrize("check", OF_CASES, ids=lambda check: check.name)
@given(data=st.data())
def test_cases_keep_to_their_tag(check: Check, data: st.DataObject) -> None:
    case = data.draw(check.strategy(NAMES))
    events = case.events("tag-1")
    assert len(events) == len(case.drafts)
    assert len({str(event["messageId"]) for event in events}) == len(events)
    assert case.whole is not None or "tag-1" in case.user_id("tag-1")
    mine = [event for draft, event in zip(case.drafts, events, strict=True) if not draft.of_namesake]
    assert {event.get("userId") for event in mine} <= {case.user_id("tag-1"), None, ""}
    assert all("tag-1" in str(event["userId"]) for event in events if event not in mine)
    assert case.user_id("tag-1") != case.user_id("tag-2") or case.whole in (".", "..")


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_every_feature_of_a_check_can_be_drawn(check: Check) -> None:
    missing = dict(check.features)

    def shows_the_rest(case: object) -> bool:
        view = check.view(case, SETTINGS, DEFINITIONS)
        for name in [name for name, feature in missing.items() if feature.shows(view)]:
            del missing[name]
        return not missing

    found = find(check.strategy(NAMES), shows_the_rest, settings=settings(phases=[Phase.generate], max_examples=2000))
    assert found, missing


def test_ids_are_padded_to_their_length() -> None:
    case = Case((Draft({"traits": {}}, user="null"),), before="<", after=">", length=10)
    assert case.user_id("tag") == "<tagxxxxx>"
    assert case.events("tag") == [{"type": "identify", "messageId": "tag0", "traits": {}, "userId": None}]
