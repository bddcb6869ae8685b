"""What docs/engage.md shows is what happens."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, get_args

import httpx
import pytest

from localtalon import Sandbox
from localtalon.engage_commands import engage
from talon_bridge.control.routes import TABLE
from talon_bridge.engage.computations import VALUE_TYPES
from talon_bridge.engage.problems import Code
from talon_bridge.engage.syncs import Counts, SyncState

TEXT = (Path(__file__).parent.parent.parent / "docs" / "engage.md").read_text("utf-8")
AUDIENCE = "order_completed_last_30days"
HERE, ELSEWHERE = "http://127.0.0.1:8901", "http://127.0.0.1:9901"


class Block(NamedTuple):
    """A block of the page, and the file that was named last before it."""

    language: str
    text: str
    file: str


def blocks(text: str) -> list[Block]:
    """Every block of a text, in order."""
    found = []
    for match in re.finditer(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        named = re.findall(r"`(\w+\.csv)`", text[: match.start()])
        found.append(Block(match[1], match[2], named[-1] if named else ""))
    return found


SECTIONS = {part.partition("\n")[0]: blocks(part) for part in TEXT.split("\n## ")}
FIRST = "From a CSV to an attribute in three commands"
CONFIGURED = "Schedules, and the clock"
SENT = "What is sent"
IDS = ("computation_id", "namespace", "space_id")  # made up by each store


class Reader:
    """Somebody who does what the page says, from top to bottom, in a folder."""

    def __init__(self, folder: Path, here: Sandbox, elsewhere: Sandbox) -> None:
        self.here = here
        self._folder = folder
        self._ports = {HERE: here.bridge_url, ELSEWHERE: elsewhere.bridge_url}
        self._printed = ""

    def follow(self, section: str) -> None:
        """Write the files, run the commands, and compare what is printed."""
        for block in SECTIONS[section]:
            if block.language == "csv":
                (self._folder / block.file).write_text(block.text)
            elif block.language == "json":
                assert shape(json.loads(self._printed)) == shape(json.loads(block.text))
            elif block.language == "text":
                assert without_times(self._printed) == without_times(block.text)
            elif block.language == "sh":
                for line in block.text.splitlines():
                    self._run(line)

    def _run(self, line: str) -> None:
        if line == "localtalon up":
            return  # it is what `here` is
        for shown, real in self._ports.items():
            line = line.replace(shown, real)
        if line.startswith("localtalon "):
            line = line.replace("localtalon", f"{sys.executable} -m localtalon", 1)
            line += "" if " --to " in line else f" --bridge {self.here.bridge_url}"
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, cwd=self._folder)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if line.startswith("curl"):
            assert "error" not in json.loads(done.stdout), done.stdout
        self._printed = done.stdout
        for shown, real in self._ports.items():
            self._printed = self._printed.replace(real, shown)


def shape(value: Any) -> Any:
    """The names of the members, and of lists their first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d+ s\b", "N s", text)


@pytest.fixture(scope="module", name="reader")
def at_the_top_of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Sandbox() as here, Sandbox() as elsewhere:
        yield Reader(tmp_path_factory.mktemp("page"), here, elsewhere)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_every_example_runs_and_prints_what_is_shown(reader: Reader) -> None:
    reader.follow(FIRST)
    for user, value in (("ada", "true"), ("carl", "false"), ("dora", "true")):
        url = f"{reader.here.emulator_url}/applications/1/customer?integrationId={user}"
        page = httpx.get(url, trust_env=False).text
        assert re.search(rf"<td>{AUDIENCE}</td>.*<span class=\"value\">{value}</span>", page), user
    for section in SECTIONS:
        if section not in (FIRST, CONFIGURED, SENT):
            reader.follow(section)


def test_an_identify_looks_as_shown(reader: Reader) -> None:
    (block,) = SECTIONS[SENT]
    with httpx.Client(base_url=reader.here.bridge_url, trust_env=False) as bridge:
        assert bridge.put(f"/_bridge/engage/audiences/{AUDIENCE}", json={"name": "Order Completed Last 30days"})
        answer = bridge.post(f"/_bridge/engage/audiences/{AUDIENCE}/members", json={"add": ["zoe"]})
        assert answer.json()["entered"] == 1
        reader.here.idle()
        (event,) = bridge.get("/_bridge/events?userId=zoe").json()["events"]
        sent = bridge.get(event["self"]).json()["event"]
    shown = json.loads(block.text)
    varying = ("messageId", "originalTimestamp", "receivedAt", "timestamp", "userId")
    assert [len(sent[name]) for name in varying] == [len(shown[name]) for name in varying]
    sent["context"]["personas"] |= {name: shown["context"]["personas"][name] for name in IDS}
    assert {**sent, **{name: shown[name] for name in varying}} == shown


