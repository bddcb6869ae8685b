"""What the bridge says of its standing: the status for people, the metrics for Prometheus."""

from typing import Any

import pytest

from bridge_support import Bridge, Reply, Target, always, destination, in_turn, quick, running, until
from talon_bridge.settings import SettingsError


def status(bridge: Bridge) -> dict[str, Any]:
    answer = bridge.client.get("/_bridge/status")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def metrics(bridge: Bridge) -> dict[str, float]:
    answer = bridge.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name.removeprefix("localtalon_bridge_"): float(value) for name, value in rows}


def test_at_rest(target: Target) -> None:
    with running(quick(destination(target.url), max_requests_per_second=60)) as bridge:
        told = status(bridge)
    assert told.pop("version")
    assert told == {
        "queued": 0,
        "oldestAgeSeconds": None,
        "oldestReceivedAt": None,
        "counts": {"waiting": 0, "delivered": 0, "skipped": 0, "dead": 0},
        "inFlight": 0,
        "profiles": {"ready": 0, "asleep": 0},
        "engage": {"running": [], "queued": 0, "due": []},
        "rate": 60,
        "destinations": [
            {
                "applicationDomain": target.url,
                "paused": False,
                "pausedFor": 0,
                "reason": None,
                "requestsPerSecond": 60,
            }
        ],
        "workers": 1,
        "shards": 1,
    }


def test_at_work(target: Target) -> None:
    now = [1_764_056_178.5]
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    with running(quick(destination(target.url)), clock=lambda: now[0]) as bridge:
        bridge.identify("u", {"n": 1})
        target.wait_for(1)
        now[0] += 12
        told = status(bridge)
        assert (told["queued"], told["inFlight"], told["oldestAgeSeconds"]) == (1, 1, 12)
        assert told["oldestReceivedAt"] == "2025-11-25T07:36:18.500Z"
        shown = metrics(bridge)
        assert (shown["requests_in_flight"], shown["oldest_age_seconds"]) == (1, 12)
        now[0] -= 60
        assert status(bridge)["oldestAgeSeconds"] == 0, "a clock that went back makes no negative age"
        gate.open()
        assert bridge.idle()
        assert status(bridge)["inFlight"] == 0


def test_a_paused_destination_says_why(target: Target) -> None:
    target.script = always(Reply(401))
    with running(quick(destination(target.url), probe_every=300)) as bridge:
        bridge.identify("u", {"n": 1})
        until(lambda: status(bridge)["destinations"][0]["paused"])
        (told,) = status(bridge)["destinations"]
        assert 0 < told["pausedFor"] <= 300
        assert "401" in told["reason"]
        assert metrics(bridge)["paused_seconds"] > 0


def test_a_profile_that_waits_for_its_retry_is_asleep(target: Target) -> None:
    target.script = in_turn(Reply(503, (("Retry-After", "200"),)))
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", {"n": 1})
        until(lambda: status(bridge)["profiles"]["asleep"])
        assert status(bridge)["profiles"] == {"ready": 0, "asleep": 1}
        shown = metrics(bridge)
        assert shown['profiles{state="asleep"}'] == 1
        assert shown['requests_total{kind="single",status="503"}'] == 1


def test_what_was_counted(target: Target) -> None:
    with running(quick(destination(target.url))) as bridge:
        for message_id in ("1", "2", "2"):
            bridge.identify(f"user {message_id}", {"n": 1}, messageId=message_id)
        bridge.post("/v1/track", {"userId": "u", "messageId": "3"})
        assert bridge.idle()
        target.script = always(Reply(400))
        bridge.identify("refused", {"n": 1})
        assert bridge.idle()
        shown = metrics(bridge)
    assert shown['accepted_total{door="tracking"}'] == 4
    assert shown['duplicates_total{door="tracking"}'] == 1
    assert shown['settled_total{state="delivered"}'] == 2
    assert shown['settled_total{state="skipped"}'] == 1
    assert shown['settled_total{state="dead"}'] == shown["dead_letters"] == shown['events{state="dead"}'] == 1
    assert shown['requests_total{kind="single",status="200"}'] == 2
    assert shown['requests_total{kind="single",status="400"}'] == 1
    assert (shown["requests_per_second_allowed"], shown["shards_held"], shown["workers"]) == (0, 1, 1)


def test_an_unreachable_talon_one_is_counted() -> None:
    with running(quick(destination("http://127.0.0.1:9"))) as bridge:
        bridge.identify("u", {"n": 1})
        until(lambda: metrics(bridge).get('requests_total{kind="single",status="none"}'))


def test_no_key_is_in_it(target: Target) -> None:
    with running(quick(destination(target.url), write_keys=("the-write-key",), webhook_secret="the-secret")) as bridge:
        for path in ("/_bridge/status", "/metrics"):
            text = bridge.client.get(path).text
            assert not any(secret in text for secret in ("c3c3c3", "the-secret", "the-write-key"))


def test_a_login_in_the_domain_is_refused_and_not_repeated() -> None:
    for domain in ("https://user:pa55word@demo.talon.one", "user:pa55word@demo.talon.one"):
        with pytest.raises(SettingsError, match="holds a login") as caught:
            destination(domain)
        assert "pa55word" not in str(caught.value)


def test_a_question_with_a_parameter_too_many(target: Target) -> None:
    with running(quick(destination(target.url))) as bridge:
        answer = bridge.client.get("/_bridge/status?verbose=1")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_parameter")
