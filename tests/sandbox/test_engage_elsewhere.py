"""`localtalon engage sync --to URL`: Engage in the command itself, towards any server that takes Segment's calls."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bridge_support import Reply, Target, basic, scripted_target
from localtalon import Sandbox, engage_elsewhere
from localtalon.cli import main
from localtalon.engage_elsewhere import Asked, Server
from localtalon.engage_outcome import Outcome
from localtalon.engage_sync import Source
from localtalon.foreign_door import MAX_BATCH, MAX_CALL, MAX_CALLS, PATIENCE, ForeignDoor, batches
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.door import DoorRefused, DoorUnavailable
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.safety import Options
from talon_bridge.engage.store import open_store

NAME = "Order Completed Last 30days"
KEY = "order_completed_last_30days"


class Elsewhere:
    """Somebody in a folder, who syncs to the server at a URL."""

    def __init__(self, folder: Path, url: str, write_key: str = "their-key") -> None:
        self.folder = folder
        self.url = url
        self._write_key = write_key

    def run(self, *arguments: str, given: str = "") -> Result:
        with contextlib.chdir(self.folder):
            options = ("--to", self.url, "--data", "kept", "--write-key", self._write_key)
            return CliRunner().invoke(main, ["engage", "sync", *arguments, *options], input=given)

    def sync(self, *users: str, name: str = NAME) -> dict[str, Any]:
        done = self.run(name, "-", "--json", "--max-leaving", "1", given="".join(f"{user}\n" for user in users))
        assert done.exit_code == 0, done.output
        counts: dict[str, Any] = json.loads(done.stdout)["sync"]["counts"]
        return counts


@pytest.fixture(name="target")
def their_server() -> Iterator[Target]:
    with scripted_target() as target:
        yield target


def calls(target: Target, status: int = 200) -> list[dict[str, Any]]:
    """Every call that came in a batch that was answered so."""
    taken = [seen for seen in target.seen if target.script(seen).status == status]
    return [call for seen in taken for call in json.loads(seen.body)["batch"]]


def told(target: Target) -> list[tuple[str, Any]]:
    """User and value of every call, in order."""
    return [(call["userId"], *call["traits"].values()) for call in calls(target)]


def test_our_own_bridge_may_be_the_other_one(tmp_path: Path) -> None:
    with Sandbox() as sandbox, sandbox.deployment() as talon, sandbox.bridge_for(talon) as bridge:
        somebody = Elsewhere(tmp_path, f"{bridge.url}/", bridge.write_key)
        assert somebody.sync("ada", "bea")["entered"] == 2
        bridge.idle()
        assert talon.profile("ada").attributes == {KEY: True}
        counts = somebody.sync("bea", "carl")
        assert (counts["entered"], counts["left"], counts["unchanged"]) == (1, 1, 1)
        bridge.idle()
        assert {profile.integration_id: profile.attributes[KEY] for profile in talon.profiles()} == {
            "ada": False,
            "bea": True,
            "carl": True,
        }
        assert len(bridge.events()) == 4


def test_a_batch_is_one_of_segments(tmp_path: Path, target: Target) -> None:
    shown = Elsewhere(tmp_path, target.url).run(NAME, "-", given="ada\n")
    assert shown.stdout.splitlines()[-1].startswith(f"1 identify sent to {target.url} in ")
    (seen,) = target.seen
    assert (seen.method, seen.target) == ("POST", "/v1/batch")
    assert seen.headers["authorization"] == basic("their-key")["authorization"]
    (call,) = calls(target)
    assert (call["type"], call["userId"], call["traits"]) == ("identify", "ada", {KEY: True})
    assert call["context"]["personas"]["computation_key"] == KEY


def test_what_may_come_through_later_is_sent_again(tmp_path: Path, target: Target) -> None:
    answers = [Reply(503), Reply(cut="before")]
    target.script = lambda _seen: answers.pop(0) if answers else Reply()
    done = Elsewhere(tmp_path, target.url).run(NAME, "-", given="ada\nbea\n")
    assert done.exit_code == 0, done.output
    assert f"{target.url}/v1/batch answers 503; trying again" in done.stderr
    assert "cannot be reached" in done.stderr
    first, second, third = (seen.body for seen in target.seen)
    assert first == second == third  # and so are their messageIds (DEL-3)


def test_a_server_that_takes_less_at_once_is_given_less(tmp_path: Path, target: Target) -> None:
    users = [f"u{number:04}" for number in range(600)]
    target.script = lambda seen: Reply(413 if len(seen.body) > 100_000 else 200)
    assert Elsewhere(tmp_path, target.url).sync(*users)["entered"] == 600
    assert told(target) == [(user, True) for user in users]


def test_a_refusal_is_told_and_what_was_decided_goes_out_first_next_time(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    target.script = lambda _seen: Reply(401, body=b'{"message": "no such key"}')
    refused = somebody.run(NAME, "-", given="ada\nbea\n")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "does not know the write key (HTTP 401: no such key)" in refused.stderr
    assert "run the same command again once that is mended" in refused.stderr
    again = somebody.run(NAME, "-", given="bea\ncarl\n")
    assert again.exit_code == 1
    target.script = lambda _seen: Reply()
    target.seen.clear()
    done = somebody.run(NAME, "-", "--max-leaving", "1", given="bea\ncarl\n")
    assert done.exit_code == 0, done.output
    assert "2 identifies of an earlier sync go out first" in done.stderr
    assert told(target) == [("ada", True), ("bea", True), ("carl", True), ("ada", False)]


def test_killed_while_it_sends_the_next_run_goes_on(tmp_path: Path, target: Target) -> None:
    gate = target.gate()
    target.script = lambda _seen: Reply(gate=gate)
    (tmp_path / "list.csv").write_text("ada\nbea\n")
    command = [sys.executable, "-m", "localtalon", "engage", "sync", NAME, "list.csv", "--to", target.url]
    command += ["--data", "kept", "--write-key", "their-key"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        target.wait_for(1)
        process.send_signal(signal.SIGKILL)
    target.open_all()
    assert Elsewhere(tmp_path, target.url).sync("ada", "bea")["unchanged"] == 2
    first, second = (json.loads(seen.body)["batch"] for seen in target.seen)
    assert [call["messageId"] for call in first] == [call["messageId"] for call in second]


def test_stopped_while_it_sends_it_says_how_it_goes_on(tmp_path: Path, target: Target) -> None:
    gate = target.gate()
    target.script = lambda _seen: Reply(gate=gate)
    (tmp_path / "list.csv").write_text("ada\nbea\n")
    command = [sys.executable, "-m", "localtalon", "engage", "sync", NAME, "list.csv", "--to", target.url]
    command += ["--data", "kept", "--write-key", "their-key"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        target.wait_for(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert process.stderr.read().endswith(b"was sent: the next run begins with the rest of it\n")


def test_a_value_that_no_call_can_hold_is_a_refused_row(tmp_path: Path, target: Target) -> None:
    rows = f"user_id,value\nada,{'x' * MAX_CALL}\nbea,short\n"
    done = Elsewhere(tmp_path, target.url).run("Note", "-", "--trait", "string", given=rows)
    assert done.exit_code == 0, done.output
    assert told(target) == [("bea", "short")]
    (row,) = (json.loads(line) for line in (tmp_path / "note.refused.ndjson").read_text().splitlines())
    assert (row["line"], row["excerpt"]) == (2, "ada")
    assert "a call of Segment's API has at most 32,768" in row["reason"]


def test_rows_that_are_all_refused_are_in_a_file(tmp_path: Path, target: Target) -> None:
    done = Elsewhere(tmp_path, target.url).run(NAME, "-", given="..\n")
    assert (done.exit_code, target.seen) == (2, [])
    assert f"the refused rows are in {KEY}.refused.ndjson" in done.stderr
    assert "ID-1" in (tmp_path / f"{KEY}.refused.ndjson").read_text()


def test_the_config_defines_what_is_synced(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    (tmp_path / "localtalon.toml").write_text('[[audiences]]\nname = "Buyers"\nkey = "bought"\nmax_leaving = 0.1\n')
    somebody.sync("ada", "bea", name="bought")
    assert [call["traits"] for call in calls(target)] == [{"bought": True}] * 2
    for arguments, said in (
        (("Byers", "-"), "did you mean 'Buyers'?"),
        (("Buyers", "-", "--key", "other"), "is defined in the config"),
        (("Buyers", "-"), "1 of 2 members (50 %)"),
        (("X", "-", "--key", "y", "--trait", "int"), "'int' is no type"),
        (("X", "-", "--config", "none.toml"), "none.toml cannot be read"),
    ):
        wrong = somebody.run(*arguments, given="ada\n")
        assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1), wrong.stderr
        assert said in wrong.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "http://127.0.0.1:1", "--write-key", "k"), "--to needs --data DIR"),
        (("--to", "http://127.0.0.1:1", "--data", "d"), "--to needs --write-key KEY"),
        (("--to", "127.0.0.1:1", "--data", "d", "--write-key", "k"), "is no URL"),
        (("--to", "http://me:secret@127.0.0.1", "--data", "d", "--write-key", "k"), "--to holds a login"),
        (("--to", "http://127.0.0.1:1", "--data", "d", "--write-key", "k", "--no-wait"), "--no-wait is for"),
    ],
)
def test_what_is_missing_is_named(options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(main, ["engage", "sync", "A", "-", *options], input="ada\n")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "secret" not in done.output


def test_somebody_at_the_terminal_is_asked(tmp_path: Path, target: Target) -> None:
    one = Computation("a", "audience", "A", "a", configured=True)
    server = Server(target.url, "k", str(tmp_path / "kept"))
    asked: list[str] = []

    def synced(users: str, answer: bool) -> Outcome:
        def sure(question: str) -> bool:
            asked.append(question)
            return answer

        (tmp_path / "list.txt").write_text(users)
        return engage_elsewhere.synced(
            one, Source(str(tmp_path / "list.txt")), server, Asked(Options(), None, sure, print)
        )

    synced("ada\nbea\n", answer=False)
    with pytest.raises(EngageError, match="2 of 2 members"):
        synced("carl\n", answer=False)
    assert synced("carl\n", answer=True).sync["counts"]["left"] == 2
    assert [question.splitlines()[-1] for question in asked] == ["Sync all the same?"] * 2
    assert told(target) == [("ada", True), ("bea", True), ("carl", True), ("ada", False), ("bea", False)]


def test_the_patience_ends(tmp_path: Path) -> None:
    now, news = [0.0], list[str]()

    async def knock(url: str) -> list[float]:
        waits = list[float]()
        async with ForeignDoor(url, "k", news.append, lambda: now[0]) as door:
            while not door.refused:
                try:
                    with contextlib.suppress(DoorRefused):
                        await door([b"{}"])
                except DoorUnavailable as error:
                    waits.append(error.seconds)
                    now[0] += PATIENCE / 10
            assert "for 10 minutes now" in door.refused
        return waits

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        waits = asyncio.run(knock(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(news) == 1


def test_a_server_says_when_to_come_again(target: Target) -> None:
    target.script = lambda _seen: Reply(429, (("Retry-After", "7"),))

    async def knock() -> float:
        async with ForeignDoor(target.url, "k", lambda _: None) as door:
            with pytest.raises(DoorUnavailable) as caught:
                await door([b"{}"])
            return caught.value.seconds

    assert asyncio.run(knock()) == 7


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (302, "give --to the URL that it names"),
        (404, "does not take Segment's calls"),
        (413, r"takes no call of 2 bytes \(HTTP 413\)"),
        (400, r"refuses the calls \(HTTP 400\)"),
    ],
)
def test_any_other_answer_is_final(target: Target, status: int, said: str) -> None:
    target.script = lambda _seen: Reply(status)

    async def knock() -> None:
        async with ForeignDoor(target.url, "k", lambda _: None) as door:
            with pytest.raises(DoorRefused, match=said):
                await door([b"{}"])

    asyncio.run(knock())
    assert len(target.seen) == 1


@given(st.lists(st.integers(1, MAX_BATCH // 3), max_size=40), st.integers(1, 2 * MAX_BATCH))
def test_batches_are_whole_in_order_and_no_larger_than_they_may_be(sizes: list[int], most: int) -> None:
    texts = [bytes([65 + index % 26]) * size for index, size in enumerate(sizes)]
    cut = list(batches(texts, most))
    assert [text for batch in cut for text in batch] == texts
    for batch in cut:
        assert len(b'{"batch":[' + b",".join(batch) + b"]}") <= most or len(batch) == 1


def test_a_batch_has_so_many_calls_and_no_more() -> None:
    assert [len(batch) for batch in batches([b"{}"] * (MAX_CALLS + 1))] == [MAX_CALLS, 1]
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "too old"}}', ": too old"),
        (b'{"error": "too old"}', ": too old"),
        (b'"too old"', ": too old"),
        (b"<p>too\xff old", ": <p>too\ufffd old"),
        (b'{"message": {}}', ""),
        (b"", ""),
    ],
)
def test_the_words_of_a_server_are_passed_on(target: Target, body: bytes, said: str) -> None:
    target.script = lambda _seen: Reply(400, body=body)

    async def knock() -> None:
        async with ForeignDoor(target.url, "k", lambda _: None) as door:
            with pytest.raises(DoorRefused) as caught:
                await door([b"{}"])
            assert str(caught.value) == f"{door.url} refuses the calls (HTTP 400{said})"

    asyncio.run(knock())


def test_data_belong_to_one_server(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    assert somebody.sync("ada")["entered"] == 1
    with scripted_target() as other:
        wrong = Elsewhere(tmp_path, other.url).run("Another", "-", "--key", "another", given="ada\n")
        assert (wrong.exit_code, wrong.stderr) == (
            2,
            f"localtalon: --data kept belongs to {target.url}; give {other.url} its own --data\n",
        )
        assert other.seen == []
    assert Elsewhere(tmp_path, f"{target.url}/").sync("ada")["unchanged"] == 1


def test_data_of_a_bridge_are_not_taken(tmp_path: Path, target: Target) -> None:
    async def define() -> None:
        store = open_store(str(tmp_path / "kept"))
        await store.open()
        await store.define(Computation("a", "audience", "A", "a"))
        await store.close()

    asyncio.run(define())
    wrong = Elsewhere(tmp_path, target.url).run("A", "-", given="ada\n")
    assert wrong.exit_code == 2
    assert f"--data kept belongs to a bridge; give {target.url} its own --data" in wrong.stderr


def test_another_kind_needs_another_key(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    somebody.sync("ada", name="A")
    wrong = somebody.run("A", "-", "--trait", "number", given="user_id,value\nada,1\n")
    assert wrong.exit_code == 2
    assert "the audience 'A' with boolean values under the key a; give another --key, or another --data" in wrong.stderr


def test_a_directory_is_used_by_one_command_at_a_time(tmp_path: Path, target: Target) -> None:
    gate = target.gate()
    target.script = lambda _seen: Reply(gate=gate)
    (tmp_path / "list.csv").write_text("ada\n")
    command = [sys.executable, "-m", "localtalon", "engage", "sync", NAME, "list.csv", "--to", target.url]
    command += ["--data", "kept", "--write-key", "their-key"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        target.wait_for(1)
        second = Elsewhere(tmp_path, target.url).run(NAME, "-", given="ada\n")
        assert second.exit_code == 2
        assert "another `sync --to` or a bridge is using --data kept; wait until it has ended" in second.stderr
        target.open_all()
        assert process.wait(30) == 0


def test_two_of_one_name_in_the_config_are_told_apart(tmp_path: Path, target: Target) -> None:
    both = "".join(f'[[audiences]]\nname = "Twin"\nkey = "{key}"\n' for key in ("one", "two"))
    (tmp_path / "localtalon.toml").write_text(both)
    wrong = Elsewhere(tmp_path, target.url).run("Twin", "-", given="ada\n")
    assert wrong.exit_code == 2
    assert "2 in the config are called 'Twin'; name one by its id: 'one' and 'two'" in wrong.stderr


def test_the_command_says_what_to_do_in_its_own_words(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    somebody.sync("ada", "bea")
    wrong = somebody.run(NAME, "-", "--max-leaving", "0.1", given="bea\n")
    assert wrong.stderr.endswith("if it is meant, give --force, or a higher --max-leaving\n")


def test_a_clean_sync_takes_away_the_rows_that_an_earlier_one_refused(tmp_path: Path, target: Target) -> None:
    somebody = Elsewhere(tmp_path, target.url)
    file = tmp_path / f"{KEY}.refused.ndjson"
    assert somebody.run(NAME, "-", given="ada\n..\n").exit_code == 0
    assert file.exists()
    somebody.sync("ada")
    assert not file.exists()
