"""Lists: the part that is asked for, in the order that is asked for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from talon_emulator import errors, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.query import Query

T = TypeVar("T")

MAX_PAGE: Final = 1000
MAX_SKIP: Final = 2**53
_CAPITAL = re.compile("[A-Z]")


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; `query` has the other parameters."""

    size: int
    skip: int
    query: Query

    def cut(self, items: Sequence[T]) -> Sequence[T]:
        """Return this part of a list."""
        return items[self.skip : self.skip + self.size]


def asked(call: Call) -> Page | Refusal:
    """Read which part of a list a call asks for: at most 1000, from the first one on (documented)."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return parameters
    size = query.integer(parameters, "pageSize", MAX_PAGE, 1, MAX_PAGE)
    skip = query.integer(parameters, "skip", 0, 0, MAX_SKIP)
    if isinstance(size, Refusal):
        return size
    return skip if isinstance(skip, Refusal) else Page(size, skip, parameters)


def ordered(items: Iterable[T], page: Page, fields: tuple[str, ...]) -> Sequence[T] | Refusal:
    """Put items in the order that `sort` asks for: a field, after a `-` the other way round (documented)."""
    order = page.query.get("sort")
    if not order:
        return tuple(items)
    field = order.removeprefix("-")
    if field not in fields:
        known = ", ".join(fields)
        return errors.bad_parameter("sort", f"sort must be one of {known}, with or without a leading -")
    name = _CAPITAL.sub(lambda capital: "_" + capital[0].lower(), field)
    return sorted(items, key=lambda item: getattr(item, name), reverse=order.startswith("-"))


def counted(data: Sequence[Any], total: int) -> Answer:
    """Answer with a part of a list and the size of all of it."""
    return json_answer({"totalResultSize": total, "data": data})


def uncounted(data: Sequence[Any], more: bool) -> Answer:
    """Answer with a part of a list, and whether there is more behind it."""
    return json_answer({"hasMore": more, "data": data})


def numbers(page: Page, name: str, most: int) -> frozenset[int] | Refusal | None:
    """Read a parameter that is a list of ids, separated by commas; None when it is not given."""
    given = page.query.get(name)
    if not given:
        return None
    found = given.split(",")
    if len(found) > most or not all(re.fullmatch(r"[0-9]{1,18}", item, re.ASCII) for item in found):
        return errors.bad_parameter(name, f"{name} must be at most {most} numbers, separated by commas")
    return frozenset(map(int, found))
