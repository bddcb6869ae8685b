"""The undocumented bulk creation of attributes over real HTTP."""

from typing import Any

import httpx
import msgspec

from emulator_support import SANDBOX_KEY, Emulator, api_key


def definition(name: str, **members: Any) -> dict[str, Any]:
    required = {"entity": "CustomerProfile", "type": "string", "description": "", "suggestions": [], "editable": True}
    return {"name": name, "title": name, **required, **members}


def put(emulator: Emulator, *definitions: Any) -> httpx.Response:
    content = msgspec.json.encode({"attributes": definitions})
    return emulator.client.put("/v2/integration/multiple_attributes", content=content, headers=api_key(SANDBOX_KEY))


def test_creates_what_is_not_there_and_leaves_the_rest(emulator: Emulator) -> None:
    old = emulator.manage("GET", "/v1/attributes?search=text").json()
    answer = put(emulator, definition("text", type="number"), definition("shoe_size", type="number"))
    assert answer.status_code == 200
    [made] = answer.json()["attributes"]
    assert emulator.manage("GET", f"/v1/attributes/{made['id']}").json() == made
    assert emulator.manage("GET", "/v1/attributes?search=text").json() == old
    assert emulator.update("u", {"shoe_size": 42}).status_code == 200


def test_twice_is_once(emulator: Emulator) -> None:
    both = put(emulator, definition("a1"), definition("a1"), definition("a1", entity="Event")).json()["attributes"]
    assert [(made["entity"], made["name"]) for made in both] == [("CustomerProfile", "a1"), ("Event", "a1")]
    assert put(emulator, definition("a1")).json() == {"attributes": None}


def test_one_bad_definition_refuses_all(emulator: Emulator) -> None:
    answer = put(emulator, definition("a1"), definition("1a"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"pointer": "/attributes/1/name"}
    clash = put(emulator, definition("a1"), definition("a2", title="text"))
    assert clash.status_code == 409
    assert clash.json()["errors"][0]["source"] == {"pointer": "/attributes/1/title"}
    assert emulator.update("u", {"a1": "x"}).status_code == 400
