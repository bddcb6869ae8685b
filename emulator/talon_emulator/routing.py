"""From a request line to an operation: a tree of decoded path segments."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from talon_emulator.calls import Operation

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Match(NamedTuple):
    """The operation a path leads to, with its path parameters, decoded."""

    operation: Operation
    path: dict[str, str]


class NoMatch(NamedTuple):
    """No operation; `allowed` are the methods the path would have, empty when the path is unknown."""

    allowed: tuple[str, ...]


class BadPath(NamedTuple):
    """A path that cannot be decoded."""

    details: str


class _Node:
    __slots__ = ("literals", "operations", "parameter", "parameter_name")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.parameter_name = ""
        self.operations: dict[str, Operation] = {}


class Routes:
    """A route table, compiled. A literal segment wins over a parameter; a parameter is one segment, never empty.

    A parameter without a name, `{}`, goes by the name that another operation gives to its place, if one does.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Compile the table. Two operations on one method and path are a programmer's error."""
        self._root = _Node()
        for operation in operations:
            node = self._root
            for segment in operation.template.split("/")[1:]:
                node = _child(node, segment)
            assert operation.method not in node.operations, f"{operation.method} {operation.template} is there twice"
            node.operations[operation.method] = operation

    def find(self, method: str, raw_path: bytes) -> Match | NoMatch | BadPath:
        """Find the operation of a request line. HEAD finds what GET does."""
        segments = split(raw_path)
        if isinstance(segments, BadPath):
            return segments
        values: dict[str, str] = {}
        node = _walk(self._root, segments, 0, values)
        if node is None:
            return NoMatch(())
        operation = node.operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            return NoMatch(tuple(sorted(node.operations)))
        return Match(operation, values)


def split(raw_path: bytes) -> list[str] | BadPath:
    """Cut a path at its slashes and decode each segment as UTF-8, so that `a%2Fb` stays one segment (ID-1).

    Empty segments are left out, except at the end: Segment's destination sends `//v2/authping` when its deployment
    setting ends with a slash (observed).
    """
    if raw_path.startswith(b"/") and b"%" not in raw_path and b"//" not in raw_path and raw_path.isascii():
        return raw_path[1:].decode("ascii").split("/")
    *inner, last = raw_path.split(b"/")
    segments = []
    for raw in [*filter(None, inner), last]:
        if _BAD_ESCAPE.search(raw):
            return BadPath("a % is not followed by two hexadecimal digits")
        try:
            segments.append(unquote_to_bytes(raw).decode("utf-8"))
        except UnicodeDecodeError:
            return BadPath("a segment is not UTF-8")
    return segments


def _child(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literals.setdefault(segment, _Node())
    name = segment.strip("{}")
    if node.parameter is None:
        node.parameter = _Node()
    node.parameter_name = node.parameter_name or name
    assert name in ("", node.parameter_name), f"one place in a path has two names: {name}, {node.parameter_name}"
    return node.parameter


def _walk(node: _Node, segments: list[str], position: int, values: dict[str, str]) -> _Node | None:
    """Follow the segments from `position` on; recursion only where both a literal and a parameter could go on."""
    for index in range(position, len(segments)):
        segment = segments[index]
        literal, parameter = node.literals.get(segment), node.parameter
        if literal is not None:
            if parameter is not None:
                found = _walk(literal, segments, index + 1, values)
                if found is not None:
                    return found
            else:
                node = literal
                continue
        if parameter is None or not segment:
            return None
        values[node.parameter_name] = segment
        node = parameter
    return node if node.operations else None
