"""JSON in which every number keeps its digits (MAP-8), and what it means for two values to be the same."""

from decimal import Decimal
from typing import TypeAlias

import msgspec

Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"
Object: TypeAlias = dict[str, Json]

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes | str) -> Json:
    """The value of a JSON text; a literal with a point or an exponent becomes a Decimal, never a binary float.

    Raises ValueError when the text is not JSON, is not UTF-8 or nests deeper than the decoder can follow.
    """
    try:
        value: Json = _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    return value


def encode(value: Json) -> bytes:
    """The JSON text of a value, each number with the digits it has."""
    return _ENCODER.encode(value)


def same_json(left: Json, right: Json) -> bool:
    """Whether two values have the same JSON: booleans are not numbers, and `1` and `1.0` are written differently."""
    return _same(left, right, exact_notation=True)


def same_value(left: Json, right: Json) -> bool:
    """Whether two values mean the same: booleans are not numbers, and `1.10` is `1.1` (no digit was lost)."""
    return _same(left, right, exact_notation=False)


def _same(left: Json, right: Json, *, exact_notation: bool) -> bool:
    if _is_number(left) and _is_number(right):
        if exact_notation:
            return type(left) is type(right) and str(left) == str(right)
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            _same(one, other, exact_notation=exact_notation) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            _same(left[key], right[key], exact_notation=exact_notation) for key in left
        )
    return type(left) is type(right) and left == right


def _is_number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
