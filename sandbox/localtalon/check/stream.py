"""A check as a stream of events: what is planned, how far it is, the verdict of each rule."""

import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Final

from localtalon import recorded_files, recordings
from localtalon.check import config_rules, event_rules, plan_rules, subject
from localtalon.check.ledger import Ledger
from localtalon.check.subject import Subject
from talon_contracts.reports.events import Begun, Ended, Event, Planned, Tried
from talon_contracts.rules import RULES

OURS: Final = {
    "CONFIG": "Emulator, bridge and destination can be started with the settings of the config.",
    "PLAN": "The plan can be read as a JSON Schema that describes traits.",
    "EVENTS": "Every recorded event can be read, and has the shape that the door takes.",
}
"""What the check asks beside the numbered rules."""

ALWAYS: Final = ("CONFIG", "ATT-1", "ATT-2", "ATT-3")
_EVERY: Final = 1000  # events between two reports of progress

_NAMED: Final = 3


def events(item: Subject, recorded: Sequence[str] = (), plan: str | None = None) -> Iterator[Event]:
    """Check a config, and with it recorded events (files, folders, `-`) and a plan (a file)."""
    begun = time.perf_counter()
    planned = tuple(_planned(item, bool(recorded), plan is not None))
    subjects = [("config", item.config.origin), *(("events", path) for path in recorded)]
    subjects += [] if plan is None else [("plan", plan)]
    yield Begun("check", tuple(subjects), planned, version("localtalon"))
    ledger = Ledger(planned)
    subject.examine(item, ledger)
    notes: list[str] = []
    if item.obscure:
        for rule in (each.rule for each in planned if each.rule not in ("CONFIG", "ATT-3")):
            ledger.unjudged(rule, item.obscure)
    else:
        config_rules.judge(item, ledger)
        if plan is not None:
            plan_rules.judge(item, ledger, plan)
        if recorded:
            judging = event_rules.EventRules(item, ledger)
            for number in judging.judge(recordings.calls(recorded)):
                if number % _EVERY == 0:
                    yield Tried("EVENTS", number, 0)
            notes += [*_told(judging), *_passed_over(recorded)]
    yield from ledger.judged()
    yield Ended(time.perf_counter() - begun, tuple(notes))


def _planned(item: Subject, recorded: bool, plan: bool) -> Iterator[Planned]:
    """Only what there is something to judge about, in the order of the rules."""
    wanted = set(ALWAYS)
    if item.config.audiences:
        wanted |= {"AUD-3", "AUD-4"}
    if item.config.computed_traits:
        wanted |= {"AUD-3", "AUD-6"}
    wanted |= {"EVENTS", *event_rules.RULES} if recorded else set()
    wanted |= {"PLAN", *plan_rules.RULES} if plan else set()
    statements = {**OURS, **{rule.id: rule.statement for rule in RULES.values()}}
    for rule, statement in statements.items():
        if rule in wanted:
            yield Planned(rule, rule, statement)


def _told(judging: event_rules.EventRules) -> Iterator[str]:
    others = f", and {judging.others} of other types, which are never sent (ID-3)" if judging.others else ""
    count = judging.identifies
    yield f"{count} {'identify was' if count == 1 else 'identifies were'} mapped{others}"


def _passed_over(recorded: Sequence[str]) -> Iterator[str]:
    """What stands in the folders of events and was not read, as its names do not say that it holds any."""
    names = recorded_files.passed_over(recorded)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"not read, as no file of events is called so: {', '.join(names[:_NAMED])}{more}"
