"""`localtalon check` on a config alone: every mistake is found under its rule, at its line, and nothing else is."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from check_support import CONFIG, SHOP, TYPES, check, definitions, errors, findings
from localtalon import computations, config_file
from localtalon.check import stream, subject
from localtalon.config import ConfigError
from talon_contracts.oracle import audience_key, audience_problem
from talon_contracts.reports.events import collected


def line(text: str, part: str) -> int:
    """The line of the last row that holds a text."""
    return max(number for number, row in enumerate(text.splitlines(), 1) if part in row)


def test_a_config_that_fits_together_is_kept(tmp_path: Path) -> None:
    report = check(tmp_path)
    assert (report.exit_code, findings(report)) == (0, [])
    assert {judged.rule: judged.cases for judged in report.judged} == {"CONFIG": 2, "ATT-1": 6, "ATT-2": 6, "ATT-3": 8}


def test_the_demo_fits_together() -> None:
    report = collected(stream.events(subject.read(None, (), False)))
    assert (report.exit_code, findings(report)) == (0, [])


@given(st.sampled_from(["email", "address_city", "favourite_tags"]), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_custom_attribute_of_another_case_is_found_and_the_right_one_named(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    index = data.draw(st.sampled_from([i for i, char in enumerate(name) if char.isalpha()]))
    written = name[:index] + name[index].upper() + name[index + 1 :]
    text = SHOP.replace(f'"{name}"', f'\n  "{written}"', 1)
    report = check(tmp_path, text)
    place = ["email", "age", "vip", "signed_up_at", "favourite_tags", "address_city"].index(name)
    assert errors(report) == [("ATT-1", f"destination.custom_attributes[{place}]", line(text, f'"{written}"'))]
    (finding,) = findings(report)
    assert f"{name!r} is, and differs in case" in finding.message
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ('[[audiences]]\nname = "Big Spenders"\n', []),
        ('[[audiences]]\nname = "30 day buyers"\n', [("AUD-3", "audiences[0].name")]),
        ('[[audiences]]\nname = "!!!"\n', [("AUD-3", "audiences[0].name")]),
        ('[[audiences]]\nname = "x"\nkey = "no-dash"\n', [("AUD-3", "audiences[0].key")]),
        ('[[audiences]]\nname = "x"\nkey = "big_spenders"\n', []),
        ('[[audiences]]\nname = "x"\nkey = "Big_spenders"\n', [("AUD-4", "audiences[0].key")]),
        ('[[audiences]]\nname = "Big spender"\n', [("AUD-4", "audiences[0].name")]),
        ('[[audiences]]\nname = "Email"\n', [("AUD-4", "audiences[0].name")]),
        (
            '[[audiences]]\nname = "Big spenders"\n[[audiences]]\nname = "big SPENDERS"\n',
            [("AUD-3", "audiences[1].name")],
        ),
        ('[[computed_traits]]\nname = "Lifetime value"\ntype = "number"\n', []),
        ('[[computed_traits]]\nname = "Lifetime value"\ntype = "string"\n', [("AUD-6", "computed_traits[0].name")]),
        ('[[computed_traits]]\nname = "Other"\ntype = "string"\n', [("AUD-6", "computed_traits[0].name")]),
        (
            '[[audiences]]\nname = "Big spenders"\n[[computed_traits]]\nname = "x"\nkey = "big_spenders"\n'
            'type = "boolean"\n',
            [("AUD-3", "computed_traits[0].key")],
        ),
    ],
)
def test_audiences_and_computed_traits(tmp_path: Path, added: str, found: list[tuple[str, str]]) -> None:
    text = f"{SHOP}\n{added}"
    report = check(tmp_path, text)
    assert [(rule, pointer) for rule, pointer, _ in errors(report)] == found
    for _, pointer, number in errors(report):
        assert text.splitlines()[number - 1].startswith(pointer.rpartition(".")[2])


@given(st.lists(st.text(max_size=12) | st.sampled_from(["Big spenders", "big  SPENDERS", "30 days"]), max_size=4))
def test_keys_are_wrong_where_the_oracle_says_so(names: list[str]) -> None:
    audiences = [computations.Audience(name) for name in names]
    found = {problem.place for problem in computations.problems(audiences, ()) if problem.of_key}
    taken: set[str] = set()
    expected = set()
    for index, name in enumerate(names):
        key = audience_key(name)
        if audience_problem(key, taken) is None:
            taken.add(key)
        else:
            expected.add(f"audiences[{index}].name")
    assert found == expected


def test_the_hint_to_define_an_audience_is_what_is_missing(tmp_path: Path) -> None:
    audience = '\n[[audiences]]\nname = "Fresh"\n'
    (finding,) = findings(check(tmp_path, SHOP + audience))
    assert '[[deployment.attributes]] with name = "fresh" and type = "boolean"' in finding.hint
    mended = SHOP + definitions({"fresh": "boolean"}) + audience
    assert findings(check(tmp_path, mended)) == []


def test_what_engage_cannot_have_is_found_at_its_key(tmp_path: Path) -> None:
    text = f"""{SHOP}
