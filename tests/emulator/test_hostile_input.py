"""What a server on a developer's machine must stand: bodies, names, headers, pages and logs meant to harm, one by one.

Each is refused with a clear error or served exactly, and the emulator goes on as before.
"""

import gzip
import logging
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED, Emulator, api_key, management_key, running
from talon_emulator.settings import Settings

PATH = "/v2/customer_profiles/u"


@pytest.fixture(scope="module")
def standing() -> Iterator[Emulator]:
    with running(Settings(deployment=SEED)) as emulator:
        yield emulator


@pytest.fixture
def emulator(standing: Emulator) -> Iterator[Emulator]:
    standing.reset()
    yield standing
    assert standing.update("survivor", {"text": "a"}).status_code == 200


def head(method: str, path: str, *lines: str) -> bytes:
    start = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: ApiKey-v1 {SANDBOX_KEY}", *lines]
    return "\r\n".join([*start, "", ""]).encode()


def refused(answer: bytes, *statuses: int) -> bool:
    """Tell whether the first answer has one of these statuses and none is a success."""
    found = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]
    return bool(found) and found[0] in statuses and all(status >= 400 for status in found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        '{"attributes": {}}'.encode("utf-16"),
        b'{"attributes": {}} {}',
        b'{"attributes": {}}\x00',
        b"{'attributes': {}}",
        b'{"attributes": {},}',
        b"[" * 65 + b"]" * 65,
        b'{"attributes": {"text": "\xff"}}',
        b'{"attributes": {"text": "\xc0\xaf"}}',
        b'{"attributes": {"text": "\xed\xa0\x80"}}',
        b'{"attributes": {"text": "\\ud800"}}',
        b'{"attributes": {"number": NaN}}',
        b'{"attributes": {"number": -Infinity}}',
        b'{"attributes": {"number": 1e400}}',
        b'{"attributes": {"number": %s}}' % (b"9" * 5000),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_or_holds_no_number_is_400(emulator: Emulator, body: bytes) -> None:
    answer = emulator.put("u", body)
    assert (answer.status_code, answer.json()["StatusCode"]) == (400, 400)
    assert answer.json()["errors"][0]["details"]


@pytest.mark.parametrize("depth", [65, 1_000, 100_000, 500_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_refused_at_once(emulator: Emulator, depth: int, opening: bytes, closing: bytes) -> None:
    body = b'{"attributes":' + (opening * depth + b"1" + closing * depth)[: 1024 * 1024 - 100]
    started = time.perf_counter()
    assert emulator.put("u", body).status_code == 400
    assert time.perf_counter() - started < 1  # some milliseconds; the rest is the machine's


def test_a_body_without_end_and_without_length_is_refused_and_not_kept(emulator: Emulator) -> None:
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=20) as connection:
        connection.sendall(head("PUT", PATH, "Transfer-Encoding: chunked"))
        for _ in range(1600):
            connection.sendall(piece)
        assert refused(connection.recv(65536), 413)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KB, of 100 MB sent


@pytest.mark.parametrize("number", ["9007199254740993", "18446744073709551616", "1" + "0" * 30, "0.10", "1e2"])
def test_digits_stay(emulator: Emulator, number: str) -> None:
    body = b'{"attributes":{"number":%s}}' % number.encode()
    assert emulator.put("u", body).status_code == 200
    stored = re.search(rb'"number":([^,}]+)', emulator.inventory("u").content)
    assert stored is not None
    assert (stored[1].decode() == number) or (number == "1e2" and float(stored[1]) == 100)


def test_of_a_member_given_twice_the_last_counts(emulator: Emulator) -> None:
    assert emulator.put("u", b'{"attributes":{"text":"a","text":"b"}}').status_code == 200
    assert emulator.attributes("u") == {"text": "b"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[:-4],
        lambda whole: whole[:-8] + bytes(4) + whole[-4:],
        gzip.compress,
        lambda whole: whole + b"trailing",
        lambda _: gzip.compress(b" " * 50_000_000),
    ],
    ids=["truncated", "wrong CRC", "gzip of gzip", "trailing", "bomb"],
)
def test_a_spoilt_gzip_body_is_refused(emulator: Emulator, spoil: Callable[[bytes], bytes]) -> None:
    body = spoil(gzip.compress(b'{"attributes":{"text":"a"}}'))
    headers = {**api_key(SANDBOX_KEY), "content-encoding": "gzip"}
    answer = emulator.client.put(PATH, content=body, headers=headers)
    assert answer.status_code in (400, 413)


IDS = [
    "a/b", "%2F", "a%2Fb", "?", "#", ";", "+", " ", "\\", "😀", "\u00e9", "e\u0301", "x" * 1000, "a\x00b", "a\r\nb",
    "..a", "a b?c=d&e#f", "'; DROP TABLE profiles; --", "{{7*7}}", "%00", "\u202e",
]  # fmt: skip


@pytest.mark.parametrize("name", IDS, ids=repr)
def test_any_integration_id_is_another_customer(emulator: Emulator, name: str) -> None:
    assert emulator.update(name, {"text": name}).status_code == 200
    assert emulator.attributes(name) == {"text": name}
    listed = emulator.manage("GET", "/v1/applications/1/customers").json()["data"]
    assert [customer["integrationId"] for customer in listed] == [name]


@pytest.mark.parametrize("line", ["X-A: b\r\n c", "X-A : b", "X\x00: b", ": b"])
def test_a_header_that_could_be_read_two_ways_is_refused(emulator: Emulator, line: str) -> None:
    assert refused(emulator.raw(head("GET", "/v2/authping", line)), 400)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: -2",),
        ("Content-Length: +2",),
        ("Transfer-Encoding: identity, chunked", "Content-Length: 2"),
        ("Transfer-Encoding: xchunked",),
    ],
    ids=repr,
)
def test_a_body_of_two_lengths_is_no_second_request(emulator: Emulator, lines: tuple[str, ...]) -> None:
    smuggled = head("DELETE", "/v1/customer_data/u")
    emulator.update("u", {"text": "kept"})
    assert refused(emulator.raw(head("PUT", PATH, *lines) + b"0\r\n\r\n" + smuggled), 400)
    assert emulator.attributes("u") == {"text": "kept"}


