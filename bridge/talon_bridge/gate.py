"""What an answer says of the destination as a whole: it works, it asks for patience, or it is away."""

import logging
import math
import random

import msgspec

from talon_bridge.limiter import Limiter
from talon_bridge.outcome import Answer, Attempts, NoAnswer, Policy, RetryAt, decide

log = logging.getLogger(__name__)


class Gate:
    """Closes and opens the limiter; a destination that stays away is asked less and less often.

    How long an event is retried does not matter here.
    """

    def __init__(self, limiter: Limiter, policy: Policy) -> None:
        self._limiter = limiter
        self._policy = msgspec.structs.replace(policy, retry_window=math.inf)
        self._closures = 0

    def heard(self, got: Answer | NoAnswer, now: float) -> None:
        """Take note of an answer that came at `now` (Unix seconds)."""
        outcome = decide(got, Attempts(self._closures, now), self._policy, now, random.random())
        if not (isinstance(outcome, RetryAt) and outcome.pause):
            self._closures = 0
            return self._limiter.well()
        self._closures += 1
        wait = outcome.at - now
        if outcome.busy:
            return self._limiter.close_for(wait)
        if not self._limiter.closed_because:
            log.warning("deliveries pause: %s", outcome.reason, extra={"action": "paused"})
        return self._limiter.close_for(min(wait, self._policy.probe_every), outcome.reason)
