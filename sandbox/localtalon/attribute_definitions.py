"""Attribute definitions as the Management API tells and takes them, and as the config writes them."""

from typing import Any, Final

import msgspec

from talon_emulator.attributes import NewAttribute, check_definition
from talon_emulator.seed import AttributeSeed


class _Told(msgspec.Struct, frozen=True, rename="camel"):
    """A definition in an answer, as far as the config can say it; an empty list may come as null."""

    entity: str
    name: str
    title: str
    type: str
    description: str | None = None
    suggestions: tuple[str, ...] | None = None
    editable: bool = True
    event_type: str | None = None
    has_allowed_list: bool = False
    restricted_by_suggestions: bool = False


class LeftOut(msgspec.Struct, frozen=True):
    """A definition that the config cannot say, and why."""

    name: str
    reason: str
    builtin: bool = False


# What a definition is in the config; Application ids are the deployment's own, and not those of the config.
_ORDER: Final = (
    "name",
    "type",
    "entity",
    "title",
    "event_type",
    "description",
    "suggestions",
    "restricted_by_suggestions",
    "has_allowed_list",
    "allowed_list",
    "editable",
    "subscribed_applications_ids",
    "builtin",
)
_DEFAULTS: Final = AttributeSeed("", "string")


def read(item: dict[str, Any], builtin: bool) -> AttributeSeed | LeftOut:
    """A definition of an answer as the config has it: what is as usual is left unsaid, a title like the name too."""
    name = str(item.get("name", "?"))
    try:
        told = msgspec.convert(item, _Told)
    except msgspec.ValidationError as error:
        return LeftOut(name, str(error).replace("`", ""), builtin)
    whole: dict[str, Any] = msgspec.structs.asdict(told)
    whole |= {"description": told.description or "", "suggestions": told.suggestions or ()}
    whole["event_type"] = told.event_type or None
    problems = check_definition(NewAttribute(**whole))
    if problems:
        return LeftOut(name, "; ".join(problem.details for problem in problems), builtin)
    whole |= {"title": None if told.title == told.name else told.title, "builtin": builtin}
    return msgspec.convert(whole, AttributeSeed)


def body(seed: AttributeSeed) -> dict[str, Any]:
    """What is sent to create it."""
    new = NewAttribute(
        entity=seed.entity,
        name=seed.name,
        title=title(seed),
        type=seed.type,
        description=seed.description,
        suggestions=seed.suggestions,
        editable=seed.editable,
        event_type=seed.event_type,
        has_allowed_list=seed.has_allowed_list or bool(seed.allowed_list),
        restricted_by_suggestions=seed.restricted_by_suggestions,
        subscribed_applications_ids=seed.subscribed_applications_ids,
    )
    told: dict[str, Any] = msgspec.to_builtins(new)
    # Members that belong to another entity are refused even when they are empty (assumed), and defaults go unsaid.
    del told["allowedSubscriptions"], told["subscribedCatalogsIds"]
    if not seed.event_type:
        del told["eventType"]
    if not seed.subscribed_applications_ids:
        del told["subscribedApplicationsIds"]
    return told


def title(seed: AttributeSeed) -> str:
    """Its title, which is the name where none is said."""
    return seed.name if seed.title is None else seed.title


def said(seed: AttributeSeed) -> dict[str, Any]:
    """The keys of the config that say it, in the order in which they are written."""
    keys = ((key, getattr(seed, key)) for key in _ORDER)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in keys
        if value != getattr(_DEFAULTS, key) or key == "type"
    }


def shown(seed: AttributeSeed) -> str:
    """It on a line: its name, its type, its title where it has one of its own."""
    own = f', title "{seed.title}"' if seed.title not in (None, seed.name) else ""
    return f"{seed.name} ({seed.type.strip('()')}{own})"
