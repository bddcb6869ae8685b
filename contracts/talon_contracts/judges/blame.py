"""The blame: which rule speaks most directly of a difference, and what is malformed on the wire."""

from collections.abc import Sequence

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.oracle import DestinationSettings, Leaf, NotSent, expected_request
from talon_contracts.schemas import problems
from talon_contracts.targets import JOURNAL_CUTS_AT, Exchange


def blamed(events: Sequence[Object], settings: DestinationSettings, wanted: Object | None, held: Object | None) -> str:
    """The rule that speaks most directly of the difference between a profile and what it should be."""
    had, should = held or {}, wanted or {}
    differing = {name for name in {*had, *should} if not same_value(should.get(name), had.get(name))}
    requests = [expected_request(event, settings) for event in reversed(events)]
    for request in requests:
        for withheld in request.withheld:
            if withheld.leaf.name in differing:
                return withheld.rule
    for request in requests:
        if not isinstance(request, NotSent):
            for leaf in request.leaves:
                if leaf.name in differing:
                    return _rule_of_sending(leaf, settings)
    stopping = [request.rule for request in requests if isinstance(request, NotSent)]
    return stopping[0] if stopping else "ATT-4"


def _rule_of_sending(leaf: Leaf, settings: DestinationSettings) -> str:
    """The most particular of the rules by which a leaf is sent as it is."""
    if len(leaf.path) > 1:
        return "MAP-1"
    if leaf.name not in settings.custom_attributes:
        return "MAP-4"
    if leaf.value is None:
        return "MAP-6"
    if isinstance(leaf.value, bool):
        return "AUD-4"
    if isinstance(leaf.value, list):
        return "MAP-5"
    return "MAP-3" if isinstance(leaf.value, str) else "MAP-8"


def malformed(exchange: Exchange) -> tuple[str, ...]:
    """What is wrong with the shape of an update of a profile and of its answer.

    A value that no attribute can take is no fault of the bridge, which passes lists of any scalars on (MAP-5), if
    Talon.One refuses it (ATT-2).
    """
    request: Json = exchange.request
    if exchange.status == 400 and isinstance(request, dict) and isinstance(request.get("attributes"), dict):
        request = {**request, "attributes": {}}
    wrong: tuple[str, ...] = ()
    if exchange.request_bytes <= JOURNAL_CUTS_AT:
        wrong += problems("talon-profile-update", request)
    if exchange.answer_bytes <= JOURNAL_CUTS_AT:
        wrong += problems("talon-profile-answer" if exchange.status == 200 else "talon-error", exchange.answer)
    return wrong
