"""What is wrong with an export document beyond the types of its members: the first problem, with its place."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from talon_emulator import assumptions, attributes, events, sessions
from talon_emulator.contents_document import Definitions, Document, ProfileEntry, RecordEntry, record_of
from talon_emulator.definitions import Definitions as ProfileDefinitions
from talon_emulator.errors import pointer
from talon_emulator.seed import SeedError
from talon_emulator.values import is_number, is_time

_LARGEST = 2**53


def first_problem(document: Document) -> SeedError | None:
    """Return the first thing that the emulator could not have written itself."""
    return next(_problems(document), None)


def _problems(document: Document) -> Iterator[SeedError]:
    yield from _in_definitions("definitions", document.definitions)
    yield from _in_definitions("baseline", document.baseline)
    known = {audience.id: audience.sandbox for audience in document.definitions.audiences}
    defined = ProfileDefinitions("CustomerProfile", document.definitions.attributes)
    for index, profile in enumerate(document.profiles):
        yield from _in_profile(index, profile, known, defined)
    for index, record in enumerate(document.records):
        yield from _in_record(index, record)
    yield from _twice("profiles", "id", (p.id for p in document.profiles))
    yield from _twice("profiles", "integration_id", ((p.environment, p.integration_id) for p in document.profiles))
    yield from _twice("records", "id", ((r.kind, r.application, r.id) for r in document.records))
    yield from _twice("records", "key", ((r.kind, r.application, r.key) for r in document.records))
    yield from _twice("answers", "scope", (kept.scope for kept in document.answers))
    for index, kept in enumerate(document.answers):
        if not 100 <= kept.answer.status <= 599 or not is_time(kept.expires):
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
            if not is_time(item.created):
                yield SeedError(_place(part, name, index, "created"), _no_time(item.created))
        yield from _twice(f"{part}/{name}", "id", (item.id for item in items))
    for index, attribute in enumerate(definitions.attributes):
        for problem in attributes.check_definition(attribute):
            yield SeedError(_place(part, "attributes", index) + problem.source.get("pointer", ""), problem.details)
    yield from _twice(f"{part}/attributes", "name", ((a.entity, a.name) for a in definitions.attributes))
    for name, choice in definitions.assumptions.items():
        if name not in assumptions.BY_ID or choice not in assumptions.BY_ID[name].choices:
            yield SeedError(
                _place(part, "assumptions", name), f"there is no assumption {name!r} with a choice {choice!r}"
            )


def _in_profile(
    index: int, profile: ProfileEntry, known: dict[int, bool], defined: ProfileDefinitions
) -> Iterator[SeedError]:
    for name in ("created", "last_activity"):
        if not is_time(getattr(profile, name)):
            yield SeedError(_place("profiles", index, name), _no_time(getattr(profile, name)))
    if not is_number(profile.total_sales):
        yield SeedError(_place("profiles", index, "total_sales"), "must be a number")
    for problem in defined.check(profile.attributes):
        yield SeedError(_place("profiles", index) + problem.source.get("pointer", ""), problem.details)
    for audience in profile.audiences:
        place = _place("profiles", index, "audiences")
        if audience not in known:
            yield SeedError(place, f"there is no audience {audience} in the document")
        elif known[audience] != (profile.environment == "sandbox"):
            yield SeedError(place, f"the audience {audience} is of the other environment")


def _in_record(index: int, entry: RecordEntry) -> Iterator[SeedError]:
    if not is_time(entry.created):
        yield SeedError(_place("records", index, "created"), _no_time(entry.created))
    record = record_of(entry)
    try:
        if entry.kind == "session":
            session = sessions.from_record(record)
            named = (session.integration_id, session.application_id, session.profile_id)
            moments = (session.created, session.updated)
        else:
            event = events.from_record(record)
            named, moments = (event.key, event.application_id, event.profile_id), (event.created, event.created)
    except msgspec.ValidationError as error:
        yield SeedError(_place("records", index, "document"), f"is no {entry.kind}: {error}")
        return
    if named != (entry.key, entry.application, entry.profile):
        yield SeedError(_place("records", index, "document"), "has another key, Application or profile than the record")
    if not all(map(is_time, moments)):
        yield SeedError(_place("records", index, "document"), "has a time that is none")


def _twice(part: str, member: str, identities: Iterable[object]) -> Iterator[SeedError]:
    seen: set[object] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            yield SeedError(f"/{part}/{index}/{member}", f"{identity!r} is there twice")
        seen.add(identity)


def _place(*parts: str | int) -> str:
    return pointer(*parts)["pointer"]


def _no_time(given: object) -> str:
    return f"{given!r} is no time in RFC 3339"
