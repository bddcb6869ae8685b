"""A tiny Engage that is obviously right: one small step per rule, each of which a wrong Engage can override."""

import csv
import io
import itertools
import re
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from talon_contracts.exact_json import decode, encode, same_json
from talon_contracts.targets import CannotJudge, Connection
from talon_contracts.value_types import accepts_value

COUNTED = ("read", "refused", "anonymous", "conflicting", "duplicates", "entered", "left", "changed", "unchanged")
Members = dict[str, Any]


class Died(Exception):
    """The process was killed."""


class Refusal(Exception):
    """A request is refused, with a status and a code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.document = status, {"error": {"code": code, "message": message, "hint": ""}}


@dataclass
class Row:
    """A row as it was read; an error says why it could not be."""

    ids: list[str]
    value: Any = True
    line: int = 0
    error: str = ""


@dataclass
class Computation:
    """An audience or a computed trait, with all that is kept of it on the disk."""

    path: str
    name: str
    key: str
    type: str | None
    nullify: bool
    members: Members = field(default_factory=dict)
    queue: list[tuple[int, str, Any]] = field(default_factory=list)
    syncs: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    reading: bool = False

    @property
    def audience(self) -> bool:
        """Whether it is one."""
        return self.path.startswith("audiences")


class RightEngage:
    """Sends what a sync changes before it answers, and therefore is always idle."""

    shows_events = False

    def __init__(self, talon_one_url: str, api_key: str) -> None:
        self.computations: dict[str, Computation] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.dying_after: int | None = None
        self._numbers = itertools.count(1)
        self._talon_one = Connection(talon_one_url)
        self._headers = {"Authorization": f"ApiKey-v1 {api_key}", "Content-Type": "application/json"}

    # The steps, in the order in which a sync takes them.

    def key(self, definition: dict[str, Any]) -> str:
        """The key of a definition."""
        if "key" in definition:
            return str(definition["key"])
        letters = re.sub("[A-Z]", lambda letter: letter[0].lower(), definition["name"])
        return re.sub("[^a-z0-9]+", "_", letters).strip("_")

    def key_problem(self, key: str, taken: list[str]) -> str:
        """Why it cannot be had."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
            return "bad_key"
        return "key_taken" if key in taken else ""

    def may_begin(self, computation: Computation) -> bool:
        """Whether a sync may begin now."""
        return not computation.reading

    def broken_off(self, body: bytes) -> bytes:
        """What to make of a body that ended too early."""
        raise Refusal(400, "bad_source", "the body broke off")

    def id(self, text: str) -> str:
        """The user id of a row."""
        return text

    def usable(self, user: str) -> bool:
        """Whether it can be sent."""
        return user not in (".", "..") and len(user) <= 1000

    def value(self, computation: Computation, value: Any) -> Any:
        """What is sent for a value."""
        return value

    def leaving(self, computation: Computation) -> Any:
        """What is sent to those who leave."""
        return False if computation.audience else None

    def leavers(self, computation: Computation, present: Members) -> list[str]:
        """Who leaves, when these are in the source."""
        if not (computation.audience or computation.nullify):
            return []
        return [user for user in computation.members if user not in present]

    def unchanged(self, computation: Computation, user: str, value: Any) -> bool:
        """Whether a member has this value already."""
        return user in computation.members and same_json(computation.members[user], value)

    def too_many(self, left: int, before: int, share: float) -> bool:
        """Whether so many may not leave at once."""
        return left > share * before

    def kept_refused(self, computation: Computation, present: Members) -> None:
        """What becomes of the members when a sync is refused."""

    def message_id(self, number: int) -> str:
        """The messageId of a change."""
        return f"personas_{number}"

    def numbers_of(self, changes: list[tuple[str, Any]]) -> list[tuple[int, str, Any]]:
        """The changes as they are queued, each with a number of its own."""
        return [(next(self._numbers), user, value) for user, value in changes]

    def counts(self, counts: dict[str, int]) -> dict[str, int]:
        """What is told of what was counted."""
        return counts

    # A sync.

    async def sync(self, computation: Computation, body: "Body", query: dict[str, str]) -> dict[str, Any]:
        """Read, compare, decide, send."""
        if not self.may_begin(computation):
            raise Refusal(409, "sync_running", "a sync is running")
        told: dict[str, Any] = {
            "number": next(self._numbers),
            "state": "reading",
            "sent": 0,
            "counts": {},
            "reason": "",
        }
        computation.syncs.append(told)
        computation.reading = True
        try:
            rows = read(await body.text(self.broken_off), computation, body.kind)
            self.decide(computation, rows, told, query)
        except Refusal as refusal:
            told["state"] = "failed" if refusal.status == 400 else "refused"
            raise
        finally:
            computation.reading = False
        self.send(computation)
        return told

    def decide(self, computation: Computation, rows: list[Row], told: dict[str, Any], query: dict[str, str]) -> None:
        """Compare what was read with the members; what is decided is on the disk."""
        counts = told["counts"] = dict.fromkeys((*COUNTED, "membersBefore"), 0)
        counts["membersBefore"] = len(computation.members)
        present: Members = {}
        for row in rows:
            for reason in self.take(computation, row, present, counts):
                counts["refused"] += 1
                kept = computation.refused.setdefault(told["number"], [])
                kept.append({"line": row.line, "file": "", "reason": reason, "excerpt": ""})
        changes = [(user, value) for user, value in present.items() if not self.unchanged(computation, user, value)]
        leaving = self.leavers(computation, present)
        counts["entered"] = sum(user not in computation.members for user, _ in changes)
        counts["changed"] = len(changes) - counts["entered"]
        counts |= {"left": len(leaving), "unchanged": len(present) - len(changes)}
        try:
            self.guard(counts, present, query)
        except Refusal:
            self.kept_refused(computation, present)
            raise
        for user in leaving:
            computation.members.pop(user, None)
        computation.members |= present
        computation.queue += self.numbers_of([*changes, *((user, self.leaving(computation)) for user in leaving)])
        told |= {"state": "finished", "sent": len(computation.queue), "counts": self.counts(counts)}

    def take(self, computation: Computation, row: Row, present: Members, counts: dict[str, int]) -> list[str]:
        """Take one row; why it is refused, or for some of its ids."""
        counts["read"] += 1
        if row.error or any(not self.usable(user) for user in row.ids):
            return [row.error or "not an id (ID-1)"]
        if not row.ids:
            counts["anonymous"] += 1
            return ["anonymous (ID-2)"]
        if row.value is not None and not accepts_value(computation.type or "boolean", row.value):
            return ["not a value of the type"]
        users = [self.id(user) for user in row.ids]
        earlier = [present[user] for user in users if user in present]
        present |= {user: row.value for user in users if user not in present}
        if not all(same_json(value, row.value) for value in earlier):
            counts["conflicting"] += 1
            return ["another value than before"]
        counts["duplicates"] += bool(earlier)
        return []

    def guard(self, counts: dict[str, int], present: Members, query: dict[str, str]) -> None:
        """Refuse what may be a mistake."""
        if not present and "allowEmpty" not in query:
            raise Refusal(409, "empty_source", "nobody is in the source")
        share = float(query.get("maxLeaving", "0.5"))
        if "force" not in query and counts["read"] and self.too_many(counts["left"], counts["membersBefore"], share):
            raise Refusal(409, "too_many_leave", "too many leave")

    def change(self, computation: Computation, change: dict[str, Any]) -> dict[str, int]:
        """Live membership."""
        counts = dict.fromkeys(("entered", "left", "changed", "unchanged"), 0)
        changes: list[tuple[str, Any]] = []
        for user, value in {**dict.fromkeys(change.get("add", ()), True), **change.get("set", {})}.items():
            known = user in computation.members
            if self.unchanged(computation, user, value):
                counts["unchanged"] += 1
                continue
            counts["changed" if known else "entered"] += 1
            computation.members[user] = value
            changes.append((user, value))
        for user in change.get("remove", ()):
            if computation.members.pop(user, self) is not self:
                counts["left"] += 1
                changes.append((user, self.leaving(computation)))
        computation.queue += self.numbers_of(changes)
        self.send(computation)
        return counts

    def send(self, computation: Computation) -> None:
        """Let the queue through the door, and to Talon.One."""
        while computation.queue:
            number, user, value = computation.queue[0]
            if self.message_id(number) not in self.events:
                self.deliver(computation, self.message_id(number), user, self.value(computation, value))
            if self.dying_after is not None:
                self.dying_after -= 1
                if self.dying_after < 0:
                    self.dying_after = None
                    raise Died
            del computation.queue[0]

    def deliver(self, computation: Computation, message_id: str, user: str, value: Any) -> None:
        """One identify."""
        personas = {"computation_key": computation.key, "computation_id": "x", "space_id": "x", "namespace": "x"}
        personas["computation_class"] = "audience" if computation.audience else "trait"
        event = {"type": "identify", "userId": user, "messageId": message_id, "traits": {computation.key: value}}
        self.events[message_id] = {**event, "context": {"personas": personas}}
        path = f"/v2/customer_profiles/{quote(user, safe='')}"
        self._talon_one.request("PUT", path, self._headers, encode({"attributes": {computation.key: value}}))

    def start(self) -> None:
        """After the process has died: go on with what was decided."""
        for computation in self.computations.values():
            computation.reading = False
            self.send(computation)

    def close(self) -> None:
        """Close the connection to Talon.One."""
        self._talon_one.close()

    # The server.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            self.close()
            return
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
        body = Body(scope, receive)
        try:
            status, document = await self.answer(scope["method"], scope["raw_path"].decode(), query, body)
        except Refusal as refusal:
            status, document = refusal.status, refusal.document
        except (Died, CannotJudge):
            status, document = 500, {}
        lines = isinstance(document, list)
        text = b"".join(encode(each) + b"\n" for each in document) if lines else encode(document)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": text})

    async def answer(self, method: str, path: str, query: dict[str, str], body: "Body") -> tuple[int, Any]:
        """What is answered to a request."""
        if path == "/_bridge/idle":
            return 200, {"idle": True}
        if path.startswith("/_bridge/events"):
            return self.shown(unquote(path.removeprefix("/_bridge/events").lstrip("/")), query)
        parts = path.removeprefix("/_bridge/engage").strip("/").split("/")
        if parts == [""]:
            return 200, {"audiences": [self.told(each) for each in self.computations.values()], "computedTraits": []}
        place, action = "/".join(parts[:2]), parts[2:]
        if method == "PUT":
            return self.define(place, await body.json())
        computation = self.computations.get(place)
        if computation is None:
            raise Refusal(404, "unknown_audience", "there is none")
        return await self.act(computation, method, action, query, body)

    async def act(
        self, it: Computation, method: str, action: list[str], query: dict[str, str], body: "Body"
    ) -> tuple[int, Any]:
        """What is answered about one computation."""
        if method == "DELETE":
            del self.computations[it.path]
            return 200, {"deleted": True}
        if action == ["sync"]:
            return 200, await self.sync(it, body, query)
        if action == ["members"] and method == "POST":
            return 200, self.change(it, await body.json())
        if action == ["members"]:
            return 200, members_of(it, query)
        if action == ["syncs"]:
            return 200, {"syncs": it.syncs[::-1][: int(query.get("limit", 10))]}
        if action[:1] == ["syncs"]:
            return 200, it.refused.get(int(action[1]), [])
        return 200, self.told(it)

    def define(self, place: str, definition: dict[str, Any]) -> tuple[int, Any]:
        """Keep a definition."""
        before = self.computations.get(place)
        if before is not None:
            if definition.get("key", before.key) != before.key:
                raise Refusal(409, "key_fixed", f"{definition['name']} has another key")
            before.name = definition["name"]
            return 200, self.told(before)
        key = self.key(definition)
        problem = self.key_problem(key, [each.key for each in self.computations.values()])
        if problem:
            raise Refusal(400, problem, f"{definition['name']} cannot have the key {key}")
        made = Computation(place, definition["name"], key, definition.get("type"), definition.get("nullify", False))
        self.computations[place] = made
        return 201, self.told(made)

    def told(self, it: Computation) -> dict[str, Any]:
        """How it is shown."""
        running = it.syncs[-1] if it.reading else None
        counts = {"members": len(it.members), "queued": len(it.queue)}
        return {"name": it.name, "key": it.key, "running": running, **counts}

    def shown(self, message_id: str, query: dict[str, str]) -> tuple[int, Any]:
        """Events, the newest first, or one by its messageId."""
        if not self.shows_events:
            return 404, {}
        if message_id:
            return 200, {"event": self.events[message_id]}
        found = [entry(each) for each in self.events.values() if each["userId"] == query.get("userId", each["userId"])]
        return 200, {"events": found[::-1], "next": None}


