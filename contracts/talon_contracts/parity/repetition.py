"""Probes of repetition: several profiles in one request, and one request several times."""

from collections.abc import Mapping
from typing import Final

from talon_contracts.exact_json import Json, Object
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Answer
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge, encoded


def bulk_with_a_wrong_profile(ground: Ground) -> str | Unlike:
    """One profile of a bulk update has an attribute that is not defined."""
    wrong, right, name = ground.customer(), ground.customer(), ground.name("text")
    answer = _bulk(ground, (wrong, {ground.undefined("a"): 1}), (right, {name: "a"}))
    if answer.status != 400:
        return by_status(answer, {})
    if ground.profile(wrong) is not None:
        return Unlike("400, and the wrong profile is there")
    return "store" if ground.held(right) == {name: "a"} else "refuse"


def bulk_with_a_profile_twice(ground: Ground) -> str | Unlike:
    """A bulk update has a profile twice."""
    customer, name = ground.customer(), ground.name("text")
    answer = _bulk(ground, (customer, {name: "a"}), (customer, {name: "b"}))
    found = by_status(answer, {204: "apply", 400: "refuse"})
    held = ground.held(customer)
    if found == "apply" and held != {name: "b"}:
        return Unlike(f"it is taken, and the profile holds {held!r}")
    return found


def replay_of_another_body(ground: Ground) -> str | Unlike:
    """A key comes again with another value."""
    customer, name = ground.customer(), ground.name("text")
    _keyed(ground, customer, {name: "a"}, f"{customer}-key").expect(200)
    answer = _keyed(ground, customer, {name: "b"}, f"{customer}-key")
    if answer.status != 200:
        return by_status(answer, {})
    held = ground.held(customer)
    return {"a": "replay", "b": "run"}.get(str(held.get(name)), Unlike(f"the profile holds {held!r} then"))


def replay_of_a_refusal(ground: Ground) -> str | Unlike:
    """A key comes first with what is refused, then with what is not: no attribute has to be made for that."""
    if replay_of_another_body(ground) != "replay":
        raise CannotJudge("another body is another request here, and no body can be refused once and accepted later")
    customer = ground.customer()
    _keyed(ground, customer, {ground.undefined("a"): 1}, f"{customer}-key").expect(400)
    answer = _keyed(ground, customer, {ground.name("text"): "a"}, f"{customer}-key")
    return by_status(answer, {200: "run", 400: "replay"})


def replay_scope(ground: Ground) -> str | Unlike:
    """A key comes again for another customer."""
    first, second = ground.customer(), ground.customer()
    _keyed(ground, first, {}, f"{first}-key").expect(200)
    answer = _keyed(ground, second, {}, f"{first}-key")
    if answer.status != 200:
        return by_status(answer, {})
    return "application" if ground.profile(second) is None else "path"


def _bulk(ground: Ground, *updates: tuple[str, Object]) -> Answer:
    profiles: list[Json] = [{"integrationId": customer, "attributes": values} for customer, values in updates]
    return ground.integration("PUT", "/v2/customer_profiles", {"customerProfiles": profiles})


def _keyed(ground: Ground, customer: str, attributes: Object, key: str) -> Answer:
    path, body = f"/v2/customer_profiles/{encoded(customer)}", {"attributes": attributes}
    return ground.integration("PUT", path, {**body}, idempotency_key=key)


PROBES: Final[Mapping[str, Probe]] = {
    "bulk-with-a-wrong-profile": bulk_with_a_wrong_profile,
    "bulk-with-a-profile-twice": bulk_with_a_profile_twice,
    "replay-of-another-body": replay_of_another_body,
    "replay-of-a-refusal": replay_of_a_refusal,
    "replay-scope": replay_scope,
}
