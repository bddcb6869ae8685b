"""The command that syncs an audience or computed trait from a source."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from localtalon.bridge_options import Share, fail, in_options, say, sure, with_bridge, with_client

if TYPE_CHECKING:
    from localtalon.bridge_client import BridgeClient
    from localtalon.engage_outcome import Outcome
    from localtalon.engage_sync import Source, Syncing

_BROKEN = 1
_FOR_CSV = ("header", "delimiter", "user_column", "value_column")
_STOPPED = 130  # as shells have it for Ctrl-C


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """How the source is read."""
    for option in (
        click.option("--value-column", help="Name or number of the column with the values (CSV)."),
        click.option("--user-column", help="Name or number of the column with the user ids (CSV)."),
        click.option("--delimiter", help="What separates columns (CSV; default: comma, or what the first row has)."),
        click.option("--header/--no-header", default=None, help="Whether the first row names the columns (CSV)."),
        click.option(
            "--query-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the query."
        ),
        click.option("--query", help="SQL for a database: user ids in the first column, values in the second."),
    ):
        command = option(command)
    return command


def _elsewhere(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is needed without a bridge of ours."""
    for option in (
        click.option("--nullify", is_flag=True, help="With --to: see `engage define`."),
        click.option("--trait", metavar="TYPE", help="With --to: AUDIENCE is a computed trait with such values."),
        click.option("--key", help="With --to: the key of AUDIENCE (default: made of its name)."),
        click.option(
            "--config", "config_file", type=click.Path(dir_okay=False, path_type=Path), help="With --to: definitions."
        ),
        click.option("--data", help="With --to: the directory that keeps the members between syncs."),
        click.option(
            "--write-key",
            envvar="LOCALTALON_WRITE_KEY",
            help="With --to: the write key of that server's source (default: LOCALTALON_WRITE_KEY).",
        ),
        click.option("--to", metavar="URL", help="Send to the server at URL, in place of a bridge of ours."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("audience")
@click.argument("source")
@with_bridge
@_reading
@click.option("--allow-empty", is_flag=True, help="A source without any user is meant so.")
@click.option("--force", is_flag=True, help="However many members leave.")
@click.option("--max-leaving", type=Share(), help="The share of the members that may leave (default: as defined).")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where refused rows go: .csv, or NDJSON (default: AUDIENCE.refused.ndjson, if there are any).",
)
@click.option("--no-wait", is_flag=True, help="Do not wait until the identifies are delivered.")
@_elsewhere
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sync(
    audience: str,
    source: str,
    bridge: str,
    token: str | None,
    refused: Path | None,
    no_wait: bool,
    to: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make the users of SOURCE the members of AUDIENCE, and send who came and who left.

    SOURCE is a CSV or NDJSON file, a directory of them, - for standard input, or the URL of a database: sqlite:FILE,
    postgresql://... with --query. Exits with 1 where an identify became a dead letter,
    or the server at --to does not take what was decided.
    """
    if refused is not None and not refused.parent.is_dir():
        fail(f"there is no directory {refused.parent} for the refused rows")
    read = _source(source, given)
    if to is not None:
        if no_wait:
            raise click.UsageError("--no-wait is for a bridge of ours; what --to names tells nothing of deliveries")
        _guarded(lambda: _there(audience, read, to, refused, as_json, given))
        return
    for name in ("data", "config_file", "key", "trait", "nullify"):
        if given[name]:
            raise click.UsageError(f"--{name.removesuffix('_file')} is for --to URL")
    with_client(
        bridge, token, lambda client: _guarded(lambda: _here(client, audience, read, refused, no_wait, as_json, given))
    )


def _here(
    client: "BridgeClient",
    audience: str,
    source: "Source",
    refused: Path | None,
    no_wait: bool,
    as_json: bool,
    given: dict[str, Any],
) -> None:
    """Sync through a bridge of ours."""
    from localtalon import engage_list as listing
    from localtalon.engage_outcome import Outcome, clear_refused, refused_file
    from localtalon.engage_progress import Stages
    from localtalon.engage_sync import Syncing

    begun = time.monotonic()
    one = listing.found(client, audience)
    file = refused or refused_file(one["id"])
    with Stages() as stages:
        syncing = Syncing(client, one, stages, say)
        made = _synced(syncing, source, file, given)
        written = syncing.write_refused(file)
        if written is None and refused is None:
            clear_refused(file)
        dead = 0 if no_wait else syncing.settle(made)
    taken = time.monotonic() - begun
    _told(Outcome(one["name"], made, taken, "", None if no_wait else not dead, dead, written), as_json)
    if dead:
        say(
            f"{dead:,} events became dead letters meanwhile; `localtalon dead-letters --bridge {client.url}` shows them"
        )
        sys.exit(_BROKEN)


def _there(
    audience: str, source: "Source", to: str, refused: Path | None, as_json: bool, given: dict[str, Any]
) -> None:
    """Sync through another server."""
    from localtalon import engage_elsewhere
    from localtalon.engage_elsewhere import Asked, Server
    from talon_bridge.engage.safety import Options

    if not to.startswith(("http://", "https://")):
        raise click.UsageError(f"--to {to} is no URL; give one such as https://api.segment.io")
    if "@" in urlsplit(to).netloc:  # not repeated: it may be a password
        raise click.UsageError("--to holds a login; leave it out, --write-key is the login")
    if not given["data"]:
        raise click.UsageError(
            "--to needs --data DIR, which keeps the members: without it every sync would be a first one"
        )
    if not given["write_key"]:
        raise click.UsageError("--to needs --write-key KEY, that of a source there")
    options = Options(given["allow_empty"], given["force"], given["max_leaving"])
    may_ask = _may_ask(source)
    asked = Asked(options, refused, lambda question: may_ask and sure(in_options(question)), say)
    one = engage_elsewhere.wanted(audience, given["config_file"], given["key"], given["trait"], given["nullify"])
    _told(engage_elsewhere.synced(one, source, Server(to, given["write_key"], given["data"]), asked), as_json)


def _may_ask(source: "Source") -> bool:
    return sys.stdin.isatty() and source.place != "-"


def _synced(syncing: "Syncing", source: "Source", refused: Path, given: dict[str, Any]) -> dict[str, Any]:
    """One sync; where too many would leave, another one if somebody at the terminal wants it."""
    from localtalon.bridge_client import BridgeError

    flags = {"allowEmpty": "true" if given["allow_empty"] else None, "maxLeaving": given["max_leaving"]}
    try:
        return syncing.sync(source, **flags, force="true" if given["force"] else None)
    except BridgeError as error:
        if error.code == "too_many_leave" and _may_ask(source) and sure(in_options(f"{error}\nSync all the same?")):
            return syncing.sync(source, **flags, force="true")
        written = syncing.write_refused(refused) if error.code in ("too_many_leave", "empty_source") else None
        if written is not None:
            say(f"the refused rows are in {written}")
        raise BridgeError(in_options(str(error)), error.status, error.code) from None


def _source(place: str, given: dict[str, Any]) -> "Source":
    """The source with how it is read; what cannot be read so is said at once."""
    from localtalon.engage_sync import Source, may_be_csv, shown
    from talon_bridge.engage.problems import EngageError
    from talon_bridge.engage.sources import check_scheme
    from talon_bridge.engage.sources.columns import CsvOptions

    query, file = given["query"], given["query_file"]
    if query is not None and file is not None:
        raise click.UsageError("give --query or --query-file, not both")
    try:
        check_scheme(place)
    except EngageError as error:
        fail(f"{error.message}; {error.hint}")
    given_for_csv = [name for name in _FOR_CSV if given[name] is not None]
    if given_for_csv and not may_be_csv(place):
        raise click.UsageError(
            f"--{given_for_csv[0].replace('_', '-')} is for CSV, and has no effect with {shown(place)}"
        )
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given["delimiter"], given["delimiter"])
    try:
        query = file.read_text("utf-8") if file is not None else query
        options = CsvOptions(given["header"], delimiter, given["user_column"], given["value_column"])
        return Source(place, query, options, say)
    except EngageError as error:
        fail(f"{error.message}; {error.hint}")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}")


def _guarded(work: Callable[[], None]) -> None:
    """Do it; what is wrong with the source or the files is one line and exit code 2, Ctrl-C says how things stand."""
    from localtalon.config import ConfigError
    from localtalon.engage_outcome import NotWritten
    from localtalon.engage_sync import Stopped, Undelivered
    from talon_bridge.engage.problems import EngageError
    from talon_bridge.engage.store.protocol import StoreUnavailable
    from talon_bridge.settings import SettingsError

    try:
        work()
    except EngageError as error:
        fail(in_options(f"{error.message}; {error.hint}"))
    except Undelivered as error:
        say(str(error))
        sys.exit(_BROKEN)
    except (ConfigError, NotWritten, SettingsError, StoreUnavailable) as error:
        fail(str(error))
    except Stopped as stopped:
        say(str(stopped))
        sys.stdout.flush()
        os._exit(_STOPPED)  # a thread may wait for standard input for ever


def _told(outcome: "Outcome", as_json: bool) -> None:
    click.echo(outcome.for_programs() if as_json else "\n".join(outcome.for_people()))
