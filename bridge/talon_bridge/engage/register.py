"""The definitions that there are: of the config and over HTTP, kept in the store, found by id, key or name."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from talon_bridge.engage import computations
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.misfit import Definitions, Misfit, Unreachable
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.store.protocol import Store, SyncRunning
from talon_bridge.nearest import nearest
from talon_bridge.settings import SettingsError

AGAIN = 0.05  # seconds until another process is looked at again that is defining something
_DEFINITIONS = " definitions"  # what is claimed for that; the id of no computation


class Defined(msgspec.Struct, frozen=True):
    """A definition that was kept. `created`: there was none of this id.

    `misfit` is why its attribute in Talon.One does not take its values; `checked` says whether that could be asked.
    """

    computation: Computation
    created: bool
    misfit: Misfit | None
    checked: bool


class Register:
    """Definitions by id, in the order of definition. Methods raise `EngageError`.

    What left the config stays in the store, so that the difference goes on where it comes back, but is not listed.
    """

    def __init__(self, store: Store, definitions: Definitions | None) -> None:
        self._store = store
        self._definitions = definitions
        self._known: dict[str, Computation] = {}
        self._stored: dict[str, Computation] = {}
        self._configured: set[str] = set()
        self._lock = asyncio.Lock()

    async def open(self, configured: Sequence[Computation]) -> None:
        """Take up what is stored, and under it what the config defines. Raises `SettingsError`."""
        async with self._alone():
            for wanted in configured:
                before = self._stored.get(wanted.id)
                if before is not None and not before.configured:
                    what = f"the config defines the {wanted.noun}, and {wanted.id} was defined over HTTP before"
                    raise SettingsError(f"{what}; delete it there, or give another id")
                try:
                    await self._keep(self._checked(wanted))
                except EngageError as error:
                    raise SettingsError(f"{error.message}; {error.hint}") from None

    async def refresh(self) -> None:
        """Take up what other processes have defined or dropped in the store."""
        self._stored = {one.id: one for one in await self._store.computations()}
        ours = self._configured
        self._known = {id: one for id, one in self._stored.items() if not one.configured or id in ours}

    def all(self) -> list[Computation]:
        """Every audience and computed trait."""
        return list(self._known.values())

    def ever(self, id: str) -> Computation | None:
        """The one with this id, even where it left the config: its last changes may still be on their way."""
        return self._stored.get(id)

    async def find(self, text: str) -> Computation:
        """The one with this id, key or name, in that order."""
        if self._store.shared and text not in self._known:
            await self.refresh()
        for what in ("id", "key", "name"):
            found = [one for one in self._known.values() if getattr(one, what) == text]
            if len(found) == 1:
                return found[0]
        raise _unknown(text, self._known.values())

    async def define(self, wanted: Computation) -> Defined:
        """Keep a definition, new or in place of the one with its id."""
        async with self._alone():
            before = self._known.get(wanted.id)
            if before is not None:
                _must_be_ours(before, "change it in localtalon.toml, and start the bridge again")
            kept = self._checked(wanted)
            await self._keep(kept)
        misfit, checked = await self.misfit(kept)
        return Defined(kept, before is None, misfit, checked)

    async def forget(self, id: str) -> None:
        """Drop a definition with its members. Nothing is sent: Segment documents no exits for a deleted audience."""
        async with self._alone():
            computation = self._stored.get(id)
            if computation is None:
                raise _unknown(id, self._known.values())
            if id in self._known:
                _must_be_ours(computation, "take it out of localtalon.toml, start the bridge again, and delete it then")
            try:
                await self._store.forget(id)
            except SyncRunning as error:
                raise running(computation, error) from None
            del self._stored[id]
            self._known.pop(id, None)

    async def misfit(self, computation: Computation, sure: bool = True) -> tuple[Misfit | None, bool]:
        """Why the attribute in Talon.One does not take its values, if so, and whether that could be asked.

        Where it need not be `sure`, what was found a second ago will do.
        """
        if self._definitions is None:
            return None, False
        try:
            return await self._definitions.misfit(computation, sure), True
        except Unreachable:
            return None, False

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else defines anything meanwhile, in this process or another, and what they defined before is known."""
        async with self._lock:
            while True:
                if await self._store.claim(_DEFINITIONS):
                    break
                await asyncio.sleep(AGAIN)
            try:
                await self.refresh()
                yield
            finally:
                await self._store.let_go(_DEFINITIONS)

    def _checked(self, wanted: Computation) -> Computation:
        """The definition as it can be kept. A name that changes does not change the key (AUD-2)."""
        before = self._stored.get(wanted.id)
        if before is not None and wanted.derived:
            wanted = msgspec.structs.replace(wanted, key=before.key)
        others = [one for one in self._known.values() if one.id != wanted.id]
        computations.check(wanted, others if before is None else [*others, before])
        return wanted

    async def _keep(self, computation: Computation) -> None:
        await self._store.define(computation)
        self._known[computation.id] = self._stored[computation.id] = computation
        if computation.configured:
            self._configured.add(computation.id)


def _unknown(text: str, known: Iterable[Computation]) -> EngageError:
    known = list(known)
    same = [one.id for one in known if one.name == text]
    if len(same) > 1:
        what = f"{len(same)} audiences and computed traits are called {text[:120]!r}: they have the ids {_and(same)}"
        return EngageError("unknown_audience", what, "give one of the ids")
    near = nearest(text, tuple(name for one in known for name in (one.id, one.key, one.name)))
    hint = f"did you mean {near.name!r}?" if near else "define it first; GET /_bridge/engage lists all there are"
    return EngageError("unknown_audience", f"there is no audience or computed trait {text[:120]!r}", hint)


def _and(ids: Sequence[str]) -> str:
    return f"{', '.join(ids[:-1])} and {ids[-1]}"


def running(computation: Computation, error: SyncRunning) -> EngageError:
    """The refusal of a second sync."""
    what = f"sync {error.sync.number} of the {computation.noun} is {error.sync.state.value}"
    return EngageError("sync_running", what, "wait until it has finished, and try again")


def _must_be_ours(computation: Computation, hint: str) -> None:
    if computation.configured:
        raise EngageError("defined_in_config", f"the {computation.noun} is defined in the config", hint)
