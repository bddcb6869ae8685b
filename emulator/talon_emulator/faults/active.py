"""The faults in effect at one deployment, in the order in which they were made."""

from collections.abc import Container
from functools import partial
from random import Random
from typing import Any

import msgspec

from talon_emulator.exchange import Answer, Request
from talon_emulator.faults.fault import Fault, Occasion, Work


class Armed:
    """A fault in effect: its number, its own chance, and how often it has struck."""

    def __init__(self, number: int, fault: Fault) -> None:
        """Have not struck yet."""
        self.number = number
        self.fault = fault
        self.hits = 0
        self._dice = Random(fault.seed)

    async def around(self, request: Request, work: Work) -> Answer:
        """Strike the request, or let the work be done."""
        if not self._strikes():
            return await work()
        answer = await self.fault.strike(Occasion(request, work, self._dice))
        struck = f"fault {self.number}: {self.fault.__struct_config__.tag}"
        return msgspec.structs.replace(answer, note=f"{struck}; {answer.note}" if answer.note else struck)

    def view(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return {"id": self.number, "hits": self.hits, **msgspec.to_builtins(self.fault)}

    def _strikes(self) -> bool:
        fault = self.fault
        if fault.count is not None and self.hits >= fault.count:
            return False
        if self._dice.random() >= fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults of a deployment. A request passes them one inside the other, the oldest outermost.

    So one that answers itself leaves the younger ones untouched: an error that strikes twice, then another that strikes
    once, is a sequence.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._armed: list[Armed] = []
        self._next = 1

    def __len__(self) -> int:
        """Return how many there are, spent ones too."""
        return len(self._armed)

    def all(self) -> tuple[Armed, ...]:
        """Return all of them."""
        return tuple(self._armed)

    def add(self, fault: Fault) -> Armed:
        """Put a fault into effect."""
        armed = Armed(self._next, fault)
        self._next += 1
        self._armed.append(armed)
        return armed

    def remove(self, number: int) -> bool:
        """End a fault; tell whether there was one of this number."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if armed.number != number]
        return len(self._armed) < before

    def clear(self) -> None:
        """End all of them; what they hold up already goes on as it was struck."""
        self._armed = []

    async def around(self, request: Request, integration_ids: Container[str], work: Work) -> Answer:
        """Carry a request out as far as the faults let it be."""
        for armed in reversed(self._armed):
            if armed.fault.concerns(request, integration_ids):
                work = partial(armed.around, request, work)
        return await work()
