"""The client of the Management API: all pages, within the limits, and clear words for every bad answer."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from answer_server import answering, http
from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED, Emulator, running
from localtalon.management_client import ManagementClient, ManagementError, RefusedError
from talon_emulator.seed import AttributeSeed, EndpointSeed, ManagementKeySeed
from talon_emulator.settings import Settings

READER = "2c" * 32
MANY = tuple(AttributeSeed(f"a{number}", "number") for number in range(7))
ELSEWHERE = ManagementKeySeed("elsewhere", READER, endpoints=(EndpointSeed("GET", "/v1/applications"),))
DEPLOYMENT = msgspec.structs.replace(
    SEED,
    attributes=(*SEED.attributes, *MANY),
    management_keys=(*SEED.management_keys, ELSEWHERE),
)


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    with running(Settings(deployment=DEPLOYMENT, limits="off")) as emulator:
        yield emulator


@pytest.fixture(name="emulator")
def in_its_seeded_state(served: Emulator) -> Iterator[Emulator]:
    served.reset()
    yield served
    served.reset()


@contextlib.contextmanager
def client(url: str, key: str = MANAGEMENT_KEY, waits: list[float] | None = None, **options: Any) -> Iterator[Any]:
    """A client that does not wait, but notes how long it would have."""
    noted = [] if waits is None else waits
    with ManagementClient(url, key, pause=noted.append, **options) as made:
        yield made


def arm(emulator: Emulator, **document: Any) -> None:
    assert emulator.client.post("/_emulator/faults", json=document).status_code == 201


def names(found: Any) -> list[str]:
    return [item["name"] for item in found]


@pytest.mark.parametrize("page", [1, 2, 9, 1000])
def test_all_pages_are_read_each_definition_once(emulator: Emulator, page: int) -> None:
    with client(emulator.url, page=page) as asked:
        custom = names(asked.definitions("CustomerProfile", "custom"))
        builtin = names(asked.definitions("CustomerProfile", "builtin"))
    expected = [seed.name for seed in DEPLOYMENT.attributes if seed.entity == "CustomerProfile" and not seed.builtin]
    assert sorted(custom) == sorted(expected)
    assert builtin == ["Name"]


def test_it_keeps_to_three_requests_a_second() -> None:
    waits: list[float] = []
    with running(Settings(deployment=DEPLOYMENT)) as emulator:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            emulator.client.post("/_emulator/clock/advance", json={"seconds": seconds})

        with ManagementClient(emulator.url, MANAGEMENT_KEY, page=2, pause=wait) as asked:
            found = names(asked.definitions("CustomerProfile", "custom"))
        asking = [entry["status"] for entry in emulator.journal("?path=/v1/attributes")]
    assert (len(found), asking) == (17, [200] * 9)
    assert len(waits) == 6
    assert all(0 < seconds <= 1 for seconds in waits)


def test_a_429_is_asked_again_when_it_says(emulator: Emulator) -> None:
    arm(emulator, kind="error", status=429, retryAfter=7, count=1, path="/v1/attributes")
    arm(emulator, kind="error", status=429, count=2, path="/v1/attributes")
    waits: list[float] = []
    with client(emulator.url, waits=waits) as asked:
        assert len(names(asked.definitions("CustomerProfile", "custom"))) == 17
    assert 7 in waits
    assert sorted(set(waits)) != [7]


def test_a_429_without_end_is_given_up(emulator: Emulator) -> None:
    arm(emulator, kind="error", status=429, retryAfter=100_000, path="/v1/attributes")
    waits: list[float] = []
    with client(emulator.url, waits=waits) as asked, pytest.raises(ManagementError, match="429 again and again"):
        list(asked.definitions("CustomerProfile", "custom"))
    assert [seconds for seconds in waits if seconds > 1] == [60.0] * 4


def test_a_definition_is_made_and_a_refusal_says_why(emulator: Emulator) -> None:
    definition = {
        "entity": "CustomerProfile",
        "name": "new_one",
        "title": "New one",
        "type": "boolean",
        "description": "",
        "suggestions": [],
        "editable": True,
    }
    with client(emulator.url) as asked:
        asked.create(definition)
        assert "new_one" in names(asked.definitions("CustomerProfile", "custom"))
        with pytest.raises(RefusedError, match="already exists"):
            asked.create(definition)
        with pytest.raises(RefusedError, match="name"):
            asked.create({**definition, "name": "1"})


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("f" * 64, "does not know the key"),
        (SANDBOX_KEY, "an Integration key is none"),
        (READER, "the key may not GET /v1/attributes"),
        ("a\nb", "holds what no header may"),
    ],
)
def test_a_key_that_does_not_open_it(emulator: Emulator, key: str, said: str) -> None:
    with client(emulator.url, key) as asked, pytest.raises(ManagementError, match=said) as caught:
        list(asked.definitions("CustomerProfile", "custom"))
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "error", "status": 500}, "answers HTTP 500"),
        ({"kind": "error", "status": 503}, "try again later"),
        ({"kind": "reset"}, "no deployment answers"),
        ({"kind": "silence"}, "does not answer in time"),
    ],
)
def test_a_deployment_that_is_not_well(emulator: Emulator, fault: dict[str, Any], said: str) -> None:
    arm(emulator, **fault, path="/v1/attributes")
    with client(emulator.url, timeout=0.3) as asked, pytest.raises(ManagementError, match=said):
        list(asked.definitions("CustomerProfile", "custom"))


def test_a_definition_whose_answer_never_came_is_in_doubt(emulator: Emulator) -> None:
    arm(emulator, kind="silence", method="POST")
    with client(emulator.url, timeout=0.3) as asked, pytest.raises(ManagementError, match="`diff` will tell"):
        asked.create({})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http("200 OK", "<html>", "text/html; charset=utf-8"), "(HTTP 200, text/html)"),
        (http("404 Not Found", "nothing"), "is not Talon.One's Management API"),
        (http("502 Bad Gateway", "<html>", "text/html"), "(HTTP 502, text/html)"),
        (http("301 Moved", "", extra="location: https://elsewhere.example/\r\n"), "to https://elsewhere.example/"),
        (http("200 OK", "[]"), "is not Talon.One's Management API"),
        (http("200 OK", "{}"), "is not Talon.One's Management API"),
        (http("200 OK", '{"data": [1], "totalResultSize": 1}'), "is not Talon.One's Management API"),
        (http("200 OK", '{"data": [{"id": []}], "totalResultSize": 1}'), "is not Talon.One's Management API"),
        (http("200 OK", "[" * 100_000), "is not Talon.One's Management API"),
        (b"nonsense\r\n\r\n", "no deployment answers"),
    ],
)
def test_what_is_no_deployment(answer: bytes, said: str) -> None:
    with answering(answer) as url, client(url) as asked, pytest.raises(ManagementError) as caught:
        list(asked.definitions("CustomerProfile", "custom"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        http("401 Unauthorized", json.dumps({"message": f"bad key ManagementKey-v1 {MANAGEMENT_KEY}"})),
        http("401 Unauthorized", json.dumps({"message": "x" * 290 + MANAGEMENT_KEY})),
        http(
            "403 Forbidden",
            json.dumps({"message": "no", "errors": [{"title": "key", "details": MANAGEMENT_KEY.upper()}]}),
        ),
        http("400 Bad Request", json.dumps({"message": f"not with {MANAGEMENT_KEY}"})),
        http("500 Oh", json.dumps({"message": MANAGEMENT_KEY})),
        http("302 Found", "", extra=f"location: https://elsewhere.example/?key={MANAGEMENT_KEY}\r\n"),
        http("200 OK", "<html>", f"text/{MANAGEMENT_KEY}"),
        f"{MANAGEMENT_KEY}\r\n\r\n".encode(),
    ],
)
def test_a_key_that_comes_back_is_not_repeated(answer: bytes) -> None:
    for work in (lambda asked: list(asked.definitions("CustomerProfile", "custom")), lambda asked: asked.create({})):
        with answering(answer) as url, client(url) as asked, pytest.raises((ManagementError, RefusedError)) as caught:
            work(asked)
        assert MANAGEMENT_KEY[:8] not in str(caught.value).lower()
        assert "***" in str(caught.value)


def test_a_door_without_tls_is_named(emulator: Emulator) -> None:
    with client(emulator.url.replace("http:", "https:")) as asked, pytest.raises(ManagementError) as caught:
        list(asked.definitions("CustomerProfile", "custom"))
    assert f"try --deployment {emulator.url}" in str(caught.value)


def test_a_deployment_that_never_gets_to_the_end_of_its_list_does_not_hold_anybody() -> None:
    item = {"id": 1, "entity": "CustomerProfile", "name": "a"}
    with answering(http("200 OK", json.dumps({"data": [item], "totalResultSize": 10**9}))) as url, client(url) as asked:
        assert names(asked.definitions("CustomerProfile", "custom")) == ["a"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:x", "ftp://127.0.0.1", "http://"])
def test_an_address_where_nobody_is(url: str) -> None:
    with client(url) as asked, pytest.raises(ManagementError, match=r"is no URL|no deployment answers"):
        list(asked.definitions("CustomerProfile", "custom"))
