"""Dead letters sent again or discarded, in steps, and what became of those that were sent."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from localtalon.bridge_client import BridgeClient, BridgeError, dead_letter_path, event_path
from localtalon.dead_letter_list import found
from localtalon.progress import Progress

Verb = Literal["replay", "discard"]
PAST: Mapping[Verb, str] = {"replay": "replayed", "discard": "discarded"}
REFUSED = (404, 409)
_AT_ONCE = 5000  # dead letters in one request
_ASKED_EVERY = 1.0  # seconds
_ROUNDING = timedelta(milliseconds=1)  # of the times of an explanation


class Done(msgspec.Struct, frozen=True):
    """How many dead letters were taken, which of the ids, what died before `until`, and what was refused."""

    count: int
    ids: tuple[str, ...] = ()
    until: str = ""
    problems: tuple[str, ...] = ()


class WaitedInVain(Exception):
    """What was replayed is not settled in the time given."""


def one_by_one(client: BridgeClient, verb: Verb, message_ids: Sequence[str], options: dict[str, Any]) -> Done:
    """Take dead letters by their ids; what is none becomes a problem, and the others go on."""
    different = tuple(dict.fromkeys(message_ids))
    count, taken, problems = 0, [], []
    with Progress(PAST[verb]) as progress:
        for number, message_id in enumerate(different, 1):
            try:
                count += client.post(dead_letter_path(message_id, verb), options)[PAST[verb]]
                taken.append(message_id)
            except BridgeError as error:
                if error.status not in REFUSED:
                    raise
                problems.append(str(error))
            progress.at(number, len(different))
    return Done(count, tuple(taken), problems=tuple(problems))


def by_filter(client: BridgeClient, verb: Verb, filters: Mapping[str, Any], options: dict[str, Any]) -> Done:
    """Take all dead letters that fit, none of them twice."""
    body: dict[str, Any] = {"filter": dict(filters), "all": not filters, "limit": _AT_ONCE, **options}
    count = 0
    with Progress(PAST[verb]) as progress:
        while True:
            told = client.post(f"/_bridge/dead-letters/{verb}", body)
            count += told[PAST[verb]]
            progress.at(count, count + told["left"])
            if not told["left"] or not told[PAST[verb]]:
                return Done(count, until=told["settledUntil"])
            body["filter"]["settledUntil"] = told["settledUntil"]


def died_again(
    client: BridgeClient,
    done: Done,
    filters: Mapping[str, Any],
    timeout: float | None,
    tell: Callable[[str], None],
) -> int:
    """Wait until what was replayed is settled; how many are dead letters again. Raises `WaitedInVain`."""
    settled = _ids_settled(client, done.ids) if done.ids else _all_settled(client, done, tell)
    give_up = None if timeout is None else time.monotonic() + timeout
    with Progress("settled") as progress:
        while (left := settled(_ASKED_EVERY if give_up is None else min(_ASKED_EVERY, timeout or 0))) > 0:
            progress.at(max(0, done.count - left), done.count)
            if give_up is not None and time.monotonic() >= give_up:
                raise WaitedInVain(f"{left:,} still wait after {timeout:g} s")
    if done.ids:
        return sum(client.get(event_path(each))["state"] == "dead" for each in done.ids)
    return _dead_since(client, done.until, filters)


def _ids_settled(client: BridgeClient, message_ids: Sequence[str]) -> Callable[[float], int]:
    """How many of these still wait, after a while."""
    left = list(message_ids)

    def ask(seconds: float) -> int:
        client.is_idle(seconds)
        left[:] = [each for each in left if client.get(event_path(each))["state"] == "waiting"]
        return len(left)

    return ask


def _all_settled(client: BridgeClient, done: Done, tell: Callable[[str], None]) -> Callable[[float], int]:
    """How many of those that were replayed still wait at most, after a while.

    None, once the longest waiting event was received after the replay: events begin to wait one after the other.
    """
    told: set[str] = set()

    def ask(seconds: float) -> int:
        if client.is_idle(seconds):
            return 0
        status = client.get("/_bridge/status")
        for destination in status["destinations"]:
            if destination["paused"] and destination["reason"] and destination["reason"] not in told:
                told.add(destination["reason"])
                tell(f"deliveries are paused: {destination['reason']}")
        oldest = status["oldestReceivedAt"]
        if oldest is None or _moment(oldest) - _ROUNDING > _moment(done.until):
            return 0
        return min(done.count, int(status["queued"]))

    return ask


def _dead_since(client: BridgeClient, until: str, filters: Mapping[str, Any]) -> int:
    """How many were replayed and died after `until`; the status is left out, which may be another one now."""
    which = {name: value for name, value in filters.items() if name != "status"}
    dead, after = 0, None
    while True:
        page = client.get("/_bridge/dead-letters", **which, limit=1000, after=after)
        dead += sum(
            each["replay"] is not None and _moment(each["settledAt"]) >= _moment(until) - _ROUNDING
            for each in page["deadLetters"]
        )
        after = page["next"]
        if after is None:
            return dead


def total(client: BridgeClient, filters: Mapping[str, Any]) -> int:
    """How many dead letters fit."""
    return int(found(client, filters, 1)["total"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
