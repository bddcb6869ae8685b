"""The attribute definitions in the text of a config: exchanged in place, and nothing else touched.

No TOML library is asked to write: what stays the same stays as it is, to the byte, and the result is read back and
held against what it should say, so that an unusual way of writing is an error and never a damaged file.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from localtalon.attribute_definitions import said
from talon_emulator.seed import AttributeSeed

_STRING_OR_COMMENT: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|(?P<comment>#[^\n]*)', re.DOTALL
)
_HEADER: Final = re.compile(r"\[\[?[ \t]*([A-Za-z0-9_-]+(?:[ \t]*\.[ \t]*[A-Za-z0-9_-]+)*)[ \t]*\]")
_ASSIGNED: Final = re.compile(r"[ \t]*attributes[ \t]*=")
_TABLE: Final = "deployment.attributes"
_USUAL: Final = f"write each as [[{_TABLE}]]"


class UnusualTextError(Exception):
    """The config is written in a way that cannot be rewritten safely; the message says what to do."""


class _Part(msgspec.Struct, frozen=True):
    """The text of one table: its dotted name (empty before the first header), and where it begins and ends."""

    name: str
    start: int
    end: int


class _Item(msgspec.Struct, frozen=True):
    """The text of one inline table in an array: where it begins and ends, and where a comma behind it ends too."""

    start: int
    end: int
    behind: int


def rewritten(text: str, wanted: Sequence[AttributeSeed]) -> str:
    """The text of a valid config with these definitions in the place of its own; raises `UnusualTextError`.

    A definition that stays what it is stays as it is written, a new one comes behind the last.
    """
    before = tomllib.loads(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    deployment = before.get("deployment", {})
    old = msgspec.convert(deployment.get("attributes", []), list[AttributeSeed])
    masked = _masked(text)
    parts = _parts(masked)
    inline = _inline(masked, parts)
    if inline is not None:
        opened = masked.index("[", inline[0])
        after = _exchanged_in_array(text, _items(masked, opened, inline[1]), opened + 1, old, wanted)
    else:
        after = _exchanged(text, parts, old, wanted, newline)
    _verify(after, before, wanted)
    return after


def below_header(text: str, name: str, key: str, line: str) -> str:
    """The text of a valid config with a line, which gives that key, below a table's header."""
    masked = _masked(text)
    part = next((part for part in _parts(masked) if part.name == name), None)
    if part is None:
        raise UnusualTextError(
            f"it has no header [{name}] to write {key} below; write it so, or give it {key} yourself"
        )
    end = _line_end(text, part.start)
    newline = "\r\n" if line.endswith("\r\n") else "\n"
    return text[:end] + newline + line.rstrip("\r\n") + text[end:]


def _masked(text: str) -> str:
    """The text with strings as underscores and comments as spaces, so that what is left has a plain meaning."""

    def blank(found: re.Match[str]) -> str:
        return (" " if found["comment"] is not None else "_") * len(found.group())

    return _STRING_OR_COMMENT.sub(blank, text)


def _lines(masked: str) -> Iterator[tuple[int, int, str]]:
    """Where each line begins, how deep in brackets that is, and the line."""
    start = depth = 0
    for line in masked.splitlines(keepends=True):
        yield start, depth, line
        start += len(line)
        depth += sum(line.count(sign) for sign in "[{") - sum(line.count(sign) for sign in "]}")


def _parts(masked: str) -> list[_Part]:
    """The tables in order; comments and empty lines above a header are of no table."""
    starts = [(0, "")]
    for start, depth, line in _lines(masked):
        stripped = line.lstrip(" \t")
        if depth == 0 and stripped.startswith("["):
            header = _HEADER.match(stripped)
            name = re.sub(r"[ \t]", "", header[1]) if header else "?"
            starts.append((start, name))
    ends = [*starts[1:], (len(masked), "")]
    return [
        _Part(name, start, start + len(masked[start:end].rstrip()))
        for (start, name), (end, _) in zip(starts, ends, strict=True)
    ]


def _inline(masked: str, parts: Sequence[_Part]) -> tuple[int, int] | None:
    """Where the `attributes = [...]` of `[deployment]` begins and ends."""
    for part in parts:
        if part.name != "deployment":
            continue
        statements = [start for start, depth, _ in _lines(masked[part.start : part.end]) if depth == 0]
        ends = [*statements, part.end - part.start]
        for start, end in pairwise(ends):
            statement = masked[part.start + start : part.start + end]
            if _ASSIGNED.match(statement):
                return part.start + start, part.start + start + len(statement.rstrip())
    return None


