"""Probes of values: what a deployment takes for an attribute, and what it makes of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.observation import Probe, Unlike, by_status


def null_value(ground: Ground) -> str | Unlike:
    """A value is set, then sent as null."""
    customer, name = ground.customer(), ground.name("text")
    ground.update(customer, {name: "a"}).expect(200)
    answer = ground.update(customer, {name: None})
    if answer.status != 200:
        return by_status(answer, {})
    held = ground.held(customer)
    if name not in held:
        return "delete"
    return "keep" if held[name] == "a" else Unlike(f"the value is {held[name]!r} then")


def quoted_number(ground: Ground) -> str | Unlike:
    """A number comes as a string."""
    customer, name = ground.customer(), ground.name("number")
    found = by_status(ground.update(customer, {name: "-1.50"}), {200: "take", 400: "refuse"})
    held = ground.held(customer).get(name)
    if found == "take" and not same_value(held, Decimal("-1.5")):
        return Unlike(f"it is taken, and read back as {held!r}")
    return found


def problems_listed(ground: Ground) -> str | Unlike:
    """Two values are wrong, and come in the other order than that of their names."""
    first, second = ground.undefined("a"), ground.undefined("b")
    answer = ground.update(ground.customer(), {second: 1, first: 1}).expect(400)
    pointers = [_pointer(each) for each in _listed(answer.at("errors"))]
    known = {
        (f"/attributes/{first}", f"/attributes/{second}"): "all",
        (f"/attributes/{first}",): "first",
    }
    return known.get(tuple(pointers), Unlike(f"the errors point to {', '.join(pointers) or 'nothing'}"))


def restricted_value(ground: Ground) -> str | Unlike:
    """A value is none of the suggestions that its attribute is restricted to."""
    answer = ground.update(ground.customer(), {ground.name("tier"): "tin"})
    return by_status(answer, {200: "accept", 400: "refuse"})


def unsubscribed_attribute(ground: Ground) -> str | Unlike:
    """The attribute is connected to another Application only."""
    answer = ground.update(ground.customer(), {ground.name("elsewhere"): "x"})
    return by_status(answer, {200: "accept", 400: "refuse"})


def location_order(ground: Ground) -> str | Unlike:
    """A location is read back; nobody would mistake 120 degrees for a latitude."""
    customer, name = ground.customer(), ground.name("place")
    sent: Object = {"format": "point", "object": "5, 120.5"}
    answer = ground.update(customer, {name: sent})
    if answer.status != 200:
        return by_status(answer, {})
    held = ground.held(customer).get(name)
    return "verbatim" if same_value(held, sent) else Unlike(f"it is read back as {held!r}")


def type_wording(ground: Ground) -> str | Unlike:
    """A number is given a boolean."""
    name = ground.name("number")
    answer = ground.update(ground.customer(), {name: True}).expect(400)
    details = answer.at("errors", 0, "details")
    return "sample" if details == f'Value of "{name}" attribute (true) is not a number' else Unlike(f"{details!r}")


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _pointer(problem: Json) -> str:
    source = problem.get("source") if isinstance(problem, dict) else None
    pointer = source.get("pointer") if isinstance(source, dict) else None
    return pointer if isinstance(pointer, str) else "?"


PROBES: Final[Mapping[str, Probe]] = {
    "null-value": null_value,
    "quoted-number": quoted_number,
    "problems-listed": problems_listed,
    "restricted-value": restricted_value,
    "unsubscribed-attribute": unsubscribed_attribute,
    "location-order": location_order,
    "type-wording": type_wording,
}
