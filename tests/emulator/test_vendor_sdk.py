"""The vendor's own Python SDK reads every answer."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import talon_one

from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, Emulator
from talon_emulator.operations import EMULATED

models: Any = talon_one  # its models take the names of their fields too, which their types do not say


def client(emulator: Emulator, scheme: str, prefix: str, key: str) -> talon_one.ApiClient:
    configuration = talon_one.Configuration(host=emulator.url, api_key={scheme: key}, api_key_prefix={scheme: prefix})
    return talon_one.ApiClient(configuration)


@pytest.fixture
def integration(emulator: Emulator) -> Iterator[Any]:
    with client(emulator, "api_key_v1", "ApiKey-v1", SANDBOX_KEY) as connected:
        yield talon_one.IntegrationApi(connected)


@pytest.fixture
def management(emulator: Emulator) -> Iterator[Any]:
    with client(emulator, "management_key", "ManagementKey-v1", MANAGEMENT_KEY) as connected:
        yield talon_one.ManagementApi(connected)


def update(integration: Any, integration_id: str, **attributes: Any) -> Any:
    request = talon_one.CustomerProfileIntegrationRequestV2(attributes=attributes)
    return integration.update_customer_profile_v2(integration_id, request, run_rule_engine=False)


@pytest.mark.parametrize("integration_id", ["user", "a/b", "100%", "😀 ?#"])
def test_a_profile_goes_in_and_comes_out(integration: Any, management: Any, integration_id: str) -> None:
    written = update(integration, integration_id, text="a", number=1.5, flag=True, texts=["x"])
    assert written.effects == written.created_coupons == written.created_referrals == []
    read = integration.get_customer_inventory(integration_id, profile=True)
    assert read.profile == written.customer_profile
    assert read.profile.attributes == {"text": "a", "number": 1.5, "flag": True, "texts": ["x"]}
    [found] = management.get_application_customers(1, integration_id=integration_id).data
    assert (found.integration_id, found.attributes) == (integration_id, read.profile.attributes)


def test_the_whole_inventory(integration: Any) -> None:
    update(integration, "u")
    wanted = dict.fromkeys(("profile", "referrals", "coupons", "loyalty", "giveaways", "achievements"), True)
    inventory = integration.get_customer_inventory("u", **wanted)
    assert inventory.referrals == inventory.coupons == inventory.giveaways == inventory.achievements == []


def test_refusals_are_its_exceptions(integration: Any) -> None:
    with pytest.raises(talon_one.exceptions.BadRequestException) as refused:
        update(integration, "u", nothing=1)
    body: Any = refused.value.data
    assert body.errors[0].source.pointer == "/attributes/nothing"
    with pytest.raises(talon_one.exceptions.NotFoundException):
        integration.get_customer_inventory("u", profile=True)


def test_a_wrong_key_is_its_exception(emulator: Emulator) -> None:
    wrong = client(emulator, "api_key_v1", "ApiKey-v1", "0" * 64)
    with wrong as connected, pytest.raises(talon_one.exceptions.UnauthorizedException):
        update(talon_one.IntegrationApi(connected), "u")


def test_many_profiles(integration: Any) -> None:
    item = models.MultipleCustomerProfileIntegrationRequestItem
    items = [item(integration_id=name, attributes={"text": name}) for name in ("a/b", "u")]
    request = models.MultipleCustomerProfileIntegrationRequest(customer_profiles=items)
    assert integration.update_customer_profiles_v2(request) is None
    states = integration.update_customer_profiles_v2(request, silent="no").integration_states
    assert [state.customer_profile.attributes["text"] for state in states] == ["a/b", "u"]


def test_audiences(integration: Any) -> None:
    new = models.NewAudience(name="Travel", integration="segment", integration_id="x1")
    created = integration.create_audience_v2(new)
    assert (created.name, created.integration_id, created.sandbox) == ("Travel", "x1", True)
    with pytest.raises(talon_one.exceptions.ConflictException):
        integration.create_audience_v2(new)
    assert integration.update_audience_v2(created.id, models.UpdateAudience(name="Voyages")).name == "Voyages"
    joins = models.CustomerProfileAudienceRequestItem(action="add", profile_integration_id="u", audience_id=created.id)
    integration.update_customer_profile_audiences(models.CustomerProfileAudienceRequest(data=[joins]))
    integration.update_audience_customers_attributes(created.id, {"text": "b"})
    profile = integration.get_customer_inventory("u", profile=True).profile
    assert profile.attributes == {"text": "b"}
    assert [(membership.id, membership.name) for membership in profile.audience_memberships] == [
        (created.id, "Voyages")
    ]
    moves = models.ProfileAudiencesChanges(adds=[created.id], deletes=[])
    request = models.CustomerProfileIntegrationRequestV2(audiences_changes=moves, response_content=["customerProfile"])
    moved = integration.update_customer_profile_v2("v", request, run_rule_engine=True, dry=False).customer_profile
    assert [membership.id for membership in moved.audience_memberships] == [created.id]
    integration.delete_audience_memberships_v2(created.id)
    assert integration.get_customer_inventory("u", profile=True).profile.audience_memberships == []
    integration.delete_audience_v2(created.id)
    with pytest.raises(talon_one.exceptions.NotFoundException):
        integration.delete_audience_v2(created.id)


def test_customer_data(integration: Any) -> None:
    update(integration, "u", text="a")
    integration.delete_customer_data("u")
    assert integration.get_customer_inventory("u", profile=True).profile.attributes == {}
    with pytest.raises(talon_one.exceptions.NotFoundException):
        integration.delete_customer_data("v")


def test_attributes(management: Any) -> None:
    new = talon_one.NewAttribute(
        entity="CustomerProfile",
        name="shoe_size",
        title="Shoe size",
        type="number",
        description="",
        suggestions=[],
        editable=True,
    )
    created = management.create_attribute(new)
    assert management.get_attribute(created.id) == created
    new.description = "European"
    assert management.update_attribute(created.id, new).description == "European"
    listed = management.get_attributes(page_size=1000, entity="CustomerProfile", search="shoe")
    assert [attribute.id for attribute in listed.data] == [created.id]
    with pytest.raises(talon_one.exceptions.ConflictException):
        management.create_attribute(new)


def test_applications(management: Any) -> None:
    listed = management.get_applications(page_size=10, skip=0, sort="name")
    assert [application.name for application in listed.data] == ["Live store", "Test store"]
    assert management.get_application(1).sandbox is True
    counted = management.get_application_customers(1, with_total_result_size=True)
    assert counted.total_result_size == 0


def test_every_emulated_operation_that_the_sdk_has_a_call_for_is_called() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py"))
    names = [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation.id).lower() for operation in EMULATED]
    apis = (talon_one.IntegrationApi, talon_one.ManagementApi)
    callable_ones = [name for name in names if any(hasattr(api, name) for api in apis)]
    assert len(callable_ones) > 30
    assert [name for name in callable_ones if f".{name}(" not in tests and f".{name}_without" not in tests] == []
