"""Attribute definitions: made, changed, and what is wrong with one in itself."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from talon_emulator import errors
from talon_emulator.errors import Problem, Refusal

Entity = Literal[
    "Application",
    "Campaign",
    "CustomerProfile",
    "CustomerSession",
    "CartItem",
    "Coupon",
    "Event",
    "Giveaway",
    "LoyaltyCard",
    "Referral",
    "Store",
]
AttributeType = Literal[
    "string",
    "number",
    "boolean",
    "time",
    "(list string)",
    "(list number)",
    "(list time)",
    "location",
    "(list location)",
]
ENTITIES: Final[tuple[str, ...]] = get_args(Entity)
TYPES: Final[tuple[str, ...]] = get_args(AttributeType)
SUBSCRIPTIONS: Final = ("application", "catalog")

# ATT-3. Both patterns are documented; Talon.One's engine reads \w as ASCII and $ as the end of the text.
NAME: Final = r"^[A-Za-z]\w*$"
TITLE: Final = r"^[A-Za-z][A-Za-z0-9_.!~*'() -]*$"
_NAME = re.compile(NAME, re.ASCII)
_TITLE = re.compile(TITLE)
MAX_SUGGESTIONS: Final = 50


class NewAttribute(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a client sends to create a definition; the first seven are required (documented)."""

    entity: str
    name: str
    title: str
    type: str
    description: str
    suggestions: tuple[str, ...]
    editable: bool
    event_type: str | None = None
    has_allowed_list: bool = False
    restricted_by_suggestions: bool = False
    subscribed_applications_ids: tuple[int, ...] = ()
    subscribed_catalogs_ids: tuple[int, ...] = ()
    allowed_subscriptions: tuple[str, ...] = ()


class AttributeUpdate(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a client sends to update a definition; what is left out stays as it is (assumed)."""

    entity: str
    name: str
    title: str
    type: str
    description: str
    suggestions: tuple[str, ...]
    editable: bool
    event_type: str | UnsetType | None = UNSET
    has_allowed_list: bool | UnsetType = UNSET
    restricted_by_suggestions: bool | UnsetType = UNSET
    subscribed_applications_ids: tuple[int, ...] | UnsetType = UNSET
    subscribed_catalogs_ids: tuple[int, ...] | UnsetType = UNSET
    allowed_subscriptions: tuple[str, ...] | UnsetType = UNSET


class Attribute(NewAttribute, frozen=True, rename="camel", kw_only=True):
    """A definition as the deployment keeps it; `created` is RFC 3339, the last two are never sent with it."""

    id: int
    created: str
    builtin: bool = False
    allowed_list: tuple[str, ...] = ()


def check_definition(new: NewAttribute) -> tuple[Problem, ...]:
    """Return what is wrong with a definition in itself."""
    problems = []
    for field, value, allowed in (("entity", new.entity, ENTITIES), ("type", new.type, TYPES)):
        if value not in allowed:
            problems.append(errors.not_one_of(field, allowed, errors.pointer(field)))
    if not _NAME.fullmatch(new.name):
        problems.append(errors.bad_pattern("name", NAME))
    if not _TITLE.fullmatch(new.title):
        problems.append(errors.bad_pattern("title", TITLE))
    if len(new.suggestions) > MAX_SUGGESTIONS:
        problems.append(errors.too_long("suggestions", MAX_SUGGESTIONS))
    if "" in new.suggestions:
        place = errors.pointer("suggestions", new.suggestions.index(""))
        problems.append(errors.bad_member("a suggestion must not be empty", place))
    for index, subscription in enumerate(new.allowed_subscriptions):
        if subscription not in SUBSCRIPTIONS:
            place = errors.pointer("allowedSubscriptions", index)
            problems.append(errors.not_one_of("allowedSubscriptions", SUBSCRIPTIONS, place))
    if len(new.allowed_subscriptions) > len(SUBSCRIPTIONS):
        problems.append(errors.too_long("allowedSubscriptions", len(SUBSCRIPTIONS)))
    return (*problems, *_misplaced(new))


def _misplaced(new: NewAttribute) -> Iterator[Problem]:
    """Yield members that belong to another entity (documented; that they are refused is assumed), and repetitions."""
    if new.event_type and new.entity != "Event":
        yield errors.bad_member("eventType is for attributes of Event only", errors.pointer("eventType"))
    if new.allowed_subscriptions and new.entity != "CartItem":
        place = errors.pointer("allowedSubscriptions")
        yield errors.bad_member("allowedSubscriptions is for attributes of CartItem only", place)
    seen: set[int] = set()
    for index, number in enumerate(new.subscribed_applications_ids):
        if number in seen:
            yield errors.bad_member(f"{number} is there twice", errors.pointer("subscribedApplicationsIds", index))
            break
        seen.add(number)


def create(
    existing: Iterable[Attribute], new: NewAttribute, created: str, builtin: bool = False
) -> Attribute | Refusal:
    """Turn a new definition into one of the deployment, or refuse it (409 when its name or title is taken)."""
    existing = tuple(existing)
    problems = check_definition(new)
    if problems:
        return errors.invalid_data(problems)
    clashes = _clashes(existing, new)
    if clashes:
        return errors.duplicate(clashes)
    number = max((attribute.id for attribute in existing), default=0) + 1
    return Attribute(**msgspec.structs.asdict(new), id=number, created=created, builtin=builtin)


def update(existing: Iterable[Attribute], old: Attribute, new: NewAttribute) -> Attribute | Refusal:
    """Replace a definition; its entity, name and type never change (documented)."""
    problems = [
        errors.immutable(field) for field in ("entity", "name", "type") if getattr(old, field) != getattr(new, field)
    ]
    problems.extend(check_definition(new))
    if problems:
        return errors.invalid_data(problems)
    clashes = _clashes((other for other in existing if other.id != old.id), new)
    if clashes:
        return errors.duplicate(clashes)
    return msgspec.structs.replace(old, **msgspec.structs.asdict(new))


def revise(
    existing: Iterable[Attribute], old: Attribute, wanted: AttributeUpdate, only_description: bool
) -> Attribute | Refusal:
    """Change of a definition what a client may change; its event type never changes either (assumed)."""
    if wanted.event_type and wanted.event_type != old.event_type:  # an empty one is as good as none
        return errors.invalid_data([errors.immutable("eventType")])
    kept = {name: getattr(old, name) for name in NewAttribute.__struct_fields__}
    sent = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
    new = NewAttribute(**{**kept, **sent, "event_type": old.event_type})
    if not only_description:
        return update(existing, old, new)
    updated = update((), old, new)  # it matters to nobody whether a title is taken that is not given
    return updated if isinstance(updated, Refusal) else msgspec.structs.replace(old, description=new.description)


def event_types(definitions: Iterable[Attribute]) -> dict[str, int]:
    """Number the event types: each has the number of its oldest attribute, which never goes (assumed)."""
    numbers: dict[str, int] = {}
    for attribute in definitions:
        if attribute.entity == "Event" and attribute.event_type:
            numbers[attribute.event_type] = min(attribute.id, numbers.get(attribute.event_type, attribute.id))
    return numbers


def _clashes(existing: Iterable[Attribute], new: NewAttribute) -> tuple[Problem, ...]:
    peers = [attribute for attribute in existing if attribute.entity == new.entity]
    problems = []
    if any(peer.name == new.name for peer in peers):
        problems.append(errors.taken("name", new.name, new.entity))
    if any(peer.title == new.title for peer in peers):
        problems.append(errors.taken("title", new.title, new.entity))
    return tuple(problems)
