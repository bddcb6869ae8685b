"""Audiences over real HTTP: made, renamed, deleted; who joins and leaves, against sets as the model."""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import LIVE_KEY, SANDBOX_KEY, Emulator, api_key, over_http

PEOPLE = ("a", "b", "a/b", "😀")
actions = st.tuples(st.sampled_from(["add", "delete"]), st.sampled_from(PEOPLE), st.integers(0, 2))
changes = st.tuples(st.sampled_from(PEOPLE), st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
steps = st.one_of(
    st.tuples(st.just("bulk"), st.lists(actions, max_size=8)),
    st.tuples(st.just("single"), changes),
    st.tuples(st.just("clear"), st.integers(0, 2)),
)


def send(emulator: Emulator, method: str, path: str, body: Any = None, key: str = SANDBOX_KEY) -> httpx.Response:
    content = None if body is None else msgspec.json.encode(body)
    return emulator.client.request(method, path, content=content, headers=api_key(key))


def audience(emulator: Emulator, name: str, key: str = SANDBOX_KEY, **members: Any) -> int:
    answer = send(emulator, "POST", "/v2/audiences", {"name": name, **members}, key)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def act(emulator: Emulator, *given: tuple[str, str, int], key: str = SANDBOX_KEY) -> httpx.Response:
    data = [{"action": action, "profileIntegrationId": who, "audienceId": number} for action, who, number in given]
    return send(emulator, "POST", "/v2/customer_audiences", {"data": data}, key)


def memberships(emulator: Emulator, integration_id: str, key: str = SANDBOX_KEY) -> Any:
    answer = emulator.inventory(integration_id, key)
    return answer.json()["profile"]["audienceMemberships"] if answer.status_code == 200 else None


@over_http
@given(st.lists(steps, max_size=8))
def test_memberships_end_where_sets_end(served: Emulator, history: list[Any]) -> None:
    served.reset()
    numbers = [audience(served, name) for name in ("x", "y", "z")]
    model: dict[str, set[int]] = {}
    for kind, step in history:
        if kind == "bulk":
            assert act(served, *((action, who, numbers[index]) for action, who, index in step)).status_code == 204
            for action, who, index in step:
                if action == "add":
                    model.setdefault(who, set()).add(numbers[index])
                elif who in model:
                    model[who].discard(numbers[index])
        elif kind == "single":
            who, adds, deletes = step[0], [numbers[i] for i in step[1]], [numbers[i] for i in step[2]]
            moved = served.update(who, {}, audiencesChanges={"adds": adds, "deletes": deletes})
            model[who] = (model.get(who, set()) | set(adds)) - set(deletes)
            shown = [membership["id"] for membership in moved.json()["customerProfile"]["audienceMemberships"]]
            assert shown == sorted(model[who])
        else:
            assert send(served, "DELETE", f"/v2/audiences/{numbers[step]}/memberships").status_code == 204
            for joined in model.values():
                joined.discard(numbers[step])
    for who in PEOPLE:
        shown = memberships(served, who)
        assert (shown and [membership["id"] for membership in shown]) == (sorted(model[who]) if who in model else None)


def test_an_audience_from_birth_to_death(timed: Emulator) -> None:
    full = {
        "name": "Travel",
        "sandbox": True,
        "description": "18 to 27",
        "subscribedApplicationsIds": [7, 1],
        "integration": "segment",
        "integrationId": "382370BKDB946",
        "createdIn3rdParty": True,
        "lastUpdate": "2022-04-26T13:02:38+02:00",
    }
    created = send(timed, "POST", "/v2/audiences", full)
    assert created.status_code == 201
    wanted = {**full, "accountId": 1, "id": 1, "created": "2030-01-01T00:00:00.000000Z"}
    assert created.json() == {**wanted, "lastUpdate": "2022-04-26T11:02:38.000000Z"}
    renamed = send(timed, "PUT", "/v2/audiences/1", {"name": "Voyages"})
    assert (renamed.status_code, renamed.json()) == (200, {**created.json(), "name": "Voyages"})
    connected = send(timed, "PUT", "/v2/audiences/1", {"name": "Voyages", "subscribedApplicationsIds": []})
    assert connected.json()["subscribedApplicationsIds"] == []
    act(timed, ("add", "u", 1))
    assert memberships(timed, "u") == [{"id": 1, "name": "Voyages"}]
    assert send(timed, "DELETE", "/v2/audiences/1").status_code == 204
    assert memberships(timed, "u") == []
    assert send(timed, "DELETE", "/v2/audiences/1").status_code == 404
    assert audience(timed, "Voyages") == 2, "an id is not used again"


def test_a_native_audience_has_no_external_id(emulator: Emulator) -> None:
    first, second = (send(emulator, "POST", "/v2/audiences", {"name": "VIP"}).json() for _ in range(2))
    assert {"integration", "integrationId", "lastUpdate"}.isdisjoint(first)
    assert (first["description"], first["subscribedApplicationsIds"], first["createdIn3rdParty"]) == ("", [], False)
    assert (first["sandbox"], first["id"], second["id"]) == (True, 1, 2)


def test_an_external_id_is_there_once_in_its_integration_and_environment(emulator: Emulator) -> None:
    external = {"integration": "segment", "integrationId": "x"}
    audience(emulator, "one", **external)
    again = send(emulator, "POST", "/v2/audiences", {"name": "two", **external})
    assert again.status_code == 409
    assert again.json() == {
        "message": "The audience with the ID 'x' already exists",
        "errors": [
            {
                "title": "Duplicate",
                "details": "An audience with this ID already exists for this integration",
                "source": {"pointer": "/integrationId"},
            }
        ],
        "StatusCode": 409,
    }
    audience(emulator, "other platform", integration="braze", integrationId="x")
    audience(emulator, "no platform", integrationId="x")
    audience(emulator, "other environment", LIVE_KEY, **external)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "a", "integrationId": ""}, "/integrationId"),
        ({"name": "a", "integrationId": "x" * 1001}, "/integrationId"),
        ({"name": "a", "subscribedApplicationsIds": [1, 2, 1]}, "/subscribedApplicationsIds/2"),
        ({"name": "a", "lastUpdate": "yesterday"}, "/lastUpdate"),
    ],
)
def test_refused_audiences(emulator: Emulator, body: Any, pointer: str) -> None:
    answer = send(emulator, "POST", "/v2/audiences", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"pointer": pointer}
    assert audience(emulator, "first") == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v2/audiences/{}", {"name": "x"}),
        ("DELETE", "/v2/audiences/{}", None),
        ("DELETE", "/v2/audiences/{}/memberships", None),
        ("PUT", "/v2/audience_customers/{}/attributes", {}),
    ],
)
def test_only_the_environments_own_audiences_are_found(emulator: Emulator, method: str, path: str, body: Any) -> None:
    others = audience(emulator, "live", LIVE_KEY)
    for number in (others, others + 1, "junk", "-1", "9" * 40, "¹"):
        answer = send(emulator, method, path.format(number), body)
        assert (answer.status_code, answer.json()["message"]) == (404, "Audience not found")
    assert send(emulator, method, path.format(others), body, LIVE_KEY).status_code in (200, 204)


