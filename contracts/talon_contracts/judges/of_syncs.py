"""The judge of syncs: walks through the history of an audience or computed trait, and compares all after each step."""

import gzip
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.judges.of_bridges import LITTLE, differing
from talon_contracts.judges.of_identifies import Told
from talon_contracts.memberships import COUNTED, Members, Sent, Synced, changed, refusal, synced
from talon_contracts.oracle import expected_profiles
from talon_contracts.strategies.syncs import Broken, Change, Crossed, Form, History, Line, Step, Sync
from talon_contracts.targets import Bench, CannotJudge, Reply

_TYPES: Final[dict[Form, str]] = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


class Differs(Exception):
    """Something is not as it must be."""

    def __init__(self, expected: object, actual: object, rule: str = "", about: str = "") -> None:
        super().__init__(f"expected {expected}, found {actual}")
        self.expected, self.actual, self.rule, self.about = expected, actual, rule, about


def judge_syncs(bench: Bench, history: History) -> Mismatch | None:
    """Walk through a history.

    Each step must answer as it should, count right, send exactly those users who are added or removed since the last
    sync that finished, once each, and leave the members and the profiles as they must be.
    """
    walk = _Walk(bench, history)
    try:
        walk.define()
        for step in history.steps:
            _take(walk, step)
    except Differs as found:
        rule = found.rule or history.kind.rule
        return Mismatch(rule, walk.requests, found.expected, found.actual, found.about)
    finally:
        walk.engage.forget(walk.path)
    bench.looked.append((walk.requests, walk.profiles()))
    return None


class _Walk:
    """One history on its way: what was asked, and what must be by now."""

    def __init__(self, bench: Bench, history: History) -> None:
        assert bench.engage is not None
        self.bench, self.history, self.engage, self.kind = bench, history, bench.engage, history.kind
        self.tag = bench.tag()
        self.path = f"{'audiences' if self.kind.audience else 'computed-traits'}/{self.tag}c"
        self.requests: list[tuple[str, Any]] = []
        self.members: Members = {}
        self.events: list[Object] = []
        self.told = Told(bench, history, self.tag)

    def define(self) -> None:
        """Define it; raises CannotJudge where the key belongs to something else."""
        definition: Object = {"name": f"{self.tag}c", "key": self.history.key}
        if not self.kind.audience:
            definition |= {"type": self.kind.type, "nullify": self.kind.nullify}
        self.requests.append((f"PUT /_bridge/engage/{self.path}", definition))
        reply = self.engage.define(self.path, definition)
        if reply.status == 409:
            raise CannotJudge(f"{self.history.key} cannot be the key of a new audience or trait: {reply.body[:300]!r}")
        expect("201 for a definition", reply.status == 201, answer(reply))

    def ask(self, query: str, lines: tuple[Line, ...], form: Form, note: str = "") -> None:
        """Note what is going to be asked."""
        text = self.history.text(self.tag, lines, form).decode("utf-8", "replace")
        self.requests.append((f"{note}POST /_bridge/engage/{self.path}/sync{query}", {_TYPES[form]: text}))

    def rows(self, lines: tuple[Line, ...]) -> Synced:
        """What a sync of these rows must come to."""
        return synced(self.members, self.history.rows(self.tag, lines), self.kind)

    def done(self, members: Members, sent: Sent) -> None:
        """Take what must be so by now, and look whether it is."""
        self.members = members
        self.events += [
            {
                "type": "identify",
                "userId": user,
                "context": {"personas": {"computation_key": self.history.key}},
                "traits": {self.history.key: value},
            }
            for user, value in sent.items()
        ]
        self.requests.append(("wait until the bridge is idle", {}))
        self.bench.settle()
        self._shown()
        wrong = self.told.differing(sent)
        if wrong is not None:
            about, wanted, found = wrong
            raise Differs(wanted, found, self.rule_of(wanted, found), about)
        differs = differing(self.bench, self.profiles(), LITTLE)
        if differs is not None:
            about, held, holds = differs
            raise Differs(held, holds, self.rule_of(held, holds), about)

    def profiles(self) -> dict[str, Object | None]:
        """The profile of every user, None where there must be none."""
        found = expected_profiles(self.events, self.bench.settings, self.bench.definitions)
        return {user: found.get(user) for user in self.history.users(self.tag)}

    def rule_of(self, wanted: object, found: object) -> str:
        """The rule that speaks most directly of a difference: of what an audience sends, or of to whom it is sent."""
        one_each = len(_values(wanted)) == len(_values(found)) == 1
        return "AUD-4" if self.kind.audience and one_each else self.kind.rule

    def _shown(self) -> None:
        """Compare how it is shown, and its members."""
        shown = self.engage.show(self.path)
        seen = {name: shown.get(name) for name in ("members", "queued", "running")}
        wanted = {"members": len(self.members), "queued": 0, "running": None}
        expect(wanted, seen == wanted, seen)
        listed = [[user, value] for user, value in self.engage.members(self.path)]
        members: list[Json] = [[user, self.members[user]] for user in sorted(self.members)]
        expect(members, same_value(members, [*listed]), listed)


