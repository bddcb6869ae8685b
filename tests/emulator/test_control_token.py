"""With a control token, whatever steers or shows the emulator asks for it; Talon.One's own paths do not."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from emulator_support import SANDBOX_KEY, SEED, Emulator, api_key, running
from talon_emulator.control.routes import CONTROL
from talon_emulator.operations import UI
from talon_emulator.settings import Settings

TOKEN = "söme token"
OPEN = {"emulator.health", "emulator.ready"}
GUARDED = [operation for operation in (*CONTROL, *UI) if operation.id not in OPEN]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Emulator]:
    with running(Settings(deployment=SEED, control_token=TOKEN)) as emulator:
        yield emulator


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.id)
@pytest.mark.parametrize(
    "given", [None, "Bearer wrong", "Basic !", "Basic " + base64.b64encode(b"u:no").decode(), TOKEN]
)
def test_without_the_token_nothing_is_steered_or_shown(guarded: Emulator, operation: object, given: str | None) -> None:
    path = operation.template.replace("{", "").replace("}", "")  # type: ignore[attr-defined]
    headers = [] if given is None else [(b"authorization", given.encode())]
    answer = guarded.client.request(operation.method, path, headers=headers)  # type: ignore[attr-defined]
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "given",
    [b"Bearer " + TOKEN.encode(), b"basic " + base64.b64encode(b"me:" + TOKEN.encode())],
    ids=["bearer", "basic"],
)
def test_with_it_all_goes(guarded: Emulator, given: bytes) -> None:
    headers = [(b"authorization", given)]
    assert guarded.client.get("/_emulator/clock", headers=headers).status_code == 200
    assert guarded.client.get("/", headers=headers).status_code == 200
    assert guarded.client.get("/metrics", headers=headers).status_code == 200


def test_talon_one_is_not_asked_for_it(guarded: Emulator) -> None:
    for path in ("/_emulator/health", "/_emulator/ready", "/v1/status/health"):
        assert guarded.client.get(path).status_code == 200
    assert guarded.update("u", {}).status_code == 200
    assert httpx.get(guarded.url + "/v2/authping", headers=api_key(SANDBOX_KEY), trust_env=False).status_code == 204


def test_the_token_is_not_in_what_is_printed() -> None:
    assert TOKEN not in repr(Settings(control_token=TOKEN))
