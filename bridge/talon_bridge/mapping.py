"""One Segment event and the destination's settings give one request to Talon.One, or the reason for none."""

from collections import defaultdict
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from talon_bridge import codec
from talon_bridge.audience_key import possible_name
from talon_bridge.events import Event
from talon_bridge.explanation import Notice, TraitExplanation, Verdict
from talon_bridge.flatten import Leaf, leaves
from talon_bridge.nearest import nearest
from talon_bridge.settings import Destination

MAX_INTEGRATION_ID = 1000  # characters; Talon.One, documented

# Names of the destination in Segment's integrations object, first match decides (ID-4; Segment, documented).
INTEGRATION_NAMES = ("Talon.One", "Talon_One")
_EVERYTHING = ("All", "all")  # Segment's own code looks `All` up in any case (source: facade)

# What calls itself these in `context.library.name` runs in somebody's browser or phone (Segment, documented names).
CLIENT_LIBRARIES = frozenset(
    {
        "analytics.js",
        "@segment/analytics-next",
        "analytics-next",
        "analytics-ios",
        "analytics-android",
        "analytics-kotlin",
        "analytics-swift",
        "analytics-react-native",
        "@segment/analytics-react-native",
        "analytics-flutter",
        "analytics_flutter",
        "analytics-xamarin",
    }
)
CLIENT_CHANNELS = frozenset({"client", "browser", "mobile"})


class Request(msgspec.Struct, frozen=True, gc=False):
    """A profile update for Talon.One: whose, and the attributes to patch (null deletes)."""

    integration_id: str
    attributes: dict[str, Any]

    @property
    def path(self) -> str:
        """The path of the update; the integration ID is one encoded segment whatever it holds (ID-1)."""
        return _path(self.integration_id)


