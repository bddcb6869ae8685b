"""Kills: member sets synced into a bridge that dies at any moment; what failed is asked for again, and all is right."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import quote

import httpx

from bridge_support import PATIENCE
from talon_contracts.exact_json import Json, decode, encode, same_value
from talon_contracts.memberships import Kind, Members, Row, Sent, changed, synced

OPTIONS = "?allowEmpty=true&force=true"
ROWS_A_CHUNK = 60
TRIES = 4


class Victim(Protocol):
    """A bridge that can be killed, and starts again with what is on its disk."""

    @property
    def url(self) -> str:
        """Where it is, while it lives."""

    def endanger(self, dice: random.Random, chunks: int) -> None:
        """From now on it may die at any moment of one request with so many parts."""

    def happened(self, last: bool) -> None:
        """A part of a request was sent."""

    def revive(self) -> bool:
        """End the danger; whether it had died, in which case it is started again."""


@dataclass
class Group:
    """A computation of the bridge, and what must have become of it."""

    path: str
    key: str
    kind: Kind
    members: Members = field(default_factory=dict)
    told: dict[str, list[Json]] = field(default_factory=dict)
    """What each user must have been told, in order."""

    @property
    def definition(self) -> dict[str, Json]:
        """As it is sent."""
        more: dict[str, Json] = {} if self.kind.audience else {"type": self.kind.type, "nullify": self.kind.nullify}
        return {"name": self.path, "key": self.key, **more}

    def take(self, members: Members, sent: Sent) -> None:
        """Take the next state, and who must be told."""
        self.members = members
        for user, value in sent.items():
            self.told.setdefault(user, []).append(value)


class Run:
    """Syncs and live changes in turn, each asked for until it is done, by so many kills at most.

    `complaints` say what was not as it must be, each beginning with the rule that says so.
    """

    def __init__(self, victim: Victim, groups: list[Group], users: list[str], seed: int, kills: int) -> None:
        self.victim, self.groups, self.users = victim, groups, users
        self.dice = random.Random(seed)
        self.deaths = 0
        self.moments: dict[str, int] = {}
        self.complaints: list[str] = []
        self.unfinished = {"failed", "interrupted", "not begun"}
        """States of a sync whose bridge died, from which it is asked for again."""
        self._left = kills
        self._client = httpx.Client(timeout=PATIENCE + 5, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def define(self) -> None:
        """Define the computations."""
        for group in self.groups:
            assert self.ask("PUT", f"/{group.path}", encode(group.definition)).status_code == 201

    def round(self, number: int) -> None:
        """One change of one computation, whatever happens meanwhile."""
        group = self.groups[number % len(self.groups)]
        share = self.dice.choice((0.1, 0.5, 0.9))
        wanted = {user: self.value(group.kind) for user in self.users if self.dice.random() < share}
        if group.members and self.dice.random() < 0.25:
            self.change(group, {user: wanted[user] for user in list(wanted)[:200]})
        else:
            self.sync(group, wanted)
            if self.dice.random() < 0.3:
                self.sync(group, wanted)  # done again it changes nothing

    def value(self, kind: Kind) -> Json:
        """A value that a member may have."""
        return True if kind.audience else self.dice.randint(1, 3)

    def sync(self, group: Group, wanted: Mapping[str, Json]) -> None:
        """Sync until a sync has finished."""
        rows = [Row((user,), value) for user, value in wanted.items()]
        expected = synced(group.members, rows, group.kind)
        lines = [encode({"user_id": user, "value": value}) + b"\n" for user, value in wanted.items()]
        chunks = [b"".join(lines[at : at + ROWS_A_CHUNK]) for at in range(0, len(lines), ROWS_A_CHUNK)] or [b"\n"]
        before = self.newest(group)
        for left in reversed(range(TRIES)):
            answered = self.endangered("POST", f"/{group.path}/sync{OPTIONS}", chunks, safe=not left)
            newest = self.newest(group)
            state = newest["state"] if newest and newest != before else "not begun"
            moment = f"{'answered' if answered else 'died'}, {state}"
            self.moments[moment] = self.moments.get(moment, 0) + 1
            if state == "finished":
                break
            if answered or state not in self.unfinished:
                self.complaints.append(f"AUD-5: a sync is {moment}, once all is settled")
        else:
            self.complaints.append(f"AUD-5: no sync has finished in {TRIES} times")
        group.take(expected.members, expected.sent)

    def change(self, group: Group, present: Mapping[str, Json]) -> None:
        """Change live membership until that is done."""
        gone = [user for user in group.members if user not in present and self.dice.random() < 0.2]
        expected = changed(group.members, dict(present), gone, group.kind)
        body: dict[str, Json] = {"set": dict(present), "remove": [*gone]}
        if group.kind.audience:
            body = {"add": [*present], "remove": [*gone]}
        for left in reversed(range(TRIES)):
            if self.endangered("POST", f"/{group.path}/members", [encode(body)], safe=not left):
                break
        group.take(expected.members, expected.sent)

    def endangered(self, method: str, path: str, chunks: list[bytes], *, safe: bool) -> bool:
        """One request that the bridge may not survive unless it is safe; whether it was answered well.

        Afterwards all is settled.
        """
        if self._left and not safe:
            self.victim.endanger(self.dice, len(chunks))

        def parts() -> Iterator[bytes]:
            for number, chunk in enumerate(chunks, 1):
                yield chunk
                self.victim.happened(number == len(chunks))

        kind = "application/json" if path.endswith("/members") else "application/x-ndjson"
        try:
            status = self.ask(method, path, parts(), {"Content-Type": kind}).status_code
        except httpx.TransportError:
            status = 0
        if self.victim.revive():
            self.deaths += 1
            self._left -= 1
        idle = self._client.get(f"{self.victim.url}/_bridge/idle?timeout={PATIENCE}")
        assert idle.status_code == 200, idle.text
        return status == 200

    def ask(self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        """A request to Engage."""
        told = {"Content-Type": "application/json"} if headers is None and content is not None else headers
        url = f"{self.victim.url}/_bridge/engage{path}"
        return self._client.request(method, url, content=content, headers=told)

    def newest(self, group: Group) -> Any:
        """The newest sync."""
        syncs = self.ask("GET", f"/{group.path}/syncs?limit=1").json()["syncs"]
        return syncs[0] if syncs else None

    def look(self, profiles: Mapping[str, Mapping[str, Any]]) -> None:
        """Compare members, profiles, and everything that ever went through the door."""
        events = self.events()
        for group in self.groups:
            listed = self.members(group)
            if not _same(listed, group.members):
                self.complaints.append(f"AUD-5: the members of {group.path} are {_few(listed, group.members)}")
            held = {user: each[group.key] for user, each in profiles.items() if group.key in each}
            last = {user: told[-1] for user, told in group.told.items() if told[-1] is not None}
            if not _same(held, last):
                self.complaints.append(f"AUD-4: the profiles hold of {group.key} {_few(held, last)}")
            told = events.get(group.key, {})
            if not _same(told, group.told):
                self.complaints.append(f"AUD-5: of {group.key} was told {_few(told, group.told)}")

    def members(self, group: Group) -> dict[str, Json]:
        """The members, page by page."""
        found: dict[str, Json] = {}
        after = ""
        while True:
            page: Any = decode(self.ask("GET", f"/{group.path}/members?limit=1000{after}").content)
            found |= {each["userId"]: each["value"] for each in page["members"]}
            if page["next"] is None:
                return found
            after = f"&after={quote(page['next'], safe='')}"

    def events(self) -> dict[str, dict[str, list[Json]]]:
        """What went through the door: by attribute and user, every value in order."""
        found: dict[str, dict[str, list[Json]]] = {}
        entries: list[Any] = []
        before = ""
        while True:
            url = f"{self.victim.url}/_bridge/events?limit=1000{before}"
            page: Any = decode(self._client.get(url).content)
            entries += page["events"]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        if len({each["messageId"] for each in entries}) < len(entries):
            self.complaints.append("DEL-3: a messageId came twice through the door")
        for each in reversed(entries):
            taken = sum(200 <= attempt["status"] < 300 for attempt in each["attempts"] if attempt["status"])
            if each["state"] != "delivered" or taken > 1:
                self.complaints.append(f"DEL-1: {each['messageId']} is {each['state']}, and was taken {taken} times")
            for trait in each["traits"]:
                found.setdefault(trait["attribute"], {}).setdefault(each["userId"], []).append(trait["value"])
        return found


def groups(boolean: str, number: str) -> list[Group]:
    """An audience, and a trait that nullifies, under two attributes."""
    return [
        Group("audiences/buyers", boolean, Kind()),
        Group("computed-traits/worth", number, Kind("number", audience=False, nullify=True)),
    ]


def _same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return same_value({**found}, {**wanted})


def _few(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """How two mappings differ, in a few words."""
    users = [user for user in sorted({*found, *wanted}) if not same_value(found.get(user), wanted.get(user))]
    shown = ", ".join(f"{user}: {found.get(user)!r} not {wanted.get(user)!r}" for user in users[:5])
    return f"{len(users)} users wrong: {shown}"
