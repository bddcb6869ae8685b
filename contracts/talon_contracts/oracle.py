"""The oracle: what Segment events must leave in Talon.One, written slowly and obviously.

It shares no code with anything it judges, and does no input or output. An event is one Segment call as decoded by
`talon_contracts.exact_json`; shapes are trusted here (the schemas judge them).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from talon_contracts.exact_json import Json, Object, same_json
from talon_contracts.value_types import accepts_value

Definitions: TypeAlias = Mapping[str, str]
"""Name of a CustomerProfile attribute to its Talon.One type."""

Profiles: TypeAlias = dict[str, Object]
"""Integration ID to the attributes the profile holds."""

CLIENT_SIDE_LIBRARIES: Final = frozenset(
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
CLIENT_SIDE_CHANNELS: Final = frozenset({"client", "browser", "mobile"})
LONGEST_INTEGRATION_ID: Final = 1000
"""In characters (code points). Documented by Talon.One."""


@dataclass(frozen=True, slots=True)
class DestinationSettings:
    """What is set up at the destination: the Custom Attributes, and what to do with client-side sources."""

    custom_attributes: frozenset[str]
    client_side_sources: Literal["accept", "warn", "reject"] = "warn"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of the traits: the keys that lead to it, and the attribute name these make."""

    path: tuple[str, ...]
    value: Json

    @property
    def name(self) -> str:
        """The flattened name: the keys, untouched, joined by `_` (MAP-1, MAP-2)."""
        return "_".join(self.path)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A leaf that must not be sent, and the rule that says so."""

    leaf: Leaf
    rule: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to Talon.One: a patch of `attributes` to the profile; and the leaves left out of it."""

    integration_id: str
    attributes: Object
    leaves: tuple[Leaf, ...]
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class NotSent:
    """No request at all, and the rule that says so; MAP-6 when the event is fine and has nothing to send."""

    rule: str
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Talon.One refuses the whole request: each offending attribute with its rule (ATT-1 or ATT-2)."""

    offences: dict[str, str]


def flatten(traits: Json) -> list[Leaf]:
    """Every leaf of the traits, in document order; an empty object has none, a list is one leaf (MAP-1, MAP-5)."""
    leaves: list[Leaf] = []
    if isinstance(traits, dict):
        for key, value in traits.items():
            if isinstance(value, dict):
                for inner in flatten(value):
                    leaves.append(Leaf((key, *inner.path), inner.value))
            else:
                leaves.append(Leaf((key,), value))
    return leaves


def audience_key(name: str) -> str:
    """The key of an audience of that name (AUD-1); may be empty or start with a digit, see `audience_problem`."""
    key = ""
    for character in name:
        if "A" <= character <= "Z":
            character = character.lower()
        if "a" <= character <= "z" or "0" <= character <= "9":
            key += character
        elif not key.endswith("_"):
            key += "_"
    return key.strip("_")


def audience_problem(key: str, taken: Iterable[str]) -> Literal["empty", "starts_with_digit", "taken"] | None:
    """Why a key cannot be given to an audience when the keys of the others are `taken` (AUD-3), or None."""
    if key == "":
        return "empty"
    if "0" <= key[0] <= "9":
        return "starts_with_digit"
    if key in set(taken):
        return "taken"
    return None


def batch_events(batch: Object) -> list[Object]:
    """The events of a batch, each under the batch's `integrations` and `context`; the event's own keys win."""
    events: list[Object] = []
    items = batch["batch"]
    assert isinstance(items, list)
    for item in items:
        assert isinstance(item, dict)
        event = dict(item)
        for member in ("integrations", "context"):
            common, own = batch.get(member), item.get(member)
            if isinstance(common, dict) and (own is None or isinstance(own, dict)):
                event[member] = {**common, **(own or {})}
        events.append(event)
    return events


def expected_request(event: Object, settings: DestinationSettings) -> Sent | NotSent:
    """The one request that an event must cause, or why it must cause none."""
    stopped_by = _stopped_by(event, settings)
    if stopped_by is not None:
        return NotSent(stopped_by)
    user_id = event["userId"]
    assert isinstance(user_id, str)
    leaves = flatten(event.get("traits"))
    computation_key = _computation_key(event)
    sent: list[Leaf] = []
    withheld: list[Withheld] = []
    for leaf in leaves:
        rule = _withheld_by(leaf, leaves, computation_key, settings)
        if rule is None:
            sent.append(leaf)
        else:
            withheld.append(Withheld(leaf, rule))
    if not sent:
        return NotSent("MAP-6", tuple(withheld))
    attributes = {leaf.name: leaf.value for leaf in sent}
    return Sent(user_id, attributes, tuple(sent), tuple(withheld))


def apply(profile: Mapping[str, Json] | None, attributes: Object, definitions: Definitions) -> Object | Refused:
    """The attributes of a profile (None: it does not exist yet) after one request, or the refusal (ATT-1, 2, 4)."""
    offences: dict[str, str] = {}
    for name, value in attributes.items():
        if name not in definitions:
            offences[name] = "ATT-1"
        elif value is not None and not accepts_value(definitions[name], value):
            offences[name] = "ATT-2"
    if offences:
        return Refused(offences)
    patched = dict(profile or {})
    for name, value in attributes.items():
        if value is None:
            patched.pop(name, None)
        else:
            patched[name] = value
    return patched


def expected_profiles(
    history: Sequence[Object], settings: DestinationSettings, definitions: Definitions, before: Profiles | None = None
) -> Profiles:
    """What Talon.One must hold after the events, taken in order; a profile that must not exist is not in it."""
    profiles = dict(before or {})
    for event in once(history):
        request = expected_request(event, settings)
        if isinstance(request, NotSent):
            continue
        result = apply(profiles.get(request.integration_id), request.attributes, definitions)
        if not isinstance(result, Refused):
            profiles[request.integration_id] = result
    return profiles


def once(history: Sequence[Object]) -> list[Object]:
    """The events less those whose messageId came before, whatever else they say (DEL-3)."""
    seen: set[str] = set()
    kept: list[Object] = []
    for event in history:
        message_id = event.get("messageId")
        if isinstance(message_id, str) and message_id != "":
            if message_id in seen:
                continue
            seen.add(message_id)
        kept.append(event)
    return kept


def is_client_side(event: Object) -> bool:
    """Whether an event says that it comes from a library or a channel on the user's device (SRC-1)."""
    context = _object(event.get("context"))
    library = _object(context.get("library")).get("name")
    channels = (event.get("channel"), context.get("channel"))
    return _among(library, CLIENT_SIDE_LIBRARIES) or any(_among(channel, CLIENT_SIDE_CHANNELS) for channel in channels)


