"""A comparison: the rules of Talon.One and every assumption of the emulator, put to a deployment."""

import shlex
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from localtalon.parity_manifest import Manifest
from talon_contracts import trial
from talon_contracts.checks import CHECKS, Check
from talon_contracts.curl import Addresses
from talon_contracts.findings import judged
from talon_contracts.parity import PROBES
from talon_contracts.parity.belongings import MARK, Belonging, Kind, mark_of, tag_of
from talon_contracts.parity.bench import bench_on
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Pace
from talon_contracts.parity.observation import Seen, Unlike, observe
from talon_contracts.parity.preparation import Unfit, check_environment, make_attributes
from talon_contracts.parity.sweep import sweep
from talon_contracts.reports.events import Begun, Ended, Event, Finding, Judged, Planned, Status
from talon_contracts.reports.text import counted
from talon_contracts.targets import Bench, CannotJudge
from talon_emulator.assumptions import BY_ID

WORDS: Final[Mapping[Status, str]] = {
    "kept": "agrees",
    "broken": "differs",
    "unproven": "proved nothing",
    "unjudged": "unknown",
    "untried": "not tried",
}
_REMOVED: Final[tuple[Kind, ...]] = ("customer", "audience", "session")
RULE_CHECKS: Final = {name: check for name, check in CHECKS.items() if check.target == "talon_one"}
ENTRIES: Final = (*RULE_CHECKS, *PROBES)
"""What is compared, by name: a check of a rule, or the id of an assumption."""
_MAKES_ATTRIBUTES: Final = frozenset({"ATT-3"})


