"""The next events of one profile that go out as one update."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from talon_bridge import event_settings, events, mapping, merging
from talon_bridge.explanation import Verdict
from talon_bridge.mapping import Plan, Request
from talon_bridge.outbox.protocol import Entry, Replay, Report
from talon_bridge.outcome import BUSY
from talon_bridge.scheduler import Profile
from talon_bridge.settings import Destination

log = logging.getLogger(__name__)


class Parcel(msgspec.Struct, frozen=True):
    """Events with their plans, and the one update for them all; no request where none of them is sent."""

    profile: Profile
    entries: Sequence[Entry]
    plans: Sequence[Plan]
    request: Request | None

    @property
    def size(self) -> int:
        """Bytes of what came in, which those of what goes out do not exceed by much."""
        return sum(len(entry.event.body) for entry in self.entries)


def planned(entry: Entry, destination: Destination) -> Plan:
    """The plan of an event under today's settings; one that cannot be read or mapped is a dead letter, and no error."""
    try:
        applied = event_settings.applied(destination, entry.event.settings)
        return mapping.plan(events.read(entry.event.body, entry.event.type), applied)
    except Exception:
        log.exception("event %d cannot be mapped", entry.seq, extra={"action": "mapping_bug"})
        return mapping.unreadable()


def goes_alone(profile: Profile) -> bool:
    """Whether the next event of a profile is sent by itself.

    It is replayed, or was in a refused request, or its time was over in company: it does not die for another's fault.
    """
    first = profile.queue[0]
    if first.replay is not Replay.NONE or first.seq <= profile.apart_until:
        return True
    return first.last_attempt is not None and first.last_attempt.over


def shuns_company(profile: Profile) -> bool:
    """Whether a profile is not updated together with others: its next event goes alone, or it was busy last time."""
    last = profile.queue[0].last_attempt
    return goes_alone(profile) or (last is not None and last.status in BUSY)


def pack(profile: Profile, destination: Destination) -> Parcel:
    """The first events of a profile's queue that may go together; at least one."""
    plans = [planned(profile.queue[0], destination)]
    if plans[0].request is None or profile.queue[0].given_up:
        return Parcel(profile, profile.queue[:1], plans, None)
    many = 1
    if len(profile.queue) > 1 and not destination.run_rule_engine and not goes_alone(profile):
        many = merging.how_many(_requests(profile, plans, destination))
    requests = [plan.request for plan in plans[:many] if plan.request is not None]
    return Parcel(profile, profile.queue[:many], plans[:many], merging.merged(requests))


def _requests(profile: Profile, plans: list[Plan], destination: Destination) -> Iterator[Request]:
    """The updates of a profile's events, up to the first that is not sent or goes alone; their plans join `plans`."""
    assert plans[0].request is not None
    yield plans[0].request
    for entry in profile.queue[1:]:
        if entry.replay is not Replay.NONE:
            return
        plans.append(planned(entry, destination))
        request = plans[-1].request
        if request is None:
            return
        yield request


def sent_by(reports: Iterable[Report]) -> set[str]:
    """The attributes that delivered events have set."""
    return {trait.attribute for report in reports for trait in report.traits if trait.verdict is Verdict.SENT}


def without(parcel: Parcel, names: Collection[str]) -> Parcel:
    """The parcel of a replayed event, less the attributes that newer events of its profile have set meanwhile."""
    plans = [mapping.superseded(plan, frozenset(names)) for plan in parcel.plans]
    return msgspec.structs.replace(parcel, plans=plans, request=plans[0].request)
