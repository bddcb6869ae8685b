"""What was held up while its deployment was reset, restored or deleted belongs to a life that is over."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from emulator_support import Emulator, api_key

HELD = {"kind": "latency", "milliseconds": 400}


class Deployment:
    """A deployment of its own, whose requests are held up."""

    def __init__(self, emulator: Emulator, name: str = "") -> None:
        made = emulator.client.post("/_emulator/deployments", json={"name": name} if name else {}).json()
        self.emulator, self.name, self.key = emulator, made["deployment"], made["apiKeys"][0]["key"]

    def control(self, method: str, what: str, body: Any = None) -> httpx.Response:
        return self.emulator.client.request(method, f"/_emulator/{what}?deployment={self.name}", json=body)

    def update_held(self) -> "Held":
        assert self.control("POST", "faults", HELD).status_code == 201
        return Held(self)


class Held:
    """An update under way."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.outcome: httpx.Response | Exception | None = None
        self._thread = threading.Thread(target=self._send)
        self._thread.start()
        while not deployment.control("GET", "faults").json()["faults"][0]["hits"]:
            pass

    def _send(self) -> None:
        try:
            self.outcome = httpx.put(
                f"{self._deployment.emulator.url}/v2/customer_profiles/u",
                json={"attributes": {"text": "late"}},
                headers=api_key(self._deployment.key),
                trust_env=False,
            )
        except httpx.TransportError as error:
            self.outcome = error

    def ended(self) -> httpx.Response | Exception | None:
        self._thread.join(20)
        return self.outcome


@pytest.fixture
def deployment(emulator: Emulator) -> Iterator[Deployment]:
    made = Deployment(emulator)
    yield made
    emulator.client.delete(f"/_emulator/deployments/{made.name}")


@pytest.mark.parametrize("how", ["reset", "restore", "import"])
def test_what_was_held_up_does_not_land_in_the_next_life(deployment: Deployment, how: str) -> None:
    deployment.control("POST", "snapshot", {"name": "empty"})
    bodies = {"reset": None, "restore": {"name": "empty"}, "import": deployment.control("GET", "export").json()}
    held = deployment.update_held()
    assert deployment.control("POST", how, bodies[how]).status_code == 200
    assert isinstance(held.ended(), httpx.TransportError)
    assert deployment.control("GET", "export").json()["profiles"] == []
    assert deployment.control("GET", "journal").json()["entries"] == []


def test_what_was_held_up_is_refused_when_its_deployment_is_gone(deployment: Deployment) -> None:
    held = deployment.update_held()
    assert deployment.emulator.client.delete(f"/_emulator/deployments/{deployment.name}").status_code == 204
    answer = held.ended()
    assert isinstance(answer, httpx.Response)
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid API key")


def test_the_name_of_a_deleted_deployment_steers_no_other(emulator: Emulator) -> None:
    emulator.update("kept", {})
    gone = Deployment(emulator, "gone")
    emulator.client.delete("/_emulator/deployments/gone")
    answer = emulator.client.post("/_emulator/reset", headers={"host": "gone.localhost"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert emulator.attributes("kept") == {}
    assert gone.name == "gone"


def test_a_name_is_taken_in_every_case(emulator: Emulator) -> None:
    Deployment(emulator, "Shop")
    assert emulator.client.post("/_emulator/deployments", json={"name": "shop"}).status_code == 409
    assert emulator.client.delete("/_emulator/deployments/Shop").status_code == 204
