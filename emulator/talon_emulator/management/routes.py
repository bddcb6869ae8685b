"""The Management API's lines of the route table."""

from typing import Final

from talon_emulator.calls import Operation
from talon_emulator.later import Later

access_logs = Later("talon_emulator.management.access_logs")
allowed_lists = Later("talon_emulator.management.allowed_lists")
applications = Later("talon_emulator.management.applications")
attributes = Later("talon_emulator.management.attributes")
audiences = Later("talon_emulator.management.audiences")
customer_sessions = Later("talon_emulator.management.customer_sessions")
customers = Later("talon_emulator.management.customers")
events = Later("talon_emulator.management.events")
logins = Later("talon_emulator.management.logins")
memberships = Later("talon_emulator.management.memberships")

# assumption: deleting-an-attribute
MANAGEMENT: Final = (
    Operation("createSession", "POST", "/v1/sessions", "none", logins.create_session),
    Operation("destroySession", "DELETE", "/v1/sessions", "management", logins.destroy_session),
    Operation("createAttribute", "POST", "/v1/attributes", "management", attributes.create_attribute),
    Operation("getAttributes", "GET", "/v1/attributes", "management", attributes.get_attributes),
    Operation("getAttribute", "GET", "/v1/attributes/{attributeId}", "management", attributes.get_attribute),
    Operation("updateAttribute", "PUT", "/v1/attributes/{attributeId}", "management", attributes.update_attribute),
    Operation(
        "importAllowedList",
        "POST",
        "/v1/attributes/{attributeId}/allowed_list/import",
        "management",
        allowed_lists.import_allowed_list,
    ),
    Operation("getApplications", "GET", "/v1/applications", "management", applications.get_applications),
    Operation("getApplication", "GET", "/v1/applications/{applicationId}", "management", applications.get_application),
    Operation(
        "getAccessLogsWithoutTotalCount",
        "GET",
        "/v1/applications/{applicationId}/access_logs/no_total",
        "management",
        access_logs.get_access_logs,
    ),
    Operation(
        "getApplicationApiHealth",
        "GET",
        "/v1/applications/{applicationId}/health_report",
        "management",
        access_logs.get_application_api_health,
    ),
    Operation(
        "getApplicationCustomers",
        "GET",
        "/v1/applications/{applicationId}/customers",
        "management",
        customers.get_application_customers,
    ),
    Operation(
        "getApplicationCustomer",
        "GET",
        "/v1/applications/{applicationId}/customers/{customerId}",
        "management",
        customers.get_application_customer,
    ),
    Operation(
        "getApplicationCustomersByAttributes",
        "POST",
        "/v1/applications/{applicationId}/customer_search",
        "management",
        customers.search_application_customers,
    ),
    Operation(
        "getApplicationSessions",
        "GET",
        "/v1/applications/{applicationId}/sessions",
        "management",
        customer_sessions.get_application_sessions,
    ),
    Operation(
        "getApplicationSession",
        "GET",
        "/v1/applications/{applicationId}/sessions/{sessionId}",
        "management",
        customer_sessions.get_application_session,
    ),
    Operation(
        "getApplicationSessionsByCustomerAttributes",
        "POST",
        "/v1/applications/{applicationId}/sessions_search",
        "management",
        customer_sessions.search_application_sessions,
    ),
    Operation(
        "getApplicationEventsWithoutTotalCount",
        "GET",
        "/v1/applications/{applicationId}/events/no_total",
        "management",
        events.get_application_events,
    ),
    Operation(
        "getApplicationEventTypes",
        "GET",
        "/v1/applications/{applicationId}/event_types",
        "management",
        events.get_application_event_types,
    ),
    Operation("getCustomerProfiles", "GET", "/v1/customers/no_total", "management", customers.get_customer_profiles),
    Operation("getCustomerProfile", "GET", "/v1/customers/{customerId}", "management", customers.get_customer_profile),
    Operation(
        "getCustomersByAttributes", "POST", "/v1/customer_search/no_total", "management", customers.search_customers
    ),
    Operation("getAudiences", "GET", "/v1/audiences", "management", audiences.get_audiences),
    Operation(
        "getAudiencesAnalytics", "GET", "/v1/audiences/analytics", "management", audiences.get_audiences_analytics
    ),
    Operation(
        "getAudienceMemberships",
        "GET",
        "/v1/audiences/{audienceId}/memberships",
        "management",
        memberships.get_audience_memberships,
    ),
    Operation(
        "importAudiencesMemberships",
        "POST",
        "/v1/audiences/{audienceId}/memberships/import",
        "management",
        memberships.import_audiences_memberships,
    ),
    Operation(
        "exportAudiencesMemberships",
        "GET",
        "/v1/audiences/{audienceId}/memberships/export",
        "management",
        memberships.export_audiences_memberships,
    ),
)
