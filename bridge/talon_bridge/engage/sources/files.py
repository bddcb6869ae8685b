"""Rows of a file, of a directory of them, or of standard input."""

import asyncio
import gzip
import io
import sys
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, cast

import msgspec

from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources.columns import CsvOptions
from talon_bridge.engage.sources.csv_rows import CsvRows
from talon_bridge.engage.sources.ndjson_rows import NdjsonRows

CHUNK: Final = 64 * 1024  # bytes
STANDARD_INPUT: Final = "-"
TABLES: Final = (".csv", ".tsv", ".txt")
LINES: Final = (".ndjson", ".jsonl", ".json")
PACKED: Final = ".gz"


async def of_files(
    place: str, key: str, options: CsvOptions, regular: bool = False, tell: Callable[[str], None] = lambda _: None
) -> AsyncGenerator[Sequence[Row], None]:
    """The rows of the files there, one file after the other. Raises `EngageError`.

    What the name of a file does not say, its first character does: `{` begins lines of JSON, anything else a table.
    With `regular` nothing is opened that may keep its reader waiting, such as a pipe. `tell` is told of a table, once
    it is read, of which nothing says where the user ids are.
    """
    if place == STANDARD_INPUT:
        async with aclosing(_of_stream(cast(io.BufferedIOBase, sys.stdin.buffer), "", key, options, tell)) as portions:
            async for portion in portions:
                yield portion
        return
    path = Path(place)
    try:
        for file in await asyncio.to_thread(_files, path, regular):
            path = file
            with await asyncio.to_thread(_opened, file) as stream:
                async with aclosing(_of_stream(stream, file.name, key, options, tell)) as portions:
                    async for portion in portions:
                        yield portion
    except EngageError as error:
        if str(path) == place:
            raise
        raise EngageError(error.code, f"{path}: {error.message}", error.hint) from None
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "look at the file; nothing was changed"
        raise EngageError("bad_source", f"{path} cannot be read: {why}", hint) from None


def _files(path: Path, regular: bool) -> list[Path]:
    """The file, or those of a directory in the order of their names, hidden ones and directories left out."""
    if not path.is_dir():
        if regular and path.exists() and not path.is_file():
            raise EngageError("bad_source", f"{path} is neither a file nor a directory", "name one of these")
        return [path]
    known = (*TABLES, *LINES)
    inside = (file for file in path.iterdir() if _kind(file.name) in known and not file.name.startswith("."))
    files = sorted(file for file in inside if file.is_file())
    if not files:
        hint = f"it must hold files that end with {', '.join(known)}, or with one of these and {PACKED}"
        raise EngageError("bad_source", f"there is no source in the directory {path}", hint)
    return files


def _opened(file: Path) -> io.BufferedIOBase:
    if file.name.lower().endswith(PACKED):
        return gzip.open(file, "rb")
    return file.open("rb")


def _kind(name: str) -> str:
    return Path(name.lower().removesuffix(PACKED)).suffix


async def _of_stream(
    stream: io.BufferedIOBase, name: str, key: str, options: CsvOptions, tell: Callable[[str], None]
) -> AsyncGenerator[Sequence[Row], None]:
    chunk = await asyncio.to_thread(stream.read1, CHUNK)
    reader = _reader(name, chunk, key, options)
    while chunk:
        if rows := reader.feed(chunk):
            yield rows
        chunk = await asyncio.to_thread(stream.read1, CHUNK)
    if rows := reader.close():
        yield rows
    if isinstance(reader, CsvRows) and reader.headerless:
        tell(f"{name and f'{name}: '}no header recognised: user ids are taken from column 1")


def _reader(name: str, chunk: bytes, key: str, options: CsvOptions) -> CsvRows | NdjsonRows:
    kind = _kind(name)
    if kind in LINES or (kind not in TABLES and _is_json(chunk)):
        return NdjsonRows(key, name)
    if kind == ".tsv" and options.delimiter is None:
        options = msgspec.structs.replace(options, delimiter="\t")
    return CsvRows(key, options, name)


def _is_json(chunk: bytes) -> bool:
    return chunk.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
