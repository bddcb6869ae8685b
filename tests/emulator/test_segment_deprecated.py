"""Segment's deprecated profile updates: they make attributes and audiences that are not there, the current never do."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import over_http
from thirdparty_support import Platform, platforms, refused

TOLD = "The submitted data was invalid: "


@pytest.fixture(scope="module")
def shared() -> Iterator[Platform]:
    with platforms() as served:
        yield served["segment"]


@pytest.fixture
def segment(shared: Platform) -> Platform:
    shared.emulator.reset()
    return shared


def defined(segment: Platform, entity: str = "CustomerProfile") -> dict[str, str]:
    answer = segment.emulator.manage("GET", f"/v1/attributes?entity={entity}")
    return {attribute["name"]: attribute["type"] for attribute in answer.json()["data"]}


def old(segment: Platform, attributes: Any = None, version: str = "", **members: Any) -> httpx.Response:
    return segment.put(f"customer_profile{version}/u", {"attributes": attributes, **members})


VALUES: dict[str, tuple[Any, str]] = {
    "a_text": ("a", "string"),
    "a_moment": ("2030-01-31T00:00:00Z", "string"),
    "a_number": (1.50, "number"),
    "a_flag": (False, "boolean"),
    "a_place": ({"format": "point", "object": "5, 7.2"}, "location"),
    "some_texts": (["a", "2030-01-31T00:00:00Z"], "(list string)"),
    "some_numbers": ([1, 2.5], "(list number)"),
    "some_places": ([{"format": "point", "object": "5, 7.2"}], "(list location)"),
    "nothing_yet": ([], "(list string)"),
}


@pytest.mark.parametrize("version", ["", "_v2"])
def test_attributes_are_made_with_the_type_of_their_value(segment: Platform, version: str) -> None:
    before = defined(segment)
    values = {name: value for name, (value, _) in VALUES.items()}
    answer = old(segment, {**values, "gone": None, "text": "known"}, version)
    assert answer.status_code == 200
    made = {name: kind for name, (_, kind) in VALUES.items()}
    assert defined(segment) == before | made
    shown = answer.json()
    assert {each["name"]: each["type"] for each in shown["createdAttributes"]} == made
    assert shown["customerProfile"]["attributes"] == {**values, "text": "known"}
    again = old(segment, values, version)
    assert again.json()["createdAttributes"] == []


def test_the_type_may_be_said(segment: Platform) -> None:
    infos = [{"name": "when", "type": "time"}, {"name": "text", "type": "number"}, {"name": "unsent", "type": "number"}]
    moment = "2030-01-31T00:00:00Z"
    answer = old(segment, {"when": moment, "text": "known"}, attributesInfo=[*infos, {}, {"name": "x"}])
    assert answer.status_code == 200
    assert defined(segment)["when"] == "time"
    assert "unsent" not in defined(segment)
    refused(
        old(segment, {"other": False}, attributesInfo=[{"name": "other", "type": "string"}]),
        400,
        f'{TOLD}Value of "other" attribute (false) is not a string',
    )
    assert "other" not in defined(segment)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"30_day_buyers": True}, r"name does not match pattern ^[A-Za-z]\w*$"),
        ({"flags": [True]}, "no attribute type takes such a value"),
        ({"mixed": [1, "a"]}, "no attribute type takes such a value"),
        ({"nested": {"a": 1}}, "no attribute type takes such a value"),
        ({"nested": [["a"]]}, "no attribute type takes such a value"),
        ({"number": "a"}, 'Value of "number" attribute (a) is not a number'),
    ],
)
def test_a_value_that_no_attribute_could_take_makes_nothing(segment: Platform, attributes: Any, error: str) -> None:
    before = defined(segment)
    refused(old(segment, {"fine": 1, **attributes}), 400, TOLD + error)
    refused(
        old(segment, {"fine": 1, **attributes}, "_v2", audiencesChanges={"adds": [{"name": "a"}]}), 400, TOLD + error
    )
    assert defined(segment) == before
    assert segment.emulator.attributes("u") is None
    refused(segment.send("DELETE", "audiences/a"), 404, "Not Found")


def test_the_current_update_never_makes_anything(segment: Platform) -> None:
    before = defined(segment)
    assert segment.update("u", attributes={"later": 1}).status_code == 400
    assert segment.put("v2/customer_profiles/u?skipNonExistingAttributes=true", {"attributes": {"later": 1}}).is_success
    assert defined(segment) == before


def test_audiences_of_the_first_version_have_to_be_there(segment: Platform) -> None:
    number = segment.audience("first")
    assert old(segment, {}, audiencesChanges={"adds": [number]}).status_code == 200
    assert segment.memberships("u") == []
    answer = old(segment, {}, audiencesChanges={"adds": [number]}, runRuleEngine=True)
    assert answer.json()["customerProfile"]["audienceMemberships"] == [{"id": number, "name": "an audience"}]
    refused(
        old(segment, {"later": 1}, audiencesChanges={"adds": [99]}, runRuleEngine=True),
        400,
        f"{TOLD}The audience with the ID 99 does not exist",
    )
    assert "later" not in defined(segment)


def test_audiences_of_the_second_version_are_made_renamed_or_left_as_they_are(segment: Platform) -> None:
    known, odd = segment.audience("known", "Known"), segment.audience("odd id", "Odd")
    adds = [
        {"name": "Known", "integrationId": "known"},
        {"name": "Odder", "integrationId": "odd id"},
        {"name": "My Travel audience1"},
        {"name": "Sea", "integrationId": "by the séa"},
    ]
    changes = {"adds": adds, "deletes": [{"name": "Land"}]}
    answer = old(segment, {"text": "a"}, "_v2", audiencesChanges=changes, runRuleEngine=True)
    assert answer.status_code == 200
    shown = [(each["name"], each["integrationId"], each["status"]) for each in answer.json()["audiences"]]
    assert shown == [
        ("Known", "known", "unmodified"),
        ("Odder", "odd id", "updated"),
        ("My Travel audience1", "My_Travel_audience1", "new"),
        ("Sea", "by_the_s_a", "new"),
        ("Land", "Land", "new"),
    ]
    assert segment.memberships("u") == [known, odd, 3, 4]
    again = old(segment, {}, "_v2", audiencesChanges={"adds": [], "deletes": adds}, runRuleEngine=True)
    assert {each["status"] for each in again.json()["audiences"]} == {"unmodified"}
    assert segment.memberships("u") == []


def test_without_the_rule_engine_audiences_are_made_and_nobody_joins(segment: Platform) -> None:
    answer = old(segment, None, "_v2", audiencesChanges={"adds": [{"name": "Sea"}]})
    assert [each["status"] for each in answer.json()["audiences"]] == ["new"]
    assert segment.memberships("u") == []
    nothing: dict[str, Any] = {"adds": []}
    for empty in (None, nothing):
        assert old(segment, {}, "_v2", audiencesChanges=empty).json()["audiences"] == []
    assert old(segment, {}, "_v2", audiencesChanges={"adds": [{"integrationId": "a"}]}).status_code == 400
    assert segment.put("customer_profile_v2/" + "u" * 1001, {"attributes": {"later": 1}}).status_code == 400
    assert "later" not in defined(segment)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@over_http
@given(st.dictionaries(st.sampled_from(["aa", "bb", "text", "9x", "c.c"]), JSON, max_size=4))
def test_whatever_is_sent_is_stored_whole_or_refused_whole(shared: Platform, attributes: dict[str, Any]) -> None:
    shared.emulator.reset()
    before = defined(shared)
    answer = old(shared, attributes, "_v2")
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert (defined(shared), shared.emulator.attributes("u")) == (before, None)
    else:
        sent = {name: value for name, value in attributes.items() if value is not None}
        assert shared.emulator.attributes("u") == sent