[[audiences]]
name = "Big Spenders"
every = "sometimes"
source = "buyers.csv"
query = "select 1"

[[audiences]]
name = "Other"
key = "vip"
id = "big_spenders"
every = "2h"

[[computed_traits]]
name = "Home"
type = "string"
id = "a b"
source = "postgresql://user:secret@host/name"
"""
    report = check(tmp_path, text + definitions({"home": "string"}))
    found = [(finding.rule, finding.place.pointer) for finding in findings(report) if finding.place is not None]
    assert sorted(found) == [
        ("CONFIG", "audiences[0].every"),
        ("CONFIG", "audiences[0].query"),
        ("CONFIG", "audiences[1].every"),
        ("CONFIG", "audiences[1].id"),
        ("CONFIG", "computed_traits[0].id"),
        ("CONFIG", "computed_traits[0].source"),
    ]
    assert not any("secret" in finding.message + finding.hint for finding in findings(report))


def test_a_start_refuses_a_key_and_names_the_audience(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    path.write_text(f'{SHOP}\n[[audiences]]\nname = "30 day buyers"\n', "utf-8")
    config = config_file.load(path, {})
    assert config.warnings("http://127.0.0.1:8900") == []
    with pytest.raises(ConfigError, match=r"audience '30 day buyers': .* 30_day_buyers: .*\(AUD-3\)"):
        config.computations()


def test_definitions_that_cannot_be_are_found_beside_each_other(tmp_path: Path) -> None:
    text = SHOP + definitions({"1st": "string"}) + definitions({"email": "string"}) + definitions({"née": "string"})
    text += '\n[[deployment.attributes]]\nname = "other"\ntitle = "email"\ntype = "string"\n'
    report = check(tmp_path, text)
    assert [(rule, pointer) for rule, pointer, _ in errors(report)] == [
        ("ATT-3", "deployment.attributes[8].name"),
        ("ATT-3", "deployment.attributes[9].name"),
        ("ATT-3", "deployment.attributes[10].name"),
        ("ATT-3", "deployment.attributes[11].title"),
    ]
    assert [text.splitlines()[number - 1] for _, _, number in errors(report)] == [
        'name = "1st"',
        'name = "email"',
        'name = "née"',
        'title = "email"',
    ]


@given(st.text(min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_custom_attribute_that_no_definition_can_have_is_named(tmp_path: Path, name: str) -> None:
    assume(name not in TYPES and "\\" not in name and '"' not in name and name.isprintable())
    report = check(tmp_path, SHOP.replace('"email"', f'"{name}", "email"', 1))
    possible = name.isascii() and name[0].isalpha() and name.replace("_", "a").isalnum()
    assert ("ATT-1" if possible else "ATT-3", "destination.custom_attributes[0]", 2) in errors(report)


def test_twins_and_locations_are_warnings(tmp_path: Path) -> None:
    text = CONFIG.replace('"email"', '"email", "Email", "email", "home"')
    text += definitions({**TYPES, "Email": "string", "home": "location"})
    report = check(tmp_path, text)
    assert report.exit_code == 0
    assert [(f.rule, f.severity, f.place.pointer) for f in findings(report) if f.place is not None] == [
        ("ATT-2", "warning", "destination.custom_attributes[3]"),
        ("ATT-3", "warning", "deployment.attributes[8].name"),
        ("ATT-3", "warning", "destination.custom_attributes[1]"),
        ("ATT-3", "warning", "destination.custom_attributes[0]"),
    ]


@pytest.mark.parametrize(
    ("text", "rule", "pointer"),
    [
        (SHOP.replace("custom_attributes", "# "), "CONFIG", "destination.custom_attributes"),
        (f"[bridge]\nlease = 1\n{SHOP}", "CONFIG", "bridge.lease"),
        (SHOP.replace("key = ", 'key = "a1a1a1a1" }, { title = "x", key = '), "CONFIG", "deployment.applications[0]"),
        (
            SHOP.replace("[deployment]", "[deployment]\nassumptions = { no = 'way' }"),
            "CONFIG",
            "deployment.assumptions",
        ),
    ],
)
def test_settings_that_nothing_can_start_with_are_findings(tmp_path: Path, text: str, rule: str, pointer: str) -> None:
    report = check(tmp_path, text)
    ((found_rule, found_pointer, _),) = errors(report)
    assert found_rule == rule
    assert found_pointer.startswith(pointer)
    assert report.exit_code == 1


def test_without_the_definitions_of_a_deployment_nothing_is_said_to_be_kept(tmp_path: Path) -> None:
    text = (
        '[destination]\napplication_domain = "https://shop.talon.one"\napi_key = "k"\ncustom_attributes = ["email"]\n'
    )
    report = check(tmp_path, text, [{"userId": "u", "traits": {"email": "a"}}])
    assert report.exit_code == 2
    for judged in report.judged:
        assert judged.status == ("kept" if judged.rule in ("CONFIG", "ATT-3") else "unjudged")
        assert judged.status == "kept" or "localtalon attributes pull" in judged.reason


def test_a_secret_that_is_not_in_the_file_is_a_warning(tmp_path: Path) -> None:
    """CI has the file and no keys."""
    text = SHOP.replace("[destination]", '[destination]\napplication_domain = "https://shop.talon.one"')
    text = f'[emulator]\nhost = "0.0.0.0"\n{text}'
    report = check(tmp_path, text, [{"userId": "u", "traits": {"vip": "true"}}])
    assert errors(report) == [("ATT-2", "/traits/vip", 1)]
    assert [f.message.partition(" ")[0] for f in findings(report) if f.severity == "warning"] == [
        "the",
        "destination.api_key",
    ]


def test_keys_that_differ_in_case_only_are_a_warning(tmp_path: Path) -> None:
    text = SHOP + definitions({"Vips": "boolean", "vips": "boolean"})
    text += '\n[[audiences]]\nname = "a"\nkey = "Vips"\n\n[[audiences]]\nname = "VIPs"\n'
    found = {(f.rule, f.severity, f.place.pointer) for f in findings(check(tmp_path, text)) if f.place is not None}
    assert found == {("AUD-3", "warning", "audiences[1]"), ("ATT-3", "warning", "deployment.attributes[9].name")}


def test_an_attribute_of_another_entity_is_told(tmp_path: Path) -> None:
    text = f'{SHOP}entity = "CustomerSession"\n'.replace('"email"', '"lifetime_value", "email"', 1)
    (finding,) = findings(check(tmp_path, text))
    assert finding.rule == "ATT-1"
    assert "it is on CustomerSession" in finding.message
