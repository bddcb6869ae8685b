"""The route table: every operation this server answers, as data.

The ids of Talon.One's operations are its own operationIds; those of ours start with `emulator.` or `ui.`.
What Talon.One documents and the tables here leave out, the catalogue refuses with 501.
"""

from typing import Final

from talon_emulator import (
    catalogue,
    integration,
    integration_attributes,
    integration_audiences,
    integration_bulk,
    management,
    segment,
)
from talon_emulator.calls import Operation
from talon_emulator.control.routes import CONTROL
from talon_emulator.idempotency import idempotent
from talon_emulator.ui import pages

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

MANAGEMENT: Final = (
    Operation("createAttribute", "POST", "/v1/attributes", "management", management.create_attribute),
    Operation("getAttributes", "GET", "/v1/attributes", "management", management.get_attributes),
    Operation("getAttribute", "GET", "/v1/attributes/{attributeId}", "management", management.get_attribute),
    Operation("updateAttribute", "PUT", "/v1/attributes/{attributeId}", "management", management.update_attribute),
    Operation("getApplications", "GET", "/v1/applications", "management", management.get_applications),
    Operation("getApplication", "GET", "/v1/applications/{applicationId}", "management", management.get_application),
    Operation(
        "getApplicationCustomers",
        "GET",
        "/v1/applications/{applicationId}/customers",
        "management",
        management.get_application_customers,
    ),
)

SEGMENT: Final = (
    Operation(
        "segment/v2/updateCustomerProfile",
        "PUT",
        "/segment/v2/customer_profiles/{integrationId}",
        "segment",
        segment.update_customer_profile,
    ),
)

UI: Final = (
    Operation("ui.applications", "GET", "/", "none", pages.applications),
    Operation("ui.customers", "GET", "/applications/{applicationId}/customers", "none", pages.customers),
    Operation("ui.customer", "GET", "/applications/{applicationId}/customer", "none", pages.customer),
    Operation("ui.style", "GET", "/ui/style.css", "none", pages.style),
)

EMULATED: Final = (*INTEGRATION, *MANAGEMENT, *SEGMENT, *CONTROL, *UI)
ALL: Final = (*EMULATED, *catalogue.missing(EMULATED))
