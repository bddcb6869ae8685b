"""Which profile is next: what is known in memory of the waiting events. Pure; times are seconds, any one clock's."""

import heapq
import math
from bisect import insort
from collections import deque
from collections.abc import Container, Iterable, Sequence
from itertools import count

from talon_bridge.outbox.protocol import Entry

QUEUED_AT_MOST = 100  # events of one profile in memory
LOADED_AT_MOST = 10_000  # events of all profiles in memory
LOADED_BYTES_AT_MOST = 32 * 1024 * 1024  # of their bodies
PROFILES_AT_MOST = 100_000  # known at once, most of them asleep
ASLEEP_AT_MOST = 50_000  # known at once
LOOK_AGAIN = 30.0  # seconds between two readings of all that waits, while more than that sleep


class Profile:
    """One profile with waiting events.

    It is in one place only: ready, taken, asleep, or hungry (its events are to be read again). `queue` is in the order
    of acceptance. `more`: the store may hold waiting events behind `base` that are not in `queue`; `missed` is where to
    read from for those that came in, older than what was taken, while a request was under way. Events up to
    `apart_until` were in a refused request: they are sent one by one, and not in bulk.
    """

    __slots__ = ("apart_until", "base", "gone", "key", "missed", "more", "queue", "shard", "taken")

    def __init__(self, key: str, shard: int, base: int) -> None:
        self.key = key
        self.shard = shard
        self.base = base
        self.queue: list[Entry] = []
        self.taken: Sequence[Entry] = ()
        self.more = False
        self.gone = False
        self.missed: int | None = None
        self.apart_until = 0


