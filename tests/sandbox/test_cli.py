"""The command line, as a process: what it prints, what it returns, how it ends."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

COMMAND = [sys.executable, "-c", "from localtalon.cli import main; main()"]


def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server command with --json; gives the process and what it printed when ready."""
    command = [*COMMAND, *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_does_the_main_job_and_ends_cleanly(number: int) -> None:
    with started("up", "--port", "0") as (process, told):
        identify = {"userId": "u1", "traits": {"address": {"city": "Berlin"}}}
        sent = httpx.post(f"{told['bridge']}/v1/identify", json=identify, auth=(told["writeKey"], ""), trust_env=False)
        assert (sent.status_code, sent.json()) == (200, {"success": True})
        idle = httpx.get(f"{told['bridge']}/_bridge/idle?timeout=20", trust_env=False)
        assert idle.status_code == 200
        inventory = httpx.get(
            f"{told['emulator']}/v1/customer_profiles/u1/inventory?profile=true",
            headers={"Authorization": f"ApiKey-v1 {told['apiKey']}"},
            trust_env=False,
        )
        assert inventory.json()["profile"]["attributes"] == {"address_city": "Berlin"}
        assert ended(process, number) == (0, "")


def test_up_prints_urls_keys_and_a_curl_line_that_works() -> None:
    command = [*COMMAND, "up", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        while "Ctrl-C" not in (line := process.stdout.readline()):
            lines.append(line)
        printed = "".join(lines)
        for expected in ("localtalon-write-key", "a1" * 32, "b2" * 32, "c3" * 32, "in memory"):
            assert expected in printed
        identify, read_back = re.findall(r"^  curl (.*)$", printed, re.MULTILINE)
        assert '\'{"userId":' in identify
        assert "/v1/customer_profiles/user-1/inventory" in read_back
        assert ended(process, signal.SIGINT) == (0, "")


def test_demo_tells_what_became_of_each_event() -> None:
    command = [*COMMAND, "up", "--port", "0", "--demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        while "[ID-3]" not in (line := process.stdout.readline()):
            assert process.poll() is None
            lines.append(line)
        printed = "".join(lines)
        assert "/address/city -> address_city  sent" in printed
        assert "address_City is not in Custom Attributes; address_city is, and differs in case [MAP-3]" in printed
        assert 'refused: Value of "vip" attribute (true) is not a boolean [ATT-2]' in printed
        assert ended(process, signal.SIGINT)[0] == 0


def test_the_demo_shows_the_control_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALTALON_BRIDGE_CONTROL_TOKEN", "open-bridge")
    command = [*COMMAND, "up", "--port", "0", "--demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "[ID-3]" not in process.stdout.readline():
            assert process.poll() is None
        assert ended(process, signal.SIGINT)[0] == 0


def test_emulator_and_bridge_run_alone() -> None:
    with started("emulator", "--port", "0") as (_, talon):
        assert httpx.get(f"{talon['emulator']}/_emulator/ready", trust_env=False).status_code == 200
    with started("bridge", "--port", "0") as (process, bridge):
        assert bridge["applicationDomain"] == "http://127.0.0.1:8900"
        assert httpx.get(f"{bridge['bridge']}/_bridge/ready", trust_env=False).status_code == 200
        assert ended(process, signal.SIGTERM) == (0, "")


def test_a_database_that_cannot_be_used_ends_with_2_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = run("emulator", "--port", "0", "--data", f"postgresql://u:secret@127.0.0.1:{port}/x")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"cannot reach the database 'x' at 127.0.0.1:{port}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr
    result = run("up", "--port", "0", "--data", "postgresql://u:secret@127.0.0.1/x")
    assert result.returncode == 2
    assert "secret" not in result.stderr


def test_a_taken_port_is_named_and_how_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option, what in (("--emulator-port", "emulator"), ("--bridge-port", "bridge")):
            other = "--bridge-port" if what == "emulator" else "--emulator-port"
            result = run("up", option, str(port), other, "0")
            assert result.returncode == 2
            assert f"port {port} on 127.0.0.1, meant for the {what}, is taken; choose another with {option}" in (
                result.stderr
            )


def test_two_ports_cannot_be_one() -> None:
    result = run("up", "--emulator-port", "8977", "--bridge-port", "8977")
    assert (result.returncode, "are both given port 8977" in result.stderr) == (2, True)
    assert "use --emulator-port and --bridge-port" in run("up", "--port", "5").stderr


def test_bound_to_every_address_it_is_reached_by_the_loopback_one(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run("up", "--port", "0", "--host", "0.0.0.0")
    assert (refused.returncode, "give emulator.control_token" in refused.stderr) == (2, True)
    monkeypatch.setenv("LOCALTALON_EMULATOR_CONTROL_TOKEN", "open-sesame")
    refused = run("up", "--port", "0", "--host", "0.0.0.0")
    assert (refused.returncode, "give bridge.control_token" in refused.stderr) == (2, True)
    monkeypatch.setenv("LOCALTALON_BRIDGE_CONTROL_TOKEN", "open-bridge")
    with started("up", "--port", "0", "--host", "0.0.0.0") as (_, told):
        clock = f"{told['emulator']}/_emulator/clock"
        assert httpx.get(clock, trust_env=False).status_code == 401
        assert httpx.get(clock, headers={"authorization": "Bearer open-sesame"}, trust_env=False).status_code == 200
        assert told["bridge"].startswith("http://127.0.0.1:")
        call = {"userId": "wild", "traits": {"email": "a@b.c"}, "writeKey": told["writeKey"]}
        assert httpx.post(f"{told['bridge']}/v1/identify", json=call, trust_env=False).status_code == 200
        assert httpx.get(f"{told['bridge']}/_bridge/events", trust_env=False).status_code == 401
        known = {"authorization": "Bearer open-bridge"}
        httpx.get(f"{told['bridge']}/_bridge/idle?timeout=20", headers=known, trust_env=False)
        (event,) = httpx.get(f"{told['bridge']}/_bridge/events", headers=known, trust_env=False).json()["events"]
        assert event["state"] == "delivered"


def test_a_bad_config_ends_with_2_and_one_line(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    for text, said in (
        ("[destination]\napi_kee = 1\n", "unknown key destination.api_kee; did you mean api_key?"),
        ('[destination]\napi_key = "a\\nb"\n', "destination.api_key must be printable ASCII without line breaks"),
        (
            "[deployment]\nattributes = [{ name = '1st', type = 'string' }]\n"
            "[destination]\napi_key = 'k'\ncustom_attributes=[]\n",
            "1st",
        ),
    ):
        path.write_text(text)
        result = run("up", "--port", "0", "--config", str(path))
        assert (result.returncode, result.stdout) == (2, "")
        assert said in result.stderr
        assert result.stderr.startswith("localtalon: ")
        assert result.stderr.count("\n") == 1


def test_data_is_kept_and_is_one_processs_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with started("up", "--port", "0", "--data", str(folder)) as (process, told):
        second = run("up", "--port", "0", "--data", str(folder))
        assert second.returncode == 2
        assert str(folder) in second.stderr
        call = {"userId": "kept", "traits": {"email": "a@b.c"}, "writeKey": told["writeKey"]}
        assert httpx.post(f"{told['bridge']}/v1/identify", json=call, trust_env=False).status_code == 200
        assert httpx.get(f"{told['bridge']}/_bridge/idle?timeout=20", trust_env=False).status_code == 200
        assert ended(process, signal.SIGTERM) == (0, "")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    with started("up", "--port", "0", "--data", str(folder)) as (_, told):
        key = {"Authorization": f"ApiKey-v1 {told['apiKey']}"}
        url = f"{told['emulator']}/v1/customer_profiles/kept/inventory?profile=true"
        assert httpx.get(url, headers=key, trust_env=False).json()["profile"]["attributes"] == {"email": "a@b.c"}
        (event,) = httpx.get(f"{told['bridge']}/_bridge/events", trust_env=False).json()["events"]
        assert event["state"] == "delivered"


IDENTIFY = {"type": "identify", "userId": "u1", "traits": {"email": "a@b.c", "Address": {"city": "Bonn"}}}


def test_explain_tells_what_would_be_sent_and_what_not() -> None:
    result = run("explain", "-", given=json.dumps(IDENTIFY))
    assert result.returncode == 1
    assert '/email -> email = "a@b.c"  sent' in result.stdout
    assert "Address_city is not in Custom Attributes; address_city is, and differs in case [MAP-3]" in result.stdout


def test_explain_reads_batches_arrays_and_lines_and_keeps_numbers(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    track = {"type": "track", "userId": "u1", "event": "x"}
    for text in (
        json.dumps({"batch": [IDENTIFY, track], "sentAt": "2026-01-01T00:00:00Z"}),
        json.dumps([IDENTIFY, track]),
        json.dumps(IDENTIFY) + "\n\n" + json.dumps(track) + "\n",
    ):
        path.write_text(text)
        told = [json.loads(line) for line in run("explain", "--json", str(path)).stdout.splitlines()]
        assert [each["type"] for each in told] == ["identify", "track"]
        assert told[0]["request"]["attributes"] == {"email": "a@b.c"}
        assert told[1]["reason"]["rule"] == "ID-3"
    exact = '{"userId":"u","traits":{"age":1.10000000000000000000001}}'
    result = run("explain", "--json", "-", given=exact)
    assert result.returncode == 0
    assert '"attributes":{"age":1.10000000000000000000001}' in result.stdout


def test_explain_asks_the_attribute_definitions() -> None:
    result = run("explain", "-", given='{"type":"identify","userId":"u","traits":{"vip":"true","age":3}}')
    assert result.returncode == 1
    assert 'refused: Value of "vip" attribute (true) is not a boolean [ATT-2]' in result.stdout
    assert "the whole request was refused (400) because of vip [ATT-2]" in result.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"batch":[{"type":"identify","userId":"u"},{"type":"identify","userId":3}]}', "/batch/1/userId: expected"),
        ('{"batch":[{"type":"page"}]}\n{"batch":[{"type":"track"}]}\n', ":2#/batch/0: track, no user"),
        ('{"foo": 1}', "one has at least one of type, userId, anonymousId and traits"),
        ('{\n  "type": "identify",\n  "userId": \n', "the JSON is malformed"),
        ('{"type":"identify","userId":"u\\u001b[2J","traits":{"a\\nb":1}}', "a\\nb"),
        ('{"type":"identify","userId":".."}', "not sent: the userId '..' cannot be part of a path [ID-1]"),
        ("", "there is no event in this file"),
    ],
)
def test_explain_reads_what_people_have(given: str, said: str) -> None:
    result = run("explain", "-", given=given)
    assert said in result.stdout
    assert "\x1b" not in result.stdout
    assert result.returncode == (0 if "track" in said else 1)


def test_explain_names_what_is_no_event() -> None:
    result = run("explain", "-", given='{"userId":3}')
    assert result.returncode == 1
    assert "standard input#/userId: not an event: /userId: expected string or null, found number" in result.stdout


def test_rules_are_printed_for_people_and_for_programs() -> None:
    listed = json.loads(run("rules", "--json").stdout)
    assert {"MAP-4", "AUD-1", "DEL-2"} <= {rule["id"] for rule in listed}
    printed = run("rules").stdout
    assert all(f"\n{rule['id']} " in printed for rule in listed)


def test_help_names_every_command() -> None:
    printed = run("--help").stdout
    for command in ("up", "emulator", "bridge", "explain", "rules", "dead-letters", "replay", "discard"):
        assert f"\n  {command} " in printed
