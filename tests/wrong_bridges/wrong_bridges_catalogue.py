"""The wrong bridges: each breaks one step of the right one, and names the rule that must catch it."""

import re
import unicodedata
from typing import Any, ClassVar

from talon_contracts.rules import RULES
from wrong_bridges.right_bridge import Event, Path, RightBridge, through_binary64

DELIVERIES = frozenset({"LIM-1", "DEL-1", "DEL-2", "DEL-3"})


class WrongBridge(RightBridge):
    """A bridge with one mistake: `rule` must catch it; the cases of the rules in `also` cannot avoid it."""

    rule: ClassVar[str]
    also: ClassVar[frozenset[str]] = frozenset()


class TrimsUserIds(WrongBridge):
    """Tidies ids up."""

    rule = "ID-1"

    def integration_id(self, event: Event) -> str | None:
        user_id = super().integration_id(event)
        return user_id.strip() if user_id else user_id


class LowerCasesUserIds(WrongBridge):
    """Takes ids for e-mail addresses."""

    rule = "ID-1"

    def integration_id(self, event: Event) -> str | None:
        user_id = super().integration_id(event)
        return user_id.lower() if user_id else user_id


class MergesUsersByCase(WrongBridge):
    """Gives a user the id under which it saw it first, in whatever case."""

    rule = "ID-1"

    def integration_id(self, event: Event) -> str | None:
        user_id = super().integration_id(event)
        known: dict[str, str] = self.__dict__.setdefault("known", {})
        return known.setdefault(user_id.lower(), user_id) if user_id else user_id


class SendsAnonymousUsers(WrongBridge):
    """Falls back to the anonymousId."""

    rule = "ID-2"

    def integration_id(self, event: Event) -> str | None:
        return event.get("userId") or event.get("anonymousId")


class SendsTraitsOfOtherCalls(WrongBridge):
    """Takes every call with traits for an identify."""

    rule = "ID-3"

    def is_sent(self, event: Event) -> bool:
        return super().is_sent({**event, "type": "identify"})


class IgnoresIntegrations(WrongBridge):
    """Never looks at the integrations object."""

    rule = "ID-4"

    def is_enabled(self, integrations: Event) -> bool:
        return True


class LetsAllWin(WrongBridge):
    """Asks All before its own key."""

    rule = "ID-4"
    # What Engage sends says All: false and names the destination beside it.
    also = frozenset({"MAP-4", "AUD-2", "AUD-4", "AUD-6", "AUD-5"})

    def is_enabled(self, integrations: Event) -> bool:
        return integrations.get("All") is not False and super().is_enabled(integrations)


class TakesTheFirstIntegrationsForAll(WrongBridge):
    """Looks at the integrations of the first call of a batch only."""

    rule = "ID-4"

    def events(self, body: Event) -> list[Event]:
        events = super().events(body)
        return (
            events if "batch" not in body else [{**each, "integrations": events[0]["integrations"]} for each in events]
        )


class JoinsWithDots(WrongBridge):
    """Uses the separator that most tools use."""

    rule = "MAP-1"
    # Names collide through nesting only.
    also = frozenset({"MAP-7"})

    def name(self, path: Path) -> str:
        return ".".join(path)


