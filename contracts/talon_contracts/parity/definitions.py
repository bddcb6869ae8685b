"""Probes of attribute definitions: how they are made, changed, listed and not deleted."""

from collections.abc import Mapping
from typing import Final

from talon_contracts.exact_json import Object
from talon_contracts.parity.belongings import ATTRIBUTES, INFERRED, Belonging, definition, mark_of
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge

_CHANGED: Final = " changed"


def updated_attribute(ground: Ground) -> str | Unlike:
    """A definition gets another description and another title, and its old ones back."""
    name = ground.name("changing")
    old = ground.definitions[name]
    title, description = f"{old.get('title')}{_CHANGED}", f"{old.get('description')}{_CHANGED}"
    answer = _revise(ground, name, {**old, "title": title, "description": description})
    if isinstance(answer, Unlike):
        return answer
    _revise(ground, name, old)
    if answer.get("description") != description:
        return Unlike(f"the description is {answer.get('description')!r} then")
    found = {str(old.get("title")): "description", title: "all"}.get(str(answer.get("title")))
    return found or Unlike(f"the title is {answer.get('title')!r} then")


def taken_attribute(ground: Ground) -> str | Unlike:
    """An attribute is made again."""
    name = ground.name("text")
    answer = ground.manage("POST", "/v1/attributes", definition(name, ATTRIBUTES["text"], ground.access.application))
    return by_status(answer, {409: "409", 400: "400"})


def attributes_of_applications(ground: Ground) -> str | Unlike:
    """The list is asked for the attributes of our Application; one of ours is another one's."""
    mine, foreign = ground.name("text"), ground.name("elsewhere")
    path = f"/v1/attributes?applicationIds={ground.access.application}&search={mark_of(ground.access.application)}"
    listed = ground.manage("GET", path).expect(200).at("data")
    names = {each.get("name") for each in listed if isinstance(each, dict)} if isinstance(listed, list) else set()
    if mine not in names:
        return Unlike("it does not show an attribute that is connected to the Application")
    return "ignore" if foreign in names else "filter"


def deleting_an_attribute(ground: Ground) -> str | Unlike:
    """An attribute of ours is deleted; should that be possible, it is made again by the next comparison."""
    name = ground.name("changing")
    answer = ground.manage("DELETE", f"/v1/attributes/{ground.definitions[name].get('id')}")
    if answer.status == 204:
        del ground.definitions[name]
        ground.ledger.remove(Belonging("attribute", name))
    return by_status(answer, {405: "405"})


def no_new_attributes(ground: Ground) -> str | Unlike:
    """An Application's key sends a definition that is there."""
    wanted = definition(ground.name("text"), ATTRIBUTES["text"], ground.access.application)
    answer = ground.integration("PUT", "/v2/integration/multiple_attributes", {"attributes": [wanted]})
    if answer.status != 200:
        return by_status(answer, {})
    made = answer.at("attributes")
    return "null" if made is None else "empty" if made == [] else Unlike(f"`attributes` is {made!r}")


def inferred_time(ground: Ground) -> str | Unlike:
    """Segment's deprecated update makes an attribute of a time; it cannot be unmade, so that its type stays told."""
    name = mark_of(ground.access.application) + INFERRED
    if name not in ground.definitions:
        ground.need_segment()
        ground.ledger.add(Belonging("attribute", name))
        body: Object = {"attributes": {name: "2030-01-31T00:00:00Z"}}
        answer = ground.segment(f"customer_profile/{ground.customer()}", body)
        if answer.status != 200:
            return by_status(answer, {})
        made = answer.at("createdAttributes", 0)
        if not isinstance(made, dict):
            raise CannotJudge(answer.said)
        ground.definitions[name] = made
    found = ground.definitions[name].get("type")
    return found if found in ("string", "time") and isinstance(found, str) else Unlike(f"its type is {found!r}")


def _revise(ground: Ground, name: str, wanted: Object) -> Object | Unlike:
    answer = ground.manage("PUT", f"/v1/attributes/{ground.definitions[name].get('id')}", wanted)
    if answer.status != 200:
        found = by_status(answer, {})
        return found if isinstance(found, Unlike) else Unlike(answer.said)
    revised = answer.at()
    if not isinstance(revised, dict):
        raise CannotJudge(answer.said)
    return revised


PROBES: Final[Mapping[str, Probe]] = {
    "updated-attribute": updated_attribute,
    "taken-attribute": taken_attribute,
    "attributes-of-applications": attributes_of_applications,
    "deleting-an-attribute": deleting_an_attribute,
    "no-new-attributes": no_new_attributes,
    "inferred-time": inferred_time,
}
