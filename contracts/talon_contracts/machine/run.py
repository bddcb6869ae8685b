"""A run of the machine, until the bridge is found to keep all rules, to break one, or cannot be judged."""

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final

from hypothesis import seed as seeded
from hypothesis.errors import Flaky
from hypothesis.stateful import get_state_machine_test

from talon_contracts.drawing import drawing
from talon_contracts.judges import Mismatch
from talon_contracts.machine.world import FEATURES, Found, World, counter
from talon_contracts.strategies import names_of
from talon_contracts.targets import Bench
from talon_contracts.verdicts import Broken, Kept, Unjudged, Unproven, Verdict

NAME: Final = "machine"
MOST: Final = 40
"""Histories at most; they take long."""
STEPS: Final = 10
ROUNDS: Final = 3


def run(
    bench: Bench, *, examples: int = MOST, seed: int | None = None, tell: Callable[[int, int], None] | None = None
) -> Verdict:
    """Run the machine with that many histories, at most `MOST`; `tell` as in `talon_contracts.trial.run`.

    What the bench has no lever for is not tried: definitions need a Management API key, faults an emulator's levers,
    restarts a way to do so.
    """
    missing = lacking(bench)
    if missing:
        return Unjudged(NAME, missing)
    seed = secrets.randbits(32) if seed is None else seed
    wanted, features = min(examples, MOST), _possible(bench)
    cases = 0

    def begin() -> None:
        nonlocal cases
        cases += 1
        if tell is not None:
            tell(cases, wanted)

    world = _world(bench, begin)
    for number in range(ROUNDS):
        mismatch, steady = _round(world, wanted, seed + number)
        if world.trouble:
            return Unjudged(NAME, str(world.trouble[0]))
        if mismatch is not None:
            case, expected, actual = mismatch.case, mismatch.expected, mismatch.actual
            rule = mismatch.rule if steady else "DEL-1"  # what happens now and then is no matter of mapping
            return Broken(NAME, rule, case, expected, actual, seed, steady, mismatch.about)
        unseen = tuple(name for name in features if not world.shown[name])
        if not unseen:
            return Kept(NAME, cases, {name: world.shown[name] for name in features}, seed)
    return Unproven(NAME, unseen, cases, seed)


def lacking(bench: Bench) -> str:
    """What a bench lacks for the machine; empty when it lacks nothing."""
    if bench.bridge is None:
        return "there is no bridge"
    try:
        counter(names_of(bench.settings, bench.definitions), 1)
    except LookupError as error:
        return str(error)
    return ""


def _possible(bench: Bench) -> tuple[str, ...]:
    """What must have happened, as far as the bench has levers for it."""
    levers = {"definition": bench.management, "fault": bench.levers, "restart": bench.restart}
    return tuple(name for name in FEATURES if levers.get(name, bench) is not None)


def _world(bench: Bench, begin: Callable[[], None]) -> type[World]:
    names = names_of(bench.settings, bench.definitions)
    members = {"bench": bench, "names": names, "shown": Counter(), "trouble": [], "found": []}
    members["begin"] = staticmethod(begin)
    return type("World", (World,), members)


def _round(world: type[World], examples: int, seed: int) -> tuple[Mismatch | None, bool]:
    """One round of histories: the smallest that went wrong, and whether it did so each time."""
    arranged = drawing(examples, stateful_step_count=STEPS)
    try:
        seeded(seed)(get_state_machine_test(world, settings=arranged))()
    except Found as error:
        return error.mismatch, True
    except Flaky:
        return world.found[-1] if world.found else None, False
    return None, True
