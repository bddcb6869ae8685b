"""KSUIDs, the ids that Segment makes: twenty bytes, the first four of them the time, in 27 letters and digits."""

from typing import Final

EPOCH: Final = 1_400_000_000  # Unix seconds at which their own count begins (source: segmentio/ksuid)
PAYLOAD: Final = 16  # bytes behind the four of the time
LENGTH: Final = 27
_DIGITS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS) ** 2
_PAIRS: Final = [bytes((high, low)) for high in _DIGITS for low in _DIGITS]


def ksuid(moment: float, payload: bytes) -> bytes:
    """The KSUID of a moment in Unix seconds; its four bytes begin anew after 136 years, and before its epoch."""
    second = (int(moment) - EPOCH) % 2**32
    return base62(int.from_bytes(second.to_bytes(4) + payload), LENGTH)


def base62(number: int, width: int) -> bytes:
    """A number in so many of the digits of KSUIDs, the last ones of it where it has more."""
    pairs = []
    for _ in range((width + 1) // 2):
        number, pair = divmod(number, _BASE)
        pairs.append(_PAIRS[pair])
    pairs.reverse()
    return b"".join(pairs)[-width:]
