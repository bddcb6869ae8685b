"""Entries of the outbox as the control API shows them: state, history, and what became of each trait."""

from typing import Any
from urllib.parse import quote

from talon_bridge import events
from talon_bridge.control.parts import Parts
from talon_bridge.outbox.protocol import Attempt, Entry, Report, Selection
from talon_bridge.parcel import planned
from talon_bridge.settlement import report_of


async def latest(parts: Parts, message_id: str) -> Entry | None:
    """The latest event with this messageId."""
    found = await parts.outbox.find(message_id)
    if found is None:  # its id is forgotten after a day, a dead letter is not
        dead = await parts.outbox.dead_letters(Selection(message_id=message_id), 0, 1000)
        found = dead[-1] if dead else None
    return found


def shown(parts: Parts, entry: Entry) -> dict[str, Any]:
    """An entry explained; an unsettled one is mapped with today's settings, as its delivery would."""
    report = entry.report
    if report is None:
        report = report_of(planned(entry, parts.destination()))
    return explained(entry, report)


def explained(entry: Entry, report: Report) -> dict[str, Any]:
    """The explanation of an event as JSON members."""
    return {
        "messageId": entry.event.message_id,
        "type": entry.event.type,
        "userId": entry.event.user_id,
        "receivedAt": events.rfc3339(entry.event.received_at),
        "timestamp": entry.event.timestamp,
        "state": entry.state,
        "settledAt": None if entry.settled_at is None else events.rfc3339(entry.settled_at),
        "reason": report.reason,
        "warnings": report.warnings,
        "request": {"method": "PUT", "path": report.path} if report.path else None,
        "traits": report.traits,
        "attempts": [_attempt(attempt) for attempt in entry.attempts],
        "replay": entry.replay or None,
        "attemptsBeforeReplay": entry.earlier,
        "duplicates": _duplicates(entry),
        "notBefore": events.rfc3339(entry.not_before) if entry.not_before else None,
        "self": "/_bridge/events/" + quote(entry.event.message_id, safe=""),
    }


def _duplicates(entry: Entry) -> dict[str, Any] | None:
    """Later calls with the same messageId, which were acknowledged and left out (DEL-3)."""
    if entry.duplicate_at is None:
        return None
    return {"rule": "DEL-3", "count": entry.duplicates, "last": events.rfc3339(entry.duplicate_at)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {"at": events.rfc3339(attempt.at), "status": attempt.status}
    if attempt.error:
        told["error"] = attempt.error
    if attempt.via:
        told["via"] = attempt.via
    if attempt.times > 1:
        told["times"] = attempt.times
    return told
