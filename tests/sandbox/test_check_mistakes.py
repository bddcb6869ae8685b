"""`localtalon check`: which names are taken for mistakes, what may be ignored, and what is no pass."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from check_support import CONFIG, SHOP, check, definitions, errors, findings
from localtalon.check.names import meant_by
from talon_contracts.reports.events import Report

LISTED = '["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"]'


def of(folder: Path, *traits: Any, **more: Any) -> Report:
    """The report on identifies with these traits."""
    return check(folder, events=[{"userId": "u", "traits": each} for each in traits], **more)


def judged(report: Report) -> dict[str, str]:
    return {each.rule: each.status for each in report.judged}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("address_country", "address_city"),
        ("address_county", "address_city"),
        ("first_order_at", "last_order_at"),
        ("first_seen_at", "last_seen_at"),
        ("page", "age"),
        ("emails", "email"),
        ("preferences", "preference"),
        ("county", "country"),
        ("tie", "tier"),
        ("tier_2", "tier"),
        ("tier_2", "tier_1"),
        ("tier_a", "tier"),
        ("email_2", "email"),
        ("address_line2", "address_line1"),
        ("a", "b"),
        ("__", "_"),
    ],
)
def test_another_name_is_no_mistake(name: str, known: str) -> None:
    assert meant_by(name, (known,)) == ("", "")
    assert meant_by(known, (name,)) == ("", "")


@pytest.mark.parametrize(
    ("name", "differs_in"),
    [
        ("Favourite_Tags", "case"),
        ("favouriteTags", "spelling"),
        ("favourite-tags", "spelling"),
        ("favouritetags", "spelling"),
        ("favorite_tags", "spelling"),
        ("favouritte_tags", "spelling"),
        ("favuorite_tags", "spelling"),
        ("FavouriteTagss", "spelling"),
        ("favourit_tags", "spelling"),
    ],
)
def test_a_slip_is_one(name: str, differs_in: str) -> None:
    assert meant_by(name, ("email", "favourite_tags")) == ("favourite_tags", differs_in)


@given(st.text(max_size=12), st.text(max_size=12), st.integers(0, 11))
def test_slips_go_both_ways_and_exchanged_letters_are_one(one: str, other: str, at: int) -> None:
    assert meant_by(one, (other,))[1] == meant_by(other, (one,))[1]
    word = "abcdefghijklm"
    assert meant_by(word[:at] + word[at + 1] + word[at] + word[at + 2 :], (word,)) == (word, "spelling")


def test_who_sends_both_means_both(tmp_path: Path) -> None:
    slip, both = {"emial": "x"}, {"emial": "x", "email": "x"}
    assert errors(of(tmp_path, slip)) == [("MAP-3", "/traits/emial", 1)]
    assert errors(of(tmp_path, both)) == []
    assert errors(of(tmp_path, both, slip)) == [("MAP-3", "/traits/emial", 2)]
    document = {"properties": {"emial": {"type": "string"}, "email": {"type": "string"}}}
    assert errors(check(tmp_path, plan=document)) == []
    del document["properties"]["email"]
    assert [rule for rule, _, _ in errors(check(tmp_path, plan=document))] == ["MAP-3"]


def test_what_is_let_through_cannot_be_ignored(tmp_path: Path) -> None:
    traits = {"favourite_tags": [{}], "address": {"city": "a"}, "address_city": "b", "foo": 1}
    report = of(tmp_path, {"email": "a"}, traits, ignored=("f*", "address*"))
    assert {rule for rule, _, _ in errors(report)} == {"MAP-5", "MAP-7"}
    assert "foo" not in str(findings(report))


@pytest.mark.parametrize("name", ["x[0]", "tags[]", "*", "a?", "x"])
def test_the_name_that_a_finding_says_to_ignore_is_ignored(tmp_path: Path, name: str) -> None:
    traits = {"email": "a", name: 1}
    (finding,) = findings(of(tmp_path, traits, strict=True))
    assert finding.hint.endswith((f"--ignore {name}", f"--ignore '{name}'"))
    assert of(tmp_path, traits, strict=True, ignored=(name,)).exit_code == 0


def test_a_key_that_no_attribute_can_have_is_not_to_be_defined(tmp_path: Path) -> None:
    personas = {"computation_key": "1x", "computation_class": "audience"}
    event = {"userId": "u", "context": {"personas": personas}, "traits": {"1x": True}}
    (finding,) = [f for f in findings(check(tmp_path, events=[event])) if f.rule == "ATT-1"]
    assert "[[deployment.attributes]]" not in finding.hint


def test_what_is_refused_for_different_reasons_is_told_apart(tmp_path: Path) -> None:
    restricted = 'restricted_by_suggestions = true\nsuggestions = ["a", "b"]\n'
    config = SHOP.replace('name = "favourite_tags"\n', f'name = "favourite_tags"\n{restricted}')
    values: list[Any] = [["zz"], [1], ["yy"], ["zz"], [2]]
    report = of(tmp_path, *({"favourite_tags": value} for value in values), config=config)
    told = [
        (f.message.partition(" (")[0].split(" must")[0], f.actual, f.place and f.place.line) for f in findings(report)
    ]
    assert told == [
        ("favourite_tags", '["zz"]', 1),
        ("favourite_tags is not a list of strings", "[1]", 2),
        ("favourite_tags", '["yy"]', 3),
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"anonymousId": "a", "traits": {"age": "x", "Email": "y"}},
        {"type": "identify", "user_id": "u", "traits": {"age": "x"}},
        {"userId": "u", "integrations": {"All": False}, "traits": {"age": "x"}},
        {"userId": "u", "traits": {}},
        {"userId": "u"},
        {"userId": "u", "traits": {"shoe_size": 41}},
    ],
    ids=str,
)
def test_what_was_never_held_against_a_rule_proves_nothing(tmp_path: Path, event: dict[str, Any]) -> None:
    report = check(tmp_path, events=[event])
    assert report.exit_code == 2
    assert (judged(report)["ATT-2"], judged(report)["EVENTS"]) == ("unjudged", "kept")
    assert judged(report)["MAP-3"] == ("kept" if "shoe_size" in str(event) else "unproven")
    good = {"userId": "u", "traits": {"email": "a"}}
    report = check(tmp_path, events=[good, event])
    assert report.exit_code == 0
    assert {each.rule: each.cases for each in report.judged}["MAP-5"] == (2 if "shoe_size" in str(event) else 1)


def test_a_key_as_code_has_it_is_named(tmp_path: Path) -> None:
    report = check(tmp_path, events=[{"type": "identify", "user_id": "u"}, {"anonymousId": "a"}])
    assert ["user_id" in finding.hint for finding in findings(report)] == [True, False]


@pytest.mark.parametrize(("kind", "found"), [("Identify", "error"), ("module", "warning"), ("track", ""), ("page", "")])
def test_a_type_that_no_library_sends_is_told(tmp_path: Path, kind: str, found: str) -> None:
    good = {"userId": "u", "traits": {"email": "a"}}
    report = check(tmp_path, events=[good, {"type": kind, "userId": "u", "traits": {"age": "x"}}])
    told = [(f.severity, f.rule, f.place and (f.place.pointer, f.place.line)) for f in findings(report)]
    assert told == ([(found, "EVENTS", ("/type", 2))] if found else [])
    assert report.exit_code == (found == "error")


def test_a_deployment_elsewhere_is_not_judged_by_the_demo(tmp_path: Path) -> None:
    for port, code in ((9999, 2), (8900, 0)):
        own = f'[destination]\napplication_domain = "127.0.0.1:{port}"\ncustom_attributes = ["email"]\n'
        assert of(tmp_path, {"email": "a"}, config=own).exit_code == code
    config = CONFIG.replace(LISTED, '["email"]') + definitions({"email": "string"})
    config = config.replace("[destination]\n", '[destination]\napplication_domain = "127.0.0.1:9999"\n')
    assert of(tmp_path, {"email": "a"}, config=config).exit_code == 0
