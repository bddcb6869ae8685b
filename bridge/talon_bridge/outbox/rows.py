"""Events as rows of a database, and back: the same for every store."""

from collections.abc import Iterable
from typing import Any

import msgspec

from talon_bridge import codec
from talon_bridge.events import Accepted
from talon_bridge.outbox.protocol import Attempt, Entry, OutboxUnavailable, Replay, Report, Settlement, State

# In the order of `entry`; `shard` is the store's to add.
COLUMNS = (
    "seq, mark, message_id, type, user_id, body, settings, received_at, timestamp, state, attempts, not_before, "
    "report, duplicates, duplicate_at, replay, earlier, settled_at"
)

_attempts = codec.decoder(tuple[Attempt, ...])
_report = codec.decoder(Report)
_NONE_YET = b"[]"


def entry(row: Any, shard: int) -> Entry:
    """An event from a row of `COLUMNS`. Raises `OutboxUnavailable` where the row is damaged."""
    seq, mark, message_id, kind, user_id, body, settings, received_at, timestamp, state, *rest = row
    attempts, not_before, report, duplicates, duplicate_at, replay, earlier, settled_at = rest
    try:
        return Entry(
            seq=seq,
            shard=shard,
            mark=mark,
            event=Accepted(message_id, kind, user_id, body, received_at, timestamp, settings),
            state=State(state),
            attempts=() if attempts == _NONE_YET else _attempts.decode(attempts),
            not_before=not_before,
            report=None if report is None else _report.decode(report),
            duplicates=duplicates,
            duplicate_at=duplicate_at,
            replay=Replay(replay),
            earlier=earlier,
            settled_at=settled_at,
        )
    except (ValueError, msgspec.DecodeError) as error:
        kind = type(error).__name__  # its text may quote the event
        raise OutboxUnavailable(f"event {seq} is damaged ({kind}); see localtalon doctor") from error


def reports(rows: Iterable[Any]) -> list[tuple[int, Report]]:
    """Rows of a seq and a report."""
    return [(seq, _report.decode(report)) for seq, report in rows if report is not None]


def settled(settlement: Settlement) -> dict[str, Any]:
    """What a settlement changes, by the names of the columns."""
    attempts = settlement.attempts
    return {
        "seq": settlement.seq,
        "mark": settlement.mark,
        "state": settlement.state.value,
        "attempts": codec.encode(attempts),
        "not_before": settlement.not_before,
        "report": None if settlement.report is None else codec.encode(settlement.report),
        "status": attempts[-1].status if attempts else None,
        "settled_at": None if settlement.state is State.WAITING else settlement.at,
    }
