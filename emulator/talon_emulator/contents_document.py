"""The export document: all that a deployment holds but keys and users, as JSON for people and for version control."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from talon_emulator.attributes import Attribute
from talon_emulator.audiences import Audience
from talon_emulator.body import ENCODER
from talon_emulator.deployments import Application, State
from talon_emulator.profiles import MAX_ID_LENGTH, Environment, Profile
from talon_emulator.records import Kind, Record
from talon_emulator.store.protocol import Contents, Kept

FORMAT = 1
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
IntegrationId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]


class Definitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a state that opens nothing: no keys, no users and no sessions of theirs."""

    applications: tuple[Application, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    audiences: tuple[Audience, ...] = ()
    last_audience: Count = 0
    assumptions: dict[str, str] = {}
    last_import: Count = 0


class ProfileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A customer profile; `id` is its number in the deployment, `audiences` are ids."""

    id: Number
    environment: Environment
    integration_id: IntegrationId
    created: str
    last_activity: str
    attributes: dict[str, Any] = {}
    audiences: tuple[int, ...] = ()
    hidden: bool = False
    closed_sessions: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] = 0
    total_sales: Decimal | int = 0


class RecordEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A session or an event."""

    id: Number
    kind: Kind
    application: Number
    key: IntegrationId
    profile: Annotated[str, msgspec.Meta(max_length=MAX_ID_LENGTH)]
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


def read(document: Document, present: Contents) -> Contents:
    """Return what a document stands for in the place of `present`.

    What opens something there stays: keys, with their Applications where the document has them not, and users.
    """
    return Contents(
        state=_state(document.definitions, present.state),
        baseline=_state(document.baseline, present.baseline),
        profiles=tuple(sorted(map(_profile, document.profiles), key=lambda profile: profile.id)),
        records=tuple(sorted(map(record_of, document.records), key=lambda record: record.id)),
        answers=document.answers,
    )


def _definitions(state: State) -> Definitions:
    return Definitions(**{name: getattr(state, name) for name in Definitions.__struct_fields__})


def _state(definitions: Definitions, present: State) -> State:
    needed = {key.application for key in present.api_keys}
    applications = {application.id: application for application in present.applications if application.id in needed}
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


def record_of(entry: RecordEntry) -> Record:
    """Return a session or an event as a store keeps it."""
    return Record(**{**msgspec.structs.asdict(entry), "document": ENCODER.encode(entry.document)})