def _values(told: Any) -> list[Any]:
    """What a user was told: one value for each identify, or the attribute of the profile."""
    return told if isinstance(told, list) else [*(told or {}).values()]


def _take(walk: _Walk, step: Step) -> None:
    takes: dict[type, Callable[[_Walk, Any], None]] = {
        Sync: _sync,
        Broken: _broken,
        Crossed: _crossed,
        Change: _change,
    }
    takes[type(step)](walk, step)


def _sync(walk: _Walk, step: Sync) -> None:
    options = {"allowEmpty": step.allow_empty, "force": step.force}
    query = {name: "true" for name, given in options.items() if given}
    if step.max_leaving is not None:
        query["maxLeaving"] = f"{step.max_leaving:g}"
    written = f"?{urlencode(query)}" if query else ""
    walk.ask(written, step.lines, step.form, "with gzip, " if step.packed else "")
    wanted = walk.rows(step.lines)
    why = refusal(wanted, allow_empty=step.allow_empty, force=step.force, max_leaving=step.share)
    body, headers = walk.history.text(walk.tag, step.lines, step.form), {"Content-Type": _TYPES[step.form]}
    if step.packed:
        body, headers = gzip.compress(body, mtime=0), {**headers, "Content-Encoding": "gzip"}
    reply = walk.engage.sync(walk.path, body, headers, written)
    if why is not None:
        _refused(walk, reply, why)
        walk.done(walk.members, {})
        return
    _finished(walk, reply, wanted, lines=step.form == "ndjson")


def _finished(walk: _Walk, reply: Reply, wanted: Synced, *, lines: bool) -> None:
    """The sync was carried out: it counted right, named the refused rows, and sent what it should."""
    expect("200 for a sync", reply.status == 200, answer(reply))
    told: Any = reply.json()
    expect({"state": "finished"}, told.get("state") == "finished", told)
    counts = {name: told["counts"].get(name) for name in COUNTED}
    expect({**wanted.counts}, counts == wanted.counts, counts)
    expect({"sent": len(wanted.sent)}, told["sent"] == len(wanted.sent), {"sent": told["sent"]})
    if wanted.refused:
        places = sorted(each["line"] for each in walk.engage.refused(walk.path, told["number"]))
        expected = {"refused rows": sorted(wanted.refused) if lines else len(wanted.refused)}
        expect(expected, places == sorted(wanted.refused) or (not lines and len(places) == len(wanted.refused)), places)
    walk.done(wanted.members, wanted.sent)


def _refused(walk: _Walk, reply: Reply, code: str) -> None:
    expect(f"409 {code}", reply.status == 409 and code.encode() in reply.body, answer(reply))
    newest = walk.engage.newest(walk.path) or {}
    expect({"state": "refused"}, newest.get("state") == "refused", newest)


