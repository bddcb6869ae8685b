"""Syncs: what happens to the members of one audience or computed trait, sync by sync and change by change."""

import csv
import functools
import io
import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Json, Object, encode
from talon_contracts.memberships import Kind, Members, Row, Synced, changed, refusal, synced
from talon_contracts.oracle import LONGEST_INTEGRATION_ID
from talon_contracts.strategies.calls import user_id_ends
from talon_contracts.strategies.values import plain, unfitting

HALF: Final = 0.5
"""The share of the members that may leave where nothing else is said."""
Form = Literal["ndjson", "csv"]
Fault = Literal["", "anonymous", "garbage", "too long", "dots", "wrong value"]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: users by their numbers, the value that they all have, what is wrong with it, and how it is written."""

    users: tuple[int, ...]
    value: Json = True
    fault: Fault = ""
    shape: int = 0


@dataclass(frozen=True, slots=True)
class Sync:
    """A whole source is synced; `max_leaving` None: as the definition says (by default half of the members)."""

    lines: tuple[Line, ...]
    form: Form = "ndjson"
    packed: bool = False
    allow_empty: bool = False
    force: bool = False
    max_leaving: float | None = None

    @property
    def share(self) -> float:
        """The share of the members that may leave."""
        return HALF if self.max_leaving is None else self.max_leaving


@dataclass(frozen=True, slots=True)
class Broken:
    """A source that ends too early: its client goes away, or what it packed with gzip is damaged or cut off."""

    lines: tuple[Line, ...]
    how: Literal["gone", "damaged", "cut off"]


@dataclass(frozen=True, slots=True)
class Crossed:
    """A source, and another one that comes while the first is being read."""

    lines: tuple[Line, ...]
    others: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Users who come (or have another value) and users who leave, one by one."""

    present: tuple[tuple[int, Json], ...]
    gone: tuple[int, ...]


Step: TypeAlias = Sync | Broken | Crossed | Change


@dataclass(frozen=True, slots=True)
class Ends:
    """What surrounds the tag in a user id, which is padded to a length."""

    before: str = ""
    after: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """Steps about one computation under a key. Ids are made of a `tag`, as those of a `Case` are."""

    kind: Kind
    key: str
    ends: tuple[Ends, ...]
    steps: tuple[Step, ...]

    def user(self, tag: str, number: int) -> str:
        """The id of a user under a tag."""
        ends = self.ends[number]
        known = f"{ends.before}{tag}u{number}."
        return known + "x" * (ends.length - len(known + ends.after)) + ends.after

    def users(self, tag: str) -> list[str]:
        """Everybody whom the history can be about."""
        return [self.user(tag, number) for number in range(len(self.ends))]

    def rows(self, tag: str, lines: tuple[Line, ...]) -> list[Row]:
        """The rows as they must be understood."""
        return [Row(self._ids(tag, line), line.value, unreadable=line.fault == "garbage") for line in lines]

    def text(self, tag: str, lines: tuple[Line, ...], form: Form = "ndjson") -> bytes:
        """The rows as they are sent."""
        if form == "ndjson":
            return b"".join(self._ndjson(tag, line) for line in lines)
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(["user_id"] if self.kind.audience else ["user_id", "value"])
        for line in lines:
            (user,) = self._ids(tag, line) or ("",)
            writer.writerow([user] if self.kind.audience else [user, _cell(line.value)])
        return text.getvalue().encode()

    def _ids(self, tag: str, line: Line) -> tuple[str, ...]:
        if line.fault in ("anonymous", "garbage"):
            return ()
        if line.fault == "too long":
            return (f"{tag}{'x' * LONGEST_INTEGRATION_ID}",)
        if line.fault == "dots":
            return (("..", ".")[line.shape % 2],)
        return tuple(self.user(tag, number) for number in line.users)

    def _ndjson(self, tag: str, line: Line) -> bytes:
        ids = self._ids(tag, line)
        if line.fault == "garbage":
            return _GARBAGE[line.shape % len(_GARBAGE)] + b"\n"
        named: Json = ids[0] if len(ids) == 1 else [*ids] or _NOBODY[line.shape % len(_NOBODY)]
        if self.kind.audience and len(ids) == 1 and line.shape % 4 == 0:
            return encode(named) + b"\n"
        row: Object = {("user_id", "userId", "id")[line.shape % 3]: named}
        if not self.kind.audience:
            row[("value", self.key)[line.shape % 2]] = line.value
        return encode(row) + b"\n"


