"""Callers of the third-party host for tests: a Segment and another customer data platform, at one emulator."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from emulator_support import LIVE_KEY, SANDBOX_KEY, SEED, Emulator, SetClock, api_key, running
from talon_emulator.clock import Clock
from talon_emulator.seed import ApplicationSeed, AttributeSeed, KeySeed
from talon_emulator.settings import Settings

HOST = {"destination-hostname": "shop.europe-west1.talon.one"}
SEGMENT_KEY, CDP_KEY, LIVE_SEGMENT_KEY = "3a" * 32, "3b" * 32, "3c" * 32
_APPLICATIONS = (
    ApplicationSeed(
        id=1,
        name="Test store",
        api_keys=(
            KeySeed("sandbox key", SANDBOX_KEY),
            KeySeed("Segment key", SEGMENT_KEY, "segment"),
            KeySeed("data platform key", CDP_KEY, "customer_data"),
        ),
    ),
    ApplicationSeed(
        id=7,
        name="Live store",
        environment="live",
        api_keys=(KeySeed("live key", LIVE_KEY), KeySeed("live Segment key", LIVE_SEGMENT_KEY, "segment")),
    ),
)
_ATTRIBUTES = (
    *SEED.attributes,
    AttributeSeed("gift", "boolean", entity="CustomerSession"),
    AttributeSeed("colour", "string", entity="CartItem"),
    AttributeSeed("page", "string", entity="Event", event_type="visit"),
    AttributeSeed("seconds", "number", entity="Event", event_type="visit"),
    AttributeSeed("anywhere", "string", entity="Event"),
    AttributeSeed("stars", "number", entity="Event", event_type="review"),
)
DEPLOYMENT = msgspec.structs.replace(SEED, applications=_APPLICATIONS, attributes=_ATTRIBUTES)


class Platform:
    """A caller; `name` is the first step of its paths and `profile` the one before the ID in its profile updates."""

    def __init__(self, emulator: Emulator, name: str, key: str, **headers: str) -> None:
        """Call `emulator` with `key`; underscores in the names of `headers` are hyphens."""
        self.emulator = emulator
        self.name = name
        self.headers = HOST | api_key(key) | {name.replace("_", "-"): value for name, value in headers.items()}
        self.profile = "v2/customer_profiles" if name == "segment" else "customer_profile"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request to a path below the platform's own."""
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        return self.emulator.client.request(
            method, f"/{self.name}/{path}", content=content, headers=self.headers | headers
        )

    def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Send a PUT."""
        return self.send("PUT", path, body, **headers)

    def update(self, integration_id: str, **members: Any) -> httpx.Response:
        """Send a profile update."""
        return self.put(f"{self.profile}/{integration_id}", members)

    def audience(self, external_id: str, name: str = "an audience") -> int:
        """Create an audience and return its internal id."""
        answer = self.send("POST", "audiences", {"audienceId": external_id, "audienceName": name})
        assert answer.status_code == 201
        number: int = answer.json()["id"]
        return number

    def memberships(self, integration_id: str) -> list[int] | None:
        """Return the ids of the audiences that a customer is in, None for nobody."""
        answer = self.emulator.inventory(integration_id)
        if answer.status_code == 404:
            return None
        return [each["id"] for each in answer.json()["profile"]["audienceMemberships"]]


@contextmanager
def platforms(clock: Clock | None = None, **assumed: str) -> Iterator[dict[str, Platform]]:
    """Serve an emulator until the block ends; underscores in the names of assumptions are hyphens."""
    answers = {name.replace("_", "-"): choice for name, choice in assumed.items()}
    deployment = msgspec.structs.replace(DEPLOYMENT, assumptions=answers)
    with running(Settings(deployment=deployment), clock or SetClock()) as emulator:
        yield {
            "segment": Platform(emulator, "segment", SEGMENT_KEY),
            "live": Platform(emulator, "segment", LIVE_SEGMENT_KEY),
            "cdp": Platform(emulator, "cdp", CDP_KEY, customer_data_platform_name="Shop data"),
        }


def refused(answer: httpx.Response, status: int, error: str) -> None:
    """Expect a refusal in the third-party host's shape; `error` is its text without the places that it names."""
    assert answer.status_code == status
    shown = answer.json()
    shown["Error"] = re.sub(r"(^|: |; )/\S*: ", r"\1", shown["Error"])
    assert list(shown) == ["StatusCode", "Error", "RequestUUID"]
    assert (shown["StatusCode"], shown["Error"]) == (status, error)
