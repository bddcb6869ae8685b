"""The world of the machine: a few users at one bridge, to whom anything may happen, beside the oracle.

A Hypothesis state machine. What it does is kept as a script, which is what a mismatch shows.
"""

from collections import Counter
from collections.abc import Callable
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.strategies import DataObject

from talon_contracts.exact_json import Json, Object
from talon_contracts.judges import Mismatch, blamed, differing, may_refuse
from talon_contracts.oracle import expected_profiles, once
from talon_contracts.strategies import Case, Draft, Names, drafts
from talon_contracts.strategies.computations import computed
from talon_contracts.strategies.streams import events_of
from talon_contracts.targets import Bench, CannotJudge

FEATURES: Final = (
    "single",
    "batch",
    "out of order",
    "count",
    "flip",
    "repetition",
    "late return",
    "definition",
    "fault",
    "restart",
    "look",
)

_USERS: Final = st.integers(0, 2)
_STATUSES: Final = st.sampled_from((429, 409, 500, 503, 0))
_BLOWS: Final = st.sampled_from(((1, 2), (1, 1), (2, 1), (2, 2)))
"""How many requests fail, and how many calls come: with fewer failures than calls the order is at stake."""
_TIMES: Final = st.sampled_from(("2024-05-03T19:42:50.066Z", "2015-02-02T00:30:08.276Z", None))