def test_the_configured_ones_run_by_themselves(tmp_path: Path) -> None:
    (config, *_) = (block for block in SECTIONS[CONFIGURED] if block.language == "toml")
    (tmp_path / "localtalon.toml").write_text(config.text)
    (values,) = (block for block in SECTIONS["Computed traits"] if block.language == "csv")
    (tmp_path / values.file).write_text(values.text)
    with closing(sqlite3.connect(tmp_path / "orders.db")) as db, db:
        db.execute("CREATE TABLE orders (user_id TEXT NOT NULL, completed_at TEXT NOT NULL)")
        db.execute("INSERT INTO orders VALUES ('ada', datetime('now', '-1 hour'))")
    with Sandbox(tmp_path / "localtalon.toml") as sandbox:
        reader = Reader(tmp_path, sandbox, sandbox)
        sandbox.idle()
        assert [one["members"] for one in defined(sandbox)] == [1, 0]
        reader.follow(CONFIGURED)
        assert [one["members"] for one in defined(sandbox)] == [1, 2]


def defined(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The audiences and computed traits that there are."""
    told = httpx.get(f"{sandbox.bridge_url}/_bridge/engage", trust_env=False).json()
    return [*told["audiences"], *told["computedTraits"]]


def test_every_path_is_in_its_table() -> None:
    for method, path, _ in TABLE:
        if path.startswith("/_bridge/engage"):
            shown = re.sub(r"/(audiences|computed-traits)\b", "/{kind}", path).replace(":any_text", "")
            assert re.search(rf"`{re.escape(f'{method} {shown}')}[`?]", TEXT), (method, shown)


def test_every_type_state_count_and_refusal_is_told() -> None:
    names = [*VALUE_TYPES, *SyncState, *Counts.__struct_fields__]
    assert [code for code in get_args(Code) if f"`{code}`" not in TEXT] == []
    camel = [re.sub("_(.)", lambda found: found[1].upper(), name) for name in names]
    assert [name for name in camel if f"`{name}`" not in TEXT] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "", b'{"name": "A", "kye": "a"}', "unknown_member"),
        ("PUT", "", b"[]", "bad_body"),
        ("PUT", "", b"{", "invalid_json"),
        ("PUT", "", b'{"name": "\xff"}', "invalid_utf8"),
        ("PUT", "", b" " * 100_000, "body_too_large"),
        ("GET", "?a=b", b"", "unknown_parameter"),
        ("POST", "/sync?force=yes", b"ada\n", "bad_filter"),
    ],
)
def test_refusals_of_the_request_itself_are_told(
    reader: Reader, method: str, path: str, body: bytes, code: str
) -> None:
    with httpx.Client(base_url=reader.here.bridge_url, trust_env=False) as bridge:
        bridge.put("/_bridge/engage/audiences/refusals", json={"name": "Refusals"})
        headers = {"Content-Type": "text/csv"}
        answer = bridge.request(method, f"/_bridge/engage/audiences/refusals{path}", content=body, headers=headers)
        bridge.delete("/_bridge/engage/audiences/refusals")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert f"`{code}`" in TEXT


def test_codings_that_are_refused_are_told(reader: Reader) -> None:
    for coding, code in (("br", "unsupported_encoding"), ("gzip", "invalid_gzip")):
        url = f"{reader.here.bridge_url}/_bridge/engage/audiences/refusals"
        answer = httpx.put(url, content=b"{}", headers={"Content-Encoding": coding}, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert f"`{code}`" in TEXT


def test_every_command_and_option_is_told() -> None:
    for command in engage.commands.values():
        assert f"localtalon engage {command.name}" in TEXT
        for parameter in command.params:
            (name, *_) = parameter.opts
            assert f"{name}" in TEXT, (command.name, name)
