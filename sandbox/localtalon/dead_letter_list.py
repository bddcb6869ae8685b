"""Dead letters and single events of a running bridge, printed."""

from collections.abc import Iterator, Mapping
from typing import Any

from localtalon.bridge_client import BridgeClient, event_path
from localtalon.terminal import table
from talon_bridge import codec
from talon_contracts.reports.text import printable

_WIDEST = (24, 38, 24, 6, None)  # characters of each column
_PAGE = 1000  # what the bridge lists at once
_WHOLE = "the whole request was refused"  # how the explanation of a trait begins that fell with another one


def found(client: BridgeClient, filters: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """The oldest dead letters that fit, at most `limit`: as the bridge answers, several pages as one."""
    told: dict[str, Any] = {"deadLetters": [], "total": 0, "next": None}
    while len(told["deadLetters"]) < limit:
        asked = min(_PAGE, limit - len(told["deadLetters"]))
        page = client.get("/_bridge/dead-letters", **filters, limit=asked, after=told["next"])
        told = {**page, "deadLetters": told["deadLetters"] + page["deadLetters"]}
        if told["next"] is None:
            break
    return told


def for_programs(told: Any) -> str:
    """An answer of the bridge as it came, numbers digit for digit."""
    return codec.encode(told).decode()


def for_people(told: Mapping[str, Any]) -> Iterator[str]:
    """A table of the dead letters, and how many more there are."""
    letters, total = told["deadLetters"], told["total"]
    if not letters:
        yield "no dead letters"
        return
    yield from table(("received", "messageId", "user", "status", "reason"), list(map(_row, letters)), _WIDEST)
    yield ""
    more = f"; {total - len(letters):,} more, --limit {total} shows all" if total > len(letters) else ""
    yield f"{total:,} dead letter{'' if total == 1 else 's'}{more}"


def why(event: Mapping[str, Any]) -> str:
    """Why an event is dead, in Talon.One's words where it has any: those of the culprits among the traits, if named."""
    own = {
        trait["reason"]: None
        for trait in event["traits"]
        if trait["verdict"] == "refused" and not trait.get("reason", "").startswith(_WHOLE)
    }
    return "; ".join(own) or (event["reason"] or {}).get("reason", "")


def event(client: BridgeClient, message_id: str) -> dict[str, Any]:
    """One event, explained."""
    shown: dict[str, Any] = client.get(event_path(message_id))
    return shown


def event_for_people(shown: Mapping[str, Any]) -> Iterator[str]:
    """One event: what it is, what became of each trait, and every attempt."""
    who = f"user {shown['userId']}" if shown["userId"] else "no user"
    yield printable(f"{shown['messageId']}: {shown['type']}, {who}, received {shown['receivedAt']}")
    yield printable(f"  {shown['state']}" + _because(shown["reason"]))
    for warning in shown["warnings"]:
        yield printable(f"  warning{_because(warning)}")
    for trait in shown["traits"]:
        value = codec.encode(trait["value"]).decode()
        value = value if len(value) <= 60 else value[:57] + "..."
        fate = trait["verdict"] + _because(trait)
        yield printable(f"  {trait['pointer']} -> {trait['attribute']} = {value}  {fate}")
    for number, attempt in enumerate(shown["attempts"], 1):
        via = f", {attempt['via']}" if "via" in attempt else ""
        error = f": {attempt['error']}" if "error" in attempt else ""
        yield printable(f"  attempt {number} at {attempt['at']}: {attempt['status'] or 'no answer'}{via}{error}")
        if number == shown["attemptsBeforeReplay"]:
            yield "  replayed" + (", forced" if shown["replay"] == "forced" else "")


def _because(told: Mapping[str, Any] | None) -> str:
    if not told or not told.get("reason"):
        return ""
    rule = f" [{told['rule']}]" if told.get("rule") else ""
    return f": {told['reason']}{rule}"


def _row(letter: Mapping[str, Any]) -> tuple[str, ...]:
    status = letter["attempts"][-1]["status"] if letter["attempts"] else None
    who = "-" if letter["userId"] is None else letter["userId"]
    return letter["receivedAt"], letter["messageId"], who, "-" if status is None else str(status), why(letter)
