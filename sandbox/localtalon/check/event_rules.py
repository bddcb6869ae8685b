"""The rules that recorded events can break: each is mapped as its delivery would, and judged by the definitions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from localtalon.check.config_rules import defining
from localtalon.check.ledger import Ledger
from localtalon.check.names import meant_by, not_listed
from localtalon.check.subject import Subject
from localtalon.recordings import Call, Unread
from talon_bridge import codec, events
from talon_bridge.audience_key import possible_name
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.mapping import Plan, plan
from talon_bridge.nearest import nearest
from talon_contracts.reports.events import Finding, Place
from talon_emulator.errors import Problem
from talon_emulator.values import NOUNS

_OF_WHOLE: Final = ("ID-1", "ID-2", "ID-4", "SRC-1")  # what keeps an event back whatever its traits are
_OF_TRAITS: Final = ("MAP-3", "MAP-5", "MAP-7", "AUD-3")
_OF_VALUES: Final = ("ATT-1", "ATT-2")
RULES: Final = (*_OF_WHOLE, *_OF_TRAITS, *_OF_VALUES)
_TYPES: Final = ("identify", "track", "page", "screen", "group", "alias", "delete")
_MOST_NAMES: Final = 10_000
_LONGEST_SHOWN: Final = 60
Severity = Literal["error", "warning"]


@dataclass(slots=True)
class EventRules:
    """Judges one event after the other; it remembers which traits made which attribute, and counts.

    `mapped` are the identifies whose traits were looked at, `sent` those of which some were held against definitions.
    """

    subject: Subject
    ledger: Ledger
    identifies: int = 0
    others: int = 0
    mapped: int = 0
    sent: int = 0
    _traits: dict[str, dict[str, Place]] = field(default_factory=dict)

    def judge(self, items: Iterable[Call | Unread]) -> Iterator[int]:
        """Judge all of them; yields how many there were so far."""
        number = 0
        for number, item in enumerate(items, 1):
            if isinstance(item, Unread):
                self._unread(item)
            elif item.event.type != "identify":
                self._other(item)
            else:
                self._identify(item)
            yield number
        self.ledger.tried("EVENTS", number)
        counted = {**dict.fromkeys(_OF_WHOLE, self.identifies), **dict.fromkeys(_OF_TRAITS, self.mapped)}
        for rule, cases in {**counted, **dict.fromkeys(_OF_VALUES, self.sent)}.items():
            self.ledger.tried(rule, cases)
        if not self.sent:
            for rule in _OF_VALUES:
                self.ledger.unjudged(rule, "no trait of an event would be sent, so that none was held against it")
        self._meet()

    def _unread(self, item: Unread) -> None:
        if not item.judged:
            hint = f" ({item.hint})" if item.hint else ""
            self.ledger.unjudged("EVENTS", f"{item.place.file}: {item.message}{hint}")
            return
        key = (item.message if len(item.message) < 200 else "", item.place.file)
        if self.ledger.wants("EVENTS", key):
            self.ledger.add(key, Finding("EVENTS", item.message, item.hint, item.place))

    def _other(self, call: Call) -> None:
        """A call that is never sent (ID-3); of a type that no library sends, hardly on purpose."""
        self.others += 1
        kind = call.event.type
        if kind in _TYPES or not self.ledger.wants("EVENTS", ("type", kind)):
            return
        message = f"the type {_cut(kind)!r} is none of Segment's, so that the call is never sent (ID-3)"
        meant = next((each for each in _TYPES if each == kind.strip().casefold()), "")
        hint = f"write {meant!r}" if meant else f"a call is one of {', '.join(_TYPES)}"
        severity: Severity = "error" if meant == "identify" else "warning"
        found = Finding("EVENTS", message, hint, call.place("/type"), severity=severity)
        self.ledger.add(("type", kind), found)

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
        self.mapped += bool(planned.traits)
        for trait in planned.traits:
            self._trait(call, planned, trait)
        if planned.request is not None:
            self.sent += 1
            for problem in self.subject.definitions.check(planned.request.attributes):
                self._refused(call, planned, planned.request.attributes, problem)

    def _whole(self, call: Call, notice: Notice, breaks: bool) -> None:
        """What there is to say about an event as a whole."""
        key = "" if notice.rule == "ID-1" else notice.reason  # which may tell of the one userId
        snake = notice.rule == "ID-2" and "user_id" in codec.value(call.event.body)
        key += " user_id" if snake else ""
        if self.ledger.wants(notice.rule, key):
            hint, place = _SNAKE if snake else _HINTS.get(notice.rule, ""), call.place("")
            severity: Severity = "error" if breaks else "warning"
            self.ledger.add(key, Finding(notice.rule, notice.reason, hint, place, severity=severity))

    def _trait(self, call: Call, planned: Plan, trait: TraitExplanation) -> None:
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
            self._not_listed(call, planned, name, pointer)
        elif self.ledger.wants(trait.rule, name):
            hint = _HINTS.get(trait.rule, "")
            self.ledger.add(name, Finding(trait.rule, f"{name}: {trait.reason}", hint, call.place(pointer)))

    def _not_listed(self, call: Call, planned: Plan, name: str, pointer: str) -> None:
        meant, _ = meant_by(name, self.subject.custom_attributes)
        beside = {trait.attribute for trait in planned.traits} if meant else set[str]()
        key = (name, meant in beside)
        if self.ledger.wants("MAP-3", key):
            self.ledger.add(key, replace(not_listed(name, self.subject, beside), place=call.place(pointer)))

    def _refused(self, call: Call, planned: Plan, attributes: dict[str, Any], problem: Problem) -> None:
        name = problem.source["pointer"].split("/")[2].replace("~1", "/").replace("~0", "~")
        value = attributes[name]
        rule = "ATT-1" if problem.title == "Unknown" else "ATT-2"
        shown = _cut(codec.encode(value).decode())
        key = (name, type(value).__name__, problem.title, shown if problem.title == "enum" else "")
        if not self.ledger.wants(rule, key):
            return
        trait = next(t for t in planned.traits if t.attribute == name and t.verdict is Verdict.WAITING)
        finding = self._undefined(name, value, problem) if rule == "ATT-1" else self._misfit(name, problem)
        self.ledger.add(key, replace(finding, place=call.place(f"/traits{trait.pointer}"), actual=shown))

    def _undefined(self, name: str, value: Any, problem: Problem) -> Finding:
        near = nearest(name, self.subject.defined)
        also = f" {near.name!r} is, and differs in {near.differs_in}." if near else ""
        hint = defining(name, kind_of(value)) if possible_name(name) else _IMPOSSIBLE
        return Finding("ATT-1", f"{problem.details}{also}", hint)

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


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


_SNAKE: Final = "write userId: user_id is how libraries call it in code, and no key of a call"
_IMPOSSIBLE: Final = "no attribute can have this name: give the audience a key of letters, digits and _, first a letter"
_HINTS: Final = {
    "ID-1": "the userId becomes the integration ID, which has 1 to 1000 characters and is not . or ..",
    "ID-2": "call identify with a userId once the user is logged in",
    "ID-4": 'set integrations["Talon.One"] to true where the call is meant for Talon.One',
    "SRC-1": "send traits that affect promotions from a server",
    "MAP-5": "send a list of strings or numbers, or flatten it yourself",
    "MAP-7": "rename one of the two",
}
