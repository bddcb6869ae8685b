"""The third-party host's handlers of who is in which audience: of one customer, or of up to a thousand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

import msgspec

from talon_emulator import body, errors, profiles
from talon_emulator.calls import Call
from talon_emulator.clock import timestamp
from talon_emulator.errors import Problem, Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.profiles import Profile
from talon_emulator.store.protocol import BulkChange
from talon_emulator.thirdparty_audiences import Short, by_external_id, is_sandbox, spelled
from talon_emulator.thirdparty_profiles import answer, updated

Id = TypeVar("Id", int, str)
Resolve = Callable[[Any], int | None]
MAX_MOVES: Final = 1000  # adds and deletes of one request together (documented)


class Change(msgspec.Struct, Generic[Id], frozen=True):
    """The audiences that a customer joins and leaves, by internal or external id."""

    adds: tuple[Id, ...] | None = None
    deletes: tuple[Id, ...] | None = None


class OneChange(msgspec.Struct, frozen=True):
    """The body for one customer, who is in the path."""

    data: Change[str] | None = None


class CustomerChange(msgspec.Struct, Generic[Id], frozen=True, rename="camel"):
    """What changes for one customer of many; that the customer must be named is assumed."""

    customer_profile_id: Short
    adds: tuple[Id, ...] | None = None
    deletes: tuple[Id, ...] | None = None


class ManyChanges(msgspec.Struct, Generic[Id], frozen=True):
    """The body for many customers: changes in the order in which they are applied."""

    data: tuple[CustomerChange[Id], ...] | None = None


_ONE = body.decoder(OneChange)
_BY_INTERNAL: msgspec.json.Decoder[ManyChanges[int]] = body.decoder(ManyChanges[int])
_BY_EXTERNAL: msgspec.json.Decoder[ManyChanges[str]] = body.decoder(ManyChanges[str])


async def update_audiences_of_one(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/customer_profiles/{id}/audiences, PUT /cdp/customer_profile/{id}/audiences: by external ids.

    The Rule Engine runs (documented), so it is an update of the profile like another.
    """
    given = body.decode(call.request.body, _ONE)
    if isinstance(given, Refusal):
        return given
    change: Change[str] = given.data or Change()
    if _count([change]) > MAX_MOVES:
        return _too_many()
    resolve = _external(call, platform)
    unknown = tuple(_unknown([(change, ("data",))], resolve))
    if unknown and _refuses_unknown(call):
        return errors.audience_not_found(unknown)
    outcome = await updated(call, {}, (*_resolved(change, resolve), _joins_last(call)), True)
    return outcome if isinstance(outcome, Refusal) else answer(call, outcome, True)


async def update_audiences_by_internal_id(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/customer_profiles/audiences, PUT /cdp/customer_profiles/audiences: 204, by Talon.One's ids."""
    sandbox = is_sandbox(call)

    def resolve(number: int) -> int | None:
        audience = call.deployment.audience(number)
        return number if audience is not None and audience.sandbox == sandbox else None

    given = body.decode(call.request.body, _BY_INTERNAL)
    return given if isinstance(given, Refusal) else await _update_many(call, given.data or (), resolve)


async def update_audiences_by_external_id(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/v2/customer_profiles/audiences, PUT /cdp/v2/customer_profiles/audiences: 204, by the platform's."""
    given = body.decode(call.request.body, _BY_EXTERNAL)
    if isinstance(given, Refusal):
        return given
    return await _update_many(call, given.data or (), _external(call, platform))


async def _update_many(call: Call, given: Sequence[CustomerChange[Any]], resolve: Resolve) -> Answer | Refusal:
    """Let customers join and leave. No rules run."""
    if _count(given) > MAX_MOVES:
        return _too_many()
    unknown = tuple(_unknown(((change, ("data", index)) for index, change in enumerate(given)), resolve))
    if unknown and _refuses_unknown(call):
        return errors.audience_not_found(unknown)
    joins_last = _joins_last(call)
    changes: list[tuple[str, BulkChange]] = []
    for change in given:
        moves = (*_resolved(change, resolve), joins_last)
        changes.append((change.customer_profile_id, partial(_move, change.customer_profile_id, moves, call.now)))
    outcome = await call.server.store.update_profiles(call.deployment.id, call.application.environment, changes)
    return outcome if isinstance(outcome, Refusal) else NO_CONTENT


def _move(
    integration_id: str, moves: tuple[tuple[int, ...], tuple[int, ...], bool], now: datetime, stored: Profile | None
) -> Profile:
    """Let a customer join and leave; who is not there is created (documented), hidden as at the deployment."""
    created = timestamp(now)
    return profiles.move(stored or Profile(0, integration_id, created, created, hidden=True), *moves)


def _external(call: Call, platform: str) -> Resolve:
    audiences = by_external_id(call, platform, call.deployment.record.state)

    def resolve(external: str) -> int | None:
        audience = audiences.get(spelled(call, external))
        return audience.id if audience else None

    return resolve


def _resolved(change: Change[Any] | CustomerChange[Any], resolve: Resolve) -> tuple[tuple[int, ...], tuple[int, ...]]:
    adds, deletes = map(resolve, change.adds or ()), map(resolve, change.deletes or ())
    return tuple(n for n in adds if n is not None), tuple(n for n in deletes if n is not None)


def _unknown(
    changes: Iterable[tuple[Change[Any] | CustomerChange[Any], tuple[str | int, ...]]], resolve: Resolve
) -> Iterator[Problem]:
    for change, base in changes:
        for name, ids in (("adds", change.adds), ("deletes", change.deletes)):
            for index, given in enumerate(ids or ()):
                if resolve(given) is None:
                    yield errors.unknown_audience(given, errors.pointer(*base, name, index))


def _count(changes: Iterable[Change[Any] | CustomerChange[Any]]) -> int:
    return sum(len(change.adds or ()) + len(change.deletes or ()) for change in changes)


def _too_many() -> Refusal:
    return errors.invalid_data([errors.too_long("data", MAX_MOVES)])


def _refuses_unknown(call: Call) -> bool:
    return call.deployment.assumed["unknown-audience-of-a-membership"] == "refuse"


def _joins_last(call: Call) -> bool:
    return call.deployment.assumed["join-and-leave"] == "join"
