"""The control API: health, seed, reset, metrics, and who may write to it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from emulator_support import LIVE_KEY, SANDBOX_KEY, SEED, Emulator, api_key, running
from talon_emulator.seed import DeploymentSeed
from talon_emulator.settings import Settings


def post_seed(emulator: Emulator, document: Any, query: str = "") -> Any:
    content = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return emulator.client.post(f"/_emulator/seed{query}", content=content)


def test_health_and_ready(emulator: Emulator) -> None:
    assert emulator.client.get("/_emulator/health").json() == {"status": "ok"}
    assert emulator.client.get("/_emulator/ready").json() == {"status": "ready", "deployments": ["demo"]}


@pytest.fixture
def fresh() -> Iterator[Emulator]:
    """An emulator of its own, for what outlives a reset."""
    with running(Settings(deployment=SEED)) as emulator:
        yield emulator


def test_a_seed_adds_and_doing_it_again_changes_nothing(fresh: Emulator) -> None:
    document = {
        "applications": [{"id": 9, "name": "Third", "api_keys": [{"title": "t", "key": "3" * 64}]}],
        "attributes": [{"name": "extra", "type": "(list string)"}],
    }
    first = post_seed(fresh, document)
    assert first.status_code == 200
    assert first.json() == {"deployment": "demo", "applications": [1, 7, 9], "attributes": 13}
    before = fresh.manage("GET", "/v1/attributes").json()
    assert post_seed(fresh, document).json() == first.json()
    assert fresh.manage("GET", "/v1/attributes").json() == before
    assert fresh.update("u", {"extra": ["a"]}, "3" * 64).status_code == 200


def test_a_reset_forgets_all_but_the_seeds(fresh: Emulator) -> None:
    post_seed(fresh, {"attributes": [{"name": "seeded", "type": "string"}]})
    created = {"name": "made", "title": "made", "type": "string", "entity": "CustomerProfile"}
    fresh.manage("POST", "/v1/attributes", created | {"description": "", "suggestions": [], "editable": True})
    assert fresh.update("u", {"seeded": "a", "made": "b"}).status_code == 200
    assert fresh.client.post("/_emulator/reset").json()["attributes"] == 13
    assert fresh.journal() == []
    assert fresh.attributes("u") is None
    refused = fresh.update("u", {"seeded": "a", "made": "b"}).json()
    assert [error["source"]["pointer"] for error in refused["errors"]] == ["/attributes/made"]
    assert fresh.update("u", {"seeded": "a"}).json()["customerProfile"]["id"] == 1


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (b"{", "bad_json", "truncated"),
        (b'{"name":NaN}', "bad_json", "byte 8"),
        (b'{"name":[1e400]}', "bad_json", "/name/0: the number is outside the range of a double"),
        ({"attrbutes": []}, "bad_document", "/attrbutes: unknown key 'attrbutes'"),
        ({"attributes": [{"name": "text", "type": "number"}]}, "bad_document", "/attributes/0/type"),
        ({"attributes": [{"name": "9", "type": "number"}]}, "bad_document", "/attributes/0/name"),
        ({"name": "other"}, "unknown_deployment", "'other'"),
    ],
)
def test_refuses_documents_and_changes_nothing(emulator: Emulator, document: Any, code: str, words: str) -> None:
    before = emulator.manage("GET", "/v1/attributes").json()
    answer = post_seed(emulator, document)
    assert answer.status_code in (400, 404)
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert answer.json()["error"]["code"] == code
    assert words in answer.json()["error"]["message"]
    assert emulator.manage("GET", "/v1/attributes").json() == before


def test_a_refused_seed_leaves_out_its_good_part_too(emulator: Emulator) -> None:
    answer = post_seed(
        emulator, {"attributes": [{"name": "good", "type": "string"}, {"name": "text", "type": "number"}]}
    )
    assert answer.status_code == 400
    assert emulator.update("u", {"good": "a"}).status_code == 400


@pytest.mark.parametrize("document", [{}, {"name": "demo"}, {"attributes": [{"name": "extra", "type": "string"}]}])
def test_a_seed_keeps_the_profiles(data: str | None, document: Any) -> None:
    with running(Settings(deployment=SEED, data=data)) as emulator:
        for number in range(3):
            emulator.update(f"u{number}", {"number": number})
        emulator.update("u0", {"text": "live"}, LIVE_KEY)
        assert post_seed(emulator, document).status_code == 200
        for number in range(3):
            assert emulator.attributes(f"u{number}") == {"number": number}
        assert emulator.attributes("u0", LIVE_KEY) == {"text": "live"}
        assert emulator.update("u3", {}).json()["customerProfile"]["id"] == 5
        assert len(emulator.journal("?path=customer_profiles&kind=good&limit=1000")) == 9


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("GET", "/_emulator/journal?Limit=1", "did you mean 'limit'?"),
        ("GET", "/_emulator/journal?integrationID=u", "did you mean 'integrationId'?"),
        ("GET", "/_emulator/journal?limit=1&zzz", "known are: deployment, kind, "),
        ("POST", "/_emulator/reset?deploy=demo", "did you mean 'deployment'?"),
        ("POST", "/_emulator/seed?deployments=demo", "did you mean 'deployment'?"),
        ("GET", "/_emulator/health?x=1", "none is known here"),
        ("GET", "/_emulator/ready?x=1", "none is known here"),
    ],
)
def test_unknown_query_parameters_are_refused(emulator: Emulator, method: str, path: str, hint: str) -> None:
    emulator.update("u", {})
    answer = emulator.client.request(method, path, content=b"{}" if "seed" in path else None)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unknown_parameter"
    assert answer.json()["error"]["hint"].startswith(hint)
    assert emulator.attributes("u") == {}


def test_a_query_that_cannot_be_decoded(emulator: Emulator) -> None:
    answer = emulator.client.get("/_emulator/journal?limit=%zz")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "call", [("GET", "/_emulator/journal"), ("POST", "/_emulator/reset"), ("POST", "/_emulator/seed")]
)
def test_an_unknown_deployment(emulator: Emulator, call: tuple[str, str]) -> None:
    method, path = call
    answer = emulator.client.request(method, f"{path}?deployment=nowhere", content=b"{}" if "seed" in path else None)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "unknown_deployment",
        "message": "There is no deployment 'nowhere'",
        "hint": "there are: demo",
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
    ],
)
@pytest.mark.parametrize("path", ["/_emulator/reset", "/_emulator/seed"])
def test_a_page_of_another_origin_may_not_write(emulator: Emulator, path: str, headers: dict[str, str]) -> None:
    emulator.update("u", {})
    answer = emulator.client.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert emulator.attributes("u") == {}


def test_its_own_page_may_write(emulator: Emulator) -> None:
    headers = {"origin": emulator.url, "sec-fetch-site": "same-origin"}
    assert emulator.client.post("/_emulator/reset", headers=headers).status_code == 200


def test_metrics(emulator: Emulator) -> None:
    emulator.update("u", {})
    answer = emulator.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'talon_emulator_profiles{deployment="demo",environment="sandbox"} 1.0' in answer.text
    assert 'talon_emulator_requests_total{operation="updateCustomerProfileV2",status="200"}' in answer.text
    assert SANDBOX_KEY not in answer.text


def test_unknown_paths_and_methods(emulator: Emulator) -> None:
    missing = emulator.client.get("/_emulator/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = emulator.client.get("/_emulator/seed")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    talon = emulator.client.delete("/v1/attributes", headers=api_key(SANDBOX_KEY))
    assert (talon.status_code, talon.headers["allow"]) == (405, "GET, POST")
    assert talon.json() == {"message": "Method DELETE is not allowed here", "errors": [], "StatusCode": 405}
    assert emulator.client.head("/_emulator/health").status_code == 200


def test_an_empty_deployment_serves() -> None:
    with running(Settings(deployment=DeploymentSeed("empty"))) as emulator:
        assert emulator.client.get("/_emulator/ready").json()["deployments"] == ["empty"]
        assert emulator.update("u", {}).status_code == 401
        assert "no Application" in emulator.client.get("/").text
