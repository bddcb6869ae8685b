"""The scheduler: bounded, in order per profile, each profile in one place."""

from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import Entry, State
from talon_bridge.scheduler import QUEUED_AT_MOST, Scheduler

LONGEST = 900.0


def entry(seq: int, user: str = "u", not_before: float = 0.0, shard: int = 0) -> Entry:
    event = Accepted(f"m{seq}", "identify", user, b"{}", 0.0, "")
    return Entry(seq, shard, seq, event, State.WAITING, (), not_before, None)


def add(scheduler: Scheduler, *entries: Entry, now: float = 0.0) -> None:
    scheduler.add(entries, now, now, LONGEST)


def take_all(scheduler: Scheduler) -> list[int]:
    """Settle everything that is ready, one event after the other; their seqs in that order."""
    seen = []
    while scheduler.ready:
        profile = scheduler.ready.popleft()
        seen.append(profile.queue[0].seq)
        scheduler.take(profile, profile.queue[:1])
        scheduler.settled(profile, frozenset())
        scheduler.go_on(profile)
    return seen


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_each_profile_is_in_order(users: list[str]) -> None:
    scheduler = Scheduler()
    add(scheduler, *(entry(seq, user) for seq, user in enumerate(users, 1)))
    seen = take_all(scheduler)
    for user in "abc":
        assert [seq for seq in seen if users[seq - 1] == user] == [s for s, u in enumerate(users, 1) if u == user]
    assert scheduler.room == Scheduler().room


def test_a_replayed_event_goes_before_newer_ones() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(5), entry(7), entry(3))
    assert take_all(scheduler) == [3, 5, 7]


def test_an_event_that_is_fed_twice_is_taken_once() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(1), entry(2), entry(1))
    assert take_all(scheduler) == [1, 2]


def test_a_profile_that_sleeps_is_read_again_when_it_wakes() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(1, not_before=5.0), entry(2))
    assert not scheduler.ready
    assert scheduler.wake(4.9) == 5.0
    assert scheduler.wake(5.0) is None
    (profile,) = scheduler.hungry
    assert profile.base == 0
    scheduler.hungry.clear()
    scheduler.fill(profile, [entry(1), entry(2)], 5.0, 5.0, LONGEST)
    assert take_all(scheduler) == [1, 2]


def test_a_time_from_before_the_clock_was_set_back_is_not_waited_for() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(1, not_before=LONGEST + 1))
    assert take_all(scheduler) == [1]


def test_an_older_event_that_comes_while_a_request_is_under_way_is_not_lost() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(5))
    profile = scheduler.ready.popleft()
    scheduler.take(profile, profile.queue[:1])
    add(scheduler, entry(3))
    scheduler.settled(profile, frozenset({5}))
    scheduler.sleep(profile, 1.0)
    scheduler.wake(1.0)
    assert [found.base for found in scheduler.hungry] == [2]


def test_an_older_event_takes_the_place_of_the_newest_in_a_full_queue() -> None:
    scheduler = Scheduler()
    add(scheduler, *(entry(seq) for seq in range(10, 10 + QUEUED_AT_MOST)), entry(3))
    assert take_all(scheduler) == [3, *range(10, 9 + QUEUED_AT_MOST)]
    (profile,) = scheduler.hungry
    assert profile.base == 8 + QUEUED_AT_MOST


def test_a_profile_with_many_events_keeps_few_of_them_in_memory() -> None:
    scheduler = Scheduler()
    before = scheduler.room
    add(scheduler, *(entry(seq) for seq in range(1, 1001)))
    assert before - scheduler.room == QUEUED_AT_MOST
    assert take_all(scheduler) == list(range(1, QUEUED_AT_MOST + 1))
    (profile,) = scheduler.hungry
    assert profile.base == QUEUED_AT_MOST


def test_what_still_waits_after_a_request_is_read_from_there() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(1), entry(2), entry(3))
    profile = scheduler.ready.popleft()
    scheduler.take(profile, profile.queue[:3])
    scheduler.settled(profile, frozenset({2, 3}))
    scheduler.sleep(profile, 1.0)
    scheduler.wake(1.0)
    assert [found.base for found in scheduler.hungry] == [1]


def test_a_lost_shard_is_forgotten_and_what_it_had_taken_too() -> None:
    scheduler = Scheduler()
    add(scheduler, entry(1, "a", shard=1), entry(2, "b", shard=2), entry(3, "c", shard=1))
    profile = scheduler.ready.popleft()
    scheduler.take(profile, profile.queue[:1])
    scheduler.drop(1)
    assert [ready.key for ready in scheduler.ready] == ["b"]
    scheduler.settled(profile, frozenset())
    scheduler.go_on(profile)
    assert take_all(scheduler) == [2]
    assert scheduler.room == Scheduler().room


def test_a_profile_that_more_events_follow_is_not_ready_before_they_are_read() -> None:
    """What was sent of it may have been merged from all of them: less would bring older values back."""
    scheduler = Scheduler()
    scheduler.add([entry(3, "a"), entry(4, "b"), entry(5, "a")], 0.0, 0.0, LONGEST, frozenset("a"))
    assert [profile.key for profile in scheduler.ready] == ["b"]
    (hungry,) = scheduler.hungry
    assert hungry.base < 3
    scheduler.hungry.popleft()
    scheduler.fill(hungry, [entry(seq, "a") for seq in (3, 5, 9)], 0.0, 0.0, LONGEST)
    assert [queued.seq for queued in hungry.queue] == [3, 5, 9]
    assert take_all(scheduler) == [4, 3, 5, 9]
    assert scheduler.room == Scheduler().room