def entries_at(ground: Ground, only: Collection[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is compared at a ground, and notes on what is not: some rules are tried at emulators only.

    Who asks for one of those by name is told why it is unknown.
    """
    if only:
        return tuple(entry for entry in ENTRIES if entry in only), ()
    if ground.access.emulated:
        return ENTRIES, ()
    apart = [name for name, check in RULE_CHECKS.items() if "levers" in check.needs or check.rule in _MAKES_ATTRIBUTES]
    note = f"tried at emulators only, whose keys, clock and attributes can be played with: {', '.join(apart)}"
    return tuple(entry for entry in ENTRIES if entry not in apart), (note,)


def announced(ground: Ground, entries: Iterable[str]) -> str | None:
    """What is said beforehand of the attributes that cases of rules make."""
    compared = {RULE_CHECKS[entry].rule for entry in entries if entry in RULE_CHECKS}
    rules = sorted(rule for rule in _MAKES_ATTRIBUTES if rule in compared)
    if not (rules and ground.access.emulated):
        return None
    return f"make attributes whose names begin with {MARK}_x, which stay and are used once, for {', '.join(rules)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared with what: a ground, the choices in effect at the emulator, the entries that were asked for."""

    ground: Ground
    manifest: Manifest
    assumed: Mapping[str, str]
    entries: tuple[str, ...]
    paces: tuple[Pace, Pace]
    version: str
    seed: int
    cases: int = 50
    notes: tuple[str, ...] = ()
    prefix: str = ""
    _benches: list[Bench] = field(default_factory=list)
    """The one that all rules share, once there is one."""

    def events(self) -> Iterator[Event]:
        """The stream; whatever ends it, what was made is removed."""
        started = time.monotonic()
        yield Begun("parity", self._subject(), tuple(map(_planned, self.entries)), self.version, self.seed, WORDS)
        left = list(self.entries)
        notes: tuple[str, ...] = ()
        reason = "stopped before its end"
        try:
            sweep(self.ground)
            check_environment(self.ground)
            make_attributes(self.ground)
            while left and not self.ground.interrupted:
                yield self._judged(left[0])
                del left[0]
        except (CannotJudge, Unfit) as trouble:
            reason = str(trouble)
        except KeyboardInterrupt:
            pass
        finally:
            notes = self._ended()
        for entry in left:
            planned = _planned(entry)
            yield Judged(planned.check, planned.rule, "unjudged", reason=reason)
        yield Ended(time.monotonic() - started, notes)

    def _subject(self) -> tuple[tuple[str, str], ...]:
        access = self.ground.access
        return ("deployment", self.ground.deployment.url), ("Application", str(access.application))

    def _judged(self, entry: str) -> Judged:
        started = time.monotonic()
        if entry in RULE_CHECKS:
            return self._of_rule(RULE_CHECKS[entry])
        seen = observe(PROBES[entry], self.ground)
        seconds = time.monotonic() - started
        if isinstance(seen, Seen):
            findings = () if seen.choice == self.assumed[entry] else (self._another(entry, seen.choice),)
        elif isinstance(seen, Unlike):
            findings = (self._unlike(entry, seen.what),)
        else:
            return Judged(entry, entry, "unjudged", seconds=seconds, reason=seen.reason)
        return Judged(entry, entry, "broken" if findings else "kept", 1, seconds, findings=findings)

    def _another(self, entry: str, choice: str) -> Finding:
        choices, assumed = BY_ID[entry].choices, self.assumed[entry]
        return Finding(
            entry,
            f"the emulator does {assumed!r}, this deployment does {choice!r}",
            hint=f'have the emulator do the same: {entry} = "{choice}" under [emulator.assumptions] in localtalon.toml',
            expected=choices[assumed],
            actual=choices[choice],
        )

    def _unlike(self, entry: str, what: str) -> Finding:
        assumed = self.assumed[entry]
        return Finding(
            entry,
            f"the emulator does {assumed!r}, this deployment does what the emulator cannot do yet",
            expected=BY_ID[entry].choices[assumed],
            actual=what,
        )

    def _of_rule(self, check: Check) -> Judged:
        started = time.monotonic()
        planned = _planned(check.name)
        try:
            if not self._benches:
                self._benches.append(bench_on(self.ground, *self.paces))
        except CannotJudge as trouble:
            return Judged(check.name, planned.rule, "unjudged", reason=str(trouble))
        addresses = Addresses("", self.ground.deployment.url)
        self.ground.drawing = True
        try:
            verdict = trial.run(check, self._benches[0], examples=self.cases, seed=self.seed, tell=self._told)
        finally:
            self.ground.drawing = False
        return judged(planned, verdict, time.monotonic() - started, addresses, self._again(check.name))

    def _told(self, cases: int, wanted: int) -> None:
        self.ground.heed()

    def _again(self, entry: str) -> str:
        url, application = self.ground.deployment.url, self.ground.access.application
        named = f"--deployment {shlex.quote(url)} --application {application} --prefix {self.prefix}"
        return f"localtalon parity {named} --seed {self.seed} --only {shlex.quote(entry)}"

    def _ended(self) -> tuple[str, ...]:
        """Clean up, and tell what there is to tell."""
        try:
            for bench in self._benches:
                bench.close()
            troubles: tuple[str, ...] = ()
        except CannotJudge as trouble:
            troubles = (str(trouble),)
        told = (*self.notes, *troubles, *cleaned(self.ground, self.manifest))
        self.ground.close()
        return told


def cleaned(ground: Ground, manifest: Manifest) -> tuple[str, ...]:
    """Remove what was made, and tell what was and what stays."""
    troubles = sweep(ground)
    manifest.settle(ground.ledger)
    told = []
    customers, audiences, sessions = (_named(ground.ledger.removed, kind) for kind in _REMOVED)
    attributes = _named(ground.ledger.kept, "attribute")
    if customers:
        told.append(f"deleted {_data_of(customers, ground)}; the IDs stay")
    if sessions:
        told.append(f"their sessions stay, without attributes: {', '.join(sessions)}")
    if audiences:
        told.append(f"deleted {counted(len(audiences), 'audience')}: {', '.join(sorted(audiences, key=int))}")
    again = [name for name in attributes if name.startswith(mark_of(ground.access.application))]
    if again:
        told.append(f"made attributes, which cannot be deleted, for the next time: {', '.join(again)}")
    if len(attributes) > len(again):
        once = counted(len(attributes) - len(again), "attribute")
        told.append(f"made {once} that nothing uses again, as only an emulator is asked to")
    left = [belonging for belonging in ground.ledger.kept if belonging.kind in ("customer", "audience")]
    if left:
        told.append(f"left behind: {remains(left, ground)}; {manifest.path} lists that, --clean-only removes it")
    return (*told, *troubles)


def remains(left: Iterable[Belonging], ground: Ground) -> str:
    """What is to be removed, by its names."""
    customers, audiences = _named(left, "customer"), _named(left, "audience")
    mark = mark_of(ground.access.application)
    told = [_data_of(customers, ground)] if customers else []
    if audiences:
        told.append(f"{counted(len(audiences), 'audience')} ({mark}*): {', '.join(audiences)}")
    return ", ".join(told)


def _data_of(customers: Iterable[str], ground: Ground) -> str:
    tags = Counter(tag_of(ground.access.prefix, customer) or customer for customer in customers)
    return "the data of " + ", ".join(f"{counted(number, 'customer')} ({tag}*)" for tag, number in sorted(tags.items()))


def _named(belongings: Iterable[Belonging], kind: Kind) -> list[str]:
    return [belonging.name for belonging in belongings if belonging.kind == kind]


def _planned(entry: str) -> Planned:
    if entry in RULE_CHECKS:
        check = RULE_CHECKS[entry]
        return Planned(entry, check.rule or entry, check.statement)
    return Planned(entry, entry, BY_ID[entry].question)