def test_who_joins_before_any_update_is_in_no_application_yet(emulator: Emulator) -> None:
    number = audience(emulator, "x")
    assert act(emulator, ("delete", "nobody", number), ("add", "u", number)).status_code == 204
    assert memberships(emulator, "nobody") is None

    def listed() -> Any:
        found = [
            emulator.manage("GET", f"/v1/applications/1/customers?withTotalResultSize=true{query}").json()
            for query in ("", "&integrationId=u")
        ]
        assert found[0] == found[1]
        assert len(found[0]["data"]) == found[0]["totalResultSize"]
        return [profile["integrationId"] for profile in found[0]["data"]]

    assert listed() == []
    page = "/applications/1/customer?integrationId=u"
    assert emulator.client.get(page).status_code == 404
    assert "u" not in emulator.client.get("/applications/1/customers?integrationId=u").headers.get("location", "")
    emulator.update("u", {})
    assert listed() == ["u"]
    assert emulator.client.get(page).status_code == 200
    assert memberships(emulator, "u") == [{"id": number, "name": "x"}]


def test_an_unknown_audience_refuses_all_actions(emulator: Emulator) -> None:
    number, others = audience(emulator, "x"), audience(emulator, "live", LIVE_KEY)
    answer = act(emulator, ("add", "u", number), ("add", "u", others), ("delete", "u", 99))
    assert answer.status_code == 404
    pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/data/1/audienceId", "/data/2/audienceId"]
    assert memberships(emulator, "u") is None


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ([{"action": "remove", "profileIntegrationId": "u", "audienceId": 1}], "/data/0/action"),
        ([{"action": "add", "profileIntegrationId": "", "audienceId": 1}], "/data/0/profileIntegrationId"),
        ([{"action": "add", "profileIntegrationId": "u", "audienceId": "1"}], "/data/0/audienceId"),
        ([{"action": "add", "profileIntegrationId": "u"}], "/data/0/audienceId"),
        ([{"action": "add", "profileIntegrationId": "u", "audienceId": 1}] * 1001, "/data"),
    ],
)
def test_refused_actions(emulator: Emulator, data: Any, pointer: str) -> None:
    audience(emulator, "x")
    answer = send(emulator, "POST", "/v2/customer_audiences", {"data": data})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"pointer": pointer}
    assert memberships(emulator, "u") is None


