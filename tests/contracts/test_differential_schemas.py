"""Each schema accepts and refuses what the code accepts and refuses, for messages that are right and for spoilt ones.

Where the two differ on purpose, the difference is one of a closed list: taken out of a message, they agree; and each
still is one, or it would not be on the list.
"""

import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from contracts_support import API_KEY, MANAGEMENT_KEY
from talon_bridge import events
from talon_bridge.codec import MalformedError
from talon_contracts import schemas
from talon_contracts.exact_json import decode, encode
from talon_emulator import body
from talon_emulator.attributes import NewAttribute, check_definition
from talon_emulator.errors import Refusal
from talon_emulator.integration import ProfileUpdate
from talon_emulator.values import CHECKS

# The same cases every time: what differs is a matter of shape, and a shape that came once comes again.
pure = settings(max_examples=300, derandomize=True, database=None)
over_http = settings(max_examples=120, derandomize=True, database=None)

Path = tuple[str | int, ...]

IDENTIFY: dict[str, Any] = {
    "type": "identify",
    "userId": "u",
    "anonymousId": None,
    "messageId": "m",
    "timestamp": "2024-01-02T03:04:05Z",
    "originalTimestamp": "2024-01-02T03:04:05Z",
    "receivedAt": None,
    "sentAt": "2024-01-02T03:04:06Z",
    "channel": "server",
    "writeKey": "localtalon-write-key",
    "integrations": {"All": False, "Talon.One": True},
    "context": {
        "channel": "server",
        "library": {"name": "analytics-python", "version": "2"},
        "personas": {"computation_class": "audience", "computation_key": "vip"},
    },
    "traits": {"vip": True, "address": {"city": "Berlin"}, "tags": ["a"]},
}
TRACK = {"type": "track", "event": "Order Completed", "userId": "u", "properties": {"total": 1}}
DELETE: dict[str, Any] = {"type": "delete", "userId": "u", "context": [], "integrations": []}
STRANGE: dict[str, Any] = {"type": "x", "traits": {"a": 1}, "context": {"library": 1}}
BATCH: dict[str, Any] = {
    "batch": [IDENTIFY, TRACK, DELETE],
    "context": {"library": {"name": "unknown"}},
    "integrations": {"All": True},
    "sentAt": "2024-01-02T03:04:06Z",
    "timestamp": None,
    "writeKey": "localtalon-write-key",
}
UPDATE: dict[str, Any] = {
    "attributes": {"a": "x", "b": 1, "c": None, "d": ["x"], "e": {"format": "point", "object": "5, 7.2"}},
    "audiencesChanges": {"adds": [1], "deletes": []},
    "responseContent": ["customerProfile", "loyalty"],
    "evaluableCampaignIds": [1, 2],
}
DEFINITION: dict[str, Any] = {
    "entity": "CustomerProfile",
    "name": "address_city",
    "title": "Address city",
    "type": "string",
    "description": "",
    "suggestions": ["Berlin"],
    "editable": True,
    "eventType": None,
    "hasAllowedList": False,
    "restrictedBySuggestions": False,
    "subscribedApplicationsIds": [1, 2],
    "subscribedCatalogsIds": [1],
    "allowedSubscriptions": [],
    "id": 1,
    "created": "2024-01-02T03:04:05Z",
    "accountId": 1,
}
CART_ITEM = {**DEFINITION, "entity": "CartItem", "allowedSubscriptions": ["catalog", "application"]}
EVENT = {**DEFINITION, "entity": "Event", "eventType": "shirt_sold"}
ENGAGE = {**IDENTIFY, "traits": {"vip": False}}
COMPUTED = {
    **IDENTIFY,
    "context": {"personas": {"computation_class": "trait", "computation_key": "score"}},
    "traits": {"score": 1},
}
ANSWER: dict[str, Any] = {
    "effects": [],
    "createdCoupons": [],
    "createdReferrals": [],
    "customerProfile": {
        "id": 7,
        "created": "2024-01-02T03:04:05.123456Z",
        "integrationId": "u",
        "attributes": UPDATE["attributes"],
        "accountId": 1,
        "closedSessions": 0,
        "totalSales": Decimal("1.50"),
        "lastActivity": "2024-01-02T03:04:05Z",
        "loyaltyMemberships": None,
        "audienceMemberships": [{"id": 1, "name": "vip"}],
        "sandbox": True,
    },
}
ERROR = {"message": "x", "errors": [{"title": "t", "details": "d", "source": {"pointer": "/a"}}], "StatusCode": 400}
VECTORS = {
    "title": "t",
    "reading": "r",
    "input": "i",
    "expected": "e",
    "cases": [{"id": "a-1", "rules": ["MAP-1"], "note": "n", "input": {"a": [{"$number": "1.0"}]}, "expected": 1}],
}
MESSAGES: dict[str, tuple[Any, ...]] = {
    "segment-identify": (IDENTIFY, {"userId": "u"}),
    "segment-batch": (BATCH, {"batch": [DELETE, STRANGE]}),
    "engage-audience-identify": (ENGAGE,),
    "engage-trait-identify": (COMPUTED,),
    "talon-profile-update": (UPDATE, {"attributes": {"a": [1]}}),
    "talon-attribute-definition": (DEFINITION, CART_ITEM, EVENT),
    "talon-profile-answer": (ANSWER,),
    "talon-error": (ERROR,),
    "vector-file": (VECTORS,),
}

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**53 + 1, 10**30, Decimal("1.0"), Decimal("1.5"), Decimal("-0.0"), Decimal("1E+2")),
    *(
        "",
        "x",
        "1",
        "true",
        "identify",
        "delete",
        "track",
        "é" * 100,
        "é" * 101,
        "a\n",
        "30_day",
        "größe",
        "Vip",
        "a b",
    ),
    *([], [[]], [{}], [None], [1], [1, 1], [1, Decimal("1.0")], ["x", "x"], ["x", 1], [True], ["catalog"], ["x"] * 51),
    *({}, {"a": 1}, {"format": "point", "object": "5, 7.2"}, {"format": "point", "object": "5"}, {"$number": "1"}),
    *({"All": 1}, {"format": "point", "object": "1,1", "x": 1}, [{"format": "point", "object": " 1 , -2.50 "}]),
    *("string", "(list number)", "(list boolean)", "CartItem", "Event", "customerProfile", "2024-01-02"),
    *("customerProfile", ["customerProfile"], ["nothing"], [""], {"adds": []}, {"adds": [], "deletes": [1]}),
)
MEMBERS = (
    "type",
    "traits",
    "context",
    "attributes",
    "eventType",
    "allowedSubscriptions",
    "personas",
    "x",
    "adds",
    "$number",
)


