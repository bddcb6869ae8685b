"""The bridge's own API: what came in, what became of it, whether all is done."""

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge_support import Bridge, Reply, Target, always, destination, identify, in_turn, quick, running, until

numbers = itertools.count(1)


@pytest.fixture(scope="module", name="shared")
def shared_bridge(bridge: Bridge) -> Bridge:
    """The module's bridge, under a name that Hypothesis may reuse between examples."""
    return bridge


def problem(answer: Any) -> dict[str, str]:
    told: dict[str, str] = answer.json()["error"]
    assert told.keys() == {"code", "message", "hint"}
    assert all(told.values())
    return told


def test_health_and_ready(bridge: Bridge) -> None:
    assert bridge.client.get("/_bridge/health").json() == {"status": "ok"}
    ready = bridge.client.get("/_bridge/ready").json()
    assert ready["status"] == "ready"
    assert ready["counts"].keys() == {"waiting", "delivered", "skipped", "dead"}


def test_idle_waits_for_what_was_accepted(target: Target) -> None:
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    with running(quick(destination(target.url))) as bridge:
        assert bridge.idle(0)
        bridge.identify("u", {"n": 1})
        target.wait_for(1)
        answer = bridge.client.get("/_bridge/idle?timeout=0.01")
        assert answer.status_code == 409
        assert answer.json() == {
            "idle": False,
            "counts": {"waiting": 1, "delivered": 0, "skipped": 0, "dead": 0},
            "pausedFor": 0.0,
            "engage": {"running": [], "queued": 0, "due": []},
        }
        gate.open()
        assert bridge.idle()
        assert bridge.counts()["delivered"] == 1


@pytest.mark.parametrize("timeout", ["-1", "x", "", "nan", "inf", "1e9", "601"])
def test_a_timeout_that_is_none(bridge: Bridge, timeout: str) -> None:
    answer = bridge.client.get(f"/_bridge/idle?timeout={timeout}")
    assert answer.status_code == 400
    assert problem(answer)["code"] == "bad_timeout"


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=", "limit=" + "9" * 5000, "state=gone", "state=", "limit=-1"],
)
def test_a_filter_that_is_none(bridge: Bridge, query: str) -> None:
    answer = bridge.client.get(f"/_bridge/events?{query}")
    assert answer.status_code == 400
    assert problem(answer)["code"] == "bad_filter"


@pytest.mark.parametrize("path", ["events?user=u", "idle?wait=5"])
def test_a_parameter_that_is_not_known(bridge: Bridge, path: str) -> None:
    answer = bridge.client.get(f"/_bridge/{path}")
    assert answer.status_code == 400
    assert problem(answer)["code"] == "unknown_parameter"


def test_the_newest_events_first_and_narrowed(bridge: Bridge) -> None:
    user = f"user {next(numbers)}/ü"
    for number in range(3):
        bridge.identify(user, {"n": number}, messageId=f"{user}-{number}")
    bridge.post("/v1/track", {"userId": user, "messageId": f"{user}-t"})
    assert bridge.idle()
    query = f"?userId={quote(user, safe='')}"
    newest = [f"{user}-t", *(f"{user}-{number}" for number in (2, 1, 0))]
    assert [event["messageId"] for event in bridge.events(query)] == newest
    assert [event["messageId"] for event in bridge.events(query + "&limit=2")] == newest[:2]
    assert [event["messageId"] for event in bridge.events(query + "&state=skipped")] == newest[:1]
    assert bridge.events("?userId=nobody") == []


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(ids)
@example("a/b")
@example("a%2Fb")
@example("?#;+ &")
@example("\n")
@example("a\nb\n")
@example("\0")
@example("/")
@example("../x")
@example("😀" * 60)
@hypothesis_settings(deadline=None, max_examples=40)
def test_an_event_is_found_by_whatever_its_id_is(shared: Bridge, ending: str) -> None:
    message_id = f"{next(numbers)} {ending}"
    assert shared.post("/v1/identify", identify("u", {"n": 1}, messageId=message_id)).status_code == 200
    (listed, *_) = shared.events("?limit=1")
    found = shared.client.get(listed["self"])
    assert found.status_code == 200, listed["self"]
    assert found.json()["messageId"] == found.json()["event"]["messageId"] == message_id


def test_an_unknown_id(bridge: Bridge) -> None:
    for path in ("/_bridge/events/no/such", "/_bridge/events/%FF"):
        answer = bridge.client.get(path)
        assert answer.status_code == 404
        assert problem(answer)["code"] == "unknown_event"


