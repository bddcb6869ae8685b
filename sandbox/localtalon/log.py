"""The log on standard error: one line a record, as text or as JSON, without anybody's data."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Form = Literal["text", "json"]

# What a record may say of itself besides numbers and booleans; anything else could be somebody's data or key.
TEXTS = frozenset({"action", "messageId"})
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_FRAMES = 8  # of an exception, the innermost


def set_up(form: Form) -> None:
    """Send what is worth a person's attention to standard error, in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLine() if form == "text" else JsonLine())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.raiseExceptions = False  # a record that cannot be formatted would be printed with its arguments
    # Its warnings are about what clients do wrong, which the clients are told.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_is_no_stop)


def _is_no_stop(record: logging.LogRecord) -> bool:
    """Whether it is about more than a client that was not done when the server had to end."""
    cancelled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cancelled and "timeout graceful shutdown exceeded" not in str(record.msg)


class JsonLine(logging.Formatter):
    """`time`, `level`, `logger`, `message`, the record's extra members, and `exception`, as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of ASCII: what a terminal would act on is escaped."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **{name: value for name, value in vars(record).items() if name not in _OWN and _is_told(name, value)},
        }
        exception = _exception(record)
        return json.dumps({**told, "exception": exception} if exception else told)


class TextLine(logging.Formatter):
    """`LEVEL logger: message`, and behind it the exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; what a terminal would act on is escaped."""
        exception = _exception(record)
        line = f"{record.levelname} {record.name}: {_message(record)}{f' [{exception}]' if exception else ''}"
        return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)


def _message(record: logging.LogRecord) -> str:
    """asyncio appends the repr of tasks and arguments to its message, from the second line on."""
    text = record.getMessage()
    return text.split("\n", 1)[0] if record.name == "asyncio" else text.rstrip("\n")


def _is_told(name: str, value: Any) -> bool:
    return isinstance(value, bool | int | float) or (name in TEXTS and isinstance(value, str))


def _exception(record: logging.LogRecord) -> str:
    """What was raised, and where; an exception's own text may quote the data that it is about, and is left out."""
    error = record.exc_info[1] if record.exc_info else None
    return "" if error is None else "; caused by ".join(_raised(error))


def _raised(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = traceback.extract_tb(cause.__traceback__)[-_FRAMES:]
        places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
        known = f" {cause.strerror}" if isinstance(cause, OSError) and cause.errno is not None else ""
        yield f"{type(cause).__name__}{known}{f' at {places}' if places else ''}"
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
