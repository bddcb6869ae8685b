"""A sync without a bridge of ours: Engage runs in this process, and its identifies go to another server."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from localtalon import config_file
from localtalon.config import ConfigError
from localtalon.engage_outcome import Outcome, clear_refused, refused_file, write_refused
from localtalon.engage_progress import Stages
from localtalon.engage_sync import Source, Stopped, Undelivered, loop, stage
from localtalon.foreign_door import MAX_CALL, ForeignDoor
from talon_bridge.audience_key import key_of
from talon_bridge.clock import SandboxClock
from talon_bridge.control import engage_answers
from talon_bridge.engage import computations
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.engine import Engage
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.safety import Options
from talon_bridge.engage.sources.ndjson_rows import encode
from talon_bridge.engage.store import open_store
from talon_bridge.engage.syncs import SyncState
from talon_bridge.nearest import nearest
from talon_bridge.settings import SettingsError

_ROOM: Final = 8 * 1024  # bytes of a call for all but the value; an id of 1000 characters takes at most 6000
_NAMES: Final = ("id", "key", "name")
_AT_ONCE: Final = 1000  # refused rows


_KEPT: Final = "what was decided is kept: run the same command again once that is mended"


class Server(msgspec.Struct, frozen=True):
    """Where identifies go, and the directory that keeps the members."""

    url: str
    write_key: str
    data: str

    @property
    def place(self) -> str:
        """The URL as it is kept with the members."""
        return self.url.rstrip("/")

    @property
    def kept(self) -> str:
        """What messages call the data; the URL of a database may hold a password."""
        return "the database of --data" if "://" in self.data else f"--data {self.data}"

    def __repr__(self) -> str:
        """Leave the write key out."""
        return f"Server(url={self.url!r}, data={self.data!r})"


class Asked(msgspec.Struct, frozen=True):
    """What whoever runs the command wants and says: `sure` answers a question, `tell` takes news."""

    options: Options
    refused: Path | None
    sure: Callable[[str], bool]
    tell: Callable[[str], None]


def wanted(name: str, path: Path | None, key: str | None, trait: Any, nullify: bool) -> Computation:
    """The computation of the config with this id, key or name, or the one that the options define.

    Raises `EngageError`, `ConfigError`.
    """
    defined = config_file.load(path or config_file.nearby()).computations()
    same = next(filter(None, ([one for one in defined if getattr(one, what) == name] for what in _NAMES)), [])
    if len(same) > 1:
        ids = " and ".join(repr(one.id) for one in same)
        raise ConfigError(f"{len(same)} in the config are called {name!r}; name one by its id: {ids}")
    if same:
        (found,) = same
        if key is not None or trait is not None or nullify:
            raise ConfigError(f"the {found.noun} is defined in the config; leave --key, --trait and --nullify out")
        return found
    if defined and key is None:
        near = nearest(name, tuple(each for one in defined for each in (one.id, one.key, one.name)))
        hint = f"did you mean {near.name!r}?" if near else "give --key to define it here"
        raise ConfigError(f"the config has no audience or computed trait {name!r}; {hint}")
    own = key_of(name) if key is None else key
    made = Computation(
        own, "audience" if trait is None else "computed_trait", name, own, trait or "boolean", nullify, configured=True
    )
    if made.type not in computations.VALUE_TYPES:
        raise EngageError(
            "bad_definition", f"{trait!r} is no type", f"give one of {', '.join(computations.VALUE_TYPES)}"
        )
    computations.check(made, ())
    return made


def synced(computation: Computation, source: Source, server: Server, asked: Asked) -> Outcome:
    """Sync, once what an earlier run left is sent. Raises `EngageError`, `SettingsError`, `NotWritten`, `Stopped`."""
    logging.getLogger("talon_bridge").addHandler(logging.NullHandler())  # `tell` says it
    with loop() as runner:
        return runner.run(_synced(computation, source, server, asked))


async def _synced(computation: Computation, source: Source, server: Server, asked: Asked) -> Outcome:
    begun = time.monotonic()
    with Stages() as stages:

        def tell(text: str) -> None:
            stages.hide()
            asked.tell(text)

        await _ours(computation, server)
        async with (
            ForeignDoor(server.url, server.write_key, tell) as door,
            _engaged(computation, server, door) as engage,
        ):
            watching = asyncio.create_task(_watch(engage, computation, stages))
            try:
                await _resume(engage, computation, door, tell)
                sync = await _one(engage, computation, source, asked, stages)
            except asyncio.CancelledError:
                raise Stopped(await _standing(engage, computation)) from None
            except EngageError as error:
                if door.refused:
                    raise Undelivered(f"{door.refused}; {_KEPT}") from None
                if error.code in ("too_many_leave", "empty_source"):
                    written = await _refused(engage, computation, asked)
                    if written is not None:
                        tell(f"the refused rows are in {written}")
                raise
            finally:
                watching.cancel()
            written = await _refused(engage, computation, asked)
            if written is None and asked.refused is None:
                clear_refused(refused_file(computation.id))
    return Outcome(computation.name, sync, time.monotonic() - begun, f" to {server.url}", refused=written)


async def _ours(computation: Computation, server: Server) -> None:
    """Refuse data of another server or of a bridge, whose members this one never heard of. Raises `EngageError`."""
    store = open_store(server.data)
    try:
        await store.open()
    except SettingsError as error:
        if not isinstance(error.__context__, BlockingIOError):
            raise
        hint = "wait until it has ended, or give this one another --data"
        raise EngageError("unavailable", f"another `sync --to` or a bridge is using {server.kept}", hint) from None
    try:
        kept = await store.computations()
    finally:
        await store.close()
    for one in kept:
        if one.source is None or one.source.place != server.place:
            owner = one.source.place if one.source is not None and "://" in one.source.place else "a bridge"
            hint = f"give {server.place} its own --data"
            raise EngageError("unavailable", f"{server.kept} belongs to {owner}", hint)
        if one.id == computation.id and (one.kind, one.type) != (computation.kind, computation.type):
            what = f"{server.kept} has the {one.noun} with {one.type} values under the key {one.key}"
            raise EngageError("kind_fixed", what, "give another --key, or another --data")


@contextlib.asynccontextmanager
async def _engaged(computation: Computation, server: Server, door: ForeignDoor) -> AsyncIterator[Engage]:
    """Engage with this one definition; its source, which nothing reads here, is the server that the members are of."""
    owned = msgspec.structs.replace(computation, source=computations.Source(server.place))
    engage = Engage(open_store(server.data), door, SandboxClock(time.time), (owned,))
    await engage.start()
    try:
        yield engage
    finally:
        await engage.stop()


async def _resume(engage: Engage, computation: Computation, door: ForeignDoor, tell: Callable[[str], None]) -> None:
    """Let what is queued go out first."""
    waiting = (await engage.store.queued()).get(computation.id, 0)
    if waiting:
        tell(f"{waiting:,} identifies of an earlier sync go out first")
    while (await engage.store.queued()).get(computation.id, 0):
        if door.refused:
            raise EngageError("unavailable", door.refused, "the identifies of an earlier sync stay in the queue")
        await engage.idle(1.0)


async def _one(
    engage: Engage, computation: Computation, source: Source, asked: Asked, stages: Stages
) -> dict[str, Any]:
    """One sync; where too many would leave, another one if somebody at the terminal wants it."""
    options = asked.options
    try:
        made = await engage.sync(computation.id, _rows(source, computation), options)
    except EngageError as error:
        if error.code != "too_many_leave":
            raise
        stages.hide()
        if not asked.sure(f"{error.message}; {error.hint}\nSync all the same?"):
            raise
        options = msgspec.structs.replace(options, force=True)
        made = await engage.sync(computation.id, _rows(source, computation), options)
    return engage_answers.sync(made)


async def _rows(source: Source, computation: Computation) -> AsyncIterator[Sequence[Row]]:
    """The rows of a source; one whose value is too large for a call of Segment's API is marked as wrong."""
    async for portion in source.rows(computation.key, computation.type):
        yield portion if computation.kind == "audience" else [_fit(row) for row in portion]


