"""Lets settled events go, by age and by size, a few at a time beside the deliveries."""

import asyncio
import logging
from collections.abc import Callable

from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable, Retention

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0  # seconds


async def keep_pruned(outbox: Outbox, retention: Retention, clock: Callable[[], float]) -> None:
    """Prune until cancelled. `clock` gives Unix seconds."""
    while True:
        try:
            while await outbox.prune(clock(), retention):
                pass
        except OutboxUnavailable as error:
            log.warning("settled events cannot be pruned: %s", error, extra={"action": "prune_failed"})
        await asyncio.sleep(LOOK_EVERY)