# What is worth trying in one place: both sides of each edge.
EDGES: dict[str | int, tuple[Any, ...]] = {
    "messageId": ("é" * 100, "é" * 101, "😀" * 100, "", None),
    "userId": ("", None, 1, "x" * 1001),
    "type": (
        "identify",
        "track",
        "delete",
        "Identify",
        "",
        None,
        "string",
        "(list time)",
        "(list boolean)",
        "list string",
    ),
    "name": ("a", "A_9", "a\n", "30_day", "_a", "größe", "a-b", "a b", "", "x" * 300),
    "title": ("a", "A.b (c) ~*'!-_", "a\n", "30 day", " a", "größe", "a/b", ""),
    "entity": ("CustomerProfile", "CartItem", "Event", "customerProfile", "Store"),
    "suggestions": (["x"] * 50, ["x"] * 51, [""], ["a", "a"], []),
    "subscribedApplicationsIds": ([1, 1], [1, 2], [0, -1], [], ["1"]),
    "subscribedCatalogsIds": ([1, 1], [], ["1"]),
    "allowedSubscriptions": (["catalog"], ["catalog"] * 2, ["application"] * 3, [], ["x"]),
    "eventType": ("x", "", None, 1),
    "responseContent": (["loyalty", "achievements"], ["loyalty"] * 2, [""], ["nothing"], [], ["Event"]),
    "audiencesChanges": ({"adds": []}, {"deletes": []}, {"adds": [], "deletes": [1]}, {"adds": None, "deletes": []}),
    "object": ("1,2", " -1.5 , 2 ", "1, 2\n", "1;2", "1,2,3", "1.,2", "Berlin", ""),
    "format": ("point", "Point", ""),
    "context": ([], [1], {}, None, "x"),
    "integrations": ([], [1], {}, None, {"All": "x"}),
    "traits": ([], {}, None, [{}], "x"),
}


