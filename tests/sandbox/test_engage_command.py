"""`localtalon engage` beside a running sandbox."""

import asyncio
import contextlib
import csv
import gzip
import json
import os
import pty
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from bridge_support import Gate, quick, running, until
from localtalon import Sandbox
from localtalon.bridge_client import BridgeClient, BridgeError
from localtalon.cli import main
from localtalon.engage_progress import EVERY, Stage, Stages, told
from localtalon.engage_sync import Source, Syncing
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.store import open_store
from talon_bridge.events import Accepted
from talon_bridge.outbox import open_outbox
from talon_bridge.settings import Destination

COMMAND = [sys.executable, "-m", "localtalon", "engage"]


class Shop:
    """A folder with lists of users, and an audience in a sandbox that a test has for itself."""

    def __init__(self, folder: Path, bridge_url: str, key: str) -> None:
        self.folder = folder
        self.url = bridge_url
        self.key = key

    def run(self, *arguments: str, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """One command in the folder, in this process."""
        command = ["engage", *arguments, "--bridge", self.url]
        with contextlib.chdir(self.folder):
            done = CliRunner().invoke(main, command, input=given, env=environ)
        return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)

    def done(self, *arguments: str, given: str = "") -> str:
        """One command that goes well, and says nothing on standard error."""
        result = self.run(*arguments, given=given)
        assert (result.returncode, result.stderr) == (0, ""), result
        return result.stdout

    def refused(self, *arguments: str, given: str = "") -> str:
        """One command that could not run, and says why in one line."""
        result = self.run(*arguments, given=given)
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1), result
        return result.stderr

    def sync(self, users: str, *options: str) -> dict[str, Any]:
        """A sync from standard input."""
        shown: dict[str, Any] = json.loads(self.done("sync", self.key, "-", "--json", *options, given=users))
        return shown

    def members(self) -> list[str]:
        return self.done("members", self.key).splitlines()

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, "utf-8")
        return name


