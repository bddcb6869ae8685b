"""Answers of the control API: JSON, and errors as `{"error": {"code", "message", "hint"}}`."""

from typing import Any

import msgspec
from starlette.responses import Response

from talon_bridge import codec


class Problem(msgspec.Struct, frozen=True):
    """Why a request is refused: the status, a code for programs, a sentence for people, and what to do."""

    status: int
    code: str
    message: str
    hint: str


class ProblemError(ValueError):
    """Raised while a request is read; carries the `Problem` to the edge that answers it."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = Problem(status, code, message, hint)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer, numbers digit for digit."""
    return Response(codec.encode(value), status, media_type="application/json")


def problem(status: int, code: str, message: str, hint: str) -> Response:
    """An error of the control API."""
    return answer({"error": {"code": code, "message": message, "hint": hint}}, status)