@lru_cache(1024)
def _path(integration_id: str) -> str:
    return "/v2/customer_profiles/" + quote(integration_id, safe="")


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one event: a request, or the notice that says why there is none; each trait explained."""

    request: Request | None
    reason: Notice | None
    traits: tuple[TraitExplanation, ...]
    warnings: tuple[Notice, ...] = ()
    dead: bool = False


def plan(event: Event, destination: Destination) -> Plan:
    """Map one event. Pure: the same event and settings always give the same plan."""
    found = leaves(event.traits or {})
    unsent = _why_not(event, destination)
    if unsent is not None:
        notice, dead = unsent
        held = tuple(_withheld(leaf, notice.rule, "its event is not sent") for leaf in found)
        return Plan(None, notice, held, dead=dead)
    assert event.user_id is not None  # _why_not refuses events without one
    explained = _explain(found, event, destination)
    attributes = {trait.attribute: trait.value for trait in explained if trait.verdict is Verdict.WAITING}
    warnings = _warnings(event, destination)
    if not attributes:
        rule = explained[0].rule if explained else "MAP-6"
        reason = Notice(rule, "no trait is left to send, so no request is made")
        return Plan(None, reason, explained, warnings)
    return Plan(Request(event.user_id, attributes), None, explained, warnings)


def unreadable() -> Plan:
    """The plan of an event that no plan can be made of: its stored call is damaged, or the bridge has an error."""
    return Plan(None, Notice("", "the stored call cannot be mapped; the bridge's log says why"), (), dead=True)


def superseded(mapped: Plan, newer: frozenset[str]) -> Plan:
    """The plan of a replayed event, less the attributes for which newer values were delivered meanwhile (DEL-2)."""
    if mapped.request is None or not newer & mapped.request.attributes.keys():
        return mapped

    def judge(trait: TraitExplanation) -> TraitExplanation:
        if trait.verdict is not Verdict.WAITING or trait.attribute not in newer:
            return trait
        reason = "a newer event has delivered this attribute meanwhile; a forced replay would overwrite it"
        return msgspec.structs.replace(trait, verdict=Verdict.WITHHELD, rule="DEL-2", reason=reason)

    traits = tuple(judge(trait) for trait in mapped.traits)
    left = {name: value for name, value in mapped.request.attributes.items() if name not in newer}
    if not left:
        notice = Notice("DEL-2", "newer events have delivered all its attributes meanwhile")
        return Plan(None, notice, traits, mapped.warnings)
    return Plan(Request(mapped.request.integration_id, left), mapped.reason, traits, mapped.warnings)


def _why_not(event: Event, destination: Destination) -> tuple[Notice, bool] | None:
    """Why the event as a whole is not sent (and whether that makes it a dead letter), or None."""
    if event.type != "identify":
        return Notice("ID-3", f"only identify calls are sent to Talon.One; this is a {event.type}"), False
    switch = _switched_off(event.integrations)
    if switch is not None:
        return Notice("ID-4", f"integrations switches the destination off ({switch})"), False
    if not event.user_id:
        return Notice("ID-2", "there is no userId; only logged-in users are sent"), False
    if event.user_id in (".", ".."):
        return Notice("ID-1", f"the userId {event.user_id!r} cannot be part of a path"), True
    if len(event.user_id) > MAX_INTEGRATION_ID:
        text = f"the userId has {len(event.user_id)} characters; an integration ID has at most {MAX_INTEGRATION_ID}"
        return Notice("ID-1", text), True
    source = client_side(event)
    if source is not None and destination.client_side_sources == "reject":
        return Notice("SRC-1", f"{source} is a client-side source, and client_side_sources is reject"), False
    return None


def _switched_off(integrations: Any) -> str | None:
    """The member of `integrations` that switches the destination off, for people; None when it is on (ID-4)."""
    if not isinstance(integrations, dict):
        return None
    for name in INTEGRATION_NAMES:
        if name in integrations:
            return f"{name}: false" if integrations[name] is False else None
    for name in _EVERYTHING:
        if name in integrations:
            return f"{name}: false" if integrations[name] is False else None
    return None


def client_side(event: Event) -> str | None:
    """What says that the event comes from a client-side library, or None (SRC-1)."""
    library = event.context_value("library", "name")
    if isinstance(library, str) and library in CLIENT_LIBRARIES:
        return library
    for channel in (event.channel, event.context_value("channel")):
        if isinstance(channel, str) and channel in CLIENT_CHANNELS:
            return f"channel {channel}"
    return None


def _warnings(event: Event, destination: Destination) -> tuple[Notice, ...]:
    found = []
    source = client_side(event)
    if source is not None and destination.client_side_sources == "warn":
        text = f"{source} is a client-side source; traits that affect promotions are expected from server-side sources"
        found.append(Notice("SRC-1", text))
    key = computation_key(event)
    if key is not None and not possible_name(key):
        found.append(Notice("AUD-3", f"no Talon.One attribute can be called {key}; give the audience another key"))
    return tuple(found)


def computation_key(event: Event) -> str | None:
    """The key of the audience or computed trait that the event is about, or None (MAP-4)."""
    key = event.context_value("personas", "computation_key")
    return key if isinstance(key, str) and key else None


def _explain(found: tuple[Leaf, ...], event: Event, destination: Destination) -> tuple[TraitExplanation, ...]:
    excused = computation_key(event)
    listed = frozenset(destination.custom_attributes)
    rivals = _rivals(found)
    return tuple(_judge(leaf, excused, listed, destination, rivals.get(leaf.name, ())) for leaf in found)


def _judge(
    leaf: Leaf, excused: str | None, listed: frozenset[str], destination: Destination, rivals: tuple[Leaf, ...]
) -> TraitExplanation:
    if leaf.name not in listed and leaf.path[0] != excused:
        return _not_listed(leaf, destination.custom_attributes)
    if rivals:
        others = ", ".join(rival.pointer for rival in rivals if rival.path != leaf.path)
        return _withheld(leaf, "MAP-7", f"{others} makes the same name {leaf.name} with another value")
    if isinstance(leaf.value, list) and any(isinstance(item, dict | list) for item in leaf.value):
        return _withheld(leaf, "MAP-5", "a list that holds an object or a list cannot be an attribute")
    return TraitExplanation(leaf.pointer, leaf.name, leaf.value, Verdict.WAITING)


def _rivals(found: tuple[Leaf, ...]) -> dict[str, tuple[Leaf, ...]]:
    """The leaves that share a name but not a value. Values are compared as JSON: true is not 1, and 1 is not 1.0."""
    if len({leaf.name for leaf in found}) == len(found):
        return {}
    sharing: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in found:
        sharing[leaf.name].append(leaf)
    return {name: tuple(same) for name, same in sharing.items() if len({codec.encode(leaf.value) for leaf in same}) > 1}


def _withheld(leaf: Leaf, rule: str, reason: str) -> TraitExplanation:
    return TraitExplanation(leaf.pointer, leaf.name, leaf.value, Verdict.WITHHELD, rule, reason)


def _not_listed(leaf: Leaf, listed: tuple[str, ...]) -> TraitExplanation:
    near = nearest(leaf.name, listed)
    reason = f"{leaf.name} is not in Custom Attributes"
    if near is not None:
        reason += f"; {near.name} is, and differs in {near.differs_in}"
    held = _withheld(leaf, "MAP-3", reason)
    return msgspec.structs.replace(held, nearest=near.name) if near else held
