"""The wrong emulators: each is ours with one mistake put before it, and names the check that must catch it."""

import json
import re
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, unquote

from contracts_support import API_KEY, DEFINITIONS
from talon_contracts.exact_json import decode, encode

Headers = list[tuple[bytes, bytes]]
UPDATE = re.compile(r"/v2/customer_profiles/([^/]+)")


class Passing:
    """An ASGI app that hands every request on to another one, which a wrong emulator changes on the way."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await self.answer(Request(scope, body, receive, send, self.app))

    async def answer(self, request: "Request") -> None:
        """Answer one request."""
        await request.forward()


class Request:
    """One request on its way."""

    def __init__(self, scope: Any, body: bytes, receive: Any, send: Any, app: Callable[..., Any]) -> None:
        self.scope, self.body, self._receive, self._send, self._app = scope, body, receive, send, app
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode()

    @property
    def updated(self) -> str | None:
        """The integration ID, where the request updates one profile."""
        found = UPDATE.fullmatch(self.path) if self.method == "PUT" else None
        return unquote(found[1]) if found else None

    async def forward(
        self, *, attributes: Callable[[dict[str, Any]], dict[str, Any]] | None = None, **scope: Any
    ) -> None:
        """Hand it on, with other attributes or members of the scope."""
        if attributes is not None:
            document: Any = decode(self.body)
            self.body = encode({**document, "attributes": attributes(document["attributes"])})
        parts = iter([{"type": "http.request", "body": self.body, "more_body": False}])

        async def receive() -> Any:
            return next(parts, None) or await self._receive()

        headers = [(name, value) for name, value in self.scope["headers"] if name != b"content-length"]
        await self._app({**self.scope, "headers": headers, **scope}, receive, self._send)

    async def reply(self, status: int, document: Any = None) -> None:
        """Answer it without the emulator."""
        body = b"" if document is None else json.dumps(document).encode()
        await self._send({"type": "http.response.start", "status": status, "headers": []})
        await self._send({"type": "http.response.body", "body": body})


class WrongEmulator(Passing):
    """An emulator with one mistake: the check must catch it, for the rule."""

    check: ClassVar[str]


class TakesIdsInAnyCase(WrongEmulator):
    """Finds profiles whatever the case of their Integration ID."""

    check = "ID-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        if "/customer_profiles/" not in request.path:
            return await request.forward()
        return await request.forward(path=request.path.lower(), raw_path=request.path.lower().encode())


class IgnoresCase(WrongEmulator):
    """Finds a definition whatever the case of its name."""

    check = "ATT-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        known = {name.lower(): name for name in DEFINITIONS}
        if request.updated is None:
            return await request.forward()
        return await request.forward(
            attributes=lambda sent: {known.get(name.lower(), name): value for name, value in sent.items()}
        )


class SkipsUnknownNames(WrongEmulator):
    """Stores what it knows, and says nothing of the rest."""

    check = "ATT-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(
            attributes=lambda sent: {name: value for name, value in sent.items() if name in DEFINITIONS}
        )


class CoercesTypes(WrongEmulator):
    """Makes the type of a definition of whatever it can."""

    check = "ATT-2 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(attributes=lambda sent: {name: _coerced(name, sent[name]) for name in sent})


class DropsNullsInLists(WrongEmulator):
    """Leaves null out of lists and is content."""

    check = "ATT-2 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(attributes=lambda sent: {name: _without_nulls(sent[name]) for name in sent})


def _without_nulls(value: Any) -> Any:
    return [item for item in value if item is not None] if isinstance(value, list) else value


def _coerced(name: str, value: Any) -> Any:
    kind = DEFINITIONS.get(name)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "number" and isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    return str(value) if kind == "string" and isinstance(value, int) else value


class TakesAnyDefinition(WrongEmulator):
    """Never looks at what an attribute is called."""

    check = "ATT-3 at Talon.One"

    async def answer(self, request: Request) -> None:
        if (request.method, request.path) != ("POST", "/v1/attributes"):
            return await request.forward()
        document: Any = decode(request.body)
        if re.fullmatch(r"[A-Za-z]\w*", document["name"], re.ASCII):
            return await request.forward()
        return await request.reply(201, {"id": 1, **document})


class ReplacesProfiles(WrongEmulator):
    """Takes an update for the whole profile."""

    check = "ATT-4 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(attributes=lambda sent: {**dict.fromkeys(DEFINITIONS), **sent})


class KeepsNulls(WrongEmulator):
    """Takes null for nothing to say."""

    check = "ATT-4 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(
            attributes=lambda sent: {name: value for name, value in sent.items() if value is not None}
        )


class CutsTexts(WrongEmulator):
    """Keeps what fits into a column of 255 characters."""

    check = "ATT-4 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        return await request.forward(
            attributes=lambda sent: {
                name: value[:255] if isinstance(value, str) else value for name, value in sent.items()
            }
        )


class LosesBulks(WrongEmulator):
    """Answers updates of several profiles, and does nothing about them."""

    check = "ATT-4 bulk at Talon.One"

    async def answer(self, request: Request) -> None:
        if (request.method, request.path) == ("PUT", "/v2/customer_profiles"):
            return await request.reply(204)
        return await request.forward()


class OpensToAnybody(WrongEmulator):
    """Asks for no key."""

    check = "KEY-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.updated is None:
            return await request.forward()
        others = [header for header in request.scope["headers"] if header[0] != b"authorization"]
        return await request.forward(headers=[*others, (b"authorization", f"ApiKey-v1 {API_KEY}".encode())])


class KeepsDeletedKeys(WrongEmulator):
    """Forgets to forget keys."""

    check = "KEY-1 ended keys at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.method == "DELETE" and request.path.startswith("/_emulator/keys/"):
            return await request.reply(204)
        return await request.forward()


class NeverLimits(WrongEmulator):
    """Takes as many requests as there are."""

    check = "LIM-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        if request.path == "/_emulator/limits":
            return await request.reply(200, {"limits": {}})
        return await request.forward()


class SearchesInAnyCase(WrongEmulator):
    """Finds customers whatever the case of their Integration ID."""

    check = "VIEW-1 at Talon.One"

    async def answer(self, request: Request) -> None:
        seen: dict[str, str] = self.__dict__.setdefault("seen", {})
        if request.updated is not None:
            seen[request.updated.lower()] = request.updated
        query = request.scope["query_string"].decode()
        if not (request.path.endswith("/customers") and "integrationId" in query):
            return await request.forward()
        (asked,) = parse_qs(query)["integrationId"]
        meant = seen.get(asked.lower(), asked)
        return await request.forward(query_string=f"integrationId={quote(meant, safe='')}".encode())


ALL: tuple[type[WrongEmulator], ...] = tuple(WrongEmulator.__subclasses__())
