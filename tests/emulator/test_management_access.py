"""Who may call the Management API: users who sign in, and keys with a list of what they open."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from emulator_support import LIVE_KEY, MANAGEMENT_KEY, SANDBOX_KEY, STORES, Emulator, SetClock, management_key, running
from talon_emulator.management.logins import LIFETIME
from talon_emulator.seed import (
    ApplicationSeed,
    DeploymentSeed,
    EndpointSeed,
    KeySeed,
    ManagementKeySeed,
    UserSeed,
)
from talon_emulator.settings import Settings

READER, SHOPKEEPER, NOBODY = "3a" * 32, "3b" * 32, "3c" * 32
PASSWORD = "correct horse"
SEED = DeploymentSeed(
    name="demo",
    applications=(
        ApplicationSeed(id=1, name="One", api_keys=(KeySeed("key", SANDBOX_KEY),)),
        ApplicationSeed(id=7, name="Seven", environment="live", api_keys=(KeySeed("live key", LIVE_KEY),)),
    ),
    management_keys=(
        ManagementKeySeed("manager", MANAGEMENT_KEY),
        ManagementKeySeed(
            "reader",
            READER,
            endpoints=(EndpointSeed("GET", "/v1/attributes"), EndpointSeed("GET", "/v1/attributes/{any_name}")),
        ),
        ManagementKeySeed("shopkeeper", SHOPKEEPER, applications=(7,)),
        ManagementKeySeed("nobody", NOBODY, endpoints=()),
    ),
    users=(UserSeed("Ada@example.com", PASSWORD), UserSeed("bob@example.com", "pw")),
)


@pytest.fixture(scope="module")
def clock() -> SetClock:
    """The clock of the emulator."""
    return SetClock()


@pytest.fixture(scope="module", params=STORES)
def host(request: pytest.FixtureRequest, empty: Callable[[str], str | None], clock: SetClock) -> Iterator[Any]:
    """An emulator with users and limited keys."""
    with running(Settings(deployment=SEED, data=empty(request.param)), clock) as emulator:
        yield emulator


@pytest.fixture
def office(host: Emulator, clock: SetClock) -> Emulator:
    """The emulator in its seeded state, at the beginning of 2030."""
    clock.moment = SetClock().moment
    host.reset()
    return host


def sign_in(emulator: Emulator, email: str = "ada@example.com", password: str = PASSWORD) -> httpx.Response:
    return emulator.client.post("/v1/sessions", json={"email": email, "password": password})


def token_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


def get(emulator: Emulator, headers: dict[str, str], path: str = "/v1/attributes") -> int:
    return emulator.client.get(path, headers=headers).status_code


def test_a_token_opens_the_management_api(office: Emulator) -> None:
    answer = sign_in(office)
    assert answer.json() == {"userId": 1, "token": answer.json()["token"], "created": "2030-01-01T00:00:00.000000Z"}
    assert sign_in(office, "BOB@example.com", "pw").json()["userId"] == 2
    headers = token_of(answer)
    assert get(office, headers) == get(office, headers, "/v1/applications/1") == 200
    assert get(office, headers, "/v2/authping") == 401
    assert get(office, management_key(answer.json()["token"])) == 401
    assert get(office, {"authorization": f"Bearer {MANAGEMENT_KEY}"}) == 401
    assert office.journal()[-1]["key"] is None
    assert {entry["key"] for entry in office.journal()} == {"Ada@example.com", None}


def test_a_token_ends_with_its_session(office: Emulator) -> None:
    first, second = token_of(sign_in(office)), token_of(sign_in(office))
    assert office.client.delete("/v1/sessions", headers=first).status_code == 204
    assert (get(office, first), get(office, second)) == (401, 200)
    assert office.client.delete("/v1/sessions", headers=first).status_code == 401
    assert office.client.delete("/v1/sessions", headers=management_key(MANAGEMENT_KEY)).status_code == 204
    assert (get(office, second), get(office, management_key(MANAGEMENT_KEY))) == (200, 200)
    office.reset()
    assert get(office, second) == 401


def test_a_token_ends_after_three_months(office: Emulator, clock: SetClock) -> None:
    headers = token_of(sign_in(office))
    clock.moment += LIFETIME - timedelta(seconds=1)
    assert get(office, headers) == 200
    clock.moment += timedelta(seconds=1)
    assert get(office, headers) == 401
    token_of(sign_in(office))
    assert get(office, headers) == 401


def test_who_is_not_known_does_not_sign_in(office: Emulator) -> None:
    for email, password in (("ada@example.com", "pw"), ("nobody@example.com", PASSWORD), ("ada@example.com", "")):
        answer = sign_in(office, email, password)
        assert answer.status_code == 401
        assert answer.json() == {"message": "Invalid email or password", "errors": [], "StatusCode": 401}
    unreadable: list[Any] = [{}, {"email": "ada@example.com"}, {"email": 1, "password": "x"}, []]
    for body in unreadable:
        assert office.client.post("/v1/sessions", json=body).status_code == 400


def test_signing_in_has_the_limit_of_the_management_api(office: Emulator) -> None:
    assert office.client.post("/_emulator/limits", json={"limits": {"management": 2}}).status_code == 200
    assert [sign_in(office).status_code for _ in range(3)] == [201, 201, 429]


def test_passwords_and_tokens_are_in_no_journal(office: Emulator) -> None:
    token = sign_in(office).json()["token"]
    office.client.get("/v1/attributes", headers={"authorization": f"Bearer {token}"})
    journal = office.client.get("/_emulator/journal").text
    assert "createSession" in journal
    assert PASSWORD not in journal
    assert token not in journal
    assert PASSWORD not in repr(SEED)


def test_a_user_of_another_deployment_signs_in_there(office: Emulator) -> None:
    made = office.client.post(
        "/_emulator/deployments",
        json={"name": "other", "users": [{"email": "eve@example.com", "password": "pw"}], "attributes": []},
    )
    assert made.status_code == 201, made.text
    headers = token_of(sign_in(office, "eve@example.com", "pw"))
    assert office.client.get("/v1/attributes", headers=headers).json()["totalResultSize"] == 0
    assert office.client.delete("/_emulator/deployments/other").status_code == 204
    assert get(office, headers) == 401
    assert sign_in(office, "eve@example.com", "pw").status_code == 401


def made(emulator: Emulator, name: str, **document: Any) -> None:
    answer = emulator.client.post("/_emulator/deployments", json={"name": name, **document})
    assert answer.status_code == 201, answer.text


def sign_in_at(emulator: Emulator, name: str, email: str, password: str) -> int:
    body = {"email": email, "password": password}
    return emulator.client.post("/v1/sessions", json=body, headers={"host": f"{name}.localhost"}).status_code


@pytest.fixture
def three(office: Emulator) -> Iterator[Emulator]:
    """Two deployments more, `own` and `newer`, which have Eve and another Bob."""
    eve = {"email": "eve@example.com", "password": "pw"}
    made(office, "own", users=[eve], attributes=[])
    made(
        office,
        "newer",
        users=[eve, {"email": "bob@example.com", "password": "other"}],
        attributes=[{"name": "a", "type": "string"}],
    )
    yield office
    for name in ("own", "newer"):
        assert office.client.delete(f"/_emulator/deployments/{name}").status_code == 204


def defined(emulator: Emulator, email: str, password: str) -> Any:
    headers = token_of(sign_in(emulator, email, password))
    return emulator.client.get("/v1/attributes", headers=headers).json()["totalResultSize"]


def test_the_host_names_the_deployment_to_sign_in_to(three: Emulator) -> None:
    assert sign_in_at(three, "own", "ada@example.com", PASSWORD) == 401
    assert sign_in_at(three, "own", "bob@example.com", "other") == 401
    assert sign_in_at(three, "OWN", "eve@example.com", "pw") == 201
    assert sign_in_at(three, "demo", "eve@example.com", "pw") == 401
    assert sign_in_at(three, "demo", "ada@example.com", PASSWORD) == 201
    assert sign_in_at(three, "nowhere", "ada@example.com", PASSWORD) == 404


def test_without_a_name_it_is_the_configured_one_then_the_newest_with_that_password(three: Emulator) -> None:
    assert defined(three, "eve@example.com", "pw") == defined(three, "bob@example.com", "other") == 1
    made(three, "newest", users=[{"email": "bob@example.com", "password": "pw"}])
    number_of_newest = three.client.post("/v1/sessions", json={"email": "bob@example.com", "password": "pw"}).json()[
        "userId"
    ]
    assert number_of_newest == 2  # of the configured deployment, where he is the second
    assert three.client.delete("/_emulator/deployments/newest").status_code == 204


def test_signing_in_has_the_limit_of_the_deployment_found(three: Emulator) -> None:
    for query, limit in (("", 1), ("?deployment=own", 2), ("?deployment=newer", 3)):
        limits = {"limits": {"management": limit}}
        assert three.client.post(f"/_emulator/limits{query}", json=limits).status_code == 200
    assert [sign_in(three).status_code for _ in range(2)] == [201, 429]
    assert [sign_in(three, "eve@example.com", "pw").status_code for _ in range(4)] == [201, 201, 201, 429]
    assert [sign_in_at(three, "own", "eve@example.com", "pw") for _ in range(3)] == [201, 201, 429]
    assert sign_in(three, "eve@example.com", "wrong").status_code == 429  # nobody's: the configured one's, used up


def test_users_not_in_the_document_are_those_of_the_configured_deployment(office: Emulator) -> None:
    made(office, "same")
    made(office, "none", users=[])
    assert sign_in_at(office, "same", "ada@example.com", PASSWORD) == 201
    assert sign_in_at(office, "none", "ada@example.com", PASSWORD) == 401
    for name in ("same", "none"):
        assert office.client.delete(f"/_emulator/deployments/{name}").status_code == 204


def test_a_key_opens_the_endpoints_on_its_list(office: Emulator) -> None:
    headers = management_key(READER)
    assert get(office, headers) == 200
    assert get(office, headers, "/v1/attributes/99") == 404
    refused = office.client.get("/v1/applications", headers=headers)
    assert refused.status_code == 403
    assert refused.json() == {"message": "Forbidden", "errors": [], "StatusCode": 403}
    assert office.client.post("/v1/attributes", json={}, headers=headers).status_code == 403
    assert get(office, headers, "/v1/campaigns/none") == 404
    assert get(office, management_key(NOBODY)) == 403
    entry = office.journal("?status=403")[0]
    assert (entry["key"], entry["note"]) == ("nobody", "the key 'nobody' is not for GET /v1/attributes")


def test_a_key_names_the_applications_on_its_list(office: Emulator) -> None:
    headers = management_key(SHOPKEEPER)
    assert [get(office, headers, f"/v1/applications/{number}") for number in (7, 1, 99)] == [200, 403, 403]
    assert get(office, headers, "/v1/applications/1/customers") == 403
    listed = office.client.get("/v1/applications", headers=headers).json()
    assert (listed["totalResultSize"], [each["id"] for each in listed["data"]]) == (1, [7])


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"users": [{"email": "a@b", "password": "1"}, {"email": "A@B", "password": "2"}]}, "/users/1/email"),
        ({"users": [{"email": "ab", "password": "1"}]}, "/users/0/email"),
        ({"users": [{"email": "a@b", "password": ""}]}, "/users/0/password"),
        ({"management_keys": [{"name": "n", "key": "k", "endpoints": [{"method": "GET", "path": "x"}]}]}, "/path"),
        (
            {"management_keys": [{"name": "n", "key": "k", "endpoints": [{"method": "get", "path": "/v1/x"}]}]},
            "/method",
        ),
    ],
)
def test_documents_that_cannot_be_put_into_effect(office: Emulator, document: Any, place: str) -> None:
    answer = office.client.post("/_emulator/seed", json=document)
    assert answer.status_code == 400
    assert place in answer.text


def test_a_new_password_takes_the_place_of_the_old_one(office: Emulator) -> None:
    for _ in range(2):
        users = [{"email": "ADA@example.com", "password": "new"}]
        assert office.client.post("/_emulator/seed", json={"users": users}).status_code == 200
    assert sign_in(office).status_code == 401
    assert sign_in(office, password="new").json()["userId"] == 1
    restored = {"users": [{"email": "Ada@example.com", "password": PASSWORD}]}
    assert office.client.post("/_emulator/seed", json=restored).status_code == 200
