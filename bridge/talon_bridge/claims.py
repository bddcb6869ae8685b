"""Which profiles the next request is for: one, or many where a backlog has formed."""

import asyncio
from collections import deque
from collections.abc import Callable

from talon_bridge.bulk import taken_apart
from talon_bridge.delivery import MAX_PROFILES
from talon_bridge.outcome import Answer
from talon_bridge.parcel import Parcel, pack, shuns_company
from talon_bridge.scheduler import Profile, Scheduler
from talon_bridge.settings import Destination

BULK_BYTES = 4 * 1024 * 1024  # of the events in one bulk update
PACKED_AT_ONCE = 50  # profiles, before others have their turn
NOT_OURS_WAIT = 1.0  # seconds before a profile is looked at again whose lease is about to end


class Claims:
    """Takes profiles from the scheduler, and from the groups into which refused requests were taken apart.

    From `threshold` ready profiles on they go out in bulk, unless rules are to run. `lasts` says whether a profile is
    this process's for as long as a request may take.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        threshold: int,
        destination: Callable[[], Destination],
        lasts: Callable[[Profile], bool],
    ) -> None:
        self._scheduler = scheduler
        self._threshold = threshold
        self._destination = destination
        self._lasts = lasts
        self._groups: deque[list[Profile]] = deque()

    @property
    def ready(self) -> int:
        """How many profiles could go out now."""
        return len(self._scheduler.ready) + sum(map(len, self._groups))

    def worth_sending(self, more_to_come: bool) -> bool:
        """Whether a request is to leave now: an update in bulk waits for more profiles, where more are being read."""
        many = len(self._scheduler.ready)
        return bool(self._groups) or (many > 0 and not (more_to_come and self._backlog(many) and many < MAX_PROFILES))

    async def next(self, now: float, alone: bool) -> list[Parcel]:
        """The updates of the next request; `alone`: of one profile. `now` is the scheduler's clock."""
        parcels: list[Parcel] = []
        size = 0
        destination = self._destination()
        for profile in self._profiles(alone):
            if profile.gone:
                continue
            if not self._lasts(profile):
                self._scheduler.sleep(profile, now + NOT_OURS_WAIT)
                continue
            if size > BULK_BYTES:
                self._scheduler.go_on(profile)
                continue
            parcel = pack(profile, destination)
            self._scheduler.take(profile, parcel.entries)
            parcels.append(parcel)
            size += parcel.size
            if len(parcels) % PACKED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return parcels

    def take_apart(self, parcels: list[Parcel], answer: Answer) -> None:
        """A request for several events was refused: they go out again, in smaller requests, and first of all."""
        for parcel in parcels:
            self._scheduler.put_back(parcel.profile)
        if len(parcels) == 1:
            (parcel,) = parcels
            parcel.profile.apart_until = parcel.entries[-1].seq
            self._groups.append([parcel.profile])
        else:
            groups = taken_apart(answer, len(parcels))
            self._groups.extend([parcels[place].profile for place in group] for group in groups)

    def _profiles(self, alone: bool) -> list[Profile]:
        if self._groups:
            return self._groups.popleft()
        ready = self._scheduler.ready
        if not ready:
            return []
        found = [ready.popleft()]
        if not self._backlog(len(ready) + 1) or alone or shuns_company(found[0]):
            return found
        while ready and len(found) < MAX_PROFILES and not shuns_company(ready[0]):
            found.append(ready.popleft())
        return found

    def _backlog(self, many: int) -> bool:
        return 0 < self._threshold <= many and not self._destination().run_rule_engine
