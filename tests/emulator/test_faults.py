"""The fault lever: what goes wrong on purpose, for whom, how often, and that all is well afterwards."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import SANDBOX_KEY, SEED, Emulator, api_key, pure, running
from talon_emulator.app import create_app
from talon_emulator.exchange import Answer, Request
from talon_emulator.faults.active import Faults
from talon_emulator.faults.fault import Fault
from talon_emulator.faults.kinds import KINDS, ErrorStatus
from talon_emulator.settings import Settings

PATH = "/v2/customer_profiles/u"


@pytest.fixture
def struck(served: Emulator) -> Iterator[Emulator]:
    """An emulator in its seeded state, and without faults afterwards."""
    served.reset()
    yield served
    served.reset()


def arm(emulator: Emulator, query: str = "", /, **document: Any) -> Any:
    answer = emulator.client.post(f"/_emulator/faults{query}", json=document)
    assert answer.status_code == 201, answer.text
    return answer.json()


def hits(emulator: Emulator) -> list[int]:
    return [fault["hits"] for fault in emulator.client.get("/_emulator/faults").json()["faults"]]


def eventually(said: Callable[[], bool]) -> None:
    """Ask until it is so; asking takes the time."""
    until = time.monotonic() + 20
    while not said():
        assert time.monotonic() < until, "it never came to be"


def request_on(connection: socket.socket, body: bytes = b'{"attributes":{"text":"x"}}') -> None:
    head = f"PUT {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: ApiKey-v1 {SANDBOX_KEY}\r\n"
    connection.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503, 599])
def test_an_error_status_does_nothing_and_has_the_shape_of_its_path(struck: Emulator, status: int) -> None:
    arm(struck, kind="error", status=status)
    answer = struck.update("u", {"text": "x"})
    assert answer.status_code == answer.json()["StatusCode"] == status
    assert set(answer.json()) == {"message", "errors", "StatusCode"}
    assert "retry-after" not in answer.headers
    other = struck.client.put("/segment/v2/customer_profiles/u", content=b"{}")
    assert set(other.json()) == {"StatusCode", "Error", "RequestUUID"}
    assert other.status_code == status
    [first, second] = struck.journal("?kind=bad")
    assert first["note"].startswith("fault 1: error")
    assert second["status"] == status
    assert struck.client.delete("/_emulator/faults").status_code == 204
    assert struck.attributes("u") is None


def test_retry_after(struck: Emulator) -> None:
    arm(struck, kind="error", status=429, retryAfter=7)
    answer = struck.update("u", {})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["message"] == "Too many requests"


def test_latency_delays_the_work(struck: Emulator) -> None:
    arm(struck, kind="latency", milliseconds=150, jitter=50, count=1)
    began = time.monotonic()
    assert struck.update("u", {"text": "x"}).status_code == 200
    assert time.monotonic() - began > 0.09
    assert struck.journal()[0]["milliseconds"] > 90
    assert struck.attributes("u") == {"text": "x"}


def test_a_client_that_gives_up_before_the_work_began(struck: Emulator) -> None:
    arm(struck, kind="latency", milliseconds=300, count=1)
    with pytest.raises(httpx.ReadTimeout):
        struck.client.put(PATH, content=b'{"attributes":{"text":"x"}}', headers=api_key(SANDBOX_KEY), timeout=0.05)
    eventually(lambda: struck.attributes("u") == {"text": "x"})


@pytest.mark.parametrize(("moment", "applied"), [("before", None), ("after", {"text": "x"})])
def test_a_reset_before_or_after_the_work(struck: Emulator, moment: str, applied: Any) -> None:
    arm(struck, kind="reset", moment=moment, count=1)
    with socket.create_connection(("127.0.0.1", struck.port), timeout=10) as connection:
        request_on(connection)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    [entry] = struck.journal()
    assert (entry["status"], entry["kind"]) == ((200, "good") if applied else (0, "bad"))
    assert entry["note"] == "fault 1: reset"
    assert struck.attributes("u") == applied


def test_a_slow_body_arrives_whole(struck: Emulator) -> None:
    arm(struck, kind="slow-body", milliseconds=200, count=2)
    with struck.client.stream("PUT", PATH, content=b"{}", headers=api_key(SANDBOX_KEY)) as answer:
        assert answer.status_code == 200
        assert struck.attributes("u") == {}  # the work is done before the body is there
        body = answer.read()
    assert msgspec.json.decode(body)["customerProfile"]["integrationId"] == "u"
    assert answer.elapsed.total_seconds() > 0.15
    assert hits(struck) == [2]


def test_a_slow_answer_without_a_body(struck: Emulator) -> None:
    arm(struck, kind="slow-body", milliseconds=20)
    assert struck.client.get("/v2/authping", headers=api_key(SANDBOX_KEY)).status_code == 204


def test_the_work_is_done_after_the_client_gave_up(struck: Emulator) -> None:
    arm(struck, kind="late", milliseconds=10, count=1)
    with socket.create_connection(("127.0.0.1", struck.port), timeout=10) as connection:
        request_on(connection)
        eventually(lambda: hits(struck) == [1])
        assert struck.attributes("u") is None
    eventually(lambda: struck.attributes("u") == {"text": "x"})
    eventually(lambda: struck.journal("?path=v2")[0]["note"] == "fault 1: late")


def test_silence(struck: Emulator) -> None:
    arm(struck, kind="silence", count=1)
    with socket.create_connection(("127.0.0.1", struck.port), timeout=0.3) as connection:
        request_on(connection)
        eventually(lambda: hits(struck) == [1])
        with pytest.raises(TimeoutError):
            connection.recv(1)
    eventually(lambda: [entry["note"] for entry in struck.journal("?path=v2")] == ["fault 1: silence"])
    assert struck.attributes("u") is None


@pytest.mark.parametrize("kind", ["silence", "late"])
def test_a_server_that_stops_does_not_wait_for_those_it_holds(kind: str) -> None:
    with socket.socket() as connection:
        with running(Settings(deployment=SEED)) as emulator:
            arm(emulator, kind=kind)
            connection.connect(("127.0.0.1", emulator.port))
            request_on(connection)
            eventually(lambda: hits(emulator) == [1])
            began = time.monotonic()
        assert time.monotonic() - began < 4  # the tests' servers have 5 seconds
        connection.settimeout(1)
        assert connection.recv(1) == b""


def test_they_follow_each_other_in_the_order_of_their_making(struck: Emulator) -> None:
    arm(struck, kind="latency", milliseconds=1)
    arm(struck, kind="error", status=503, count=2)
    arm(struck, kind="error", status=429, count=1)
    assert [struck.update("u", {}).status_code for _ in range(4)] == [503, 503, 429, 200]
    assert hits(struck) == [4, 2, 1]
    assert struck.journal()[-1]["note"] == "fault 1: latency; fault 2: error; Service Unavailable"


@pytest.mark.parametrize("outer", sorted(KINDS))
@pytest.mark.parametrize("inner", ["reset", "slow-body", "error"])
def test_any_two_go_together(struck: Emulator, outer: str, inner: str) -> None:
    needs = {"latency": {"milliseconds": 1}, "slow-body": {"milliseconds": 1}, "error": {"status": 503}}
    for kind in (outer, inner):
        arm(struck, kind=kind, count=1, **needs.get(kind, {}))
    with socket.create_connection(("127.0.0.1", struck.port), timeout=10) as connection:
        request_on(connection)
        eventually(lambda: hits(struck)[0] == 1)
        if outer not in ("late", "silence"):
            try:
                assert connection.recv(12).startswith(b"HTTP/1.1 ")
            except ConnectionResetError:
                assert "reset" in (outer, inner)
    eventually(lambda: len(struck.journal()) == 1)
    assert struck.journal()[0]["status"] in (0, 200, 503)
    assert struck.client.delete("/_emulator/faults").status_code == 204
    assert struck.update("v", {}).status_code == 200


@pytest.mark.parametrize(
    ("where", "statuses"),
    [
        ({}, [503, 503, 503, 503]),
        ({"method": "put"}, [503, 503, 200, 404]),
        ({"method": "GET"}, [200, 200, 503, 503]),
        ({"path": "/v2/customer_profiles/*"}, [503, 503, 200, 404]),
        ({"path": "/v2/customer_profiles"}, [200, 200, 200, 404]),
        ({"path": "*/inventory"}, [200, 200, 503, 404]),
        ({"path": "/nothing/*"}, [200, 200, 200, 404]),
        ({"integrationId": "a/b"}, [503, 200, 200, 404]),
        ({"path": "*%2Fb"}, [503, 200, 200, 404]),
        ({"integrationId": "b"}, [200, 503, 503, 404]),
        ({"integrationId": "b", "method": "PUT"}, [200, 503, 200, 404]),
        ({"probability": 0}, [200, 200, 200, 404]),
    ],
)
def test_it_strikes_what_it_concerns(struck: Emulator, where: Any, statuses: list[int]) -> None:
    struck.update("b", {})
    arm(struck, kind="error", status=503, **where)
    unknown = struck.client.get("/v3/nothing")
    found = [struck.update("a/b", {}), struck.update("b", {}), struck.inventory("b"), unknown]
    assert [answer.status_code for answer in found] == statuses


def test_control_and_pages_are_never_struck(struck: Emulator) -> None:
    arm(struck, kind="error", status=503)
    for path in ("/", "/metrics", "/_emulator/health", "/_emulator/faults", "/_emulator/journal"):
        assert struck.client.get(path).status_code == 200


def test_each_deployment_has_its_own(struck: Emulator) -> None:
    made = struck.client.post("/_emulator/deployments").json()
    name, key = made["deployment"], made["apiKeys"][0]["key"]
    arm(struck, f"?deployment={name}", kind="error", status=503)
    assert struck.update("u", {}, key).status_code == 503
    assert struck.update("u", {}).status_code == 200
    assert hits(struck) == []
    assert struck.client.post(f"/_emulator/reset?deployment={name}").status_code == 200
    assert struck.update("u", {}, key).status_code == 200
    assert struck.client.delete(f"/_emulator/deployments/{name}").status_code == 204


def test_they_are_listed_and_ended_one_by_one(struck: Emulator) -> None:
    one, two = arm(struck, kind="silence", path="/x", seed=4), arm(struck, kind="error", status=503, retryAfter=1)
    assert one == {
        "id": 1,
        "kind": "silence",
        "hits": 0,
        "method": None,
        "path": "/x",
        "integrationId": None,
        "probability": 1.0,
        "count": None,
        "seed": 4,
    }
    assert struck.client.get("/_emulator/faults").json() == {"deployment": "demo", "faults": [one, two]}
    assert struck.client.delete("/_emulator/faults/2").status_code == 204
    assert struck.update("u", {}).status_code == 200
    for number in ("2", "x", "9" * 50, "٣"):
        answer = struck.client.delete(f"/_emulator/faults/{number}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_fault")
    assert struck.client.get("/_emulator/faults").json()["faults"] == [one]
    assert arm(struck, kind="silence", path="/x")["id"] == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "/kind"),
        ({}, "/kind"),
        ({"kind": 3}, "/kind"),
        ({"kind": "Latency"}, "did you mean 'latency'?"),
        ({"kind": "latency"}, "missing: milliseconds"),
        ({"kind": "latency", "milliseconds": -1}, "/milliseconds"),
        ({"kind": "latency", "miliseconds": 1}, "did you mean 'milliseconds'?"),
        ({"kind": "error", "status": 200}, "/status"),
        ({"kind": "error", "status": 503, "probability": 1.1}, "/probability"),
        ({"kind": "error", "status": 503, "count": 0}, "/count"),
        ({"kind": "reset", "moment": "during"}, "/moment"),
    ],
)
def test_refuses_documents(struck: Emulator, document: Any, words: str) -> None:
    answer = struck.client.post("/_emulator/faults", json=document)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_document"
    assert words in answer.text
    assert hits(struck) == []


def strikes(fault: Fault, count: int) -> list[bool]:
    """Send requests through one fault and tell which were struck."""

    async def work() -> Answer:
        return Answer(200)

    async def send() -> list[bool]:
        faults = Faults()
        faults.add(fault)
        request = Request("PUT", b"/v1/x", b"", {}, b"")
        return [(await faults.around(request, (), work)).status != 200 for _ in range(count)]

    return asyncio.run(send())


@pure
@given(st.integers(), st.floats(0, 1), st.none() | st.integers(1, 30), st.integers(0, 60))
def test_the_same_seed_strikes_the_same(seed: int, probability: float, limit: int | None, number: int) -> None:
    fault = ErrorStatus(status=503, seed=seed, probability=probability, count=limit)
    struck = strikes(fault, number)
    assert struck == strikes(fault, number)
    unlimited = strikes(ErrorStatus(status=503, seed=seed, probability=probability), number)
    most = number if limit is None else limit
    assert sum(struck) == min(sum(unlimited), most)
    assert all(was or not now for now, was in zip(struck, unlimited, strict=True))
    if probability in (0, 1):
        assert sum(unlimited) == number * probability


def test_half_of_them() -> None:
    first, second = (strikes(ErrorStatus(status=503, seed=seed, probability=0.5), 1000) for seed in (1, 2))
    assert first != second
    assert 400 < sum(first) < 600
    assert 400 < sum(second) < 600


def test_a_server_that_cannot_reset_leaves_an_answer_unfinished() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b'{"kind":"reset"}', "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def work() -> None:
        app = create_app(Settings(deployment=SEED))
        await app.open()
        for method, path in (("POST", "/_emulator/faults"), ("PUT", PATH)):
            headers = [(b"host", b"localhost"), (b"authorization", b"ApiKey-v1 " + SANDBOX_KEY.encode())]
            scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
            await app(scope, receive, send)
        await app.close()

    asyncio.run(work())
    assert sent[0]["status"] == 201
    assert [message["type"] for message in sent[2:]] == ["http.response.start"]
    assert (b"content-length", b"1") in sent[2]["headers"]
