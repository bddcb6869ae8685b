"""A process that syncs one set of users after the other into a store of Engage, until it is killed.

What goes through its door is written to a file, a line for each change, before the store hears of it.
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.rows import Member
from talon_bridge.engage.store import open_store
from talon_bridge.engage.syncs import Counts

USERS = 1500
AT_ONCE = 100


def wanted(number: int) -> set[str]:
    """The users of a sync; nobody before the first."""
    return {f"user {place}" for place in Random(number).sample(range(USERS), USERS // 2)} if number else set()


async def sync_forever(data: str, number: int, door: Path) -> None:
    """Begin with this number; each is printed once it is decided."""
    store = open_store(data)
    await store.open()
    await store.define(Computation("a", "audience", "Buyers", "buyers"))
    with door.open("a") as file:
        while True:
            while changes := await store.queue("a", AT_ONCE):
                file.writelines(f"{change.number},{change.user_id},{change.value.decode()}\n" for change in changes)
                file.flush()
                await store.taken("a", changes[-1].number, 3.0)
            sync = await store.begin("a", "request", 1.0)
            await store.stage(sync, [Member(user_id, b"true") for user_id in wanted(number)], [])
            await store.compare(sync, leaves=True)
            await store.decide(sync, Counts(), b"false", 2.0)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    asyncio.run(sync_forever(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
