"""The Authorization header: to a credential, or to the reason why there is none (KEY-1)."""

import base64
import binascii
import hmac
from typing import Final, Literal

from talon_emulator import errors
from talon_emulator.clock import timestamp
from talon_emulator.deployments import Endpoint, Partner, fingerprint
from talon_emulator.directory import Credential, Directory, KeyKind
from talon_emulator.errors import Refusal

# A partner's name wants an Integration key of that platform, on the third-party host.
# "control" is for whoever steers this emulator.
Security = KeyKind | Partner | Literal["none", "control"]

# The schemes are documented; a credential of one kind opens nothing of the other (documented).
SCHEMES: Final[dict[KeyKind, bytes]] = {
    "integration": b"ApiKey-v1 ",
    "management": b"ManagementKey-v1 ",
    "session": b"Bearer ",
}


def authenticate(header: bytes | None, security: Security, directory: Directory) -> Credential | Refusal:
    """Return what the header opens, at the time of the key's deployment."""
    if security == "integration" or security == "management":
        if header is None:
            return errors.unauthorized("the Authorization header is missing")
        if security == "management" and header.startswith(SCHEMES["session"]):
            return _credential(header, "session", directory)
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


def steers(header: bytes | None, token: str | None) -> bool:
    """Tell whether a caller may steer the emulator: with the token as `Bearer`, or as the password of Basic."""
    if token is None:
        return True
    scheme, _, given = (header or b"").partition(b" ")
    if scheme.lower() == b"basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            return False
    elif scheme.lower() != b"bearer":
        return False
    return hmac.compare_digest(given, token.encode())


def confined(credential: Credential, operation: str) -> Refusal | None:
    """Refuse a platform's key on the deployment's own host, if it opens no more there than the ping."""
    if operation == "authPing" or credential.deployment.assumed["platform-key-on-the-deployment"] == "everything":
        return None
    return errors.unauthorized(f"the key is for the platform {credential.platform}, not for the Integration API")


def forbidden(credential: Credential, method: str, template: str, path: dict[str, str]) -> Refusal | None:
    """Refuse a Management key what is on none of its lists, endpoints and Applications (documented)."""
    if credential.endpoints is not None and Endpoint(method, template).route() not in credential.endpoints:
        return errors.forbidden(f"the key '{credential.title}' is not for {method} {template}")
    if credential.applications and "applicationId" in path:
        allowed = map(str, credential.applications)
        if path["applicationId"] not in allowed:
            return errors.forbidden(f"the key '{credential.title}' is not for Application {path['applicationId']}")
    return None


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