def _fit(row: Row) -> Row:
    size = len(encode([row]))
    if size <= MAX_CALL - _ROOM:
        return row
    error = f"the row has {size:,} bytes; a call of Segment's API has at most {MAX_CALL:,}"
    return Row(line=row.line, file=row.file, error=error, excerpt=",".join(row.ids)[:200])


async def _watch(engage: Engage, computation: Computation, stages: Stages) -> None:
    while True:
        await asyncio.sleep(stages.look_every)
        with contextlib.suppress(EngageError):  # the sync says it
            running = await engage.running(computation.id)
            if running is not None:
                stages.at(stage(engage_answers.sync(running)))


async def _refused(engage: Engage, computation: Computation, asked: Asked) -> Path | None:
    """Write the rows that the newest sync has refused."""
    (newest,) = await engage.store.syncs(computation.id, 1)
    lines: list[bytes] = []
    after = 0
    while page := await engage.store.refused(newest.number, after, _AT_ONCE):
        after = page[-1][0]
        lines += [msgspec.json.encode(refused) for _, refused in page]
    return write_refused(asked.refused or refused_file(computation.id), lines)


async def _standing(engage: Engage, computation: Computation) -> str:
    newest = await engage.store.syncs(computation.id, 1)
    if newest and newest[0].state is SyncState.SENDING:
        return f"stopped while sync {newest[0].number} was sent: the next run begins with the rest of it"
    return "stopped while the source was read: nothing was changed"
