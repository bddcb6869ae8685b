"""Probes of platforms: their keys, the host that they call, the sessions and events that they send."""

from collections.abc import Mapping
from typing import Final

from talon_contracts.exact_json import Object
from talon_contracts.parity.belongings import MARK
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge


def platform_key_on_the_deployment(ground: Ground) -> str | Unlike:
    """Segment's key is used for the ping, then for an update."""
    ground.segment_headers()
    key = ground.access.segment_key
    ping = ground.integration("GET", "/v2/authping", key=key)
    if ping.status != 204:
        return by_status(ping, {})
    return by_status(ground.update(ground.customer(), {}, key=key), {200: "everything", 401: "authping"})


def key_of_another_platform(ground: Ground) -> str | Unlike:
    """A key of no platform is used where Segment's belongs."""
    answer = ground.segment(f"v2/customer_profiles/{ground.customer()}", {}, key=ground.access.api_key)
    return by_status(answer, {401: "401", 403: "403"})


def named_deployment(ground: Ground) -> str | Unlike:
    """The key's own deployment is named, then a neighbour that should not exist.

    It is a neighbour, because whoever believes the name sends the key there.
    """
    _, _, parent = ground.hostname.partition(".")
    neighbour = f"{MARK.replace('_', '-')}-nowhere.{parent if _is_domain(parent) else 'localhost'}"
    ground.segment(f"v2/customer_profiles/{ground.customer()}", {}).expect(200)
    answer = ground.segment(f"v2/customer_profiles/{ground.customer()}", {}, hostname=neighbour)
    return "key" if answer.status == 200 else Unlike(answer.said)


def third_party_errors(ground: Ground) -> str | Unlike:
    """Segment sends a value for an attribute that is not there."""
    name = ground.undefined("a")
    answer = ground.segment(f"v2/customer_profiles/{ground.customer()}", {"attributes": {name: 1}}).expect(400)
    told = answer.at("Error")
    return "text" if isinstance(told, str) and name in told else Unlike(f"`Error` is {told!r}")


def session_pointers(ground: Ground) -> str | Unlike:
    """An item of a session has an attribute that is not there."""
    ground.need_segment()
    name = ground.undefined("a")
    item: Object = {"sku": MARK, "name": MARK, "quantity": 1, "price": 1, "attributes": {name: 1}}
    body: Object = {"profileId": ground.customer(), "cartItems": [item]}
    answer = ground.segment(f"v2/customer_sessions/{ground.session()}", body).expect(400)
    text, place = answer.body.decode("utf-8", "replace"), f"/cartItems/0/attributes/{name}"
    if place not in text:
        raise CannotJudge(f"the answer does not point at the value: {answer.said}")
    before = text.partition(place)[0]
    return Unlike(answer.said) if before.endswith("customerSession") else "attributes"


def omitted_session_state(ground: Ground) -> str | Unlike:
    """A session is closed, then updated without a state; it has no items, and a customer of ours."""
    ground.need_segment()
    session, customer = ground.session(), ground.customer()
    ground.segment(f"v2/customer_sessions/{session}", {"profileId": customer, "state": "closed"}).expect(200)
    answer = ground.segment(f"v2/customer_sessions/{session}", {"profileId": customer})
    if answer.status != 200:  # a closed session cannot be opened again by an update
        return by_status(answer, {400: "open"})
    state = answer.at("customerSession", "state")
    return {"closed": "keep", "open": "open"}.get(str(state), Unlike(f"its state is {state!r}"))


def unknown_event_type(ground: Ground) -> str | Unlike:
    """An event comes of a type that nobody has defined."""
    body: Object = {"eventType": f"{MARK}_undefined", "customerProfileId": ground.customer()}
    return by_status(ground.segment("v2/events", body), {200: "accept", 400: "refuse"})


def _is_domain(parent: str) -> bool:
    return "." in parent and not parent.rpartition(".")[2].isdecimal()


PROBES: Final[Mapping[str, Probe]] = {
    "platform-key-on-the-deployment": platform_key_on_the_deployment,
    "key-of-another-platform": key_of_another_platform,
    "named-deployment": named_deployment,
    "third-party-errors": third_party_errors,
    "session-pointers": session_pointers,
    "omitted-session-state": omitted_session_state,
    "unknown-event-type": unknown_event_type,
}
