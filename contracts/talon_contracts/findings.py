"""Findings of a verification: verdicts in words, with what was sent as lines for a shell."""

from collections.abc import Iterator
from typing import Any

from talon_contracts import curl
from talon_contracts.curl import Addresses
from talon_contracts.exact_json import Json, encode
from talon_contracts.reports.events import Finding, Judged, Planned
from talon_contracts.strategies.updates import Update
from talon_contracts.targets import encoded
from talon_contracts.verdicts import Broken, Kept, Unjudged, Verdict

_LONGEST = 10_000


def judged(planned: Planned, verdict: Verdict, seconds: float, addresses: Addresses, again: str) -> Judged:
    """A verdict as the event that tells it; `again` is the command that repeats the check."""
    check, rule = planned.check, planned.rule
    if isinstance(verdict, Unjudged):
        return Judged(check, rule, "unjudged", seconds=seconds, reason=verdict.reason, again=again)
    if isinstance(verdict, Kept):
        return Judged(check, rule, "kept", verdict.cases, seconds, dict(verdict.features), seed=verdict.seed)
    if isinstance(verdict, Broken):
        found = (finding(verdict, addresses),)
        return Judged(check, verdict.rule, "broken", 0, seconds, {}, found, seed=verdict.seed, again=again)
    reason = f"too few cases showed: {', '.join(verdict.missing)}"
    return Judged(check, rule, "unproven", verdict.cases, seconds, reason=reason, seed=verdict.seed, again=again)


def finding(broken: Broken, addresses: Addresses) -> Finding:
    """The smallest case that was found, with what should have come of it and what did."""
    unsteady = "" if broken.steady else "; sent again it came out well, so that it does not happen every time"
    if broken.about:
        message = f"profile {broken.about!r} is not what it must be{unsteady}"
    else:
        message = f"the answer is not what it must be{unsteady}"
    return Finding(
        broken.rule,
        message,
        commands=tuple(_commands(broken, addresses)),
        expected=shown(broken.expected),
        actual=shown(broken.actual),
    )


def _commands(broken: Broken, at: Addresses) -> Iterator[str]:
    case: Any = broken.case
    inventory = f"/v1/customer_profiles/{encoded(broken.about)}/inventory?profile=true"
    if isinstance(case, Update):
        path = f"/v2/customer_profiles/{encoded(broken.about)}"
        yield curl.update(path, {"attributes": case.first}, at)
        yield curl.update(path, {"attributes": case.second}, at, case.authorization)
    elif isinstance(case, list):
        yield from curl.posts(case, at)
    else:
        yield f"# {case}"
    if broken.about:
        yield curl.read_back(inventory, at)


def shown(value: object) -> str:
    """A value as text: JSON where it is JSON, and where there is no profile, these words."""
    if value is None:
        return "no profile"
    if isinstance(value, str):
        return value
    try:
        text = encode(_plain(value)).decode()
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _plain(value: Any) -> Json:
    """The value with lists for tuples."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    known: Json = value
    return known