def _cell(value: Json) -> str:
    """A value as CSV has it: text as it is, null as nothing, anything else as its JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return encode(value).decode()


_NOBODY: Final[tuple[Json, ...]] = (None, "")
_GARBAGE: Final = (b'{"user_id": "half', b"nonsense", b'{"user_id": true}', b'"\xff\xfd"')
_NUMBERS: Final = (0, 1, -3, 2**53 + 1, 10**30, Decimal("0.1"), Decimal("12345678901234567890.123456789"))
_FAULTS: Final[tuple[Fault, ...]] = ("anonymous", "garbage", "too long", "dots", "wrong value")
_FAULTS_OF_CSV: Final[tuple[Fault, ...]] = ("anonymous", "too long", "dots")
_LENGTHS: Final = (0, 0, 0, 0, LONGEST_INTEGRATION_ID)


@st.composite
def histories_of(draw: DrawFn, kind: Kind, key: str, most: int = 5) -> History:
    """Two steps and more, about at most five users."""
    ends = tuple(draw(st.lists(_ends(), min_size=2, max_size=5)))
    steps = draw(st.lists(_steps(kind, len(ends)), min_size=2, max_size=most))
    return History(kind, key, ends, tuple(itertools.chain(*steps)))


@functools.cache
def values_of(attribute_type: str) -> SearchStrategy[Json]:
    """Values of a type of which no two are nearly the same: whether 1.0 is 1 is not the question here."""
    if attribute_type == "number":
        return st.sampled_from(_NUMBERS)
    return st.booleans() if attribute_type == "boolean" else plain(attribute_type)


def _ends() -> SearchStrategy[Ends]:
    """Ids with anything but NUL at their ends, which a file of text may not have."""
    end = user_id_ends().filter(lambda text: "\0" not in text)
    return st.builds(Ends, st.one_of(st.just(""), end), end, st.sampled_from(_LENGTHS))


@functools.lru_cache(maxsize=256)
def _steps(kind: Kind, users: int) -> SearchStrategy[tuple[Step, ...]]:
    def made(form: Form) -> SearchStrategy[Step]:
        lines, limit = _lines(kind, users, form), st.sampled_from((None, None, 0.0, 0.25, 1.0))
        seldom = st.sampled_from((False, False, True))
        return st.builds(Sync, lines, st.just(form), st.booleans(), seldom, seldom, limit)

    lines = _lines(kind, users, "ndjson")
    emptied: SearchStrategy[Step] = st.sampled_from((Sync(()), Sync((), force=True), Sync((), allow_empty=True)))
    broken: SearchStrategy[Step] = st.builds(Broken, lines, st.sampled_from(("gone", "damaged", "cut off")))
    crossed: SearchStrategy[Step] = st.builds(Crossed, lines, lines)
    usual = [made("ndjson")] * 6 + [made("csv")] * 2 + [_changes(kind, users)] * 3
    single = [st.tuples(each) for each in (*usual, emptied, broken, broken, crossed, crossed)]
    return st.sampled_from([*single, _halved(kind), _halved(kind)]).flatmap(lambda steps: steps)


@st.composite
def _halved(draw: DrawFn, kind: Kind) -> tuple[Step, ...]:
    """Two members, of whom one leaves: just as many as may."""
    lines = tuple(Line((user,), draw(_values(kind))) for user in (0, 1))
    return Sync(lines, force=True), Sync(lines[:1], packed=draw(st.booleans()))


@st.composite
def _lines(draw: DrawFn, kind: Kind, users: int, form: Form) -> tuple[Line, ...]:
    """Rows of some of the users, some of them twice, with bad rows among them."""
    value = _values(kind)
    several = form == "ndjson" and draw(st.booleans())
    shapes = st.integers(0, 11)
    lines: list[Line] = []
    for number in draw(st.lists(st.integers(0, users - 1), max_size=users + 2)):
        group = {number, draw(st.integers(0, users - 1))} if several and not draw(st.integers(0, 3)) else {number}
        lines.append(Line(tuple(sorted(group)), draw(value), shape=draw(shapes)))
    for fault in draw(st.lists(st.sampled_from(_FAULTS if form == "ndjson" else _FAULTS_OF_CSV), max_size=2)):
        user, wanted = draw(st.integers(0, users - 1)), draw(value)
        if fault == "wrong value" and kind.audience:
            continue  # its rows have no values
        if fault == "wrong value":
            wanted = draw(unfitting(kind.type))
        lines.insert(draw(st.integers(0, len(lines))), Line((user,), wanted, fault, draw(shapes)))
    return tuple(lines)


@st.composite
def _changes(draw: DrawFn, kind: Kind, users: int) -> Change:
    """Nobody both comes and leaves; from a trait that does not nullify, nobody leaves."""
    order = draw(st.permutations(range(users)))
    coming = draw(st.integers(0, users))
    leaving = draw(st.integers(0, users - coming)) if kind.leave else 0
    present = tuple((user, draw(_values(kind))) for user in order[:coming])
    return Change(present, tuple(order[coming : coming + leaving]))


def _values(kind: Kind) -> SearchStrategy[Json]:
    """Values of its members; null is a value of a trait, too."""
    return st.just(True) if kind.audience else st.one_of(values_of(kind.type), values_of(kind.type), st.none())


def lines_of(history: History) -> list[Line]:
    """Every row of every source."""
    sources = [step.lines for step in history.steps if not isinstance(step, Change)]
    return [line for lines in sources for line in lines]


def done(history: History) -> list[tuple[Sync, Synced, bool]]:
    """Every whole source with what it must come to, and whether it is carried out."""
    members: Members = {}
    found: list[tuple[Sync, Synced, bool]] = []
    for step in history.steps:
        if isinstance(step, Change):
            present = {history.user("", user): value for user, value in step.present}
            members = changed(members, present, [history.user("", user) for user in step.gone], history.kind).members
        elif not isinstance(step, Broken):
            wanted, well = synced(members, history.rows("", step.lines), history.kind), True
            if isinstance(step, Sync):
                well = refusal(wanted, allow_empty=step.allow_empty, force=step.force, max_leaving=step.share) is None
                found.append((step, wanted, well))
            members = wanted.members if well else members
    return found


def counted(history: History, name: str) -> bool:
    """Whether a sync that is carried out counts some of these."""
    return any(wanted.counts[name] > 0 for _, wanted, well in done(history) if well)
