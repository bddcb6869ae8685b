"""Audiences and computed traits: names, keys that they are sent under, how they are synced (AUD-1 to AUD-3)."""

import re
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from talon_bridge import audience_key
from talon_bridge.engage.problems import EngageError

Kind = Literal["audience", "computed_trait"]
# Talon.One's attribute types (documented), less those that are objects, which no trait can fill.
ValueType = Literal["string", "number", "boolean", "time", "(list string)", "(list number)", "(list time)"]
VALUE_TYPES: Final[tuple[str, ...]] = get_args(ValueType)
MAX_LEAVING: Final = 0.5  # the share of the members that one sync may remove without being forced
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Source(msgspec.Struct, frozen=True):
    """Where a computation syncs from: a file, a directory, or a database with a `query`; `every` is a rhythm.

    `allow_empty`: a source without users is meant so, and empties the audience.
    """

    place: str
    query: str | None = None
    every: str | None = None
    allow_empty: bool = False


class Computation(msgspec.Struct, frozen=True):
    """An audience or a computed trait of Engage.

    `key` never changes (AUD-2). `type` is the attribute type of the values: boolean for an audience. With `nullify` a
    user who is missing from the next sync of a computed trait gets null (AUD-6). `max_leaving` is the share of the
    members, 0 to 1, that a sync may remove without being forced. `configured`: defined in the config, not over HTTP.
    `derived`: nobody gave a key, so that it is the one that the name makes, or made when it was new.
    """

    id: str
    kind: Kind
    name: str
    key: str
    type: ValueType = "boolean"
    nullify: bool = False
    max_leaving: float = MAX_LEAVING
    source: Source | None = None
    configured: bool = False
    derived: bool = False

    @property
    def noun(self) -> str:
        """What messages call it."""
        return f"{'audience' if self.kind == 'audience' else 'computed trait'} {self.name!r}"

    @property
    def leaving(self) -> bytes | None:
        """The JSON text that a user who leaves is sent; None where leavers keep what they have."""
        if self.kind == "audience":
            return b"false"
        return b"null" if self.nullify else None


def check(wanted: Computation, others: Iterable[Computation]) -> None:
    """Raise `EngageError` unless `wanted` can stand beside `others`; one of them with its id is what it replaces."""
    if not _ID.fullmatch(wanted.id):
        what = f"the id {wanted.id[:120]!r} cannot be used"
        raise EngageError(
            "bad_definition", what, "give letters, digits, _ . and -, first a letter or digit, 100 at most"
        )
    if not 0 <= wanted.max_leaving <= 1:
        raise EngageError("bad_definition", f"{wanted.noun}: maxLeaving is {wanted.max_leaving:g}", "give 0 to 1")
    before = next((other for other in others if other.id == wanted.id), None)
    if before is not None:
        _same(before, wanted)
    _check_key(wanted, [other for other in others if other.id != wanted.id])


def _same(before: Computation, wanted: Computation) -> None:
    """What never changes of a computation."""
    if before.kind != wanted.kind or before.type != wanted.type:
        what = f"{before.id} is the {before.noun} with {before.type} values"
        raise EngageError("kind_fixed", what, "kind and type never change: delete it, or use another id")
    if before.key != wanted.key:
        what = f"{before.noun} has the key {before.key}, which never changes (AUD-2)"
        raise EngageError("key_fixed", what, f"leave the key out or give {before.key}; for another key use another id")


def _check_key(wanted: Computation, others: Iterable[Computation]) -> None:
    problems = audience_key.problems({wanted.name: wanted.key})
    how = "give it an explicit key: letters, digits and _, first a letter"
    if problems:
        raise EngageError("bad_key", f"{wanted.noun}: {problems[0].reason} (AUD-3)", how)
    if not audience_key.possible_name(wanted.key):
        what = f"{wanted.noun}: no Talon.One attribute can be called {wanted.key!r} (AUD-3)"
        raise EngageError("bad_key", what, how)
    owner = next((other for other in others if other.key == wanted.key), None)
    if owner is not None:
        what = f"{wanted.noun}: {owner.noun} already has the key {wanted.key} (AUD-3)"
        raise EngageError("key_taken", what, "give one of them another key")
