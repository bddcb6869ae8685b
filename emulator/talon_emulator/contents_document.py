"""The export document: all that a deployment holds but its keys, as JSON for people and for version control."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from talon_emulator import assumptions
from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.body import ENCODER
from talon_emulator.deployments import Application, State
from talon_emulator.profiles import Environment, Profile
from talon_emulator.records import Kind, Record
from talon_emulator.seed import SeedError
from talon_emulator.store.protocol import Contents, Kept

FORMAT = 1
Number = Annotated[int, msgspec.Meta(ge=1)]


class Definitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a state that is no key."""

    applications: tuple[Application, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    audiences: tuple[Audience, ...] = ()
    last_audience: int = 0
    assumptions: dict[str, str] = {}


class ProfileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A customer profile; `id` is its number in the deployment, `audiences` are ids."""

    id: Number
    environment: Environment
    integration_id: str
    created: str
    last_activity: str
    attributes: dict[str, Any] = {}
    audiences: tuple[int, ...] = ()
    hidden: bool = False
    closed_sessions: Annotated[int, msgspec.Meta(ge=0)] = 0
    total_sales: Decimal | int = 0


class RecordEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session or an event."""

    id: Number
    kind: Kind
    application: int
    key: str
    profile: str
    created: str
    document: dict[str, Any]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole; `baseline` is what a reset returns to."""

    format: Literal[1]
    definitions: Definitions = Definitions()
    baseline: Definitions = Definitions()
    profiles: tuple[ProfileEntry, ...] = ()
    records: tuple[RecordEntry, ...] = ()
    answers: tuple[Kept, ...] = ()


def write(contents: Contents) -> dict[str, Any]:
    """Return contents as a document, ready to be encoded; numbers keep their digits."""
    return {
        "format": FORMAT,
        "definitions": _definitions(contents.state),
        "baseline": _definitions(contents.baseline),
        "profiles": [_with_json(profile, "attributes", "total_sales") for profile in contents.profiles],
        "records": [_with_json(record, "document") for record in contents.records],
        "answers": contents.answers,
    }


def read(document: Document, present: Contents) -> Contents | SeedError:
    """Return what a document stands for in the place of `present`, whose keys and their Applications stay."""
    wrong = _wrong(document)
    if wrong is not None:
        return wrong
    return Contents(
        state=_state(document.definitions, present.state),
        baseline=_state(document.baseline, present.baseline),
        profiles=tuple(sorted(map(_profile, document.profiles), key=lambda profile: profile.id)),
        records=tuple(sorted(map(_record, document.records), key=lambda record: record.id)),
        answers=document.answers,
    )


def _definitions(state: State) -> Definitions:
    return Definitions(**{name: getattr(state, name) for name in Definitions.__struct_fields__})


def _state(definitions: Definitions, present: State) -> State:
    applications = {application.id: application for application in present.applications}
    applications.update((application.id, application) for application in definitions.applications)
    given = {name: getattr(definitions, name) for name in Definitions.__struct_fields__}
    last = max((definitions.last_audience, *(audience.id for audience in definitions.audiences)))
    given |= {"applications": tuple(applications.values()), "last_audience": last}
    return msgspec.structs.replace(present, **given)


def _with_json(entry: Profile | Record, *members: str) -> dict[str, Any]:
    shown = msgspec.structs.asdict(entry)
    shown.update((member, msgspec.Raw(shown[member])) for member in members)
    return shown


def _profile(entry: ProfileEntry) -> Profile:
    given = msgspec.structs.asdict(entry)
    given |= {name: ENCODER.encode(given[name]) for name in ("attributes", "total_sales")}
    given["audiences"] = tuple(sorted(set(entry.audiences)))
    return Profile(**given)


def _record(entry: RecordEntry) -> Record:
    return Record(**{**msgspec.structs.asdict(entry), "document": ENCODER.encode(entry.document)})


def _wrong(document: Document) -> SeedError | None:
    for part in ("definitions", "baseline"):
        definitions: Definitions = getattr(document, part)
        twice = (
            _twice(f"/{part}/applications", (("id", a.id) for a in definitions.applications))
            or _twice(f"/{part}/attributes", (("name", (a.entity, a.name)) for a in definitions.attributes))
            or _twice(f"/{part}/audiences", (("id", a.id) for a in definitions.audiences))
        )
        if twice is not None:
            return twice
        for name, choice in definitions.assumptions.items():
            if name not in assumptions.BY_ID or choice not in assumptions.BY_ID[name].choices:
                return SeedError(f"/{part}/assumptions", f"there is no assumption {name!r} with a choice {choice!r}")
    known = {audience.id for audience in document.definitions.audiences}
    for index, profile in enumerate(document.profiles):
        strangers = sorted(set(profile.audiences) - known)
        if strangers:
            return SeedError(f"/profiles/{index}/audiences", f"there is no audience {strangers[0]} in the document")
    return (
        _twice("/profiles", (("id", p.id) for p in document.profiles))
        or _twice("/profiles", (("integration_id", (p.environment, p.integration_id)) for p in document.profiles))
        or _twice("/records", (("id", (r.kind, r.application, r.id)) for r in document.records))
        or _twice("/records", (("key", (r.kind, r.application, r.key)) for r in document.records))
    )


def _twice(place: str, identities: Iterable[tuple[str, object]]) -> SeedError | None:
    seen: set[object] = set()
    for index, (member, identity) in enumerate(identities):
        if identity in seen:
            return SeedError(f"{place}/{index}/{member}", f"{identity!r} is there twice")
        seen.add(identity)
    return None
