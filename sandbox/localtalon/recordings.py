"""Recorded events: the calls in files and folders, each with its place, and what cannot be read as one."""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from localtalon import json_lines, recorded_files
from talon_bridge import codec, events
from talon_bridge.codec import MalformedError
from talon_bridge.events import Accepted
from talon_contracts.reports.events import Place

LONGEST_LINE: Final = 1024 * 1024
LARGEST_DOCUMENT: Final = 32 * 1024 * 1024
_EVENT_LIKE: Final = frozenset({"type", "userId", "anonymousId", "traits"})
_event = codec.decoder(events.Event)


@dataclass(frozen=True, slots=True)
class Source:
    """A call or a batch as it stands in a file: on which line it begins, its text, the pointer that leads to it."""

    file: str
    line: int
    text: bytes
    pointer: str = ""

    def place(self, pointer: str) -> Place:
        """Where a value in it stands."""
        below = json_lines.lines(self.text, [pointer]).get(pointer, 1) if b"\n" in self.text else 1
        return Place(self.file, self.pointer + pointer, self.line + below - 1)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the door takes it; `pointer` leads to it in its source."""

    source: Source
    pointer: str
    event: Accepted

    def place(self, pointer: str) -> Place:
        """Where a value below the call stands."""
        return self.source.place(self.pointer + pointer)


@dataclass(frozen=True, slots=True)
class Unread:
    """What is no event; `judged` says whether it was read and found wrong, or could not even be read."""

    place: Place
    message: str
    hint: str = ""
    judged: bool = True


def calls(paths: Iterable[str]) -> Iterator[Call | Unread]:
    """Everything in these files and folders, in order; `-` is standard input."""
    for path in paths:
        for file in _files(path):
            yield from file if isinstance(file, list) else _in_file(str(file))


def _files(path: str) -> Iterator[Path | list[Unread]]:
    if path == "-" or not Path(path).is_dir():
        yield Path(path)
        return
    nothing = True
    for file in recorded_files.below(path):
        if isinstance(file, OSError):
            place = Place(_shown(str(file.filename or path)))
            yield [Unread(place, f"the folder cannot be read: {file.strerror or file}", judged=False)]
        elif recorded_files.is_recording(file.name):
            nothing = False
            yield file
    if nothing:
        hint = f"files of events are called {', '.join(f'*{suffix}' for suffix in recorded_files.SUFFIXES)}, also .gz"
        yield [Unread(Place(path), "there is no file of events in this folder", hint, judged=False)]


def _shown(name: str) -> str:
    return "standard input" if name == "-" else os.fsencode(name).decode("utf-8", "backslashreplace")


def _in_file(name: str) -> Iterator[Call | Unread]:
    shown = _shown(name)
    nothing = True
    try:
        with recorded_files.opened(name) as stream:
            for item in _in_stream(shown, stream):
                nothing = False
                yield item
    except OSError as error:
        hint = "leave the pattern unquoted, so that the shell puts files in its place" if "*" in name else ""
        yield Unread(Place(shown), f"the file cannot be read: {error.strerror or error}", hint, judged=False)
    except (EOFError, zlib.error) as error:
        yield Unread(Place(shown), f"the file cannot be unpacked: {error}", judged=False)
    else:
        if nothing:
            yield Unread(Place(shown), "there is no event in this file", judged=False)


def _in_stream(name: str, stream: BinaryIO) -> Iterator[Call | Unread]:
    """One JSON text, or one a line: which of them, the first line tells, and else the file's name."""
    if recorded_files.is_by_line(name):
        yield from _by_line(name, (), stream)
        return
    first = _first_line(stream)
    if not first.strip():
        return
    if len(first) <= LONGEST_LINE and _is_container(first):
        yield from _by_line(name, BytesIO(first), stream)
        return
    raw = first + stream.read(LARGEST_DOCUMENT + 1 - len(first))
    if len(raw) > LARGEST_DOCUMENT:
        message = f"the file holds one JSON text of more than {LARGEST_DOCUMENT >> 20} MiB"
        yield Unread(Place(name), message, "write one call a line, which can be of any number", judged=False)
        return
    yield from _in_text(name, 1, raw)