def places(value: Any, above: Path = ()) -> Iterator[Path]:
    """Where everything in a message stands, the message itself included."""
    yield above
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*above, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*above, index))


def at(message: Any, path: Path) -> Any:
    for step in path:
        message = message[step]
    return message


@st.composite
def spoilt(draw: DrawFn, name: str) -> Any:
    """A right message with up to three things wrong, or odd, or right in another way."""
    message = copy.deepcopy(draw(st.sampled_from(MESSAGES[name])))
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 3)))):
        path = draw(st.sampled_from(list(places(message))))
        choices = VALUES if not path else VALUES + EDGES.get(path[-1], ()) * 4
        value = copy.deepcopy(draw(st.sampled_from(choices)))
        if not path:
            message = draw(st.sampled_from((message, message, message, value)))
            continue
        owner, last = at(message, path[:-1]), path[-1]
        if draw(st.integers(0, 3)) == 0:
            del owner[last]
        elif isinstance(owner[last], dict) and draw(st.booleans()):
            owner[last][draw(st.sampled_from(MEMBERS))] = value
        else:
            owner[last] = value
    return message


def changed_once(name: str) -> Iterator[Any]:
    """Every right message with every one thing wrong, or odd, in every place of it."""
    for right in MESSAGES[name]:
        for path in places(right):
            if path:
                message = copy.deepcopy(right)
                del at(message, path[:-1])[path[-1]]
                yield message
            for value in (*VALUES, *(EDGES.get(path[-1], ()) if path else ())):
                if not path:
                    yield value
                    continue
                message = copy.deepcopy(right)
                at(message, path[:-1])[path[-1]] = copy.deepcopy(value)
                yield message
            if isinstance(at(right, path), dict):
                for member in MEMBERS:
                    message = copy.deepcopy(right)
                    at(message, path)[member] = None if member in ("x", "traits") else 1
                    yield message


@functools.cache
def messages(name: str) -> SearchStrategy[Any]:
    return spoilt(name)


def valid(name: str, message: Any) -> bool:
    return schemas.problems(name, message) == ()


# ----- the code ---------------------------------------------------------------------------------------------------


def door_takes(read: Callable[[bytes], object]) -> Callable[[Any], bool]:
    def takes(message: Any) -> bool:
        try:
            read(encode(message))
        except MalformedError:
            return False
        return True

    return takes


takes_identify = door_takes(lambda text: events.single(text, "identify", 0.0, lambda: "new"))
takes_batch = door_takes(lambda text: events.batch(text, 0.0, lambda: "new"))
_UPDATE = body.decoder(ProfileUpdate)
_NEW_ATTRIBUTE = body.decoder(NewAttribute)


def takes_update(message: Any) -> bool:
    """Whether the emulator reads it, and each value is one that an attribute of some type takes."""
    update = body.decode(encode(message), _UPDATE)
    if isinstance(update, Refusal):
        return False
    values = (update.attributes or {}).values()
    return all(value is None or any(check(value) for check in CHECKS.values()) for value in values)


def takes_definition(message: Any) -> bool:
    new = body.decode(encode(message), _NEW_ATTRIBUTE)
    return not isinstance(new, Refusal) and check_definition(new) == ()


