"""A comparison touches nothing but what is named, asks first, and cleans up behind itself, whatever ends it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts_support import serving
from emulator_support import Emulator, running
from localtalon.cli import main
from localtalon.parity import ENTRIES, entries_at
from localtalon.parity_command import parity
from parity_support import (
    ENVIRONMENT,
    KEY,
    LIVE_KEY,
    MANAGEMENT_KEY,
    OTHER_KEY,
    PREPARED,
    WITHOUT_LIMITS,
    arguments,
    audiences,
    command,
    customers,
    prepared,
    relayed,
    started,
    wish,
)
from talon_contracts.parity import PROBES
from talon_contracts.parity.bench import bench_on
from talon_contracts.parity.observation import Unknown, observe
from talon_contracts.targets import CannotJudge
from talon_emulator.settings import Settings

NO_DEPLOYMENT = "http://127.0.0.1:9"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with running(Settings(deployment=PREPARED, limits="off")) as made:
        yield made


def run(folder: Path, line: list[str], **environment: str | None) -> Result:
    """The command in this process; nothing of it goes on to the comparison itself."""
    named = ["--manifest", str(folder / "manifest")]
    return CliRunner().invoke(main, [*line, *named], env={**ENVIRONMENT, **environment})


def untouched(emulator: Emulator) -> bool:
    """Whether nothing was made and nothing was changed."""
    written = [each for each in emulator.journal("?limit=1000") if each["method"] != "GET"]
    return written == [] and customers(emulator) == {}


@pytest.mark.parametrize(
    ("more", "environment", "complaint"),
    [
        ((), {"LOCALTALON_API_KEY": None}, "LOCALTALON_API_KEY is not set"),
        ((), {"LOCALTALON_MANAGEMENT_KEY": None}, "LOCALTALON_MANAGEMENT_KEY is not set"),
        ((), {"LOCALTALON_MANAGEMENT_KEY": KEY}, "give a Management API key in LOCALTALON_MANAGEMENT_KEY"),
        ((), {"LOCALTALON_API_KEY": MANAGEMENT_KEY}, "does not know the key in LOCALTALON_API_KEY"),
        ((), {"LOCALTALON_API_KEY": "a b"}, "LOCALTALON_API_KEY cannot be sent"),
        ((), {"LOCALTALON_API_KEY": OTHER_KEY}, "belongs to Application 2"),
        ((), {"LOCALTALON_API_KEY": LIVE_KEY}, "belongs to Application 7"),
        (("--application", "7"), {"LOCALTALON_API_KEY": LIVE_KEY}, "is of the live environment"),
        (("--application", "5"), {}, "has no Application 5"),
        (("--prefix", ""), {}, "the prefix '' must be"),
        (("--prefix", "a/b"), {}, "the prefix 'a/b' must be"),
        (("--only", "nul-value"), {}, "did you mean 'null-value'?"),
        (("--deployment", "localhost:8900"), {}, "is no URL"),
        (("--deployment", NO_DEPLOYMENT), {}, f"no deployment answers at {NO_DEPLOYMENT}"),
        ((), {"LOCALTALON_THIRDPARTY_URL": "segment"}, "LOCALTALON_THIRDPARTY_URL 'segment' is no URL"),
    ],
)
def test_what_cannot_be_compared_is_left_alone(
    emulator: Emulator, tmp_path: Path, more: tuple[str, ...], environment: dict[str, str | None], complaint: str
) -> None:
    done = run(tmp_path, [*arguments(emulator.url, "--yes"), *more], **environment)
    assert (done.exit_code, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert not any(key in done.stderr for key in (KEY, MANAGEMENT_KEY, OTHER_KEY, LIVE_KEY))
    assert untouched(emulator)


def test_it_says_what_it_would_make_and_makes_it_only_when_somebody_agrees(emulator: Emulator, tmp_path: Path) -> None:
    done = run(tmp_path, arguments(emulator.url))
    assert done.exit_code == 2
    assert "Application 1 (Shop, sandbox)" in done.stderr
    assert "localtalon_parity_1_inferred" in done.stderr
    assert "names begin with localtalon_parity_1_" in done.stderr
    assert "integration IDs begin with ci-" in done.stderr
    assert "say --yes" in done.stderr
    assert untouched(emulator)


def test_a_key_of_the_other_environment_is_found_out_with_one_customer(tmp_path: Path) -> None:
    """Where the access logs tell nothing."""
    with running(WITHOUT_LIMITS) as emulator, relayed(emulator.url) as (url, relay):
        silent = (200, b'{"hasMore":false,"data":[]}')
        relay.alter = lambda method, path, headers, status, body: silent if "logs" in path else (status, body)
        line = [*command(url, "--yes", "--json"), "--manifest", str(tmp_path / "manifest")]
        with started(tmp_path, line, LOCALTALON_API_KEY=LIVE_KEY) as process:
            out, _ = process.communicate(timeout=60)
        written = [each["integrationId"] for each in emulator.journal("?limit=1000") if each["method"] != "GET"]
    assert process.returncode == 2
    assert {(check["status"], "other environment" in check["reason"]) for check in json.loads(out)["checks"]} == {
        ("unjudged", True)
    }
    assert len(set(written)) == 1
    assert list(tmp_path.iterdir()) == []


async def html(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html>welcome</html>"})


def test_what_answers_html_is_no_deployment(tmp_path: Path) -> None:
    with serving(html) as url:
        done = run(tmp_path, arguments(url, "--yes"))
    assert done.exit_code == 2
    assert f"what answers at {url} is not Talon.One's Management API (200 b'<html>welcome</html>')" in done.stderr


def test_a_slow_deployment_is_given_up(emulator: Emulator, tmp_path: Path) -> None:
    fault = {"kind": "latency", "milliseconds": 800}
    assert emulator.client.post("/_emulator/faults", json=fault).status_code == 201
    done = run(tmp_path, arguments(emulator.url, "--yes", "--timeout", "0.2"))
    assert done.exit_code == 2
    assert "TimeoutError" in done.stderr


@pytest.mark.parametrize("assumption", PROBES)
def test_a_deployment_that_fails_leaves_everything_unknown(
    emulator_that_fails: tuple[Any, Any], assumption: str
) -> None:
    found, relay = emulator_that_fails
    relay.alter = lambda method, path, headers, status, body: (503, b"<html>try later</html>")
    assert isinstance(observe(PROBES[assumption], found.ground), Unknown)


@pytest.fixture(scope="module")
def emulator_that_fails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("parity")
    with (
        running(WITHOUT_LIMITS) as emulator,
        relayed(emulator.url) as (url, relay),
        prepared(wish(url, folder)) as found,
    ):
        yield found, relay


NEEDS = {
    "audience-environment": "--live",
    "largest-body": "--exceed-limits",
    "window-of-a-limit": "--exceed-limits",
    "client-of-a-limit": "--exceed-limits",
    "third-party-errors": "LOCALTALON_THIRDPARTY_URL",
    "inferred-time": "LOCALTALON_THIRDPARTY_URL",
    "omitted-session-state": "LOCALTALON_THIRDPARTY_URL",
    "session-pointers": "LOCALTALON_THIRDPARTY_URL",
}


@contextmanager
def real(url: str, folder: Path) -> Iterator[Any]:
    """A ground that does not know that it is an emulator's."""
    with relayed(url) as (relay_url, relay):
        hidden = relay.alter

        def alter(method: str, path: str, headers: dict[str, str], status: int, body: bytes) -> tuple[int, bytes]:
            return (404, b"{}") if path.startswith("/_emulator/") else hidden(method, path, headers, status, body)

        relay.alter = alter
        with prepared(wish(relay_url, folder, rate=1000.0)) as found:
            yield found


