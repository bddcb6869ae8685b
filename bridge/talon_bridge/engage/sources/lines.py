"""Whole lines of a text that comes in chunks, bounded whatever comes."""

from typing import Final

from talon_bridge.engage.problems import EngageError

MAX_LINE: Final = 64 * 1024  # bytes of one row
TOO_LONG: Final = f"the row is too long: the limit is {MAX_LINE} bytes"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_KEPT = MAX_LINE + len(_BOM) + 1  # bytes of a line that does not end: enough to tell that it is too long


class Lines:
    """Cuts bytes behind their last line feed. A line of more than `MAX_LINE` bytes may come shortened, but over it."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """The lines that are whole now, each with its line feed. Raises `EngageError` for UTF-16 and for gzip."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._hold(chunk)
            return b""
        begin = chunk.index(b"\n") if len(self._rest) >= _KEPT else 0
        whole = self._clear(bytes(self._rest) + chunk[begin:end])
        self._rest.clear()
        self._hold(chunk[end:])
        return whole

    def close(self) -> bytes:
        """The last line, where no line feed is behind it."""
        last = self._clear(bytes(self._rest))
        self._rest.clear()
        return last

    def _hold(self, tail: bytes) -> None:
        self._rest += tail[: _KEPT - len(self._rest)]

    def _clear(self, text: bytes) -> bytes:
        """The text without a byte order mark before its first line."""
        if self._begun or not text:
            return text
        self._begun = True
        if text[:2] in _UTF16:
            raise EngageError("bad_source", "the source is written in UTF-16", "save it as UTF-8, and try again")
        if text.startswith(_GZIP):
            hint = "unpack it, call a file .gz, or send a body with Content-Encoding: gzip"
            raise EngageError("bad_source", "the source is compressed with gzip, and nothing said so", hint)
        return text.removeprefix(_BOM)


def any_too_long(block: bytes) -> bool:
    """Whether one of these lines is."""
    return len(block) > MAX_LINE and max(map(len, block.split(b"\n"))) > MAX_LINE
