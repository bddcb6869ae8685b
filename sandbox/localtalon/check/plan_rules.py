"""The rules that a tracking plan can break: names, types and collisions of the traits that it lets through."""

import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from localtalon.check.ledger import Ledger
from localtalon.check.names import not_listed
from localtalon.check.plan_document import PlanDocument, PlanError, Trait, read
from localtalon.check.shapes import ARRAY, OBJECT, Shape, kind_of
from localtalon.check.subject import Subject
from talon_bridge import codec
from talon_bridge.audience_key import possible_name
from talon_contracts.reports.events import Finding, Place
from talon_emulator.attributes import Attribute
from talon_emulator.values import NOUNS

RULES: Final = ("MAP-3", "MAP-5", "MAP-7", "ATT-2", "ATT-3")

_TIMES: Final = frozenset({"date-time"})
_STRINGS: Final = frozenset({"string", "date-time", "date"})
_NUMBERS: Final = frozenset({"number", "integer"})
_FITTING: Final = {
    "string": _STRINGS,
    "number": _NUMBERS,
    "boolean": frozenset({"boolean"}),
    "time": _TIMES,
    "(list string)": frozenset(f"list {kind}" for kind in _STRINGS),
    "(list number)": frozenset(f"list {kind}" for kind in _NUMBERS),
    "(list time)": frozenset(f"list {kind}" for kind in _TIMES),
    "location": frozenset[str](),
    "(list location)": frozenset[str](),
}
# What fits as long as the values are right, which the plan does not say.
_DOUBTFUL: Final = {
    "time": frozenset({"string"}),
    "(list string)": frozenset({"list any"}),
    "(list number)": frozenset({"list any"}),
    "(list time)": frozenset({"list string", "list any"}),
}

_HELD_BACK: Final = frozenset({f"list {OBJECT}", f"list {ARRAY}"})


def judge(subject: Subject, ledger: Ledger, name: str) -> None:
    """Hold a plan against the config."""
    try:
        plan = read(name)
    except PlanError as error:
        place = error.place
        ledger.unjudged("PLAN", f"{place.file}{f':{place.line}' if place.line else ''}: {error}")
        return
    for rule in ("PLAN", *RULES):
        ledger.tried(rule, len(plan.traits))
    unfit = _unfit(subject, plan)
    if unfit:
        ledger.unjudged("PLAN", f"{plan.file}: {unfit}; {_other_part(plan)}")
    for reference in plan.foreign:
        ledger.unjudged("PLAN", f"{plan.file}#{reference} is nowhere in this file, and no other file is read")
    findings = list(_findings(subject, plan))
    lines = plan.lines({finding.place.pointer for finding in findings if finding.place is not None})
    for finding in findings:
        assert finding.place is not None  # each is about a place of the plan
        place = replace(finding.place, line=lines.get(finding.place.pointer, 0))
        ledger.found(replace(finding, place=place))
    for finding in _unfilled(subject, plan):
        ledger.found(finding)


def _unfit(subject: Subject, plan: PlanDocument) -> str:
    """Why this can be no schema of the traits, or nothing."""
    if not plan.traits:
        return "no trait is described by this schema"
    sent = any(_is_sent(trait, subject) for trait in plan.traits)
    return "" if sent or not subject.custom_attributes else "no trait of this schema is a Custom Attribute"


def _is_sent(trait: Trait, subject: Subject) -> bool:
    return trait.name in subject.custom_attributes or trait.path[0] in subject.computed


def _other_part(plan: PlanDocument) -> str:
    """What to name instead: the schema of the traits where there is one of whole calls."""
    names = " or ".join(shlex.quote(f"{plan.file}#{pointer}") for pointer in plan.parts) or f"{plan.file}#/pointer"
    return f"where the schema of the traits is a part of the file, name it as {names}"


def _findings(subject: Subject, plan: PlanDocument) -> Iterator[Finding]:
    named = {trait.name for trait in plan.traits}
    for pointer, remark in plan.remarks:
        yield Finding("PLAN", remark, place=Place(plan.file, pointer), severity="warning")
    for trait in plan.traits:
        place = Place(plan.file, trait.shape.pointer)
        if not _is_sent(trait, subject):
            if not subject.ignores(trait.name):
                rule = "MAP-3" if possible_name(trait.name) else "ATT-3"
                yield replace(not_listed(trait.name, subject, named), rule=rule, place=place)
            continue
        if _held_back(trait.shape):
            message = f"{trait.shown} may be a list that holds an object or a list, which cannot be an attribute"
            hint = "plan a list of strings or numbers, or one trait for each value"
            yield Finding("MAP-5", message, hint, place)
        definition = subject.definition(trait.name)
        if definition is not None:
            yield from (replace(finding, place=place) for finding in _of_type(trait, definition, subject))
    yield from _collisions(subject, plan)