def test_of_a_real_deployment_nothing_is_asked_that_could_harm(emulator: Emulator, tmp_path: Path) -> None:
    with real(emulator.url, tmp_path) as found:
        assert not found.ground.access.emulated
        for name, needs in NEEDS.items():
            seen = observe(PROBES[name], found.ground)
            assert isinstance(seen, Unknown)
            assert f"needs {needs}" in seen.reason
        entries, (note,) = entries_at(found.ground)
        assert {*ENTRIES} - {*entries} == {*note.partition(": ")[2].split(", ")}
        assert {"ATT-3 at Talon.One", "LIM-1 at Talon.One"} <= {*ENTRIES} - {*entries}
        assert entries_at(found.ground, ["LIM-1 at Talon.One"]) == (("LIM-1 at Talon.One",), ())
        assert not [each for each in found.ground.ledger.kept if each.kind in ("attribute", "session")]
        bench = bench_on(found.ground, *found.paces)
        try:
            assert bench.levers is None
            assert bench.management is not None
            with pytest.raises(CannotJudge, match="cannot be deleted"):
                bench.management.define("x", "string")
            with pytest.raises(CannotJudge, match="does not begin with"):
                bench.talon_one.update("somebody", {})
        finally:
            bench.close()
    assert "somebody" not in customers(emulator)


