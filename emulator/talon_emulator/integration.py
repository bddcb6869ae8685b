"""The Integration API's handlers: what a shop, or a bridge, calls with an Application's key."""

from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from talon_emulator import body, errors, profiles, query
from talon_emulator.calls import Call, json_answer
from talon_emulator.directory import ServedDeployment
from talon_emulator.erasure import forget_activity
from talon_emulator.errors import Refusal
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.profiles import MAX_ID_LENGTH, Profile, update_profile


class AudiencesChanges(msgspec.Struct, frozen=True):
    """Audience memberships to change, by internal ID."""

    adds: tuple[int, ...] | None = None
    deletes: tuple[int, ...] | None = None


class BothChanges(msgspec.Struct, frozen=True):
    """The same where both lists have to be there (documented)."""

    adds: tuple[int, ...]
    deletes: tuple[int, ...]


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
    audiences_changes: BothChanges | None = None
    response_content: tuple[Content, ...] | None = None
    evaluable_campaign_ids: tuple[int, ...] | None = None


class Membership(msgspec.Struct, frozen=True):
    """One audience that a profile is a member of."""

    id: int
    name: str


class ProfileView(msgspec.Struct, frozen=True, rename="camel"):
    """A customer profile as both APIs show it."""

    integration_id: str
    id: int
    created: str
    attributes: msgspec.Raw
    account_id: int
    closed_sessions: int
    total_sales: msgspec.Raw
    last_activity: str
    loyalty_memberships: None  # deprecated, always null (documented)
    audience_memberships: tuple[Membership, ...]
    sandbox: bool


