"""The route table: every operation this server answers, as data.

The ids of Talon.One's operations are its own operationIds; those of ours start with `emulator.` or `ui.`.
What Talon.One documents and the tables here leave out, the catalogue refuses with 501.
"""

from typing import Final

from talon_emulator import catalogue, integration
from talon_emulator.calls import Operation
from talon_emulator.control.routes import CONTROL
from talon_emulator.idempotency import idempotent
from talon_emulator.later import Later
from talon_emulator.management.routes import MANAGEMENT
from talon_emulator.thirdparty_routes import THIRD_PARTY
from talon_emulator.ui import pages

activity = Later("talon_emulator.ui.activity")
integration_attributes = Later("talon_emulator.integration_attributes")
integration_audiences = Later("talon_emulator.integration_audiences")
integration_bulk = Later("talon_emulator.integration_bulk")

INTEGRATION: Final = (
    Operation(
        "updateCustomerProfileV2",
        "PUT",
        "/v2/customer_profiles/{integrationId}",
        "integration",
        idempotent(integration.update_customer_profile),
    ),
    Operation(
        "updateCustomerProfilesV2",
        "PUT",
        "/v2/customer_profiles",
        "integration",
        idempotent(integration_bulk.update_customer_profiles),
    ),
    Operation(
        "getCustomerInventory",
        "GET",
        "/v1/customer_profiles/{integrationId}/inventory",
        "integration",
        integration.get_customer_inventory,
    ),
    Operation(
        "deleteCustomerData",
        "DELETE",
        "/v1/customer_data/{integrationId}",
        "integration",
        integration.delete_customer_data,
    ),
    Operation("createAudienceV2", "POST", "/v2/audiences", "integration", integration_audiences.create_audience),
    Operation(
        "updateAudienceV2", "PUT", "/v2/audiences/{audienceId}", "integration", integration_audiences.update_audience
    ),
    Operation(
        "deleteAudienceV2", "DELETE", "/v2/audiences/{audienceId}", "integration", integration_audiences.delete_audience
    ),
    Operation(
        "deleteAudienceMembershipsV2",
        "DELETE",
        "/v2/audiences/{audienceId}/memberships",
        "integration",
        integration_audiences.delete_audience_memberships,
    ),
    Operation(
        "updateCustomerProfileAudiences",
        "POST",
        "/v2/customer_audiences",
        "integration",
        integration_audiences.update_customer_audiences,
    ),
    Operation(
        "updateAudienceCustomersAttributes",
        "PUT",
        "/v2/audience_customers/{audienceId}/attributes",
        "integration",
        integration_audiences.update_members_attributes,
    ),
    Operation(
        "multipleAttributes",
        "PUT",
        "/v2/integration/multiple_attributes",
        "integration",
        integration_attributes.create_attributes,
    ),
    Operation("authPing", "GET", "/v2/authping", "integration", integration.auth_ping),
    Operation("statusHealth", "GET", "/v1/status/health", "none", integration.status_health),
)

UI: Final = (
    Operation("ui.applications", "GET", "/", "control", pages.applications),
    Operation("ui.customers", "GET", "/applications/{applicationId}/customers", "control", pages.customers),
    Operation("ui.customer", "GET", "/applications/{applicationId}/customer", "control", pages.customer),
    Operation("ui.sessions", "GET", "/applications/{applicationId}/sessions", "control", activity.session_list),
    Operation("ui.events", "GET", "/applications/{applicationId}/events", "control", activity.event_list),
    Operation("ui.style", "GET", "/ui/style.css", "control", pages.style),
)

EMULATED: Final = (*INTEGRATION, *MANAGEMENT, *THIRD_PARTY, *CONTROL, *UI)
ALL: Final = (*EMULATED, *catalogue.missing(EMULATED))
