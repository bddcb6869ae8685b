"""A bridge of a test's own: wired to one deployment, with an outbox that nobody else sees."""

import base64
import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack
from urllib.parse import quote

import msgspec

from localtalon import payload
from localtalon.bridge_engage import Engage
from localtalon.explanation import Explanation
from localtalon.hosting import Hosted
from localtalon.in_process import InProcess
from localtalon.talon_controls import Clock
from talon_emulator.nearest import nearest

_ENGAGE = "personas"


class Members(TypedDict, total=False):
    """What every call may have besides what it is about, under Segment's names."""

    anonymousId: str | None
    channel: str | None
    context: Mapping[str, Any] | None
    integrations: Mapping[str, Any] | None
    messageId: str | None
    originalTimestamp: datetime | str | None
    receivedAt: datetime | str | None
    sentAt: datetime | str | None
    timestamp: datetime | str | None
    version: Any


class PageMembers(Members, total=False):
    """What a page or screen may have."""

    category: str | None


class RefusedError(ValueError):
    """The bridge does not accept a call; the message has its reason and the JSON pointer of the culprit."""


class _Events(msgspec.Struct, frozen=True, rename="camel"):
    events: list[Explanation] = []
    dead_letters: list[Explanation] = []
    next: int | None = None


_EVENTS = msgspec.json.Decoder(_Events)


