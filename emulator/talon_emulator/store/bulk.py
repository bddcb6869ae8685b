"""A bulk change of profiles on values: what each change made, and what has to be written."""

from collections.abc import Mapping, Sequence

import msgspec

from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.store.protocol import BulkChange


class Bulk(msgspec.Struct, frozen=True):
    """What came of a bulk change.

    `written` has each profile that is another than before, with what it was, new ones in the order of their numbers;
    `last` is the number that was given last.
    """

    outcomes: tuple[Profile | None, ...]
    written: tuple[tuple[Profile | None, Profile], ...]
    last: int


def apply(
    stored: Mapping[str, Profile], changes: Sequence[tuple[str, BulkChange]], environment: Environment, last: int
) -> Bulk | Refusal:
    """Carry changes out in order; the first refusal is all that comes of them.

    `stored` has the profiles of the environment, at least those concerned; `last` is the last number in use.
    """
    current: dict[str, Profile | None] = {}
    outcomes: list[Profile | None] = []
    for integration_id, change in changes:
        before = current[integration_id] if integration_id in current else stored.get(integration_id)
        changed = change(before)
        if isinstance(changed, Refusal):
            return changed
        if before is None and changed is not None:
            last += 1
            changed = numbered(changed, last, environment, integration_id)
            current.pop(integration_id, None)  # it goes to the end, however early it was asked for
        current[integration_id] = changed
        outcomes.append(changed)
    written = ((stored.get(key), changed) for key, changed in current.items() if changed is not None)
    return Bulk(tuple(outcomes), tuple((old, new) for old, new in written if new is not old), last)


def numbered(profile: Profile, number: int, environment: Environment, integration_id: str) -> Profile:
    """Return a new profile with what a store gives it."""
    return msgspec.structs.replace(profile, id=number, environment=environment, integration_id=integration_id)
