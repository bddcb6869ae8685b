"""The kinds of faults, one small class each."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec

from talon_emulator import errors, shapes
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer, Manner, Slowly
from talon_emulator.faults.fault import Fault, Occasion

# What the emulator refuses itself is refused in the same words.
_REAL: Final = {409: errors.profile_busy(), 429: errors.too_many_requests()}

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


class Latency(Fault, frozen=True, kw_only=True, tag="latency"):
    """The work begins late: after `milliseconds`, up to `jitter` more or less.

    A client that does not wait so long has given up when the work is done, which is then done all the same.
    """

    milliseconds: Milliseconds
    jitter: Milliseconds = 0

    async def strike(self, occasion: Occasion) -> Answer:
        """Wait, then work."""
        spread = occasion.dice.uniform(-self.jitter, self.jitter)
        await asyncio.sleep(max(self.milliseconds + spread, 0) / 1000)
        return await occasion.work()


class ErrorStatus(Fault, frozen=True, kw_only=True, tag="error"):
    """Nothing is done; the answer is an error in the shape of the path. `retry_after` is in seconds."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    retry_after: Annotated[int, msgspec.Meta(ge=0)] | None = None

    async def strike(self, occasion: Occasion) -> Answer:
        """Answer the error."""
        answer = shapes.render(occasion.request.path, _REAL.get(self.status) or Refusal(self.status, self._phrase()))
        if self.retry_after is None:
            return answer
        headers = (*answer.headers, (b"retry-after", b"%d" % self.retry_after))
        return msgspec.structs.replace(answer, headers=headers)

    def _phrase(self) -> str:
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Error"


class Reset(Fault, frozen=True, kw_only=True, tag="reset"):
    """The connection is reset, before the work is done or after."""

    moment: Literal["before", "after"] = "before"

    async def strike(self, occasion: Occasion) -> Answer:
        """Work or do not, and have the connection reset."""
        if self.moment == "before":
            return Answer(0, headers=(), manner="reset")
        return _leaving(await occasion.work(), "reset")


class SlowBody(Fault, frozen=True, kw_only=True, tag="slow-body"):
    """The work is done and the head of the answer sent; its body takes `milliseconds`."""

    milliseconds: Milliseconds

    async def strike(self, occasion: Occasion) -> Answer:
        """Work, and have the answer sent slowly."""
        return _leaving(await occasion.work(), Slowly(self.milliseconds / 1000))


class Late(Fault, frozen=True, kw_only=True, tag="late"):
    """Nothing happens until the client gives up; `milliseconds` after that the work is done."""

    milliseconds: Milliseconds = 0

    async def strike(self, occasion: Occasion) -> Answer:
        """Wait for the client to go, then work."""
        await occasion.request.gone()
        await asyncio.sleep(self.milliseconds / 1000)
        return msgspec.structs.replace(await occasion.work(), manner="none")


class Silence(Fault, frozen=True, kw_only=True, tag="silence"):
    """Nothing is done and nothing is answered, for as long as the client waits."""

    async def strike(self, occasion: Occasion) -> Answer:
        """Wait for the client to go."""
        await occasion.request.gone()
        return Answer(0, headers=(), manner="none")


KINDS: Final[dict[str, type[Fault]]] = {
    "latency": Latency,
    "error": ErrorStatus,
    "reset": Reset,
    "slow-body": SlowBody,
    "late": Late,
    "silence": Silence,
}


def _leaving(answer: Answer, manner: Manner) -> Answer:
    """Have an answer leave in this manner, unless another fault has spoilt it already."""
    return msgspec.structs.replace(answer, manner=manner) if answer.manner == "whole" else answer
