"""Customers in the Management API: listed, shown by number, searched by what they have."""

from typing import Any

import pytest

from emulator_support import LIVE_KEY, SANDBOX_KEY, Emulator, api_key


@pytest.fixture
def people(emulator: Emulator) -> Emulator:
    """An emulator with two customers in the sandbox and one in the live environment."""
    emulator.update("ada", {"text": "a", "number": 1.50, "flag": True, "texts": ["x", "y"]})
    emulator.update("a/b", {"text": "A", "number": 2, "moment": "2030-01-01T00:00:00Z"})
    emulator.update("ada", {"text": "a"}, LIVE_KEY)
    return emulator


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [customer["integrationId"] for customer in answer.json()["data"]]


def number_of(emulator: Emulator, integration_id: str, key: str = SANDBOX_KEY) -> int:
    number: int = emulator.inventory(integration_id, key).json()["profile"]["id"]
    return number


def test_lists_those_of_one_environment(people: Emulator) -> None:
    assert ids(people.manage("GET", "/v1/customers/no_total?sandbox=true")) == ["ada", "a/b"]
    assert ids(people.manage("GET", "/v1/customers/no_total")) == ["ada"]
    assert people.manage("GET", "/v1/customers/no_total?sandbox=maybe").status_code == 400
    page = people.manage("GET", "/v1/customers/no_total?sandbox=true&pageSize=1").json()
    assert (page["hasMore"], len(page["data"])) == (True, 1)
    assert ids(people.manage("GET", "/v1/customers/no_total?sandbox=true&skip=1")) == ["a/b"]


def test_shows_one_by_its_number(people: Emulator) -> None:
    live, sandbox = number_of(people, "ada", LIVE_KEY), number_of(people, "ada")
    assert people.manage("GET", f"/v1/customers/{live}").json()["sandbox"] is False
    profile = people.inventory("ada").json()["profile"]
    assert people.manage("GET", f"/v1/customers/{sandbox}").json() == profile
    assert people.manage("GET", f"/v1/applications/1/customers/{sandbox}").json() == profile
    for path in (f"/v1/applications/7/customers/{sandbox}", f"/v1/applications/9/customers/{sandbox}"):
        assert people.manage("GET", path).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "01", "x", "99", "9" * 40])
def test_nobody_by_another_number(people: Emulator, number: str) -> None:
    assert people.manage("GET", f"/v1/customers/{number}").status_code == 404
    assert people.manage("GET", f"/v1/applications/1/customers/{number}").status_code == 404


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, ["ada", "a/b"]),
        ({"attributes": {}}, ["ada", "a/b"]),
        ({"attributes": {"text": "a"}}, ["ada"]),
        ({"attributes": {"text": "A"}}, ["a/b"]),
        ({"attributes": {"number": 1.5}}, ["ada"]),
        ({"attributes": {"number": "1.5"}}, []),
        ({"attributes": {"number": 2.0}}, ["a/b"]),
        ({"attributes": {"flag": True}}, ["ada"]),
        ({"attributes": {"flag": 1}}, []),
        ({"attributes": {"texts": ["x", "y"]}}, ["ada"]),
        ({"attributes": {"texts": ["y", "x"]}}, []),
        ({"attributes": {"texts": ["x"]}}, []),
        ({"attributes": {"text": "a", "number": 2}}, []),
        ({"attributes": {"moment": None}}, []),
        ({"attributes": {"nothing": 1}}, []),
        ({"attributes": {"text": {"a": 1}}}, []),
        ({"integrationIDs": ["ada", "nobody"]}, ["ada"]),
        ({"integrationIDs": ["ada"], "attributes": {"text": "A"}}, []),
        ({"integrationIDs": [], "profileIDs": []}, ["ada", "a/b"]),
        ({"profileIDs": [2**60]}, []),
    ],
)
def test_searches_exactly(people: Emulator, search: Any, found: list[str]) -> None:
    assert ids(people.manage("POST", "/v1/applications/1/customer_search", search)) == found
    assert ids(people.manage("POST", "/v1/customer_search/no_total?sandbox=true", search)) == found


def test_searches_by_number_and_pages(people: Emulator) -> None:
    number = number_of(people, "a/b")
    path = "/v1/applications/1/customer_search"
    assert ids(people.manage("POST", path, {"profileIDs": [number]})) == ["a/b"]
    assert people.manage("POST", f"{path}?pageSize=1", {}).json()["hasMore"] is True
    counted = people.manage("POST", f"{path}?pageSize=1&withTotalResultSize=true", {}).json()
    assert (counted["totalResultSize"], len(counted["data"])) == (2, 1)
    assert "hasMore" not in counted
    assert ids(people.manage("POST", "/v1/customer_search/no_total", {"attributes": {"text": "a"}})) == ["ada"]


def test_a_location_is_compared_whole(emulator: Emulator) -> None:
    point = {"format": "point", "object": "5, 7.2"}
    emulator.update("u", {"place": point})
    path = "/v1/applications/1/customer_search"
    assert ids(emulator.manage("POST", path, {"attributes": {"place": point}})) == ["u"]
    assert ids(emulator.manage("POST", path, {"attributes": {"place": point | {"object": "5,7.2"}}})) == []


@pytest.mark.parametrize("path", ["/v1/customer_search/no_total", "/v1/applications/1/customer_search"])
def test_searches_that_cannot_be_read(emulator: Emulator, path: str) -> None:
    refused: list[Any] = [[], {"attributes": []}, {"profileIDs": ["1"]}, {"integrationIDs": [1]}]
    for wrong in refused:
        assert emulator.manage("POST", path, wrong).status_code == 400
    assert emulator.manage("POST", path).status_code == 400
    assert emulator.manage("POST", f"{path}?skip=x", {}).status_code == 400
    assert emulator.manage("POST", "/v1/applications/9/customer_search", {}).status_code == 404


def test_who_is_only_in_an_audience_is_in_no_list(emulator: Emulator) -> None:
    audience = emulator.client.post("/v2/audiences", json={"name": "n"}, headers=api_key(SANDBOX_KEY)).json()["id"]
    joins = {"data": [{"action": "add", "profileIntegrationId": "hidden", "audienceId": audience}]}
    assert emulator.client.post("/v2/customer_audiences", json=joins, headers=api_key(SANDBOX_KEY)).status_code == 204
    member = emulator.manage("GET", f"/v1/audiences/{audience}/memberships").json()["data"][0]
    assert ids(emulator.manage("GET", "/v1/customers/no_total?sandbox=true")) == []
    assert ids(emulator.manage("POST", "/v1/applications/1/customer_search", {})) == []
    assert emulator.manage("GET", f"/v1/applications/1/customers/{member['id']}").status_code == 404
    assert emulator.manage("GET", f"/v1/customers/{member['id']}").json()["integrationId"] == "hidden"


@pytest.mark.parametrize("path", ["/v1/customers/no_total", "/v1/applications/1/customers"])
def test_lists_that_cannot_be_read(emulator: Emulator, path: str) -> None:
    for query in ("?pageSize=x", "?skip=-1", "?name=%zz"):
        assert emulator.manage("GET", path + query).status_code == 400
    assert (
        emulator.manage("GET", "/v1/applications/1/customers?integrationId=u&withTotalResultSize=x").status_code == 400
    )
