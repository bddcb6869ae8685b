"""Customer profiles: a stored profile with an update gives the next profile, or a refusal."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from talon_emulator import body, errors
from talon_emulator.clock import timestamp
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Refusal

Environment: TypeAlias = Literal["sandbox", "live"]

MAX_ID_LENGTH = 1000
_ATTRIBUTES: msgspec.json.Decoder[dict[str, Any]] = body.decoder(dict[str, Any])
# What an update leaves alone is copied as it is written.
_KEPT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Profile(msgspec.Struct, frozen=True, gc=False):
    """A customer profile; `attributes` is its JSON object, so that numbers stay as they were sent.

    The store gives `id`, its number in the deployment, and `environment`; a profile that is new to it has 0 there. The
    times are RFC 3339. `audiences` are the ids of those it is a member of, ascending. A `hidden` one was only ever
    added to audiences: no Application shows it yet. `total_sales` is the JSON number of what its closed sessions cost.
    """

    id: int
    integration_id: str
    created: str
    last_activity: str
    attributes: bytes = b"{}"
    audiences: tuple[int, ...] = ()
    hidden: bool = False
    environment: Environment = "sandbox"
    closed_sessions: int = 0
    total_sales: bytes = b"0"

    def values(self) -> dict[str, Any]:
        """Return the attribute values by name."""
        return _ATTRIBUTES.decode(self.attributes)


def update_profile(
    stored: Profile | None,
    integration_id: str,
    changes: dict[str, Any],
    definitions: Definitions,
    now: datetime,
    active: bool,
) -> Profile | Refusal:
    """Patch a profile, creating it when there is none: values are set, nulls delete, the rest stays (ATT-4).

    One unknown name or wrong type refuses the whole update (documented). `active` says that the Rule Engine runs: only
    then does the time of the last activity move (documented); a new profile starts with its creation's
    (assumption: first-activity).
    """
    changes = definitions.read(changes)
    problems = definitions.check(changes)
    if problems:
        return errors.invalid_data(problems)
    return patch(stored, integration_id, changes, now, active)


def patch(
    stored: Profile | None, integration_id: str, changes: dict[str, Any], now: datetime, active: bool = False
) -> Profile:
    """Apply changes that have been checked; one that changes nothing returns the stored profile itself."""
    if stored is None:
        values = {name: value for name, value in changes.items() if value is not None}
        created = timestamp(now)
        return Profile(0, integration_id, created, created, body.ENCODER.encode(values))
    if not changes and not active and not stored.hidden:
        return stored
    values = _KEPT.decode(stored.attributes)
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    last_activity = timestamp(now) if active else stored.last_activity
    return Profile(
        stored.id,
        integration_id,
        stored.created,
        last_activity,
        body.ENCODER.encode(values),
        stored.audiences,
        environment=stored.environment,
        closed_sessions=stored.closed_sessions,
        total_sales=stored.total_sales,
    )


def move(profile: Profile, adds: Iterable[int], deletes: Iterable[int], joins_last: bool = False) -> Profile:
    """Let a profile join and leave audiences; one that is in both lists is left, or joined when that comes last."""
    if joins_last:
        audiences = tuple(sorted({*profile.audiences}.difference(deletes).union(adds)))
    else:
        audiences = tuple(sorted({*profile.audiences, *adds}.difference(deletes)))
    return profile if audiences == profile.audiences else msgspec.structs.replace(profile, audiences=audiences)


def sell(profile: Profile, sessions: int, amount: Decimal) -> Profile:
    """Count sessions that were closed, or taken back when negative, and what they cost."""
    total = body.ENCODER.encode(Decimal(profile.total_sales.decode()) + amount)
    return msgspec.structs.replace(profile, closed_sessions=profile.closed_sessions + sessions, total_sales=total)


def member(stored: Profile | None, integration_id: str, audience: int, joins: bool, now: datetime) -> Profile | None:
    """Let a profile join or leave one audience; who is not there is created to join, hidden (documented)."""
    if stored is not None:
        return move(stored, (audience,), ()) if joins else move(stored, (), (audience,))
    if not joins:
        return None
    created = timestamp(now)
    return Profile(0, integration_id, created, created, audiences=(audience,), hidden=True)


def erase(stored: Profile | None, leaves: bool = False) -> Profile | Refusal:
    """Forget the attributes of a profile, which itself stays (documented); it may leave its audiences too."""
    if stored is None:
        return errors.not_found("Customer profile")
    return msgspec.structs.replace(stored, attributes=b"{}", audiences=() if leaves else stored.audiences)
