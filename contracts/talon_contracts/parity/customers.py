"""Probes of customers: how updates of a profile are answered, and what is known of whom."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from talon_contracts.exact_json import Json
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge, encoded

_RULES: Final = "?runRuleEngine=true&dry=true"
"""The Rule Engine runs, and nothing comes of it."""


def profile_without_rules(ground: Ground) -> str | Unlike:
    """An update that runs no rules."""
    answer = ground.update(ground.customer(), {}).expect(200)
    return "present" if answer.has("customerProfile") else "absent"


def profile_with_rules(ground: Ground) -> str | Unlike:
    """An update that runs rules, and asks for nothing; then one that asks for the profile."""
    customer = ground.customer()
    plain = ground.update(customer, {}, _RULES).expect(200)
    asked = ground.update(customer, {}, _RULES, responseContent=["customerProfile"]).expect(200)
    if not asked.has("customerProfile"):
        return Unlike("the profile is not there even where `responseContent` asks for it")
    return "always" if plain.has("customerProfile") else "asked"


def event_of_an_update(ground: Ground) -> str | Unlike:
    """An update that runs rules, and asks for its event."""
    answer = ground.update(ground.customer(), {}, _RULES, responseContent=["event"]).expect(200)
    event: Json = answer.at("event") if answer.has("event") else None
    return "none" if event is None else Unlike(f"the answer has one: {event!r}")


def first_activity(ground: Ground) -> str | Unlike:
    """A profile is new."""
    customer = ground.customer()
    ground.update(customer, {}).expect(200)
    profile = ground.profile(customer) or {}
    created, active = profile.get("created"), profile.get("lastActivity")
    if not isinstance(created, str):
        raise CannotJudge(f"the profile of {customer} has no time of creation: {profile!r}")
    return "created" if created == active else Unlike(f"created at {created}, last active at {active}")


def hidden_customer(ground: Ground) -> str | Unlike:
    """A customer is added to an audience, and never updated."""
    customer, audience = ground.customer(), ground.audience_number()
    action: Json = {"action": "add", "profileIntegrationId": customer, "audienceId": audience}
    ground.integration("POST", "/v2/customer_audiences", {"data": [action]}).expect(204)
    known = ground.profile(customer) is not None
    listed = bool(customers_listed(ground, customer))
    if known and not listed:
        return "inventory"
    shown = {(True, True): "both APIs show", (False, True): "the Management API alone shows"}
    return Unlike(f"{shown.get((known, listed), 'neither API shows')} the customer")


def erased_memberships(ground: Ground) -> str | Unlike:
    """The data of a customer are deleted who is in an audience."""
    customer, audience = ground.customer(), ground.audience_number()
    action: Json = {"action": "add", "profileIntegrationId": customer, "audienceId": audience}
    ground.update(customer, {}).expect(200)
    ground.integration("POST", "/v2/customer_audiences", {"data": [action]}).expect(204)
    if audience not in ground.memberships(customer):
        raise CannotJudge("who was added to an audience is not shown as a member of it")
    answer = ground.integration("DELETE", f"/v1/customer_data/{encoded(customer)}")
    if answer.status != 204:
        return by_status(answer, {})
    return "keep" if audience in ground.memberships(customer) else "end"


def customers_listed(ground: Ground, customer: str) -> Json:
    """What the Management API lists in the Application under an integration ID."""
    path = f"/v1/applications/{ground.access.application}/customers?integrationId={quote(customer, safe='')}"
    return ground.manage("GET", path).expect(200).at("data")


PROBES: Final[Mapping[str, Probe]] = {
    "profile-without-rules": profile_without_rules,
    "profile-with-rules": profile_with_rules,
    "event-of-an-update": event_of_an_update,
    "first-activity": first_activity,
    "hidden-customer": hidden_customer,
    "erased-memberships": erased_memberships,
}
