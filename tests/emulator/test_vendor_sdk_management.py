"""The vendor's own Python SDK through the Management API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import talon_one

from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, Emulator, api_key

models: Any = talon_one  # its models take the names of their fields too, which their types do not say


@pytest.fixture
def management(emulator: Emulator) -> Iterator[Any]:
    """A client with a Management key."""
    configuration = talon_one.Configuration(
        host=emulator.url,
        api_key={"management_key": MANAGEMENT_KEY},
        api_key_prefix={"management_key": "ManagementKey-v1"},
    )
    with talon_one.ApiClient(configuration) as connected:
        yield talon_one.ManagementApi(connected)


def test_customers(emulator: Emulator, management: Any) -> None:
    emulator.update("ada", {"text": "a"})
    emulator.update("bob", {"text": "b"})
    search = models.CustomerProfileSearchQuery(attributes={"text": "b"})
    [found] = management.get_application_customers_by_attributes(1, search, with_total_result_size=True).data
    assert management.get_customers_by_attributes(search, sandbox=True).data[0].integration_id == "bob"
    assert management.get_customer_profile(found.id).attributes == {"text": "b"}
    assert management.get_application_customer(1, found.id).integration_id == "bob"
    everybody = management.get_customer_profiles(page_size=1, sandbox=True)
    assert (everybody.has_more, [profile.integration_id for profile in everybody.data]) == (True, ["ada"])
    with pytest.raises(talon_one.exceptions.NotFoundException):
        management.get_customer_profile(99)


def test_audiences(emulator: Emulator, management: Any) -> None:
    headers = api_key(SANDBOX_KEY)
    number = emulator.client.post("/v2/audiences", json={"name": "n"}, headers=headers).json()["id"]
    imported = management.import_audiences_memberships(number, up_file="profileintegrationid\nada\nbob\n")
    assert (imported.amount, imported.entity, imported.account_id) == (2, "AudienceMembership", 1)
    assert [member.integration_id for member in management.get_audience_memberships(number).data] == ["ada", "bob"]
    [audience] = management.get_audiences(with_total_result_size=True, sort="name").data
    assert (audience.id, audience.name) == (number, "n")
    [count] = management.get_audiences_analytics(str(number)).data
    assert (count.audience_id, count.members_count) == (number, 2)
    # The SDK has no reader for the documented type of this answer, application/csv.
    exported = management.export_audiences_memberships_without_preload_content(number)
    assert exported.read() == b"profileintegrationid\nada\nbob\n"
    with pytest.raises(talon_one.exceptions.BadRequestException) as refused:
        management.import_audiences_memberships(number, up_file="profileintegrationid\n,\n")
    body: Any = refused.value.data
    assert body.errors[0].source.line == "2"


def test_an_allowed_list(emulator: Emulator, management: Any) -> None:
    [tier] = management.get_attributes(search="tier", entity="CustomerProfile", kind="custom").data
    imported = management.import_allowed_list(tier.id, up_file="item\nplatinum\n")
    assert (imported.amount, imported.entity) == (1, "AttributeAllowedList")
    assert management.get_attribute(tier.id).has_allowed_list is True
    assert emulator.update("u", {"tier": "platinum"}).status_code == 200
    assert emulator.update("u", {"tier": "gold"}).status_code == 400


def test_access_logs_and_health(emulator: Emulator, management: Any) -> None:
    emulator.update("u", {"text": "a"})
    now = datetime.now(UTC)
    day = timedelta(days=1)
    logs = management.get_access_logs_without_total_count(1, now - day, now + day, method="put", status="success")
    [entry] = logs.data
    assert (entry.status, entry.method, entry.request_uri) == (200, "PUT", "/v2/customer_profiles/u")
    report = management.get_application_api_health(1)
    assert (report.summary, report.last_used) == ("OK", entry.time)
    assert management.get_application_api_health(7).summary == "NONE"


def test_a_session(emulator: Emulator) -> None:
    document = {"name": "signed-in", "users": [{"email": "ada@example.com", "password": "pw"}]}
    assert emulator.client.post("/_emulator/deployments", json=document).status_code == 201
    with talon_one.ApiClient(talon_one.Configuration(host=emulator.url)) as anonymous:
        session: Any = talon_one.ManagementApi(anonymous).create_session(
            models.LoginParams(email="ada@example.com", password="pw")
        )
    key = {"manager_auth": session.token}
    configuration = talon_one.Configuration(host=emulator.url, api_key=key, api_key_prefix={"manager_auth": "Bearer"})
    with talon_one.ApiClient(configuration) as connected:
        management: Any = talon_one.ManagementApi(connected)
        assert management.get_applications().total_result_size == 2
        management.destroy_session()
        with pytest.raises(talon_one.exceptions.UnauthorizedException):
            management.get_applications()
    assert emulator.client.delete("/_emulator/deployments/signed-in").status_code == 204