def test_a_delivered_event_in_full(bridge: Bridge) -> None:
    traits = {"n": 1, "Address": {"City": "B"}}
    bridge.identify("in/full", traits, messageId="in full", context={"library": {"name": "analytics.js"}})
    assert bridge.idle()
    told = bridge.client.get("/_bridge/events/in%20full").json()
    assert told["state"] == "delivered"
    assert told["request"] == {"method": "PUT", "path": "/v2/customer_profiles/in%2Ffull"}
    assert told["traits"] == [
        {"pointer": "/n", "attribute": "n", "value": 1, "verdict": "sent"},
        {
            "pointer": "/Address/City",
            "attribute": "Address_City",
            "value": "B",
            "verdict": "withheld",
            "rule": "MAP-3",
            "reason": "Address_City is not in Custom Attributes; address_city is, and differs in case",
            "nearest": "address_city",
        },
    ]
    assert [warning["rule"] for warning in told["warnings"]] == ["SRC-1"]
    assert [attempt["status"] for attempt in told["attempts"]] == [200]
    assert told["reason"] is None
    assert told["event"]["traits"] == traits


def test_a_skipped_event_says_why(bridge: Bridge) -> None:
    bridge.identify(None, {"n": 1}, messageId="anonymous")
    assert bridge.idle()
    told = bridge.client.get("/_bridge/events/anonymous").json()
    assert (told["state"], told["request"], told["reason"]["rule"]) == ("skipped", None, "ID-2")
    assert told["attempts"] == []


def test_numbers_are_shown_digit_for_digit(bridge: Bridge) -> None:
    raw = b'{"userId":"digits","messageId":"digits","traits":{"n":9007199254740993,"age":1.10,"x":1e30}}'
    assert bridge.post("/v1/identify", raw).status_code == 200
    assert bridge.idle()
    text = bridge.client.get("/_bridge/events/digits").text
    assert '"value":9007199254740993' in text
    assert '"value":1.10' in text


def test_an_event_that_waits_is_explained_with_todays_settings(target: Target) -> None:
    target.script = in_turn(Reply(503, (("Retry-After", "200"),)))
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", {"n": 1}, messageId="m")
        target.wait_for(1)
        until(lambda: bridge.client.get("/_bridge/events/m").json()["attempts"])
        told = bridge.client.get("/_bridge/events/m").json()
        assert (told["state"], told["traits"][0]["verdict"]) == ("waiting", "waiting")
        assert [(tried["status"], tried["error"]) for tried in told["attempts"]] == [(503, "Talon.One answered 503")]
        assert told["notBefore"] > told["attempts"][0]["at"]


def test_metrics_for_prometheus(bridge: Bridge) -> None:
    bridge.post("/v1/track", {"messageId": "for the metrics"})
    assert bridge.idle()
    answer = bridge.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    shown = {state: float(rows[f'localtalon_bridge_events{{state="{state}"}}']) for state in bridge.counts()}
    assert shown == bridge.counts()
    assert float(rows["localtalon_bridge_paused_seconds"]) == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/_bridge/nope", 404, "not_found"),
        ("GET", "/v2/customer_profiles/u", 404, "not_found"),
        ("POST", "/_bridge/events", 405, "method_not_allowed"),
        ("DELETE", "/_bridge/events/x", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_told_in_json(bridge: Bridge, method: str, path: str, status: int, code: str) -> None:
    answer = bridge.client.request(method, path)
    assert answer.status_code == status
    assert problem(answer)["code"] == code
    assert ("allow" in answer.headers) == (status == 405)


def test_no_key_is_shown_anywhere(bridge: Bridge) -> None:
    bridge.identify("u", {"n": 1}, messageId="secret")
    for path in ("/metrics", "/_bridge/events", "/_bridge/events/secret", "/_bridge/ready"):
        text = bridge.client.get(path).text
        assert json.dumps("c3" * 32) not in text
        assert "c3c3c3c3" not in text


@pytest.mark.parametrize("path", ["/_bridge/events", "/_bridge/events/x", "/_bridge/health", "/metrics"])
def test_a_foreign_name_is_not_answered(bridge: Bridge, path: str) -> None:
    """A page whose name was made to lead here may send events; it may not read them."""
    answer = bridge.client.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert problem(answer)["code"] == "wrong_host"
    for host in (f"localhost:{bridge.port}", "127.0.0.1", "[::1]:8901", "bridge.localhost"):
        assert bridge.client.get(path, headers={"host": host}).status_code != 421


def test_a_duplicate_is_told_of(bridge: Bridge) -> None:
    for _ in range(3):
        bridge.identify("u", {"n": 1}, messageId="thrice")
    told = bridge.client.get("/_bridge/events/thrice").json()["duplicates"]
    assert (told["rule"], told["count"]) == ("DEL-3", 2)
