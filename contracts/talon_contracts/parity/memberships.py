"""Probes of audiences: which are the same, and who joins or leaves one."""

from collections.abc import Mapping
from typing import Final

from talon_contracts.exact_json import Json
from talon_contracts.parity.belongings import MARK
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge


def audiences_without_rules(ground: Ground) -> str | Unlike:
    """A profile update that runs no rules lets its customer join."""
    customer, audience = ground.customer(), ground.audience_number()
    answer = ground.update(customer, {}, audiencesChanges=_changes([audience]))
    if answer.status != 200:
        return by_status(answer, {})
    return "apply" if audience in ground.memberships(customer) else "ignore"


def unknown_audience(ground: Ground) -> str | Unlike:
    """A profile update names an audience, and one that was deleted."""
    customer, audience, gone = ground.customer(), ground.audience_number(), ground.audience_number()
    ground.remove_audience(gone)
    answer = ground.update(customer, {}, audiencesChanges=_changes([audience, gone]))
    found = by_status(answer, {200: "ignore", 400: "refuse"})
    if found == "ignore" and audience not in ground.memberships(customer):
        raise CannotJudge("without the Rule Engine no membership changes here")
    return found


def unknown_audience_of_a_membership(ground: Ground) -> str | Unlike:
    """Segment names an audience that is not there."""
    change: Json = {"customerProfileId": ground.customer(), "adds": [f"{MARK}_nowhere"]}
    answer = ground.segment("v2/customer_profiles/audiences", {"data": [change]})
    return by_status(answer, {204: "ignore", 404: "refuse"})


def join_and_leave(ground: Ground) -> str | Unlike:
    """One audience is to be joined, another one to be joined and left."""
    customer, audience, plain = ground.customer(), ground.audience_number(), ground.audience_number()
    answer = ground.update(customer, {}, audiencesChanges=_changes([audience, plain], [audience]))
    if answer.status != 200:
        return by_status(answer, {})
    memberships = ground.memberships(customer)
    if plain not in memberships:
        raise CannotJudge("without the Rule Engine no membership changes here")
    return "join" if audience in memberships else "leave"


def audience_environment(ground: Ground) -> str | Unlike:
    """An audience is made with `sandbox` of the other environment than the key's."""
    access = ground.access
    if not (access.live or access.emulated):
        raise CannotJudge("needs --live: where the body decides, the audience is made in the other environment")
    answer = ground.audience(sandbox=not access.sandbox)
    if answer.status != 201:
        return by_status(answer, {})
    return "key" if answer.at("sandbox") is access.sandbox else "body"


def external_audience_id(ground: Ground) -> str | Unlike:
    """Two audiences have ids that differ by case."""
    external = f"{ground.access.tag}Case"
    ground.audience(integration=MARK, integrationId=external).expect(201)
    answer = ground.audience(integration=MARK, integrationId=external.swapcase())
    return by_status(answer, {201: "exact", 409: "fold"})


def _changes(adds: list[Json], deletes: list[Json] | None = None) -> Json:
    return {"adds": adds, "deletes": deletes or []}


PROBES: Final[Mapping[str, Probe]] = {
    "audiences-without-rules": audiences_without_rules,
    "unknown-audience": unknown_audience,
    "unknown-audience-of-a-membership": unknown_audience_of_a_membership,
    "join-and-leave": join_and_leave,
    "audience-environment": audience_environment,
    "external-audience-id": external_audience_id,
}