def _first_line(stream: BinaryIO) -> bytes:
    """The first line that is not blank, with the blank ones before it."""
    line = stream.readline(LONGEST_LINE + 1)
    while line and not line.strip() and len(line) <= LONGEST_LINE:
        more = stream.readline(LONGEST_LINE + 1)
        if not more:
            break
        line += more
    return line


def _by_line(name: str, before: Iterable[bytes], stream: BinaryIO) -> Iterator[Call | Unread]:
    for number, line in enumerate(chain(before, _lines(stream)), 1):
        if len(line) > LONGEST_LINE:
            message = f"the line has more than {LONGEST_LINE} bytes; no call has"
            yield Unread(Place(name, line=number), message)
        elif line.strip():
            yield from _in_text(name, number, line.strip())


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream; of one that is too long, only the first part."""
    while line := stream.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE + 1)


def _is_container(raw: bytes) -> bool:
    try:
        return isinstance(codec.value(raw), dict | list)
    except MalformedError:
        return False


def _in_text(file: str, line: int, text: bytes) -> Iterator[Call | Unread]:
    """The calls of one JSON text that begins on this line: an array of them, a batch, or one."""
    if not text.lstrip().startswith(b"["):
        yield from _in_object(Source(file, line, text))
        return
    try:
        items = events.listed(text)
    except MalformedError as error:
        yield _malformed(Source(file, line, text), error)
        return
    end = 0
    for index, item in enumerate(items):
        start = text.index(item, end)  # only commas and spaces are between them
        line, end = line + text.count(b"\n", end, start), start + len(item)
        yield from _in_object(Source(file, line, item, f"/{index}"))
        line += item.count(b"\n")


def _in_object(source: Source) -> Iterator[Call | Unread]:
    raw = source.text
    try:
        document = codec.value(raw)
        if len(raw) > events.MAX_EVENT_BYTES:
            raw = codec.encode(document)  # spaces do not count, which whoever recorded it may have added
        if isinstance(document, dict) and "batch" in document:
            accepted = events.batch(raw, 0.0, lambda: "").events
            yield from (Call(source, f"/batch/{index}", event) for index, event in enumerate(accepted))
        elif isinstance(document, dict) and not _EVENT_LIKE.isdisjoint(document):
            kind = codec.read(_event, raw).type or "identify"
            yield Call(source, "", _accepted(raw, kind, "receivedAt" in document))
        else:
            message = "this is no call: one has at least one of type, userId, anonymousId and traits"
            yield Unread(source.place(""), message)
    except MalformedError as error:
        yield _malformed(source, error)


def _accepted(raw: bytes, kind: str, passed_on: bool) -> Accepted:
    """A call as the door takes it; Segment has passed on what has the time at which it arrived there."""
    if passed_on and len(raw) > events.MAX_EVENT_BYTES:
        return events.forwarded(raw, "", 0.0, lambda: "")
    return events.single(raw, kind, 0.0, lambda: "").events[0]


def _malformed(source: Source, error: MalformedError) -> Unread:
    """What the door would refuse; of a text that is no JSON, with the line where it stops to be any."""
    problem = error.malformed
    hint = "the door answers 400 to it, and nothing of its request is stored"
    if problem.code in ("invalid_json", "invalid_utf8"):
        ended = "trailing" in problem.message
        hint = "a file holds one JSON text, or one a line (as `jq -c` writes them)" if ended else ""
        line = source.line + json_lines.line_of_error(source.text, problem.message) - 1
        return Unread(Place(source.file, source.pointer, line), problem.message, hint)
    return Unread(source.place(problem.pointer), problem.message, hint)