class Bridge:
    """A bridge, and what Segment does with it: `url` and `write_key` are for Segment's libraries.

    `engage` has audiences and computed traits; `clock` is what their schedules and times go by.

    Calls take Segment's own names for what else they have: see `Members`; a `batch` may have any. Each returns its
    messageId. Use as a context, or `close` it; the sandbox does at its end.
    """

    def __init__(self, hosted: Hosted, app: InProcess, write_key: str) -> None:
        self.url = app.url
        self.write_key = write_key
        self._hosted = hosted
        self._app = app
        self._numbers = itertools.count(1)
        self.engage = Engage(app)
        self.clock = Clock(app, "/_bridge/clock")
        self.closed = False
        self._headers = ((b"authorization", b"Basic " + base64.b64encode(f"{write_key}:".encode())),)

    def identify(self, user_id: str | None, traits: Mapping[str, Any] | None = None, **more: Unpack[Members]) -> str:
        """Send an identify."""
        return self._send("identify", {"userId": user_id, "traits": dict(traits or {})}, more)

    def track(
        self, user_id: str | None, event: str, properties: Mapping[str, Any] | None = None, **more: Unpack[Members]
    ) -> str:
        """Send a track call."""
        about = {"userId": user_id, "event": event, "properties": dict(properties or {})}
        return self._send("track", about, more)

    def page(
        self,
        user_id: str | None,
        name: str = "",
        properties: Mapping[str, Any] | None = None,
        **more: Unpack[PageMembers],
    ) -> str:
        """Send a page call."""
        return self._send("page", {"userId": user_id, "name": name, "properties": dict(properties or {})}, more)

    def screen(
        self,
        user_id: str | None,
        name: str = "",
        properties: Mapping[str, Any] | None = None,
        **more: Unpack[PageMembers],
    ) -> str:
        """Send a screen call."""
        return self._send("screen", {"userId": user_id, "name": name, "properties": dict(properties or {})}, more)

    def group(
        self, user_id: str | None, group_id: str, traits: Mapping[str, Any] | None = None, **more: Unpack[Members]
    ) -> str:
        """Send a group call."""
        return self._send("group", {"userId": user_id, "groupId": group_id, "traits": dict(traits or {})}, more)

    def alias(self, user_id: str, previous_id: str, **more: Unpack[Members]) -> str:
        """Send an alias call."""
        return self._send("alias", {"userId": user_id, "previousId": previous_id}, more)

    def audience(self, user_id: str, key: str, entered: bool, **more: Unpack[Members]) -> str:
        """Send what Engage sends when a user enters an audience, or leaves it (AUD-4)."""
        return self._computed(user_id, "audience", key, entered, more)

    def computed_trait(self, user_id: str, key: str, value: Any, **more: Unpack[Members]) -> str:
        """Send what Engage sends when a computed trait of a user changes (AUD-6)."""
        return self._computed(user_id, "computed_trait", key, value, more)

    def batch(self, calls: Iterable[Mapping[str, Any]]) -> list[str]:
        """Send calls as a library sends them, all in one request; one without a type is an identify."""
        whole = [self._whole({"type": "identify", **call}) for call in calls]
        self._post("batch", {"batch": whole})
        return [call["messageId"] for call in whole]

    def idle(self, timeout: float = 10) -> None:
        """Wait until all that was accepted is settled; raises TimeoutError after so many seconds, with what waits."""
        reply = self._app.ask("GET", "/_bridge/idle", timeout=f"{timeout:g}")
        if reply.status == 409:
            waiting = [line for each in self.events() if each.state == "waiting" for line in each.lines()]
            attempts = [each.error or f"status {each.status}" for event in self.events() for each in event.attempts]
            last = f"; the last answer: {attempts[-1]}" if attempts else ""
            raise TimeoutError("\n".join((f"not idle after {timeout:g} s{last}", *waiting[:20])))
        reply.read()

    def explain(self, message_id: str) -> Explanation:
        """What became of an event; raises LookupError where none has this messageId."""
        reply = self._app.ask("GET", "/_bridge/events/" + quote(message_id, safe=""))
        if reply.status == 404:
            known = ", ".join(each.message_id for each in self.events()[-5:]) or "none"
            raise LookupError(f"no event has the messageId {message_id!r}; the last are: {known}")
        return msgspec.json.decode(reply.body, type=Explanation)

    def events(self, state: str | None = None, latest: int | None = None) -> list[Explanation]:
        """Every event, the oldest first: those in this state (waiting, delivered, skipped, dead), or the latest few."""
        found: list[Explanation] = []
        page = _Events(next=0)
        while page.next is not None and (latest is None or len(found) < latest):
            page = self._read("/_bridge/events", limit=1000, state=state, before=page.next or None)
            found += page.events
        return found[:latest][::-1]

    def dead_letters(self) -> list[Explanation]:
        """The events that were given up, the oldest first."""
        found: list[Explanation] = []
        page = _Events(next=0)
        while page.next is not None:
            page = self._read("/_bridge/dead-letters", limit=1000, after=page.next)
            found += page.dead_letters
        return found

    def replay(self) -> int:
        """Let every dead letter wait again; how many there were."""
        done, left = 0, True
        asked: dict[str, Any] = {"all": True, "limit": 1000}
        while left:
            told = self._app.control("POST", "/_bridge/dead-letters/replay", asked)
            done, left = done + told["replayed"], told["left"] and told["replayed"]
            asked["filter"] = {"settledUntil": told["settledUntil"]}  # what dies again meanwhile is not taken twice
        return done

    def close(self) -> None:
        """End the bridge, whatever waits in it; closing a closed one does nothing."""
        if not self.closed:
            self.closed = True
            self._app.run(self._hosted.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Leave the write key out."""
        return f"Bridge(url={self.url!r})"

    def _read(self, path: str, **query: Any) -> _Events:
        reply = self._app.ask("GET", path, **query)
        if reply.status >= 400:
            reply.read()
        return _EVENTS.decode(reply.body)

    def _computed(self, user_id: str, kind: str, key: str, value: Any, more: Mapping[str, Any]) -> str:
        engage = {"computation_class": kind, "computation_key": key}
        context = dict(more.get("context") or {})
        context[_ENGAGE] = {**engage, **context.get(_ENGAGE, {})}
        return self._send("identify", {"userId": user_id, "traits": {key: value}}, {**more, "context": context})

    def _send(self, kind: str, about: Mapping[str, Any], more: Mapping[str, Any]) -> str:
        known = tuple((PageMembers if kind in ("page", "screen") else Members).__annotations__)
        for name in more:
            if name not in known:
                part = next((each for each in ("traits", "properties") if each in about), None)
                hint = f"; {part} are given as a dictionary: {{{name!r}: ...}}" if part else ""
                raise TypeError(f"Segment's {kind} has no member {name!r} ({nearest(name, known)}){hint}")
        call = self._whole({"type": kind, **about, **more})
        self._post(kind, call)
        sent: str = call["messageId"]
        return sent

    def _whole(self, call: dict[str, Any]) -> dict[str, Any]:
        return {"messageId": f"localtalon-{call['type']}-{next(self._numbers)}", **call}

    def _post(self, name: str, document: Any) -> None:
        reply = self._app.ask("POST", f"/v1/{name}", payload.encode(document), self._headers)
        if reply.status >= 400:
            told = msgspec.json.decode(reply.body)
            raise RefusedError(f"{reply.status}: {told['message']}")
