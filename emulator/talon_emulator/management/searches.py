"""Searches for customers: what is asked for, and whether a profile has it."""

from typing import Any

import msgspec

from talon_emulator import body
from talon_emulator.calls import Call
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Profile


class Search(msgspec.Struct, frozen=True):
    """What a client sends to find customers.

    A profile has all of the attributes, whatever else it has (documented), one of the integration IDs and one of the
    numbers (assumed); what is not sent, or empty, is not asked for. A search by null finds nobody (assumed).
    """

    attributes: dict[str, Any] | None = None
    integration_ids: frozenset[str] | None = msgspec.field(default=None, name="integrationIDs")
    profile_ids: frozenset[int] | None = msgspec.field(default=None, name="profileIDs")

    def __call__(self, profile: Profile) -> bool:
        """Tell whether a profile is asked for."""
        if self.integration_ids and profile.integration_id not in self.integration_ids:
            return False
        if self.profile_ids and profile.id not in self.profile_ids:
            return False
        if not self.attributes:
            return True
        values = profile.values()
        return all(name in values and _same(values[name], value) for name, value in self.attributes.items())


_SEARCH = body.decoder(Search)


def read(call: Call) -> Search | Refusal:
    """Read the search in the body of a call."""
    return body.decode(call.request.body, _SEARCH)


def _same(stored: Any, asked: Any) -> bool:
    """Compare two JSON values exactly; 1 and 1.0 are one number, and no boolean."""
    if isinstance(stored, bool) or isinstance(asked, bool):
        return stored is asked
    if isinstance(stored, list) and isinstance(asked, list):
        return len(stored) == len(asked) and all(map(_same, stored, asked))
    if isinstance(stored, dict) and isinstance(asked, dict):
        return stored.keys() == asked.keys() and all(_same(value, asked[name]) for name, value in stored.items())
    return bool(stored == asked)