def begun(emulator: Emulator, folder: Path) -> "subprocess.Popen[str]":
    """A comparison that has made something and will be busy for long."""
    running_one = started(folder, command(emulator.url, "--yes", "--json", "--cases", "2000"))
    while not customers(emulator):
        assert running_one.poll() is None, running_one.communicate()
    return running_one


def test_an_interrupt_ends_it_and_everything_is_removed(emulator: Emulator, tmp_path: Path) -> None:
    with begun(emulator, tmp_path) as running_one:
        running_one.send_signal(signal.SIGTERM)
        out, _ = running_one.communicate(timeout=60)
    assert running_one.returncode == 2
    assert {check["status"] for check in json.loads(out)["checks"]} <= {"kept", "unjudged"}
    assert not any(customers(emulator).values())
    assert os.listdir(tmp_path) == []


def test_what_a_killed_one_left_behind_is_removed_by_the_next(emulator: Emulator, tmp_path: Path) -> None:
    with begun(emulator, tmp_path) as running_one:
        headers = {"authorization": f"ApiKey-v1 {KEY}"}
        lost = {"name": "localtalon_parity_1_lost"}
        assert emulator.client.post("/v2/audiences", json=lost, headers=headers).status_code == 201
        running_one.kill()
        running_one.communicate(timeout=60)
    manifest = tmp_path / "localtalon-parity.ndjson"
    noted = {json.loads(line)["name"] for line in manifest.read_text("utf-8").splitlines()}
    assert customers(emulator).keys() <= noted
    with started(tmp_path, command(emulator.url, "--yes", "--clean-only")) as cleaning:
        out, complaint = cleaning.communicate(timeout=60)
    assert cleaning.returncode == 0
    assert f"remove {len(noted) + 1} things" in complaint
    assert f"deleted the data of {len(noted)} customers" in out
    assert not any(customers(emulator).values())
    assert audiences(emulator) == []
    assert not manifest.exists()


def test_a_manifest_of_another_application_is_kept_and_a_broken_one_is_named(
    emulator: Emulator, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest"
    foreign = json.dumps({"deployment": "https://x", "application": 3, "kind": "customer", "name": "y"}) + "\n"
    manifest.write_text(foreign)
    assert run(tmp_path, arguments(emulator.url, "--yes", "--clean-only")).stdout == "nothing is left behind\n"
    assert manifest.read_text() == foreign
    manifest.write_text("[]\n")
    done = run(tmp_path, arguments(emulator.url, "--yes", "--clean-only"))
    assert done.exit_code == 2
    assert "line 1" in done.stderr


def test_every_option_is_in_the_document() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "parity.md").read_text("utf-8")
    for parameter in parity.params:
        for option in parameter.opts:
            if option not in ("--json", "--junit", "--html", "--sarif", "--github"):
                assert f"`{option}" in text or f" {option}" in text, option
