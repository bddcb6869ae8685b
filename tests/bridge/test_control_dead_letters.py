"""Dead letters over the control API: listed, replayed, discarded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bridge_support import Bridge, Reply, Script, Seen, Target, always, destination, quick, running, scripted_target
from talon_bridge.control.parameters import FILTERS, instant, selection
from talon_bridge.forwarder import NEWER_AT_ONCE

REFUSAL = {
    "message": "The submitted data was invalid",
    "errors": [
        {"title": "Invalid", "details": "Value of n is not a string", "source": {"pointer": "/attributes/n"}},
    ],
}
REFUSED = Reply(400, body=json.dumps(REFUSAL).encode())


@pytest.fixture(name="bridge")
def own_bridge(target: Target, data: str | None) -> Iterator[Bridge]:
    """A bridge to a Talon.One that refuses everything, with each kind of outbox."""
    target.script = always(REFUSED)
    with running(quick(destination(target.url), data=data)) as found:
        yield found


@pytest.fixture(scope="module", name="shared")
def shared_bridge() -> Iterator[Bridge]:
    """The same for a whole module, with one dead letter that stays."""
    with scripted_target() as target:
        target.script = always(REFUSED)
        with running(quick(destination(target.url))) as found:
            kill(found, "still here")
            yield found


def kill(bridge: Bridge, *message_ids: str, user: str | None = None) -> None:
    """Have these events refused, one after the other, each of a user of its own."""
    for message_id in message_ids:
        bridge.identify(user or f"user of {message_id}", {"n": 1, "email": "a@b.c"}, messageId=message_id)
    assert bridge.idle()


def ask(bridge: Bridge, query: str = "") -> dict[str, Any]:
    answer = bridge.client.get(f"/_bridge/dead-letters{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def listed(bridge: Bridge, query: str = "") -> list[str]:
    return [letter["messageId"] for letter in ask(bridge, query)["deadLetters"]]


def order(bridge: Bridge, path: str, body: Any = None) -> httpx.Response:
    return bridge.client.post(f"/_bridge/dead-letters/{path}", content=b"" if body is None else json.dumps(body))


def done(bridge: Bridge, path: str, body: Any = None) -> dict[str, Any]:
    answer = order(bridge, path, body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def event(bridge: Bridge, message_id: str) -> dict[str, Any]:
    found: dict[str, Any] = bridge.client.get("/_bridge/events/" + quote(message_id, safe="")).json()
    return found


def problem(answer: httpx.Response) -> dict[str, str]:
    told: dict[str, str] = answer.json()["error"]
    assert told.keys() == {"code", "message", "hint"}
    return told


def test_the_oldest_first_and_explained(bridge: Bridge) -> None:
    kill(bridge, "1", "2", "3")
    told = ask(bridge)
    assert [letter["messageId"] for letter in told["deadLetters"]] == ["1", "2", "3"]
    assert (told["total"], told["next"]) == (3, None)
    letter = told["deadLetters"][0]
    assert letter == {key: value for key, value in event(bridge, "1").items() if key != "event"}
    assert letter["state"] == "dead"
    assert letter["settledAt"] >= letter["receivedAt"]
    assert letter["reason"]["reason"] == "Talon.One answered 400: The submitted data was invalid"
    assert letter["traits"][0]["reason"].startswith("Value of n is not a string")


def test_pages_join_without_a_gap(bridge: Bridge) -> None:
    ids = [str(number) for number in range(7)]
    kill(bridge, *ids)
    found, after = [], ""
    while True:
        told = ask(bridge, f"?limit=3{after}")
        assert told["total"] == 7
        found += [letter["messageId"] for letter in told["deadLetters"]]
        if told["next"] is None:
            break
        after = f"&after={told['next']}"
    assert found == ids
    assert ask(bridge, "?limit=7")["next"] is None


def test_events_are_paged_backwards(bridge: Bridge) -> None:
    kill(bridge, "1", "2", "3")
    first = bridge.client.get("/_bridge/events?limit=2").json()
    second = bridge.client.get(f"/_bridge/events?limit=2&before={first['next']}").json()
    assert [each["messageId"] for each in first["events"] + second["events"]] == ["3", "2", "1"]
    assert second["next"] is None


def test_each_filter_narrows(bridge: Bridge, target: Target) -> None:
    kill(bridge, "1", user="a/b +ü")
    target.script = always(Reply(413))
    kill(bridge, "2", "3", user="other")
    moment = quote(event(bridge, "2")["receivedAt"])
    assert listed(bridge, f"?userId={quote('a/b +ü')}") == ["1"]
    assert listed(bridge, "?messageId=3") == ["3"]
    assert listed(bridge, "?status=413") == ["2", "3"]
    assert listed(bridge, "?status=413&userId=nobody") == []
    assert set(listed(bridge, f"?receivedFrom={moment}")) >= {"3"}
    assert listed(bridge, "?receivedUntil=2000-01-01") == []
    assert ask(bridge, "?status=400")["total"] == 1


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("?user=1", "unknown_parameter", "did you mean userId?"),
        ("?state=dead", "unknown_parameter", "there is userId, messageId"),
        ("?status=ok", "bad_filter", "from 100 to 599"),
        ("?status=99", "bad_filter", "from 100 to 599"),
        ("?limit=0", "bad_filter", "from 1 to 1000"),
        ("?limit=1001", "bad_filter", "from 1 to 1000"),
        ("?after=-1", "bad_filter", "give a number"),
        ("?after=" + "9" * 5000, "bad_filter", "give a number"),
        ("?receivedFrom=yesterday", "bad_filter", "give a time such as 2026-01-21T15:04:05Z"),
        ("?receivedFrom=2026-01-01T00:00:00+01:00", "bad_filter", "%2B"),
        ("?limit=1&limit=2", "bad_filter", "give it once"),
    ],
)
def test_what_is_no_question(shared: Bridge, query: str, code: str, said: str) -> None:
    answer = shared.client.get(f"/_bridge/dead-letters{query}")
    assert answer.status_code == 400
    assert problem(answer)["code"] == code
    assert said in problem(answer)["hint"]


@pytest.mark.parametrize("verb", ["replay", "discard"])
@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "bad_filter", '"all": true'),
        (b"{}", "bad_filter", '"all": true'),
        (b'{"filter":{}}', "bad_filter", '"all": true'),
        (b'{"filter":{"settledUntil":"2026-01-01T00:00:00Z"}}', "bad_filter", '"all": true'),
        (b'{"filter":{"userId":"u"},"all":true}', "bad_filter", "give one of userId"),
        (b'{"all":1}', "bad_body", "true or false"),
        (b'{"al":true}', "unknown_member", "did you mean all?"),
        (b'{"filter":{"userid":"u"}}', "unknown_member", "did you mean userId?"),
        (b'{"filter":{"userId":5}}', "bad_filter", "give a text"),
        (b'{"filter":{"status":true}}', "bad_filter", "from 100 to 599"),
        (b'{"filter":{"receivedFrom":5}}', "bad_filter", "give a time"),
        (b'{"filter":[]}', "bad_body", "it may hold userId"),
        (b"[]", "bad_body", "it may hold filter"),
        (b'{"all":true,"limit":1.5}', "bad_filter", "from 1 to 10000"),
        (b'{"all":true', "invalid_json", "send a JSON object"),
        (b'{"all":' + b" " * 70_000 + b"true}", "body_too_large", "send a JSON object"),
    ],
    ids=range(16),
)
def test_what_is_no_order(shared: Bridge, verb: str, body: bytes, code: str, said: str) -> None:
    answer = shared.client.post(f"/_bridge/dead-letters/{verb}", content=body)
    assert answer.status_code == 400
    assert problem(answer)["code"] == code
    assert said in problem(answer)["hint"]
    assert listed(shared) == ["still here"]


def test_a_replayed_event_that_is_taken_now(bridge: Bridge, target: Target) -> None:
    kill(bridge, "m")
    target.script = always(Reply())
    assert done(bridge, "m/replay") == {"replayed": 1}
    assert bridge.idle()
    told = event(bridge, "m")
    assert (told["state"], told["replay"], told["attemptsBeforeReplay"]) == ("delivered", "kept", 1)
    assert [attempt["status"] for attempt in told["attempts"]] == [400, 200]
    assert ask(bridge) == {"deadLetters": [], "total": 0, "next": None}
    again = order(bridge, "m/replay")
    assert (again.status_code, problem(again)["code"]) == (409, "not_a_dead_letter")
    assert "is delivered" in problem(again)["message"]


def test_one_is_named_by_whatever_its_id_is(bridge: Bridge) -> None:
    kill(bridge, "another")
    for message_id in ("a/b", "a/replay", "replay", "discard", "?#% &", "\n", "x\n", "\x1b[2J", "é" * 100):
        kill(bridge, message_id)
        path = quote(message_id, safe="")
        assert done(bridge, f"{path}/replay") == {"replayed": 1}
        assert bridge.idle()
        assert len(event(bridge, message_id)["attempts"]) == 2
        assert done(bridge, f"{path}/discard", {}) == {"discarded": 1}
        assert listed(bridge) == ["another"]


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_one_that_is_not_there(shared: Bridge, verb: str) -> None:
    answer = order(shared, f"nope/{verb}")
    assert (answer.status_code, problem(answer)["code"]) == (404, "unknown_event")
    assert problem(order(shared, f"nope/{verb}", {"filter": {}}))["code"] == "unknown_member"


def test_a_loop_ends_though_what_it_replays_dies_again(bridge: Bridge) -> None:
    kill(bridge, *map(str, range(5)))
    body: dict[str, Any] = {"filter": {}, "all": True, "limit": 2}
    steps = []
    while True:
        told = done(bridge, "replay", body)
        steps.append((told["replayed"], told["left"]))
        assert bridge.idle()
        if not told["left"]:
            break
        body["filter"]["settledUntil"] = told["settledUntil"]
    assert steps == [(2, 3), (2, 1), (1, 0)]
    assert {len(letter["attempts"]) for letter in ask(bridge)["deadLetters"]} == {2}
    assert done(bridge, "replay", body)["replayed"] == 0


def test_only_what_fits_is_replayed_or_discarded(bridge: Bridge) -> None:
    kill(bridge, "1", "2", user="u")
    kill(bridge, "3", user="other")
    assert done(bridge, "discard", {"filter": {"userId": "u"}, "limit": 1})["left"] == 1
    assert listed(bridge) == ["2", "3"]
    assert done(bridge, "replay", {"filter": {"userId": "u", "status": 400}})["replayed"] == 1
    assert bridge.idle()
    assert [len(letter["attempts"]) for letter in ask(bridge)["deadLetters"]] == [2, 1]
    assert done(bridge, "discard", {"all": True})["discarded"] == 2
    assert bridge.counts()["dead"] == 0


@pytest.mark.parametrize(("force", "sent"), [(False, []), (True, [1])])
def test_newer_values_stay_unless_forced(target: Target, force: bool, sent: list[int]) -> None:
    target.script = _refuses_once_the_first()
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", {"n": 1}, messageId="old")
        assert bridge.idle()
        bridge.identify("u", {"n": 2}, messageId="new")
        assert bridge.idle()
        before = len(target.seen)
        assert done(bridge, "replay", {"all": True, "force": force})["replayed"] == 1
        assert bridge.idle()
        assert [seen.attributes["n"] for seen in target.seen[before:]] == sent
        assert event(bridge, "old")["replay"] == ("forced" if force else "kept")


def test_a_replay_sends_what_no_newer_event_has_delivered_however_many_there_are(target: Target) -> None:
    target.script = _refuses_once_the_first()
    with running(quick(destination(target.url))) as bridge:
        bridge.identify("u", {"age": 1, "n": 1}, messageId="old")
        assert bridge.idle()
        newer = [{"email": str(number)} for number in range(NEWER_AT_ONCE)] + [{"n": 2}]
        calls = [{"type": "identify", "userId": "u", "traits": traits} for traits in newer]
        assert bridge.post("/v1/batch", {"batch": calls}).status_code == 200
        assert bridge.idle()
        before = len(target.seen)
        assert done(bridge, "replay", {"all": True})["replayed"] == 1
        assert bridge.idle()
        assert [seen.attributes for seen in target.seen[before:]] == [{"age": 1}]


def _refuses_once_the_first() -> Script:
    left = [REFUSED]

    def script(seen: Seen) -> Reply:
        return left.pop() if left else Reply()

    return script


def test_dead_letters_outlive_the_memory_of_their_ids(target: Target, tmp_path: Path) -> None:
    """A messageId counts for a day; its dead letter is found for as long as it is there."""
    now = [1_000_000.0]
    target.script = always(REFUSED)
    settings = quick(destination(target.url), data=str(tmp_path))
    with running(settings, clock=lambda: now[0]) as bridge:
        kill(bridge, "m")
    now[0] += 90_000
    with running(settings, clock=lambda: now[0]) as bridge:
        kill(bridge, "m")  # another event now
        assert ask(bridge)["total"] == 2
        assert done(bridge, "m/discard") == {"discarded": 2}


def test_a_moment_is_read_back_as_it_was_told() -> None:
    for moment in (1_764_056_178.123456, 0.1, 1_764_056_178.9999996):
        text = instant(moment)
        assert instant(selection({"settledUntil": text}).settled_until or 0) == text
    assert set(FILTERS) >= {"settledUntil"}
