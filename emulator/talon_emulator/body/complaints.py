"""What the decoder complains about, in our words: which member, what is wrong with it, what would be right."""

import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Fault = Literal["missing", "unknown", "choice", "number", "value"]

_PATH = re.compile(r"\$(?:\.\w+|\[\d+\]|\[\.\.\.\])*")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_CHOICE = re.compile(r"Invalid enum value '(.*)'", re.DOTALL)
_NUMBER = re.compile(r"the number .*|(?:Integer value|Number) out of range")
_TYPE = re.compile(r"Expected `([\w| ]+)`, got `(\w+)`")
_BOUND = re.compile(r"Expected `int` (>=|<=) (-?\d+)")
_LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)
_BOUNDS = {">=": "at least", "<=": "at most"}
_NOUNS = {
    "array": "a list",
    "bool": "a boolean",
    "datetime": "a time",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
}
_A_TIME = "expected a time with an offset, as in 2030-01-31T00:00:00Z"


class Complaint(msgspec.Struct, frozen=True):
    """What is wrong with the member at `path`; the path ends early where the decoder does not tell a member's name.

    `names` are the members that are missing, the one that is unknown, or the value that is none of `known`.
    """

    fault: Fault
    path: tuple[str, ...]
    text: str
    names: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def read(error: msgspec.ValidationError, kind: Any, value: Any) -> Complaint:
    """Read an error that decoding to `kind` raised; `value` is what was to be decoded, as plain data."""
    message, _, place = str(error).rpartition(" - at `")
    if not message or not _PATH.fullmatch(place.removesuffix("`")):
        message, place = str(error), ""
    path = tuple(name or index for name, index in _STEP.findall(place.split("[...]")[0]))
    missing, unknown, choice = (pattern.fullmatch(message) for pattern in (_MISSING, _UNKNOWN, _CHOICE))
    if missing:
        names = _missing(_kind_at(kind, path), _value_at(value, path)) or (missing.group(1),)
        return Complaint("missing", path, f"missing: {', '.join(names)}", names)
    if unknown:
        fields = tuple(field.encode_name for field in getattr(_kind_at(kind, path), "fields", ()))
        return Complaint("unknown", path, f"unknown key {unknown.group(1)!r}", (unknown.group(1),), fields)
    if choice:
        known = getattr(_kind_at(kind, path, choice=True), "values", ())
        return Complaint("choice", path, f"unknown value {choice.group(1)!r}", (choice.group(1),), known)
    return Complaint("number" if _NUMBER.fullmatch(message) else "value", path, _sentence(message))


def _sentence(message: str) -> str:
    if found := _TYPE.fullmatch(message):
        wanted = " or ".join(_noun(word) for word in found.group(1).split(" | "))
        return f"expected {wanted}, got {_noun(found.group(2))}"
    if found := _BOUND.fullmatch(message):
        return f"expected an integer of {_BOUNDS[found.group(1)]} {found.group(2)}"
    if found := _LENGTH.fullmatch(message):
        item = "character" if found.group(1) == "str" else "item"
        plural = "" if found.group(3) == "1" else "s"
        return f"expected {_BOUNDS[found.group(2)]} {found.group(3)} {item}{plural}"
    if found := _PATTERN.fullmatch(message):
        # The pattern as it was written: the decoder shows it as Python would.
        return f"expected a string that matches {found.group(1)}".replace("\\\\", "\\").replace("\\Z", "$")
    if message.startswith(("Expected `datetime`", "Invalid RFC3339")):
        return _A_TIME
    return message.replace("`", '"')


def _noun(word: str) -> str:
    return _NOUNS.get(word, word)


def _missing(kind: Any, value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, dict) else {}
    required = (field.encode_name for field in getattr(kind, "fields", ()) if field.required)
    return tuple(name for name in required if name not in given)


def _value_at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, list | tuple) else value[step]
    return value


def _kind_at(kind: Any, path: Sequence[str], choice: bool = False) -> Any:
    """Return the description of the type at a path, what may be null there as if it may not.

    Of several types it is the object, since a path or the name of a key leads into one; at its end the `choice`.
    """
    from msgspec import inspect

    found: Any = _present(inspect.type_info(kind), choice and not path)
    for number, step in enumerate(path, start=1):
        last = choice and number == len(path)
        if isinstance(found, inspect.StructType):
            found = _present(next(field.type for field in found.fields if field.encode_name == step), last)
        else:
            found = _present(found.item_type, last)
    return found


def _present(kind: Any, choice: bool) -> Any:
    from msgspec import inspect

    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        wanted = inspect.LiteralType if choice else inspect.StructType
        members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
        return next((member for member in members if isinstance(member, wanted)), members[0])
    return kind
