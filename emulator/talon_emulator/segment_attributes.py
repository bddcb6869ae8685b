"""Attribute definitions that Segment's deprecated operations make on the way, of the values that they are sent."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from talon_emulator import attributes, errors
from talon_emulator.attributes import Attribute, AttributeType, Entity, NewAttribute
from talon_emulator.calls import Call
from talon_emulator.clock import timestamp
from talon_emulator.definitions import Definitions
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Problem, Refusal
from talon_emulator.management import changes
from talon_emulator.values import is_location, is_time

_LISTS: Final[dict[str, AttributeType]] = {
    "string": "(list string)",
    "number": "(list number)",
    "time": "(list time)",
    "location": "(list location)",
}


class AttributeInfo(msgspec.Struct, frozen=True):
    """The type that an attribute is to be made with; one without a name or type says nothing (assumed)."""

    name: str | None = None
    type: Literal["string", "time", "number", "boolean", "location"] | None = None


Infos = tuple[AttributeInfo, ...]


class Wanted(msgspec.Struct, frozen=True):
    """Values of one entity, by the path that leads to them in the body, and what is said of their types."""

    entity: Entity
    given: tuple[tuple[tuple[str | int, ...], dict[str, Any]], ...]
    infos: Infos | None = None
    event_type: str | None = None


async def ensure(call: Call, *wanted: Wanted) -> tuple[Attribute, ...] | Refusal:
    """Define what is not defined yet and return that; what has no value to be stored, or a wrong one, makes nothing."""
    created = timestamp(call.now)
    made: list[Attribute] = []

    def change(stored: Deployment) -> Deployment | Refusal:
        made.clear()
        for one in wanted:
            outcome = make((*stored.state.attributes, *made), one, created, call.deployment.assumed)
            if isinstance(outcome, Refusal):
                return outcome
            made.extend(outcome)
        return changes.with_state(stored, attributes=(*stored.state.attributes, *made)) if made else stored

    # As a rule nothing is to be made, and nothing is asked of the store then.
    outcome = change(call.deployment.record)
    if made and not isinstance(outcome, Refusal):
        outcome = await changes.change(call, change)
    return outcome if isinstance(outcome, Refusal) else tuple(made)


def of_defined(existing: Iterable[Attribute], entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of attributes that are there, connected to the Application or not."""
    known = {attribute.name for attribute in existing if attribute.entity == entity}
    return {name: value for name, value in values.items() if name in known}


def make(
    existing: tuple[Attribute, ...], wanted: Wanted, created: str, assumed: Mapping[str, str]
) -> list[Attribute] | Refusal:
    """Return the definitions that the values lack, or refuse values that none could take."""
    types = {info.name: info.type for info in wanted.infos or () if info.name is not None}
    known = {attribute.name for attribute in existing if attribute.entity == wanted.entity}
    made: list[Attribute] = []
    problems: list[Problem] = []
    for base, values in wanted.given:
        for name, value in values.items():
            if name in known or value is None:
                continue  # null deletes, and there is nothing to delete (assumed)
            kind = types.get(name) or inferred(value, assumed["inferred-time"] == "time")
            new = _new(wanted, name, kind or "string")
            attribute = attributes.create((*existing, *made), new, created) if kind else _untyped()
            if isinstance(attribute, Refusal):
                place = errors.pointer(*base, name)
                # One is enough: what is wrong with the name is wrong with the title that is made of it.
                problems.extend(Problem(p.title, p.details, place) for p in attribute.errors[:1])
            else:
                made.append(attribute)
            known.add(name)
    if not problems:
        problems = _wrong((*existing, *made), wanted, assumed)
    return errors.invalid_data(problems) if problems else made


def inferred(value: Any, times: bool) -> AttributeType | None:
    """Return the type that a value shows; None when no attribute could take it. An empty list is one of strings."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    if isinstance(value, str):
        return "time" if times and is_time(value) else "string"
    if isinstance(value, list):
        kinds = {inferred(item, times) for item in value} or {"string"}
        if kinds == {"string", "time"}:
            kinds = {"string"}
        return _LISTS.get(str(kinds.pop())) if len(kinds) == 1 else None
    return "location" if is_location(value) else None


def _new(wanted: Wanted, name: str, kind: str) -> NewAttribute:
    return NewAttribute(
        entity=wanted.entity,
        name=name,
        title=name,
        type=kind,
        description="",
        suggestions=(),
        editable=True,
        event_type=wanted.event_type,
    )


def _wrong(existing: Iterable[Attribute], wanted: Wanted, assumed: Mapping[str, str]) -> list[Problem]:
    definitions = Definitions(wanted.entity, existing, assumed)
    problems: list[Problem] = []
    for base, values in wanted.given:
        meant = definitions.read(definitions.defined(values))
        problems.extend(errors.rebased(definitions.check(meant), *base))
    return problems


def _untyped() -> Refusal:
    return errors.invalid_data([errors.bad_member("no attribute type takes such a value", {})])
