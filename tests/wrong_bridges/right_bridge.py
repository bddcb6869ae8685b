"""A tiny bridge that is obviously right: one small step per rule, each of which a wrong bridge can override."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, Literal
from urllib.parse import quote

from talon_contracts.exact_json import decode, encode
from talon_contracts.targets import CannotJudge, Connection

Event = dict[str, Any]
Path = tuple[str, ...]
CLIENT_SIDE = re.compile(
    r"analytics\.js|(@segment/)?analytics-(next|react-native)|analytics-(ios|android|kotlin|swift|xamarin)|analytics[-_]flutter"
)


class RightBridge:
    """Takes identifies and batches, forwards each event before it answers, and therefore is always idle."""

    client_side_sources: ClassVar[Literal["warn", "reject"]] = "warn"
    """How the setting stands."""
    rejects_client_side: ClassVar[bool] = False

    def __init__(self, talon_one_url: str, api_key: str, custom_attributes: frozenset[str]) -> None:
        self.custom_attributes = custom_attributes
        self.message_ids: set[str] = set()
        self._talon_one = Connection(talon_one_url)
        self._headers = {"Authorization": f"ApiKey-v1 {api_key}", "Content-Type": "application/json"}

    # The steps, in the order in which an event takes them.

    def events(self, body: Event) -> list[Event]:
        """A single event, or the events of a batch with the batch's common members merged under their own."""
        if "batch" not in body:
            return [body]
        common = {member: body.get(member) or {} for member in ("integrations", "context")}
        return [
            {**event, **{member: {**common[member], **(event.get(member) or {})} for member in common}}
            for event in body["batch"]
        ]

    def is_sent(self, event: Event) -> bool:
        """Whether the event may cause a request at all."""
        return (
            event["type"] == "identify"
            and self.is_enabled(event.get("integrations") or {})
            and self.integration_id(event) not in (None, "", ".", "..")
            and len(self.integration_id(event) or "") <= 1000
            and not (self.rejects_client_side and self.is_client_side(event))
        )

    def is_enabled(self, integrations: Event) -> bool:
        """What the integrations object says."""
        for key in ("Talon.One", "Talon_One", "All", "all"):
            if key in integrations:
                return integrations[key] is not False
        return True

    def is_client_side(self, event: Event) -> bool:
        """Whether the event comes from a user's device."""
        context = event.get("context") or {}
        library = (context.get("library") or {}).get("name") or ""
        channels = {event.get("channel"), context.get("channel")}
        return bool(CLIENT_SIDE.fullmatch(library)) or bool(channels & {"client", "browser", "mobile"})

    def integration_id(self, event: Event) -> str | None:
        """The profile the event is about."""
        return event.get("userId")

    def leaves(self, value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
        """The leaves of the traits with the keys that lead to them."""
        if not isinstance(value, dict):
            return [(path, value)]
        return [leaf for key, inner in value.items() for leaf in self.leaves(inner, (*path, key))]

    def name(self, path: Path) -> str:
        """The attribute name of a leaf."""
        return "_".join(path)

    def computation_key(self, event: Event) -> str | None:
        """The trait that is sent without being listed."""
        return ((event.get("context") or {}).get("personas") or {}).get("computation_key") or None

    def is_listed(self, path: Path, event: Event) -> bool:
        """Whether the leaf may be sent."""
        return self.name(path) in self.custom_attributes or path[0] == self.computation_key(event)

    def is_sendable(self, value: Any) -> bool:
        """Whether an attribute can hold the value."""
        return not (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))

    def resolve(self, values: list[Any]) -> list[Any]:
        """What is left of the values that share one name: one, or none when they differ."""
        written = {encode(value) for value in values}
        return values[:1] if len(written) == 1 else []

    def value(self, name: str, value: Any) -> Any:
        """What is sent for the value."""
        return value

    def attributes(self, event: Event) -> dict[str, Any]:
        """The patch that the event makes."""
        named: dict[str, list[tuple[Path, Any]]] = {}
        for path, value in self.leaves(event.get("traits") or {}):
            named.setdefault(self.name(path), []).append((path, value))
        patch = {}
        for name, leaves in named.items():
            listed = any(self.is_listed(path, event) for path, _ in leaves)
            for value in self.resolve([value for _, value in leaves]) if listed else []:
                if self.is_sendable(value):
                    patch[name] = self.value(name, value)
        return patch

    def audience_key(self, name: str, others: tuple[str, ...]) -> str:
        """The key of a new audience; ValueError where it cannot be one."""
        key = re.sub("[^a-z0-9]+", "_", re.sub("[A-Z]", lambda letter: letter[0].lower(), name)).strip("_")
        if not key or key[0].isdigit() or key in others:
            raise ValueError(f"audience {name!r} cannot have the key {key!r}")
        return key

    # The server.

    def take(self, body: Event) -> None:
        """Forward what a request brought."""
        for event in self.in_order([event for event in self.events(body) if self.is_new(event)]):
            if self.is_sent(event):
                attributes = self.attributes(event)
                if attributes:
                    self.forward(str(self.integration_id(event)), attributes)

    def is_new(self, event: Event) -> bool:
        """Whether the event has not come before; it has by now."""
        message_id = event.get("messageId")
        if not message_id:
            return True
        new = message_id not in self.message_ids
        self.message_ids.add(message_id)
        return new

    def in_order(self, events: list[Event]) -> list[Event]:
        """The events of one request as they are to be delivered."""
        return events

    def forward(self, integration_id: str, attributes: dict[str, Any]) -> None:
        """Requests to Talon.One until one is taken or refused; a refusal is final, as it is for any bridge."""
        for _ in range(10):
            if not self.is_passing(self.request(integration_id, attributes)):
                return

    def request(self, integration_id: str, attributes: dict[str, Any]) -> int:
        """One request; its status, 0 where there was no answer."""
        path = f"/v2/customer_profiles/{quote(integration_id, safe='')}"
        try:
            body = encode(self.update(integration_id, attributes))
            return self._talon_one.request("PUT", path, self._headers, body).status
        except CannotJudge:
            return 0

    def is_passing(self, status: int) -> bool:
        """Whether a failure passes, so that the same request is worth another try."""
        return status in (0, 409, 429) or status >= 500

    def update(self, integration_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
        """The body of a request."""
        return {"attributes": attributes}

    def close(self) -> None:
        """Close the connection to Talon.One."""
        self._talon_one.close()

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """ASGI: POST /v1/identify and /v1/batch, GET /_bridge/idle."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["path"] in ("/v1/identify", "/v1/batch"):
            taken: Any = decode(body)
            self.take(taken)
        found = scope["path"] in ("/v1/identify", "/v1/batch", "/_bridge/idle")
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": []})
        await send({"type": "http.response.body", "body": b'{"success": true}'})


class RejectingBridge(RightBridge):
    """The right bridge where the setting says that client-side sources are rejected."""

    client_side_sources = "reject"
    rejects_client_side = True


def through_binary64(value: Any) -> Any:
    """The value as a JavaScript program would hold it."""
    if isinstance(value, list):
        return [through_binary64(item) for item in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        held = float(value)
        return int(held) if held.is_integer() else Decimal(repr(held))
    return value
