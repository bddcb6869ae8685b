"""Bad input on the wire: refused with a reason, and the process lives."""

import gzip
import logging

import pytest

from emulator_support import SANDBOX_KEY, SEED, Emulator, api_key, running
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.settings import Settings
from talon_emulator.store.memory import MemoryStore
from talon_emulator.store.protocol import ProfileChange

PATH = "/v2/customer_profiles/u"
MEGABYTE = 1024 * 1024


def put(emulator: Emulator, body: bytes, **headers: str) -> tuple[int, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = emulator.client.put(PATH, content=body, headers=api_key(SANDBOX_KEY) | sent)
    shown = answer.json()
    if answer.status_code != 200:
        assert set(shown) == {"message", "errors", "StatusCode"}
    assert emulator.client.get("/_emulator/health").status_code == 200
    return answer.status_code, answer.text


def head(emulator: Emulator, *lines: bytes, body: bytes = b"{}") -> bytes:
    start = [b"PUT /v2/customer_profiles/u HTTP/1.1", b"authorization: ApiKey-v1 " + SANDBOX_KEY.encode()]
    end = [b"content-length: %d" % len(body), b"connection: close", b"", body]
    return emulator.raw(b"\r\n".join([*start, *lines, *end]))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b'{"attributes":{"text":"\xff"}}', "not UTF-8"),
        (b'{"attributes":{"number":NaN}}', "byte 24"),
        (b'{"attributes":{"number":1e400}}', "double"),
        (b'{"attributes":{"number":' + b"9" * 5000 + b"}}", "/attributes/number"),
        (b'{"attributes":{"texts":' + b"[" * 100_000, "deeper than 64"),
        (b'{"attributes":{}} trailing', "trailing"),
        (b"attributes=1", "byte 0"),
    ],
)
def test_bad_json_is_400_and_says_where(emulator: Emulator, body: bytes, words: str) -> None:
    status, text = put(emulator, body)
    assert status == 400
    assert words in text
    assert emulator.attributes("u") is None


def test_a_body_above_the_limit_is_413(emulator: Emulator) -> None:
    assert put(emulator, b" " * (16 * MEGABYTE - 2) + b"{}")[0] == 200
    assert put(emulator, b" " * (16 * MEGABYTE - 1) + b"{}")[0] == 413
    chunks = (b" " * 65536 for _ in range(300))
    answer = emulator.client.put(PATH, content=chunks, headers=api_key(SANDBOX_KEY))
    assert answer.status_code == 413


def test_the_limit_is_a_setting() -> None:
    with running(Settings(deployment=SEED, max_body_bytes=10)) as emulator:
        assert put(emulator, b'{"a":    1}')[0] == 413
        assert put(emulator, b'{"a":   1}')[0] == 200


def test_gzip_bodies(emulator: Emulator) -> None:
    body = b'{"attributes":{"text":"packed"}}'
    assert put(emulator, gzip.compress(body), content_encoding="gzip")[0] == 200
    assert emulator.attributes("u") == {"text": "packed"}
    assert put(emulator, body, content_encoding="identity")[0] == 200
    assert put(emulator, body, content_encoding="gzip")[0] == 400
    assert put(emulator, gzip.compress(body)[:-3], content_encoding="gzip")[0] == 400
    assert put(emulator, body, content_encoding="br")[0] == 415


def test_a_gzip_bomb_is_413(emulator: Emulator) -> None:
    bomb = gzip.compress(bytes(100 * MEGABYTE))
    assert len(bomb) < MEGABYTE
    assert put(emulator, bomb, content_encoding="gzip")[0] == 413


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "0.0.0.0", "user@localhost", ""])
def test_a_foreign_host_is_421(emulator: Emulator, host: str) -> None:
    for path in ("/", "/_emulator/reset", PATH):
        answer = emulator.client.request("POST", path, headers={"host": host})
        assert answer.status_code == 421
        assert "allowed_hosts" in answer.text