def _exchanged(
    text: str, parts: Sequence[_Part], old: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed], newline: str
) -> str:
    """The text with its attribute tables changed, taken out, and added to, from its end to its beginning."""
    tables = [part for part in parts if part.name == _TABLE]
    if len(tables) != len(old):
        raise UnusualTextError(f"its attributes are written in an unusual way; {_USUAL}")
    fates, new = _fates(old, wanted)
    behind = tables or [part for part in parts if part.name.split(".")[0] == "deployment"]
    place = behind[-1].end if behind and behind[-1] is not parts[-1] else len(text.rstrip())
    added = "".join(newline * 2 + _table(seed, newline) for seed in new)
    # Behind a table there is always a line of its own, whatever comment ends that table's last line.
    place = _line_end(text, place)
    text = text[:place] + added + text[place:]
    for part, seed, fate in reversed(list(zip(tables, old, fates, strict=True))):
        if fate is None:
            rest = text[part.end :]
            comment = re.match(r"[ \t]*(?:#[^\r\n]*)?", rest)
            assert comment is not None  # it matches everything
            text = text[: part.start] + rest[comment.end() :].lstrip("\r\n")
        elif fate != seed:
            text = text[: part.start] + _table(fate, newline) + text[part.end :]
    return text if text.endswith("\n") else text + newline


def _fates(
    old: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed]
) -> tuple[list[AttributeSeed | None], list[AttributeSeed]]:
    """What becomes of each definition, None for those that go; and the new ones."""
    left = {_identity(seed): seed for seed in wanted}
    return [left.pop(_identity(seed), None) for seed in old], list(left.values())


def _exchanged_in_array(
    text: str, items: Sequence[_Item], opened: int, old: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed]
) -> str:
    """The text with the items of its array changed, taken out, and added to, and all between them as it is."""
    if len(items) != len(old):
        raise UnusualTextError(f"its attributes are written in an unusual way; {_USUAL}")
    fates, new = _fates(old, wanted)
    edits: list[tuple[int, int, str]] = []
    for item, seed, fate in zip(items, old, fates, strict=True):
        if fate is None:
            edits.append((*_whole_line(text, item.start, item.behind), ""))
        elif fate != seed:
            edits.append((item.start, item.end, _inline_table(fate)))
    if items and new and fates[-1] is not None and items[-1].behind == items[-1].end:
        edits.append((items[-1].end, items[-1].end, ","))
    if new:
        edits.append(_added(text, items, opened, new))
    for start, end, instead in reversed(edits):
        text = text[:start] + instead + text[end:]
    return text


def _added(text: str, items: Sequence[_Item], opened: int, new: Sequence[AttributeSeed]) -> tuple[int, int, str]:
    """The edit that puts new items behind the others: each on a line, unless more of the array stands on the last."""
    place = items[-1].behind if items else opened
    end = _line_end(text, place)
    rest = text[place:end].strip()
    newline = "\r\n" if "\r\n" in text else "\n"
    if rest[:1] in ("", "#"):
        return end, end, "".join(f"{newline}    {_inline_table(seed)}," for seed in new)
    sign, tail = (" ", "") if items else (f"{newline}    ", newline)
    return place, place, "".join(f"{sign}{_inline_table(seed)}," for seed in new) + tail


def _items(masked: str, start: int, end: int) -> list[_Item]:
    """The inline tables of the array between these places."""
    found: list[_Item] = []
    depth = begin = 0
    for at in range(start, end):
        sign = masked[at]
        if sign == "{" and depth == 1:
            begin = at
        depth += (sign in "[{") - (sign in "]}")
        if sign == "}" and depth == 1:
            comma = re.compile(r"\s*,").match(masked, at + 1)
            found.append(_Item(begin, at + 1, comma.end() if comma else at + 1))
    return found


def _whole_line(text: str, start: int, end: int) -> tuple[int, int]:
    """That span with the blanks before it; where its lines are all its own, with its comment and one line end too."""
    while text[start - 1] in " \t":
        start -= 1
    rest = text[end : _line_end(text, end)]
    if text[start - 1] == "\n" and rest.strip()[:1] in ("", "#"):
        return start - (2 if text[start - 2] == "\r" else 1), end + len(rest)
    return start, end


def _line_end(text: str, place: int) -> int:
    found = re.compile(r"[^\r\n]*").match(text, place)
    assert found is not None  # it matches everything
    return found.end()


def _verify(after: str, before: dict[str, Any], wanted: Sequence[AttributeSeed]) -> None:
    try:
        read = tomllib.loads(after)
        found = msgspec.convert(read.get("deployment", {}).pop("attributes", []), list[AttributeSeed])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, AttributeError) as error:
        raise UnusualTextError(f"with the new attributes it would not be read any more ({error}); {_USUAL}") from None
    rest = {name: value for name, value in before.get("deployment", {}).items() if name != "attributes"}
    same = {**read, "deployment": read.get("deployment", {})} == {**before, "deployment": rest}
    key = _identity
    if not same or sorted(found, key=key) != sorted(wanted, key=key):
        raise UnusualTextError(f"its attributes cannot be changed in place; {_USUAL}")


def _identity(seed: AttributeSeed) -> tuple[str, str]:
    return seed.entity, seed.name


def _table(seed: AttributeSeed, newline: str) -> str:
    return newline.join([f"[[{_TABLE}]]", *(f"{key} = {_value(value)}" for key, value in said(seed).items())])


def _inline_table(seed: AttributeSeed) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in said(seed).items()) + " }"


def _value(value: Any) -> str:
    """A value in TOML; its strings are JSON's, except that DEL is escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
