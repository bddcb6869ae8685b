"""A write-ahead log of SQLite: what SQLite will read of it, and what it would pass over in silence.

SQLite stops reading at the first frame that is not whole and takes that for the end: rightly after a crash in the
middle of a write, and wrongly when bytes of the log were damaged later, for then everything behind them, committed and
answered with 200, is gone without a word. Three things tell the two apart. A frame's checksum goes on from that of the
frame before, so frames behind the damage still prove each other. Frames of an earlier use of the same file carry other
salts. And the index of the log (`-shm`) says how many frames were committed, unless the machine was switched off.
Format: https://sqlite.org/fileformat2.html#the_write_ahead_log and https://sqlite.org/walformat.html.
"""

import mmap
import struct
import sys
from typing import NamedTuple

_Bytes = bytes | mmap.mmap
_Sums = tuple[int, int]

HEADER = 32
FRAME_HEADER = 24
_MAGIC = 0x377F0682  # its last bit says that checksums read the bytes in big-endian order
_VERSION = 3007000
PAGE_SIZES = frozenset(1 << bits for bits in range(9, 17))
_INDEX_HEADER = 48
_MASK = 0xFFFFFFFF


class Log(NamedTuple):
    """A log, read as SQLite reads it.

    `frames` is how many it takes, up to the last commit; `pages` how large the database is after them, and `held` which
    pages are in them. `header_damaged`: SQLite would take none, for the header is not whole. `later` counts the
    transactions behind the place where it stops that were certainly written to their end; `torn` says that there is
    something of one that was not, or is not whole any more.
    """

    frames: int = 0
    pages: int = 0
    page_size: int = 0
    held: frozenset[int] = frozenset()
    salts: bytes = b""
    header_damaged: bool = False
    later: int = 0
    torn: bool = False


class Index(NamedTuple):
    """What the index of a log says: how many frames were committed, and how many of them the database file has."""

    frames: int
    in_database: int
    salts: bytes


def read(wal: _Bytes) -> Log:
    """What SQLite will make of a log."""
    if not any(wal[:HEADER]) and not any(wal[HEADER:]):
        return Log()  # made, and never written
    if len(wal) < HEADER:
        return Log()  # a header is on disk before anything is committed after it
    magic, version, page_size, _, _, _, *sums = struct.unpack(">8I", wal[:HEADER])
    order = ">" if magic & 1 else "<"
    whole = magic | 1 == _MAGIC | 1 and version == _VERSION and page_size in PAGE_SIZES
    if not whole or checksum(wal[:24], (0, 0), order) != tuple(sums):
        return Log(header_damaged=True)
    return _Reader(wal, page_size, order).log((sums[0], sums[1]))


def index(shm: bytes) -> Index | None:
    """What the index says; None when it does not tell. Its numbers are in the order of this machine."""
    header = shm[:_INDEX_HEADER]
    order = "<" if sys.byteorder == "little" else ">"
    if len(shm) < 2 * _INDEX_HEADER + 4 or header != shm[_INDEX_HEADER : 2 * _INDEX_HEADER] or not header[12]:
        return None
    if checksum(header[:40], (0, 0), order) != struct.unpack("=2I", header[40:]):
        return None
    (frames,) = struct.unpack("=I", header[16:20])
    (in_database,) = struct.unpack_from("=I", shm, 2 * _INDEX_HEADER)
    return Index(frames, in_database, header[32:40])


def checksum(data: bytes, sums: _Sums, order: str) -> _Sums:
    """SQLite's checksum of data whose length is a multiple of 8, going on from `sums`."""
    one, two = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for first, second in zip(words, words, strict=True):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two


class _Reader:
    """Goes through the frames of a log whose header is whole."""

    def __init__(self, wal: _Bytes, page_size: int, order: str) -> None:
        self._wal = wal
        self._page_size = page_size
        self._order = order
        self._salts = wal[16:24]
        self._size = FRAME_HEADER + page_size
        self._count = (len(wal) - HEADER) // self._size

    def log(self, sums: _Sums) -> Log:
        """Read from the first frame on."""
        frames = pages = 0
        held, pending = set[int](), set[int]()
        stopped = self._count
        for number in range(self._count):
            page, size, told = self._header(number)
            if not page or not self._is_ours(number) or self._sums(number, sums) != told:
                stopped = number
                break
            sums = told
            pending.add(page)
            if size:
                frames, pages = number + 1, size
                held |= pending
                pending.clear()
        ends = [number for number in range(stopped, self._count) if self._is_ours(number) and self._header(number)[1]]
        proved = next((number for number in reversed(ends) if self._is_proved(number)), -1)
        later = sum(1 for number in ends if number <= proved)
        torn = later < len(ends) or (stopped < self._count and self._is_ours(stopped))
        return Log(frames, pages, self._page_size, frozenset(held), self._salts, False, later, torn)

    def _header(self, number: int) -> tuple[int, int, _Sums]:
        """The page that a frame holds, the size of the database if it ends a transaction, else 0, and its checksum."""
        at = HEADER + number * self._size
        page, size, _, _, one, two = struct.unpack(">6I", self._wal[at : at + FRAME_HEADER])
        return page, size, (one, two)

    def _is_ours(self, number: int) -> bool:
        at = HEADER + number * self._size
        return self._wal[at + 8 : at + 16] == self._salts

    def _sums(self, number: int, before: _Sums) -> _Sums:
        at = HEADER + number * self._size
        sums = checksum(self._wal[at : at + 8], before, self._order)
        return checksum(self._wal[at + FRAME_HEADER : at + self._size], sums, self._order)

    def _is_proved(self, number: int) -> bool:
        """Whether a frame goes on from what the frame before it says, whether that one is whole or not."""
        if not number:
            return False
        _, _, before = self._header(number - 1)
        return self._sums(number, before) == self._header(number)[2]