class Found(Exception):
    """Carries a mismatch through Hypothesis, which shrinks what raises."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.rule)
        self.mismatch = mismatch


def counter(names: Names, number: int) -> tuple[str, Json]:
    """A listed trait with a value that tells a number; raises LookupError where none can."""
    for name in names.of_type("number"):
        return name, number
    for name in names.of_type("string"):
        return name, f"number {number}"
    raise LookupError("no Custom Attribute is a number or a string in Talon.One, so that no value could tell an order")


class World(RuleBasedStateMachine):
    """A few users at one bridge; a subclass has the bench, what can be drawn, and what has been seen."""

    bench: ClassVar[Bench]
    names: ClassVar[Names]
    shown: ClassVar[Counter[str]]
    trouble: ClassVar[list[CannotJudge]]
    """What kept a target from being judged; from then on nothing is done, so that Hypothesis ends soon."""
    found: ClassVar[list[Mismatch]]
    begin: ClassVar[Callable[[], None]]
    """Hears of every history that begins."""

    def __init__(self) -> None:
        super().__init__()
        type(self).begin()
        self.tag = self.bench.tag()
        self.late_key = self.bench.name()
        """A computed trait that Talon.One does not know before `define`."""
        self.definitions = dict(self.bench.definitions)
        self.script: list[tuple[str, Object]] = []
        self.posts: list[tuple[str, Object]] = []
        self.events: list[Object] = []
        self.profiles: dict[str, Object] = {}
        self.counted = 0
        self.numbers = 0
        self.broken = False

    @rule(data=st.data(), user=_USERS)
    def identify(self, data: DataObject, user: int) -> None:
        """One call by itself."""
        self.shown["single"] += 1
        call = self.call(user, data.draw(drafts(self.names)))
        self.post("/v1/identify" if call["type"] == "identify" else "/v1/batch", [call])

    @rule(data=st.data(), users=st.lists(st.tuples(_USERS, _TIMES), min_size=2, max_size=4))
    def batch(self, data: DataObject, users: list[tuple[int, str | None]]) -> None:
        """Several calls, whose own times say nothing about the order in which they count."""
        self.shown["batch"] += 1
        self.shown["out of order"] += len({at for _, at in users if at}) > 1
        calls = [self.call(user, data.draw(drafts(self.names))) for user, _ in users]
        timed = [call if at is None else {**call, "timestamp": at} for call, (_, at) in zip(calls, users, strict=True)]
        self.post("/v1/batch", timed)

    @rule(user=_USERS, late=st.booleans(), member=st.booleans())
    def flip(self, user: int, late: bool, member: bool) -> None:
        """Somebody enters an audience, or leaves it; it may be one that is not defined yet."""
        self.shown["flip"] += 1
        booleans = [name for name, kind in sorted(self.names.types.items()) if kind == "boolean"]
        key = self.late_key if late or not booleans else booleans[-1]
        self.post("/v1/identify", [self.call(user, computed(key, [((key,), member)]))])

    @rule(user=_USERS, count=st.integers(2, 3))
    def count(self, user: int, count: int) -> None:
        """One value after the other in a batch, of which the last one counts."""
        self.shown["count"] += 1
        self.post("/v1/batch", self.ascending(user, count))

    @precondition(lambda self: bool(self.posts))
    @rule(data=st.data())
    def repeat(self, data: DataObject) -> None:
        """A request that was sent before comes again."""
        self.shown["repetition"] += 1
        self.send(*data.draw(st.sampled_from(self.posts)))

    @rule(user=_USERS, changed=st.booleans())
    def return_late(self, user: int, changed: bool) -> None:
        """A call comes again after a newer one, as it was or with another value."""
        self.shown["late return"] += 1
        old, new = self.ascending(user, 2)
        self.post("/v1/identify", [old])
        self.post("/v1/identify", [new])
        (another,) = self.ascending(user, 1)
        self.send("/v1/identify", {**old, "traits": another["traits"]} if changed else old)
        self.look()

    @precondition(lambda self: self.bench.management is not None and self.late_key not in self.definitions)
    @rule()
    def define(self) -> None:
        """The late key gets its definition; what came before it stays refused."""
        self.shown["definition"] += 1
        self.look()
        self.script.append(("/v1/attributes", {"name": self.late_key, "type": "boolean"}))
        self.attempt(self._define)
        self.definitions[self.late_key] = "boolean"

    @precondition(lambda self: self.bench.levers is not None)
    @rule(user=_USERS, status=_STATUSES, blow=_BLOWS, waits=st.booleans())
    def fault(self, user: int, status: int, blow: tuple[int, int], waits: bool) -> None:
        """Talon.One fails the next requests for somebody, about whom calls come at once."""
        self.shown["fault"] += 1
        count, calls = blow
        levers = self.bench.levers
        assert levers is not None
        told: dict[str, str | int] = {"method": "PUT", "count": count, "integrationId": self.user(user)}
        told |= {"kind": "error", "status": status} if status else {"kind": "reset", "moment": "before"}
        self.script.append(("/_emulator/faults", {**told}))
        self.attempt(lambda: levers.fault(**told))
        self.broken = True
        self.post("/v1/batch", self.ascending(user, calls))
        if waits:
            self.look()

    @precondition(lambda self: self.bench.restart is not None and bool(self.posts))
    @rule()
    def restart(self) -> None:
        """The bridge ends and comes back."""
        self.shown["restart"] += 1
        assert self.bench.restart is not None
        self.script.append(("restart the bridge", {}))
        self.attempt(self.bench.restart)

    @rule()
    def look(self) -> None:
        """Everybody holds what the oracle says."""
        self.shown["look"] += 1
        self.attempt(self._look)

    def _look(self) -> None:
        bench = self.bench
        assert bench.bridge is not None
        bench.settle()
        fresh = once(self.events)
        self.profiles = expected_profiles(fresh[self.counted :], bench.settings, self.definitions, self.profiles)
        self.counted = len(fresh)
        expected = {user: self.profiles.get(user) for user in map(self.user, range(3))}
        found = differing(bench, expected, bench.bridge.settle_seconds)
        if found is not None:
            about, wanted, held = found
            blame = blamed([e for e in fresh if e.get("userId") == about], bench.settings, wanted, held)
            raise Found(Mismatch(blame, self.script[:], wanted, held, about))

    def teardown(self) -> None:
        """Look at the end, and leave no fault behind."""
        try:
            self.attempt(self._look)
        finally:
            if self.broken and self.bench.levers is not None:
                self.attempt(self.bench.levers.end_faults)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do something with a target, unless one has failed before."""
        if self.trouble:
            return
        try:
            work()
        except CannotJudge as error:
            self.trouble.append(error)
        except Found as error:
            self.found.append(error.mismatch)
            raise

    def _define(self) -> None:
        assert self.bench.management is not None
        reply = self.bench.management.define(self.late_key, "boolean")
        if reply.status != 201:
            raise CannotJudge(f"cannot define {self.late_key}: {reply.status} {reply.body[:200]!r}")

    def user(self, number: int) -> str:
        """The id of a user."""
        return f"{self.tag}u{number}."

    def call(self, user: int, draft: Draft) -> Object:
        """A draft as a call about somebody, with a messageId of its own."""
        (event,) = Case((draft,), envelope={}).events(self.tag)
        self.numbers += 1
        who: Object = {"userId": self.user(user)} if event.get("userId") else {}
        return {**event, "messageId": f"{self.tag}m{self.numbers}", **who}

    def ascending(self, user: int, count: int) -> list[Object]:
        """Calls that tell their order by a value that has not been sent before."""
        calls: list[Object] = []
        for _ in range(count):
            name, value = counter(self.names, self.numbers + 1)
            calls.append(self.call(user, Draft({"traits": {name: value}})))
        return calls

    def post(self, path: str, calls: list[Object]) -> None:
        """Send calls that have not been sent before."""
        body: Object = {"batch": [*calls]} if path == "/v1/batch" else calls[0]
        self.posts.append((path, body))
        self.send(path, body)

    def send(self, path: str, body: Object) -> None:
        """Send a request; what is accepted counts."""
        self.script.append((path, body))
        self.attempt(lambda: self._send(path, body))

    def _send(self, path: str, body: Object) -> None:
        assert self.bench.bridge is not None
        events = events_of(path, body)
        reply = self.bench.bridge.post(path, body)
        if reply.status == 200:
            self.events += events
        elif not (400 <= reply.status < 500 and may_refuse(events, self.bench.settings)):
            answer = f"{reply.status} {reply.body[:200]!r}"
            raise Found(Mismatch("DEL-1", self.script[:], "200 for a well-formed message", answer))
