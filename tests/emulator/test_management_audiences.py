"""Audiences in the Management API: listed and counted, their members listed, imported and exported."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import LIVE_KEY, MANAGEMENT_KEY, SANDBOX_KEY, Emulator, api_key, management_key, over_http


def create(emulator: Emulator, name: str, key: str = SANDBOX_KEY, **members: Any) -> int:
    answer = emulator.client.post("/v2/audiences", json={"name": name, **members}, headers=api_key(key))
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


def upload(emulator: Emulator, audience: int, text: str | bytes) -> httpx.Response:
    path = f"/v1/audiences/{audience}/memberships/import"
    files = {"upFile": ("members.csv", text.encode() if isinstance(text, str) else text, "text/csv")}
    return emulator.client.post(path, files=files, headers=management_key(MANAGEMENT_KEY))


def members(emulator: Emulator, audience: int, query: str = "") -> list[str]:
    answer = emulator.manage("GET", f"/v1/audiences/{audience}/memberships{query}")
    assert answer.status_code == 200, answer.text
    return [profile["integrationId"] for profile in answer.json()["data"]]


def test_lists_audiences_of_both_environments(emulator: Emulator) -> None:
    create(emulator, "b", integration="segment", integrationId="x")
    create(emulator, "a", LIVE_KEY)
    listed = emulator.manage("GET", "/v1/audiences").json()
    assert [(a["name"], a["sandbox"]) for a in listed["data"]] == [("b", True), ("a", False)]
    assert listed["hasMore"] is False
    ordered = emulator.manage("GET", "/v1/audiences?sort=name&pageSize=1").json()
    assert (ordered["data"][0]["name"], ordered["hasMore"]) == ("a", True)
    counted = emulator.manage("GET", "/v1/audiences?withTotalResultSize=1&skip=1&sort=-name").json()
    assert (counted["totalResultSize"], [a["name"] for a in counted["data"]]) == (2, ["a"])
    for wrong in ("?sort=colour", "?withTotalResultSize=x", "?pageSize=0"):
        assert emulator.manage("GET", f"/v1/audiences{wrong}").status_code == 400


def test_counts_members(emulator: Emulator) -> None:
    first, second = create(emulator, "first"), create(emulator, "second")
    upload(emulator, second, "profileintegrationid\na\nb\n")
    path = f"/v1/audiences/analytics?audienceIds={second},{first},99"
    counts = [{"audienceId": first, "membersCount": 0}, {"audienceId": second, "membersCount": 2}]
    assert emulator.manage("GET", path).json() == {"hasMore": False, "data": counts}
    assert emulator.manage("GET", f"{path}&sort=-membersCount").json()["data"] == counts[::-1]
    for wrong in (
        "",
        "?audienceIds=",
        "?audienceIds=a",
        "?audienceIds=1&sort=name",
        "?audienceIds=1,",
        "?audienceIds=1&skip=x",
    ):
        assert emulator.manage("GET", f"/v1/audiences/analytics{wrong}").status_code == 400
    many = ",".join(map(str, range(1001)))
    assert emulator.manage("GET", f"/v1/audiences/analytics?audienceIds={many}").status_code == 400


def test_an_import_replaces_the_members(emulator: Emulator) -> None:
    emulator.update("stays", {"text": "a"})
    emulator.update("leaves", {"text": "b"})
    audience = create(emulator, "n")
    assert upload(emulator, audience, "profileintegrationid\nleaves\nstays\n").json()["amount"] == 2
    imported = upload(emulator, audience, "profileintegrationid\r\nnew\r\nstays\r\nnew\r\n").json()
    assert imported.pop("created")
    assert imported == {"id": 2, "accountId": 1, "userId": 1, "entity": "AudienceMembership", "amount": 2}
    assert sorted(members(emulator, audience)) == ["new", "stays"]
    assert emulator.attributes("stays") == {"text": "a"}
    assert emulator.inventory("leaves").json()["profile"]["audienceMemberships"] == []
    assert upload(emulator, audience, "profileintegrationid\n").json()["amount"] == 0
    assert members(emulator, audience) == []


def test_members_are_of_the_audience_environment(emulator: Emulator) -> None:
    emulator.update("u", {})
    emulator.update("u", {}, LIVE_KEY)
    audience = create(emulator, "n", LIVE_KEY)
    upload(emulator, audience, "profileintegrationid\nu\n")
    assert emulator.inventory("u").json()["profile"]["audienceMemberships"] == []
    assert emulator.inventory("u", LIVE_KEY).json()["profile"]["audienceMemberships"] == [{"id": audience, "name": "n"}]


def test_lists_members(emulator: Emulator) -> None:
    audience = create(emulator, "n")
    upload(emulator, audience, "profileintegrationid\nb1\na1\nA2\n")
    assert members(emulator, audience) == ["b1", "a1", "A2"]
    assert members(emulator, audience, "?sort=integrationId") == ["A2", "a1", "b1"]
    assert members(emulator, audience, "?sort=-integrationId&pageSize=1&skip=1") == ["a1"]
    assert members(emulator, audience, "?profileQuery=1") == ["b1", "a1"]
    assert emulator.manage("GET", f"/v1/audiences/{audience}/memberships?pageSize=2").json()["hasMore"] is True
    assert emulator.manage("GET", f"/v1/audiences/{audience}/memberships?sort=id&pageSize=2").json()["hasMore"] is True
    for wrong in ("?sort=colour", "?pageSize=1001"):
        assert emulator.manage("GET", f"/v1/audiences/{audience}/memberships{wrong}").status_code == 400


def test_unknown_audiences(emulator: Emulator) -> None:
    assert emulator.manage("GET", "/v1/audiences/9/memberships").status_code == 404
    assert emulator.manage("GET", "/v1/audiences/9/memberships/export").status_code == 404
    assert upload(emulator, 9, "profileintegrationid\n").status_code == 404


@over_http
@given(
    wanted=st.sets(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
        | st.sampled_from(['a"b', "a,b", "a\nb", "a\r\nb", "\r", " a ", "'", '"', "=1+1", "\ufeffa"]),
        max_size=5,
    )
)
def test_what_is_exported_is_what_is_there(emulator: Emulator, wanted: set[str]) -> None:
    emulator.reset()
    audience = create(emulator, "n")
    for name in wanted:
        joins = {"data": [{"action": "add", "profileIntegrationId": name, "audienceId": audience}]}
        answer = emulator.client.post("/v2/customer_audiences", json=joins, headers=api_key(SANDBOX_KEY))
        assert answer.status_code == 204
    exported = emulator.manage("GET", f"/v1/audiences/{audience}/memberships/export")
    assert exported.headers["content-type"] == "application/csv"
    copy = create(emulator, "copy")
    assert upload(emulator, copy, exported.content).json()["amount"] == len(wanted)
    assert set(members(emulator, copy)) == wanted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1"),
        ("name\na\n", "1"),
        ("profileintegrationid,other\na,b\n", "1"),
        ("profileintegrationid\na\nb,c\n", "3"),
        ('profileintegrationid\na\n""\n', "3"),
        ('profileintegrationid\n"a\nb"\n"c', "4"),
        ('profileintegrationid\n"a"b\n', "2"),
        ("profileintegrationid\n" + "x" * 1001 + "\n", "2"),
        (b"profileintegrationid\na\n\xff\n", "3"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(emulator: Emulator, text: str | bytes, line: str) -> None:
    audience = create(emulator, "n")
    upload(emulator, audience, "profileintegrationid\nmember\n")
    answer = upload(emulator, audience, text)
    assert answer.status_code == answer.json()["StatusCode"] == 400
    assert [error["source"] for error in answer.json()["errors"]] == [{"line": line}]
    assert members(emulator, audience) == ["member"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", b"----\r\n\r\n----"),
        ("multipart/form-data; boundary=cut", b""),
        ("multipart/form-data; boundary=cut", b"junk\r\n--cut--"),
        ("multipart/form-data; boundary=cut", b"--cut\r\n\r\n\r\nx"),
        ("multipart/form-data; boundary=cut", b"--cut\r\nx\r\n--cut--"),
        ("multipart/form-data; boundary=cut", b"--cut\r\nContent-Type: text/csv\r\n\r\nx\r\n--cut--"),
        ("multipart/form-data; boundary=cut", b'--cut\r\nContent-Disposition: form-data; name="x"\r\n\r\nx\r\n--cut--'),
        ("multipart/form-data; boundary=cut", b'--cut\r\nContent-Disposition: form-data; name="upFile"\r\n\r\nx\r\n'),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(emulator: Emulator, content_type: str, body: bytes) -> None:
    audience = create(emulator, "n")
    headers = {**management_key(MANAGEMENT_KEY), "content-type": content_type}
    answer = emulator.client.post(f"/v1/audiences/{audience}/memberships/import", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"pointer": "/upFile"}
