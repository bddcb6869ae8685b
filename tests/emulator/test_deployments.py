"""Deployments made and deleted while the server runs: each alone with its keys, data, time and journal."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED, STORES, Emulator, api_key, management_key, pure, running
from store_support import using
from talon_emulator.clock import SystemClock
from talon_emulator.deployments import ApiKey, Application, Deployment, ManagementKey, State
from talon_emulator.directory import Directory
from talon_emulator.settings import Settings
from talon_emulator.store import Store


@pytest.fixture(scope="module", params=STORES)
def host(request: pytest.FixtureRequest, empty: Callable[[str], str | None]) -> Iterator[Emulator]:
    """An emulator on which deployments come and go."""
    with running(Settings(deployment=SEED, data=empty(request.param))) as emulator:
        yield emulator


def create(emulator: Emulator, document: Any = None) -> Any:
    content = b"" if document is None else msgspec.json.encode(document)
    answer = emulator.client.post("/_emulator/deployments", content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


def delete(emulator: Emulator, name: str) -> httpx.Response:
    return emulator.client.delete(f"/_emulator/deployments/{name}")


def key_of(made: Any, environment: str = "sandbox", platform: str = "none") -> str:
    keys: list[dict[str, str]] = made["apiKeys"]
    return next(k["key"] for k in keys if (k["environment"], k["platform"]) == (environment, platform))


def test_is_as_the_configured_one_under_fresh_keys(host: Emulator) -> None:
    made = create(host)
    assert made["url"] == host.url
    assert made["applications"] == [1, 7]
    assert made["attributes"] == len(SEED.attributes)
    keys = [key["key"] for key in made["apiKeys"] + made["managementKeys"]]
    assert len(set(keys)) == len(keys) == 7
    assert all(len(key) == 64 for key in keys)
    assert {key["platform"] for key in made["apiKeys"]} == {"none", "segment", "customer_data"}
    host.update("u", {"text": "configured"})
    assert host.attributes("u", key_of(made)) is None
    assert host.update("u", {"text": "own"}, key_of(made)).json()["customerProfile"]["accountId"] == made["accountId"]
    assert host.update("u", {"number": 1}, key_of(made, "live")).status_code == 200
    assert host.attributes("u", key_of(made)) == {"text": "own"}
    assert host.attributes("u") == {"text": "configured"}
    segment = host.client.put(
        "/segment/v2/customer_profiles/u",
        content=b"{}",
        headers=api_key(key_of(made, platform="segment")) | {"destination-hostname": "demo.talon.one"},
    )
    assert segment.json()["customerProfile"]["attributes"] == {"text": "own"}
    assert delete(host, made["deployment"]).status_code == 204


def test_definitions_are_its_own(host: Emulator) -> None:
    one, two = create(host), create(host, {"name": "two", "attributes": [{"name": "only", "type": "number"}]})
    assert two["deployment"] == "two"
    assert two["applications"] == [1, 7]
    attribute: dict[str, Any] = {"name": "made", "title": "made", "type": "string", "entity": "CustomerProfile"}
    attribute |= {"description": "", "suggestions": [], "editable": True}
    manager = management_key(one["managementKeys"][0]["key"])
    assert host.client.post("/v1/attributes", json=attribute, headers=manager).status_code == 201
    assert host.update("u", {"made": "x"}, key_of(one)).status_code == 200
    assert (
        host.update("u", {"made": "x"}).status_code == host.update("u", {"made": "x"}, key_of(two)).status_code == 400
    )
    assert host.update("u", {"only": 1}, key_of(two)).status_code == 200
    for made in (one, two):
        assert delete(host, made["deployment"]).status_code == 204


def test_a_document_may_bring_its_keys_and_its_applications(host: Emulator) -> None:
    document = {
        "name": "whole",
        "applications": [
            {"id": 3, "name": "Given", "api_keys": [{"title": "given", "key": "9" * 64}]},
            {"id": 4, "name": "Fresh", "environment": "live"},
        ],
        "management_keys": [{"name": "boss", "key": "8" * 64}],
    }
    made = create(host, document)
    assert made["apiKeys"][0]["title"] == "given"
    assert [key["application"] for key in made["apiKeys"]] == [3, 4, 4, 4]
    assert made["managementKeys"] == [{"name": "boss", "key": "8" * 64}]
    assert host.update("u", {}, "9" * 64).status_code == host.update("u", {}, key_of(made, "live")).status_code == 200
    empty = create(host, {"applications": [], "attributes": []})
    assert (empty["applications"], empty["attributes"], empty["apiKeys"]) == ([], 0, [])
    for name in ("whole", empty["deployment"]):
        assert delete(host, name).status_code == 204


@pytest.mark.parametrize(
    ("document", "status", "code", "words"),
    [
        (b"{", 400, "bad_json", "truncated"),
        (b"[]", 400, "bad_document", "expected an object"),
        ({"nmae": "x"}, 400, "bad_document", "unknown key 'nmae'"),
        ({"name": "../x"}, 400, "bad_document", "/name"),
        ({"attributes": [{"name": "9", "type": "number"}]}, 400, "bad_document", "/attributes/0/name"),
        ({"name": "demo"}, 409, "name_taken", "'demo'"),
        ({"management_keys": [{"name": "m", "key": MANAGEMENT_KEY}]}, 409, "key_taken", "'demo'"),
        ({"applications": [{"id": 1, "name": "a", "api_keys": [{"title": "t", "key": SANDBOX_KEY}]}]}, 409, "key", ""),
    ],
)
def test_refuses_and_creates_nothing(host: Emulator, document: Any, status: int, code: str, words: str) -> None:
    before = host.client.get("/_emulator/deployments").json()
    content = document if isinstance(document, bytes) else msgspec.json.encode(document)
    answer = host.client.post("/_emulator/deployments", content=content)
    assert answer.status_code == status
    assert answer.json()["error"]["code"].startswith(code)
    assert words in answer.json()["error"]["message"]
    assert SANDBOX_KEY not in answer.text
    assert host.client.get("/_emulator/deployments").json() == before
    assert host.update("u", {}).status_code == 200


def test_a_deleted_one_is_gone_and_its_name_is_free(host: Emulator) -> None:
    made = create(host, {"name": "again"})
    host.update("u", {"text": "x"}, key_of(made))
    assert delete(host, "again").status_code == 204
    assert host.update("u", {}, key_of(made)).status_code == 401
    assert host.client.get("/_emulator/journal?deployment=again").status_code == 404
    assert "again" not in host.client.get("/_emulator/deployments").text
    assert "again" not in host.client.get("/_emulator/ready").text
    assert delete(host, "again").json()["error"]["code"] == "unknown_deployment"
    second = create(host, {"name": "again"})
    assert second["accountId"] > made["accountId"]
    assert host.attributes("u", key_of(second)) is None
    assert delete(host, "again").status_code == 204


def test_the_configured_one_stays(host: Emulator) -> None:
    answer = delete(host, "demo")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "configured")
    assert host.update("u", {}).status_code == 200


def test_a_page_of_another_origin_may_not_make_one(host: Emulator) -> None:
    before = host.client.get("/_emulator/deployments").json()
    for method, path in (("POST", "/_emulator/deployments"), ("DELETE", "/_emulator/deployments/demo")):
        answer = host.client.request(method, path, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
    assert host.client.get("/_emulator/deployments").json() == before


def test_control_acts_on_the_one_that_is_named(host: Emulator) -> None:
    one, two = create(host), create(host)
    for made in (one, two):
        assert host.update("u", {"text": "x"}, key_of(made)).status_code == 200
    seeded = host.client.post(
        f"/_emulator/seed?deployment={one['deployment']}",
        content=msgspec.json.encode({"attributes": [{"name": "extra", "type": "string"}]}),
    )
    assert seeded.json()["attributes"] == two["attributes"] + 1
    assert host.client.post(f"/_emulator/reset?deployment={two['deployment']}").status_code == 200
    assert host.attributes("u", key_of(two)) is None
    assert host.attributes("u", key_of(one)) == {"text": "x"}
    assert host.update("u", {"extra": "y"}, key_of(one)).status_code == 200
    assert host.update("u", {"extra": "y"}, key_of(two)).status_code == 400
    assert len(host.journal(f"?deployment={one['deployment']}")) == 3
    assert len(host.journal(f"?deployment={two['deployment']}")) == 2
    for made in (one, two):
        assert delete(host, made["deployment"]).status_code == 204


def test_a_hundred_in_parallel_do_not_see_each_other(host: Emulator) -> None:
    def live(number: int) -> None:
        with httpx.Client(base_url=host.url, timeout=60, trust_env=False) as client:
            own = Emulator(host.url, client)
            made = create(own, {"attributes": [{"name": f"a{number}", "type": "number"}]})
            name, key = made["deployment"], key_of(made)
            assert own.attributes("u", key) is None
            for value in range(3):
                assert own.update("u", {f"a{number}": value}, key).json()["customerProfile"]["id"] == 1
            assert own.update("u", {f"a{number + 1}": 0}, key).status_code == 400
            assert own.attributes("u", key) == {f"a{number}": 2}
            statuses = [entry["status"] for entry in own.journal(f"?deployment={name}")]
            assert statuses == [200, 400, 200, 200, 200, 404]
            assert own.client.post(f"/_emulator/reset?deployment={name}").status_code == 200
            assert own.attributes("u", key) is None
            assert delete(own, name).status_code == 204
            assert own.update("u", {}, key).status_code == 401

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(live, range(100)))
    assert [made["deployment"] for made in host.client.get("/_emulator/deployments").json()["deployments"]] == ["demo"]


def test_a_restart_finds_those_that_were_not_deleted(kept: str) -> None:
    settings = Settings(deployment=SEED, data=kept)
    with running(settings) as emulator:
        stays, gone = create(emulator, {"name": "kept"}), create(emulator, {"name": "gone"})
        for made in (stays, gone):
            emulator.update("u", {"text": "x"}, key_of(made))
        delete(emulator, "gone")
    with running(settings) as emulator:
        assert emulator.client.get("/_emulator/ready").json()["deployments"] == ["demo", "kept"]
        assert emulator.attributes("u", key_of(stays)) == {"text": "x"}
        assert emulator.update("u", {}, key_of(gone)).status_code == 401


def test_a_number_is_never_given_twice(data: str | None) -> None:
    async def work(store: Store) -> list[int]:
        numbers = []
        for name in "abc":
            numbers.append((await store.create_deployment(name)).id)
            await store.delete_deployment(numbers[-1])
            await store.delete_deployment(numbers[-1])
        assert await store.deployments() == ()
        return numbers

    assert using(data, work) == [1, 2, 3]


def record(name: str, generation: int, keys: int) -> Deployment:
    application = Application(1, f"app {generation}", "sandbox", "", "UTC", "EUR", "", "")
    state = State(
        applications=(application,),
        api_keys=tuple(ApiKey(f"{name}-{number}", 1, f"{generation}", "none", None) for number in range(keys)),
        management_keys=tuple(ManagementKey(f"{name}-m{number}", f"{generation}", None) for number in range(keys)),
    )
    return Deployment(1, name, state)


@pure
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-1, 2))))
def test_the_directory_knows_the_keys_of_what_it_serves(steps: list[tuple[str, int]]) -> None:
    """However deployments come, change and go: the index is the one that is built anew of those that are there."""
    directory = Directory(SystemClock(), 1)
    served: dict[str, Deployment] = {}
    for generation, (name, keys) in enumerate(steps):
        if keys < 0:
            there = directory.named(name)
            if there is not None:
                directory.remove(there)
                del served[name]
            continue
        served[name] = record(name, generation, keys)
        directory.put(served[name])
        for mark in (f"{name}-0", f"{name}-m0"):
            found = directory.owner(mark)
            assert (found is not None) == (keys > 0)
    assert {there.record.name: there.record for there in directory.all()} == served
    for name in "abc":
        for number in range(2):
            key = directory.credential("integration", f"{name}-{number}")
            manager = directory.credential("management", f"{name}-m{number}")
            if name in served and number < len(served[name].state.api_keys):
                assert key is not None
                assert manager is not None
                assert key.application == served[name].state.applications[0]
                assert key.deployment.record == manager.deployment.record == served[name]
                assert key.title == manager.title == served[name].state.api_keys[0].title
            else:
                assert key is None
                assert manager is None
