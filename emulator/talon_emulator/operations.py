"""The route table: every operation this server answers, as data.

The ids of Talon.One's operations are its own operationIds; those of ours start with `emulator.` or `ui.`.
What Talon.One documents and the tables here leave out, the catalogue refuses with 501.
"""

from typing import Final

from talon_emulator import catalogue, control, integration, management, segment
from talon_emulator.calls import Operation
from talon_emulator.ui import pages

INTEGRATION: Final = (
    Operation(
        "updateCustomerProfileV2",
        "PUT",
        "/v2/customer_profiles/{integrationId}",
        "integration",
        integration.update_customer_profile,
    ),
    Operation(
        "getCustomerInventory",
        "GET",
        "/v1/customer_profiles/{integrationId}/inventory",
        "integration",
        integration.get_customer_inventory,
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

CONTROL: Final = (
    Operation("emulator.health", "GET", "/_emulator/health", "none", control.health),
    Operation("emulator.ready", "GET", "/_emulator/ready", "none", control.ready),
    Operation("emulator.reset", "POST", "/_emulator/reset", "none", control.reset),
    Operation("emulator.seed", "POST", "/_emulator/seed", "none", control.seed_deployment),
    Operation("emulator.journal", "GET", "/_emulator/journal", "none", control.show_journal),
    Operation("emulator.metrics", "GET", "/metrics", "none", control.show_metrics),
)

UI: Final = (
    Operation("ui.applications", "GET", "/", "none", pages.applications),
    Operation("ui.customers", "GET", "/applications/{applicationId}/customers", "none", pages.customers),
    Operation("ui.customer", "GET", "/applications/{applicationId}/customer", "none", pages.customer),
    Operation("ui.style", "GET", "/ui/style.css", "none", pages.style),
)

EMULATED: Final = (*INTEGRATION, *MANAGEMENT, *SEGMENT, *CONTROL, *UI)
ALL: Final = (*EMULATED, *catalogue.missing(EMULATED))
