"""The rules that recorded events can break: each is mapped as its delivery would, and judged by the definitions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from localtalon.check.config_rules import defining
from localtalon.check.ledger import Ledger
from localtalon.check.names import not_listed
from localtalon.check.subject import Subject
from localtalon.recordings import Call, Unread
from talon_bridge import codec, events
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.mapping import Plan, plan
from talon_bridge.nearest import nearest
from talon_contracts.reports.events import Finding, Place
from talon_emulator.errors import Problem
from talon_emulator.values import NOUNS

RULES: Final = ("ID-1", "ID-2", "ID-4", "SRC-1", "MAP-3", "MAP-5", "MAP-7", "AUD-3", "ATT-1", "ATT-2")
_OF_WHOLE: Final = frozenset({"ID-1", "ID-2", "ID-4", "SRC-1"})  # what keeps an event back whatever its traits are
_MOST_NAMES: Final = 10_000
_LONGEST_SHOWN: Final = 60
Severity = Literal["error", "warning"]


@dataclass(slots=True)
class EventRules:
    """Judges one event after the other; it remembers which traits made which attribute, and counts."""

    subject: Subject
    ledger: Ledger
    identifies: int = 0
    others: int = 0
    _traits: dict[str, dict[str, Place]] = field(default_factory=dict)
    _unlisted: dict[str, Finding] = field(default_factory=dict)

    def judge(self, items: Iterable[Call | Unread]) -> Iterator[int]:
        """Judge all of them; yields how many there were so far."""
        number = 0
        for number, item in enumerate(items, 1):
            if isinstance(item, Unread):
                self._unread(item)
            elif item.event.type != "identify":
                self.others += 1
            else:
                self._identify(item)
            yield number
        self.ledger.tried("EVENTS", number)
        for rule in RULES:
            self.ledger.tried(rule, self.identifies)
        self._meet()

    def _unread(self, item: Unread) -> None:
        if not item.judged:
            hint = f" ({item.hint})" if item.hint else ""
            self.ledger.unjudged("EVENTS", f"{item.place.file}: {item.message}{hint}")
            return
        key = (item.message if len(item.message) < 200 else "", item.place.file)
        if self.ledger.wants("EVENTS", key):
            self.ledger.add(key, Finding("EVENTS", item.message, item.hint, item.place))

    def _identify(self, call: Call) -> None:
        self.identifies += 1
        assert self.subject.destination is not None
        event = events.read(call.event.body, call.event.type)
        planned = plan(event, self.subject.destination)
        for notice in planned.warnings:
            self._whole(call, notice, breaks=notice.rule == "AUD-3")
        if planned.reason is not None and planned.reason.rule in _OF_WHOLE:
            self._whole(call, planned.reason, breaks=planned.dead)
            return
        for trait in planned.traits:
            self._trait(call, trait)
        if planned.request is not None:
            for problem in self.subject.definitions.check(planned.request.attributes):
                self._refused(call, planned, planned.request.attributes, problem)

    def _whole(self, call: Call, notice: Notice, breaks: bool) -> None:
        """What there is to say about an event as a whole."""
        key = "" if notice.rule == "ID-1" else notice.reason  # which may tell of the one userId
        if self.ledger.wants(notice.rule, key):
            hint, place = _HINTS.get(notice.rule, ""), call.place("")
            severity: Severity = "error" if breaks else "warning"
            self.ledger.add(key, Finding(notice.rule, notice.reason, hint, place, severity=severity))

    def _trait(self, call: Call, trait: TraitExplanation) -> None:
        name, pointer = trait.attribute, f"/traits{trait.pointer}"
        if trait.verdict is Verdict.WAITING:
            known = self._traits.get(name)
            if known is None and len(self._traits) < _MOST_NAMES:
                known = self._traits.setdefault(name, {})
            if known is not None and trait.pointer not in known and len(known) < 2:
                known[trait.pointer] = call.place(pointer)
        elif self.subject.ignores(name):
            return
        elif trait.rule == "MAP-3":
            self._not_listed(call, name, pointer)
        elif self.ledger.wants(trait.rule, name):
            hint = _HINTS.get(trait.rule, "")
            self.ledger.add(name, Finding(trait.rule, f"{name}: {trait.reason}", hint, call.place(pointer)))

    def _not_listed(self, call: Call, name: str, pointer: str) -> None:
        finding = self._unlisted.get(name)
        if finding is None:
            finding = not_listed(name, self.subject)
            if len(self._unlisted) < _MOST_NAMES:
                self._unlisted[name] = finding
        if self.ledger.wants(finding.rule, name):
            self.ledger.add(name, replace(finding, place=call.place(pointer)))

    def _refused(self, call: Call, planned: Plan, attributes: dict[str, Any], problem: Problem) -> None:
        name = problem.source["pointer"].split("/")[2].replace("~1", "/").replace("~0", "~")
        value = attributes[name]
        rule = "ATT-1" if problem.title == "Unknown" else "ATT-2"
        key = (name, type(value).__name__)
        if not self.ledger.wants(rule, key):
            return
        trait = next(t for t in planned.traits if t.attribute == name and t.verdict is Verdict.WAITING)
        finding = self._undefined(name, value, problem) if rule == "ATT-1" else self._misfit(name, problem)
        shown = codec.encode(value).decode()
        shown = shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 1] + "…"
        self.ledger.add(key, replace(finding, place=call.place(f"/traits{trait.pointer}"), actual=shown))

    def _undefined(self, name: str, value: Any, problem: Problem) -> Finding:
        near = nearest(name, self.subject.defined)
        also = f" {near.name!r} is, and differs in {near.differs_in}." if near else ""
        return Finding("ATT-1", f"{problem.details}{also}", defining(name, kind_of(value)))

    def _misfit(self, name: str, problem: Problem) -> Finding:
        definition = self.subject.definition(name)
        assert definition is not None  # else the name were unknown
        expected = NOUNS[definition.type]
        if problem.title == "Invalid type":
            message, hint = f"{name} is not {expected}", f"send {expected}: Talon.One converts nothing"
        else:
            message, hint = problem.details, "send one of its values: Talon.One takes no other"
        return Finding("ATT-2", message, f"{hint}, and refuses the whole identify", expected=expected)

    def _meet(self) -> None:
        """Traits that make one attribute from different places, though not in one event."""
        for name, places in self._traits.items():
            if len(places) > 1:
                (first, _), (second, place) = places.items()
                message = f"{first} and {second} make the same attribute {name}"
                found = Finding("MAP-7", message, _HINTS["MAP-7"], place, severity="warning")
                self.ledger.found(found)


def kind_of(value: Any) -> str:
    """The attribute type that takes a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, list):
        return f"(list {kind_of(value[0]) if value and not isinstance(value[0], bool | list) else 'string'})"
    return "string" if isinstance(value, str) or value is None else "number"


_HINTS: Final = {
    "ID-1": "the userId becomes the integration ID, which has 1 to 1000 characters and is not . or ..",
    "ID-2": "call identify with a userId once the user is logged in",
    "ID-4": 'set integrations["Talon.One"] to true where the call is meant for Talon.One',
    "SRC-1": "send traits that affect promotions from a server",
    "MAP-5": "send a list of strings or numbers, or flatten it yourself",
    "MAP-7": "rename one of the two",
}
