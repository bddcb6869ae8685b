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
    """Tell whether this server answers for a Host header: addresses, `*.localhost`, `*.talon.one`, or one of `extra`.

    An address is no name that somebody else could let lead here.
    """
    name = name_of(host)
    if name == "localhost" or name.endswith(_SUFFIXES) or name in extra:
        return "@" not in name
    try:
        return not ip_address(name).is_unspecified
    except ValueError:
        return False


def label_of(request: Request) -> str:
    """Return what is before `.localhost` in the Host header, lower-case: a deployment can be named there."""
    host = request.headers.get(b"host", b"")
    if b".localhost" not in host.lower():
        return ""
    name = name_of(host.decode("latin-1"))
    return name.removesuffix(".localhost") if name.endswith(".localhost") else ""


def is_foreign(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a browser sent this request from a page of another origin."""
    site = headers.get(b"sec-fetch-site")
    if site is not None and site not in (b"same-origin", b"none"):
        return True
    origin = headers.get(b"origin")
    if origin is None:
        return False
    host = headers.get(b"host") or b""
    return origin.partition(b"://")[2].lower() != host.lower()