class Scheduler:
    """Profiles and their next events, bounded in memory: what does not fit stays in the store and is read again.

    One that is asleep keeps no events here; one with many keeps the oldest. A blocked profile therefore costs the
    others nothing, however many events wait behind it (DEL-2). Where too many sleep, those that wake last are
    forgotten, and found again at `look_again_at` by reading all that waits. Until then a profile that is not known may
    be one of them: all of it is read before anything of it is sent.
    """

    def __init__(self) -> None:
        self.ready: deque[Profile] = deque()
        self.hungry: deque[Profile] = deque()
        self._profiles: dict[str, Profile] = {}
        self._asleep: list[tuple[float, int, Profile]] = []
        self._numbers = count()
        self._loaded = 0
        self._bytes = 0
        self._forgetful = False
        self._known_until = math.inf  # who wakes later is not kept
        self._looked_at = -math.inf
        self.look_again_at = math.inf

    @property
    def asleep(self) -> int:
        """How many profiles wait for their retry."""
        return len(self._asleep)

    @property
    def room(self) -> int:
        """How many events may be fed."""
        if self.full or len(self._profiles) >= PROFILES_AT_MOST:
            return 0
        return max(0, LOADED_AT_MOST - self._loaded)

    @property
    def full(self) -> bool:
        """Whether as many events are in memory as may be."""
        return self._loaded >= LOADED_AT_MOST or self._bytes >= LOADED_BYTES_AT_MOST

    def add(
        self, entries: Iterable[Entry], now: float, wall: float, longest: float, followed: Container[str] = ()
    ) -> None:
        """Take in fed events. `now` is this clock's, `wall` Unix time.

        A time further off than `longest` was stored before the wall clock was set back: it is not waited for. Profiles
        that are `followed` by more events are not ready before those are read.
        """
        for entry in entries:
            profile = self._profiles.get(entry.key)
            if profile is None:
                wakes_at = now + entry.not_before - wall if wall < entry.not_before <= wall + longest else now
                self._meet(entry, wakes_at, now, entry.key in followed)
                continue
            profile.base = min(profile.base, entry.seq - 1)  # a replayed event is older than what was settled
            if profile.taken and entry.seq < profile.taken[-1].seq:
                profile.missed = min(entry.seq - 1, entry.seq if profile.missed is None else profile.missed)
            self._join(profile, entry)

    def _meet(self, entry: Entry, wakes_at: float, now: float, followed: bool) -> None:
        """The first event of a profile that is not known."""
        if wakes_at > now and wakes_at >= self._known_until:
            self._forget_until(wakes_at)
            return
        profile = self._profiles[entry.key] = Profile(entry.key, entry.shard, entry.seq - 1)
        if self._forgetful:
            profile.base, profile.more = 0, True
            self.hungry.append(profile)
        elif wakes_at > now:
            self.sleep(profile, wakes_at)
        elif followed:
            profile.more = True
            self.hungry.append(profile)
        else:
            self._queue(profile, entry)
            self.ready.append(profile)

    def _join(self, profile: Profile, entry: Entry) -> None:
        """One more event of a known profile, which may be older than what is queued."""
        if any(known.seq == entry.seq for known in (*profile.taken, *profile.queue)):
            profile.more = profile.more or bool(profile.taken)
        elif profile.queue and entry.seq < profile.queue[-1].seq:
            self._queue(profile, entry)
            if len(profile.queue) > QUEUED_AT_MOST:
                self._forget(profile.queue[QUEUED_AT_MOST:])
                del profile.queue[QUEUED_AT_MOST:]
                profile.more = True
        elif profile.more or len(profile.queue) >= QUEUED_AT_MOST:
            profile.more = True
        else:
            self._queue(profile, entry)

    def take(self, profile: Profile, entries: Sequence[Entry]) -> None:
        """These, the first of a profile's queue, are to be settled or put back."""
        profile.taken, profile.queue = entries, profile.queue[len(entries) :]

    def put_back(self, profile: Profile) -> None:
        """Nothing became of the taken events: they are first in the queue again."""
        profile.queue = sorted((*profile.taken, *profile.queue), key=lambda entry: entry.seq)
        profile.taken = ()
        if profile.gone:
            self._forget(profile.queue)
            profile.queue = []

    def settled(self, profile: Profile, waiting: frozenset[int]) -> None:
        """The taken events are done with, all but those that still wait, which are read again after a sleep."""
        left = [entry.seq for entry in profile.taken if entry.seq in waiting]
        if profile.taken:
            profile.base = min(left) - 1 if left else max(profile.base, profile.taken[-1].seq)
        if profile.missed is not None:
            profile.base = min(profile.base, profile.missed)
        self._forget(profile.taken)
        profile.taken = ()

    def go_on(self, profile: Profile) -> None:
        """A profile with nothing taken goes where it belongs: ready, hungry, or away."""
        if profile.gone:
            return
        if profile.queue:
            self.ready.append(profile)
        elif profile.more:
            self.hungry.append(profile)
        else:
            del self._profiles[profile.key]

    def sleep(self, profile: Profile, until: float) -> None:
        """A profile with nothing taken waits; its events are read again when it wakes."""
        if profile.gone:
            return
        self._forget(profile.queue)
        profile.queue, profile.more = [], True
        heapq.heappush(self._asleep, (until, next(self._numbers), profile))
        if len(self._asleep) > ASLEEP_AT_MOST:
            self._forget_late_sleepers()

    def look_again(self, now: float) -> None:
        """All that waits is about to be read from the start; `all_read` says when that is done."""
        self._looked_at, self._known_until, self.look_again_at = now, math.inf, math.inf

    def all_read(self) -> None:
        """All that waited has been read: whoever is not known now has nothing that waits, if none was forgotten."""
        if self.look_again_at == math.inf:
            self._forgetful = False

    def _forget_late_sleepers(self) -> None:
        self._asleep.sort()
        late = self._asleep[ASLEEP_AT_MOST // 2 :]
        del self._asleep[ASLEEP_AT_MOST // 2 :]
        self._known_until = min(self._known_until, late[0][0])
        for until, _, profile in late:
            if not profile.gone:
                profile.gone = True
                del self._profiles[profile.key]
                self._forget_until(until)

    def _forget_until(self, moment: float) -> None:
        self._forgetful = True
        self.look_again_at = min(self.look_again_at, max(moment, self._looked_at + LOOK_AGAIN))

    def wake(self, now: float) -> float | None:
        """Wake those whose time has come; when it is to be asked again, or None."""
        while self._asleep and self._asleep[0][0] <= now:
            _, _, profile = heapq.heappop(self._asleep)
            if not profile.gone:
                self.hungry.append(profile)
        next_at = min(self._asleep[0][0] if self._asleep else math.inf, self.look_again_at)
        return None if next_at == math.inf else next_at

    def fill(self, profile: Profile, entries: Sequence[Entry], now: float, wall: float, longest: float) -> None:
        """The answer of the store for a hungry profile: its oldest waiting events, at most `QUEUED_AT_MOST`."""
        if profile.gone:
            return None
        profile.more, profile.missed = len(entries) >= QUEUED_AT_MOST, None
        if entries and wall < entries[0].not_before <= wall + longest:
            return self.sleep(profile, now + entries[0].not_before - wall)
        for entry in entries:
            self._queue(profile, entry)
        return self.go_on(profile)

    def drop(self, shard: int) -> None:
        """Forget everything of a shard that is no longer ours."""
        for profile in [profile for profile in self._profiles.values() if profile.shard == shard]:
            del self._profiles[profile.key]
            profile.gone = True
            self._forget(profile.queue)
            profile.queue = []
        for place in (self.ready, self.hungry):
            kept = [profile for profile in place if not profile.gone]
            place.clear()
            place.extend(kept)

    def _queue(self, profile: Profile, entry: Entry) -> None:
        if profile.queue and profile.queue[-1].seq > entry.seq:
            insort(profile.queue, entry, key=lambda queued: queued.seq)
        else:
            profile.queue.append(entry)
        self._loaded += 1
        self._bytes += len(entry.event.body)

    def _forget(self, entries: Sequence[Entry]) -> None:
        self._loaded -= len(entries)
        self._bytes -= sum(len(entry.event.body) for entry in entries)