@pytest.fixture(name="shop")
def an_audience(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Shop:
    key = re.sub(r"\W+", "_", request.node.name).strip("_")
    attribute(sandbox, key, "boolean")
    shop = Shop(tmp_path, sandbox.bridge_url, key)
    shop.done("define", key.replace("_", " "))
    return shop


def attribute(sandbox: Sandbox, name: str, kind: str) -> None:
    """Define an attribute in Talon.One."""
    body: dict[str, Any] = {"entity": "CustomerProfile", "name": name, "title": name, "type": kind}
    body |= {"description": "d", "suggestions": [], "editable": True}
    headers = {"Authorization": f"ManagementKey-v1 {sandbox.management_key}"}
    httpx.post(f"{sandbox.emulator_url}/v1/attributes", json=body, headers=headers, trust_env=False).raise_for_status()


def attributes(sandbox: Sandbox, user: str) -> dict[str, Any]:
    """What Talon.One holds of a user."""
    url = f"{sandbox.emulator_url}/v1/customer_profiles/{user}/inventory?profile=true"
    answer = httpx.get(url, headers={"Authorization": f"ApiKey-v1 {sandbox.api_key}"}, trust_env=False)
    found: dict[str, Any] = answer.json()["profile"]["attributes"]
    return found


def test_from_a_list_to_attributes_and_back(sandbox: Sandbox, tmp_path: Path) -> None:
    attribute(sandbox, "from_a_list", "boolean")
    shop = Shop(tmp_path, sandbox.bridge_url, "from_a_list")
    assert shop.done("define", "From a list") == (
        "defined the audience 'From a list': id from_a_list, key from_a_list, boolean values\n"
    )
    assert shop.done("define", "From a list", "--max-leaving", "0.9").startswith("changed the audience")
    shop.write("buyers.csv", "user_id\nl-ada\nl-bea\nl-ada\n\n")
    first = shop.done("sync", "From a list", "buyers.csv")
    assert first.startswith(
        "From a list: 3 rows read\n  1 duplicate\n  2 entered, 0 left, 0 changed, 0 unchanged\n"
        "2 identifies sent and delivered in "
    )
    assert attributes(sandbox, "l-ada") == {"from_a_list": True}
    second = shop.sync("l-bea\nl-carl\n")
    counts = second["sync"]["counts"]
    assert [counts[name] for name in ("entered", "left", "unchanged", "membersBefore")] == [1, 1, 1, 2]
    assert (second["delivered"], second["deadLetters"], second["refusedFile"]) == (True, 0, None)
    assert attributes(sandbox, "l-ada") == {"from_a_list": False}
    assert shop.members() == ["l-bea", "l-carl"]
    heads, row = (line for line in shop.done("list").splitlines() if line.startswith(("name ", "From a list ")))
    assert heads.split("  ")[0] == "name"
    assert row.split()[3:9] == ["audience", "from_a_list", "boolean", "2", "0", "finished"]
    assert shop.done("forget", "from_a_list") == "forgot the audience 'From a list'; nothing was sent\n"
    assert "there is no audience or computed trait 'from_a_list'" in shop.refused("forget", "from_a_list")


def test_a_computed_trait_travels_with_its_type(sandbox: Sandbox, tmp_path: Path) -> None:
    attribute(sandbox, "points_spent", "number")
    shop = Shop(tmp_path, sandbox.bridge_url, "points_spent")
    shop.done("define", "Points spent", "--trait", "number", "--nullify", "--id", "spent")
    shop.write("values.csv", "user_id,value\nv-ada,120.5\nv-bea,many\n")
    told = json.loads(shop.done("sync", "spent", "values.csv", "--json"))
    assert (told["sync"]["counts"]["entered"], told["sync"]["counts"]["refused"]) == (1, 1)
    assert shop.members() == ["v-ada\t120.5"]
    assert shop.done("members", "spent", "--json") == '{"userId":"v-ada","value":120.5}\n'
    assert attributes(sandbox, "v-ada") == {"points_spent": 120.5}
    shop.sync("user_id,value\nv-bea,3\n", "--force")
    assert attributes(sandbox, "v-ada") == {}
    assert "kind and type never change" in shop.refused("define", "Points spent", "--trait", "string", "--id", "spent")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("30 days",), "no Talon.One attribute can be called 30_days"),
        (("A", "--trait", "nmber"), "did you mean 'number'?"),
        (("A", "--key", "no-dash"), "'no-dash'"),
        (("!!!",), "makes no key"),
    ],
)
def test_what_cannot_be_defined_is_refused(
    sandbox: Sandbox, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert said in Shop(tmp_path, sandbox.bridge_url, "").refused("define", *arguments)


def test_an_attribute_that_does_not_fit_is_told_and_nothing_is_synced(sandbox: Sandbox, tmp_path: Path) -> None:
    shop = Shop(tmp_path, sandbox.bridge_url, "")
    defined = shop.run("define", "Email", "--key", "Email")
    assert defined.returncode == 1
    assert "'email' is, and differs in case" in defined.stderr
    assert "attributes push" in shop.refused("sync", "Email", "-", given="u\n")
    assert "'email' is, and differs in case" in shop.done("list")
    shop.done("forget", "Email")


def test_refused_rows_go_to_a_file(shop: Shop) -> None:
    shop.write("list.csv", "user_id,note\nr-ada,\n,\u2028\n..,\n")
    shown = shop.done("sync", shop.key, "list.csv").splitlines()
    assert shown[1] == f"  2 refused (1 anonymous); see {shop.key}.refused.ndjson"
    rows = [json.loads(line) for line in (shop.folder / f"{shop.key}.refused.ndjson").read_text().split("\n")[:-1]]
    assert [row["line"] for row in rows] == [3, 4]
    assert "\u2028" in rows[0]["excerpt"]
    assert rows[1]["excerpt"].startswith("..,")
    assert "ID-2" in rows[0]["reason"]
    assert "ID-1" in rows[1]["reason"]
    shop.done("sync", shop.key, "list.csv", "--refused", "out.csv")
    with (shop.folder / "out.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["line"], row["reason"]) for row in table] == [(str(row["line"]), row["reason"]) for row in rows]
    assert "there is no directory nowhere" in shop.refused("sync", shop.key, "list.csv", "--refused", "nowhere/x")
    (shop.folder / "folder.csv").symlink_to("nowhere/out.csv")
    assert "cannot be written to folder.csv" in shop.refused("sync", shop.key, "list.csv", "--refused", "folder.csv")
    shop.sync("r-ada\n", "--refused", "none.csv")
    assert not (shop.folder / "none.csv").exists()


def test_every_kind_of_source_is_read(shop: Shop) -> None:
    (shop.folder / "lists").mkdir()
    shop.write("lists/a.csv", "user_id\ns-1\n")
    shop.write("lists/b.ndjson", '"s-2"\n{"userId": "s-3"}\n')
    (shop.folder / "lists" / "c.csv.gz").write_bytes(gzip.compress(b"id\ns-4\n"))
    with contextlib.closing(sqlite3.connect(shop.folder / "shop.db")) as db, db:
        db.execute("CREATE TABLE orders (user TEXT)")
        db.executemany("INSERT INTO orders VALUES (?)", [("s-1",), ("s-5",)])
    shop.done("sync", shop.key, "lists")
    assert shop.members() == ["s-1", "s-2", "s-3", "s-4"]
    shop.done("sync", shop.key, "sqlite:shop.db", "--query", "SELECT user FROM orders", "--max-leaving", "1")
    assert shop.members() == ["s-1", "s-5"]
    shop.write("query.sql", "SELECT user FROM orders WHERE user > 's-1'")
    shop.done("sync", shop.key, "sqlite:shop.db", "--query-file", "query.sql")
    assert shop.members() == ["s-5"]
    shop.write("wide.txt", "x\ts-5\nname\ts-6\n")
    shop.done("sync", shop.key, "wide.txt", "--no-header", "--delimiter", "\\t", "--user-column", "2")
    assert shop.members() == ["s-5", "s-6"]
    assert (
        "give --query or --query-file"
        in shop.run("sync", shop.key, "-", "--query", "q", "--query-file", "query.sql").stderr
    )
    assert "columns are" in shop.refused("sync", shop.key, "wide.txt", "--header", "--user-column", "user")
    assert "'ab' cannot separate columns" in shop.refused("sync", shop.key, "wide.txt", "--delimiter", "ab")


def test_a_header_that_is_not_recognised_is_told(shop: Shop) -> None:
    shop.write("list.csv", "customer,email\nh-1,h@example.com\n")
    done = shop.run("sync", shop.key, "list.csv")
    assert done.returncode == 0
    assert done.stderr == "localtalon: list.csv: no header recognised: user ids are taken from column 1\n"
    assert shop.members() == ["customer", "h-1"]
    shop.done("sync", shop.key, "list.csv", "--header")
    assert shop.members() == ["h-1"]


def test_what_is_no_source_is_said_at_once(shop: Shop) -> None:
    assert "nothing is fetched from the web" in shop.refused("sync", shop.key, "https://u:s3cret@h/list.csv")
    assert "begins as JSON does" in shop.refused("sync", shop.key, shop.write("list.csv", '{"user_id": "u1"}\n'))
    assert shop.members() == []


def test_a_source_that_breaks_off_changes_nothing(shop: Shop) -> None:
    shop.sync("b-1\nb-2\n")
    whole = gzip.compress("".join(f"b-{number}\n" for number in range(200_000)).encode())
    (shop.folder / "list.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "list.csv.gz cannot be read" in shop.refused("sync", shop.key, "list.csv.gz")
    assert shop.members() == ["b-1", "b-2"]
    syncs = f"{shop.url}/_bridge/engage/audiences/{shop.key}/syncs"
    until(lambda: httpx.get(syncs, trust_env=False).json()["syncs"][0]["state"] == "failed")


def test_an_empty_source_needs_a_word(shop: Shop) -> None:
    shop.sync("e-1\n")
    assert "--allow-empty" in shop.refused("sync", shop.key, "-")
    all_refused = shop.run("sync", shop.key, "-", given='user_id\n""\n')
    assert all_refused.returncode == 2
    assert f"the refused rows are in {shop.key}.refused.ndjson" in all_refused.stderr
    assert shop.members() == ["e-1"]
    assert shop.sync("", "--allow-empty")["sync"]["counts"]["left"] == 1


def test_too_many_who_leave_need_a_word(shop: Shop) -> None:
    shop.sync("t-1\nt-2\nt-3\n")
    said = shop.refused("sync", shop.key, "-", given="t-1\n")
    assert "2 of 3 members" in said
    assert "--force" in said
    shop.write("one.csv", "t-1\n")
    assert "--force" in shop.refused("sync", shop.key, "one.csv")  # nobody is there to be asked
    for answer, exit_code, members in (("n", 2, ["t-1", "t-2", "t-3"]), ("y", 0, ["t-1"])):
        asked, code = on_terminal(shop, ["sync", shop.key, "one.csv"], answer)
        assert "Sync all the same? [y/N]" in asked
        assert (code, shop.members()) == (exit_code, members)


def on_terminal(shop: Shop, arguments: list[str], answer: str) -> tuple[str, int]:
    """A command at a terminal, at which somebody answers its question; what it showed, and its exit code."""
    ours, theirs = pty.openpty()
    command = [*COMMAND, *arguments, "--bridge", shop.url]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=shop.folder) as process:
        os.close(theirs)
        shown = ""
        with open(ours, "r+b", buffering=0) as terminal:
            try:
                while chunk := terminal.read(1024):
                    shown += chunk.decode()
                    if answer and "[y/N]" in shown:
                        terminal.write(f"{answer}\n".encode())
                        answer = ""
            except OSError:  # the process has ended
                pass
        return shown, process.wait(60)


def test_a_second_sync_at_once_is_refused(shop: Shop) -> None:
    with reading(shop) as process:
        assert f"of the audience '{shop.key.replace('_', ' ')}' is reading" in shop.refused(
            "sync", shop.key, "-", given="x\n"
        )
        process.stdin.close()
        assert process.wait(30) == 0


def test_stopped_while_it_reads_it_has_changed_nothing(shop: Shop) -> None:
    shop.sync("c-1\n")
    with reading(shop) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().endswith(b"stopped while the source was read: nothing was changed\n")
    assert shop.members() == ["c-1"]
    assert shop.sync("c-1\nc-2\n")["sync"]["counts"]["entered"] == 1


@contextlib.contextmanager
def reading(shop: Shop) -> Iterator[Any]:
    """A sync whose source does not end, once the bridge is reading it."""
    command = [*COMMAND, "sync", shop.key, "-", "--bridge", shop.url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=shop.folder) as process:
        assert process.stdin is not None
        process.stdin.write(b"c-1\nc-9\n")
        process.stdin.flush()
        audience = f"{shop.url}/_bridge/engage/audiences/{shop.key}"
        try:
            until(lambda: httpx.get(audience, trust_env=False).json()["running"])
            yield process
        finally:
            process.kill()


class SlowOutbox:
    """An outbox that stores nothing before its gate is open."""

    def __init__(self) -> None:
        """Everything but `append` is an outbox's own."""
        self._outbox = open_outbox(None, 25, 10)
        self.gate = Gate()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)

    async def append(self, events: list[Accepted]) -> int:
        """Store the events once the gate is open."""
        await self.gate.passed()
        return await self._outbox.append(events)


def test_stopped_once_it_is_decided_it_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    attribute(sandbox, "decided_once", "boolean")
    outbox: Any = SlowOutbox()
    with running(quick(Destination(sandbox.api_key, sandbox.emulator_url)), outbox) as bridge:
        shop = Shop(tmp_path, bridge.url, "decided_once")
        shop.done("define", "Decided once")
        shop.write("list.csv", "d-1\nd-2\n")
        command = [*COMMAND, "sync", shop.key, "list.csv", "--bridge", shop.url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path) as process:
            assert process.stderr is not None
            until(lambda: (audience(bridge)["running"] or {}).get("state") == "sending")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
            assert process.stderr.read().endswith(b"sync 1 is sending; the bridge goes on by itself\n")
        outbox.gate.open()
        until(lambda: audience(bridge)["lastSync"])
        assert audience(bridge)["lastSync"]["state"] == "finished"
        assert bridge.idle()
        assert attributes(sandbox, "d-2") == {"decided_once": True}


def audience(bridge: Any) -> dict[str, Any]:
    found: dict[str, Any] = bridge.client.get("/_bridge/engage/audiences/decided_once").json()
    return found


def test_dead_letters_that_came_of_it_are_counted(sandbox: Sandbox, tmp_path: Path) -> None:
    with running(quick(Destination(sandbox.api_key, sandbox.emulator_url))) as bridge:  # does not ask for definitions
        shop = Shop(tmp_path, bridge.url, "nowhere_defined")
        shop.done("define", "Nowhere defined")
        ended = shop.run("sync", shop.key, "-", given="n-1\nn-2\n")
        assert ended.returncode == 1
        assert "2 identifies sent, 2 dead letters, in " in ended.stdout
        assert f"`localtalon dead-letters --bridge {bridge.url}` shows them" in ended.stderr
        late = shop.run("sync", shop.key, "-", "--no-wait", "--json", given="n-1\nn-2\nn-3\n")
        assert (late.returncode, json.loads(late.stdout)["delivered"]) == (0, None)


def test_a_token_is_asked_for_and_given(tmp_path: Path, sandbox: Sandbox) -> None:
    settings = quick(Destination(sandbox.api_key, sandbox.emulator_url), control_token="t0ken")
    with running(settings) as bridge:
        shop = Shop(tmp_path, bridge.url, "")
        assert "--token TOKEN" in shop.refused("list")
        assert shop.run("list", LOCALTALON_BRIDGE_CONTROL_TOKEN="t0ken").stdout == (
            "no audiences and no computed traits\n"
        )


def test_without_a_bridge_it_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        shop = Shop(tmp_path, f"http://127.0.0.1:{unused.getsockname()[1]}", "")
        for arguments in (("list",), ("define", "A"), ("sync", "A", "-"), ("members", "A"), ("forget", "A")):
            assert "no bridge answers at" in shop.refused(*arguments)


@pytest.mark.parametrize("option", [("--data", "d"), ("--key", "k"), ("--trait", "number"), ("--nullify",)])
def test_options_for_elsewhere_are_not_passed_over(shop: Shop, option: tuple[str, ...]) -> None:
    ended = shop.run("sync", shop.key, "-", *option)
    assert ended.returncode == 2
    assert f"{option[0]} is for --to URL" in ended.stderr


def test_a_stage_in_words() -> None:
    assert told(Stage("rows read", 0), 0.0) == "0 rows read"
    reading = Stage("rows read", 250_000, more=", 3 refused")
    assert told(reading, 2.0) == "250,000 rows read, 3 refused, 125,000 a second"
    sending = Stage("identifies sent", 1000, 100_000, " (100,000 entered)")
    assert told(sending, 1.0) == ("1,000 of 100,000 identifies sent (100,000 entered), 1,000 a second, 1 min 39 s left")
    assert told(sending, 1.0, 500).endswith("500 a second, 3 min 18 s left")
    assert told(Stage("identifies delivered", 60, 3600 * 60 * 2 + 60), 1.0).endswith("60 a second, 2 h 00 min left")


def test_a_line_comes_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    with Stages(lambda: now[0]) as stages:
        stages.at(Stage("rows read", 10))
        now[0] += EVERY
        stages.at(Stage("rows read", 4010))
        stages.at(Stage("rows read", 5000))
        now[0] += EVERY
        stages.at(Stage("identifies sent", 0, 5000))
        stages.at(Stage("identifies sent", 1000, 5000))
        now[0] += EVERY
        stages.at(Stage("identifies sent", 3000, 5000))
    assert capsys.readouterr().err.splitlines() == [
        "4,010 rows read, 2,000 a second",
        "0 of 5,000 identifies sent",
        "3,000 of 5,000 identifies sent, 1,500 a second, 1 s left",
    ]


def test_a_bar_is_shown_on_a_terminal(shop: Shop) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "sync", shop.key, "-", "--bridge", shop.url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=theirs, cwd=shop.folder) as process:
        os.close(theirs)
        assert process.stdin is not None
        process.stdin.write(b"c-1\nc-9\n")
        process.stdin.flush()
        shown = b""
        with open(ours, "rb", buffering=0) as terminal:
            while b"2 rows read" not in shown:
                shown += terminal.read(1024)
            process.stdin.close()
            assert process.wait(30) == 0


