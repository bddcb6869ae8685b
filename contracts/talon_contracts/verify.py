"""Verification: every check put to a bench, one after the other, as a stream of events."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from talon_contracts import machine, trial
from talon_contracts.checks import CHECKS
from talon_contracts.curl import Addresses
from talon_contracts.findings import judged
from talon_contracts.handshake import Handshake, handshake
from talon_contracts.reports.events import Begun, Ended, Event, Judged, Planned, Tried
from talon_contracts.targets import Bench
from talon_contracts.verdicts import Unjudged, Verdict

MACHINE: Final = Planned(
    machine.NAME, machine.NAME, "All rules at once: calls, repetitions, definitions, faults and restarts in any order."
)
EVERY: Final = (*CHECKS, machine.NAME)
_PAUSE: Final = 0.1
"""Seconds between two words on how far a check is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to verify: names of checks, how many cases of each, the seed that they begin with.

    `again` makes the command that repeats a check from its name. A `strict` plan has no checks that cannot be tried:
    what the bench or the set-up lacks for one is then no verdict, and else a reason not to try it. Audiences of its
    own are demanded of no bridge.
    """

    checks: tuple[str, ...]
    examples: int
    seed: int
    addresses: Addresses
    version: str
    subject: tuple[tuple[str, str], ...] = ()
    strict: bool = False
    again: Callable[[str], str] = lambda check: ""


def selected(rules: Sequence[str]) -> tuple[str, ...]:
    """The names of the checks that speak for these rules, or have these names; of all where none is given.

    Raises KeyError for a rule that no check speaks for.
    """
    for wanted in rules:
        if not any(wanted in (name, planned(name).rule) for name in EVERY):
            raise KeyError(wanted)
    return tuple(name for name in EVERY if not rules or name in rules or planned(name).rule in rules)


def lacking(name: str, bench: Bench) -> str:
    """What a bench, or what is set up in it, lacks for a check; empty when it lacks nothing."""
    if name == machine.NAME:
        return machine.lacking(bench)
    return trial.lacking(CHECKS[name], bench) or trial.undrawable(CHECKS[name], bench)


def planned(name: str) -> Planned:
    """A check as it is announced; one of several rules goes by its own name."""
    if name == machine.NAME:
        return MACHINE
    check = CHECKS[name]
    return Planned(name, check.rule or name, check.statement)


def verify(bench: Bench, plan: Plan) -> Iterator[Event]:
    """Run every check of the plan; ends early when nobody listens any more.

    Before the first one, and after each that found no verdict, it is asked whether the targets work at all: one that is
    gone is waited for once, and not once for each check.
    """
    began = time.monotonic()
    yield Begun("verify", plan.subject, tuple(map(planned, plan.checks)), plan.version, plan.seed)
    standing = handshake(bench)
    for each in map(planned, plan.checks):
        reason = _concerning(each.check, standing)
        if reason:
            yield Judged(each.check, each.rule, "unjudged", reason=reason)
            continue
        reason = "" if plan.strict and not _may_lack(each.check) else lacking(each.check, bench)
        if reason:
            yield Judged(each.check, each.rule, "untried", reason=reason)
            continue
        at = time.monotonic()
        for told in _following(each.check, bench, plan):
            if isinstance(told, Tried):
                yield told
                continue
            yield judged(each, told, time.monotonic() - at, plan.addresses, plan.again(each.check))
            if isinstance(told, Unjudged):
                standing = handshake(bench)
    yield Ended(time.monotonic() - began)


def _may_lack(name: str) -> bool:
    """Whether nothing is wrong with a bridge that lacks what the check is about: other checks speak for its rule."""
    return name != machine.NAME and CHECKS[name].target == "engage"


def _concerning(name: str, standing: Handshake) -> str:
    """Why a check need not be tried, given how the targets stand."""
    target = "bridge" if name == machine.NAME else CHECKS[name].target
    standings = {"bridge": standing.bridge, "engage": standing.bridge, "talon_one": standing.talon_one}
    return standings.get(target, "")


class _Unheard(BaseException):
    """Nobody listens any more. Hypothesis would take an Exception for a failure, and make it small."""


def _following(name: str, bench: Bench, plan: Plan) -> Iterator[Tried | Verdict]:
    """Run one check in a thread, and tell how far it is until it is done."""
    told: queue.SimpleQueue[Tried | Verdict | BaseException] = queue.SimpleQueue()
    unheard = threading.Event()
    said_at = 0.0

    def tell(cases: int, wanted: int) -> None:
        nonlocal said_at
        if unheard.is_set():
            raise _Unheard
        if time.monotonic() - said_at >= _PAUSE:
            said_at = time.monotonic()
            told.put(Tried(name, cases, max(cases, wanted)))

    def work() -> None:
        try:
            if name == machine.NAME:
                told.put(machine.run(bench, examples=plan.examples, seed=plan.seed, tell=tell))
            else:
                told.put(trial.run(CHECKS[name], bench, examples=plan.examples, seed=plan.seed, tell=tell))
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=work, name=f"verify {name}", daemon=True)
    thread.start()
    try:
        while True:
            item = told.get()
            if isinstance(item, BaseException):
                raise item
            yield item
            if not isinstance(item, Tried):
                return
    finally:
        unheard.set()
        thread.join()
