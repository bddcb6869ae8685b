"""Who may talk to a server on a developer's machine: Host names against rebinding, origins against foreign pages."""

from ipaddress import ip_address
from typing import Final

from talon_emulator.exchange import Request

_SUFFIXES: Final = (".localhost", ".talon.one")


def name_of(host: str) -> str:
    """Return the name or address in a Host header, lower-case, without port and brackets; empty when malformed."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port[1:] if port.startswith(":") else port and "x"
        return name.lower() if bracket and (not port or port.isdecimal()) else ""
    name, _, port = host.partition(":")
    return name.lower().removesuffix(".") if not port or port.isdecimal() else ""


def is_served(host: str, extra: tuple[str, ...] = ()) -> bool:
    """Tell whether this server answers for a Host header: loopback, `*.localhost`, `*.talon.one`, or one of `extra`."""
    name = name_of(host)
    if name == "localhost" or name.endswith(_SUFFIXES) or name in extra:
        return "@" not in name
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def label_of(request: Request) -> str:
    """Return what is before `.localhost` in the Host header, lower-case: a deployment can be named there."""
    host = request.headers.get(b"host", b"")
    if b".localhost" not in host.lower():
        return ""
    name = name_of(host.decode("latin-1"))
    return name.removesuffix(".localhost") if name.endswith(".localhost") else ""


def is_foreign(request: Request) -> bool:
    """Tell whether a browser sent this request from a page of another origin."""
    site = request.headers.get(b"sec-fetch-site")
    if site is not None and site not in (b"same-origin", b"none"):
        return True
    origin = request.headers.get(b"origin")
    if origin is None:
        return False
    host = request.headers.get(b"host") or b""
    return origin.partition(b"://")[2].lower() != host.lower()
