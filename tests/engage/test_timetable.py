"""Scheduled runs under the sandbox's clock: when they come, and that nothing turns while nothing is due."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talon_bridge.clock import SandboxClock
from talon_bridge.engage.timetable import Timetable

DAY = 86_400.0
PATIENCE = 20.0


class Plan:
    """Computations that run every so many seconds; what ran is noted, and how often somebody looked."""

    def __init__(self, clock: SandboxClock, every: dict[str, float]) -> None:
        self.clock = clock
        self.every = every
        self.due = dict.fromkeys(every, clock.now())
        self.ran: list[tuple[str, float]] = []
        self.looks = 0
        self.failing: set[str] = set()
        self.forgetful: set[str] = set()
        self.begun = asyncio.Event()
        self.gate: asyncio.Event | None = None

    def next(self) -> dict[str, float]:
        self.looks += 1
        return self.due

    async def run(self, id: str) -> None:
        self.ran.append((id, self.clock.now()))
        self.begun.set()
        if id not in self.forgetful:
            self.due[id] = self.clock.now() + self.every[id]
        if self.gate is not None:
            await self.gate.wait()
        if id in self.failing:
            raise OSError("the source is gone")


def frozen() -> SandboxClock:
    clock = SandboxClock(lambda: 1_000_000.0)
    clock.freeze()
    return clock


def within(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), PATIENCE))


async def settle() -> None:
    """Let every task go on until it waits; nothing here waits for anything but other tasks and the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_is_due_runs_at_the_start_the_longest_due_first() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60, "b": 60, "c": 60})
        plan.due = {"a": 999_990.0, "b": 999_980.0, "c": 1_000_000.5}
        kept = Timetable(plan.clock, plan.next, plan.run)
        assert kept.due_now == ("b", "a")
        await kept.start()
        await settle()
        assert [id for id, _ in plan.ran] == ["b", "a"]
        assert not kept.due_now
        await kept.stop()

    within(work)


def test_a_day_passes_in_a_moment_and_missed_runs_are_one() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 3600})
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        plan.clock.advance(3599)
        await settle()
        assert len(plan.ran) == 1
        plan.clock.advance(1)
        await settle()
        plan.clock.advance(DAY)
        await settle()
        assert plan.ran == [("a", 1_000_000.0), ("a", 1_003_600.0), ("a", 1_090_000.0)]
        await kept.stop()

    within(work)


def test_nobody_looks_while_the_clock_stands_still() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 3600})
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        looks = plan.looks
        for _ in range(1000):
            await asyncio.sleep(0)
        assert plan.looks == looks
        await kept.stop()

    within(work)


def test_under_a_clock_that_goes_it_needs_no_word() -> None:
    async def work() -> None:
        clock = SandboxClock(time.time)
        plan = Plan(clock, {"a": 3600})
        plan.due["a"] = clock.now() + 0.03
        kept = Timetable(clock, plan.next, plan.run)
        await kept.start()
        await plan.begun.wait()
        assert len(plan.ran) == 1
        assert plan.looks < 20  # it waited, and did not ask again and again
        clock.advance(3600)
        await settle()
        assert len(plan.ran) == 2
        await kept.stop()

    within(work)


def test_a_change_of_the_plan_is_heard() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 3600, "b": 3600})
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        plan.due["b"] = plan.clock.now()
        kept.wake()
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b", "b"]
        await kept.stop()

    within(work)


def test_a_run_that_fails_is_logged_and_keeps_nobody_else_up(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60, "b": 3600})
        plan.failing = {"a"}
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b"]
        plan.clock.advance(60)
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b", "a"]
        await kept.stop()

    with caplog.at_level(logging.ERROR):
        within(work)
    assert [record.getMessage() for record in caplog.records] == ["the scheduled sync of a failed"] * 2


def test_a_run_that_plans_no_other_does_not_turn_for_ever() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60, "b": 60})
        plan.forgetful = {"a"}
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b"]
        assert kept.due_now == ("a",)
        looks = plan.looks
        await settle()
        assert plan.looks == looks
        await kept.stop()

    within(work)


def test_a_run_that_plans_no_other_is_tried_again_until_it_is_forgotten() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60})
        plan.forgetful = {"a"}
        kept = Timetable(plan.clock, plan.next, plan.run, again=0.01)
        await kept.start()
        while len(plan.ran) < 3:
            await kept.stand_by(PATIENCE)
        del plan.due["a"]
        kept.wake()
        await settle()
        looks = plan.looks
        await kept.stand_by(0.03)
        assert plan.looks <= looks + 2
        assert len(plan.ran) == 3
        await kept.stop()

    within(work)


def test_one_at_a_time_and_stopped_in_the_middle() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60, "b": 60})
        plan.gate = asyncio.Event()
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        assert [id for id, _ in plan.ran] == ["a"]
        plan.gate.set()
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b"]
        plan.gate.clear()
        plan.clock.advance(60)
        await settle()
        await kept.stop()
        plan.gate.set()
        plan.clock.advance(DAY)
        await settle()
        assert [id for id, _ in plan.ran] == ["a", "b", "a"]
        await kept.stop()  # twice is once

    within(work)


def test_who_stands_by_is_told_of_the_end_of_a_run() -> None:
    async def work() -> None:
        plan = Plan(frozen(), {"a": 60})
        plan.gate = asyncio.Event()
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await kept.stand_by(0.01)  # it goes on, and he does not wait for ever
        waiting = asyncio.create_task(kept.stand_by(PATIENCE))
        await settle()
        assert not waiting.done()
        plan.gate.set()
        await waiting
        await kept.stop()

    within(work)


TURNS = st.lists(st.tuples(st.sampled_from(["advance", "set", "freeze"]), st.integers(0, 10_000)), max_size=12)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 5000), min_size=1), TURNS)
def test_whatever_the_clock_does_each_due_one_runs_once(every: dict[str, float], turns: list[tuple[str, int]]) -> None:
    async def work() -> None:
        plan = Plan(frozen(), every)
        expected = [(id, plan.clock.now()) for id in sorted(every)]
        due = {id: plan.clock.now() + seconds for id, seconds in every.items()}
        kept = Timetable(plan.clock, plan.next, plan.run)
        await kept.start()
        await settle()
        for turn, by in turns:
            getattr(plan.clock, turn)(by if turn == "advance" else 1_000_000.0 + by)
            now = plan.clock.now()
            for _, id in sorted((at, id) for id, at in due.items() if at <= now):
                expected.append((id, now))
                due[id] = now + every[id]
            await settle()
            assert plan.ran == expected
        await kept.stop()

    within(work)
