"""Live changes of membership in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from talon_bridge.engage.store import rows
from talon_bridge.engage.store.postgres_database import Database
from talon_bridge.engage.syncs import Live


async def change(
    database: Database,
    on: Any,
    computation: int,
    present: Mapping[str, bytes],
    gone: Sequence[str],
    leaving: bytes,
    now: float,
) -> Live:
    """In a transaction that has locked the computation: see `Store.change`."""
    coming = {user_id.encode(): rows.kept(value) for user_id, value in present.items()}
    going = [user_id.encode() for user_id in gone]
    known = dict(await database.run("known", computation, [*coming, *dict.fromkeys(going)], on=on))
    entered = {id: value for id, value in coming.items() if id not in known}
    changed = {id: value for id, value in coming.items() if id in known and known[id] != value}
    left = [id for id in dict.fromkeys(going) if id in known or id in coming]
    changes = [(id, value) for id, value in coming.items() if id in entered or id in changed]
    changes += [(id, rows.kept(leaving)) for id in left]
    for name, users in (("enter", entered), ("change", changed)):
        if users:
            await database.run(name, computation, list(users), list(users.values()), on=on)
    if left:
        await database.run("leave", computation, left, on=on)
    if changes:
        ids, values = zip(*changes, strict=True)
        await database.run("append", computation, list(ids), list(values), now, on=on)
        await database.run("recount", computation, len(entered) - len(left), len(changes), on=on)
    return Live(len(entered), len(left), len(changed), len(present) + len(gone) - len(changes))