def _stopped_by(event: Object, settings: DestinationSettings) -> str | None:
    """The first rule that keeps the whole event from being sent."""
    user_id = event.get("userId")
    if event.get("type") != "identify":
        return "ID-3"
    if not _enabled(_object(event.get("integrations"))):
        return "ID-4"
    if user_id is None or user_id == "":
        return "ID-2"
    if not isinstance(user_id, str) or user_id in (".", "..") or len(user_id) > LONGEST_INTEGRATION_ID:
        return "ID-1"
    if settings.client_side_sources == "reject" and is_client_side(event):
        return "SRC-1"
    return None


def _enabled(integrations: Object) -> bool:
    """ID-4: the destination's own key first, then All; `all` only where `All` is absent."""
    for key in ("Talon.One", "Talon_One"):
        if key in integrations:
            return integrations[key] is not False
    everything = integrations["All"] if "All" in integrations else integrations.get("all")
    return everything is not False


def _withheld_by(
    leaf: Leaf, leaves: Sequence[Leaf], computation_key: str | None, settings: DestinationSettings
) -> str | None:
    """The first rule that keeps one leaf of a sendable event back."""
    if leaf.name not in settings.custom_attributes and leaf.path[0] != computation_key:
        return "MAP-3"
    for other in leaves:
        if other.name == leaf.name and not same_json(other.value, leaf.value):
            return "MAP-7"
    if isinstance(leaf.value, list) and any(isinstance(item, dict | list) for item in leaf.value):
        return "MAP-5"
    return None


def _computation_key(event: Object) -> str | None:
    """MAP-4: the name of the trait that Engage computed, where the event says so."""
    key = _object(_object(event.get("context")).get("personas")).get("computation_key")
    return key if isinstance(key, str) and key != "" else None


def _object(value: Json) -> Object:
    return value if isinstance(value, dict) else {}


def _among(value: Json, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names
