"""What is wrong with an export document beyond the types of its members: the first problem, with its place."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from talon_emulator import assumptions, attributes, body, errors, events, sessions
from talon_emulator.contents_document import Definitions, Document, ProfileEntry, RecordEntry, record_of
from talon_emulator.definitions import Definitions as Defined
from talon_emulator.errors import Problem, pointer
from talon_emulator.records import Record
from talon_emulator.seed import SeedError
from talon_emulator.sessions import SessionUpdate
from talon_emulator.values import is_number, is_time

_LARGEST: Final = 2**53
_UPDATE: Final = body.decoder(SessionUpdate)


def first_problem(document: Document, held: frozenset[int] = frozenset()) -> SeedError | None:
    """Return the first thing that the emulator could not have written itself.

    `held` are the Applications that stay whether the document has them or not.
    """
    return next(_problems(document, held), None)


def _problems(document: Document, held: frozenset[int]) -> Iterator[SeedError]:
    yield from _in_definitions("definitions", document.definitions)
    yield from _in_definitions("baseline", document.baseline)
    known = {audience.id: audience.sandbox for audience in document.definitions.audiences}
    defined = {entity: _defined(entity, document.definitions) for entity in attributes.ENTITIES}
    for index, profile in enumerate(document.profiles):
        yield from _in_profile(index, profile, known, defined["CustomerProfile"])
    applications = held.union(application.id for application in document.definitions.applications)
    for index, record in enumerate(document.records):
        if record.application not in applications:
            yield SeedError(_place("records", index, "application"), f"there is no Application {record.application}")
        yield from _in_record(index, record, defined)
    yield from _twice("profiles", "id", (p.id for p in document.profiles))
    yield from _twice("profiles", "integration_id", ((p.environment, p.integration_id) for p in document.profiles))
    yield from _twice("records", "id", ((r.kind, r.application, r.id) for r in document.records))
    yield from _twice("records", "key", ((r.kind, r.application, r.key) for r in document.records))
    yield from _twice("answers", "scope", (kept.scope for kept in document.answers))
    for index, kept in enumerate(document.answers):
        if not 100 <= kept.answer.status <= 599 or not _is_moment(kept.expires):
            yield SeedError(
                _place("answers", index), "an answer has a status from 100 to 599 and a time when it expires"
            )


def _in_definitions(part: str, definitions: Definitions) -> Iterator[SeedError]:
    listed: tuple[tuple[str, Iterable[Any]], ...] = (
        ("applications", definitions.applications),
        ("attributes", definitions.attributes),
        ("audiences", definitions.audiences),
    )
    for name, items in listed:
        for index, item in enumerate(items):
            if not 1 <= item.id <= _LARGEST:
                yield SeedError(_place(part, name, index, "id"), f"must be from 1 to {_LARGEST}")
            if not item.name:
                yield SeedError(_place(part, name, index, "name"), "must not be empty")
            if not _is_moment(item.created):
                yield SeedError(_place(part, name, index, "created"), _no_time(item.created))
        yield from _twice(f"{part}/{name}", "id", (item.id for item in items))
    for index, application in enumerate(definitions.applications):
        if not _is_moment(application.modified):
            yield SeedError(_place(part, "applications", index, "modified"), _no_time(application.modified))
    yield from _in_audiences(part, definitions)
    for index, attribute in enumerate(definitions.attributes):
        yield from _told(errors.below(attributes.check_definition(attribute), part, "attributes", index))
    yield from _twice(f"{part}/attributes", "name", ((a.entity, a.name) for a in definitions.attributes))
    yield from _twice(f"{part}/attributes", "title", ((a.entity, a.title) for a in definitions.attributes))
    for name, choice in definitions.assumptions.items():
        if name not in assumptions.BY_ID or choice not in assumptions.BY_ID[name].choices:
            yield SeedError(
                _place(part, "assumptions", name), f"there is no assumption {name!r} with a choice {choice!r}"
            )


def _in_audiences(part: str, definitions: Definitions) -> Iterator[SeedError]:
    for index, audience in enumerate(definitions.audiences):
        if audience.last_update is not None and audience.last_update.tzinfo is None:
            yield SeedError(_place(part, "audiences", index, "last_update"), _no_time(str(audience.last_update)))
    named = ((a.sandbox, a.integration, a.integration_id) for a in definitions.audiences if a.integration_id)
    yield from _twice(f"{part}/audiences", "integration_id", named)


def _in_profile(index: int, profile: ProfileEntry, known: dict[int, bool], defined: Defined) -> Iterator[SeedError]:
    for name in ("created", "last_activity"):
        if not _is_moment(getattr(profile, name)):
            yield SeedError(_place("profiles", index, name), _no_time(getattr(profile, name)))
    if not is_number(profile.total_sales):
        yield SeedError(_place("profiles", index, "total_sales"), "must be a number")
    yield from _told(errors.below(defined.check(profile.attributes), "profiles", index))
    yield from _nulls(profile.attributes, "profiles", index, "attributes")
    for audience in profile.audiences:
        place = _place("profiles", index, "audiences")
        if audience not in known:
            yield SeedError(place, f"there is no audience {audience} in the document")
        elif known[audience] != (profile.environment == "sandbox"):
            yield SeedError(place, f"the audience {audience} is of the other environment")


def _in_record(index: int, entry: RecordEntry, defined: dict[str, Defined]) -> Iterator[SeedError]:
    if not _is_moment(entry.created):
        yield SeedError(_place("records", index, "created"), _no_time(entry.created))
    here = ("records", index, "document")
    read = _in_session if entry.kind == "session" else _in_event
    try:
        yield from read(record_of(entry), (entry.key, entry.application, entry.profile), defined, *here)
    except msgspec.ValidationError as error:
        yield SeedError(_place(*here), f"is no {entry.kind}: {error}")


def _in_session(
    record: Record, named: tuple[str, int, str], defined: dict[str, Defined], *here: str | int
) -> Iterator[SeedError]:
    session, update = sessions.from_record(record), _UPDATE.decode(record.document)
    yield from _misfiled(named, (session.integration_id, session.application_id, session.profile_id), *here)
    for name in ("created", "updated"):
        if not _is_moment(getattr(session, name)):
            yield SeedError(_place(*here, name), _no_time(getattr(session, name)))
    yield from _told(sessions.check(update, defined["CustomerSession"], defined["CartItem"], *map(str, here)))
    yield from _nulls(session.attributes, *here, "attributes")


def _in_event(
    record: Record, named: tuple[str, int, str], defined: dict[str, Defined], *here: str | int
) -> Iterator[SeedError]:
    event = events.from_record(record)
    yield from _misfiled(named, (event.key, event.application_id, event.profile_id), *here)
    if not event.type:
        yield SeedError(_place(*here, "type"), "must not be empty")
    if not _is_moment(event.created):
        yield SeedError(_place(*here, "created"), _no_time(event.created))
    yield from _told(errors.below(defined["Event"].check(event.attributes), *here))
    yield from _nulls(event.attributes, *here, "attributes")


def _misfiled(named: tuple[str, int, str], names: tuple[str, int, str], *here: str | int) -> Iterator[SeedError]:
    if named != names:
        yield SeedError(_place(*here), "has another key, Application or profile than the record")


def _defined(entity: str, definitions: Definitions) -> Defined:
    """Return definitions that take what is stored: suggestions may have become fewer since."""
    return Defined(entity, definitions.attributes, {**assumptions.DEFAULTS, "restricted-value": "accept"})


def _told(problems: Iterable[Problem]) -> Iterator[SeedError]:
    return (SeedError(problem.source.get("pointer", ""), problem.details) for problem in problems)


def _nulls(values: dict[str, Any], *here: str | int) -> Iterator[SeedError]:
    return (SeedError(_place(*here, name), "null is no value") for name, value in values.items() if value is None)


def _twice(part: str, member: str, identities: Iterable[object]) -> Iterator[SeedError]:
    seen: set[object] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            yield SeedError(f"/{part}/{index}/{member}", f"{identity!r} is there twice")
        seen.add(identity)


def _place(*parts: str | int) -> str:
    return pointer(*parts)["pointer"]


def _is_moment(value: str) -> bool:
    return is_time(value) and not value.startswith("0000")  # a year that Python does not have


def _no_time(given: object) -> str:
    return f"{given!r} is no time in RFC 3339"
