"""Which requests wait for one another: those for one customer profile, and those for one customer session."""

from collections.abc import Hashable
from typing import Final

from talon_emulator import customers
from talon_emulator.calls import Call

# Documented for single updates of profiles and sessions, and for events; updates of many at once do not wait.
_PROFILES: Final = frozenset(
    (
        "updateCustomerProfileV2",
        "segment/v2/updateCustomerProfile",
        "segment/updateCustomerProfile",
        "segment/updateCustomerProfileV2",
        "segment/updateCustomerProfileAudiences",
        "cdp/updateCustomerProfile",
        "cdp/updateCustomerProfileAudiences",
    )
)
_SESSIONS: Final = frozenset(("segment/updateCustomerSession", "segment/v2/updateCustomerSession"))
_EVENTS: Final = frozenset(("segment/trackEvent", "segment/trackEventV2"))


def turn(call: Call) -> Hashable | None:
    """Return what a call has to wait for, None for nothing."""
    assert call.operation is not None
    operation, application = call.operation.id, call.application
    if operation in _PROFILES:
        return application.environment, call.path["integrationId"]
    if operation in _SESSIONS:
        return application.id, "session", call.path["customerSessionId"]
    if operation in _EVENTS:
        return next(((application.environment, name) for name in customers.of(call)), None)
    return None
