"""The identify that Engage sends for a user who enters, leaves, or has another value."""

import math
from datetime import UTC, datetime
from hashlib import blake2b

from talon_bridge import codec
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.ksuid import LENGTH, PAYLOAD, base62, ksuid
from talon_bridge.engage.syncs import Change

SPACE = 22  # letters and digits of a space id (observed)

# The members and their order are those of an identify that was captured in 2024 (observed by a third party);
# `integrations` names the destination of the audience and nothing else (documented). It holds no writeKey: that is
# the secret of the source, and no destination looks at it.
_CONTEXT = (
    b'{"context":{"integrations":{"personas":false},"library":{"name":"unknown","version":"unknown"},'
    b'"personas":{"computation_class":%b,"computation_id":%b,"computation_key":%b,"namespace":%b,"space_id":%b}},'
    b'"integrations":{"All":false,"Talon.One":true,"Warehouses":{"all":false}},"messageId":"personas_'
)
_TIMES = (
    b'","originalTimestamp":"%(second)b.%(nanos)09dZ","receivedAt":"%(second)b.%(millis)03dZ","sentAt":null,'
    b'"timestamp":"%(second)b.%(millis)03dZ","traits":{%(key)b:'
)
_USER = b'},"type":"identify","userId":'


class Identifies:
    """The identifies of a computation. `token` makes their messageIds those of one store, `space_id` is Engage's."""

    def __init__(self, computation: Computation, space_id: str, token: str) -> None:
        kind = "audience" if computation.kind == "audience" else "trait"
        named = (kind, computation_id(computation, space_id), computation.key, space_id, space_id)
        self._begin = _CONTEXT % tuple(codec.encode(text) for text in named)
        self._key = codec.encode(computation.key)
        self._seed = blake2b(codec.encode([token, computation.id]), digest_size=PAYLOAD)
        self._at = math.nan
        self._times = b""

    def text(self, change: Change) -> bytes:
        """The JSON text; the same change always has the same text, and its messageId (DEL-3)."""
        if change.at != self._at:  # all changes of a sync have one time
            self._at, self._times = change.at, self._behind_id(change.at)
        digest = self._seed.copy()
        digest.update(b"%d" % change.number)
        message_id = ksuid(change.at, digest.digest())
        user = codec.encode(change.user_id)
        return b"".join((self._begin, message_id, self._times, change.value, _USER, user, b"}"))

    def _behind_id(self, at: float) -> bytes:
        """What stands between the messageId and the value."""
        whole = math.floor(at)
        nanos = int((at - whole) * 1_000_000_000)
        second = datetime.fromtimestamp(whole, UTC).isoformat().removesuffix("+00:00").encode()
        return _TIMES % {b"second": second, b"nanos": nanos, b"millis": nanos // 1_000_000, b"key": self._key}


def computation_id(computation: Computation, space_id: str) -> str:
    """What Engage would call it: `aud_` or `tra_` and 27 letters and digits, the same ones as long as it is defined."""
    prefix = "aud_" if computation.kind == "audience" else "tra_"
    return prefix + _name(f"{space_id} {computation.id}", 20, LENGTH)


def space_id(token: str) -> str:
    """The Engage space of a store: `spa_` and 22 letters and digits."""
    return "spa_" + _name(token, 16, SPACE)


def _name(text: str, size: int, width: int) -> str:
    digest = blake2b(text.encode(), digest_size=size).digest()
    return base62(int.from_bytes(digest), width).decode()