# ----- the differences --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One way in which a schema and the code differ on purpose.

    `example` shows it; `without` takes it out of a message, which is changed in place.
    """

    why: str
    example: Any
    without: Callable[[Any], None]

    def __str__(self) -> str:
        return self.why


def drop(*members: str) -> Callable[[Any], None]:
    def without(message: Any) -> None:
        if isinstance(message, dict):
            for member in members:
                message.pop(member, None)

    return without


def keep(*members: str, within: str | None = None) -> Callable[[Any], None]:
    """Take away every other member, of the message or of one of its members."""

    def without(message: Any) -> None:
        inner = message if within is None or not isinstance(message, dict) else message.get(within)
        if isinstance(inner, dict):
            for member in inner.keys() - set(members):
                del inner[member]

    return without


def absent_nulls(message: Any) -> None:
    if isinstance(message, dict):
        for member in [member for member, value in message.items() if value is None]:
            del message[member]


def whole_integers(message: Any) -> None:
    """Write 1.0 as 1, wherever it stands in a list of integers."""
    for path in list(places(message)):
        value = at(message, path)
        if isinstance(value, Decimal) and value == value.to_integral_value() and path:
            at(message, path[:-1])[path[-1]] = int(value)


def opened(message: Any) -> None:
    """Empty the objects that only the schemas look into."""
    for member in ("context", "integrations"):
        if isinstance(message, dict) and isinstance(message.get(member), dict):
            message[member] = {}


def arrays_as_objects(message: Any) -> None:
    for member in ("context", "integrations"):
        if isinstance(message, dict) and message.get(member) == []:
            message[member] = {}


def typed(message: Any) -> None:
    if isinstance(message, dict) and message.get("type", "identify") is None:
        del message["type"]


def in_each_item(change: Callable[[Any], None]) -> Callable[[Any], None]:
    def without(message: Any) -> None:
        if isinstance(message, dict) and isinstance(message.get("batch"), list):
            for item in message["batch"]:
                change(item)

    return without


def nothing(message: Any) -> None:
    """For what no drawn message has."""


TOO_DEEP: Any = decode('{"a":' * 70 + "1" + "}" * 70)
LOOKED_INTO = (
    "the schemas look into context and integrations; the door reads there what it knows, and minds nothing else"
)
UNREAD = "the schemas type times that the destination does not read"
ARRAYS = (
    "an empty array for context or integrations is taken by the door in every call; Segment sends it in one (delete)"
)
LIMITS = "the door also has limits: bytes, depth, digits, the double range"
UNKNOWN_MEMBERS = "the emulator ignores members that it does not know (observed); the schema is what a bridge may send"
NULLS = "the emulator takes null for an optional member that is absent (assumed)"
FRACTIONS = "1.0 is an integer to JSON Schema, and none to the emulator, as to Go"

DIFFERENCES: dict[str, tuple[Difference, ...]] = {
    "segment-identify": (
        Difference(UNREAD, {"receivedAt": 1}, drop("receivedAt", "originalTimestamp")),
        Difference(LOOKED_INTO, {"context": {"library": 1}}, opened),
        Difference(ARRAYS, {"context": []}, arrays_as_objects),
        Difference("a null type is as good as none; the path says it", {"type": None, "userId": "u"}, typed),
        Difference(LIMITS, {"traits": {"a": "x" * 40_000}}, nothing),
        Difference(LIMITS, {"traits": TOO_DEEP}, nothing),
        Difference(LIMITS, {"traits": {"a": Decimal("1E+400")}}, nothing),
    ),
    "segment-batch": (
        Difference(
            UNREAD, {"batch": [{"type": "x", "receivedAt": 1}]}, in_each_item(drop("receivedAt", "originalTimestamp"))
        ),
        Difference(LOOKED_INTO, {"batch": [], "integrations": {"All": 1}}, opened),
        Difference(LOOKED_INTO, {"batch": [{"type": "track", "context": {"channel": 1}}]}, in_each_item(opened)),
        Difference(ARRAYS, {"batch": [], "context": []}, arrays_as_objects),
        Difference(ARRAYS, {"batch": [{"type": "track", "context": []}]}, in_each_item(arrays_as_objects)),
        Difference(
            "the write key of an item is not read",
            {"batch": [{"type": "x", "writeKey": 1}]},
            in_each_item(drop("writeKey")),
        ),
        Difference(LIMITS, {"batch": [{"type": "x", "a": "x" * 40_000}]}, nothing),
    ),
    "talon-profile-update": (
        Difference(UNKNOWN_MEMBERS, {"x": 1}, keep(*UPDATE)),
        Difference(
            UNKNOWN_MEMBERS,
            {"audiencesChanges": {"adds": [], "deletes": [], "x": 1}},
            keep("adds", "deletes", within="audiencesChanges"),
        ),
        Difference(NULLS, {"attributes": None}, absent_nulls),
        Difference(FRACTIONS, {"evaluableCampaignIds": [Decimal("1.0")]}, whole_integers),
    ),
    "talon-attribute-definition": (
        Difference(
            "what only answers carry is not read", {**DEFINITION, "id": "x"}, drop("id", "created", "accountId")
        ),
        Difference(FRACTIONS, {**DEFINITION, "subscribedCatalogsIds": [Decimal("1.0")]}, whole_integers),
    ),
}
CODE: dict[str, Callable[[Any], bool]] = {
    "segment-identify": takes_identify,
    "segment-batch": takes_batch,
    "talon-profile-update": takes_update,
    "talon-attribute-definition": takes_definition,
}
EACH = [(name, difference) for name, differences in DIFFERENCES.items() for difference in differences]


@pytest.mark.parametrize("name", CODE)
def test_schema_and_code_agree(name: str) -> None:
    counts = {True: 0, False: 0}

    @pure
    @given(messages(name))
    def agree(message: Any) -> None:
        for difference in DIFFERENCES[name]:
            difference.without(message)
        assert valid(name, message) == CODE[name](message)
        counts[CODE[name](message)] += 1

    agree()
    assert min(counts.values()) > 50, counts


@pytest.mark.parametrize("name", CODE)
def test_schema_and_code_agree_on_every_single_change(name: str) -> None:
    counts = {True: 0, False: 0}
    for message in changed_once(name):
        for difference in DIFFERENCES[name]:
            difference.without(message)
        verdict = CODE[name](message)
        assert valid(name, message) == verdict, message
        counts[verdict] += 1
    assert min(counts.values()) > 200, counts


@pytest.mark.parametrize(("name", "difference"), EACH, ids=str)
def test_each_difference_still_is_one(name: str, difference: Difference) -> None:
    assert valid(name, difference.example) != CODE[name](difference.example)
    if difference.without is not nothing:
        message = copy.deepcopy(difference.example)
        difference.without(message)
        assert valid(name, message) == CODE[name](message)


@pytest.mark.parametrize("name", MESSAGES)
def test_both_validators_agree(name: str) -> None:
    counts = {True: 0, False: 0}

    @pure
    @given(messages(name))
    def agree(message: Any) -> None:
        verdict = schemas.validator(name).is_valid(message)
        assert valid(name, message) == verdict
        counts[verdict] += 1

    agree()
    assert min(counts.values()) > 10, counts


def test_every_schema_of_a_message_is_spoilt() -> None:
    assert MESSAGES.keys() == set(schemas.names()) - {"definitions"}


@pytest.mark.parametrize("name", ["talon-profile-update", "talon-attribute-definition"])
def test_answers_of_the_emulator_are_valid_whatever_it_was_asked(name: str, talon_one_url: str) -> None:
    method, path, key, answers = {
        "talon-profile-update": (
            "PUT",
            "/v2/customer_profiles/u",
            f"ApiKey-v1 {API_KEY}",
            {200: "talon-profile-answer"},
        ),
        "talon-attribute-definition": (
            "POST",
            "/v1/attributes",
            f"ManagementKey-v1 {MANAGEMENT_KEY}",
            {201: "talon-attribute-definition"},
        ),
    }[name]
    seen = set()
    with httpx.Client(base_url=talon_one_url, headers={"authorization": key}, trust_env=False) as client:
        assert client.post("/_emulator/limits", json={"limits": "off"}).status_code == 200

        @over_http
        @given(messages(name))
        def asked(message: Any) -> None:
            answer = client.request(method, path, content=encode(message))
            seen.add(answer.status_code)
            schema = answers.get(answer.status_code, "talon-error")
            assert answer.status_code in (*answers, 400, 409)
            assert schemas.problems(schema, answer.json()) == ()

        asked()
    assert {400, *answers} <= seen
