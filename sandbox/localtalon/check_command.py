"""The command that checks, without any server, whether a set-up fits together."""

import sys
from pathlib import Path

import click

from localtalon.report_options import Outputs, reporting
from talon_contracts.reports.events import COULD_NOT_JUDGE


@click.command()
@click.argument("paths", nargs=-1, metavar="[CONFIG]")
@click.option("--config", "named", metavar="FILE", help="Another way to name CONFIG, as the other commands have it.")
@click.option("--events", metavar="PATH", multiple=True, help="Recorded events: a file, a folder or -; also several.")
@click.option("--plan", metavar="FILE", help="A JSON Schema of the traits; FILE#/pointer where it is a part of FILE.")
@click.option("--ignore", metavar="NAME", multiple=True, help="A trait (or * pattern) that is not meant for Talon.One.")
@click.option("--strict", is_flag=True, help="Every other trait that would not be sent is an error.")
@reporting
def check(
    paths: tuple[str, ...],
    named: str | None,
    events: tuple[str, ...],
    plan: str | None,
    ignore: tuple[str, ...],
    strict: bool,
    outputs: Outputs,
) -> None:
    """Check that a config, its audiences, recorded events and a tracking plan fit together. No server is asked.

    CONFIG is ./localtalon.toml unless named. Exits with 1 when a rule is broken, with 2 when something could not be
    judged; a warning breaks nothing.
    """
    from localtalon import config_file
    from localtalon.check import stream, subject
    from localtalon.config import ConfigError

    config, recorded = _sorted((*paths, *([] if named is None else [named])), events)
    config = config or config_file.nearby()
    try:
        if config is None:
            raise ConfigError(f"there is no {config_file.FILE_NAME} here to judge by; name one as CONFIG or --config")
        item = subject.read(config, ignore, strict)
    except ConfigError as error:
        click.echo(f"localtalon: {error}", err=True)
        sys.exit(COULD_NOT_JUDGE)
    sys.exit(outputs.write(stream.events(item, recorded, plan)))


def _sorted(paths: tuple[str, ...], events: tuple[str, ...]) -> tuple[Path | None, tuple[str, ...]]:
    """Config and events. A shell makes of `--events *.json` one option and many arguments, which are events too."""
    configs = [path for path in paths if path.endswith(".toml") or not events]
    others = [path for path in paths if path not in configs]
    if "" in (*paths, *events):
        raise click.UsageError("a path is empty, as that of a variable that is not set")
    if len(configs) > 1:
        raise click.UsageError(f"there is one CONFIG to give; name recorded events with --events: {configs[1]}")
    return (Path(configs[0]) if configs else None), (*events, *others)
