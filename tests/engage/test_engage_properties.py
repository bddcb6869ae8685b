"""Whatever is synced: Talon.One holds what the last sync says, and was told exactly what changed, on every store."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts_support import DEFINITIONS, bench
from emulator_support import STORES
from localtalon import Sandbox
from talon_contracts.checks import CHECKS
from talon_contracts.exact_json import Json, encode
from talon_contracts.judges import judge_syncs
from talon_contracts.memberships import Kind
from talon_contracts.strategies.syncs import histories_of
from talon_contracts.targets import Bench, Engage
from talon_contracts.trial import run
from talon_contracts.verdicts import Kept

QUICK = '[emulator]\nlimits = "off"\n[bridge]\nmax_requests_per_second = 0\nfirst_wait = 0.02\nrequest_timeout = 1\n'
LISTS = {"lucky_numbers": "(list number)", "visits": "(list time)"}
KEY = "order_completed_last_30days"
NDJSON = {"Content-Type": "application/x-ndjson"}
ANYWAY = "?allowEmpty=true&force=true"
few = settings(max_examples=6, deadline=None)


@contextmanager
def pair(folder: Path, data: str | None) -> Iterator[Bench]:
    """Our pair in this process, which also has attributes of the rarer types."""
    config = folder / "localtalon.toml"
    config.write_text(QUICK)
    with Sandbox(config, data=data) as sandbox, bench(sandbox.emulator_url, sandbox.bridge_url) as made:
        assert made.management is not None
        for name, kind in LISTS.items():
            assert made.management.define(name, kind).status == 201
        yield replace(made, definitions={**DEFINITIONS, **LISTS})


@pytest.fixture(scope="module", params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Our pair with each kind of store."""
    folder = tmp_path_factory.mktemp(request.param)
    data = {"memory": None, "file": str(folder)}.get(request.param, "")
    with pair(folder, request.getfixturevalue("postgres").database() if data == "" else data) as made:
        yield made


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Our pair in memory."""
    with pair(tmp_path_factory.mktemp("ours"), None) as made:
        yield made


@pytest.mark.parametrize("name", ["AUD-5 syncs", "AUD-6 nullify"])
def test_any_history_of_syncs_and_live_changes(name: str, stored: Bench) -> None:
    verdict = run(CHECKS[name], stored, examples=10)
    assert isinstance(verdict, Kept), verdict


@pytest.mark.parametrize(
    ("key", "nullify"),
    [("vip", True), ("signed_up_at", False), ("favourite_tags", True), ("lucky_numbers", True), ("visits", False)],
)
def test_values_of_every_type(key: str, nullify: bool, ours: Bench) -> None:
    kind = Kind(ours.definitions[key], audience=False, nullify=nullify)

    @few
    @given(histories_of(kind, key, most=4))
    def each(history: Any) -> None:
        assert judge_syncs(ours, history) is None

    each()


class Audience:
    """An audience of the bridge's own for one example, deleted at its end; users are called by letters."""

    def __init__(self, made: Bench, stack: ExitStack, key: str = KEY) -> None:
        assert made.engage is not None
        self.bench, self.engage, self.tag = made, made.engage, made.tag()
        self.path, self.key = f"audiences/{self.tag}a", key
        assert self.engage.define(self.path, {"name": self.tag, "key": key}).status == 201
        stack.callback(self.engage.forget, self.path)

    def rows(self, letters: str) -> list[bytes]:
        """A row for each of these users."""
        return [encode(self.tag + letter) + b"\n" for letter in letters]

    def sync(self, letters: str) -> dict[str, Any]:
        """Sync these users."""
        reply = self.engage.sync(self.path, b"".join(self.rows(letters)), NDJSON, ANYWAY)
        assert reply.status == 200, reply.body
        done: Any = reply.json()
        return dict(done)

    def change(self, add: str, remove: str) -> None:
        """Users who come and go, live."""
        change: dict[str, Json] = {"add": [self.tag + each for each in add], "remove": [self.tag + e for e in remove]}
        assert self.engage.change(self.path, change).status == 200

    @property
    def members(self) -> set[str]:
        """Who is in it."""
        return {user.removeprefix(self.tag) for user, _ in self.engage.members(self.path)}

    def told(self, letters: str) -> dict[str, list[Json]]:
        """What each of these users was told under its key, in order, once all is settled."""
        self.bench.settle()
        told: dict[str, list[Json]] = {}
        for letter in letters:
            events: list[Any] = [event for _, event in self.engage.identifies(self.tag + letter) or []]
            told[letter] = [event["traits"][self.key] for event in events if self.key in event["traits"]]
        return told

    def held(self, letters: str) -> set[str]:
        """Which of these users have true at Talon.One."""
        profiles = {letter: self.bench.talon_one.profile(self.tag + letter) or {} for letter in letters}
        return {letter for letter, profile in profiles.items() if profile.get(self.key) is True}


