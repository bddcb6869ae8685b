"""The third-party host's part of the route table."""

from typing import Final

from talon_emulator.calls import Operation
from talon_emulator.deployments import Partner
from talon_emulator.later import Later
from talon_emulator.thirdparty_calls import Work, third_party

segment_events = Later("talon_emulator.segment_events")
segment_profiles = Later("talon_emulator.segment_profiles")
segment_sessions = Later("talon_emulator.segment_sessions")
thirdparty_audiences = Later("talon_emulator.thirdparty_audiences")
thirdparty_memberships = Later("talon_emulator.thirdparty_memberships")
thirdparty_profiles = Later("talon_emulator.thirdparty_profiles")


def _put(identifier: str, template: str, work: Work) -> Operation:
    return Operation(identifier, "PUT", template, _platform(template), third_party(work))


def _audiences(name: str) -> tuple[Operation, ...]:
    one = f"/{name}/audiences/{{audienceId}}"
    create, delete = thirdparty_audiences.create_audience, thirdparty_audiences.delete_audience
    return (
        Operation(f"{name}/createAudience", "POST", f"/{name}/audiences", _platform(one), third_party(create)),
        _put(f"{name}/updateAudience", one, thirdparty_audiences.update_audience),
        Operation(f"{name}/deleteAudience", "DELETE", one, _platform(one), third_party(delete)),
    )


def _platform(template: str) -> Partner:
    return "segment" if template.startswith("/segment/") else "customer_data"


SEGMENT: Final = (
    _put(
        "segment/v2/updateCustomerProfile",
        "/segment/v2/customer_profiles/{integrationId}",
        thirdparty_profiles.update_customer_profile,
    ),
    _put(
        "segment/updateCustomerProfileAudiences",
        "/segment/customer_profiles/{integrationId}/audiences",
        thirdparty_memberships.update_audiences_of_one,
    ),
    _put(
        "segment/updateCustomerProfilesAudiences",
        "/segment/customer_profiles/audiences",
        thirdparty_memberships.update_audiences_by_internal_id,
    ),
    _put(
        "segment/v2/updateCustomerProfilesAudiences",
        "/segment/v2/customer_profiles/audiences",
        thirdparty_memberships.update_audiences_by_external_id,
    ),
    _put("segment/trackEventV2", "/segment/v2/events", segment_events.track_event_v2),
    _put(
        "segment/v2/updateCustomerSession",
        "/segment/v2/customer_sessions/{customerSessionId}",
        segment_sessions.update_customer_session_v2,
    ),
    *_audiences("segment"),
)

DEPRECATED: Final = (
    _put(
        "segment/updateCustomerProfile",
        "/segment/customer_profile/{integrationId}",
        segment_profiles.update_customer_profile,
    ),
    _put(
        "segment/updateCustomerProfileV2",
        "/segment/customer_profile_v2/{integrationId}",
        segment_profiles.update_customer_profile_v2,
    ),
    _put("segment/trackEvent", "/segment/event", segment_events.track_event),
    _put(
        "segment/updateCustomerSession",
        "/segment/customer_sessions/{customerSessionId}",
        segment_sessions.update_customer_session,
    ),
)

CUSTOMER_DATA: Final = (
    _put(
        "cdp/updateCustomerProfile",
        "/cdp/customer_profile/{integrationId}",
        thirdparty_profiles.update_customer_profile,
    ),
    _put(
        "cdp/updateCustomerProfileAudiences",
        "/cdp/customer_profile/{integrationId}/audiences",
        thirdparty_memberships.update_audiences_of_one,
    ),
    _put(
        "cdp/updateCustomerProfilesAudiences",
        "/cdp/customer_profiles/audiences",
        thirdparty_memberships.update_audiences_by_internal_id,
    ),
    _put(
        "cdp/v2/updateCustomerProfilesAudiences",
        "/cdp/v2/customer_profiles/audiences",
        thirdparty_memberships.update_audiences_by_external_id,
    ),
    *_audiences("cdp"),
)

THIRD_PARTY: Final = (*SEGMENT, *DEPRECATED, *CUSTOMER_DATA)
