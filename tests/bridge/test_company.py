"""What many profiles of one request suffer from each other: nothing that lasts."""

import json
import time

import pytest

from bridge_support import Reply, Seen, Target, destination, quick, running, until

MANY = 200


def profiles(seen: Seen) -> list[str]:
    """Whom a request is for."""
    body = json.loads(seen.body)
    return (
        [update["integrationId"] for update in body["customerProfiles"]] if "customerProfiles" in body else [seen.user]
    )


def calls(count: int) -> list[dict[str, object]]:
    return [{"type": "identify", "userId": f"u{number}", "traits": {"n": number}} for number in range(count)]


@pytest.mark.parametrize("status", [409, 423, 425])
def test_a_busy_profile_holds_up_none_of_those_that_came_with_it(target: Target, status: int) -> None:
    busy = [True]

    def script(seen: Seen) -> Reply:
        return Reply(status, (("Retry-After", "300"),)) if busy[0] and "u7" in profiles(seen) else Reply()

    target.script = script
    with running(quick(destination(target.url), bulk_threshold=10)) as bridge:
        assert bridge.post("/v1/batch", {"batch": calls(MANY)}).status_code == 200
        until(lambda: bridge.counts()["delivered"] == MANY - 1)  # long before the time that was asked for
        assert bridge.counts()["waiting"] == 1
        assert len(target.seen) < 40
        [event] = bridge.events("?userId=u7")
        assert [attempt["status"] for attempt in event["attempts"]] == [status]


def test_a_merged_patch_that_found_its_profile_busy_is_sent_as_it_was(target: Target) -> None:
    """Event by event, it would bring older values back: it may have landed before."""
    replies = [Reply(409)]
    target.script = lambda seen: replies.pop() if replies else Reply()
    with running(quick(destination(target.url), bulk_threshold=10)) as bridge:
        batch = [{"type": "identify", "userId": "u", "traits": {"n": number}} for number in (1, 2, 3)]
        assert bridge.post("/v1/batch", {"batch": batch}).status_code == 200
        assert bridge.idle()
        assert [seen.attributes["n"] for seen in target.seen] == [3, 3]


def test_a_time_that_is_over_ends_no_event_that_was_not_alone(target: Target) -> None:
    """One event makes Talon.One fail whenever it is there; the window is over for all at once."""

    def script(seen: Seen) -> Reply:
        return Reply(503) if "u7" in profiles(seen) else Reply()

    target.script = script
    with running(quick(destination(target.url), bulk_threshold=10, retry_window=0.0001)) as bridge:
        assert bridge.post("/v1/batch", {"batch": calls(MANY)}).status_code == 200
        assert bridge.idle()
        counts = bridge.counts()
        assert (counts["delivered"], counts["dead"]) == (MANY - 1, 1)
        [event] = bridge.events("?userId=u7")
        assert [attempt.get("via") for attempt in event["attempts"]][-1] is None
        assert event["attempts"][-1]["error"].endswith("the retry window is over")


def test_an_outage_at_the_end_of_the_window_is_one_more_request_each_and_no_more(target: Target) -> None:
    target.script = lambda seen: Reply(503)
    with running(quick(destination(target.url), bulk_threshold=10, retry_window=0.0001)) as bridge:
        assert bridge.post("/v1/batch", {"batch": calls(MANY)}).status_code == 200
        assert bridge.idle()
        assert bridge.counts()["dead"] == MANY
        assert len(target.seen) <= MANY + MANY // 10 + 2


def test_a_destination_that_asks_for_patience_gets_it_whatever_time_events_have(target: Target) -> None:
    replies = [Reply(429, (("Retry-After", "1"),))]
    target.script = lambda seen: replies.pop() if replies else Reply()
    with running(quick(destination(target.url), bulk_threshold=10, retry_window=0.0001)) as bridge:
        assert bridge.post("/v1/batch", {"batch": calls(MANY)}).status_code == 200
        target.wait_for(1)
        asked = time.monotonic()
        target.wait_for(2)
        assert time.monotonic() - asked > 0.5
        assert bridge.idle()
        assert bridge.counts()["delivered"] == MANY


def test_a_profile_waits_for_what_may_land_though_its_event_is_given_up(target: Target) -> None:
    hold = 0.4
    target.script = lambda seen: Reply(cut="before") if seen.attributes["n"] == 1 else Reply()
    settings = quick(destination(target.url), retry_window=0.0001, request_timeout=hold, bulk_threshold=0)
    with running(settings) as bridge:
        bridge.identify("u", {"n": 1}, messageId="lost")
        target.wait_for(1)
        cut_at = time.monotonic()
        bridge.identify("u", {"n": 2})
        bridge.identify("other", {"n": 3})
        until(lambda: len(target.of("other")) == 1)
        assert len(target.of("u")) == 1
        until(lambda: len(target.of("u")) == 2)
        assert time.monotonic() - cut_at >= hold
        assert bridge.idle()
        assert [seen.attributes["n"] for seen in target.of("u")] == [1, 2]  # the first was not sent once more
        [lost] = [event for event in bridge.events("?userId=u") if event["messageId"] == "lost"]
        assert (lost["state"], len(lost["attempts"])) == ("dead", 1)
        assert lost["traits"][0]["verdict"] == "undelivered"


@pytest.fixture
def few_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if memory held few profiles."""
    monkeypatch.setattr("talon_bridge.scheduler.ASLEEP_AT_MOST", 20)
    monkeypatch.setattr("talon_bridge.scheduler.PROFILES_AT_MOST", 40)
    monkeypatch.setattr("talon_bridge.scheduler.LOOK_AGAIN", 0.2)


@pytest.mark.usefixtures("few_asleep")
def test_more_blocked_profiles_than_can_be_remembered_block_nobody_else(target: Target, data: str | None) -> None:
    blocked = [True]

    def script(seen: Seen) -> Reply:
        if blocked[0] and profiles(seen)[0].startswith("u"):
            return Reply(409, (("Retry-After", "1"),))
        return Reply()

    target.script = script
    with running(quick(destination(target.url), bulk_threshold=0, data=data)) as bridge:
        for number in (1, 2, 3):
            batch = [{**call, "traits": {"name": str(number)}} for call in calls(MANY)]
            assert bridge.post("/v1/batch", {"batch": batch}).status_code == 200
        bridge.identify("free", {"n": 0})
        until(lambda: len(target.of("free")) == 1)
        until(lambda: bridge.counts()["waiting"] == 3 * MANY)
        blocked[0] = False
        assert bridge.idle()
        assert bridge.counts()["delivered"] == 3 * MANY + 1
    for number in range(MANY):
        sent = [int(seen.attributes["name"]) for seen in target.of(f"u{number}")]
        assert sent == sorted(sent)
        assert set(sent) == {1, 2, 3}


@pytest.mark.parametrize("many", [MANY, 1000, 1001, 2000])
def test_a_backlog_goes_out_in_requests_as_full_as_can_be(target: Target, data: str | None, many: int) -> None:
    """What waits is read a page at a time: whoever sent what is there after the first would send half-empty ones."""
    target.script = lambda seen: Reply(401)
    with running(quick(destination(target.url), bulk_threshold=10, data=data)) as bridge:
        for first in range(0, many, 500):
            batch = calls(many)[first : first + 500]
            assert bridge.post("/v1/batch", {"batch": batch}).status_code == 200
        target.wait_for(1)
        asked = len(target.seen)
        target.script = lambda seen: Reply()
        assert bridge.idle()
        assert bridge.counts()["delivered"] == many
        assert len(target.seen) - asked <= many // 1000 + 5
