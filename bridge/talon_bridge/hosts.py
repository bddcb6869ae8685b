"""Who may ask for what the bridge knows: Host names against DNS rebinding."""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_served(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a Host header names this bridge: an address, `localhost`, or a name that is allowed.

    An address cannot be rebound to another machine by a foreign DNS server, a name can.
    """
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 or "]:" in host else host
    name = name.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost") or name in allowed:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class HostGuard:
    """An ASGI layer that refuses requests under any other name with 421."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...], refusal: Callable[[str], Response]) -> None:
        self._app = app
        self._allowed = tuple(name.lower() for name in allowed)
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if is_served(host, self._allowed):
            await self._app(scope, receive, send)
        else:
            await self._refusal(host)(scope, receive, send)
