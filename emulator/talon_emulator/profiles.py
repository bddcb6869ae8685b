"""Customer profiles: a stored profile with an update gives the next profile, or a refusal."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from talon_emulator import body, errors
from talon_emulator.attributes import Definitions
from talon_emulator.clock import timestamp
from talon_emulator.errors import Refusal

Environment = Literal["sandbox", "live"]

MAX_ID_LENGTH = 1000
_ATTRIBUTES: msgspec.json.Decoder[dict[str, Any]] = body.decoder(dict[str, Any])
# What an update leaves alone is copied as it is written.
_KEPT: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Profile(msgspec.Struct, frozen=True, gc=False):
    """A customer profile; `attributes` is its JSON object, so that numbers stay as they were sent.

    `id` is the store's number and 0 until the store has given one; the times are RFC 3339.
    """

    id: int
    integration_id: str
    created: str
    last_activity: str
    attributes: bytes = b"{}"

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
    then does the time of the last activity move (documented); a new profile starts with its creation's (assumed).
    """
    problems = definitions.check(changes)
    if problems:
        return errors.invalid_data(problems)
    if stored is None:
        values = {name: value for name, value in changes.items() if value is not None}
        created = timestamp(now)
        return Profile(0, integration_id, created, created, body.ENCODER.encode(values))
    if not changes and not active:
        return stored
    values = _KEPT.decode(stored.attributes)
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    last_activity = timestamp(now) if active else stored.last_activity
    return Profile(stored.id, integration_id, stored.created, last_activity, body.ENCODER.encode(values))
