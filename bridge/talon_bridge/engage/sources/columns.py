"""The columns of a table: where the user ids and the value are."""

from collections.abc import Sequence

import msgspec

from talon_bridge.engage.problems import EngageError

# Names under which a column of user ids is known, without case, spaces, _ and -.
USER_NAMES = frozenset({"userid", "id", "user", "externalid", "integrationid", "customerid"})
DELIMITERS = (",", "\t", ";")
_ANYTHING = frozenset({"id"})  # beside a column that names users, the id of something else
_ANONYMOUS = "anonymousid"
_IGNORED = str.maketrans("", "", " _-")


class CsvOptions(msgspec.Struct, frozen=True):
    """How a table is written, where it does not say so itself.

    `header`: whether the first row names the columns; None: it does where a column is given by name, or where one of
    its cells is userid, id, user, externalid, integrationid or customerid, whatever the case, spaces, _ and - in it.
    `delimiter`: one character; None: a comma, unless the first row has none but a tab or a semicolon. `user_column` and
    `value_column` are names, or numbers from 1.
    """

    header: bool | None = None
    delimiter: str | None = None
    user_column: str | None = None
    value_column: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            hint = "give one character, such as ; or a tab"
            raise EngageError("bad_source", f"{self.delimiter[:20]!r} cannot separate columns", hint)

    @property
    def named(self) -> bool:
        """Whether a column is given by its name."""
        return any(name is not None and not _is_number(name) for name in (self.user_column, self.value_column))


class Columns(msgspec.Struct, frozen=True):
    """Places of cells from 0: those of user ids, and that of the value, if there is one; `width` columns in all."""

    users: tuple[int, ...]
    value: int | None
    width: int

    @property
    def needed(self) -> int:
        """How many cells a row needs."""
        return 1 + max(*self.users, self.value or 0)


def is_header(cells: Sequence[str], options: CsvOptions) -> bool:
    """Whether a first row names the columns."""
    if options.header is not None:
        return options.header
    return options.named or any(_plain(cell) in USER_NAMES for cell in cells)


def may_be_header(line: str, options: CsvOptions) -> bool:
    """Whether the columns may depend on a first row that cannot be read."""
    if options.header is not None:
        return options.header
    return options.named or any(character in line for character in (options.delimiter or DELIMITERS))


def columns(first: Sequence[str], header: bool, key: str, options: CsvOptions) -> Columns:
    """The columns of a table with this first row. Raises `EngageError`.

    Every column named after user ids holds some (one called `id` only where there is no other), else the first one
    does. The value is in the column called `value`, else in the one called like the key, else in the first other one.
    """
    names = list(first) if header else []
    plain = [_plain(name) for name in names]
    named = [place for place, name in enumerate(plain) if name in USER_NAMES]
    users = tuple(place for place in named if plain[place] not in _ANYTHING) or tuple(named) or (0,)
    if options.user_column is not None:
        users = (_place("user", options.user_column, names, len(first)),)
    if options.value_column is not None:
        value: int | None = _place("value", options.value_column, names, len(first))
    else:
        others = [
            place for place in range(len(first)) if place not in users and plain[place : place + 1] != [_ANONYMOUS]
        ]
        others.sort(key=lambda place: place in named)
        called = [place for name in ("value", key) for place in others if name in names[place : place + 1]]
        value = next(iter(called + others), None)
    return Columns(users, value, len(first))


def _place(what: str, given: str, names: Sequence[str], count: int) -> int:
    if given in names:
        return names.index(given)
    if _is_number(given) and 1 <= int(given) <= count:
        return int(given) - 1
    there = ", ".join(names) if names else f"{count}, without names"
    raise EngageError("bad_source", f"there is no {what} column {given[:80]!r}", f"the columns are: {there}"[:300])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _plain(name: str) -> str:
    return name.casefold().translate(_IGNORED)