class FlattensOneLevel(WrongBridge):
    """Handles the documentation's example and stops there."""

    rule = "MAP-1"
    also = frozenset({"MAP-7"})

    def leaves(self, value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
        return [leaf for leaf in super().leaves(value, path) if len(leaf[0]) <= 2]


class FlattensThreeLevels(WrongBridge):
    """Leaves out what lies deeper than anybody would go."""

    rule = "MAP-1"

    def leaves(self, value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
        return [leaf for leaf in super().leaves(value, path) if len(leaf[0]) <= 3]


class LowerCasesKeys(WrongBridge):
    """Normalises names."""

    rule = "MAP-2"
    # Keys of audiences are names, too.
    also = frozenset({"AUD-2"})

    def name(self, path: Path) -> str:
        return super().name(path).lower()


class TrimsKeys(WrongBridge):
    """Tidies names up."""

    rule = "MAP-2"
    # Keys of audiences are names, too.
    also = frozenset({"AUD-2"})

    def name(self, path: Path) -> str:
        return super().name(path).strip()


class SendsUndefinedTraits(WrongBridge):
    """Leaves it to Talon.One to sort traits out."""

    rule = "MAP-3"
    # Near misses and stowaways are unlisted, too.
    also = frozenset({"MAP-2", "MAP-4"})

    def is_listed(self, path: Path, event: Event) -> bool:
        return True


class KnowsNoComputations(WrongBridge):
    """Sends listed traits only."""

    rule = "MAP-4"
    # Computed traits are not listed, and the deepest leaves of MAP-1 are under one.
    also = frozenset({"MAP-1", "AUD-2", "AUD-4", "AUD-6", "ATT-1", "AUD-5"})

    def computation_key(self, event: Event) -> str | None:
        return None


class ExcusesTheWholeCall(WrongBridge):
    """Sends everything that comes from Engage."""

    rule = "MAP-4"

    def is_listed(self, path: Path, event: Event) -> bool:
        return super().is_listed(path, event) or self.computation_key(event) is not None


class LosesTheContextOfTheBatch(WrongBridge):
    """Looks for context on the call only."""

    rule = "MAP-4"

    def events(self, body: Event) -> list[Event]:
        return super().events({**body, "context": None} if "batch" in body else body)


class LetsAnyContextReplaceThatOfTheBatch(WrongBridge):
    """Takes the context of a call for all of it, and merges nothing."""

    rule = "MAP-4"

    def events(self, body: Event) -> list[Event]:
        if "batch" not in body:
            return [body]
        own = (each.get("context") or body.get("context") for each in body["batch"])
        return [{**each, "context": context} for each, context in zip(super().events(body), own, strict=True)]


class ExcusesAnyCaseOfTheKey(WrongBridge):
    """Finds the computed trait whatever its case."""

    rule = "MAP-4"
    # A key that must stay wrong in one case is excused in another.
    also = frozenset({"AUD-2"})

    def is_listed(self, path: Path, event: Event) -> bool:
        key = self.computation_key(event)
        return super().is_listed(path, event) or (key is not None and path[0].lower() == key.lower())


class ExcusesWhatBeginsWithTheKey(WrongBridge):
    """Compares the beginning of names."""

    rule = "MAP-4"

    def is_listed(self, path: Path, event: Event) -> bool:
        key = self.computation_key(event)
        return super().is_listed(path, event) or (key is not None and self.name(path).startswith(key))


class JoinsLists(WrongBridge):
    """Makes a text of a list."""

    rule = "MAP-5"
    # A list is the wrong type for a string until it is joined.
    also = frozenset({"ATT-2"})

    def value(self, name: str, value: Any) -> Any:
        return ",".join(map(str, value)) if isinstance(value, list) else value


class SendsStructureInLists(WrongBridge):
    """Lets a list hold anything."""

    rule = "MAP-5"

    def is_sendable(self, value: Any) -> bool:
        return True


class DropsNulls(WrongBridge):
    """Takes null for nothing to say."""

    rule = "MAP-6"
    also = frozenset({"AUD-6"})

    def attributes(self, event: Event) -> dict[str, Any]:
        return {name: value for name, value in super().attributes(event).items() if value is not None}


class SendsAbsentTraitsAsNull(WrongBridge):
    """Sends every Custom Attribute every time."""

    rule = "MAP-6"
    # A patch is no patch any more.
    also = frozenset(
        {
            "ATT-1",
            "ATT-2",
            "ATT-4",
            "AUD-4",
            "ID-1",
            "ID-2",
            "ID-3",
            "ID-4",
            "LIM-1",
            "DEL-1",
            "DEL-2",
            "DEL-3",
            "AUD-5",
        }
    )

    def attributes(self, event: Event) -> dict[str, Any]:
        sent = super().attributes(event)
        return {**dict.fromkeys(self.custom_attributes), **sent} if sent else {}


class LetsTheLastWin(WrongBridge):
    """Writes into a dictionary and looks no further."""

    rule = "MAP-7"

    def resolve(self, values: list[Any]) -> list[Any]:
        return values[-1:]


class ComparesLoosely(WrongBridge):
    """Takes 1 for true and 1.0 for 1."""

    rule = "MAP-7"

    def resolve(self, values: list[Any]) -> list[Any]:
        return values[:1] if all(value == values[0] for value in values) else []


class UsesBinaryFloats(WrongBridge):
    """Holds numbers as JavaScript does."""

    rule = "MAP-8"

    def value(self, name: str, value: Any) -> Any:
        return through_binary64(value)


class SplitsDigits(WrongBridge):
    """Makes keys with a library for snake case, as lodash does it."""

    rule = "AUD-1"

    def audience_key(self, name: str, others: tuple[str, ...]) -> str:
        return re.sub("(?<=[0-9])(?=[a-z])|(?<=[a-z])(?=[0-9])", "_", super().audience_key(name, others))


class SplitsArrivingKeys(WrongBridge):
    """Makes snake case of keys that are already made."""

    rule = "AUD-2"
    # The demo audience has such a key, flat and as the deepest path of MAP-1.
    also = frozenset({"MAP-1", "AUD-4", "AUD-5"})

    def name(self, path: Path) -> str:
        return re.sub("(?<=[0-9])(?=[a-z])", "_", super().name(path))

    def is_listed(self, path: Path, event: Event) -> bool:
        return super().name(path) in self.custom_attributes or path[0] == self.computation_key(event)


class TakesAnyKey(WrongBridge):
    """Defines audiences that no attribute can be named after."""

    rule = "AUD-3"

    def audience_key(self, name: str, others: tuple[str, ...]) -> str:
        try:
            return super().audience_key(name, others)
        except ValueError:
            return re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")


class DropsFalse(WrongBridge):
    """Sends what is true."""

    rule = "AUD-4"
    # False is also a wrong type for others.
    also = frozenset({"ATT-2", "AUD-5"})

    def attributes(self, event: Event) -> dict[str, Any]:
        return {name: value for name, value in super().attributes(event).items() if value is not False}


class StringifiesBooleans(WrongBridge):
    """Sends booleans as texts."""

    rule = "AUD-4"
    # A key can only be seen to arrive by its value, and the demo audience is boolean; a text makes a wrong type right.
    also = frozenset({"MAP-1", "AUD-2", "ATT-2", "AUD-5"})

    def value(self, name: str, value: Any) -> Any:
        return str(value).lower() if isinstance(value, bool) else value


class ReadsBooleans(WrongBridge):
    """Makes a boolean of the text that looks like one."""

    rule = "AUD-4"
    also = frozenset({"ATT-2"})

    def value(self, name: str, value: Any) -> Any:
        return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class DropsNullsOfComputedTraits(WrongBridge):
    """Has nothing to say about users who left a computed trait."""

    rule = "AUD-6"

    def attributes(self, event: Event) -> dict[str, Any]:
        computed = self.computation_key(event)
        sent = super().attributes(event).items()
        return {name: value for name, value in sent if value is not None or name != computed}


class SkipsUnknownAttributes(WrongBridge):
    """Knows what Talon.One knows, and leaves the rest out."""

    rule = "ATT-1"
    # A key that must stay wrong is an unknown name, and so are the deepest of MAP-1.
    also = frozenset({"MAP-1", "AUD-2"})
    known = frozenset({"order_completed_last_30days", "lifetime_value"})

    def attributes(self, event: Event) -> dict[str, Any]:
        known = self.known | self.custom_attributes
        return {name: value for name, value in super().attributes(event).items() if name in known}


class ReadsNumbers(WrongBridge):
    """Makes a number of the text that looks like one."""

    rule = "ATT-2"

    def value(self, name: str, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value


class CutsTexts(WrongBridge):
    """Keeps what fits into a column of 255 characters."""

    rule = "ATT-4"

    def value(self, name: str, value: Any) -> Any:
        return value[:255] if isinstance(value, str) else value


class ComposesTexts(WrongBridge):
    """Normalises texts."""

    rule = "ATT-4"

    def value(self, name: str, value: Any) -> Any:
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


class KeepsTheFirstValue(WrongBridge):
    """Sends a value once and never again."""

    rule = "ATT-4"
    # Whatever comes second is lost.
    also = frozenset(
        {
            "AUD-4",
            "AUD-5",
            "AUD-6",
            "MAP-6",
            "MAP-8",
            "ID-1",
            "ID-3",
            "ID-4",
            "ATT-1",
            "ATT-2",
            "LIM-1",
            "DEL-1",
            "DEL-2",
            "DEL-3",
        }
    )

    def forward(self, integration_id: str, attributes: dict[str, Any]) -> None:
        seen: set[tuple[str, str]] = self.__dict__.setdefault("seen", set())
        fresh = {name: value for name, value in attributes.items() if (integration_id, name) not in seen}
        seen |= {(integration_id, name) for name in fresh}
        if fresh:
            super().forward(integration_id, fresh)


class NamesTheProfileInTheBody(WrongBridge):
    """Sends a member that Talon.One does not know and says nothing about."""

    rule = "ATT-4"
    # Whatever is sent is malformed.
    also = frozenset(RULES)

    def update(self, integration_id: str, attributes: dict[str, Any]) -> dict[str, Any]:
        return {**super().update(integration_id, attributes), "integrationId": integration_id}


class RefusesClientSideSources(WrongBridge):
    """Refuses what the setting only flags."""

    rule = "SRC-1"
    rejects_client_side = True


class SendsClientSideSources(WrongBridge):
    """Flags what the setting refuses."""

    rule = "SRC-1"
    client_side_sources = "reject"


class KnowsBrowsersOnly(WrongBridge):
    """Refuses what comes from browsers, and takes every other library for a server's."""

    rule = "SRC-1"
    client_side_sources = "reject"
    rejects_client_side = True

    def is_client_side(self, event: Event) -> bool:
        library = ((event.get("context") or {}).get("library") or {}).get("name") or ""
        return super().is_client_side(event) and library in ("", "analytics.js", "@segment/analytics-next")


class LosesTheLibraryOfTheBatch(WrongBridge):
    """Looks for the library and the channel on the call only."""

    rule = "SRC-1"
    client_side_sources = "reject"
    rejects_client_side = True

    def events(self, body: Event) -> list[Event]:
        kept = {
            name: value for name, value in (body.get("context") or {}).items() if name not in ("library", "channel")
        }
        return super().events({**body, "context": kept} if "batch" in body else body)


class LetsTheLibraryOfTheBatchWin(WrongBridge):
    """Believes the batch more than the call."""

    rule = "SRC-1"
    client_side_sources = "reject"
    rejects_client_side = True

    def events(self, body: Event) -> list[Event]:
        context = (body.get("context") or {}) if "batch" in body else {}
        common = {name: context[name] for name in ("library", "channel") if name in context}
        return [{**each, "context": {**(each.get("context") or {}), **common}} for each in super().events(body)]


class GivesUpWhenLimited(WrongBridge):
    """Takes every 4xx for a refusal."""

    rule = "LIM-1"

    def is_passing(self, status: int) -> bool:
        return status >= 500 or status == 0


class GivesUpAtOnce(WrongBridge):
    """Sends everything once and hopes."""

    rule = "DEL-1"
    also = frozenset({"LIM-1", "DEL-2"})

    def is_passing(self, status: int) -> bool:
        return False


class DropsTheRestAfterARefusal(WrongBridge):
    """Lets one refused event end the request that it came with."""

    rule = "DEL-1"
    also = frozenset({"ATT-1", "ATT-2", "AUD-2", "AUD-4"})

    def take(self, body: Event) -> None:
        self.refused = False
        super().take(body)

    def request(self, integration_id: str, attributes: dict[str, Any]) -> int:
        if self.refused:
            return 400
        status = super().request(integration_id, attributes)
        self.refused = status == 400
        return status


class DeliversBackwards(WrongBridge):
    """Takes the newest event of a batch first."""

    rule = "DEL-2"
    # With several updates of one name the last one counts.
    also = frozenset(
        {
            "ATT-1",
            "ATT-2",
            "ATT-4",
            "AUD-4",
            "AUD-6",
            "MAP-6",
            "MAP-8",
            "ID-1",
            "ID-3",
            "ID-4",
            "DEL-1",
            "LIM-1",
            "DEL-3",
        }
    )

    def in_order(self, events: list[Event]) -> list[Event]:
        return events[::-1]


class PutsFailuresBehind(WrongBridge):
    """Tries again later what failed, when what came after it has been delivered."""

    rule = "DEL-2"
    also = frozenset({"DEL-1", "LIM-1"})

    def take(self, body: Event) -> None:
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        super().take(body)
        for integration_id, attributes in self.waiting:
            super().forward(integration_id, attributes)

    def forward(self, integration_id: str, attributes: dict[str, Any]) -> None:
        if self.is_passing(self.request(integration_id, attributes)):
            self.waiting.append((integration_id, attributes))


class SortsByTimestamp(WrongBridge):
    """Takes the order in which things happened for the order in which they were accepted."""

    rule = "DEL-2"

    def in_order(self, events: list[Event]) -> list[Event]:
        return sorted(events, key=lambda event: event.get("timestamp") or "9")


class ForgetsMessageIds(WrongBridge):
    """Delivers whatever comes, however often it came."""

    rule = "DEL-3"

    def is_new(self, event: Event) -> bool:
        return True


class KnowsMessageIdsOfOneRequest(WrongBridge):
    """Looks for repetitions within a batch only."""

    rule = "DEL-3"

    def take(self, body: Event) -> None:
        self.message_ids.clear()
        super().take(body)


class LetsTheRepetitionWin(WrongBridge):
    """Takes a messageId that comes again with other traits for a correction."""

    rule = "DEL-3"

    def is_new(self, event: Event) -> bool:
        known: dict[str, Event] = self.__dict__.setdefault("known", {})
        first = known.setdefault(event["messageId"], event)
        return super().is_new(event) or event != first


class KnowsMessageIdsPerUser(WrongBridge):
    """Takes a messageId that comes again for another user for a new one."""

    rule = "DEL-3"

    def is_new(self, event: Event) -> bool:
        return super().is_new({**event, "messageId": f"{event['messageId']} {event.get('userId')}"})


class KnowsTheLastMessageIds(WrongBridge):
    """Remembers a hundred messageIds."""

    rule = "DEL-3"

    def is_new(self, event: Event) -> bool:
        last: list[str] = self.__dict__.setdefault("last", [])
        new = event["messageId"] not in last
        if new:
            self.last = [*last, event["messageId"]][-100:]
        return new


class TakesASyncForTheWholeAudience(WrongBridge):
    """Takes whoever is not in a sync for somebody who has left."""

    rule = "AUD-5"

    def take(self, body: Event) -> None:
        super().take(body)
        members: dict[tuple[str, str], set[str]] = self.__dict__.setdefault("members", {})
        synced: dict[tuple[str, str], dict[str, bool]] = {}
        for event in self.events(body):
            key, user = self.computation_key(event), str(event.get("userId"))
            if key:
                value = (event.get("traits") or {}).get(key)
                synced.setdefault((key, group_of(user)), {})[user] = value is True
        for (key, group), told in synced.items():
            before = members.get((key, group), set())
            for user in before - told.keys():
                self.forward(user, {key: False})
            members[key, group] = {user for user, member in told.items() if member}


class SendsEveryMemberEveryTime(WrongBridge):
    """Sends the whole audience with each sync, to be sure."""

    rule = "AUD-5"
    # A repeated member is delivered again.
    also = frozenset({"DEL-3"})

    def take(self, body: Event) -> None:
        members: dict[str, dict[str, Any]] = self.__dict__.setdefault("members", {})
        super().take(body)
        for event in self.events(body):
            key, user = self.computation_key(event), str(event.get("userId"))
            if key and self.is_sent(event) and self.attributes(event).get(key) is True:
                for member, attributes in members.items():
                    if group_of(member) == group_of(user) and member != user:
                        self.forward(member, attributes)
                members[user] = {key: True}
            elif key:
                members.pop(user, None)


def group_of(user: str) -> str:
    """What the ids of one case have in common: it is one audience, and many cases are put to one bridge."""
    return user.rpartition("-")[0]


ALL: tuple[type[WrongBridge], ...] = tuple(WrongBridge.__subclasses__())
