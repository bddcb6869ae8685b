"""The Authorization header: to a credential, or to the reason why there is none (KEY-1)."""

import base64
import binascii
from typing import Final, Literal

from talon_emulator import errors
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Partner, fingerprint
from talon_emulator.directory import Credential, Directory, KeyKind
from talon_emulator.errors import Refusal

# A partner's name wants an Integration key of that platform, on the third-party host.
Security = KeyKind | Partner | Literal["none"]

# The schemes are documented; a credential of one kind opens nothing of the other (documented).
SCHEMES: Final[dict[KeyKind, bytes]] = {"integration": b"ApiKey-v1 ", "management": b"ManagementKey-v1 "}


def authenticate(header: bytes | None, security: Security, directory: Directory) -> Credential | Refusal:
    """Return what the header opens, at the time of the key's deployment."""
    if security == "integration" or security == "management":
        if header is None:
            return errors.unauthorized("the Authorization header is missing")
        return _credential(header, security, directory)
    if header is None:
        return errors.missing_session_token()
    credential = _credential(_unwrapped(header), "integration", directory)
    if isinstance(credential, Credential) and credential.platform != security:
        wrong = f"the key is for the platform {credential.platform}, here it must be {security}"
        if credential.deployment.assumed["key-of-another-platform"] == "401":
            return errors.unauthorized(wrong)
        return errors.forbidden(wrong)
    return credential


def _credential(header: bytes, kind: KeyKind, directory: Directory) -> Credential | Refusal:
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


def _unwrapped(header: bytes) -> bytes:
    """Return what HTTP Basic wraps: the user is `ApiKey-v1 <key>`, the password is empty (documented)."""
    scheme, _, wrapped = header.partition(b" ")
    if scheme.lower() != b"basic":
        return header
    try:
        user, _, password = base64.b64decode(wrapped, validate=True).partition(b":")
    except binascii.Error:
        return header
    return header if password else user
