"""Engage of a test's own bridge: audiences and computed traits, and who belongs to them."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from localtalon import payload
from localtalon.in_process import InProcess
from talon_bridge.audience_key import key_of

_MEANT = {"allowEmpty": "true", "force": "true"}  # a test means the list that it gives
_LINES = ((b"content-type", b"application/x-ndjson"),)
_PAGE = 1000  # members


class Synced(msgspec.Struct, frozen=True, rename="camel"):
    """What a sync counted: rows, and users beside those of the sync before."""

    read: int
    refused: int
    anonymous: int
    conflicting: int
    duplicates: int
    entered: int
    left: int
    changed: int
    unchanged: int
    members_before: int


class _Computation:
    """What audiences and computed traits have in common; `key` is their attribute's name."""

    def __init__(self, app: InProcess, path: str, shown: Mapping[str, Any]) -> None:
        self.id: str = shown["id"]
        self.key: str = shown["key"]
        self.name: str = shown["name"]
        self._app = app
        self._path = path

    def run(self) -> Synced:
        """Sync from the source that the config names."""
        return _synced(self._app.control("POST", f"{self._path}/run", None, **_MEANT))

    def _sync(self, rows: Iterable[Any]) -> Synced:
        body = b"".join(payload.encode(row) + b"\n" for row in rows)
        return _synced(self._app.ask("POST", f"{self._path}/sync", body, _LINES, **_MEANT).read())

    def _change(self, document: Mapping[str, Any]) -> None:
        reply = self._app.ask("POST", f"{self._path}/members", payload.encode(document))
        reply.read()

    def _members(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        after: str | None = None
        while True:
            told = self._app.control("GET", f"{self._path}/members", None, after=after, limit=_PAGE)
            found |= {member["userId"]: member["value"] for member in told["members"]}
            after = told["next"]
            if after is None:
                return found

    def __repr__(self) -> str:
        """Say which one it is."""
        return f"{type(self).__name__}(name={self.name!r}, key={self.key!r})"


class Audience(_Computation):
    """An audience. Users are given by their user ids."""

    def sync(self, users: Iterable[str]) -> Synced:
        """Make these the members, and send who came and who left (AUD-5)."""
        return self._sync(users)

    def add(self, *users: str) -> None:
        """Have users enter, as in a real-time audience."""
        self._change({"add": users})

    def remove(self, *users: str) -> None:
        """Have users leave."""
        self._change({"remove": users})

    def members(self) -> set[str]:
        """Who belongs to it."""
        return set(self._members())


class ComputedTrait(_Computation):
    """A computed trait. Values are given by user id."""

    def sync(self, values: Mapping[str, Any]) -> Synced:
        """Make these the values, and send those that changed (AUD-6)."""
        return self._sync({"user_id": user, "value": value} for user, value in values.items())

    def set(self, values: Mapping[str, Any]) -> None:
        """Give some users other values."""
        self._change({"set": values})

    def remove(self, *users: str) -> None:
        """Take the value from users: they get null."""
        self._change({"remove": users})

    def members(self) -> dict[str, Any]:
        """The values."""
        return self._members()


class Engage:
    """What Engage does in a workspace: it defines audiences and computed traits. Raises `ControlError`."""

    def __init__(self, app: InProcess) -> None:
        self._app = app

    def audience(self, name: str, *, key: str | None = None, id: str | None = None) -> Audience:
        """Define an audience, again without effect; one of the config is as the config has it."""
        return Audience(self._app, *self._defined("audiences", name, id, {"key": key}))

    def computed_trait(
        self, name: str, type: str, *, key: str | None = None, id: str | None = None, nullify: bool = False
    ) -> ComputedTrait:
        """Define a computed trait whose values have this attribute type."""
        members = {"key": key, "type": type, "nullify": nullify}
        return ComputedTrait(self._app, *self._defined("computed-traits", name, id, members))

    def _defined(
        self, folder: str, name: str, id: str | None, members: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]]:
        own = id or members["key"] or key_of(name) or name
        told = self._app.control("GET", "/_bridge/engage")
        configured = (
            one for kind in ("audiences", "computedTraits") for one in told[kind] if one["origin"] == "config"
        )
        shown = next((one for one in configured if own in (one["id"], one["key"])), None)
        path = f"/_bridge/engage/{folder}/{quote(own if shown is None else shown['id'], safe='')}"
        if shown is None:
            given = {member: value for member, value in {"name": name, **members}.items() if value is not None}
            shown = self._app.control("PUT", path, given)
        return path, shown


def _synced(sync: Mapping[str, Any]) -> Synced:
    return msgspec.convert(sync["counts"], Synced)
