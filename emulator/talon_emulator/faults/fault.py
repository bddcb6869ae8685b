"""What all faults have in common: which requests they strike, and what they are given to spoil."""

import re
from collections.abc import Awaitable, Callable, Container
from functools import lru_cache
from random import Random
from typing import Annotated

import msgspec

from talon_emulator.exchange import Answer, Request

Work = Callable[[], Awaitable[Answer]]


class Occasion(msgspec.Struct, frozen=True):
    """One request to be struck: `work` carries it out, `dice` is the fault's own chance."""

    request: Request
    work: Work
    dice: Random


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", rename="camel"):
    """A fault and the requests it concerns; what is None concerns all.

    `path` is the path as it was sent, percent-encoded, without the query; `*` in it is any text, slashes too.
    `probability` is that of each such request, `count` how many are struck at most. The same `seed` strikes the
    same ones of the same sequence.
    """

    method: str | None = None
    path: str | None = None
    integration_id: str | None = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seed: int = 0

    def concerns(self, request: Request, integration_ids: Container[str]) -> bool:
        """Tell whether a request that names these customers is one of those that may be struck."""
        return (
            (self.method is None or self.method.upper() == request.method)
            and (self.integration_id is None or self.integration_id in integration_ids)
            and (self.path is None or _matches("/" + request.path.decode("latin-1").lstrip("/"), self.path))
        )

    async def strike(self, occasion: Occasion) -> Answer:
        """Spoil one request and return what is left to answer."""
        raise NotImplementedError


def _matches(path: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)
