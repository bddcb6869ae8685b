"""The files of recorded events: which of a folder they are, and their bytes, compressed or not."""

import gzip
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

BY_LINE: Final = (".ndjson", ".jsonl")
SUFFIXES: Final = (".json", *BY_LINE)
_COMPRESSED: Final = ".gz"  # as Segment writes them into a bucket
_MAGIC: Final = b"\x1f\x8b"


def is_recording(name: str) -> bool:
    """Whether a file in a folder has the name of recorded events."""
    return _plain(name).endswith(SUFFIXES)


def is_by_line(name: str) -> bool:
    """Whether the name says that there is one JSON text a line."""
    return _plain(name).endswith(BY_LINE)


def below(folder: str) -> Iterator[Path | OSError]:
    """Every file below a folder in order of its path, through links as well, and each folder that cannot be read."""
    unread: list[OSError] = []
    files: list[Path] = []
    seen: set[str] = set()
    for at, folders, names in os.walk(folder, onerror=unread.append, followlinks=True):
        here = os.path.realpath(at)
        if here in seen:
            folders.clear()  # a link has led back, or to where another one has led
            continue
        seen.add(here)
        files += [Path(at, name) for name in names]
    yield from unread
    # A link to nothing is told when it is read; sockets and the like are no files.
    yield from (file for file in sorted(files) if file.is_file() or not file.exists())


def passed_over(paths: Iterable[str]) -> list[str]:
    """The files below folders among these paths whose names are not those of recorded events."""
    folders = [path for path in paths if path != "-" and Path(path).is_dir()]
    found = [file for folder in folders for file in below(folder) if isinstance(file, Path)]
    return [os.fsencode(file).decode("utf-8", "backslashreplace") for file in found if not is_recording(file.name)]


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The bytes of a file, or of standard input for `-`; what is compressed is unpacked as it is read."""
    with sys.stdin.buffer if name == "-" else open(name, "rb") as stream:
        peeking = stream if isinstance(stream, BufferedReader) else BufferedReader(stream)  # type: ignore[type-var]
        if peeking.peek(2)[:2] != _MAGIC:
            yield cast("BinaryIO", peeking)
            return
        with gzip.open(peeking, "rb") as unpacked:
            yield cast("BinaryIO", unpacked)


def _plain(name: str) -> str:
    """The name in lower case, without the ending of compressed files."""
    return name.lower().removesuffix(_COMPRESSED)
