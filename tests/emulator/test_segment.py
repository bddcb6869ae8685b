"""The `/segment` paths over real HTTP: what Segment's destination sends, who may send it, what comes back."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import SANDBOX_KEY, SEED, Emulator, SetClock, api_key, over_http, running
from talon_emulator.exchange import Request
from talon_emulator.seed import ApplicationSeed, KeySeed
from talon_emulator.settings import Settings
from talon_emulator.thirdparty import destination

SEGMENT_KEY, CDP_KEY = "3a" * 32, "3b" * 32
HOST = {"destination-hostname": "shop.europe-west1.talon.one"}
PATH = "/segment/v2/customer_profiles/"
STORE = ApplicationSeed(
    id=1,
    name="Test store",
    api_keys=(
        KeySeed("sandbox key", SANDBOX_KEY),
        KeySeed("Segment key", SEGMENT_KEY, "segment"),
        KeySeed("data platform key", CDP_KEY, "customer_data"),
    ),
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    deployment = msgspec.structs.replace(SEED, applications=(STORE,))
    with running(Settings(deployment=deployment), SetClock()) as emulator:
        yield emulator


@pytest.fixture
def segment(shared: Emulator) -> Emulator:
    shared.reset()
    return shared


def update(emulator: Emulator, body: Any, raw_id: str = "u", query: str = "", **headers: str) -> httpx.Response:
    sent = HOST | api_key(SEGMENT_KEY) | headers
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return emulator.client.put(PATH + raw_id + query, content=content, headers=sent)


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert answer.status_code == status
    shown = answer.json()
    assert list(shown) == ["StatusCode", "Error", "RequestUUID"]
    assert (shown["StatusCode"], shown["Error"]) == (status, error)


def test_what_segment_sends_becomes_a_profile(segment: Emulator) -> None:
    body = {"audiencesChanges": {}, "runRuleEngine": True, "attributes": {"text": "a", "flag": True}}
    answer = update(segment, body)
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["effects"] == shown["createdCoupons"] == shown["createdReferrals"] == []
    assert shown["customerProfile"]["attributes"] == {"text": "a", "flag": True}
    assert segment.attributes("u") == {"text": "a", "flag": True}
    assert (
        update(segment, {"audiencesChanges": {"adds": [1], "deletes": []}, "runRuleEngine": False}).status_code == 200
    )
    assert segment.attributes("u") == {"text": "a", "flag": True}
    [entry] = segment.journal("?integrationId=u&limit=1&path=/segment")
    assert (entry["operation"], entry["key"]) == ("segment/v2/updateCustomerProfile", "Segment key")


def test_null_deletes_and_numbers_stay_exact(segment: Emulator) -> None:
    assert update(segment, b'{"attributes":{"number":1.10,"text":"a"}}').status_code == 200
    assert b'"number":1.10' in update(segment, b'{"attributes":{"text":null}}').content


def test_undefined_attributes_refuse_the_update_or_are_left_out(segment: Emulator) -> None:
    body = {"attributes": {"text": "a", "unknown": 1, "Text": None}}
    details = [f'The attribute "{name}" is not defined on CustomerProfile entities.' for name in ("Text", "unknown")]
    refused(update(segment, body), 400, "The submitted data was invalid: " + "; ".join(details))
    assert segment.attributes("u") is None
    assert update(segment, body, query="?skipNonExistingAttributes=true").status_code == 200
    assert segment.attributes("u") == {"text": "a"}
    assert len(segment.manage("GET", "/v1/attributes?search=unknown").json()["data"]) == 0


def test_a_wrong_type_is_refused_even_when_undefined_attributes_are_left_out(segment: Emulator) -> None:
    answer = update(segment, {"attributes": {"flag": "true", "unknown": 1}}, query="?skipNonExistingAttributes=true")
    words = 'The submitted data was invalid: Value of "flag" attribute (true) is not a boolean'
    refused(answer, 400, words)
    assert segment.attributes("u") is None


def test_the_rule_engine_moves_the_last_activity_only_when_it_runs() -> None:
    with running(Settings(deployment=msgspec.structs.replace(SEED, applications=(STORE,))), clock := SetClock()) as own:
        created = update(own, {}).json()["customerProfile"]["lastActivity"]
        clock.moment = clock.moment.replace(year=2031)
        idle = update(own, {"attributes": {"text": "a"}}).json()["customerProfile"]["lastActivity"]
        active = update(own, {"runRuleEngine": True}).json()["customerProfile"]["lastActivity"]
    assert created == idle
    assert active.startswith("2031-")


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(user.encode()).decode()


@pytest.mark.parametrize("scheme", ["Basic", "basic"])
def test_the_key_may_come_in_basic(segment: Emulator, scheme: str) -> None:
    header = f"{scheme} {basic(f'ApiKey-v1 {SEGMENT_KEY}:').removeprefix('Basic ')}"
    for _ in range(2):
        assert update(segment, {}, authorization=header).status_code == 200


@pytest.mark.parametrize(
    ("header", "note"),
    [
        (f"ApiKey-v1 {SANDBOX_KEY}", "the key is for the platform none, here it must be segment"),
        (f"ApiKey-v1 {CDP_KEY}", "the key is for the platform customer_data, here it must be segment"),
        (f"ApiKey-v1 {'0' * 64}", "the key is not known"),
        (basic(f"ApiKey-v1 {'0' * 64}:"), "the key is not known"),
        (basic(f"{SEGMENT_KEY}:"), "the Authorization header must be 'ApiKey-v1 <key>'"),
        (basic(f"ApiKey-v1 {SEGMENT_KEY}:secret"), "the Authorization header must be 'ApiKey-v1 <key>'"),
        ("Basic !", "the Authorization header must be 'ApiKey-v1 <key>'"),
        ("Basic", "the Authorization header must be 'ApiKey-v1 <key>'"),
    ],
)
def test_other_keys_open_nothing(segment: Emulator, header: str, note: str) -> None:
    refused(update(segment, {"attributes": {"text": "a"}}, authorization=header), 401, "Invalid API key")
    assert segment.journal("?limit=1")[0]["note"] == note
    assert segment.attributes("u") is None


def test_without_a_key(segment: Emulator) -> None:
    refused(segment.client.put(PATH + "u", content=b"{}", headers=HOST), 401, "Missing Session Token")


def test_basic_opens_only_the_third_party_host(segment: Emulator) -> None:
    header = basic(f"ApiKey-v1 {SEGMENT_KEY}:")
    assert update(segment, {}, authorization=header).status_code == 200
    assert segment.client.get("/v2/authping", headers={"authorization": header}).status_code == 401
    assert segment.client.get("/v2/authping", headers=api_key(SEGMENT_KEY)).status_code == 204


@pytest.mark.parametrize(
    "given_host",
    [
        "shop.europe-west1.talon.one",
        "https://shop.europe-west1.talon.one",
        "https://shop.europe-west1.talon.one/",
        "shop.europe-west1.talon.one/",
        "HTTP://127.0.0.1:8900//",
        "localhost:8900",
    ],
)
def test_the_deployment_is_named_by_host_or_url(segment: Emulator, given_host: str) -> None:
    assert update(segment, {}, **{"destination-hostname": given_host}).status_code == 200


def test_a_request_without_a_deployment(segment: Emulator) -> None:
    answer = segment.client.put(PATH + "u", content=b"{}", headers=api_key(SEGMENT_KEY))
    refused(answer, 400, "No Deployment URL specified")
    refused(update(segment, {}, **{"destination-hostname": ""}), 400, "No Deployment URL specified")


@given(st.text(st.characters(codec="latin-1")))
@example("https://")
@example("ftp://shop.talon.one")
@example("shop.talon.one/v1")
@example("https://user@shop.talon.one")
@example("shop.talon.one:x")
def test_what_is_taken_for_a_host_has_nothing_else_in_it(text: str) -> None:
    request = Request("PUT", b"/segment", b"", {b"destination-hostname": text.encode("latin-1")}, b"")
    found = destination(request)
    if isinstance(found, str):
        assert found
        assert not set("/?#@ ") & set(found)
        assert found in text.lower()


@pytest.mark.parametrize(
    ("raw_id", "stored"), [("a%2Fb", "a/b"), ("a%20b", "a b"), ("ada@example.com", "ada@example.com"), ("%C3%A9", "é")]
)
def test_ids_as_they_come(segment: Emulator, raw_id: str, stored: str) -> None:
    assert update(segment, {"attributes": {"text": "a"}}, raw_id).status_code == 200
    assert segment.attributes(stored) == {"text": "a"}


def test_a_slash_that_segment_does_not_encode_leads_elsewhere(segment: Emulator) -> None:
    refused(update(segment, {}, "a/b"), 404, "Not Found")
    refused(
        update(segment, {}, "%zz"), 400, "The request path is not valid: a % is not followed by two hexadecimal digits"
    )
    refused(
        update(segment, {}, "x" * 1001),
        400,
        "The submitted data was invalid: integrationId must have at most 1000 characters",
    )


@over_http
@given(
    st.binary(max_size=30) | st.sampled_from([b"", b"[]", b'{"attributes":[]}', b'{"runRuleEngine":1}', b'{"a":1e400}'])
)
def test_a_body_that_is_no_update_is_400_in_its_shape(shared: Emulator, body: bytes) -> None:
    answer = update(shared, body)
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert list(answer.json()) == ["StatusCode", "Error", "RequestUUID"]


def test_parameters_are_read_strictly(segment: Emulator) -> None:
    answer = update(segment, {}, query="?skipNonExistingAttributes=maybe")
    refused(answer, 400, "The submitted data was invalid: skipNonExistingAttributes must be true or false")
