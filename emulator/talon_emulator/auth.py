"""The Authorization header: to a credential, or to the reason why there is none (KEY-1)."""

from typing import Final, Literal

from talon_emulator import errors
from talon_emulator.clock import timestamp
from talon_emulator.deployments import fingerprint
from talon_emulator.directory import Credential, Directory, KeyKind
from talon_emulator.errors import Refusal

Security = KeyKind | Literal["none"]

# The schemes are documented; a credential of one kind opens nothing of the other (documented).
SCHEMES: Final[dict[KeyKind, bytes]] = {"integration": b"ApiKey-v1 ", "management": b"ManagementKey-v1 "}


def authenticate(header: bytes | None, kind: KeyKind, directory: Directory) -> Credential | Refusal:
    """Return what the header opens, at the time of the key's deployment."""
    if header is None:
        return errors.unauthorized("the Authorization header is missing")
    credential = directory.recent.get(header)
    if credential is None or credential.kind != kind:
        scheme = SCHEMES[kind]
        if not header.startswith(scheme):
            return errors.unauthorized(f"the Authorization header must be '{scheme.decode()}<key>'")
        mark = fingerprint(header[len(scheme) :])
        credential = directory.credential(kind, mark)
        if credential is None:
            known = directory.owner(mark) is not None
            return errors.unauthorized("the key is of another kind" if known else "the key is not known")
        directory.recent[header] = credential
    expires = credential.expires
    if expires is not None and expires <= credential.deployment.clock.now():
        return errors.unauthorized(f"the key '{credential.title}' expired at {timestamp(expires)}")
    return credential
