"""The journal: bounded, filtered, readable, and without keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import EXPIRING_KEY, EXPIRY, MANAGEMENT_KEY, SANDBOX_KEY, Emulator, SetClock, api_key, pure
from talon_emulator.journal import BODY_CAP, Entry, Filter, Journal, view

START = datetime(2030, 1, 1, tzinfo=UTC)


def entry(number: int, status: int = 200, request: bytes = b"", size: int | None = None) -> Entry:
    at = START + timedelta(seconds=number)
    length = len(request) if size is None else size
    return Entry(
        number, at, 0.5, "PUT", f"/p/{number}", "", "op", (f"u{number % 3}",), "k", status, "", request, b"", length, 0
    )


@pure
@given(st.integers(0, 5), st.integers(0, 20), st.integers(1, 10))
def test_keeps_the_newest_and_shows_them_first(size: int, count: int, limit: int) -> None:
    journal = Journal(size)
    for number in range(count):
        journal.append(entry(number))
    numbers = [entry.sequence for entry in journal.latest(Filter(), limit)]
    assert numbers == list(reversed(range(count)))[: min(size, limit)]
    assert journal.forgotten == max(count - size, 0)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(), [5, 4, 3, 2, 1, 0]),
        (Filter(kind="bad"), [5, 4]),
        (Filter(kind="good"), [3, 2, 1, 0]),
        (Filter(status=401), [5]),
        (Filter(path="/p/3"), [3]),
        (Filter(integration_id="u0"), [3, 0]),
        (Filter(since=3), [5, 4]),
        (Filter(since=START + timedelta(seconds=3)), [5, 4, 3]),
        (Filter(kind="bad", since=4), [5]),
    ],
)
def test_filters(wanted: Filter, numbers: list[int]) -> None:
    journal = Journal(10)
    for number, status in enumerate([200, 200, 204, 399, 400, 401]):
        journal.append(entry(number, status))
    assert [entry.sequence for entry in journal.latest(wanted, 10)] == numbers


def test_a_body_is_json_where_it_is_whole_and_valid() -> None:
    assert view(entry(1), "demo").request is None
    assert bytes(view(entry(1, request=b'{"a":0.10}'), "demo").request) == b'{"a":0.10}'  # type: ignore[arg-type]
    assert view(entry(1, request=b"{"), "demo").request == "{"
    assert view(entry(1, request=b"\xff{}"), "demo").request == "�{}"
    assert view(entry(1, request=b'{"a":1', size=5000), "demo").request == '{"a":1'
    assert view(entry(1, request=b"[" * 4000), "demo").request == "[" * 4000


def test_an_exchange_is_recorded(emulator: Emulator) -> None:
    emulator.update("a/b", {"number": 1}, query="?dry=false")
    [shown] = emulator.journal()
    assert shown.pop("sequence") > 0
    assert shown.pop("at").endswith("Z")
    assert shown.pop("milliseconds") > 0
    assert shown.pop("answer")["customerProfile"]["attributes"] == {"number": 1}
    assert shown.pop("answerBytes") > 100
    assert shown == {
        "kind": "good",
        "method": "PUT",
        "path": "/v2/customer_profiles/a%2Fb",
        "query": "dry=false",
        "operation": "updateCustomerProfileV2",
        "deployment": "demo",
        "integrationId": "a/b",
        "integrationIds": ["a/b"],
        "key": "sandbox key",
        "status": 200,
        "note": "",
        "request": {"attributes": {"number": 1}},
        "requestBytes": 27,
    }


def test_large_bodies_are_cut(emulator: Emulator) -> None:
    emulator.update("u", {"text": "x" * 10_000})
    [shown] = emulator.journal()
    assert len(shown["request"]) == len(shown["answer"]) == BODY_CAP
    assert shown["requestBytes"] > 10_000


def test_says_why_a_key_was_refused_and_never_the_key(timed: Emulator, clock: SetClock) -> None:
    clock.moment = EXPIRY
    stranger = "f" * 64
    for headers in (
        {},
        api_key(stranger),
        api_key(EXPIRING_KEY),
        api_key(MANAGEMENT_KEY),
        {"authorization": SANDBOX_KEY},
    ):
        assert timed.client.get("/v2/authping", headers=headers).status_code == 401
    assert [entry["note"] for entry in reversed(timed.journal())] == [
        "the Authorization header is missing",
        "the key is not known",
        "the key 'expiring key' expired at 2031-01-01T00:00:00.000000Z",
        "the key is of another kind",
        "the Authorization header must be 'ApiKey-v1 <key>'",
    ]
    text = timed.client.get("/_emulator/journal").text
    assert not any(key in text for key in (stranger, EXPIRING_KEY, MANAGEMENT_KEY, SANDBOX_KEY))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?kind=good", 2),
        ("?kind=bad", 1),
        ("?limit=1", 1),
        ("?path=inventory", 1),
        ("?integrationId=u", 2),
        ("?integrationId=U", 0),
        ("?status=400", 1),
        ("?since=2000-01-01T00:00:00Z", 3),
        ("?since=0", 3),
        ("?deployment=demo", 3),
    ],
)
def test_filters_over_http(emulator: Emulator, query: str, count: int) -> None:
    emulator.update("u", {"flag": True})
    emulator.inventory("u")
    emulator.update("v", {"flag": 1})
    assert len(emulator.journal(query)) == count


@pytest.mark.parametrize(
    "query",
    ["?kind=ugly", "?limit=0", "?limit=x", "?status=600", "?since=yesterday", "?since=2030-01-01T00:00:00", "?a=%zz"],
)
def test_refuses_filters(emulator: Emulator, query: str) -> None:
    answer = emulator.client.get(f"/_emulator/journal{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"


def test_control_and_pages_are_not_recorded(emulator: Emulator) -> None:
    for path in ("/", "/metrics", "/_emulator/health", "/nothing"):
        emulator.client.get(path)
    assert emulator.journal() == []


@pytest.mark.parametrize(
    "query",
    [f"apiKey={MANAGEMENT_KEY}", f"a=b&x={SANDBOX_KEY}&c=d", "%62=" + "".join(f"%{ord(c):x}" for c in SANDBOX_KEY)],
)
def test_a_key_in_the_query_is_not_kept(emulator: Emulator, query: str) -> None:
    emulator.client.get(f"/v1/attributes?{query}")
    [entry] = emulator.journal()
    assert "***" in entry["query"]
    assert SANDBOX_KEY not in str(entry)
    assert MANAGEMENT_KEY not in str(entry)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/sessions"), ("POST", "/v1/sessions/"), ("PUT", "/v1/sessions")]
)
def test_a_password_is_not_kept(emulator: Emulator, method: str, path: str) -> None:
    emulator.client.request(method, path, json={"email": "a@b.c", "password": "correct horse"})
    assert "correct horse" not in str(emulator.journal())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/customer_profiles/u9", {}),
        ("/v2/customer_profiles", {"customerProfiles": [{"integrationId": "u8"}, {"integrationId": "u9"}]}),
        ("/segment/v2/events", {"customerProfileId": "u9", "eventType": "visit"}),
        ("/segment/v2/customer_sessions/s", {"profileId": "u9"}),
        ("/segment/customer_sessions/s", {"customerSession": {"profileId": "u9"}}),
        ("/segment/v2/customer_profiles/audiences", {"data": [{"customerProfileId": "u9", "adds": ["a"]}]}),
    ],
)
def test_a_customer_is_found_wherever_the_request_names_it(emulator: Emulator, path: str, body: Any) -> None:
    key = EXPIRING_KEY if path.startswith("/segment") else SANDBOX_KEY
    headers = {**api_key(key), "destination-hostname": "demo"}
    emulator.client.put(path, json=body, headers=headers)
    emulator.client.put("/v2/customer_profiles/other", json={}, headers=api_key(SANDBOX_KEY))
    [entry] = emulator.journal("?integrationId=u9")
    assert entry["path"] == path
    fault = {"kind": "error", "status": 503, "integrationId": "u9"}
    assert emulator.client.post("/_emulator/faults", json=fault).status_code == 201
    assert emulator.client.put(path, json=body, headers=headers).status_code == 503
    other = emulator.client.put("/v2/customer_profiles/other", json={}, headers=api_key(SANDBOX_KEY))
    assert other.status_code == 200


def test_an_encoded_path_hides_nothing(emulator: Emulator) -> None:
    emulator.client.put("/%762/customer_profiles/u", json={}, headers=api_key(SANDBOX_KEY))
    [entry] = emulator.journal()
    assert entry["path"] == "/%762/customer_profiles/u"


def test_what_a_fault_kept_from_the_client_is_found_by_its_status(emulator: Emulator) -> None:
    fault = {"kind": "reset", "moment": "before"}
    emulator.client.post("/_emulator/faults", json=fault)
    with pytest.raises(httpx.TransportError):
        emulator.update("u", {})
    assert len(emulator.journal("?status=0")) == 1
