"""The error shape that belongs to a path: Talon.One's on its own paths, the control API's everywhere else."""

from typing import Final

import msgspec

from talon_emulator import errors
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer

_TALON: Final = frozenset((b"v1", b"v2", b"v3"))
_ENCODER = msgspec.json.Encoder()


def is_talon(path: bytes) -> bool:
    """Tell whether a raw path is one of Talon.One's."""
    return path.lstrip(b"/").split(b"/", 1)[0] in _TALON


def render(path: bytes, refusal: Refusal) -> Answer:
    """Render a refusal in the shape of the path it was asked on."""
    if is_talon(path):
        return errors.answer(refusal)
    details = "; ".join(problem.details for problem in refusal.errors)
    return control_error(refusal.status, _CODES.get(refusal.status, "refused"), refusal.message, details)


def control_error(status: int, code: str, message: str, hint: str = "") -> Answer:
    """Render an error of the control API: `{"error": {"code", "message", "hint"}}`."""
    return Answer(status, _ENCODER.encode({"error": {"code": code, "message": message, "hint": hint}}))


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
    431: "headers_too_large",
    500: "internal_error",
}
