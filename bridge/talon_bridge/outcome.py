"""What to do after an attempt: done, again at some time, wait for a person, or give up. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import msgspec

LONGEST_WAIT = 600.0  # seconds
LONGEST_RETRY_AFTER = 300.0  # Segment's own libraries cap Retry-After at 300 s (observed)

# Segment retries 5xx except 501 and 505, and 408, 410, 429, 460 (documented); for Talon.One 409 says that the profile
# is busy (documented), 423 and 425 say the same for anybody, and 410 is final.
RETRIED = frozenset({408, 409, 423, 425, 429, 460})
FINAL_5XX = frozenset({501, 505})
UNAUTHORISED = frozenset({401, 403})
BUSY = frozenset({409, 423, 425})  # of a profile, not of Talon.One as a whole


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the headers in lower case that matter here, and the first 64 KiB of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoAnswer(msgspec.Struct, frozen=True):
    """Nothing usable came back. `may_have_landed`: the request may have been applied, or may still be."""

    reason: str
    may_have_landed: bool


class Attempts(msgspec.Struct, frozen=True):
    """How often an event was tried before, and when first (Unix seconds)."""

    count: int
    first_at: float


class Policy(msgspec.Struct, frozen=True):
    """How long to go on, how long an abandoned request may still land, the first wait, and the wait after a 401.

    All in seconds.
    """

    retry_window: float
    hold: float
    first_wait: float = 1.0
    probe_every: float = 15.0


class Delivered(msgspec.Struct, frozen=True, tag=True):
    """Talon.One took it."""


class RetryAt(msgspec.Struct, frozen=True, tag=True):
    """Try again, not before `at` (Unix seconds).

    `pause`: the whole destination waits, not this profile alone. `busy`: it works, and asks for patience (429).
    """

    at: float
    reason: str
    pause: bool = False
    busy: bool = False


class Dead(msgspec.Struct, frozen=True, tag=True):
    """Trying again would not help, or the window is over: then `wait` is how many seconds another try would have."""

    reason: str
    wait: float = 0.0


Outcome: TypeAlias = Delivered | RetryAt | Dead


def refused(got: Answer | NoAnswer) -> bool:
    """Whether Talon.One will not take the request as it is, however often it is asked."""
    if isinstance(got, NoAnswer) or 200 <= got.status < 300 or got.status in UNAUTHORISED | RETRIED:
        return False
    return got.status < 500 or got.status in FINAL_5XX


def decide(got: Answer | NoAnswer, attempts: Attempts, policy: Policy, now: float, jitter: float) -> Outcome:
    """The outcome of an attempt that ended at `now`; `jitter` is 0 to 1 and spreads the waits."""
    if isinstance(got, NoAnswer):
        wait = backoff(attempts.count, policy.first_wait, jitter)
        if got.may_have_landed:
            return _retry(got.reason, max(wait, policy.hold), attempts, policy, now)
        return _retry(got.reason, wait, attempts, policy, now, pause=True)
    if 200 <= got.status < 300:
        return Delivered()
    if got.status in UNAUTHORISED:
        reason = f"Talon.One answered {got.status}: the API key is not accepted; the destination is paused"
        return RetryAt(now + policy.probe_every, reason, pause=True)
    if not refused(got):
        asked = retry_after(got.headers.get("retry-after"), now)
        wait = asked or backoff(attempts.count, policy.first_wait, jitter)  # "0" is no leave to storm
        busy = got.status == 429
        return _retry(f"Talon.One answered {got.status}", wait, attempts, policy, now, pause=busy, busy=busy)
    if got.status // 100 == 3:
        return Dead(
            f"Talon.One answered {got.status}, a redirect; redirects are not followed: check application_domain"
        )
    return Dead(f"Talon.One answered {got.status}")


def _retry(
    reason: str, wait: float, attempts: Attempts, policy: Policy, now: float, pause: bool = False, busy: bool = False
) -> Outcome:
    if now + wait > attempts.first_at + policy.retry_window:
        tried = attempts.count + 1
        return Dead(f"{reason}; given up after {tried} attempts, the retry window is over", wait)
    return RetryAt(now + wait, reason, pause, busy)


def backoff(count: int, first_wait: float, jitter: float) -> float:
    """Seconds to wait after `count` earlier attempts: exponential, capped, of which the upper half is random."""
    full = min(first_wait * 2.0 ** min(count, 30), LONGEST_WAIT)
    return full * (0.5 + jitter / 2)


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds asked for by a Retry-After header (a number or a date), capped; None when there is none worth reading."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    wait = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER)
