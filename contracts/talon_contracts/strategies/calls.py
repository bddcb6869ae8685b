"""Whole calls: user ids, call types, the integrations object and sources; one case strategy per ID and SRC rule."""

import functools
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Object
from talon_contracts.oracle import CLIENT_SIDE_CHANNELS, CLIENT_SIDE_LIBRARIES, LONGEST_INTEGRATION_ID
from talon_contracts.strategies.case import Case, Draft, Identity
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.traits import alone_or_batched, call, nest, plain_pairs

_ODD_ENDS: Final = (
    " ",
    "\t",
    "\n",
    "\u00a0",
    "/",
    "//",
    "../",
    "/..",
    "/.",
    ".",
    "%",
    "%2F",
    "%00",
    "?",
    "?a=b&c",
    "#",
    ";",
    ":",
    "@",
    "+",
    "&",
    "=",
    "\\",
    '"',
    "'",
    "<b>",
    "\x00",
    "\x7f",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "ABC",
    "abc",
    "😀",
    "👩‍👩‍👧",
    "\u202e",
    "null",
    "0",
)
_SERVER_SIDE: Final = ("analytics-python", "analytics-node", "@segment/analytics-node", "analytics-java", "unknown")
_SERVER_CHANNELS: Final = ("server", "", "Browser", "other")
_OTHER_TYPES: Final = ("track", "page", "screen", "group", "alias")
# Not of the tracking API: Segment's message to delete a user, and what nobody sends yet.
_UNKNOWN_TYPES: Final = ("delete", "delete", "Identify", "identify ", "x")
_OWN_KEYS: Final[tuple[Object, ...]] = (
    {},
    {"Talon.One": False},
    {"Talon.One": True},
    {"Talon.One": None},
    {"Talon.One": {"option": True}},
    {"Talon_One": False},
    {"Talon_One": True},
    {"Talon_One": {}},
    {"Talon_One": "no"},
    {"Talon_One": True, "Talon.One": False},
    {"Talon.One": True, "Talon_One": False},
)
_OTHER_KEYS: Final[tuple[Object, ...]] = (
    {},
    {"All": False},
    {"All": True},
    {"all": False},
    {"all": False, "All": True},
    {"All": {"option": False}, "all": False},
    {"All": False, "Salesforce": True},
    {"Talon.One (Actions)": False, "talon.one": False, "Warehouses": {"all": False}},
)


@functools.cache
def user_id_ends() -> SearchStrategy[str]:
    """What to put before or after the tag that makes a user id unique: mostly odd, at times nothing."""
    return st.one_of(st.sampled_from(("", "/", "a/b", " ", " ", "%2F", "%25", *_ODD_ENDS)), st.text(max_size=6))


@st.composite
def odd_ids(draw: DrawFn, names: Names) -> Case:
    """ID-1: ids with odd characters, ids at and beyond the longest, and the two that are never sent."""
    kind = draw(st.sampled_from(("odd", "odd", "odd", "long", "long", "dots")))
    case = Case((), envelope=draw(alone_or_batched()))
    if kind == "dots":
        case = replace(case, whole=draw(st.sampled_from((".", ".."))))
    else:
        case = replace(case, before=draw(user_id_ends()), after=draw(user_id_ends()))
    if kind == "long":
        case = replace(case, length=draw(st.sampled_from((LONGEST_INTEGRATION_ID, LONGEST_INTEGRATION_ID + 1, 1500))))
    return replace(case, drafts=tuple(draw(st.lists(plain_pairs(names).map(call), min_size=1, max_size=2))))


@st.composite
def anonymous(draw: DrawFn, names: Names) -> Case:
    """ID-2: identifies without a user, most of them with an anonymousId, at times beside one with a user."""
    nobody: SearchStrategy[Identity] = st.sampled_from(("absent", "null", "empty"))
    ids: SearchStrategy[Identity] = st.sampled_from(("given", "given", "absent", "null"))
    first = replace(draw(plain_pairs(names).map(call)), user=draw(nobody), anonymous=draw(ids))
    more = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    drafts = draw(st.permutations([first, *more]))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


@st.composite
def other_types(draw: DrawFn, names: Names) -> Case:
    """ID-3: calls of other types, known and unknown, that carry traits wherever they can, beside identifies."""
    kind = draw(st.sampled_from(_OTHER_TYPES * 2 + _UNKNOWN_TYPES))
    carried = draw(plain_pairs(names).map(nest))
    body: Object = {"type": kind, "traits": carried, "properties": carried, "context": {"traits": carried}}
    body |= {"event": "Order Completed", "name": "Home", "groupId": "g1", "previousId": "p1"}
    if kind == "delete":
        body |= {"context": [], "integrations": []}  # as Segment sends it (documented)
    more = draw(st.lists(plain_pairs(names).map(call), max_size=2))
    drafts = draw(st.permutations([Draft(body), *more]))
    return Case(tuple(drafts), envelope={})


@st.composite
def integrations(draw: DrawFn, names: Names) -> Case:
    """ID-4: integrations on the call, on its batch, or both, with all keys and kinds of value that occur."""
    own: Object | None = draw(st.one_of(st.none(), _integrations()))
    of_batch: Object | None = draw(st.one_of(st.none(), _integrations()))
    envelope: Object | None = draw(alone_or_batched()) if of_batch is None else {"integrations": of_batch}
    draft = draw(plain_pairs(names).map(call))
    if own is not None:
        draft = replace(draft, body={**draft.body, "integrations": own})
    return Case((draft,), envelope=envelope)


@functools.cache
def _integrations() -> SearchStrategy[Object]:
    return st.builds(lambda own, rest: {**own, **rest}, st.sampled_from(_OWN_KEYS), st.sampled_from(_OTHER_KEYS))


@st.composite
def sources(draw: DrawFn, names: Names) -> Case:
    """SRC-1: calls from client-side and server-side libraries and channels."""
    draft = draw(plain_pairs(names).map(call))
    client_side = draw(st.booleans())
    libraries = sorted(CLIENT_SIDE_LIBRARIES) if client_side else _SERVER_SIDE
    channels = sorted(CLIENT_SIDE_CHANNELS) if client_side else _SERVER_CHANNELS
    context: Object = {}
    body: Object = {**draft.body, "context": context}
    marks = draw(st.sets(st.sampled_from(("library", "channel", "context.channel")), min_size=1))
    if "library" in marks:
        context["library"] = {"name": draw(st.sampled_from(libraries)), "version": "1.0.0"}
    if "channel" in marks:
        body["channel"] = draw(st.sampled_from(channels))
    if "context.channel" in marks:
        context["channel"] = draw(st.sampled_from(channels))
    return Case((replace(draft, body=body),), envelope=draw(alone_or_batched()))


@functools.cache
def surroundings() -> SearchStrategy[Object]:
    """Members that real libraries send and that must change nothing, `integrations` and `context` not among them."""
    return st.fixed_dictionaries(
        {},
        optional={
            "timestamp": st.sampled_from(("2024-05-03T19:42:50.066Z", "2015-2-02T00:30:08.276Z", None)),
            "originalTimestamp": st.just("2024-05-03T19:42:50.066179717Z"),
            "sentAt": st.sampled_from((None, "2024-05-03T19:42:51.000123+00:00")),
            "_metadata": st.just({"nodeVersion": "20.0.0", "jsRuntime": "node"}),
            "email": st.just("someone@example.com"),
            "projectId": st.just("p1"),
        },
    )
