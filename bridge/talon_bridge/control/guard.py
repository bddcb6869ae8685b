"""Who may ask and steer: the names it is asked under, pages of other origins, the control token."""

import base64
import binascii
import hmac
from collections.abc import Iterable

from talon_bridge.control.answers import problem
from talon_bridge.hosts import ASGIApp, Receive, Scope, Send, is_served

Headers = Iterable[tuple[bytes, bytes]]


class Guard:
    """An ASGI layer around a handler.

    A name that is not served is refused with 421, a change from a page of another origin with 403, and where `token`
    is not None, whoever does not show it with 401.
    """

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...], token: str | None) -> None:
        self._app = app
        self._allowed = tuple(name.lower() for name in allowed)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
        if not is_served(host, self._allowed):
            hint = "ask under an address or localhost, or add the name to bridge.allowed_hosts"
            refusal = problem(421, "wrong_host", f"this bridge does not answer to the name {host!r}", hint)
        elif scope["method"] not in ("GET", "HEAD") and is_foreign(headers):
            hint = "ask from the command line, or from a page of this bridge's own origin"
            refusal = problem(403, "foreign_page", "a page of another origin may not change this bridge", hint)
        elif not steers(headers, self._token):
            how = "send it as 'Authorization: Bearer TOKEN', or as the password of HTTP Basic"
            refusal = problem(401, "no_control_token", "the control token of this bridge is missing or wrong", how)
            refusal.headers["www-authenticate"] = "Basic"
        else:
            await self._app(scope, receive, send)
            return
        await refusal(scope, receive, send)


def is_foreign(headers: Headers) -> bool:
    """Whether a browser sent this request from a page of another origin."""
    given = dict(headers)
    if given.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
        return True
    origin = given.get(b"origin")
    return origin is not None and origin.partition(b"://")[2].lower() != given.get(b"host", b"").lower()


def steers(headers: Headers, token: str | None) -> bool:
    """Whether a caller shows the control token, as `Bearer` or as the password of Basic; None is shown by anybody."""
    if token is None:
        return True
    scheme, _, given = dict(headers).get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != b"bearer":
        return False
    return hmac.compare_digest(given, token.encode())
