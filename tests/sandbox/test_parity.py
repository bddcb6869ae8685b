"""Each probe sees each choice, the emulator agrees with itself, and whatever is made is removed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from emulator_support import Emulator, running
from localtalon.parity import ENTRIES, RULE_CHECKS, Comparison
from parity_support import (
    ENVIRONMENT,
    PREPARED,
    SEED,
    WITHOUT_LIMITS,
    Alter,
    AlteringRelay,
    FixedWindows,
    attributes,
    audiences,
    command,
    customers,
    deployment,
    prepared,
    relayed,
    started,
    wish,
)
from talon_contracts.parity import PROBES
from talon_contracts.parity.observation import Seen, Unknown, Unlike, observe
from talon_contracts.reports.events import Report, collected
from talon_emulator.assumptions import BY_ID, DEFAULTS, TABLE
from talon_emulator.settings import Settings

SLOW = {"window-of-a-limit", "client-of-a-limit", "LIM-1 at Talon.One"}
OTHERS = [(each.id, choice) for each in TABLE for choice in [*each.choices][1:]]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(WITHOUT_LIMITS) as made:
        yield made


@pytest.fixture(scope="module")
def relay_there(emulator: Emulator) -> Iterator[tuple[str, AlteringRelay]]:
    with relayed(emulator.url) as there:
        yield there


def test_every_assumption_has_a_probe_and_every_rule_of_talon_one_is_compared() -> None:
    assert PROBES.keys() == BY_ID.keys()
    assert {check.rule for check in RULE_CHECKS.values()} >= {"ATT-1", "ATT-2", "ATT-4", "KEY-1"}
    assert len(ENTRIES) == len(RULE_CHECKS) + len(TABLE)


@pytest.mark.parametrize(("assumption", "choice"), OTHERS)
def test_another_choice_is_seen(emulator: Emulator, tmp_path: Path, assumption: str, choice: str) -> None:
    name, keys = deployment(emulator.client, {"assumptions": {assumption: choice}})
    with prepared(wish(emulator.url, tmp_path), keys) as found:
        assert observe(PROBES[assumption], found.ground) == Seen(choice)
    emulator.client.delete(f"/_emulator/deployments/{name}")


def replaced(old: bytes, new: bytes) -> Alter:
    return lambda method, path, headers, status, body: (status, re.sub(old, new, body))


def answered(begins: str, method: str, status: int) -> Alter:
    """Every such request with a status of our own."""

    def alter(given: str, path: str, headers: dict[str, str], as_it_was: int, body: bytes) -> tuple[int, bytes]:
        return (status, b"{}") if given == method and path.startswith(begins) else (as_it_was, body)

    return alter


def believing_the_name(method: str, path: str, headers: dict[str, str], status: int, body: bytes) -> tuple[int, bytes]:
    return (404, b"{}") if headers.get("destination-hostname", "").startswith("localtalon-parity") else (status, body)


UNLIKE: dict[str, Alter] = {
    "refusal-texts": replaced(rb"Invalid API key", rb"Who are you?"),
    "type-wording": replaced(rb"is not a number", rb"should be a number"),
    "session-pointers": replaced(rb"/cartItems/0", rb"/customerSession/cartItems/0"),
    "third-party-errors": replaced(rb'"Error":".*","Req', rb'"Error":{"message":"localtalon"},"Req'),
    "location-order": replaced(rb"5, 120.5", rb"120.5, 5"),
    "deleting-an-attribute": answered("/v1/attributes/", "DELETE", 404),
    "window-of-a-limit": FixedWindows("/v1/applications/1", 3, lambda headers: ""),
    "client-of-a-limit": FixedWindows(
        "/segment/v2/customer_profiles/audiences", 20, lambda headers: headers["authorization"]
    ),
    "largest-body": answered("/v2/customer_profiles/", "PUT", 413),
    "named-deployment": believing_the_name,
    "first-activity": replaced(rb'"lastActivity":"2', rb'"lastActivity":"1'),
    "hidden-customer": answered("/v1/customer_profiles/", "GET", 404),
    "event-of-an-update": replaced(rb'\{"effects"', rb'{"event":{"id":1},"effects"'),
    "wrong-sign-in": answered("/v1/sessions", "POST", 404),
}


def test_the_answers_that_the_emulator_cannot_give_are_tried_for_all_that_have_no_choice() -> None:
    assert UNLIKE.keys() == {each.id for each in TABLE if len(each.choices) == 1}


@pytest.mark.parametrize("assumption", UNLIKE)
def test_another_answer_is_seen(relay_there: tuple[str, AlteringRelay], tmp_path: Path, assumption: str) -> None:
    url, relay = relay_there
    with prepared(wish(url, tmp_path), ENVIRONMENT) as found:
        kept, relay.alter = relay.alter, UNLIKE[assumption]
        try:
            assert isinstance(observe(PROBES[assumption], found.ground), Unlike)
        finally:
            relay.alter = kept


def compared(emulator: Emulator, folder: Path, entries: tuple[str, ...], **assumed: str) -> Report:
    wished = wish(emulator.url, folder)
    with prepared(wished, ENVIRONMENT) as found:
        comparison = Comparison(
            found.ground,
            wished.manifest,
            {**DEFAULTS, **assumed},
            entries,
            found.paces,
            "0",
            seed=1,
            cases=5,
            prefix="ci-",
        )
        return collected(comparison.events())


def test_the_emulator_agrees_with_itself_and_nothing_stays(tmp_path: Path) -> None:
    with running(WITHOUT_LIMITS) as emulator:
        report = compared(emulator, tmp_path, tuple(entry for entry in ENTRIES if entry not in SLOW))
        assert {judged.check: judged.reason for judged in report.judged if judged.status != "kept"} == {}
        touched = {name for entry in emulator.journal("?limit=1000") for name in entry["integrationIds"]}
        assert audiences(emulator) == []
        assert {name for name, held in customers(emulator).items() if held} == set()
        assert all(name.startswith("localtalon_parity_") for name in attributes(emulator))
        (kept,) = emulator.client.get("/_emulator/deployments").json()["deployments"]
        assert kept["deployment"] == "demo"
    assert report.exit_code == 0
    assert len(touched) > 30
    assert all(name.startswith("ci-") for name in touched)
    told = "\n".join(report.ended.notes)
    assert re.search(r"deleted the data of \d+ customers \(ci-[0-9a-f]{8}-\*\); the IDs stay", told)
    assert re.search(r"made \d+ attributes that nothing uses again", told)
    assert "deleted 10 audiences: 1, 2, 3" in told
    assert "localtalon_parity_1_text" in told
    assert list(tmp_path.iterdir()) == []


def test_a_difference_comes_with_the_line_that_ends_it(emulator: Emulator, tmp_path: Path) -> None:
    report = compared(emulator, tmp_path, ("null-value",), **{"null-value": "keep"})
    (judged,) = report.judged
    assert judged.status == "broken"
    assert judged.findings[0].message == "the emulator does 'keep', this deployment does 'delete'"
    assert 'null-value = "delete" under [emulator.assumptions]' in judged.findings[0].hint
    assert (judged.findings[0].expected, judged.findings[0].actual) == ("nothing happens to it", "the value is deleted")


@pytest.mark.parametrize(
    ("assumption", "missing", "needs"),
    [
        ("unsubscribed-attribute", "", "--other-application"),
        ("attributes-of-applications", "", "--other-application"),
        ("platform-key-on-the-deployment", "LOCALTALON_SEGMENT_KEY", "LOCALTALON_SEGMENT_KEY"),
        ("inferred-time", "LOCALTALON_SEGMENT_KEY", "LOCALTALON_SEGMENT_KEY"),
    ],
)
def test_what_is_not_given_leaves_unknown_what_needs_it(
    emulator: Emulator, tmp_path: Path, assumption: str, missing: str, needs: str
) -> None:
    name, keys = deployment(emulator.client, {})
    given = {key: value for key, value in {"LOCALTALON_SECOND_SEGMENT_KEY": "x", **keys}.items() if key != missing}
    with prepared(wish(emulator.url, tmp_path, other_application=None), given) as found:
        seen = observe(PROBES[assumption], found.ground)
    assert isinstance(seen, Unknown)
    assert f"needs {needs}" in seen.reason
    emulator.client.delete(f"/_emulator/deployments/{name}")


def test_it_is_the_emulator_of_the_config_that_is_compared(tmp_path: Path) -> None:
    (tmp_path / "localtalon.toml").write_text('[emulator.assumptions]\nnull-value = "keep"\n')
    codes = []
    for assumed in ({"null-value": "keep"}, {}):
        seed = msgspec.structs.replace(PREPARED, assumptions=assumed)
        with running(Settings(deployment=seed, limits="off")) as emulator:
            with started(tmp_path, command(emulator.url, "--yes", "--only", "null-value")) as process:
                process.communicate(timeout=60)
            codes.append(process.returncode)
    assert codes == [0, 1]


def test_the_command_tells_it_as_json_and_uses_its_attributes_again(tmp_path: Path) -> None:
    with running(Settings(deployment=SEED, limits="off")) as emulator:
        told: list[Any] = []
        for _ in range(2):
            line = command(emulator.url, "--yes", "--json", "--only", "null-value", "--only", "inferred-time")
            run = started(tmp_path, line)
            out, complaint = run.communicate(timeout=60)
            assert run.returncode == 0, complaint
            told.append(json.loads(out))
    assert ["made attributes" in json.dumps(each) for each in told] == [True, False]
    assert [each["check"] for each in told[0]["checks"]] == ["null-value", "inferred-time"]
