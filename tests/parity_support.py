"""What the tests of parity share: a deployment to compare, a relay that alters its answers, the command."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from contracts_support import Relay, serving
from emulator_support import Emulator
from localtalon.parity_access import Opened, Wish, opened
from localtalon.parity_manifest import Manifest
from talon_contracts.parity.belongings import ATTRIBUTES, mark_of
from talon_contracts.parity.preparation import check_key, find_attributes, make_attributes
from talon_contracts.targets import Reply
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed, ManagementKeySeed
from talon_emulator.settings import Settings

KEY, SEGMENT_KEY, SECOND_SEGMENT_KEY = "1a" * 32, "3a" * 32, "3d" * 32
OTHER_KEY, LIVE_KEY, MANAGEMENT_KEY = "1c" * 32, "1b" * 32, "2a" * 32
ENVIRONMENT = {
    "LOCALTALON_API_KEY": KEY,
    "LOCALTALON_MANAGEMENT_KEY": MANAGEMENT_KEY,
    "LOCALTALON_SEGMENT_KEY": SEGMENT_KEY,
    "LOCALTALON_SECOND_SEGMENT_KEY": SECOND_SEGMENT_KEY,
}
KEYS = (
    KeySeed("plain", KEY),
    KeySeed("Segment", SEGMENT_KEY, "segment"),
    KeySeed("Segment again", SECOND_SEGMENT_KEY, "segment"),
)
APPLICATIONS = (
    ApplicationSeed(1, "Shop", api_keys=KEYS),
    ApplicationSeed(2, "Other", api_keys=(KeySeed("other", OTHER_KEY),)),
    ApplicationSeed(7, "Live", "live", api_keys=(KeySeed("live", LIVE_KEY),)),
)
SEED = DeploymentSeed("demo", APPLICATIONS, (ManagementKeySeed("manager", MANAGEMENT_KEY),))
PREPARED = DeploymentSeed(
    "demo",
    APPLICATIONS,
    SEED.management_keys,
    tuple(
        AttributeSeed(
            mark_of(1) + ending,
            wanted.type,  # type: ignore[arg-type]
            suggestions=wanted.suggestions,
            restricted_by_suggestions=bool(wanted.suggestions),
            subscribed_applications_ids=(2,) if wanted.elsewhere else (1,),
        )
        for ending, wanted in ATTRIBUTES.items()
    ),
)
"""With the attributes of an earlier comparison."""
WITHOUT_LIMITS = Settings(deployment=SEED, limits="off")

Answer = tuple[int, bytes]
Alter = Callable[[str, str, dict[str, str], int, bytes], Answer]


class AlteringRelay(Relay):
    """A relay to an emulator that alters what comes back as it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.alter: Alter = lambda method, path, headers, status, body: (status, body)

    def answered(self, method: str, path: str, headers: dict[str, str], reply: Reply) -> Answer:
        """As it is told to."""
        return self.alter(method, path, headers, reply.status, reply.body)


@contextmanager
def relayed(url: str) -> Iterator[tuple[str, AlteringRelay]]:
    """The URL of a relay to an emulator, and the relay."""
    relay = AlteringRelay(url)
    with serving(relay) as relay_url:
        yield relay_url, relay


class FixedWindows:
    """Alters answers to 429 that exceed a limit in windows of a second, one row of them for each kind of request."""

    def __init__(self, path: str, limit: int, kind: Callable[[dict[str, str]], str]) -> None:
        self._path, self._limit, self._kind = path, limit, kind
        self._begun: dict[str, float] = {}
        self._counts: dict[tuple[str, int], int] = {}

    def __call__(self, method: str, path: str, headers: dict[str, str], status: int, body: bytes) -> Answer:
        if path != self._path:
            return status, body
        kind = self._kind(headers)
        window = (kind, int(time.monotonic() - self._begun.setdefault(kind, time.monotonic())))
        self._counts[window] = self._counts.get(window, 0) + 1
        taken = (200, b"{}") if status == 429 else (status, body)
        return (429, b"{}") if self._counts[window] > self._limit else taken


def wish(url: str, folder: Path, **more: Any) -> Wish:
    """A comparison of Application 1."""
    return Wish(url, 1, "ci-", Manifest(folder / "manifest", url, 1), **{"other_application": 2, **more})


@contextmanager
def prepared(wished: Wish, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[Opened]:
    """A ground whose attributes are there."""
    found = opened(wished, environment)
    try:
        check_key(found.ground)
        find_attributes(found.ground)
        make_attributes(found.ground)
        yield found
    finally:
        found.ground.close()


def deployment(client: httpx.Client, document: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A deployment of its own at an emulator: its name, and its keys as a comparison takes them."""
    applications = [{"id": number, "name": f"A{number}"} for number in (1, 2)]
    made = client.post("/_emulator/deployments", json={"applications": applications, **document}).json()
    keys = {(key["application"], key["platform"]): key["key"] for key in made["apiKeys"]}
    return made["deployment"], {
        "LOCALTALON_API_KEY": keys[1, "none"],
        "LOCALTALON_MANAGEMENT_KEY": made["managementKeys"][0]["key"],
        "LOCALTALON_SEGMENT_KEY": keys[1, "segment"],
    }


def arguments(url: str, *more: str) -> list[str]:
    """The command line of a comparison of Application 1."""
    return ["parity", "--deployment", url, "--application", "1", "--prefix", "ci-", *more]


def command(url: str, *more: str) -> list[str]:
    """The same for a process of its own."""
    return [sys.executable, "-m", "localtalon", *arguments(url, *more)]


def started(folder: Path, line: list[str], **more: str) -> "subprocess.Popen[str]":
    """The command, running in a folder with the keys in its environment."""
    environment = {**os.environ, **ENVIRONMENT, **more}
    return subprocess.Popen(
        line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def customers(emulator: Emulator) -> dict[str, Any]:
    """All customers of the sandbox that an emulator shows, with their attributes."""
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    listed = emulator.client.get("/v1/customers/no_total?pageSize=1000&sandbox=true", headers=headers).json()["data"]
    return {customer["integrationId"]: customer["attributes"] for customer in listed}


def audiences(emulator: Emulator) -> list[Any]:
    """All audiences."""
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    listed: list[Any] = emulator.client.get("/v1/audiences", headers=headers).json()["data"]
    return listed


def attributes(emulator: Emulator) -> list[str]:
    """The names of all attributes."""
    headers = {"authorization": f"ManagementKey-v1 {MANAGEMENT_KEY}"}
    listed = emulator.client.get("/v1/attributes?pageSize=1000", headers=headers).json()["data"]
    return [each["name"] for each in listed]
