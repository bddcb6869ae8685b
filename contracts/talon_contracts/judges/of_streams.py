"""The judge of streams: deliveries of several users, through faults and repetitions, in the right order."""

from collections.abc import Callable

from talon_contracts.exact_json import Json, Object, same_value
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.judges.of_bridges import differing
from talon_contracts.oracle import expected_profiles
from talon_contracts.strategies.streams import Fault, Pause, Stream, events_of
from talon_contracts.targets import Bench


def judge_stream(rule: str) -> Callable[[Bench, Stream], Mismatch | None]:
    """A judge that walks through a stream and compares all of its users at each pause and at the end.

    Where Talon.One keeps a journal, it looks at what was delivered as well: for DEL-2 whether in order, for DEL-3
    whether again, for AUD-5 whether for users whose membership did not change.
    """

    def judge(bench: Bench, stream: Stream) -> Mismatch | None:
        walk = _Walk(bench, stream, rule)
        try:
            found = walk.through()
        finally:
            if bench.levers is not None and any(isinstance(step, Fault) for step in stream.steps):
                bench.levers.end_faults()
        return found

    return judge


class _Walk:
    """One stream on its way."""

    def __init__(self, bench: Bench, stream: Stream, rule: str) -> None:
        self.bench = bench
        self.stream = stream
        self.rule = rule
        self.tag = bench.tag()
        self.events: list[Object] = []
        self.requests: list[tuple[str, Object]] = []
        self.seen: dict[str, int] = {}
        """How many patches of each user were delivered up to the last pause."""
        self.moved: set[str] = set()
        """Who is in an event since the last pause."""

    def through(self) -> Mismatch | None:
        """Take every step, then look."""
        for step, requests in self.stream.walk(self.tag):
            if isinstance(step, Fault):
                self._break(step)
            for path, body in requests:
                found = self._post(path, body)
                if found is not None:
                    return found
            if isinstance(step, Pause):
                self.requests.append(("wait until the bridge is idle", {}))
                found = self._look()
                if found is not None:
                    return found
        found = self._look() or self._again()
        if found is None:
            self.bench.looked.append((self.requests, self._expected()))
        return found

    def _post(self, path: str, body: Object) -> Mismatch | None:
        assert self.bench.bridge is not None
        self.requests.append((path, body))
        events = events_of(path, body)
        self.events += events
        self.moved |= {str(event["userId"]) for event in events}
        reply = self.bench.bridge.post(path, body)
        if reply.status == 200:
            return None
        return self._mismatch("200 for a well-formed message", f"{reply.status} {reply.body[:200]!r}")

    def _break(self, fault: Fault) -> None:
        assert self.bench.levers is not None
        what: dict[str, str | int] = {"method": "PUT", "integrationId": self.stream.user(self.tag, fault.user)}
        what |= {"kind": "error", "status": fault.status} if fault.status else {"kind": "reset", "moment": fault.moment}
        what["count"] = fault.count
        self.requests.append(("/_emulator/faults", {**what}))
        self.bench.levers.fault(**what)

    def _look(self) -> Mismatch | None:
        """Compare all users, and what was delivered since the last look."""
        bench = self.bench
        assert bench.bridge is not None
        bench.settle()
        expected = self._expected()
        users = tuple(expected)
        found = differing(bench, expected, bench.bridge.settle_seconds)
        if found is not None:
            about, wanted, held = found
            return self._mismatch(wanted, held, about)
        for user in users:
            patches = bench.talon_one.patches_seen(user)
            wrong = self._disorder(user, patches) if self.rule == "DEL-2" else None
            if self.rule == "AUD-5" and len(patches) > self.seen.get(user, 0) and user not in self.moved:
                wrong = self._mismatch("nothing for a user whose membership did not change", patches[-1], user)
            if wrong is not None:
                return wrong
            self.seen[user] = len(patches)
        self.moved = set()
        return None

    def _expected(self) -> dict[str, Object | None]:
        profiles = expected_profiles(self.events, self.bench.settings, self.bench.definitions)
        return {user: profiles.get(user) for user in self.stream.users(self.tag)}

    def _disorder(self, user: str, patches: list[Object]) -> Mismatch | None:
        """Whether values that were sent in ascending order were delivered in another."""
        values: list[Json] = [value for patch in patches for value in patch.values()]
        if all(not isinstance(value, int) for value in values):
            return None
        ascending = sorted(values, key=lambda value: value if isinstance(value, int) else -1)
        return None if same_value(ascending, values) else self._mismatch(ascending, values, user)

    def _again(self) -> Mismatch | None:
        """For DEL-3: send all of it once more; nothing may come of it."""
        if self.rule != "DEL-3":
            return None
        for path, body in [request for request in self.requests if request[0].startswith("/v1/")]:
            found = self._post(path, body)
            if found is not None:
                return found
        found = self._look_for_deliveries()
        return found or self._look()

    def _look_for_deliveries(self) -> Mismatch | None:
        self.bench.settle()
        for user, before in self.seen.items():
            patches = self.bench.talon_one.patches_seen(user)
            if len(patches) > before:
                return self._mismatch("no delivery of what had its messageId", patches[before], user)
        return None

    def _mismatch(self, expected: object, actual: object, about: str = "") -> Mismatch:
        return Mismatch(self.rule, self.requests[:], expected, actual, about)
