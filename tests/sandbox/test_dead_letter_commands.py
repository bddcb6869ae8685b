"""`localtalon dead-letters`, `replay` and `discard`, as processes beside a running sandbox."""

import contextlib
import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from bridge_support import until
from localtalon import Sandbox
from localtalon.bridge_client import BridgeClient
from localtalon.cli import main
from localtalon.progress import Progress
from localtalon.redelivery import Done, WaitedInVain, by_filter, died_again
from localtalon.terminal import table
from talon_contracts.reports.text import printable

COMMAND = [sys.executable, "-m", "localtalon"]
CONFIG = '[destination]\ncustom_attributes = ["email", "vip", "shoe_size"]\n'
TOKEN = "söme token"


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    return subprocess.run(
        [*COMMAND, *arguments], input=given, capture_output=True, text=True, timeout=60, env=variables
    )


@pytest.fixture(name="sandbox")
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of this test's own, that sends an attribute which is not defined in Talon.One."""
    path = tmp_path / "localtalon.toml"
    path.write_text(CONFIG)
    with Sandbox(path) as running:
        yield running


def kill(sandbox: Sandbox, *message_ids: str, user: str = "u", **traits: Any) -> None:
    """Have identifies refused, because their attribute is not defined."""
    for message_id in message_ids:
        send(sandbox, message_id, user, {"email": "a@b.c", **(traits or {"shoe_size": 41})})
    sandbox.idle()


def send(sandbox: Sandbox, message_id: str, user: str, traits: dict[str, Any]) -> None:
    call = {"userId": user, "messageId": message_id, "traits": traits, "writeKey": sandbox.write_key}
    httpx.post(f"{sandbox.bridge_url}/v1/identify", json=call, trust_env=False).raise_for_status()


def define(sandbox: Sandbox) -> None:
    """Define the missing attribute."""
    body: dict[str, Any] = {"entity": "CustomerProfile", "name": "shoe_size", "title": "Shoe size", "type": "number"}
    body |= {"description": "d", "suggestions": [], "editable": True}
    headers = {"Authorization": f"ManagementKey-v1 {sandbox.management_key}"}
    httpx.post(f"{sandbox.emulator_url}/v1/attributes", json=body, headers=headers, trust_env=False).raise_for_status()


def at(sandbox: Sandbox) -> tuple[str, str]:
    return "--bridge", sandbox.bridge_url


def dead(sandbox: Sandbox, *options: str) -> list[str]:
    result = run("dead-letters", *at(sandbox), "--json", *options)
    assert (result.returncode, result.stderr) == (0, "")
    return [letter["messageId"] for letter in json.loads(result.stdout)["deadLetters"]]


def test_the_list_is_a_table_that_says_why_and_how_many_more(sandbox: Sandbox) -> None:
    assert run("dead-letters", *at(sandbox)).stdout == "no dead letters\n"
    kill(sandbox, "m/1", "m/2", "m\x1b[2J\n3")
    result = run("dead-letters", *at(sandbox))
    assert (result.returncode, result.stderr) == (0, "")
    heads, *rows, empty, summary = result.stdout.splitlines()
    assert heads.split() == ["received", "messageId", "user", "status", "reason"]
    assert [row.split()[1:4] for row in rows] == [[name, "u", "400"] for name in ("m/1", "m/2", "m\\x1b[2J\\n3")]
    assert all("shoe_size" in row and "not defined" in row for row in rows)
    assert (empty, summary) == ("", "3 dead letters")
    limited = run("dead-letters", *at(sandbox), "--limit", "2").stdout.splitlines()
    assert limited[-1] == "3 dead letters; 1 more, --limit 3 shows all"
    assert len(limited) == 5


def test_the_list_is_narrowed(sandbox: Sandbox) -> None:
    kill(sandbox, "1", user="one")
    kill(sandbox, "2", "3", user="two")
    assert dead(sandbox, "--user", "two") == ["2", "3"]
    assert dead(sandbox, "--message", "1") == ["1"]
    assert dead(sandbox, "--status", "404") == []
    assert dead(sandbox, "--until", "2020-01-01") == []
    assert dead(sandbox, "--since", "2020-01-01T00:00:00+02:00", "--limit", "1") == ["1"]
    wrong = run("dead-letters", *at(sandbox), "--since", "yesterday")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert "'yesterday'; give a time such as" in wrong.stderr


def test_one_event_is_told_in_full(sandbox: Sandbox) -> None:
    kill(sandbox, "a/b\x1b[2J")
    run("replay", *at(sandbox), "--all", "--wait")
    shown = run("dead-letters", *at(sandbox), "--show", "a/b\x1b[2J")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    for said in ("a/b\\x1b[2J: identify, user u", "dead: ", "/shoe_size -> shoe_size = 41  refused", "[ATT-1]"):
        assert said in shown.stdout
    attempts = [line for line in shown.stdout.splitlines() if line.startswith(("  attempt", "  replayed"))]
    assert [line.split(" at ")[0] for line in attempts] == ["  attempt 1", "  replayed", "  attempt 2"]
    told = json.loads(run("dead-letters", *at(sandbox), "--show", "a/b\x1b[2J", "--json").stdout)
    assert told["event"]["traits"]["shoe_size"] == 41
    unknown = run("dead-letters", *at(sandbox), "--show", "nope")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "no event has the messageId 'nope'" in unknown.stderr


