"""The audiences and computed traits of the config, as Engage knows them, and why one of them cannot be."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import msgspec

from talon_bridge.audience_key import key_of
from talon_bridge.engage import computations, schedule
from talon_bridge.engage.computations import MAX_LEAVING, Source, ValueType
from talon_bridge.engage.computations import Computation as Engaged
from talon_bridge.engage.problems import EngageError

Name = Annotated[str, msgspec.Meta(min_length=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
KEY_PROBLEMS: Final = frozenset({"bad_key", "key_taken"})


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[audiences]]`: an audience of Engage; without a `key` it has the one that its name makes (AUD-1).

    `source` is what its scheduled syncs read, `every` how often, `max_leaving` the share of the members that may leave;
    with `allow_empty` a source without users is meant so.
    """

    name: Name
    key: str | None = None
    id: str | None = None
    max_leaving: Share = MAX_LEAVING
    source: Name | None = None
    query: Name | None = None
    every: Name | None = None
    allow_empty: bool = False


class ComputedTrait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[computed_traits]]`: a computed trait of Engage; `type` is the attribute type that its values have.

    With `nullify` a user who is missing from the next sync gets null (AUD-6); the rest is as an audience has it.
    """

    name: Name
    type: ValueType
    key: str | None = None
    id: str | None = None
    nullify: bool = False
    max_leaving: Share = MAX_LEAVING
    source: Name | None = None
    query: Name | None = None
    every: Name | None = None
    allow_empty: bool = False


Computation = Audience | ComputedTrait


class Problem(msgspec.Struct, frozen=True):
    """Why a computation cannot be; `place` is its dotted key in the config, `of_key` tells one that AUD-3 forbids."""

    place: str
    message: str
    hint: str
    of_key: bool


def noun(computation: Computation) -> str:
    """What messages call it."""
    return f"{'audience' if isinstance(computation, Audience) else 'computed trait'} {computation.name!r}"


def key(computation: Computation) -> str:
    """The key that it is sent under: the explicit one as it is (AUD-2), or its name's."""
    return key_of(computation.name) if computation.key is None else computation.key


def placed(
    audiences: Sequence[Audience], computed_traits: Sequence[ComputedTrait]
) -> Iterator[tuple[str, Computation]]:
    """All of them, each with its dotted key in the config."""
    for index, audience in enumerate(audiences):
        yield f"audiences[{index}]", audience
    for index, trait in enumerate(computed_traits):
        yield f"computed_traits[{index}]", trait


def engaged(computation: Computation, folder: Path) -> Engaged:
    """As Engage knows it. A source that is a path is one from `folder`; without an id it has its key as one."""
    own = key(computation)
    trait = computation if isinstance(computation, ComputedTrait) else None
    return Engaged(
        id=own if computation.id is None else computation.id,
        kind="audience" if trait is None else "computed_trait",
        name=computation.name,
        key=own,
        type="boolean" if trait is None else trait.type,
        nullify=trait is not None and trait.nullify,
        max_leaving=computation.max_leaving,
        source=_source(computation, folder),
        configured=True,
        derived=computation.key is None,
    )


def problems(audiences: Sequence[Audience], computed_traits: Sequence[ComputedTrait]) -> Iterator[Problem]:
    """Everything wrong with them; audiences and computed traits share one set of names (AUD-3), and one of ids."""
    kept: list[Engaged] = []
    owners: dict[str, str] = {}
    for number, (place, computation) in enumerate(placed(audiences, computed_traits)):
        wanted = engaged(computation, Path())
        numbered = msgspec.structs.replace(wanted, id=str(number))  # ids are compared below, with better words
        try:
            computations.check(numbered, kept)
            kept.append(numbered)
        except EngageError as error:
            where = f"{place}.{'name' if computation.key is None else 'key'}"
            yield Problem(where, error.message.removesuffix(" (AUD-3)"), error.hint, error.code in KEY_PROBLEMS)
            continue
        for member, wrong in _wrong(computation, wanted):
            yield Problem(f"{place}.{member}", f"{noun(computation)}: {wrong.message}", wrong.hint, False)
        if wanted.id in owners:
            message = f"{noun(computation)}: {owners[wanted.id]} already has the id {wanted.id}"
            yield Problem(f"{place}.id", message, "give one of them another id", False)
        owners.setdefault(wanted.id, noun(computation))


def _wrong(computation: Computation, wanted: Engaged) -> Iterator[tuple[str, EngageError]]:
    """What of a computation alone cannot be used, each with the key of it."""
    try:
        computations.check(wanted, ())
    except EngageError as error:
        yield "id", error
    for member in ("every", "query", "allow_empty"):
        if getattr(computation, member) and computation.source is None:
            what = f"it has {member}, and no source"
            yield member, EngageError("no_source", what, "give source, a file, directory or database URL")
    wrong = None if computation.source is None else _wrong_scheme(computation.source)
    if wrong is not None:
        yield "source", wrong
    elif computation.source is not None and _is_database(computation.source) != (computation.query is not None):
        if computation.query is None:
            hint = "give query, an SQL text that selects user ids"
            yield "source", EngageError("bad_source", "its source is a database, and there is no query", hint)
        else:
            hint = "leave query out, or give a database URL"
            yield "query", EngageError("bad_source", "its source is no database, and there is a query", hint)
    if computation.every is not None:
        try:
            schedule.parse(computation.every)
        except EngageError as error:
            yield "every", error


def _wrong_scheme(source: str) -> EngageError | None:
    from talon_bridge.engage.sources import check_scheme

    try:
        check_scheme(source)
    except EngageError as error:
        return error
    return None


def _is_database(source: str) -> bool:
    from talon_bridge.engage.sources import is_database

    return is_database(source)


def _source(computation: Computation, folder: Path) -> Source | None:
    if computation.source is None:
        return None
    return Source(_from(folder, computation.source), computation.query, computation.every, computation.allow_empty)


def _from(folder: Path, source: str) -> str:
    """A source with its path, if it is one or the URL of a SQLite file, taken from a folder."""
    if source.startswith("sqlite:///"):
        path = source.removeprefix("sqlite:///")
        return source if path.startswith("/") else f"sqlite:///{quote(str(folder))}/{path}"
    if source.startswith("sqlite:"):
        return f"sqlite:{folder / source.removeprefix('sqlite:')}"
    return source if _is_database(source) else str(folder / source)
