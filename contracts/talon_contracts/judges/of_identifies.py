"""What went to each user since the last look: identifies through the bridge's door, and patches at Talon.One."""

from collections.abc import Mapping
from typing import Any, Final

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.memberships import Sent
from talon_contracts.schemas import problems
from talon_contracts.strategies.syncs import History
from talon_contracts.targets import Bench

_SHOWN: Final = 100
"""Characters of an id of one among many in a request, up to which an emulator's journal finds it."""


class Told:
    """What the users of a history have been told so far."""

    def __init__(self, bench: Bench, history: History, tag: str) -> None:
        assert bench.engage is not None
        self._talon_one, self._engage, self._history = bench.talon_one, bench.engage, history
        self._users = history.users(tag)
        self._identifies = dict.fromkeys(self._users, 0)
        self._patches = dict.fromkeys(self._users, 0)
        self._message_ids: set[str] = set()

    def differing(self, sent: Sent) -> tuple[str, list[Json], list[Json]] | None:
        """The first user who was told anything but what `sent` says: who, what that is, and what it was."""
        key = self._history.key
        for user in self._users:
            wanted: list[Json] = [{key: sent[user]}] if user in sent else []
            identifies = self._engage.identifies(user)
            if identifies is not None:
                new = identifies[self._identifies[user] :]
                self._identifies[user] = len(identifies)
                traits = [event.get("traits") for _, event in new]
                if not same_value(wanted, traits):
                    return user, wanted, traits
                for message_id, event in new:
                    wrong = self._malformed(user, message_id, event)
                    if wrong:
                        return user, ["an identify as Engage sends it"], [*wrong]
            patches = self._arrived(user) or (self._in_vain(user) if wanted else [])
            # Of a request for many profiles the journal may not show all; a bridge that shows no events sends each.
            enough = patches or identifies is not None or not wanted or not self._surely_shown(user)
            if not (all(same_value([patch], wanted) for patch in patches) and enough):
                return user, wanted, patches
            if identifies is None and len(patches) > 1:
                return user, wanted, patches
        return None

    def _surely_shown(self, user: str) -> bool:
        return self._talon_one.keeps_journal and len(user) <= _SHOWN

    def _arrived(self, user: str) -> list[Json]:
        """The patches that arrived since the last look."""
        patches: list[Json] = [*self._talon_one.patches_seen(user)]
        before, self._patches[user] = self._patches[user], len(patches)
        return patches[before:]

    def _in_vain(self, user: str) -> list[Json]:
        """The newest update, if Talon.One refused it."""
        newest = next(iter(self._talon_one.updates_seen(user)), None)
        request: Any = newest.request if newest is not None and newest.status == 400 else None
        return [request["attributes"]] if isinstance(request, dict) and "attributes" in request else []

    def _malformed(self, user: str, message_id: str, event: Object) -> tuple[str, ...]:
        """What is wrong with an identify, but for its traits."""
        audience = self._history.kind.audience
        wrong = problems("engage-audience-identify" if audience else "engage-trait-identify", event)
        personas = _object(_object(event.get("context")).get("personas"))
        wanted: Object = {
            "computation_class": "audience" if audience else "trait",
            "computation_key": self._history.key,
        }
        found: Object = {name: personas.get(name) for name in wanted}
        if found != wanted:
            wrong += (f"/context/personas: {found} instead of {wanted}",)
        if event.get("userId") != user or event.get("messageId") != message_id:
            wrong += (f"userId {event.get('userId')!r}, messageId {event.get('messageId')!r}",)
        if message_id in self._message_ids:
            wrong += (f"/messageId: {message_id} came before",)
        self._message_ids.add(message_id)
        return wrong


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