@pytest.mark.parametrize("host", ["localhost:1", "demo.localhost", "my.europe-west1.talon.one", "[::1]:8900"])
def test_other_names_for_this_host(emulator: Emulator, host: str) -> None:
    assert emulator.client.get("/v2/authping", headers=api_key(SANDBOX_KEY) | {"host": host}).status_code == 204


def test_more_hosts_are_a_setting() -> None:
    with running(Settings(deployment=SEED, allowed_hosts=("Talon.test",))) as emulator:
        assert emulator.client.get("/_emulator/health", headers={"host": "talon.test:80"}).status_code == 200


def test_a_missing_or_second_host(emulator: Emulator) -> None:
    assert head(emulator).startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))
    assert head(emulator, b"host: localhost", b"host: localhost").startswith(b"HTTP/1.1 400")
    assert head(emulator, b"host: localhost").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "lines",
    [
        [b"authorization: ApiKey-v1 second"],
        [b"content-encoding: gzip", b"content-encoding: identity"],
        [b"transfer-encoding: chunked"],
        [b"content-length: 3"],
        [b"content-length: -1"],
        [b"x: a\r\n folded"],
    ],
)
def test_contradicting_headers_are_400(emulator: Emulator, lines: list[bytes]) -> None:
    assert head(emulator, b"host: localhost", *lines).startswith(b"HTTP/1.1 400")
    assert emulator.attributes("u") is None


def test_any_number_of_names_and_repeated_headers_is_served(emulator: Emulator) -> None:
    for number in range(300):
        answer = emulator.client.get("/_emulator/health", headers={"host": f"d{number}.localhost"})
        assert answer.status_code == 200
    assert head(emulator, b"host: localhost", b"accept: a", b"accept: b").startswith(b"HTTP/1.1 200")


def test_a_flood_of_headers_is_431(emulator: Emulator) -> None:
    answer = emulator.client.get("/_emulator/health", headers={"x-flood": "x" * 70_000})
    assert answer.status_code in (400, 431)
    many = {f"x-{number}": "y" * 100 for number in range(1000)}
    assert emulator.client.get("/_emulator/health", headers=many).status_code in (400, 431)


@pytest.mark.parametrize(
    "path", [b"/v2/customer_profiles/%FF", b"/v2/customer_profiles/%zz", b"/v2/customer_profiles/%"]
)
def test_a_path_that_cannot_be_decoded_is_400(emulator: Emulator, path: bytes) -> None:
    request = b"PUT " + path + b" HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    answer = emulator.raw(request)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"StatusCode":400' in answer


def test_a_client_that_goes_away_harms_nobody(emulator: Emulator) -> None:
    emulator.raw(b"PUT /v2/customer_profiles/u HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{")
    assert put(emulator, b"{}")[0] == 200


class BrokenStore(MemoryStore):
    """A store whose updates fail with customer data in the message."""

    async def update_profile(
        self, deployment: int, environment: Environment, integration_id: str, change: ProfileChange
    ) -> Profile | Refusal:
        raise RuntimeError(integration_id)


def test_a_failure_is_500_and_logged_once_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    with running(Settings(deployment=SEED), store=BrokenStore()) as emulator:
        with caplog.at_level(logging.ERROR, "talon_emulator"):
            answer = emulator.update("a-customer", {"text": "a-value"})
        assert emulator.client.get("/_emulator/health").status_code == 200
        assert emulator.journal("?status=500")[0]["integrationId"] == "a-customer"
    assert answer.status_code == answer.json()["StatusCode"] == 500
    assert "traceback" in answer.json()["message"]
    [record] = [record for record in caplog.records if record.name.startswith("talon_emulator")]
    message = record.getMessage()
    assert "action=failed operation=updateCustomerProfileV2 error=RuntimeError" in message
    assert "in update_customer_profile" in message
    for secret in ("a-customer", "a-value", SANDBOX_KEY):
        assert secret not in message