def test_after_a_corrected_definition_the_same_events_succeed(sandbox: Sandbox) -> None:
    kill(sandbox, "1", "2", "3")
    again = run("replay", *at(sandbox), "--all", "--wait")
    assert (again.returncode, again.stdout) == (1, "replayed 3 dead letters; 3 died again\n")
    define(sandbox)
    result = run("replay", *at(sandbox), "2", "--wait")
    assert (result.returncode, result.stdout, result.stderr) == (0, "replayed 1 dead letter; none died again\n", "")
    result = run("replay", *at(sandbox), "--user", "u", "--status", "400", "--wait", "--json")
    assert (result.returncode, json.loads(result.stdout)) == (0, {"replayed": 2, "diedAgain": 0, "problems": []})
    assert dead(sandbox) == []
    assert run("replay", *at(sandbox), "--all", "--wait").stdout == "replayed 0 dead letters; none died again\n"


def test_only_those_that_were_replayed_count_as_died_again(sandbox: Sandbox) -> None:
    kill(sandbox, "1", user="one")
    run("replay", *at(sandbox), "--all", "--wait")
    kill(sandbox, "2", user="two")
    result = run("replay", *at(sandbox), "--user", "two", "--wait", "--json")
    assert (result.returncode, json.loads(result.stdout)["diedAgain"]) == (1, 1)


def test_an_id_that_is_none_is_told_and_the_others_go_on(sandbox: Sandbox) -> None:
    kill(sandbox, "1", "2")
    send(sandbox, "3", "other", {"email": "a@b.c"})
    sandbox.idle()
    result = run("replay", *at(sandbox), "nope", "3", "1", "1")
    assert (result.returncode, result.stdout) == (2, "replayed 1 dead letter\n")
    assert "no event has the messageId 'nope'" in result.stderr
    assert "the event '3' is delivered" in result.stderr
    told = json.loads(run("discard", *at(sandbox), "--yes", "nope", "2", "--json").stdout)
    assert (told["discarded"], len(told["problems"])) == (1, 1)


def test_what_newer_values_replaced_is_sent_when_forced(sandbox: Sandbox) -> None:
    kill(sandbox, "old")
    define(sandbox)
    send(sandbox, "new", "u", {"shoe_size": 42})
    sandbox.idle()

    def size() -> Any:
        url = f"{sandbox.emulator_url}/v1/customer_profiles/u/inventory?profile=true"
        headers = {"Authorization": f"ApiKey-v1 {sandbox.api_key}"}
        return httpx.get(url, headers=headers, trust_env=False).json()["profile"]["attributes"]["shoe_size"]

    assert run("replay", *at(sandbox), "old", "--wait").returncode == 0
    assert size() == 42
    kill(sandbox, "older", vip="true")
    send(sandbox, "newer", "u", {"vip": True})
    sandbox.idle()
    assert run("replay", *at(sandbox), "older", "--force", "--wait").returncode == 1


def test_discarding_asks_first(sandbox: Sandbox) -> None:
    kill(sandbox, "1", "2", user="one")
    kill(sandbox, "3", user="three")
    for given in ("n\n", ""):
        result = run("discard", *at(sandbox), "--user", "one", given=given)
        assert (result.returncode, result.stdout) == (2, "")
        assert "Discard 2 dead letters for good?" in result.stderr
        assert "nothing was discarded; --yes does not ask" in result.stderr
    assert run("discard", *at(sandbox), "--user", "one", given="y\n").stdout == "discarded 2 dead letters\n"
    assert run("discard", *at(sandbox), "--all", "--yes", "--json").stdout == '{"discarded": 1, "problems": []}\n'
    assert run("discard", *at(sandbox), "--all").stdout == "discarded 0 dead letters\n"
    assert dead(sandbox) == []


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("options", [(), ("--all", "1"), ("--all", "--user", "u"), ("1", "--status", "400")])
def test_they_are_named_in_one_way(command: str, options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [command, *options])
    assert result.exit_code == 2
    assert "give messageIds, or options that narrow" in result.stderr


