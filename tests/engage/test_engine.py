"""The engine over a store: what the door does to it, stops and starts, schedules, definitions of the config."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from talon_bridge.clock import SandboxClock
from talon_bridge.engage.computations import Computation, Source
from talon_bridge.engage.door import DoorRefused, DoorUnavailable
from talon_bridge.engage.engine import Engage
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.safety import Options
from talon_bridge.engage.store import open_store
from talon_bridge.engage.syncs import SyncState
from talon_bridge.settings import SettingsError

BUYERS = Computation("buyers", "audience", "Buyers", "buyers")
VALUE = Computation("value", "computed_trait", "Value", "value", "number", nullify=True)
KEPT = Computation("kept", "computed_trait", "Kept", "kept", "number")


class Door:
    """A door that remembers what went through it; `answers` are raised, one a call, before it takes anything."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answers: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, texts: Sequence[bytes]) -> None:
        await self.open.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.taken += [msgspec.json.decode(text) for text in texts]

    def told(self) -> list[tuple[str, Any]]:
        """Each identify so far: the user and the value."""
        return [(each["userId"], *each["traits"].values()) for each in self.taken]


async def rows_of(users: Iterable[str], breaks: Exception | None = None) -> AsyncIterator[Sequence[Row]]:
    for user in users:
        yield [Row((user,))]
    if breaks is not None:
        raise breaks


async def values_of(values: dict[str, Any]) -> AsyncIterator[Sequence[Row]]:
    yield [Row((user,), value) for user, value in values.items()]


@contextlib.asynccontextmanager
async def engaged(
    door: Door,
    *configured: Computation,
    data: Path | None = None,
    clock: SandboxClock | None = None,
) -> AsyncIterator[Engage]:
    store = open_store(None if data is None else str(data))
    engage = Engage(store, door, clock or SandboxClock(lambda: 1_800_000_000.0), configured)
    await engage.start()
    try:
        yield engage
    finally:
        await engage.stop()


