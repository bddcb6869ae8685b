"""The commands for dead letters: list, send again, discard."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from localtalon.bridge_options import COULD_NOT_RUN, fail, say, sure, with_bridge, with_client

if TYPE_CHECKING:
    from localtalon.bridge_client import BridgeClient
    from localtalon.redelivery import Done, Verb

_ENDED_ILL = 1

_ids = click.argument("message_ids", metavar="[MESSAGE_ID]...", nargs=-1)
_every = click.option("--all", "every", is_flag=True, help="All dead letters.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _with_filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--until", help="Received at this time or earlier."),
        click.option("--since", help="Received at this time or later: ISO 8601, UTC where it names no zone."),
        click.option("--status", type=click.IntRange(100, 599), help="The last answer of Talon.One had this status."),
        click.option("--user", help="Those of one user ID."),
    ):
        command = option(command)
    return command


@click.command("dead-letters")
@with_bridge
@click.option("--message", help="Those with one messageId.")
@_with_filters
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@click.option("--show", metavar="MESSAGE_ID", help="Explain one event in full instead.")
@_json
def dead_letters(
    bridge: str,
    token: str | None,
    message: str | None,
    user: str | None,
    status: int | None,
    since: str | None,
    until: str | None,
    limit: int,
    show: str | None,
    as_json: bool,
) -> None:
    """List what the bridge gave up, the oldest first, and why."""
    from localtalon import dead_letter_list as listing

    def printed(client: "BridgeClient") -> None:
        if show is not None:
            event = listing.event(client, show)
            lines = listing.event_for_people(event)
            click.echo(listing.for_programs(event) if as_json else "\n".join(lines))
            return
        filters = {"messageId": message, **_filters(user, status, since, until)}
        told = listing.found(client, filters, limit)
        click.echo(listing.for_programs(told) if as_json else "\n".join(listing.for_people(told)))

    with_client(bridge, token, printed)


@click.command()
@with_bridge
@_ids
@_every
@_with_filters
@click.option("--force", is_flag=True, help="Send also what newer delivered events have replaced.")
@click.option("--wait", is_flag=True, help="Wait until all are settled; exit with 1 when some died again.")
@click.option("--timeout", type=click.FloatRange(0), help="Give up waiting after so many seconds, with exit code 2.")
@_json
def replay(
    bridge: str,
    token: str | None,
    message_ids: tuple[str, ...],
    every: bool,
    user: str | None,
    status: int | None,
    since: str | None,
    until: str | None,
    force: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Send dead letters again.

    Those with these messageIds, those that fit the options, or all. What a newer delivered event of the same user has
    replaced is not sent, unless forced.
    """
    filters = _filters(user, status, since, until)
    _one_way_of_naming(message_ids, every, filters)

    def send(client: "BridgeClient") -> None:
        done = _taken(client, "replay", message_ids, filters, {"force": force})
        dead = None
        if wait or timeout is not None:
            dead = _died_again(client, done, filters, timeout) if done.count else 0
        if as_json:
            click.echo(json.dumps({"replayed": done.count, "diedAgain": dead, "problems": done.problems}))
        else:
            fate = "" if dead is None else f"; {dead:,} died again" if dead else "; none died again"
            click.echo(f"replayed {_letters(done.count)}{fate}")
        _end(done, _ENDED_ILL if dead else 0, as_json)

    with_client(bridge, token, send)


@click.command()
@with_bridge
@_ids
@_every
@_with_filters
@click.option("--yes", is_flag=True, help="Do not ask first.")
@_json
def discard(
    bridge: str,
    token: str | None,
    message_ids: tuple[str, ...],
    every: bool,
    user: str | None,
    status: int | None,
    since: str | None,
    until: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete dead letters for good.

    Those with these messageIds, those that fit the options, or all.
    """
    filters = _filters(user, status, since, until)
    _one_way_of_naming(message_ids, every, filters)

    def delete(client: "BridgeClient") -> None:
        from localtalon import redelivery

        if not yes:
            count = len(message_ids) or redelivery.total(client, filters)
            if count and not sure(f"Discard {_letters(count)} for good?"):
                fail("nothing was discarded; --yes does not ask")
        done = _taken(client, "discard", message_ids, filters, {})
        if as_json:
            click.echo(json.dumps({"discarded": done.count, "problems": done.problems}))
        else:
            click.echo(f"discarded {_letters(done.count)}")
        _end(done, 0, as_json)

    with_client(bridge, token, delete)


def _filters(user: str | None, status: int | None, since: str | None, until: str | None) -> dict[str, Any]:
    given = {"userId": user, "status": status, "receivedFrom": since, "receivedUntil": until}
    return {name: value for name, value in given.items() if value is not None}


def _one_way_of_naming(message_ids: tuple[str, ...], every: bool, filters: dict[str, Any]) -> None:
    if bool(message_ids) + every + bool(filters) != 1:
        raise click.UsageError("give messageIds, or options that narrow (--user, --status, --since, --until), or --all")


def _taken(
    client: "BridgeClient",
    verb: "Verb",
    message_ids: tuple[str, ...],
    filters: dict[str, Any],
    options: dict[str, Any],
) -> "Done":
    from localtalon import redelivery

    if message_ids:
        return redelivery.one_by_one(client, verb, message_ids, options)
    return redelivery.by_filter(client, verb, filters, options)


def _died_again(client: "BridgeClient", done: "Done", filters: dict[str, Any], timeout: float | None) -> int:
    from localtalon import redelivery

    try:
        return redelivery.died_again(client, done, filters, timeout, say)
    except redelivery.WaitedInVain as error:
        fail(f"replayed {_letters(done.count)}; {error}")


def _end(done: "Done", code: int, as_json: bool) -> NoReturn:
    for problem in () if as_json else done.problems:
        say(problem)
    sys.exit(COULD_NOT_RUN if done.problems else code)


def _letters(count: int) -> str:
    return f"{count:,} dead letter{'' if count == 1 else 's'}"
