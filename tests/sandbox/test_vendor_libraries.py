"""Segment's own library at the one end, Talon.One's own SDK at the other, nothing of ours between but the product."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from segment.analytics.client import Client
from talon_one import ApiClient, Configuration, IntegrationApi, ManagementApi

from contracts_support import Recorder, recording
from localtalon import Sandbox
from talon_contracts import schemas

Exact = msgspec.json.Decoder(float_hook=Decimal)


@pytest.fixture
def user() -> str:
    return f"user/{uuid4()}"


@pytest.fixture(scope="module")
def recorder(sandbox: Sandbox) -> Iterator[tuple[str, Recorder]]:
    with recording(sandbox.bridge_url) as made:
        yield made


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def segment(recorder: tuple[str, Recorder], sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Segment's library, each of whose messages must be a valid batch."""
    url, recorded = recorder
    recorded.messages.clear()
    failures: list[Exception] = []
    client = Client(
        sandbox.write_key,
        host=url,
        on_error=lambda error, _: failures.append(error),
        gzip=request.param,
        max_retries=0,
    )
    yield client
    client.join()
    assert failures == []
    assert {path for path, _ in recorded.messages} == {"/v1/batch"}
    assert [found for _, batch in recorded.messages for found in schemas.problems("segment-batch", batch)] == []


@pytest.fixture
def talon_one(sandbox: Sandbox) -> Iterator[IntegrationApi]:
    configuration = Configuration(
        host=sandbox.emulator_url,
        api_key={"api_key_v1": sandbox.api_key},
        api_key_prefix={"api_key_v1": "ApiKey-v1"},
    )
    with ApiClient(configuration) as client:
        yield IntegrationApi(client)


def settle(sandbox: Sandbox, segment: Client) -> None:
    segment.flush()
    assert httpx.get(f"{sandbox.bridge_url}/_bridge/idle", params={"timeout": 20}, trust_env=False).status_code == 200


def attributes(talon_one: IntegrationApi, user: str) -> dict[str, Any]:
    profile = talon_one.get_customer_inventory(user, profile=True).profile
    assert profile is not None
    assert profile.attributes is not None
    return profile.attributes


def test_an_identify_arrives_as_a_profile(
    sandbox: Sandbox, segment: Client, talon_one: IntegrationApi, user: str
) -> None:
    signed_up = datetime.datetime(2026, 1, 21, 15, 4, 5, tzinfo=datetime.UTC)
    traits = {
        "email": "ada@example.com",
        "name": "Ada",
        "age": 36,
        "vip": False,
        "signed_up_at": signed_up,
        "favourite_tags": ["books", "tea"],
        "address": {"city": "Berlin", "country": "DE", "street": "not listed"},
        "shoe_size": 41,
    }
    segment.identify(user, traits)
    settle(sandbox, segment)
    assert attributes(talon_one, user) == {
        "email": "ada@example.com",
        "name": "Ada",
        "age": 36,
        "vip": False,
        "signed_up_at": "2026-01-21T15:04:05+00:00",
        "favourite_tags": ["books", "tea"],
        "address_city": "Berlin",
        "address_country": "DE",
    }


def test_later_identifies_patch_and_null_deletes(
    sandbox: Sandbox, segment: Client, talon_one: IntegrationApi, user: str
) -> None:
    segment.identify(user, {"email": "old@example.com", "name": "Ada", "age": 36})
    segment.identify(user, {"email": "new@example.com"})
    segment.identify(user, {"age": None})
    segment.track(user, "Order Completed", {"total": 10})
    settle(sandbox, segment)
    assert attributes(talon_one, user) == {"email": "new@example.com", "name": "Ada"}


def test_an_audience_passes_without_being_listed(
    sandbox: Sandbox, segment: Client, talon_one: IntegrationApi, user: str
) -> None:
    key = "order_completed_last_30days"
    personas = {"computation_class": "audience", "computation_key": key, "computation_id": "aud_1"}
    segment.identify(user, {key: True}, context={"personas": personas})
    segment.identify(user, {"lifetime_value": 3})
    settle(sandbox, segment)
    assert attributes(talon_one, user) == {key: True}


def test_the_sdk_reads_what_the_management_api_answers(sandbox: Sandbox) -> None:
    configuration = Configuration(
        host=sandbox.emulator_url,
        api_key={"management_key": sandbox.management_key},
        api_key_prefix={"management_key": "ManagementKey-v1"},
    )
    with ApiClient(configuration) as client:
        management = ManagementApi(client)
        names = {attribute.name for attribute in management.get_attributes(entity="CustomerProfile").data}
        assert {"email", "address_city", "order_completed_last_30days"} <= names
        (application,) = management.get_applications().data
        assert application.name == "Demo store"


def test_every_message_on_the_wire_is_valid(
    sandbox: Sandbox, segment: Client, talon_one: IntegrationApi, user: str
) -> None:
    """Library -> bridge and bridge -> emulator, both ways, against our own schemas."""
    segment.identify(user, {"email": "ada@example.com", "vip": True, "address": {"city": "Köln"}})
    segment.identify(user, {"vip": "true"})  # a string where a boolean is defined: refused
    settle(sandbox, segment)

    with httpx.Client(trust_env=False) as client:
        listed = client.get(f"{sandbox.bridge_url}/_bridge/events", params={"userId": user}).json()["events"]
        assert [event["state"] for event in listed] == ["dead", "delivered"]
        for event in listed:
            call = Exact.decode(client.get(sandbox.bridge_url + event["self"]).content)["event"]
            schemas.validator("segment-identify").validate(call)
        asked = {"integrationId": user, "path": "/v2/customer_profiles/"}
        journal = Exact.decode(client.get(f"{sandbox.emulator_url}/_emulator/journal", params=asked).content)

    exchanges = journal["entries"]
    assert [exchange["status"] for exchange in exchanges] == [400, 200]
    for exchange in exchanges:
        schemas.validator("talon-profile-update").validate(exchange["request"])
        kind = "talon-profile-answer" if exchange["status"] == 200 else "talon-error"
        schemas.validator(kind).validate(exchange["answer"])
