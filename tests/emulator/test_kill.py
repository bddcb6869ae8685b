"""A kill in the middle of writes: what was answered is there afterwards, what was not is there whole or not at all."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import httpx
import pytest

from emulator_support import api_key, management_key
from thirdparty_support import HOST

WRITERS, ROUNDS, BULK = 6, 4, 50
KEY, SEGMENT_KEY = "a1" * 32, "c3" * 32
COMMAND = [sys.executable, "-c", "from localtalon.cli import main; main()", "emulator", "--port", "0", "--json"]
Change = Callable[[], None]


@contextmanager
def product(data: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `localtalon emulator` on a store; give the process and its URL."""
    environment = {**os.environ, "LOCALTALON_EMULATOR_LIMITS": "off"}
    with subprocess.Popen([*COMMAND, "--data", data], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["emulator"]
        finally:
            process.kill()


class Killer:
    """Kills a process at the n-th answer that it gives to anybody."""

    def __init__(self, process: subprocess.Popen[str], answers: int) -> None:
        """Count down from `answers`."""
        self._process = process
        self._left = answers
        self._lock = threading.Lock()

    def answered(self) -> None:
        """Count one answer."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._process.kill()


class Writer:
    """A client with customers, audiences, sessions and deployments that nobody else writes to.

    `known` is what was answered. While a request is under way `possible` is what it would make of that.
    """

    def __init__(self, number: int) -> None:
        """Have nothing yet."""
        self.name = f"w{number}-"
        self.draw = random.Random(number)
        self.known: dict[str, Any] = {"profiles": {}, "audiences": [], "members": [], "sessions": {}, "deployments": []}
        self.possible: dict[str, Any] | None = None
        self.keys: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0

    def write(self, url: str, killer: Killer) -> None:
        """Write until the server is gone."""
        kinds = (self.update, self.update, self.bulk, self.audience, self.join, self.session, self.session, self.deploy)
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            while True:
                self._count += 1
                self.possible = deepcopy(self.known)
                try:
                    self.draw.choice(kinds)(client, self.possible)
                except httpx.TransportError:
                    return
                self.known, self.possible = self.possible, None
                killer.answered()

    def settle(self, found: dict[str, Any]) -> bool:
        """Compare with what is there; tell whether the last request was under way, and was carried out."""
        if found == self.known:
            return False
        assert found == self.possible
        self.known = found
        return True

    def update(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Make a customer, or change one attribute of one."""
        customer = f"{self.name}{self.draw.randrange(40)}"
        attribute = {self.draw.choice(["age", "lifetime_value"]): self._count}
        to["profiles"][customer] = to["profiles"].get(customer, {}) | attribute
        answer = client.put(f"/v2/customer_profiles/{customer}", json={"attributes": attribute}, headers=api_key(KEY))
        assert answer.status_code == 200, answer.text

    def bulk(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Give many customers the same attribute at once."""
        customers = [f"{self.name}b{number}" for number in range(BULK)]
        to["profiles"] |= {customer: {"age": self._count} for customer in customers}
        updates = [{"integrationId": customer, "attributes": {"age": self._count}} for customer in customers]
        answer = client.put("/v2/customer_profiles", json={"customerProfiles": updates}, headers=api_key(KEY))
        assert answer.status_code == 204, answer.text

    def audience(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Make an audience."""
        name = f"{self.name}{self._count}"
        to["audiences"].append(name)
        body = {"name": name, "integration": "segment", "integrationId": name}
        answer = client.post("/v2/audiences", json=body, headers=api_key(KEY))
        assert answer.status_code == 201, answer.text
        self._numbers[name] = answer.json()["id"]

    def join(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Let a customer, who may be new, join an audience."""
        if not self._numbers:
            return self.audience(client, to)
        customer, name = f"{self.name}m{self._count}", self.draw.choice(list(self._numbers))
        to["profiles"][customer] = {}
        to["members"].append([customer, name])
        action = {"action": "add", "profileIntegrationId": customer, "audienceId": self._numbers[name]}
        answer = client.post("/v2/customer_audiences", json={"data": [action]}, headers=api_key(KEY))
        assert answer.status_code == 204, answer.text
        return None

    def session(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Make or change an open session of a customer who is there."""
        if not to["profiles"]:
            return self.update(client, to)
        key = f"{self.name}{self.draw.randrange(20)}"
        customer, _ = to["sessions"].get(key) or (self.draw.choice(list(to["profiles"])), 0)
        to["sessions"][key] = [customer, self._count]
        item = {"name": "Shoe", "sku": "s", "quantity": self._count, "price": 1}
        answer = client.put(
            f"/segment/v2/customer_sessions/{key}",
            json={"profileId": customer, "state": "open", "cartItems": [item]},
            headers=HOST | api_key(SEGMENT_KEY),
        )
        assert answer.status_code == 200, answer.text
        return None

    def deploy(self, client: httpx.Client, to: dict[str, Any]) -> None:
        """Make a deployment, or delete one."""
        if len(to["deployments"]) > 3:
            name = to["deployments"].pop(0)
            answer = client.delete(f"/_emulator/deployments/{name}")
            assert answer.status_code == 204, answer.text
            return
        name = f"{self.name}d{self._count}"
        to["deployments"].append(name)
        answer = client.post("/_emulator/deployments", json={"name": name})
        assert answer.status_code == 201, answer.text
        self.keys[name] = answer.json()["managementKeys"][0]["key"]


def found(client: httpx.Client, name: str, export: Any, deployments: list[str]) -> dict[str, Any]:
    """Return what is there of a writer, in its own words."""
    audiences = {each["id"]: each["name"] for each in export["definitions"]["audiences"]}
    profiles = [each for each in export["profiles"] if each["integration_id"].startswith(name)]
    sessions = [each for each in export["records"] if each["key"].startswith(name)]
    return {
        "profiles": {each["integration_id"]: each["attributes"] for each in profiles},
        "audiences": [each for each in audiences.values() if each.startswith(name)],
        "members": [[each["integration_id"], audiences[number]] for each in profiles for number in each["audiences"]],
        "sessions": {each["key"]: [each["profile"], quantity(each["document"])] for each in sessions},
        "deployments": [each for each in deployments if each.startswith(name)],
    }


def quantity(session: Any) -> int:
    [item] = session["cartItems"]
    return int(item["quantity"])


def compare(url: str, writers: list[Writer]) -> int:
    """Compare everything with what was answered; return how many requests were carried out without an answer."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        export = client.get("/_emulator/export").json()
        deployments = [each["deployment"] for each in client.get("/_emulator/deployments").json()["deployments"]]
        carried_out = sum(writer.settle(found(client, writer.name, export, deployments)) for writer in writers)
        for writer in writers:
            for customer in writer.draw.sample(
                sorted(writer.known["profiles"]), min(10, len(writer.known["profiles"]))
            ):
                answer = client.get(f"/v1/customer_profiles/{customer}/inventory?profile=true", headers=api_key(KEY))
                assert answer.json()["profile"]["attributes"] == writer.known["profiles"][customer]
            for deployment in writer.known["deployments"]:
                if deployment in writer.keys:  # not so when nobody was told
                    answer = client.get("/v1/attributes", headers=management_key(writer.keys[deployment]))
                    assert answer.status_code == 200, answer.text
        return carried_out


@pytest.mark.parametrize("seed", [19])
def test_a_kill_during_writes_loses_nothing_that_was_answered(kept: str, seed: int) -> None:
    draw = random.Random(seed)
    writers = [Writer(number) for number in range(WRITERS)]
    for _ in range(ROUNDS):
        with product(kept) as (process, url):
            compare(url, writers)
            killer = Killer(process, draw.randint(30, 300))
            with ThreadPoolExecutor(WRITERS) as pool:
                list(pool.map(lambda writer: writer.write(url, killer), writers))  # noqa: B023 (all end here)
            assert sum(writer.possible is not None for writer in writers) > 1
    with product(kept) as (_, url):
        compare(url, writers)
    assert all(writer.known[kind] for writer in writers for kind in ("profiles", "sessions"))
    assert all(any(writer.known[kind] for writer in writers) for kind in ("audiences", "members", "deployments"))