def test_a_definition_is_changed_in_what_is_given(shop: Shop, sandbox: Sandbox) -> None:
    attribute(sandbox, "kept_points", "number")
    shop.done("define", "Kept points", "--trait", "number", "--nullify", "--max-leaving", "0.1")
    for options, nullify, max_leaving in (
        ((), True, 0.1),
        (("--max-leaving", "0.2"), True, 0.2),
        (("--no-nullify",), False, 0.2),
        (("--trait", "number"), False, 0.2),
    ):
        shown = json.loads(shop.done("define", "Kept points", "--json", *options))
        assert (shown["class"], shown["nullify"], shown["maxLeaving"]) == ("trait", nullify, max_leaving)
    shop.done("define", "Renamed", "--id", shop.key, "--max-leaving", "0.3")
    shown = json.loads(shop.done("define", "Renamed again", "--id", shop.key, "--json"))
    assert (shown["name"], shown["key"], shown["maxLeaving"]) == ("Renamed again", shop.key, 0.3)
    assert "--nullify is for computed traits" in shop.run("define", "Renamed", "--id", shop.key, "--nullify").stderr
    shop.done("forget", "kept_points")


def test_two_of_one_name_are_told_apart(shop: Shop, sandbox: Sandbox) -> None:
    for key in ("twin_one", "twin_two"):
        attribute(sandbox, key, "boolean")
        shop.done("define", "Twin", "--key", key)
    said = "2 are called 'Twin'; name one by its id: 'twin_one' and 'twin_two'"
    assert said in shop.refused("sync", "Twin", "-", given="u\n")
    assert said in shop.refused("forget", "Twin")
    for key in ("twin_one", "twin_two"):
        shop.done("forget", key)


