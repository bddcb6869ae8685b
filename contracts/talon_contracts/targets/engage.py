"""Engage as a bridge may have it: audiences and computed traits under `/_bridge/engage`."""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from talon_contracts.exact_json import Json, Object, decode, encode
from talon_contracts.targets.channel import CannotJudge, Reply, Target, channel
from talon_contracts.targets.upload import Upload

_PLACE: Final = "/_bridge/engage"
_PATIENCE: Final = 10.0
LOOK_EVERY: Final = 0.01
"""Seconds between two looks at a sync that is to begin or to end."""


class Engage:
    """The audiences and computed traits of a bridge, each called by its path, such as `audiences/buyers`.

    What `there` finds is asked once, when it is needed.
    """

    def __init__(self, target: Target, control_token: str | None = None) -> None:
        self._channel = channel(target, timeout=40)
        self._asking = {} if control_token is None else {"Authorization": f"Bearer {control_token}"}
        self._events: bool | None = None
        self.uploads = isinstance(target, str)
        """Whether a body can be sent part by part, for which a connection is needed."""

    @cached_property
    def there(self) -> bool:
        """Whether the target has it; one that does not answer has not."""
        try:
            reply = self._channel.request("GET", _PLACE, self._asking)
            document = decode(reply.body)
        except (CannotJudge, ValueError):
            return False
        return reply.status == 200 and isinstance(document, dict) and "audiences" in document

    def keys(self) -> frozenset[str]:
        """The keys of everything that is defined."""
        listed: Any = self._object("GET", "")
        return frozenset(str(each["key"]) for kind in ("audiences", "computedTraits") for each in listed[kind])

    def define(self, path: str, definition: Object) -> Reply:
        """Define an audience or a computed trait, or change it."""
        return self.request("PUT", f"/{path}", encode(definition))

    def forget(self, path: str) -> Reply:
        """Delete a definition."""
        return self.request("DELETE", f"/{path}")

    def show(self, path: str) -> dict[str, Any]:
        """How it stands; raises CannotJudge where it cannot be told."""
        return self._object("GET", f"/{path}")

    def sync(self, path: str, body: bytes, headers: Mapping[str, str], query: str = "") -> Reply:
        """Sync from a whole source."""
        return self.request("POST", f"/{path}/sync{query}", body, headers)

    def upload(self, path: str, headers: Mapping[str, str], query: str = "") -> Upload:
        """Sync from a source that is sent part by part."""
        return Upload(self._channel.url, f"{_PLACE}/{path}/sync{query}", {**self._asking, **headers})

    def change(self, path: str, change: Object) -> Reply:
        """Change live membership."""
        return self.request("POST", f"/{path}/members", encode(change))

    def newest(self, path: str) -> dict[str, Any] | None:
        """The newest sync, if there was one."""
        syncs = self._object("GET", f"/{path}/syncs?limit=1")["syncs"]
        return syncs[0] if syncs else None

    def refused(self, path: str, number: int) -> list[Any]:
        """The refused rows of a sync."""
        reply = self.request("GET", f"/{path}/syncs/{number}/refused")
        if reply.status != 200:
            raise CannotJudge(f"refused rows of sync {number}: {reply.status} {reply.body[:200]!r}")
        return [decode(line) for line in reply.body.splitlines() if line]

    def members(self, path: str, page: int = 3) -> list[tuple[str, Json]]:
        """All members with their values, read in small pages."""
        found: list[tuple[str, Json]] = []
        after = ""
        while True:
            told = self._object("GET", f"/{path}/members?limit={page}{after}")
            found += [(each["userId"], each["value"]) for each in told["members"]]
            if told["next"] is None:
                return found
            after = f"&after={quote(told['next'], safe='')}"

    def await_running(self, path: str, *, running: bool) -> bool:
        """Whether a sync begins to run, or none runs any more, before patience ends."""
        until = time.monotonic() + _PATIENCE
        while (self.show(path)["running"] is not None) is not running:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_EVERY)
        return True

    def identifies(self, user: str) -> list[tuple[str, Object]] | None:
        """Every event about a user that went through the door, in order: messageId and text.

        None where the bridge does not show its events.
        """
        path = f"/_bridge/events?limit=1000&userId={quote(user, safe='')}"
        reply = self._channel.request("GET", path, self._asking)
        if reply.status != 200:
            return None
        told: Any = reply.json()
        return [self._event(each) for each in reversed(told["events"])]

    def _event(self, shown: Mapping[str, Any]) -> tuple[str, Object]:
        path = f"/_bridge/events/{quote(shown['messageId'], safe='')}"
        told: Any = self._channel.request("GET", path, self._asking).json()
        return shown["messageId"], told["event"]

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Any request under `/_bridge/engage`; bodies are JSON unless headers say otherwise."""
        told = {"Content-Type": "application/json", **(headers or {})} if body is not None else {}
        return self._channel.request(method, _PLACE + path, {**self._asking, **told}, body)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _object(self, method: str, path: str) -> dict[str, Any]:
        reply = self.request(method, path)
        document = reply.json()
        if reply.status != 200 or not isinstance(document, dict):
            raise CannotJudge(f"{method} {_PLACE}{path}: {reply.status} {reply.body[:200]!r}")
        return document
