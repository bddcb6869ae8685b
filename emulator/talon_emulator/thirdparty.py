"""What every request to the third-party host says first: which deployment it is for, and from which platform."""

from talon_emulator import hosts, thirdparty_errors
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Request

_HEADER = b"destination-hostname"
_PLATFORM_HEADER = b"customer-data-platform-name"


def destination(request: Request) -> str | Refusal:
    """Return the host of the deployment that a request names, lower-case.

    The documents show a bare host, Segment sends its whole Deployment URL setting (observed); both are taken, with or
    without a slash at the end. Which deployment answers is decided by the key alone: here every name leads home.
    """
    given = request.headers.get(_HEADER, b"").decode("latin-1").strip()
    if not given:
        return thirdparty_errors.no_deployment_url()
    scheme, separator, rest = given.partition("://")
    if separator and scheme.lower() not in ("http", "https"):
        return thirdparty_errors.bad_deployment_url(given)
    name = hosts.name_of((rest if separator else given).rstrip("/"))
    # assumption: named-deployment
    # A path, a user or a blank would make another address of it; that such a name is refused is assumed.
    if not name or any(character in name for character in "/?#@\\ \t"):
        return thirdparty_errors.bad_deployment_url(given)
    return name


def data_platform(request: Request) -> str | Refusal:
    """Return the name that a customer data platform gives itself; it has to give one (documented)."""
    name = request.headers.get(_PLATFORM_HEADER, b"").decode("utf-8", "replace").strip()
    return name or thirdparty_errors.no_data_platform()
