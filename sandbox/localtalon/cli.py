"""The command line."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localtalon import dead_letter_commands

if TYPE_CHECKING:
    from localtalon.sandbox import Pair

_LATE: dict[str, str] = {
    "attributes": "localtalon.attribute_commands:attributes",
    "check": "localtalon.check_command:check",
    "contracts": "localtalon.contract_commands:contracts",
    "engage": "localtalon.engage_commands:engage",
    "parity": "localtalon.parity_command:parity",
    "verify": "localtalon.verify_command:verify",
}
"""Commands that live in modules of their own, which are imported when they are asked for."""


class _Group(click.Group):
    """A group whose late commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LATE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LATE:
            return super().get_command(ctx, cmd_name)
        module, _, name = _LATE[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="localtalon")
def main() -> None:
    """Talon.One on your own machine, and the Segment destination that feeds it."""


for _command in (dead_letter_commands.dead_letters, dead_letter_commands.replay, dead_letter_commands.discard):
    main.add_command(_command)


_CONFIG_HELP = "Config file (default: ./localtalon.toml where there is one, else the demo)."
_config = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_CONFIG_HELP,
)
_data = click.option("--data", help="A directory, or PostgreSQL URL, to keep all in (default: memory, gone at exit).")
_host = click.option("--host", help="Address to listen on (default 127.0.0.1).")
_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready.")


def _port(name: str, default: int) -> Callable[[Any], Any]:
    text = f"Port (default {default}; 0: any free one)."
    return click.option(name, type=click.IntRange(0, 65535), help=text)


def _zero(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    if value not in (None, 0):
        raise click.BadParameter("there are two ports to give; use --emulator-port and --bridge-port, or --port 0")
    return value


@main.command()
@_config
@_data
@_host
@_port("--emulator-port", 8900)
@_port("--bridge-port", 8901)
@click.option("--port", type=int, callback=_zero, help="0: any free port for both.")
@click.option("--demo", is_flag=True, help="Send a few sample events and print what became of them.")
@_json
def up(
    config_file: Path | None,
    data: str | None,
    host: str | None,
    emulator_port: int | None,
    bridge_port: int | None,
    port: int | None,
    demo: bool,
    as_json: bool,
) -> None:
    """Run the emulator and the bridge together."""
    from localtalon import banner, startup

    settings = startup.configured(config_file, data, host)
    settings = startup.with_ports(settings, _first(emulator_port, port), _first(bridge_port, port))
    pair = startup.composed(settings)
    for warning in settings.warnings(pair.emulator.url):
        startup.warn(warning, settings.bridge.log)

    def ready() -> None:
        if as_json:
            click.echo(banner.for_programs(pair))
        else:
            click.echo("\n".join(banner.for_people(pair)))
            click.echo("\nCtrl-C ends it.")
        sys.stdout.flush()
        if demo:
            startup.in_background(lambda: _show_demo(pair, to_stderr=as_json))

    startup.run((pair.emulator, pair.bridge), ready, pair.bridge_settings.log)


@main.command()
@_config
@_data
@_host
@_port("--port", 8900)
@_json
def emulator(config_file: Path | None, data: str | None, host: str | None, port: int | None, as_json: bool) -> None:
    """Run the fake Talon.One alone."""
    from localtalon import startup

    settings = startup.with_ports(startup.configured(config_file, data, host), port, None)
    service, deployment = startup.emulator(settings)
    keys = deployment.management_keys
    told = {
        "emulator": service.url,
        "apiKeys": [key.key for application in deployment.applications for key in application.api_keys],
        "managementKey": keys[0].key if keys else None,
    }
    startup.run((service,), lambda: _announce(told, as_json))


@main.command()
@_config
@_data
@_host
@_port("--port", 8901)
@_json
def bridge(config_file: Path | None, data: str | None, host: str | None, port: int | None, as_json: bool) -> None:
    """Run the bridge alone, towards the application domain.

    The config or LOCALTALON_DESTINATION_APPLICATION_DOMAIN names it; by default it is an emulator on its usual port.
    """
    from localtalon import startup

    service, settings = startup.bridge(startup.with_ports(startup.configured(config_file, data, host), None, port))
    told = {
        "bridge": service.url,
        "writeKey": settings.write_keys[0],
        "applicationDomain": settings.destination.base_url,
    }
    startup.run((service,), lambda: _announce(told, as_json), settings.log)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@_config
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each event.")
def explain(file: str, config_file: Path | None, as_json: bool) -> None:
    """Show what would become of the events in FILE (-: standard input), without sending them.

    FILE holds one call, a batch as a library sends it, a JSON array of calls, or one call a line.
    Exits with 1 when a trait would be withheld or refused, an identify would not be sent, or something is no event.
    """
    from localtalon import explain as explaining
    from localtalon import recordings, startup
    from talon_bridge import codec

    destination, definitions = startup.destination(config_file)
    well = True
    for item in recordings.calls([file]):
        told = explaining.explain(item, destination, definitions)
        well = well and explaining.is_well(told)
        if as_json:
            click.echo(codec.encode(told).decode())
        else:
            click.echo("\n".join(explaining.lines(told)))
    sys.exit(0 if well else 1)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def rules(as_json: bool) -> None:
    """List the rules: what must hold between Segment and Talon.One, and who says so."""
    from localtalon import rule_list

    click.echo(rule_list.for_programs() if as_json else rule_list.for_people())


@main.command()
@_config
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def assumptions(config_file: Path | None, as_json: bool) -> None:
    """List what is open about Talon.One: what the emulator does instead, what else it can do, which is in effect."""
    from localtalon import assumption_list, startup

    chosen = startup.configured(config_file, None, None).emulator_settings().deployment.assumptions
    click.echo(assumption_list.for_programs(chosen) if as_json else assumption_list.for_people(chosen))


@main.command()
@_config
@click.option("--data", help="The bridge's directory (default: what the config names).")
@click.option(
    "--export", type=click.Path(dir_okay=False, path_type=Path), help="Write what is not delivered to a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(config_file: Path | None, data: str | None, export: Path | None, as_json: bool) -> None:
    """Look for damage in the bridge's outbox, while no bridge is using it, and say what to do.

    Nothing of it is changed. Exits with 1 when something is damaged.
    """
    from localtalon import doctor as examining
    from localtalon import startup

    data = startup.configured(config_file, data, None).bridge.data
    if data is None:
        startup.fail("the bridge keeps everything in memory: no --data, and no bridge.data in a config")
    if "://" in data:
        return click.echo(examining.IN_POSTGRES)
    told = startup.checked(lambda: examining.examined(data, export))
    click.echo(json.dumps(told) if as_json else "\n".join(examining.lines(told)))
    sys.exit(1 if told["damage"] else 0)


def _announce(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told))
    else:
        for name, value in told.items():
            shown = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{name}: {shown}")
        click.echo("Ctrl-C ends it.")
    sys.stdout.flush()


def _show_demo(pair: "Pair", to_stderr: bool) -> None:
    from localtalon import demo

    settings = pair.bridge_settings
    for line in demo.run(pair.bridge.url, settings.write_keys[0], settings.control_token):
        click.echo(line, err=to_stderr)
    sys.stdout.flush()


def _first(*ports: int | None) -> int | None:
    return next((port for port in ports if port is not None), None)
