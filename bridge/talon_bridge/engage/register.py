"""The definitions that there are: of the config and over HTTP, kept in the store, found by id, key or name."""

from collections.abc import Sequence

import msgspec

from talon_bridge.audience_key import key_of
from talon_bridge.engage import computations
from talon_bridge.engage.computations import Computation
from talon_bridge.engage.misfit import Definitions, Misfit, Unreachable
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.store.protocol import Store, SyncRunning
from talon_bridge.nearest import nearest
from talon_bridge.settings import SettingsError


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

    async def open(self, configured: Sequence[Computation]) -> None:
        """Take up what is stored, and under it what the config defines. Raises `SettingsError`."""
        self._stored = {one.id: one for one in await self._store.computations()}
        self._known = {id: one for id, one in self._stored.items() if not one.configured}
        for wanted in configured:
            if wanted.id in self._known:
                raise SettingsError(f"the config defines {wanted.noun}, and {wanted.id} was defined over HTTP before")
            try:
                await self._keep(self._checked(wanted))
            except EngageError as error:
                raise SettingsError(f"{error.message}; {error.hint}") from None

    def all(self) -> list[Computation]:
        """Every audience and computed trait."""
        return list(self._known.values())

    def of_id(self, id: str) -> Computation:
        """The one with this id."""
        found = self._known.get(id)
        return self.find(id) if found is None else found

    def ever(self, id: str) -> Computation | None:
        """The one with this id, even where it left the config: its last changes may still be on their way."""
        return self._stored.get(id)

    def find(self, text: str) -> Computation:
        """The one with this id, key or name, in that order."""
        for what in ("id", "key", "name"):
            found = [one for one in self._known.values() if getattr(one, what) == text]
            if len(found) == 1:
                return found[0]
        near = nearest(text, tuple(name for one in self._known.values() for name in (one.id, one.key, one.name)))
        hint = f"did you mean {near.name!r}?" if near else "define it first; GET /_bridge/engage lists all there are"
        raise EngageError("unknown_audience", f"there is no audience or computed trait {text[:120]!r}", hint)

    async def define(self, wanted: Computation) -> Defined:
        """Keep a definition, new or in place of the one with its id."""
        before = self._known.get(wanted.id)
        if before is not None:
            _must_be_ours(before, "change it in localtalon.toml, and start the bridge again")
        kept = self._checked(wanted)
        await self._keep(kept)
        misfit, checked = await self.misfit(kept)
        return Defined(kept, before is None, misfit, checked)

    async def forget(self, id: str) -> None:
        """Drop a definition with its members. Nothing is sent: Segment documents no exits for a deleted audience."""
        computation = self.of_id(id)
        _must_be_ours(computation, "take it out of localtalon.toml, and start the bridge again")
        try:
            await self._store.forget(computation.id)
        except SyncRunning as error:
            raise running(computation, error) from None
        del self._known[computation.id], self._stored[computation.id]

    async def misfit(self, computation: Computation) -> tuple[Misfit | None, bool]:
        """Why the attribute in Talon.One does not take its values, if so, and whether that could be asked."""
        if self._definitions is None:
            return None, False
        try:
            return await self._definitions.misfit(computation), True
        except Unreachable:
            return None, False

    def _checked(self, wanted: Computation) -> Computation:
        """The definition as it can be kept. A name that changes does not change the key (AUD-2)."""
        before = self._stored.get(wanted.id)
        if before is not None and wanted.key == key_of(wanted.name):
            wanted = msgspec.structs.replace(wanted, key=before.key)
        others = [one for one in self._known.values() if one.id != wanted.id]
        computations.check(wanted, others if before is None else [*others, before])
        return wanted

    async def _keep(self, computation: Computation) -> None:
        await self._store.define(computation)
        self._known[computation.id] = self._stored[computation.id] = computation


def running(computation: Computation, error: SyncRunning) -> EngageError:
    """The refusal of a second sync."""
    what = f"sync {error.sync.number} of the {computation.noun} is {error.sync.state.value}"
    return EngageError("sync_running", what, "wait until it has finished, and try again")


def _must_be_ours(computation: Computation, hint: str) -> None:
    if computation.configured:
        raise EngageError("defined_in_config", f"the {computation.noun} is defined in the config", hint)
