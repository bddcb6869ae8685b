"""The audiences and computed traits of a running bridge, and their members: found by name, and printed."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from localtalon.bridge_client import BridgeClient, BridgeError
from localtalon.terminal import table
from talon_bridge import codec
from talon_bridge.nearest import nearest
from talon_contracts.reports.text import printable

Shown = dict[str, Any]
"""An audience or computed trait as the bridge shows it."""

_FOLDERS = {"audience": "audiences", "trait": "computed-traits"}
_NOUNS = {"audience": "audience", "trait": "computed trait"}
_HEADS = ("name", "class", "key", "type", "members", "queued", "last sync", "next sync")
_WIDEST = (32, 8, 32, 14, 12, 10, None, 24)  # characters of each column
_KEPT = ("type", "nullify", "maxLeaving")  # of a computed trait that is changed
UNKNOWN = "unknown_audience"  # the bridge's own code
_PAGE = 1000  # what the bridge lists at once


def listed(client: BridgeClient) -> list[Shown]:
    """All that there are, audiences first."""
    told = client.get("/_bridge/engage")
    return [*told["audiences"], *told["computedTraits"]]


def found(client: BridgeClient, text: str) -> Shown:
    """The one with this id, key or name, in that order. Raises `BridgeError`, which names the nearest one."""
    known = listed(client)
    for what in ("id", "key", "name"):
        same = [one for one in known if one[what] == text]
        if len(same) == 1:
            return same[0]
        if same:
            ids = " and ".join(repr(one["id"]) for one in same)
            raise BridgeError(f"{len(same)} are called {text[:120]!r}; name one by its id: {ids}")
    near = nearest(text, tuple(name for one in known for name in (one["id"], one["key"], one["name"])))
    hint = f"did you mean {near.name!r}?" if near else "`localtalon engage list` shows all, `engage define` makes one"
    raise BridgeError(f"there is no audience or computed trait {text[:120]!r}; {hint}", code=UNKNOWN)


def definition(before: Shown | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What defines one: what is given, and else what it was `before`. Its key stays by itself."""
    kept = () if before is None else ("maxLeaving",) if before["class"] == "audience" else _KEPT
    known = {} if before is None else {name: before[name] for name in kept}
    return known | {name: value for name, value in given.items() if value is not None}


def forgotten(client: BridgeClient, text: str) -> tuple[Shown, str]:
    """Drop one, also by the id of one that left the config: what the bridge answers, and what it was called."""
    try:
        one = found(client, text)
    except BridgeError as error:
        if error.code != UNKNOWN or not text:
            raise
        try:  # the bridge lists those no more, but keeps their members
            return client.delete(path("audience", text)), f"audience or computed trait {text!r}"
        except BridgeError as refusal:
            raise (error if refusal.code == UNKNOWN else refusal) from None
    return client.delete(place(one)), noun(one)


def path(kind: str, id: str) -> str:
    """Where one of this class is."""
    return f"/_bridge/engage/{_FOLDERS[kind]}/{quote(id, safe='')}"


def place(one: Shown) -> str:
    """Where one is."""
    return path(one["class"], one["id"])


def noun(one: Shown) -> str:
    """What messages call it."""
    return f"{_NOUNS[one['class']]} {one['name']!r}"


def members(client: BridgeClient, one: Shown) -> Iterator[list[Shown]]:
    """Every member by user id, in pages."""
    after: str | None = None
    while True:
        told = client.get(f"{place(one)}/members", after=after, limit=_PAGE)
        if told["members"]:
            yield told["members"]
        after = told["next"]
        if after is None:
            return


def member_for_people(one: Shown, member: Mapping[str, Any]) -> str:
    """A member, for computed traits with the value."""
    user = printable(member["userId"])
    return user if one["class"] == "audience" else f"{user}\t{codec.encode(member['value']).decode()}"


def for_people(shown: list[Shown]) -> Iterator[str]:
    """A table of them, what keeps any from being delivered, and why a last sync came to nothing."""
    if not shown:
        yield "no audiences and no computed traits"
        return
    yield from table(_HEADS, [_row(one) for one in shown], _WIDEST)
    for one in shown:
        if one["misfit"] is not None:
            yield ""
            yield printable(misfit(one))
    for one in shown:
        last = one["lastSync"]
        if last is not None and last["state"] in ("refused", "failed") and last["reason"]:
            yield ""
            yield printable(f"{noun(one)}: sync {last['number']} {last['state']}: {last['reason']}")


def misfit(one: Shown) -> str:
    """Why Talon.One does not take the values of one, and what mends it."""
    return f"{one['misfit']['message']}; {one['misfit']['hint']}"


def defined(one: Shown, created: bool) -> str:
    """What was defined."""
    done = "defined" if created else "changed"
    return printable(f"{done} the {noun(one)}: id {one['id']}, key {one['key']}, {one['type']} values")


def _row(one: Shown) -> tuple[str, ...]:
    last = one["running"] or one["lastSync"]
    return (
        one["name"],
        one["class"],
        one["key"],
        one["type"],
        f"{one['members']:,}",
        f"{one['queued']:,}",
        "-" if last is None else f"{last['state']} {last['endedAt'] or last['begunAt']}",
        one["nextRunAt"] or "-",
    )