def _broken(walk: _Walk, step: Broken) -> None:
    """What breaks off is never taken for the whole: nothing changes."""
    headers = {"Content-Type": _TYPES["ndjson"]}
    query = "?allowEmpty=true&force=true"
    body = walk.history.text(walk.tag, step.lines)
    if step.how == "gone":
        if not walk.engage.uploads:
            return
        walk.ask(query, step.lines, "ndjson", "a client that goes away after these rows, and half a row more: ")
        upload = walk.engage.upload(walk.path, headers, query)
        upload.send(body + b'{"user_id": "')
        _begins(walk)
        upload.break_off()
        expect("no running sync when its client has gone", walk.engage.await_running(walk.path, running=False), "one")
    else:
        walk.ask(query, step.lines, "ndjson", f"with gzip that is {step.how}, ")
        packed = gzip.compress(body, mtime=0)
        spoilt = packed[:-10] if step.how == "cut off" else packed[:-8] + bytes(each ^ 255 for each in packed[-8:])
        reply = walk.engage.sync(walk.path, spoilt, {**headers, "Content-Encoding": "gzip"}, query)
        expect("400 for what cannot be read to its end", 400 <= reply.status < 500, answer(reply))
    newest = walk.engage.newest(walk.path) or {}
    expect({"state": "failed"}, newest.get("state") == "failed", newest)
    walk.done(walk.members, {})


def _crossed(walk: _Walk, step: Crossed) -> None:
    """A second sync is refused while the first one reads, and does it no harm."""
    if not walk.engage.uploads:
        return
    headers, query = {"Content-Type": _TYPES["ndjson"]}, "?allowEmpty=true&force=true"
    walk.ask(query, step.lines, "ndjson", "slowly, ")
    lines = walk.history.text(walk.tag, step.lines).splitlines(keepends=True)
    upload = walk.engage.upload(walk.path, headers, query)
    upload.send(b"\n" + b"".join(lines[: len(lines) // 2]))
    _begins(walk)
    walk.ask(query, step.others, "ndjson", "meanwhile, ")
    second = walk.engage.sync(walk.path, walk.history.text(walk.tag, step.others), headers, query)
    upload.send(b"".join(lines[len(lines) // 2 :]))
    first = upload.finish()
    expect("409 sync_running", second.status == 409 and b"sync_running" in second.body, answer(second))
    _finished(walk, first, walk.rows(step.lines), lines=False)


def _begins(walk: _Walk) -> None:
    begun = walk.engage.await_running(walk.path, running=True)
    expect("a sync that is shown as running while its source is read", begun, "none")


def _change(walk: _Walk, step: Change) -> None:
    present = {walk.history.user(walk.tag, user): value for user, value in step.present}
    gone = [walk.history.user(walk.tag, user) for user in step.gone]
    change: Object = {"set": present, "remove": [*gone]}
    if walk.kind.audience:
        change = {"add": [*present], "remove": [*gone]}
    walk.requests.append((f"POST /_bridge/engage/{walk.path}/members", change))
    wanted = changed(walk.members, present, gone, walk.kind)
    reply = walk.engage.change(walk.path, change)
    expect("200 for a change of members", reply.status == 200, answer(reply))
    told: Any = reply.json()
    moved = {name: told.get(name) for name in ("entered", "left", "changed")}
    expected = {name: wanted.counts[name] for name in moved}
    expect(expected, moved == expected, moved)
    walk.done(wanted.members, wanted.sent)


def expect(wanted: object, holds: bool, found: object) -> None:
    """Raise `Differs` where something does not hold."""
    if not holds:
        raise Differs(wanted, found)


def answer(reply: Reply) -> str:
    """An answer in a few words."""
    return f"{reply.status} {reply.body[:300].decode('utf-8', 'replace')}"
