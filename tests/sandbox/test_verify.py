"""`localtalon verify`: our own pair, foreign bridges by URL, and targets that cannot be judged."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts_support import API_KEY, SETTINGS, serving, talon_one
from talon_contracts.exact_json import decode
from wrong_bridges.right_bridge import RightBridge
from wrong_bridges.wrong_bridges_catalogue import GivesUpAtOnce, JoinsWithDots

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "verify.md"


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localtalon", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with talon_one() as url:
        yield url


class Served:
    """A bridge as an app with a lifespan."""

    def __init__(self, bridge: Any) -> None:
        self.bridge = bridge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self.bridge(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        self.bridge.close()


@contextmanager
def bridge(kind: Callable[..., RightBridge], emulator: str) -> Iterator[str]:
    with serving(Served(kind(emulator, API_KEY, SETTINGS.custom_attributes))) as url:
        yield url


FEW = """
[destination]
custom_attributes = ["email"]
[deployment]
name = "few"
[[deployment.applications]]
id = 1
name = "Few"
api_keys = [{ title = "key", key = "a1a1a1a1a1a1a1a1" }]
[[deployment.attributes]]
name = "email"
type = "string"
"""


def test_a_set_up_with_few_attributes_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    config = tmp_path / "localtalon.toml"
    config.write_text(FEW)
    asked = ("--config", str(config), "--examples", "15", "--json")
    done = verify(*asked, "--rule", "ID-2", "--rule", "MAP-3", "--rule", "machine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verify(*asked, "--rule", "MAP-1").returncode == 2


class WithoutIdle(RightBridge):
    """Does not say when it is idle."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__({**scope, "path": scope["path"].replace("/_bridge", "/nowhere")}, receive, send)