def _of_type(trait: Trait, definition: Attribute, subject: Subject) -> Iterator[Finding]:
    """What of a trait's values the attribute does not take (ATT-2)."""
    expected = NOUNS[definition.type]
    opening = f"{trait.shown} makes {trait.name}, which is {expected} in Talon.One"
    hint = f"plan {expected}, or define another attribute: Talon.One converts nothing, and types never change"
    shape = trait.shape
    kinds = set(shape.unlisted()) - {OBJECT, "null", *_HELD_BACK}
    listed = [value for value in shape.listed() if not isinstance(value, dict) and not _holds_more(value)]
    wrong = [value for value in listed if subject.definitions.check({trait.name: value})]
    doubtful = _DOUBTFUL.get(definition.type, frozenset())
    wrong_kinds = sorted(kinds - _FITTING[definition.type] - doubtful)
    if wrong:
        titles = {p.title for value in wrong for p in subject.definitions.check({trait.name: value})}
        how = "plan only values that Talon.One has listed: it takes no other" if titles == {"enum"} else hint
        shown = _cut(", ".join(codec.encode(value).decode() for value in wrong))
        yield Finding("ATT-2", f"{opening}; it does not take {shown}", how, expected=expected, actual=shown)
    if wrong_kinds:
        shown = " or ".join(map(_noun, wrong_kinds))
        yield Finding("ATT-2", f"{opening}; the plan lets it be {shown}", hint, expected=expected, actual=shown)
    elif not wrong:
        yield from _doubts(shape, definition, kinds, opening)


def _doubts(shape: Shape, definition: Attribute, kinds: set[str], opening: str) -> Iterator[Finding]:
    """What the plan does not say, so that values may or may not fit."""
    expected = NOUNS[definition.type]
    doubtful = sorted(kinds & _DOUBTFUL.get(definition.type, frozenset()))
    if shape.others:
        always = "always " if shape.kinds or shape.values else ""
        message = f"{opening}; the plan does not {always}say of what type the trait is"
        yield Finding("ATT-2", message, f"plan {expected}", severity="warning")
    elif doubtful:
        shown = " or ".join(map(_noun, doubtful))
        better = 'add "format": "date-time"' if "time" in definition.type else "say what its items are"
        message = f"{opening}; the plan lets it be any {shown.split(' ', 1)[1]}"
        yield Finding("ATT-2", message, better, severity="warning", expected=expected, actual=shown)
    elif definition.restricted_by_suggestions and kinds:
        message = f"{opening}, restricted to a list of values; the plan does not list them"
        yield Finding("ATT-2", message, "list them as enum in the plan", severity="warning")


def _collisions(subject: Subject, plan: PlanDocument) -> Iterator[Finding]:
    named: dict[str, list[Trait]] = defaultdict(list)
    for trait in plan.traits:
        named[trait.name].append(trait)
    for name, traits in named.items():
        if len(traits) == 1 or subject.ignores(name):
            continue
        first, *others = (trait.shown for trait in traits)
        message = f"{first} and {' and '.join(others)} make the same name {name}; with different values neither is sent"
        sent = name in subject.custom_attributes
        place = Place(plan.file, traits[-1].shape.pointer)
        yield Finding("MAP-7", message, "rename one of them", place, severity="error" if sent else "warning")


def _unfilled(subject: Subject, plan: PlanDocument) -> Iterator[Finding]:
    """Custom Attributes that nothing in the plan makes."""
    if not plan.traits:
        return
    made = {trait.name for trait in plan.traits}
    for name in dict.fromkeys(subject.custom_attributes):
        if name not in made and name not in subject.computed:
            message = f"no trait of the plan makes the Custom Attribute {name!r}"
            hint = "add the trait to the plan, or take the name out of destination.custom_attributes"
            yield Finding("MAP-3", message, hint, subject.place_of_custom(name), severity="warning")


def _held_back(shape: Shape) -> bool:
    """Whether it may be a list that holds an object or a list."""
    return not _HELD_BACK.isdisjoint(shape.unlisted()) or any(map(_holds_more, shape.listed()))


def _holds_more(value: Any) -> bool:
    return isinstance(value, list) and any(kind_of(item) in (OBJECT, ARRAY) for item in value)


def _noun(kind: str) -> str:
    """A kind for people: `list integer` is a list of integers."""
    if kind.startswith("list "):
        inner = kind.removeprefix("list ")
        return "a list of anything" if inner == "any" else f"a list of {inner}{'' if inner == 'null' else 's'}"
    return f"a{'n' if kind[0] in 'aeio' else ''} {kind}"


def _cut(text: str, most: int = 200) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