some = st.sets(st.sampled_from("abcd")).map(lambda letters: "".join(sorted(letters)))


@few
@given(first=some, second=some, add=some, remove=some)
def test_live_changes_while_a_sync_reads_keep_their_place(
    ours: Bench, first: str, second: str, add: str, remove: str
) -> None:
    """What comes live meanwhile is one of the members that the source is compared with when it has been read."""
    with ExitStack() as stack:
        audience = Audience(ours, stack)
        audience.sync(first)
        upload = audience.engage.upload(audience.path, NDJSON, ANYWAY)
        upload.send(b"".join(audience.rows(second)) or b"\n")
        assert audience.engage.await_running(audience.path, running=True)
        audience.change(add, "".join(sorted({*remove} - {*add})))
        assert upload.finish().status == 200
        told = audience.told("abcd")
        assert audience.members == {*second} == audience.held("abcd")
        for letter, values in told.items():
            assert values == [number % 2 == 0 for number in range(len(values))], f"{letter} was told {values}"
            assert (values[-1:] == [True]) == (letter in second)


@few
@given(some, some, some, some)
def test_two_audiences_do_not_see_each_other(ours: Bench, a1: str, b1: str, a2: str, b2: str) -> None:
    with ExitStack() as stack:
        one, other = Audience(ours, stack), Audience(ours, stack, "vip")
        other.tag = one.tag
        for of_one, of_other in ((a1, b1), (a2, b2)):
            uploads = [each.engage.upload(each.path, NDJSON, ANYWAY) for each in (one, other)]
            for each, upload, letters in zip((one, other), uploads, (of_one, of_other), strict=True):
                upload.send(b"".join(each.rows(letters)) or b"\n")
                assert each.engage.await_running(each.path, running=True)
            assert [upload.finish().status for upload in uploads] == [200, 200]
        for each, before, after in ((one, a1, a2), (other, b1, b2)):
            wanted = {letter: [True] * (letter in before) for letter in "abcd"}
            for letter in {*before} ^ {*after}:
                wanted[letter] = [*wanted[letter], letter in after]
            assert each.told("abcd") == wanted
            assert each.held("abcd") == {*after}


def test_an_audience_that_was_deleted_begins_anew(ours: Bench) -> None:
    with ExitStack() as stack:
        audience = Audience(ours, stack)
        audience.sync("ab")
        assert audience.engage.forget(audience.path).status == 200
        assert audience.told("ab") == {"a": [True], "b": [True]}, "a deletion tells nobody anything"
        assert audience.engage.define(audience.path, {"name": "again", "key": KEY}).status == 201
        assert audience.sync("bc")["counts"]["entered"] == 2
        assert audience.told("abc") == {"a": [True], "b": [True, True], "c": [True]}


def test_a_client_that_leaves_once_all_is_sent_changes_nothing(ours: Bench) -> None:
    """The body was whole, so that the sync goes on by itself."""
    with ExitStack() as stack:
        audience = Audience(ours, stack)
        letters = "abcdefghij"
        upload = audience.engage.upload(audience.path, NDJSON, ANYWAY)
        upload.send(b"".join(audience.rows(letters)))
        assert audience.engage.await_running(audience.path, running=True)
        upload.end()
        upload.break_off()
        assert audience.engage.await_running(audience.path, running=False)
        newest = audience.engage.newest(audience.path)
        assert newest is not None
        # The end and the news that nobody listens come together; either way it is all or nothing.
        expected = {"finished": {*letters}, "failed": set[str]()}[newest["state"]]
        assert audience.members == expected
        audience.sync(letters)
        assert audience.told(letters) == {letter: [True] for letter in letters}


def test_of_many_that_come_at_once_one_runs(ours: Bench) -> None:
    with ExitStack() as stack:
        audience = Audience(ours, stack)
        assert ours.bridge is not None
        sources = ["abc", "bcd", "cda", "dab", "abcd", "ab"]
        answers: list[tuple[int, str]] = []

        def sync(letters: str) -> None:
            engage = Engage(ours.bridge.url if ours.bridge else "")
            reply = engage.sync(audience.path, b"".join(audience.rows(letters)), NDJSON, ANYWAY)
            answers.append((reply.status, letters))
            engage.close()

        threads = [threading.Thread(target=sync, args=(letters,)) for letters in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {status for status, _ in answers} <= {200, 409}
        assert any(status == 200 for status, _ in answers)
        members = audience.members
        assert members in [{*letters} for status, letters in answers if status == 200]
        told = audience.told("abcd")
        assert audience.held("abcd") == members
        assert all(values == [number % 2 == 0 for number in range(len(values))] for values in told.values())
