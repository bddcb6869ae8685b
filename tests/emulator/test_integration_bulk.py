"""Bulk profile updates over real HTTP: a thousand in order, all or none."""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import LIVE_KEY, SANDBOX_KEY, Emulator, SetClock, api_key, over_http

ids = st.sampled_from(["a", "b", "a/b", "😀", "A"])
good = st.fixed_dictionaries(
    {}, optional={"text": st.none() | st.text(max_size=3), "number": st.none() | st.integers(), "flag": st.booleans()}
)
bad = st.dictionaries(st.sampled_from(["unknown", "Text", "text"]), st.just(False), min_size=1)


def bulk(emulator: Emulator, updates: Any, query: str = "?silent=no", key: str = SANDBOX_KEY) -> httpx.Response:
    body = msgspec.json.encode({"customerProfiles": updates})
    return emulator.client.put(f"/v2/customer_profiles{query}", content=body, headers=api_key(key))


def patched(model: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (model | changes).items() if value is not None}


@over_http
@given(st.lists(st.tuples(st.lists(st.tuples(ids, good), max_size=6), st.none() | bad), max_size=4))
def test_a_history_ends_where_a_dict_ends(served: Emulator, history: list[Any]) -> None:
    served.reset()
    model: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    for updates, wrong in history:
        sent = [{"integrationId": integration_id, "attributes": changes} for integration_id, changes in updates]
        if wrong is not None:
            answer = bulk(served, [*sent, {"integrationId": "new", "attributes": wrong}])
            assert answer.status_code == 400
            pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
            assert pointers == [f"/customerProfiles/{len(sent)}/attributes/{name}" for name in sorted(wrong)]
            continue
        states = bulk(served, sent).json()["integrationStates"]
        assert len(states) == len(updates)
        for (integration_id, changes), state in zip(updates, states, strict=True):
            model[integration_id] = patched(model.get(integration_id, {}), changes)
            profile = state["customerProfile"]
            assert (profile["integrationId"], profile["attributes"]) == (integration_id, model[integration_id])
            assert numbers.setdefault(integration_id, len(numbers) + 1) == profile["id"]
    assert served.attributes("new") is None
    for integration_id, attributes in model.items():
        assert served.attributes(integration_id) == attributes


def test_an_update_by_itself_and_in_a_bulk_answer_the_same_profile(timed: Emulator, clock: SetClock) -> None:
    timed.update("u", {"text": "a"})
    clock.moment = clock.moment.replace(hour=5)
    [state] = bulk(timed, [{"integrationId": "u", "attributes": {"flag": True}}]).json()["integrationStates"]
    assert state == {"customerProfile": timed.update("u", {}).json()["customerProfile"]}
    assert state["customerProfile"]["lastActivity"] == "2030-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("query", ["", "?silent=yes"])
def test_it_is_silent_unless_told_otherwise(emulator: Emulator, query: str) -> None:
    answer = bulk(emulator, [{"integrationId": "u", "attributes": {"flag": True}}, {"integrationId": "v"}], query)
    assert (answer.status_code, answer.content) == (204, b"")
    assert emulator.attributes("u") == {"flag": True}
    assert emulator.attributes("v") == {}


@pytest.mark.parametrize("query", ["?silent=", "?silent=true", "?silent=No"])
def test_silent_is_yes_or_no(emulator: Emulator, query: str) -> None:
    answer = bulk(emulator, [{"integrationId": "u"}], query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": "silent"}
    assert emulator.attributes("u") is None


@pytest.mark.parametrize(
    ("updates", "pointer"),
    [
        ([{"attributes": {}}], "/customerProfiles/0/integrationId"),
        ([{"integrationId": "u"}, {"integrationId": ""}], "/customerProfiles/1/integrationId"),
        ([{"integrationId": "x" * 1001}], "/customerProfiles/0/integrationId"),
        ([{"integrationId": "u", "attributes": []}], "/customerProfiles/0/attributes"),
        ({}, "/customerProfiles"),
        ([{"integrationId": f"u{n}"} for n in range(1001)], "/customerProfiles"),
    ],
)
def test_refused_bodies(emulator: Emulator, updates: Any, pointer: str) -> None:
    answer = bulk(emulator, updates)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"pointer": pointer}
    assert emulator.attributes("u") is emulator.attributes("u0") is None


@pytest.mark.parametrize("body", [b"{}", b'{"customerProfiles":null}', b'{"customerProfiles":[]}'])
def test_nothing_to_do_is_fine(emulator: Emulator, body: bytes) -> None:
    answer = emulator.client.put("/v2/customer_profiles?silent=no", content=body, headers=api_key(SANDBOX_KEY))
    assert answer.json() == {"integrationStates": []}


def test_a_thousand_at_once(emulator: Emulator) -> None:
    emulator.update("u7", {"text": "before"})
    updates = [{"integrationId": f"u{n}", "attributes": {"number": n, "text": None}} for n in range(1000)]
    assert bulk(emulator, updates, "").status_code == 204
    assert emulator.attributes("u7") == {"number": 7}
    assert emulator.attributes("u999") == {"number": 999}
    counted = emulator.manage("GET", "/v1/applications/1/customers?withTotalResultSize=true&pageSize=1").json()
    assert counted["totalResultSize"] == 1000


def test_environments_are_apart(emulator: Emulator) -> None:
    bulk(emulator, [{"integrationId": "u", "attributes": {"flag": True}}])
    [state] = bulk(emulator, [{"integrationId": "u"}], key=LIVE_KEY).json()["integrationStates"]
    assert (state["customerProfile"]["attributes"], state["customerProfile"]["sandbox"]) == ({}, False)