def test_why_a_last_sync_came_to_nothing_is_listed(shop: Shop) -> None:
    shop.sync("w-1\n")
    shop.refused("sync", shop.key, "-")
    syncs = httpx.get(f"{shop.url}/_bridge/engage/audiences/{shop.key}/syncs", trust_env=False).json()["syncs"]
    said = f"audience '{shop.key.replace('_', ' ')}': sync {syncs[0]['number']} refused: the source of the audience"
    assert said in shop.done("list")
    shop.sync("w-1\n")
    assert said not in shop.done("list")


def test_one_that_left_the_config_is_forgotten_by_its_id(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = quick(Destination(sandbox.api_key, sandbox.emulator_url), data=str(tmp_path))
    left = Computation("left_the_config", "audience", "Left", "left_the_config", configured=True)

    async def keep() -> None:
        store = open_store(str(tmp_path))
        await store.open()
        await store.define(left)
        await store.close()

    asyncio.run(keep())
    with running(settings) as bridge:
        shop = Shop(tmp_path, bridge.url, "")
        assert "no audience or computed trait 'Left'" in shop.refused("forget", "Left")
        assert shop.done("forget", left.id) == (
            "forgot the audience or computed trait 'left_the_config'; nothing was sent\n"
        )
        assert "no audience or computed trait" in shop.refused("forget", left.id)


def test_a_bridge_that_ends_while_it_sends_is_told(tmp_path: Path) -> None:
    class Gone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"total": 0, "syncs": [], "deadLetters": [], "next": null}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            while self.rfile.readline() != b"0\r\n":
                pass
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        one = {"class": "audience", "id": "a", "key": "a", "type": "boolean", "name": "A"}
        (tmp_path / "list.csv").write_text("u\n")
        with BridgeClient(f"http://127.0.0.1:{server.server_port}", None) as client, Stages() as stages:
            syncing = Syncing(client, one, stages, print)
            with pytest.raises(BridgeError, match="goes on with it when it starts: `localtalon engage list`"):
                syncing.sync(Source(str(tmp_path / "list.csv")))
            server.shutdown()
            server.server_close()
            with pytest.raises(BridgeError, match="goes on delivering them when it starts"):
                syncing.settle({"sent": 1})