def run(work: Callable[[Door], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        await work(Door())

    asyncio.run(all_of_it())


def test_the_first_sync_sends_everyone_and_each_later_one_the_difference() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            first = await engage.sync("buyers", rows_of(["b", "a", "a"]))
            assert (first.state, first.counts.read, first.counts.duplicates) == (SyncState.FINISHED, 3, 1)
            assert door.told() == [("a", True), ("b", True)]
            second = await engage.sync("buyers", rows_of(["b", "c"]))
            assert (second.counts.entered, second.counts.left, second.counts.unchanged) == (1, 1, 1)
            assert door.told()[2:] == [("c", True), ("a", False)]

    run(work)


def test_leavers_of_a_trait_get_null_only_where_it_nullifies() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            for trait in (VALUE, KEPT):
                await engage.define(trait)
                await engage.sync(trait.id, values_of({"a": 1, "b": 2}))
                await engage.sync(trait.id, values_of({"a": 3}), Options(force=True))
            assert door.told() == [("a", 1), ("b", 2), ("a", 3), ("b", None), ("a", 1), ("b", 2), ("a", 3)]
            back = await engage.sync("kept", values_of({"a": 3, "b": 2}))
            assert back.counts.changes == 0

    run(work)


def test_a_source_that_breaks_off_changes_nothing_and_the_next_sync_may_begin() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            broken = EngageError("bad_source", "the disk is gone", "")
            with pytest.raises(EngageError, match="the disk is gone"):
                await engage.sync("buyers", rows_of(["a", "b"], broken))
            [failed] = await engage.store.syncs("buyers", 5)
            assert (failed.state, failed.counts.read, failed.reason) == (SyncState.FAILED, 2, "the disk is gone")
            assert await engage.idle(0)
            assert (await engage.sync("buyers", rows_of(["a"]))).counts.members_before == 0
            assert door.told() == [("a", True)]

    run(work)


def test_a_second_sync_is_refused_until_the_first_has_all_of_it_through_the_door() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            door.open.clear()
            first = asyncio.create_task(engage.sync("buyers", rows_of(["a"])))
            while (running := await engage.running("buyers")) is None or running.state is not SyncState.SENDING:
                await asyncio.sleep(0)
            with pytest.raises(EngageError, match="sync 1 of the audience 'Buyers' is sending") as refused:
                await engage.sync("buyers", rows_of(["b"]))
            assert refused.value.code == "sync_running"
            assert not await engage.idle(0)
            door.open.set()
            assert (await first).state is SyncState.FINISHED

    run(work)


def test_a_caller_who_goes_away_while_reading_changes_nothing_and_afterwards_nothing_stops_it() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            reads = asyncio.Event()

            async def endless() -> AsyncIterator[Sequence[Row]]:
                yield [Row(("a",))]
                reads.set()
                await asyncio.Event().wait()

            gone = asyncio.create_task(engage.sync("buyers", endless()))
            await reads.wait()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            [failed] = await engage.store.syncs("buyers", 5)
            assert (failed.state, failed.reason) == (SyncState.FAILED, "whoever sent the rows went away")
            door.open.clear()
            later = asyncio.create_task(engage.sync("buyers", rows_of(["a"])))
            while (running := await engage.running("buyers")) is None or running.state is not SyncState.SENDING:
                await asyncio.sleep(0)
            later.cancel()
            await asyncio.gather(later, return_exceptions=True)
            door.open.set()
            assert await engage.idle(10)
            assert door.told() == [("a", True)]

    run(work)


def test_a_door_that_takes_nothing_for_a_while_is_asked_again() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            door.answers = [DoorUnavailable("not now", 0.001), DoorUnavailable("not now", 0.001)]
            assert (await engage.sync("buyers", rows_of(["a"]))).sent == 1
            assert door.told() == [("a", True)]

    run(work)


def test_an_error_of_our_own_holds_nothing_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talon_bridge.engage.emitter.BUG_WAIT", 0.001)

    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            door.answers = [ZeroDivisionError("a bug")]
            assert (await engage.sync("buyers", rows_of(["a"]))).sent == 1

    run(work)


def test_what_a_door_refuses_stays_queued_and_goes_out_at_the_next_start(tmp_path: Path) -> None:
    async def work(door: Door) -> None:
        async with engaged(door, data=tmp_path) as engage:
            await engage.define(BUYERS)
            door.answers = [DoorRefused("it answers 401")]
            with pytest.raises(EngageError, match="the door takes no identifies: it answers 401"):
                await engage.sync("buyers", rows_of(["a"]))
            assert await engage.store.queued() == {"buyers": 1}
        async with engaged(door, data=tmp_path) as engage:
            assert await engage.idle(10)
            [sync] = await engage.store.syncs("buyers", 5)
            assert (sync.state, sync.sent) == (SyncState.FINISHED, 1)
        assert door.told() == [("a", True)]

    run(work)


def test_a_change_while_another_goes_out_is_sent_behind_it() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            door.open.clear()
            await engage.change("buyers", {"a": True}, [])
            live = await engage.change("buyers", {"b": True}, ["a"])
            assert (live.entered, live.left) == (1, 1)
            door.open.set()
            assert await engage.idle(10)
            assert door.told()[0] == ("a", True)
            assert sorted(door.told()[1:]) == [("a", False), ("b", True)]

    run(work)


@pytest.mark.parametrize(
    ("present", "gone", "message"),
    [
        ({"a": True}, ["a"], "both comes and leaves"),
        ({"..": True}, [], "ID-1"),
        ({}, ["x" * 1001], "1001 characters"),
        ({"": True}, [], "ID-2"),
    ],
)
def test_a_live_change_with_one_bad_user_changes_nothing(
    present: dict[str, Any], gone: list[str], message: str
) -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(BUYERS)
            with pytest.raises(EngageError, match=message):
                await engage.change("buyers", {"well": True, **present}, gone)
            assert await engage.store.count("buyers") == 0

    run(work)


def test_a_schedule_runs_by_the_sandbox_clock_and_makes_up_for_missed_runs_with_one(tmp_path: Path) -> None:
    (tmp_path / "buyers.csv").write_text("user_id\na\n")
    scheduled = msgspec.structs.replace(
        BUYERS, source=Source(str(tmp_path / "buyers.csv"), every="2h"), configured=True
    )

    async def work(door: Door) -> None:
        clock = SandboxClock(lambda: 1_800_000_000.0)
        async with engaged(door, scheduled, clock=clock) as engage:
            assert await engage.idle(10)
            assert door.told() == [("a", True)]
            (tmp_path / "buyers.csv").write_text("a\nb\n")
            clock.advance(3600)
            assert await engage.idle(10)
            assert len(door.taken) == 1
            clock.advance(5 * 3600)
            assert await engage.idle(10)
            assert door.told()[1:] == [("b", True)]
            assert len(await engage.store.syncs("buyers", 9)) == 2
            assert engage.next_run("buyers") == clock.now() + 2 * 3600
            (tmp_path / "buyers.csv").unlink()
            clock.advance(2 * 3600)
            assert await engage.idle(10)
            assert (await engage.store.syncs("buyers", 1))[0].state is SyncState.FAILED
            assert door.taken[2:] == []

    run(work)


def test_a_name_that_changes_in_the_config_keeps_its_key_and_its_members(tmp_path: Path) -> None:
    first = msgspec.structs.replace(BUYERS, configured=True)
    renamed = Computation("buyers", "audience", "Recent Buyers", "recent_buyers", configured=True, derived=True)

    async def work(door: Door) -> None:
        async with engaged(door, first, data=tmp_path) as engage:
            await engage.sync("buyers", rows_of(["a"]))
        async with engaged(door, data=tmp_path) as engage:
            assert engage.computations() == []
        async with engaged(door, renamed, data=tmp_path) as engage:
            assert (await engage.find("Recent Buyers")).key == "buyers"
            await engage.sync("buyers", rows_of(["a", "b"]))
        assert [list(each["traits"]) for each in door.taken] == [["buyers"], ["buyers"]]
        assert door.told() == [("a", True), ("b", True)]

    run(work)


def test_the_config_cannot_take_a_key_that_is_taken_or_change_what_never_changes(tmp_path: Path) -> None:
    other = Computation("others", "audience", "Others", "buyers", configured=True)
    trait = Computation("buyers", "computed_trait", "Buyers", "buyers", "number", configured=True)

    async def work(door: Door) -> None:
        async with engaged(door, msgspec.structs.replace(BUYERS, configured=True), data=tmp_path):
            pass
        with pytest.raises(SettingsError, match=r"audience 'Buyers' already has the key buyers \(AUD-3\)"):
            async with engaged(door, msgspec.structs.replace(BUYERS, configured=True), other, data=tmp_path):
                pass
        with pytest.raises(SettingsError, match="kind and type never change"):
            async with engaged(door, trait, data=tmp_path):
                pass

    run(work)


def test_what_the_config_defines_is_changed_there() -> None:
    async def work(door: Door) -> None:
        async with engaged(door, msgspec.structs.replace(BUYERS, configured=True)) as engage:
            for attempt in (engage.define(BUYERS), engage.forget("buyers")):
                with pytest.raises(EngageError, match="is defined in the config"):
                    await attempt
            with pytest.raises(EngageError, match="has no source of its own"):
                await engage.run("buyers")

    run(work)


def test_an_audience_is_found_by_id_key_or_name_and_near_misses_are_named() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(Computation("a1", "audience", "Recent Buyers", "recent_buyers"))
            assert {(await engage.find(text)).id for text in ("a1", "recent_buyers", "Recent Buyers")} == {"a1"}
            with pytest.raises(EngageError, match="no audience or computed trait 'recent buyers'") as missed:
                await engage.find("recent buyers")
            assert missed.value.hint == "did you mean 'Recent Buyers'?"
            await engage.define(Computation("a2", "audience", "Recent Buyers", "others"))
            for ask in (engage.find, engage.forget):
                with pytest.raises(EngageError, match=r"2 .* are called 'Recent Buyers': .* ids a1 and a2"):
                    await ask("Recent Buyers")
            await engage.forget("a2")
            await engage.forget("a1")
            with pytest.raises(EngageError, match="no audience"):
                await engage.find("a1")

    run(work)


def test_definitions_that_come_at_once_are_checked_one_after_the_other() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            wanted = [Computation(f"a{number}", "audience", "Same", "same") for number in range(8)]
            found = await asyncio.gather(*map(engage.define, wanted), return_exceptions=True)
            assert [isinstance(each, EngageError) for each in found].count(True) == 7
            gone = await asyncio.gather(*(engage.forget("a0") for _ in range(3)), return_exceptions=True)
            assert [getattr(each, "code", None) for each in gone].count("unknown_audience") == 2

    run(work)


def test_a_clock_that_is_set_back_makes_no_schedule_wait_for_its_former_time(tmp_path: Path) -> None:
    (tmp_path / "buyers.csv").write_text("a\n")
    scheduled = msgspec.structs.replace(
        BUYERS, source=Source(str(tmp_path / "buyers.csv"), every="2h"), configured=True
    )

    async def work(door: Door) -> None:
        clock = SandboxClock(lambda: 1_800_000_000.0)
        async with engaged(door, scheduled, data=tmp_path, clock=clock) as engage:
            clock.advance(30 * 86_400)
            assert await engage.idle(10)
            clock.real()
            assert engage.next_run("buyers") == clock.now() + 7200
        async with engaged(door, scheduled, data=tmp_path) as engage:
            assert engage.next_run("buyers") == clock.now() + 7200

    run(work)


def test_a_value_that_no_event_can_hold_is_refused_and_holds_nobody_up() -> None:
    async def work(door: Door) -> None:
        async with engaged(door) as engage:
            await engage.define(Computation("bio", "computed_trait", "Bio", "bio", "string"))
            sync = await engage.sync("bio", values_of({"big": "x" * 45_000, "small": "y"}))
            assert (sync.counts.refused, sync.counts.entered) == (1, 1)
            with pytest.raises(EngageError, match="the limit is 24576"):
                await engage.change("bio", {"big": "x" * 45_000}, [])

    run(work)


def test_what_left_the_config_can_be_dropped_and_its_id_used_again(tmp_path: Path) -> None:
    async def work(door: Door) -> None:
        async with engaged(door, msgspec.structs.replace(BUYERS, configured=True), data=tmp_path):
            pass
        async with engaged(door, data=tmp_path) as engage:
            await engage.forget("buyers")
            await engage.define(Computation("buyers", "computed_trait", "Buyers", "buyers", "number"))

    run(work)


def test_a_source_of_the_config_that_would_keep_its_reader_waiting_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    scheduled = msgspec.structs.replace(BUYERS, source=Source(str(tmp_path / "pipe.csv")), configured=True)

    async def work(door: Door) -> None:
        async with engaged(door, scheduled) as engage:
            with pytest.raises(EngageError, match="is neither a file nor a directory"):
                await engage.run("buyers")

    run(work)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_scheduled_audience_becomes_empty_where_the_config_says_that_it_may(tmp_path: Path, allowed: bool) -> None:
    (tmp_path / "buyers.csv").write_text("user_id\na\n")
    source = Source(str(tmp_path / "buyers.csv"), every="2h", allow_empty=allowed)

    async def work(door: Door) -> None:
        clock = SandboxClock(lambda: 1_800_000_000.0)
        async with engaged(
            door, msgspec.structs.replace(BUYERS, source=source, configured=True), clock=clock
        ) as engage:
            assert await engage.idle(10)
            (tmp_path / "buyers.csv").write_text("user_id\n")
            clock.advance(7200)
            assert await engage.idle(10)
            assert door.told() == [("a", True), ("a", False)][: 1 + allowed]

    run(work)
