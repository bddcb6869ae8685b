"""Which customers a call is about, by their integration IDs: in its path, or in its body."""

from typing import Final

import msgspec

from talon_emulator import body
from talon_emulator.calls import Call


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    integration_id: str | None = None
    profile_integration_id: str | None = None
    customer_profile_id: str | None = None
    profile_id: str | None = None


class _Body(_Entry, frozen=True, rename="camel"):
    customer_session: _Entry | None = None
    customer_profiles: tuple[_Entry, ...] | None = None
    data: tuple[_Entry, ...] | None = None


_BODY = body.decoder(_Body)
# The operations that name their customers in the body.
_IN_BODY: Final = frozenset(
    (
        "updateCustomerProfilesV2",
        "updateCustomerProfileAudiences",
        "segment/updateCustomerProfilesAudiences",
        "segment/v2/updateCustomerProfilesAudiences",
        "cdp/updateCustomerProfilesAudiences",
        "cdp/v2/updateCustomerProfilesAudiences",
        "segment/trackEvent",
        "segment/trackEventV2",
        "segment/updateCustomerSession",
        "segment/v2/updateCustomerSession",
    )
)


def of(call: Call) -> tuple[str, ...]:
    """Return the integration IDs of the customers that a call names, in its order; none where it cannot be read."""
    named = call.path.get("integrationId")
    if named is not None:
        return (named,)
    if call.operation is None or call.operation.id not in _IN_BODY:
        return ()
    told = body.decode(call.request.body, _BODY)
    if not isinstance(told, _Body):
        return ()
    entries = (told, *filter(None, (told.customer_session,)), *(told.customer_profiles or ()), *(told.data or ()))
    found = (e.integration_id or e.profile_integration_id or e.customer_profile_id or e.profile_id for e in entries)
    return tuple(name for name in found if name)