class IntegrationState(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a profile update. No rules run here, so there are never effects.

    What `responseContent` asks for beyond the profile is there, and empty, when the Rule Engine runs (documented); the
    event that it would have made is not.
    """

    effects: tuple[()]
    created_coupons: tuple[()]
    created_referrals: tuple[()]
    customer_profile: ProfileView | UnsetType
    loyalty: dict[str, Any] | UnsetType = UNSET
    triggered_campaigns: tuple[()] | UnsetType = UNSET
    awarded_giveaways: tuple[()] | UnsetType = UNSET
    rule_failure_reasons: tuple[()] | UnsetType = UNSET
    campaign_eligibility: tuple[()] | UnsetType = UNSET


Moves = tuple[tuple[int, ...], tuple[int, ...], bool]

_UPDATE = body.decoder(ProfileUpdate)
_INVENTORY_LISTS = ("referrals", "coupons", "giveaways", "achievements")


_EMPTY_LOYALTY: dict[str, Any] = {"cards": [], "programs": {}}
# assumption: event-of-an-update
_EMPTY_CONTENT: dict[str, Any] = {
    "loyalty": _EMPTY_LOYALTY,
    "triggeredCampaigns": (),
    "awardedGiveaways": (),
    "ruleFailureReasons": (),
    "campaignEligibility": (),
}


def view(profile: Profile, deployment: ServedDeployment) -> ProfileView:
    """Return a profile as it is shown."""
    return ProfileView(
        integration_id=profile.integration_id,
        id=profile.id,
        created=profile.created,
        attributes=msgspec.Raw(profile.attributes),
        account_id=deployment.id,
        closed_sessions=profile.closed_sessions,
        total_sales=msgspec.Raw(profile.total_sales),
        last_activity=profile.last_activity,
        loyalty_memberships=None,
        audience_memberships=tuple(Membership(each.id, each.name) for each in deployment.audiences_of(profile))
        if profile.audiences
        else (),
        sandbox=profile.environment == "sandbox",
    )


async def update_customer_profile(call: Call) -> Answer:
    """PUT /v2/customer_profiles/{integrationId}: 200 for a new profile and for an old one (documented)."""
    options = _update_options(call)
    if isinstance(options, Refusal):
        return errors.answer(options)
    runs, stores = options
    update = body.decode(call.request.body, _UPDATE)
    if isinstance(update, Refusal):
        return errors.answer(update)
    integration_id = call.path["integrationId"]
    environment = call.application.environment
    deployment, store = call.deployment, call.server.store
    changes = update.attributes or {}
    moves = None if update.audiences_changes is None else known_moves(update.audiences_changes, call, runs)
    if isinstance(moves, Refusal):
        return errors.answer(moves)

    def change(stored: Profile | None) -> Profile | Refusal:
        definitions = deployment.profile_definitions_of(call.application)
        updated = update_profile(stored, integration_id, changes, definitions, call.now, runs)
        if moves is None or isinstance(updated, Refusal):
            return updated
        return profiles.move(updated, *moves)

    if stores:
        outcome = await store.update_profile(deployment.id, environment, integration_id, change)
    else:
        outcome = change(await store.find_profile(deployment.id, environment, integration_id))
        if isinstance(outcome, Profile):
            outcome = msgspec.structs.replace(outcome, environment=environment)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    shown = view(outcome, deployment) if _shows_profile(update, deployment, runs) else UNSET
    state = IntegrationState((), (), (), shown)
    return json_answer(_with_content(state, update.response_content) if runs and update.response_content else state)


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
    environment = call.application.environment
    profile = await call.server.store.find_profile(call.deployment.id, environment, call.path["integrationId"])
    # assumption: hidden-customer
    if profile is None:
        return errors.answer(errors.not_found("Customer profile"))
    inventory: dict[str, Any] = {}
    if wanted["profile"]:
        inventory["profile"] = view(profile, call.deployment)
    if wanted["loyalty"]:
        inventory["loyalty"] = _EMPTY_LOYALTY
    inventory.update((name, []) for name in _INVENTORY_LISTS if wanted[name])
    return json_answer(inventory)


async def delete_customer_data(call: Call) -> Answer:
    """DELETE /v1/customer_data/{integrationId}: 204, the attributes are gone; 404 when unknown (documented)."""
    environment, integration_id = call.application.environment, call.path["integrationId"]
    erase = partial(profiles.erase, leaves=call.deployment.assumed["erased-memberships"] == "end")
    outcome = await call.server.store.update_profile(call.deployment.id, environment, integration_id, erase)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    await forget_activity(call, integration_id)
    return NO_CONTENT


async def auth_ping(call: Call) -> Answer:
    """GET /v2/authping: 204 with a good key (observed in Segment's destination; in no document)."""
    return NO_CONTENT


async def status_health(call: Call) -> Answer:
    """GET /v1/status/health: the vendor's SDK tests wait for it (observed; the body is assumed)."""
    return json_answer({"status": "OK"})


def known_moves(changes: AudiencesChanges | BothChanges, call: Call, runs: bool) -> Moves | Refusal | None:
    """Return what `audiencesChanges` stand for: ids to join, ids to leave, and whether joining comes last.

    Ids that are no audiences of the environment are refused. None when nothing is to be done.
    """
    deployment, assumed = call.deployment, call.deployment.assumed
    if not runs and assumed["audiences-without-rules"] == "ignore":
        return None
    sandbox = call.application.environment == "sandbox"
    kept: list[tuple[int, ...]] = []
    problems = []
    for name, numbers in (("adds", changes.adds or ()), ("deletes", changes.deletes or ())):
        known = []
        for index, number in enumerate(numbers):
            audience = deployment.audience(number)
            if audience is not None and audience.sandbox == sandbox:
                known.append(number)
            else:
                problems.append(errors.unknown_audience(number, errors.pointer("audiencesChanges", name, index)))
        kept.append(tuple(known))
    if problems and assumed["unknown-audience"] == "refuse":
        return errors.invalid_data(problems)
    return kept[0], kept[1], assumed["join-and-leave"] == "join"


def _shows_profile(update: ProfileUpdate, deployment: ServedDeployment, runs: bool) -> bool:
    if not runs:
        return deployment.assumed["profile-without-rules"] == "present"
    asked = "customerProfile" in (update.response_content or ())
    return asked or deployment.assumed["profile-with-rules"] == "always"


def _with_content(state: IntegrationState, wanted: tuple[Content, ...]) -> IntegrationState:
    fields = {field.encode_name: field.name for field in msgspec.structs.fields(IntegrationState)}
    content = {fields[name]: _EMPTY_CONTENT[name] for name in wanted if name in _EMPTY_CONTENT}
    return msgspec.structs.replace(state, **content)


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
