"""Several emulator processes on one database: what one of them changes holds for all."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest

from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED, api_key, running
from postgres_support import PostgresServer
from store_support import Process, process, processes
from talon_emulator.deployments import Deployment, State
from talon_emulator.profiles import Profile
from talon_emulator.records import Record
from talon_emulator.settings import Settings
from talon_emulator.store import NameTaken, SharedStore, open_store
from talon_emulator.store.protocol import KeptAnswer


@pytest.fixture(scope="module")
def pair(postgres: PostgresServer) -> Iterator[list[Process]]:
    """Two processes on one database."""
    with processes(postgres.database()) as served:
        yield served


@pytest.fixture
def both(pair: list[Process]) -> list[Process]:
    """Two processes on one database in its seeded state."""
    pair[0].reset()
    return pair


def audience(emulator: Process, name: str) -> int:
    made = emulator.client.post("/v2/audiences", json={"name": name}, headers=api_key(SANDBOX_KEY))
    assert made.status_code == 201
    number: int = made.json()["id"]
    return number


def test_a_profile_updated_in_one_is_read_in_the_other(both: list[Process]) -> None:
    one, two = both
    made = one.update("a\0/ä", {"text": "x", "number": 10**30}).json()
    assert two.attributes("a\0/ä") == {"text": "x", "number": 10**30}
    again = two.update("a\0/ä", {"text": None}).json()
    assert again["customerProfile"]["id"] == made["customerProfile"]["id"]
    assert one.attributes("a\0/ä") == {"number": 10**30}


def test_definitions_hold_in_all_once_they_are_answered(both: list[Process]) -> None:
    """Again and again, so that a process that looks too rarely is caught."""
    one, two = both
    for number in range(20):
        name = f"new_{number}"
        assert two.update("u", {name: "x"}).status_code == 400
        body: dict[str, Any] = {"entity": "CustomerProfile", "name": name, "title": name, "type": "string"}
        body |= {"description": "", "suggestions": [], "editable": True}
        answer = one.manage("POST", "/v1/attributes", body)
        assert answer.status_code == 201, answer.text
        assert two.update("u", {name: "x"}).status_code == 200
        one, two = two, one
    one.reset()
    assert two.update("u", {"new_0": "x"}).status_code == 400


def test_a_deployment_and_its_keys_come_and_go_in_all(both: list[Process]) -> None:
    one, two = both
    for _ in range(10):
        made = one.client.post("/_emulator/deployments", json={"name": "guest"}).json()
        key = made["apiKeys"][0]["key"]
        assert two.update("u", {"text": "x"}, key).status_code == 200
        assert one.attributes("u", key) == {"text": "x"}
        assert two.client.post("/_emulator/deployments", json={"name": "guest"}).status_code == 409
        assert two.client.delete("/_emulator/deployments/guest").status_code == 204
        assert one.update("u", {}, key).status_code == 401
        one, two = two, one


def test_audiences_and_their_members_are_the_same_in_all(both: list[Process]) -> None:
    one, two = both
    numbers = [audience(each, name) for each, name in ((one, "a"), (two, "b"))]
    assert len(set(numbers)) == 2
    body = {"attributes": {}, "audiencesChanges": {"adds": numbers, "deletes": []}}
    assert two.client.put("/v2/customer_profiles/u", json=body, headers=api_key(SANDBOX_KEY)).status_code == 200
    url = f"/v2/audiences/{numbers[0]}/memberships"
    assert two.client.delete(url, headers=api_key(SANDBOX_KEY)).status_code == 204
    answer = one.inventory("u", query="?profile=true&audiences=true").json()
    assert [each["id"] for each in answer["profile"]["audienceMemberships"]] == [numbers[1]]


def test_concurrent_patches_of_one_profile_all_survive(both: list[Process]) -> None:
    values: dict[str, Any] = {"text": "a", "number": 1, "flag": True, "texts": [], "numbers": [], "tier": "gold"}
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            parts = [(both[index % 2], {name: value}) for index, (name, value) in enumerate(values.items())]
            answers = list(threads.map(lambda part, n=number: part[0].update(f"u{n}", part[1]), parts))
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.json()["customerProfile"]["id"] for answer in answers}) == 1
            assert both[0].attributes(f"u{number}") == values


def test_concurrent_bulks_of_the_same_profiles_all_survive(both: list[Process]) -> None:
    names = [f"u{number}" for number in range(100)]

    def bulk(emulator: Process, order: list[str], attributes: dict[str, Any]) -> httpx.Response:
        body = {"customerProfiles": [{"integrationId": name, "attributes": attributes} for name in order]}
        return emulator.client.put("/v2/customer_profiles?silent=no", json=body, headers=api_key(SANDBOX_KEY))

    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit(bulk, both[0], names, {"text": "a"}),
            threads.submit(bulk, both[1], names[::-1], {"number": 1}),
            *(threads.submit(both[index % 2].update, name, {"flag": True}) for index, name in enumerate(names)),
        ]
        assert {outcome.result().status_code for outcome in asked} == {200}
    for name in names:
        assert both[1].attributes(name) == {"text": "a", "number": 1, "flag": True}


def test_processes_that_start_together_serve_one_deployment(postgres: PostgresServer) -> None:
    data = postgres.database()

    def start(_: int) -> str:
        with process(data) as served:
            return str(served.manage("GET", "/v1/applications").json())

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(start, range(4)))) == 1
    with running(Settings(deployment=SEED, data=data)) as emulator:
        assert emulator.client.get("/_emulator/ready").json()["deployments"] == ["demo"]


def test_one_that_another_deleted_is_made_again_where_it_is_configured(postgres: PostgresServer) -> None:
    data = postgres.database()
    guest = msgspec.structs.replace(SEED, name="guest", applications=(), management_keys=())
    with running(Settings(deployment=SEED, data=data)) as one, running(Settings(deployment=guest, data=data)) as two:
        assert two.client.delete("/_emulator/deployments/demo").status_code == 204
        assert one.update("u", {"text": "x"}).status_code == 200
        assert two.client.get("/_emulator/ready").json()["deployments"] == ["guest", "demo"]


def test_a_store_that_is_gone_is_a_500_and_a_log_line_without_secrets(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    data = postgres.database()
    name = data.rsplit("/", 1)[1]
    with running(Settings(deployment=SEED, data=data)) as emulator:
        assert emulator.update("u", {}).status_code == 200
        postgres.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")
        answer = emulator.update("u", {})
        assert emulator.client.get("/_emulator/health").status_code == 200
        assert emulator.client.get("/_emulator/ready").status_code == 500
    assert answer.status_code == answer.json()["StatusCode"] == 500
    assert MANAGEMENT_KEY not in caplog.text
    assert "s3cret" not in caplog.text


def test_connections_that_the_server_ended_are_made_again(postgres: PostgresServer) -> None:
    data = postgres.database()
    name = data.rsplit("/", 1)[1]
    with running(Settings(deployment=SEED, data=data)) as emulator:
        assert emulator.update("u", {"text": "x"}).status_code == 200
        ended = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        assert postgres.execute("postgres", ended)
        # One call may meet the end of a connection, no more than one for each.
        answers = [emulator.update("u", {"number": 1}).status_code for _ in range(12)]
        assert answers[-1] == 200
        assert emulator.attributes("u") == {"text": "x", "number": 1}


def test_of_many_changes_at_once_none_is_lost_and_a_record_is_made_once(postgres: PostgresServer) -> None:
    """Straight at the store, from two of them, where nothing stands in front of the database."""

    data = postgres.database()

    async def work() -> None:
        stores = [open_store(data), open_store(data)]
        await asyncio.gather(*(store.open() for store in stores))
        one, two = stores
        number = (await one.create_deployment("one")).id

        def grow(stored: Profile | None) -> Profile:
            held = stored or Profile(0, "", "c", "c", b"")
            return msgspec.structs.replace(held, attributes=held.attributes + b"x")

        def extend(stored: Record | None) -> Record:
            held = stored or Record(0, "event", 1, "k", "u", "c", b"")
            return msgspec.structs.replace(held, document=held.document + b"x")

        def count(stored: Deployment) -> Deployment:
            state = msgspec.structs.replace(stored.state, last_audience=stored.state.last_audience + 1)
            return msgspec.structs.replace(stored, state=state)

        await asyncio.gather(
            *(store.update_profile(number, "live", f"u{index % 3}", grow) for index in range(30) for store in stores),
            *(store.update_record(number, "event", 1, "k", extend) for _ in range(20) for store in stores),
            *(store.change_deployment(number, count) for _ in range(20) for store in stores),
            *(store.keep_answer(number, b"s", KeptAnswer(200, b""), "2", "3") for _ in range(20) for store in stores),
            *(store.update_profiles(number, "live", [("u2", grow), ("u1", grow)]) for store in stores),
            *(store.clear_audience(number, 1) for store in stores),
        )
        found = await two.list_profiles(number, "live", 99, 0)
        assert {p.integration_id: len(p.attributes) for p in found} == {"u0": 20, "u1": 22, "u2": 22}
        assert [p.id for p in found] == [1, 2, 3]
        [record] = await two.list_records(number, "event", 1, 99, 0)
        assert (record.id, len(record.document)) == (1, 40)
        [deployment] = await two.deployments()
        assert deployment.state == State(last_audience=40)
        await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(work())


def test_the_revision_tells_what_changed(postgres: PostgresServer) -> None:
    data = postgres.database()

    async def work() -> None:
        one, two = open_store(data), open_store(data)
        assert isinstance(one, SharedStore)
        assert isinstance(two, SharedStore)
        await one.open()
        await two.open()
        assert await one.revision() == 0
        a, b = [await one.create_deployment(name) for name in "ab"]
        with pytest.raises(NameTaken):
            await two.create_deployment("a")
        changes = await two.changes(a.revision)
        assert (changes.revision, changes.numbers, changes.changed) == (b.revision, frozenset((a.id, b.id)), (b,))
        reset = await two.reset_deployment(a.id)
        assert (await one.changes(b.revision)).changed == (reset,)
        await two.delete_deployment(a.id)
        changes = await one.changes(reset.revision)
        assert changes.numbers == frozenset((b.id,))
        assert not changes.changed
        assert changes.revision > reset.revision
        with pytest.raises(LookupError):
            await one.update_profile(a.id, "live", "u", lambda _: Profile(0, "u", "c", "c"))
        with pytest.raises(LookupError):
            await one.change_deployment(a.id, lambda stored: stored)
        assert (await one.create_deployment("a")).id > b.id
        await one.close()
        await two.close()

    asyncio.run(work())
