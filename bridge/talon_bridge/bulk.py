"""A bulk update that was refused: which of its profiles are tried again together. Pure."""

import re

import msgspec

from talon_bridge.outcome import Answer

# Where these come for a bulk update, there is none at this place: nothing would be gained by halves.
_NO_BULK = frozenset({404, 405, 501})
_PLACE = re.compile(r"^/?customerProfiles/(\d{1,4})(?:/|$)")


class _Source(msgspec.Struct, frozen=True):
    pointer: str = ""


class _Error(msgspec.Struct, frozen=True):
    source: _Source | None = None


class _ErrorBody(msgspec.Struct, frozen=True):
    errors: list[_Error] | None = None


_error_body = msgspec.json.Decoder(_ErrorBody)


def taken_apart(answer: Answer, many: int) -> list[list[int]]:
    """The places of the `many` profiles of a refused request, in groups to be tried, all of them smaller.

    Profiles that the answer names are tried alone and the others together; where it names none, or all, it is halves.
    """
    if answer.status in _NO_BULK:
        return [[place] for place in range(many)]
    named = {place for place in _named(answer.body) if place < many}
    if not named or len(named) == many:
        return [list(range(many // 2)), list(range(many // 2, many))]
    others = [place for place in range(many) if place not in named]
    return [*([place] for place in sorted(named)), others]


def _named(body: bytes) -> set[int]:
    """The profiles that an error body points at."""
    try:
        errors = _error_body.decode(body).errors or ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()
    places = (_PLACE.match(error.source.pointer) for error in errors if error.source is not None)
    return {int(place[1]) for place in places if place}
