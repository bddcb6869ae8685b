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


class UnusualTextError(Exception):
    """The attributes are written in a way that cannot be rewritten safely."""


class _Part(msgspec.Struct, frozen=True):
    """The text of one table: its dotted name (empty before the first header), and where it begins and ends."""

    name: str
    start: int
    end: int


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
    inline = None if not isinstance(deployment, dict) else _inline(masked, parts)
    if inline is not None:
        start, end = inline
        after = text[:start] + _array(wanted, newline) + text[end:]
    else:
        after = _exchanged(text, parts, old, wanted, newline)
    _verify(after, before, wanted)
    return after


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
    """Where `attributes = [...]` stands in `[deployment]`."""
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
        raise UnusualTextError("the attributes are not written as [[deployment.attributes]]")
    left = {(seed.entity, seed.name): seed for seed in wanted}
    fates = [left.pop((seed.entity, seed.name), None) for seed in old]
    behind = tables or [part for part in parts if part.name.split(".")[0] == "deployment"]
    place = behind[-1].end if behind and behind[-1] is not parts[-1] else len(text.rstrip())
    tail = text[place:]
    added = "".join(newline * 2 + _table(seed, newline) for seed in left.values())
    # Behind a table there is always a line of its own, whatever comment ends that table's last line.
    line_end = re.match(r"[^\r\n]*", tail)
    assert line_end is not None  # it matches everything
    text = text[: place + line_end.end()] + added + tail[line_end.end() :]
    for part, seed, fate in reversed(list(zip(tables, old, fates, strict=True))):
        if fate is None:
            rest = text[part.end :]
            comment = re.match(r"[ \t]*(?:#[^\r\n]*)?", rest)
            assert comment is not None  # it matches everything
            text = text[: part.start] + rest[comment.end() :].lstrip("\r\n")
        elif fate != seed:
            text = text[: part.start] + _table(fate, newline) + text[part.end :]
    return text if text.endswith("\n") else text + newline


def _verify(after: str, before: dict[str, Any], wanted: Sequence[AttributeSeed]) -> None:
    try:
        read = tomllib.loads(after)
        found = msgspec.convert(read.get("deployment", {}).pop("attributes", []), list[AttributeSeed])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, AttributeError) as error:
        raise UnusualTextError(f"with the new attributes it would not be read any more ({error})") from None
    rest = {name: value for name, value in before.get("deployment", {}).items() if name != "attributes"}
    same = {**read, "deployment": read.get("deployment", {})} == {**before, "deployment": rest}
    key = _identity
    if not same or sorted(found, key=key) != sorted(wanted, key=key):
        raise UnusualTextError("the attributes are written in a way that cannot be changed in place")


def _identity(seed: AttributeSeed) -> tuple[str, str]:
    return seed.entity, seed.name


def _table(seed: AttributeSeed, newline: str) -> str:
    return newline.join([f"[[{_TABLE}]]", *(f"{key} = {_value(value)}" for key, value in said(seed).items())])


def _array(seeds: Sequence[AttributeSeed], newline: str) -> str:
    if not seeds:
        return "attributes = []"
    items = (", ".join(f"{key} = {_value(value)}" for key, value in said(seed).items()) for seed in seeds)
    return newline.join(["attributes = [", *(f"    {{ {item} }}," for item in items), "]"])


def _value(value: Any) -> str:
    """A value in TOML; its strings are JSON's, except that DEL is escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