def test_lines_that_end_with_a_bare_lf_are_refused(emulator: Emulator) -> None:
    assert refused(emulator.raw(head("GET", "/v2/authping").replace(b"\r\n", b"\n")), 400)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "evil.localhost.x"]
)
def test_another_name_for_this_server_is_refused(emulator: Emulator, host: str) -> None:
    for path in ("/_emulator/journal", "/", PATH):
        assert emulator.client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost.evil.example", "content-type": "text/plain"},
    ],
    ids=repr,
)
def test_a_page_of_elsewhere_changes_nothing_and_reads_nothing(emulator: Emulator, headers: dict[str, str]) -> None:
    emulator.update("u", {"text": "kept"})
    assert emulator.client.post("/_emulator/reset", headers=headers).status_code == 403
    assert emulator.attributes("u") == {"text": "kept"}
    shown = emulator.client.get("/_emulator/export", headers=headers)
    assert not [name for name in shown.headers if name.startswith("access-control-")]


PAYLOADS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "</title><svg onload=x>",
    "javascript:alert(1)", "{{constructor.constructor('x')()}}", "<!--", "&lt;b&gt;",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_users_send_is_shown_and_never_run(emulator: Emulator, payload: str) -> None:
    emulator.update(payload, {"text": payload})
    emulator.manage("POST", "/v1/attributes", {"entity": "CustomerProfile", "name": "n", "title": payload[:20]})
    for path in ("/", "/applications/1/customers", f"/applications/1/customer?integrationId={quote(payload, safe='')}"):
        page = emulator.client.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert payload not in page.text or payload == "javascript:alert(1)" or "<" not in payload
        assert (
            "script-src" in page.headers["content-security-policy"]
            or "default-src 'none'" in (page.headers["content-security-policy"])
        )


def test_no_key_is_ever_shown_kept_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = tmp_path / "data"
    with running(Settings(deployment=SEED, data=str(data))) as emulator:
        emulator.update("u", {"text": "a"})
        emulator.update("u", {"text": "a"}, key="0f" * 32)
        emulator.client.get("/v1/attributes", headers=management_key(MANAGEMENT_KEY))
        emulator.client.post("/_emulator/snapshot", json={"name": "s"})
        paths = ("/_emulator/journal", "/_emulator/export", "/_emulator/deployments", "/metrics", "/")
        shown = b"".join(emulator.client.get(path).content for path in paths)
        shown += emulator.client.post("/_emulator/seed", json={"applications": [{"id": 1, "name": "x"}]}).content
    shown += b"".join(path.read_bytes() for path in data.iterdir())
    shown += caplog.text.encode() + repr(Settings(deployment=SEED)).encode()
    for key in (SANDBOX_KEY, MANAGEMENT_KEY, "0f" * 32):
        assert key.encode() not in shown


def test_what_users_send_writes_no_lines_of_its_own_into_the_log(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("a\r\nINFO forged", "\x1b[31mred", "a\u2028b"):
        emulator.update(name, {"unknown": name})
    emulator.raw(b"GET /\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [line for line in ours if "forged" in line or "\x1b" in line or "\n" in line]


def test_data_are_for_their_owner_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(Settings(deployment=SEED, data=str(data))):
        assert data.stat().st_mode & 0o777 == 0o700
        for path in data.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_only_who_may_import_may_send_much(emulator: Emulator) -> None:
    body = gzip.compress(b'{"format": 1}' + b" " * 40_000_000)
    headers = {"content-encoding": "gzip"}
    assert emulator.client.post("/_emulator/deployments", json={"name": "large"}).status_code == 201
    assert emulator.client.post("/_emulator/import?deployment=large", content=body, headers=headers).status_code == 200
    foreign = {**headers, "origin": "http://evil.example"}
    assert emulator.client.post("/_emulator/import", content=body, headers=foreign).status_code == 413
    assert emulator.client.post("/_emulator/seed", content=body, headers=headers).status_code == 413
    assert emulator.client.delete("/_emulator/deployments/large").status_code == 204


@pytest.mark.parametrize("expires", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_key_may_expire_on_the_first_and_on_the_last_day(emulator: Emulator, expires: str) -> None:
    key = {"title": "k", "key": "0e" * 32, "expires": expires}
    document = {"name": "edge", "applications": [{"id": 1, "name": "a", "api_keys": [key]}]}
    assert emulator.client.post("/_emulator/deployments", json=document).status_code == 201
    status = emulator.client.get("/v2/authping", headers=api_key("0e" * 32)).status_code
    assert status == (401 if expires.startswith("0001") else 204)
    assert emulator.client.delete("/_emulator/deployments/edge").status_code == 204