def test_the_kind_of_a_source_is_looked_at_before_anything_else(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "http://127.0.0.1:1", "")
    for options in ((), ("--header",), ("--query", "q")):
        assert "http:// is no source" in shop.refused("sync", "A", "http://127.0.0.1/list.csv", *options)


def test_what_to_do_is_said_in_words_of_the_command_line(shop: Shop) -> None:
    shop.sync("o-1\no-2\n")
    assert shop.refused("sync", shop.key, "-").endswith("if nobody is meant, give --allow-empty\n")
    assert shop.refused("sync", shop.key, "-", "--max-leaving", "0.1", given="o-1\n").endswith(
        "if it is meant, give --force, or a higher --max-leaving\n"
    )


@pytest.mark.parametrize("arguments", [("define", "A"), ("sync", "A", "-")])
def test_no_number_is_no_share(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ended = Shop(tmp_path, "http://127.0.0.1:1", "").run(*arguments, "--max-leaving", "nan")
    assert ended.returncode == 2
    assert "nan is not in the range" in ended.stderr


def test_a_clean_sync_takes_away_the_rows_that_an_earlier_one_refused(shop: Shop) -> None:
    file = shop.folder / f"{shop.key}.refused.ndjson"
    shop.sync("k-1\n..\n")
    assert file.exists()
    shop.sync("k-1\n", "--refused", "other.ndjson")
    assert file.exists()
    shop.sync("k-1\n")
    assert not file.exists()
    for somebodys in ('{"line": 1}\n', "no JSON\n", ""):
        file.write_text(somebodys)
        shop.sync("k-1\n")
        assert file.read_text() == somebodys


@pytest.mark.parametrize("source", ["list.ndjson", "list.jsonl.gz", "sqlite:shop.db"])
@pytest.mark.parametrize("option", [("--header",), ("--user-column", "id"), ("--delimiter", ";")])
def test_options_for_csv_are_for_csv(tmp_path: Path, source: str, option: tuple[str, ...]) -> None:
    ended = Shop(tmp_path, "http://127.0.0.1:1", "").run("sync", "A", source, *option)
    assert ended.returncode == 2
    assert f"{option[0]} is for CSV, and has no effect with" in ended.stderr
