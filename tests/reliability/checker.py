"""What a run did to what was accepted, computed from logs alone: lost, reordered, wrong, duplicated, dead. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

N = "n"  # the attribute that every event of a profile sets to its own number


class Sent(msgspec.Struct, frozen=True):
    """An event that was answered with 200: number `n` of its profile, counting up in the order of acceptance.

    `mark` is an attribute that holds `n` too and that few other events of the profile set, so that the event is seen
    even when it was merged with others. `poison`: Talon.One refuses it.
    """

    message_id: str
    profile: str
    n: int
    mark: str
    attributes: Mapping[str, Any]
    poison: bool = False


class Applied(msgspec.Struct, frozen=True):
    """A patch that the target carried out; `via` is how it came, `single` or `bulk`."""

    profile: str
    attributes: Mapping[str, Any]
    via: str = "single"


class Verdict(msgspec.Struct, frozen=True):
    """The counts of a run.

    `reordered`: events whose first delivery came after that of a later event of their profile. `regressions`: patches
    that set a profile back to an older state. `wrong`: profiles that are not what one request an event would have left.
    `unknown`: deliveries of events that nobody accepted. `undead` are poison events that are no dead letters, `killed`
    dead letters that are no poison.
    """

    accepted: int
    delivered: int
    lost: int
    reordered: int
    regressions: int
    wrong: int
    duplicates: int
    unknown: int
    dead: int
    poison: int
    undead: int
    killed: int

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, out of order, wrong at the end, or dead for no reason.

        Duplicates are allowed (DEL-1), and so are the regressions that they may be for a moment where events are
        refused: a merged patch landed, its process died, it is sent again with one event more, which is refused, and so
        event by event.
        """
        return not (self.lost or self.reordered or self.wrong or self.unknown or self.undead or self.killed)

    @property
    def steady(self) -> bool:
        """Whether all that is so, and no profile went back for a moment either."""
        return self.clean and not self.regressions

    def __str__(self) -> str:
        """Return one line with all of it."""
        return ", ".join(f"{name} {value}" for name, value in msgspec.structs.asdict(self).items())


def judge(
    sent: Sequence[Sent], log: Sequence[Applied], finals: Mapping[str, Mapping[str, Any]], dead: Collection[str]
) -> Verdict:
    """Hold what was accepted against the target's log, the profiles it has at the end, and the dead letters' ids."""
    good = [event for event in sent if not event.poison]
    poison = {event.message_id for event in sent if event.poison}
    by_profile: dict[str, list[Applied]] = defaultdict(list)
    for patch in log:
        by_profile[patch.profile].append(patch)
    events: dict[str, list[Sent]] = defaultdict(list)
    for event in good:
        events[event.profile].append(event)
    seen = {profile: _first_seen(events[profile], patches) for profile, patches in by_profile.items()}
    lost = sum(
        1
        for event in good
        if event.n not in seen.get(event.profile, {}) and not _hidden(event, by_profile[event.profile])
    )
    wanted = oracle(sent)
    dead_ids = set(dead)
    return Verdict(
        accepted=len(sent),
        delivered=len(good) - lost,
        lost=lost,
        reordered=sum(map(_out_of_order, seen.values())),
        regressions=sum(map(_regressions, by_profile.values())),
        wrong=sum(1 for profile in wanted | dict(finals) if wanted.get(profile, {}) != finals.get(profile, {})),
        duplicates=sum(_repeated(events[profile], patches) for profile, patches in by_profile.items()),
        unknown=sum(_unknown(events[profile], patches) for profile, patches in by_profile.items()),
        dead=len(dead_ids),
        poison=len(poison),
        undead=len(poison - dead_ids),
        killed=len(dead_ids - poison),
    )


def oracle(sent: Iterable[Sent]) -> dict[str, dict[str, Any]]:
    """What one request an event would have left: the last writer wins, null deletes, poison does nothing."""
    profiles: dict[str, dict[str, Any]] = {}
    for event in sent:
        if event.poison:
            continue
        values = profiles.setdefault(event.profile, {})
        for name, value in event.attributes.items():
            if value is None:
                values.pop(name, None)
            else:
                values[name] = value
    return profiles


def _marks(events: Sequence[Sent]) -> set[tuple[str, int]]:
    return {(event.mark, event.n) for event in events}


def _first_seen(events: Sequence[Sent], patches: Sequence[Applied]) -> dict[int, int]:
    """For each event that is visible in the log, the index of the first patch that carries it."""
    known, seen = _marks(events), dict[int, int]()
    for index, patch in enumerate(patches):
        for name, value in patch.attributes.items():
            if name != N and (name, value) in known:
                seen.setdefault(value, index)
    return seen


def _hidden(event: Sent, patches: Sequence[Applied]) -> bool:
    """Whether a merged patch carries a later value under the event's mark: what it had to say was said over."""
    for patch in patches:
        later = patch.attributes.get(event.mark)
        if isinstance(later, int) and later > event.n and len(patch.attributes) > 2:
            return True
    return False


def _out_of_order(seen: Mapping[int, int]) -> int:
    late, latest = 0, -1
    for n in sorted(seen):
        if seen[n] < latest:
            late += 1
        latest = max(latest, seen[n])
    return late


def _regressions(patches: Sequence[Applied]) -> int:
    count, newest = 0, -1
    for patch in patches:
        n = patch.attributes.get(N)
        if not isinstance(n, int):
            continue
        count += n < newest
        newest = max(newest, n)
    return count


def _repeated(events: Sequence[Sent], patches: Sequence[Applied]) -> int:
    known = _marks(events)
    found = [
        (name, value)
        for patch in patches
        for name, value in patch.attributes.items()
        if name != N and (name, value) in known
    ]
    return len(found) - len(set(found))


def _unknown(events: Sequence[Sent], patches: Sequence[Applied]) -> int:
    """How many patches end at a number that no accepted event has."""
    numbers = {event.n for event in events}
    return sum(1 for patch in patches if patch.attributes.get(N, next(iter(numbers), None)) not in numbers)