def test_a_thousand_actions(emulator: Emulator) -> None:
    number = audience(emulator, "x")
    assert act(emulator, *(("add", f"u{n}", number) for n in range(1000))).status_code == 204
    assert memberships(emulator, "u999") == [{"id": number, "name": "x"}]


def test_unknown_audiences_refuse_an_update(emulator: Emulator) -> None:
    number, others = audience(emulator, "x"), audience(emulator, "live", LIVE_KEY)
    moves = {"adds": [number, others], "deletes": [99]}
    answer = emulator.update("u", {"flag": True}, audiencesChanges=moves)
    assert answer.status_code == 400
    pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/audiencesChanges/adds/1", "/audiencesChanges/deletes/0"]
    assert emulator.attributes("u") is None


def test_a_dry_update_joins_nothing(emulator: Emulator) -> None:
    moves = {"adds": [audience(emulator, "x")], "deletes": []}
    answer = emulator.update(
        "u", {}, query="?runRuleEngine=true&dry=true", audiencesChanges=moves, responseContent=["customerProfile"]
    )
    assert answer.json()["customerProfile"]["audienceMemberships"] == [{"id": 1, "name": "x"}]
    assert memberships(emulator, "u") is None


def test_a_refused_update_joins_nothing(emulator: Emulator) -> None:
    moves = {"adds": [audience(emulator, "x")], "deletes": []}
    emulator.update("u", {})
    assert emulator.update("u", {"flag": "no"}, audiencesChanges=moves).status_code == 400
    assert memberships(emulator, "u") == []


def test_all_members_are_patched_and_nobody_else(emulator: Emulator) -> None:
    number = audience(emulator, "x")
    emulator.update("u", {"text": "a", "flag": True})
    emulator.update("outside", {"text": "a"})
    act(emulator, ("add", "u", number), ("add", "hidden", number))
    path = f"/v2/audience_customers/{number}/attributes"
    assert send(emulator, "PUT", path, {"text": "b", "flag": None}).status_code == 204
    assert emulator.attributes("u") == emulator.attributes("hidden") == {"text": "b"}
    assert emulator.attributes("outside") == {"text": "a"}
    refused = send(emulator, "PUT", path, {"text": 1, "nothing": 1})
    assert refused.status_code == 400
    assert [error["source"] for error in refused.json()["errors"]] == [{"pointer": "/nothing"}, {"pointer": "/text"}]
    assert emulator.attributes("u") == {"text": "b"}


def test_a_reset_forgets_audiences_and_memberships(emulator: Emulator) -> None:
    act(emulator, ("add", "u", audience(emulator, "x")))
    emulator.reset()
    assert audience(emulator, "y") == 1
    emulator.update("u", {})
    assert memberships(emulator, "u") == []


def test_a_seed_keeps_audiences(emulator: Emulator) -> None:
    number = audience(emulator, "x")
    document = {"name": "demo", "attributes": [{"name": "text", "type": "string"}]}
    assert emulator.client.post("/_emulator/seed", content=msgspec.json.encode(document)).status_code == 200
    assert send(emulator, "PUT", f"/v2/audiences/{number}", {"name": "y"}).status_code == 200
