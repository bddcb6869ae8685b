"""Commits: whatever is asked for during one transaction shares the next, so that many callers cost one fsync."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from talon_bridge.outbox.protocol import OutboxUnavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Commits(Generic[Item, Answer]):
    """Gathers the items of concurrent callers for `run`, which does them in one transaction, in order.

    `run` gives each caller's answer. A transaction takes about `most` items. When one fails for another reason than
    that the store is unavailable, each of its callers has one of his own, so that nobody suffers for another's values.
    """

    def __init__(
        self, name: str, run: Callable[[Sequence[Sequence[Item]]], Awaitable[Sequence[Answer]]], most: int
    ) -> None:
        self._name = name
        self._run = run
        self._most = most
        self._asked: list[tuple[Sequence[Item], asyncio.Future[Answer]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to take items."""
        self._task = asyncio.create_task(self._commit_forever(), name=self._name)

    async def close(self) -> None:
        """Finish what was asked for."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def ask(self, items: Sequence[Item]) -> Answer:
        """The answer for these items, once they are durable. Raises what `run` raises."""
        if self._closing or self._task is None:
            raise OutboxUnavailable("the outbox is closed")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.append((items, answer))
        self._wake.set()
        return await answer

    async def _commit_forever(self) -> None:
        while not (self._closing and not self._asked):
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                await self._commit(self._next())

    def _next(self) -> list[tuple[Sequence[Item], "asyncio.Future[Answer]"]]:
        number = size = 0
        while number < len(self._asked) and (not number or size + len(self._asked[number][0]) <= self._most):
            size += len(self._asked[number][0])
            number += 1
        chosen, self._asked = self._asked[:number], self._asked[number:]
        return chosen

    async def _commit(self, asked: list[tuple[Sequence[Item], "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._run([items for items, _ in asked])
        except Exception as error:
            if len(asked) > 1 and not isinstance(error, OutboxUnavailable):
                for one in asked:
                    await self._commit([one])
                return
            for _, future in asked:
                if not future.done():  # else whoever asked has gone away
                    future.set_exception(error)
            return
        for (_, future), answer in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(answer)
