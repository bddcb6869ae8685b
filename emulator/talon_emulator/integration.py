"""The Integration API's handlers: what a shop, or a bridge, calls with an Application's key."""

from typing import Any, Literal

import msgspec

from talon_emulator import body, errors, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.deployments import Application
from talon_emulator.errors import Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.profiles import MAX_ID_LENGTH, Environment, Profile, update_profile


class AudiencesChanges(msgspec.Struct, frozen=True):
    """Audience memberships to change, by internal ID."""

    adds: tuple[int, ...] | None = None
    deletes: tuple[int, ...] | None = None


Content = Literal[
    "customerProfile",
    "triggeredCampaigns",
    "loyalty",
    "event",
    "awardedGiveaways",
    "ruleFailureReasons",
    "campaignEligibility",
    "achievements",
]


class ProfileUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a profile update. Members beyond these are ignored (observed: official clients send such)."""

    attributes: dict[str, Any] | None = None
    audiences_changes: AudiencesChanges | None = None
    response_content: tuple[Content, ...] | None = None
    evaluable_campaign_ids: tuple[int, ...] | None = None


class ProfileView(msgspec.Struct, frozen=True, rename="camel"):
    """A customer profile as both APIs show it."""

    integration_id: str
    id: int
    created: str
    attributes: msgspec.Raw
    account_id: int
    closed_sessions: int
    total_sales: int
    last_activity: str
    loyalty_memberships: None  # deprecated, always null (documented)
    audience_memberships: tuple[()]
    sandbox: bool


class IntegrationState(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a profile update. No rules run here, so there are never effects."""

    effects: tuple[()]
    created_coupons: tuple[()]
    created_referrals: tuple[()]
    customer_profile: ProfileView


_UPDATE = body.decoder(ProfileUpdate)
_INVENTORY_LISTS = ("referrals", "coupons", "giveaways", "achievements")


def view(profile: Profile, account: int, environment: Environment) -> ProfileView:
    """Return a profile as it is shown."""
    return ProfileView(
        integration_id=profile.integration_id,
        id=profile.id,
        created=profile.created,
        attributes=msgspec.Raw(profile.attributes),
        account_id=account,
        closed_sessions=0,
        total_sales=0,
        last_activity=profile.last_activity,
        loyalty_memberships=None,
        audience_memberships=(),
        sandbox=environment == "sandbox",
    )


async def update_customer_profile(call: Call) -> Answer:
    """PUT /v2/customer_profiles/{integrationId}: 200 for a new profile and for an old one (documented).

    The answer has the profile also when the Rule Engine does not run: the documents contradict each other there, and
    recorded traffic has it (observed).
    """
    options = _update_options(call)
    if isinstance(options, Refusal):
        return errors.answer(options)
    runs, stores = options
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return errors.answer(update)
    integration_id = call.path["integrationId"]
    environment = _application(call).environment
    deployment, store = call.deployment, call.server.store
    changes = update.attributes or {}

    def change(stored: Profile | None) -> Profile | Refusal:
        return update_profile(stored, integration_id, changes, deployment.profile_definitions, call.now, runs)

    if stores:
        outcome = await store.update_profile(deployment.id, environment, integration_id, change)
    else:
        outcome = change(await store.find_profile(deployment.id, environment, integration_id))
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    return json_answer(IntegrationState((), (), (), view(outcome, deployment.id, environment)))


async def get_customer_inventory(call: Call) -> Answer:
    """GET /v1/customer_profiles/{integrationId}/inventory: only what was asked for; 404 when unknown (documented)."""
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return errors.answer(parameters)
    wanted = {}
    for name in ("profile", "loyalty", *_INVENTORY_LISTS):
        flag = query.boolean(parameters, name)
        if isinstance(flag, Refusal):
            return errors.answer(flag)
        wanted[name] = flag
    environment = _application(call).environment
    profile = await call.server.store.find_profile(call.deployment.id, environment, call.path["integrationId"])
    if profile is None:
        return errors.answer(errors.not_found("Customer profile"))
    inventory: dict[str, Any] = {}
    if wanted["profile"]:
        inventory["profile"] = view(profile, call.deployment.id, environment)
    if wanted["loyalty"]:
        inventory["loyalty"] = {"cards": [], "programs": {}}
    inventory.update((name, []) for name in _INVENTORY_LISTS if wanted[name])
    return json_answer(inventory)


async def auth_ping(call: Call) -> Answer:
    """GET /v2/authping: 204 with a good key (observed in Segment's destination; in no document)."""
    return NO_CONTENT


async def status_health(call: Call) -> Answer:
    """GET /v1/status/health: the vendor's SDK tests wait for it (observed; the body is assumed)."""
    return json_answer({"status": "OK"})


def _application(call: Call) -> Application:
    assert call.credential is not None
    assert call.credential.application is not None
    return call.credential.application


def _update_options(call: Call) -> tuple[bool, bool] | Refusal:
    """Return whether the Rule Engine runs and whether to store: `dry` counts only with the former (documented)."""
    if len(call.path["integrationId"]) > MAX_ID_LENGTH:
        return errors.integration_id_too_long(MAX_ID_LENGTH)
    if not call.request.query:
        return False, True
    parameters = query.parse(call.request.query)
    if isinstance(parameters, Refusal):
        return parameters
    runs = query.boolean(parameters, "runRuleEngine")
    dry = query.boolean(parameters, "dry")
    if isinstance(runs, Refusal):
        return runs
    if isinstance(dry, Refusal):
        return dry
    return runs, not (runs and dry)
