"""What an attempt changes of an event: its state, its history, and what became of each trait. Pure."""

import msgspec

from talon_bridge import explanation
from talon_bridge.explanation import Notice, TraitExplanation
from talon_bridge.mapping import Plan
from talon_bridge.outbox.protocol import Attempt, Entry, Report, Settlement, State
from talon_bridge.outcome import (
    UNAUTHORISED,
    Answer,
    Attempts,
    Dead,
    Delivered,
    NoAnswer,
    Policy,
    RetryAt,
    decide,
    refused,
)


def report_of(mapped: Plan) -> Report:
    """The plan as it is kept with the event."""
    path = mapped.request.path if mapped.request else ""
    return Report(mapped.traits, mapped.reason, mapped.warnings, path)


def unsent(entry: Entry, mapped: Plan, now: float) -> Settlement:
    """The settlement of an event for which no request is made: its plan has none, or it was given up."""
    if entry.given_up:
        reason = entry.attempts[-1].error
        traits = explanation.undelivered(mapped.traits, reason)
        report = msgspec.structs.replace(report_of(mapped), traits=traits, reason=Notice("", reason))
        return _changed(entry, State.DEAD, entry.attempts, report, now)
    return _changed(entry, State.DEAD if mapped.dead else State.SKIPPED, entry.attempts, report_of(mapped), now)


def settle(
    entry: Entry,
    mapped: Plan,
    got: Answer | NoAnswer,
    policy: Policy,
    now: float,
    jitter: float,
    known: tuple[str, ...],
    via: str = "",
) -> Settlement:
    """The settlement after an attempt that ended at `now`.

    `jitter` is 0 to 1; `known` are attribute names that a refused one may have been meant to be; `via` is the
    attempt's. The time that an event has begins after a replay, and anew after a pause of the destination.
    """
    counted = _counted(entry.attempts[entry.earlier :])
    outcome = decide(got, Attempts(len(counted), counted[0].at if counted else now), policy, now, jitter)
    status = got.status if isinstance(got, Answer) else None
    match outcome:
        case Delivered():
            report = msgspec.structs.replace(report_of(mapped), traits=explanation.delivered(mapped.traits))
            attempts = (*entry.attempts, Attempt(now, status, via=via))
            return _changed(entry, State.DELIVERED, attempts, report, now)
        case RetryAt(at, reason):
            attempts = _joined(entry.attempts, Attempt(now, status, reason, via))
            return _changed(entry, State.WAITING, attempts, None, now, at)
        case Dead(reason, wait) if not refused(got) and (via or (isinstance(got, NoAnswer) and got.may_have_landed)):
            # Its time is over, but it was not alone, or it may still land, and its profile has to wait for that.
            attempts = (*entry.attempts, Attempt(now, status, reason, via, over=True))
            return _changed(entry, State.WAITING, attempts, None, now, now + wait)
        case Dead(reason):
            told = _in_full(reason, got)
            traits = _traits_of_the_dead(mapped, got, reason, known)
            notice = Notice(explanation.rule_broken(traits), told)
            report = msgspec.structs.replace(report_of(mapped), traits=traits, reason=notice)
            attempts = (*entry.attempts, Attempt(now, status, told, via))
            return _changed(entry, State.DEAD, attempts, report, now)


def _counted(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Those after the last that found the destination paused."""
    pauses = [place for place, attempt in enumerate(attempts) if attempt.status in UNAUTHORISED]
    return attempts[pauses[-1] + 1 :] if pauses else attempts


def _joined(attempts: tuple[Attempt, ...], last: Attempt) -> tuple[Attempt, ...]:
    """The history with one more attempt; a pause is asked about for days, which is one line of it."""
    before = attempts[-1] if attempts else None
    if before is None or last.status not in UNAUTHORISED or before.status != last.status or before.via != last.via:
        return (*attempts, last)
    return (*attempts[:-1], msgspec.structs.replace(last, times=before.times + 1))


def _changed(
    entry: Entry,
    state: State,
    attempts: tuple[Attempt, ...],
    report: Report | None,
    at: float,
    not_before: float = 0.0,
) -> Settlement:
    return Settlement(entry.seq, entry.shard, entry.mark, state, attempts, report, at, not_before)


def _traits_of_the_dead(
    mapped: Plan, got: Answer | NoAnswer, reason: str, known: tuple[str, ...]
) -> tuple[TraitExplanation, ...]:
    if isinstance(got, Answer) and 400 <= got.status < 500:
        return explanation.refused(mapped.traits, explanation.refusal(got.status, got.body), known)
    return explanation.undelivered(mapped.traits, reason)


def _in_full(reason: str, got: Answer | NoAnswer) -> str:
    """The reason with Talon.One's own words, where it gave any."""
    said = explanation.refusal(got.status, got.body).message if isinstance(got, Answer) else ""
    return f"{reason}: {said}" if said else reason