class ShowingEngage(RightEngage):
    """The right Engage, which shows what went through its door."""

    shows_events = True


class Body:
    """The body of a request."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        self._headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.kind = self._headers.get("content-type", "")

    async def json(self) -> Any:
        """As JSON."""
        return decode(await self.text(lambda body: body))

    async def text(self, broken_off: Any) -> bytes:
        """All of it, unpacked."""
        body, more = b"", True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                whole: bytes = broken_off(body)
                return whole
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if self._headers.get("content-encoding") != "gzip":
            return body
        packed = zlib.decompressobj(wbits=31)
        try:
            text = packed.decompress(body)
        except zlib.error:
            return bytes(broken_off(zlib.decompressobj(wbits=-15).decompress(body[10:])))
        return text if packed.eof else bytes(broken_off(text))


def entry(event: dict[str, Any]) -> dict[str, Any]:
    """An event as it is listed."""
    traits = [{"attribute": name, "value": value} for name, value in event["traits"].items()]
    shown = {name: event[name] for name in ("messageId", "userId", "type")}
    return {**shown, "traits": traits, "state": "delivered", "attempts": [{"status": 200}]}


def read(text: bytes, computation: Computation, kind: str) -> list[Row]:
    """The rows of a source."""
    if kind == "text/csv":
        _header, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
        return [
            Row([row[0]] if row and row[0] else [], _cell(row[1:], computation), at) for at, row in enumerate(rows, 2)
        ]
    lines = [line for line in text.split(b"\n") if line.strip()]
    return [_row(line, computation, at) for at, line in enumerate(lines, 1)]


def _row(line: bytes, computation: Computation, at: int) -> Row:
    try:
        document: Any = decode(line)
    except ValueError:
        return Row([], line=at, error="no JSON")
    if isinstance(document, str):
        document = {"user_id": document}
    if not isinstance(document, dict):
        return Row([], line=at, error="no row")
    named = next((document[name] for name in ("user_id", "userId", "id") if name in document), None)
    if not isinstance(named, str | list | None):
        return Row([], line=at, error="no id")
    ids = [named] if isinstance(named, str) else named or []
    value = True if computation.audience else document.get("value", document.get(computation.key))
    return Row([user for user in ids if user], value, at)


def _cell(cells: list[str], computation: Computation) -> Any:
    if computation.audience:
        return True
    (text,) = cells
    return (text if computation.type in ("string", "time") else decode(text)) if text else None


def members_of(it: Computation, query: dict[str, str]) -> dict[str, Any]:
    """A page of members."""
    limit, after = int(query.get("limit", "100")), query.get("after", "")
    users = [user for user in sorted(it.members) if user > after]
    page = [{"userId": user, "value": it.members[user]} for user in users[:limit]]
    return {"members": page, "next": page[-1]["userId"] if len(users) > limit else None, "count": len(it.members)}