def test_our_own_pair() -> None:
    done = verify("--rule", "MAP-1", "--rule", "DEL-3", "--rule", "AUD-3", "--rule", "VIEW-1", "--examples", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept (5): MAP-1, AUD-3, AUD-3 definitions, DEL-3, VIEW-1 at Talon.One" in done.stdout


def test_our_own_pair_through_kills_and_faults() -> None:
    done = verify("--rule", "machine", "--json", "--examples", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    (judged,) = json.loads(done.stdout)["checks"]
    assert judged["features"]["restart"] > 0
    assert judged["features"]["fault"] > 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_a_wrong_bridge_is_shown_by_lines_that_do_it_again(emulator: str) -> None:
    with bridge(JoinsWithDots, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "MAP-1", "--seed", "7")
        assert done.returncode == 1, done.stdout + done.stderr
        lines = re.findall(r"^ *\$ (curl .*)$", done.stdout, re.MULTILINE)
        assert len(lines) == 2
        assert url in lines[0]
        for line in lines:
            told = subprocess.run(["sh", "-c", f"{line} -s"], capture_output=True, text=True, check=True).stdout
        assert decode(told) != {}
        again = re.search(r"localtalon (verify .*--seed 7)", done.stdout)
        assert again is not None
        repeated = verify(*again[1].split()[1:])
    without_tags = [re.sub(r"verify-[0-9a-f]{8}-\d+-", "", text) for text in (done.stdout, repeated.stdout)]
    shown = [re.sub(r"[\d.]+ s\b", "", text) for text in without_tags]
    assert shown[0] == shown[1]


def test_the_document_shows_what_is_printed(emulator: str) -> None:
    text = DOCUMENT.read_text("utf-8")
    (shown,) = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    with bridge(JoinsWithDots, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "MAP-1", "--seed", "7")
    for ours, theirs in ((url, "http://127.0.0.1:8080"), (emulator, "http://127.0.0.1:8900"), (API_KEY, "a1a1…")):
        done.stdout = done.stdout.replace(ours, theirs)
    printed = re.sub(r"verify-[0-9a-f]{8}-\d+-", "verify-45970b83-5-", done.stdout)
    assert shown in printed


def test_the_commands_of_the_document_run(emulator: str) -> None:
    commands = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    alone, serving_one, foreign = commands
    assert alone == "localtalon verify"
    done = verify("--examples", "15", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving_one == "localtalon emulator --port 8900"
    with bridge(WithoutIdle, emulator) as url:
        meant = foreign.replace("http://127.0.0.1:8080", url).replace("http://127.0.0.1:8900", emulator)
        done = verify(*meant.split()[2:], "--rule", "MAP-2", "--rule", "KEY-1", "--examples", "20")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bridge_that_gives_up_breaks_the_rules_of_delivery(emulator: str) -> None:
    with bridge(GivesUpAtOnce, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "DEL-1", "--rule", "machine", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert {each["status"] for each in report["checks"]} == {"broken"}


def test_a_bridge_that_does_not_tell_when_it_is_idle(emulator: str) -> None:
    with bridge(WithoutIdle, emulator) as url:
        done = verify(
            "--bridge", url, "--talon-one", emulator, "--rule", "MAP-3", "--rule", "DEL-2", "--examples", "40"
        )
    assert done.returncode == 0, done.stdout + done.stderr


class DeliversAnonymousUsersLater(WithoutIdle):
    """Makes up for anonymous users when the next event of anybody is through, and does not tell when it is idle."""

    def take(self, body: dict[str, Any]) -> None:
        super().take(body)
        waiting: list[dict[str, Any]] = self.__dict__.setdefault("waiting", [])
        for event in [waiting.pop() for _ in waiting[:]]:
            self.forward(event["anonymousId"], self.attributes(event))
        waiting += [event for event in self.events(body) if not event.get("userId") and event.get("anonymousId")]


def test_what_arrives_after_it_was_looked_at_is_found_by_a_second_look(emulator: str) -> None:
    with bridge(DeliversAnonymousUsersLater, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "ID-2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ID-2" in done.stdout


class SaysIdleTooEarly(RightBridge):
    """Delivers only when the next question comes."""

    def take(self, body: dict[str, Any]) -> None:
        self.__dict__.setdefault("waiting", []).append(body)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await super().__call__(scope, receive, send)
        if scope["path"] == "/_bridge/idle" and self.__dict__.get("waiting"):
            loop = asyncio.get_running_loop()
            for body in self.__dict__.pop("waiting"):
                loop.call_later(0.1, super().take, body)


def test_a_bridge_that_says_too_early_that_it_is_idle(emulator: str) -> None:
    with bridge(SaysIdleTooEarly, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "MAP-1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(r"idle before|did not arrive", done.stdout)


def children(process: int) -> list[int]:
    try:
        told = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in told.split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc to see processes in")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_pair_starts_leaves_nothing_behind(number: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localtalon", "verify"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        while not (started := children(process.pid)):
            assert process.poll() is None
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2, said
    assert not any(Path(f"/proc/{child}").exists() for child in started)
    assert list(tmp_path.iterdir()) == []


class LosesSome(RightBridge):
    """Loses every ninth event."""

    def take(self, body: dict[str, Any]) -> None:
        count = self.__dict__["count"] = self.__dict__.get("count", 0) + 1
        if count % 9:
            super().take(body)


def test_a_bridge_that_loses_some_events_never_passes(emulator: str) -> None:
    with bridge(LosesSome, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "MAP-1", "--rule", "DEL-1", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    mapping, delivery = json.loads(done.stdout)["checks"]
    assert (mapping["status"], delivery["status"]) == ("unjudged", "broken")
    assert "came out well when it was sent again" in mapping["reason"]


class LosesAll(RightBridge):
    """Takes everything and delivers nothing."""

    def take(self, body: dict[str, Any]) -> None:
        """Say thank you."""


class Canned:
    """Answers everything alike."""

    def __init__(self, status: int, body: bytes, delay: float = 0) -> None:
        self.status, self.body, self.delay = status, body, delay

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class NeverIdle(RightBridge):
    """Is always busy."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/_bridge/idle":
            await send({"type": "http.response.start", "status": 409, "headers": []})
            await send({"type": "http.response.body", "body": b'{"idle": false, "counts": {"waiting": 3}}'})
            return
        await super().__call__(scope, receive, send)


class Hangs(RightBridge):
    """Never answers."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            if (await receive())["type"] == "http.disconnect":
                return


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (LosesAll, "did not arrive"),
        (NeverIdle, '"waiting": 3'),
        (Hangs, "TimeoutError"),
        (lambda *_: Canned(200, b"<html>Welcome</html>"), "HTML: b'<html>Welcome</html>'"),
        (lambda *_: Canned(503, b"gone"), "503 b'gone'"),
        (lambda *_: Canned(401, b'{"error": "write key"}'), "write key"),
    ],
    ids=["loses all", "never idle", "hangs", "html", "503", "401"],
)
def test_a_bridge_that_cannot_be_judged(kind: Any, seen: str, emulator: str) -> None:
    made = kind(emulator, API_KEY, SETTINGS.custom_attributes)
    app = Served(made) if isinstance(made, RightBridge) else made
    with serving(app) as url:
        rules = ("--rule", "MAP-1", "--rule", "DEL-1", "--rule", "machine")
        done = verify("--bridge", url, "--talon-one", emulator, "--settle", "0.5", "--json", *rules)
    assert done.returncode == 2, done.stdout + done.stderr
    checks = json.loads(done.stdout)["checks"]
    assert [each["status"] for each in checks] == ["unjudged"] * 3
    assert all(seen in each["reason"] for each in checks), checks


@pytest.mark.parametrize(
    ("talon_one_app", "seen"),
    [(Canned(200, b"<html>"), "not JSON"), (Canned(401, b"{}"), "401"), (None, "ConnectionRefused")],
    ids=["html", "401", "down"],
)
def test_a_talon_one_that_cannot_be_judged(talon_one_app: Any, seen: str) -> None:
    with serving(talon_one_app or Canned(200, b"")) as url:
        if talon_one_app is not None:
            done = verify("--talon-one", url, "--rule", "ATT-2", "--rule", "MAP-1", "--json")
    if talon_one_app is None:
        done = verify("--talon-one", url, "--rule", "ATT-2", "--rule", "MAP-1", "--json")
    assert done.returncode == 2, done.stdout + done.stderr
    assert all(seen in each["reason"] for each in json.loads(done.stdout)["checks"]), done.stdout


@pytest.mark.parametrize("command", [["verify"], ["parity", "--deployment=http://x", "--application=1", "--prefix=x"]])
def test_without_hypothesis_it_is_said_what_to_install(command: list[str]) -> None:
    script = f"""
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, package=None: None if name == "hypothesis" else find(name, package)
from localtalon.cli import main
main({command!r})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'localtalon[verify]'" in done.stderr


def test_a_password_in_a_url_is_in_no_report() -> None:
    url = "http://user:verysecret@127.0.0.1:9"
    done = verify("--bridge", url, "--rule", "MAP-1")
    assert done.returncode == 2
    assert "leave user and password out of the URL of 127.0.0.1:9" in done.stderr
    assert "verysecret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rule", "NONE"), "no check speaks for 'NONE'; there are checks for ID-1"),
        (("--bridge", "ftp://x"), "not an http URL: 'ftp://x'"),
        (("--config", "/nowhere.toml"), "cannot be read"),
        (("--examples", "0"), "--examples"),
    ],
)
def test_what_is_asked_wrongly(arguments: tuple[str, ...], words: str) -> None:
    done = verify(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_of_a_bridge_without_audiences_of_its_own_none_are_demanded(emulator: str) -> None:
    with bridge(RightBridge, emulator) as url:
        done = verify("--bridge", url, "--talon-one", emulator, "--rule", "AUD-5", "--examples", "15", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    status = {each["check"]: each["status"] for each in json.loads(done.stdout)["checks"]}
    assert status == {"AUD-5": "kept", "AUD-5 syncs": "untried"}