def test_who_cannot_be_asked_is_one_line(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, said in (
        (f"http://127.0.0.1:{port}", f"no bridge answers at http://127.0.0.1:{port} "),
        (sandbox.emulator_url, f"what answers at {sandbox.emulator_url} is no bridge (HTTP 404)"),
        ("127.0.0.1:8901", "--bridge 127.0.0.1:8901 is no URL"),
        ("http://127.0.0.1:x", "is no URL"),
    ):
        result = run("dead-letters", "--bridge", url)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert said in result.stderr
        assert "--bridge" in result.stderr


def test_the_control_token_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    path.write_text(f'{CONFIG}[bridge]\ncontrol_token = "{TOKEN}"\n')
    with Sandbox(path) as sandbox:
        kill(sandbox, "1")
        refused = run("dead-letters", *at(sandbox), LOCALTALON_BRIDGE_CONTROL_TOKEN="wrong")
        assert refused.returncode == 2
        assert "give --token TOKEN, or LOCALTALON_BRIDGE_CONTROL_TOKEN" in refused.stderr
        assert run("replay", *at(sandbox), "--all", "--token", TOKEN).returncode == 0
        assert run("dead-letters", *at(sandbox), LOCALTALON_BRIDGE_CONTROL_TOKEN=f"{TOKEN}\n").returncode == 0
        broken = run("dead-letters", *at(sandbox), "--token", "se\ncret")
        assert (broken.returncode, "cannot be sent" in broken.stderr, "cret" in broken.stderr) == (2, True, False)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    path.write_text('[destination]\napi_key = "wrong"\ncustom_attributes = ["email"]\n[bridge]\nretry_window = 1e6\n')
    with Sandbox(path) as sandbox, BridgeClient(sandbox.bridge_url, None) as client:
        send(sandbox, "1", "u", {"email": "a@b.c"})
        assert not client.is_idle(0)
        told: list[str] = []
        until(lambda: client.get("/_bridge/status")["destinations"][0]["paused"])
        with pytest.raises(WaitedInVain, match="1 still wait after 0"):
            died_again(client, Done(1, until="9999-01-01T00:00:00Z"), {}, 0, told.append)
        assert ["deliveries are paused" in each for each in told] == [True]
        # What was received after the replay is not waited for.
        assert died_again(client, Done(1, until="2020-01-01T00:00:00Z"), {}, 0, told.append) == 0


def test_many_are_replayed_in_steps(sandbox: Sandbox) -> None:
    calls = [{"type": "identify", "userId": "..", "messageId": f"m{n}", "traits": {"email": "x"}} for n in range(1500)]
    for begin in range(0, len(calls), 500):
        batch = {"batch": calls[begin : begin + 500], "writeKey": sandbox.write_key}
        httpx.post(f"{sandbox.bridge_url}/v1/batch", json=batch, trust_env=False).raise_for_status()
    sandbox.idle()
    with BridgeClient(sandbox.bridge_url, None) as client:
        assert by_filter(client, "replay", {}, {"force": False, "limit": 400}).count == 1500
        sandbox.idle()
        assert by_filter(client, "discard", {"userId": ".."}, {"limit": 400}).count == 1500
        assert client.get("/_bridge/dead-letters")["total"] == 0


def test_on_a_terminal_there_is_a_bar(sandbox: Sandbox) -> None:
    kill(sandbox, "1", "2", "3")
    with on_a_terminal() as (other_side, seen):
        result = subprocess.run(
            [*COMMAND, "replay", *at(sandbox), "1", "2", "3"],
            stdout=subprocess.PIPE,
            stderr=other_side,
            text=True,
            timeout=60,
            env={**os.environ, "TERM": "xterm"},
        )
    assert (result.returncode, result.stdout) == (0, "replayed 3 dead letters\n")
    assert b"replayed" in b"".join(seen)
    assert b"/3" in b"".join(seen)


def test_a_table_is_cut_on_a_terminal(sandbox: Sandbox) -> None:
    kill(sandbox, "m" * 80)
    with on_a_terminal() as (other_side, seen):
        environment = {**os.environ, "COLUMNS": "100"}
        subprocess.run(
            [*COMMAND, "dead-letters", *at(sandbox)], stdout=other_side, timeout=60, env=environment, check=True
        )
    rows = b"".join(seen).decode().splitlines()
    assert max(map(len, rows)) <= 100
    assert "m" * 37 + "…" in rows[1]


@contextlib.contextmanager
def on_a_terminal() -> Iterator[tuple[int, list[bytes]]]:
    """A terminal to write to, and what was written when the block has ended."""
    reading, writing = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # how the end looks
            while part := os.read(reading, 4096):
                seen.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield writing, seen
    finally:
        os.close(writing)
        reader.join(20)
        os.close(reading)


def test_elsewhere_there_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("replayed", every=0) as progress:
        progress.at(1000, 2500)
        progress.at(2500, 2500)
    assert capsys.readouterr().err == "replayed: 1,000 of 2,500\n"


def test_what_comes_from_outside_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[2J\r\n\u202eü") == "a\\x1b[2J\\r\\n\\u202eü"
    assert list(table(("a", "b"), [("1\n", "22")], (5, None))) == ["a    b", "1\\n  22"]
