"""Gzip bodies, inflated with a cap on what comes out."""

import zlib


class TooLarge(Exception):
    """The inflated data exceeds the cap."""


class Corrupt(Exception):
    """The data is not a whole gzip stream."""


def gunzip(data: bytes, cap: int) -> bytes:
    """Inflate all members of a gzip stream. Raises TooLarge above `cap` bytes, Corrupt when a member is not whole."""
    output = bytearray()
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            output += member.decompress(data, cap - len(output) + 1)
        except zlib.error as error:
            raise Corrupt from error
        if len(output) > cap:
            raise TooLarge
        if not member.eof:
            raise Corrupt
        data = member.unused_data
    return bytes(output)
