"""The error shape that belongs to a path: Talon.One's two on its own paths, the control API's everywhere else."""

from typing import Final
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import msgspec

from talon_emulator import errors, thirdparty_errors
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer

_DEPLOYMENT: Final = frozenset((b"v1", b"v2", b"v3"))
_THIRD_PARTY: Final = frozenset(
    # `api` is the start of Shopify's paths.
    (b"segment", b"cdp", b"braze", b"customer_engagement", b"emarsys", b"iterable", b"mparticle", b"api")
)
_TALON: Final = _DEPLOYMENT | _THIRD_PARTY
_ENCODER = msgspec.json.Encoder()


def is_talon(path: bytes) -> bool:
    """Tell whether a raw path is one of Talon.One's, of its deployment host or of its third-party host."""
    return _start(path) in _TALON


def render(path: bytes, refusal: Refusal) -> Answer:
    """Render a refusal in the shape of the path it was asked on."""
    start = _start(path)
    if start in _DEPLOYMENT:
        return errors.answer(refusal)
    if start in _THIRD_PARTY:
        return thirdparty_errors.answer(refusal, str(uuid4()))
    details = "; ".join(problem.details for problem in refusal.errors)
    return control_error(refusal.status, _CODES.get(refusal.status, "refused"), refusal.message, details)


def control_error(status: int, code: str, message: str, hint: str = "") -> Answer:
    """Render an error of the control API: `{"error": {"code", "message", "hint"}}`."""
    return Answer(status, _ENCODER.encode({"error": {"code": code, "message": message, "hint": hint}}))


def _start(path: bytes) -> bytes:
    start = path.lstrip(b"/").split(b"/", 1)[0]
    return unquote_to_bytes(start) if b"%" in start else start


_CODES: Final = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_encoding",
    421: "misdirected",
    429: "too_many_requests",
    431: "headers_too_large",
    500: "internal_error",
    501: "not_emulated",
}
