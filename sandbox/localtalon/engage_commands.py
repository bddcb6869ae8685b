"""The commands for audiences and computed traits: define, list, sync, members, forget."""

import sys
from typing import TYPE_CHECKING, Any

import click

from localtalon.bridge_options import Share, fail, say, with_bridge, with_client
from localtalon.engage_sync_command import sync

if TYPE_CHECKING:
    from localtalon.bridge_client import BridgeClient

_BROKEN = 1

_audience = click.argument("audience")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def engage() -> None:
    """Audiences and computed traits, from a list of users to attributes.

    AUDIENCE is the id, key or name of an audience or computed trait.
    """


engage.add_command(sync)


@engage.command()
@click.argument("name")
@with_bridge
@click.option("--key", help="The attribute's name (default: made of NAME, AUD-1).")
@click.option("--id", "own_id", help="What it is called in URLs (default: the key).")
@click.option("--trait", metavar="TYPE", help='A computed trait with values of this type: number, "(list string)", ...')
@click.option(
    "--nullify/--no-nullify",
    default=None,
    help="Whether users missing from the next sync get null (computed traits, AUD-6) [no].",
)
@click.option("--max-leaving", type=Share(), help="The share of members one sync may remove without --force [0.5].")
@_json
def define(
    bridge: str,
    token: str | None,
    name: str,
    key: str | None,
    own_id: str | None,
    trait: str | None,
    nullify: bool | None,
    max_leaving: float | None,
    as_json: bool,
) -> None:
    """Define the audience NAME, or with --trait a computed trait; or change what is given of the one with its id.

    Exits with 1 where the attribute in Talon.One is missing or has another type.
    """
    from talon_bridge.audience_key import key_of

    own = own_id or key or key_of(name)
    if not own:
        fail(f"{name!r} makes no key (AUD-1, AUD-3); give one with --key: letters, digits and _, first a letter")

    def put(client: "BridgeClient") -> None:
        from localtalon import engage_list as listing

        before = next((one for one in listing.listed(client) if one["id"] == own), None)
        kind = "trait" if trait is not None else "audience" if before is None else before["class"]
        if nullify is not None and kind == "audience":
            raise click.UsageError("--nullify is for computed traits: give --trait TYPE, too")
        given = {"name": name, "key": key, "type": trait, "nullify": nullify, "maxLeaving": max_leaving}
        one = client.put(listing.path(kind, own), listing.definition(before, given))
        click.echo(_line(one) if as_json else listing.defined(one, before is None))
        if one["misfit"] is not None:
            say(listing.misfit(one))
            sys.exit(_BROKEN)

    with_client(bridge, token, put)


@engage.command("list")
@with_bridge
@_json
def list_all(bridge: str, token: str | None, as_json: bool) -> None:
    """List audiences and computed traits, how many members they have, and how their last sync ended."""

    def printed(client: "BridgeClient") -> None:
        from localtalon import engage_list as listing

        shown = listing.listed(client)
        click.echo(_line(shown) if as_json else "\n".join(listing.for_people(shown)))

    with_client(bridge, token, printed)


@engage.command()
@_audience
@with_bridge
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each member.")
def members(bridge: str, token: str | None, audience: str, as_json: bool) -> None:
    """List the members of AUDIENCE by user id; of a computed trait with their values."""

    def printed(client: "BridgeClient") -> None:
        from localtalon import engage_list as listing

        one = listing.found(client, audience)
        for page in listing.members(client, one):
            lines = [_line(member) if as_json else listing.member_for_people(one, member) for member in page]
            click.echo("\n".join(lines))

    with_client(bridge, token, printed)


@engage.command()
@_audience
@with_bridge
@_json
def forget(bridge: str, token: str | None, audience: str, as_json: bool) -> None:
    """Drop AUDIENCE with its members. Nothing is sent: users keep the value that they have."""

    def dropped(client: "BridgeClient") -> None:
        from localtalon import engage_list as listing

        told, what = listing.forgotten(client, audience)
        click.echo(_line(told) if as_json else f"forgot the {what}; nothing was sent")

    with_client(bridge, token, dropped)


def _line(value: Any) -> str:
    from talon_bridge import codec

    return codec.encode(value).decode()
