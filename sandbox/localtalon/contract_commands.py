"""The command for the contract as files."""

import json
from pathlib import Path

import click


@click.group()
def contracts() -> None:
    """The contract between Segment and Talon.One: schemas, vectors and rules."""


@contracts.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write into a folder that is not empty; foreign files in it stay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export(folder: Path, force: bool, as_json: bool) -> None:
    """Write schemas, vectors and rules into DIR, for tests in any language.

    The same version of localtalon always writes the same bytes.
    """
    from localtalon import startup
    from talon_contracts import export as exporting

    try:
        written = exporting.write(folder, force)
    except exporting.NotEmptyError as error:
        startup.fail(f"{error}; name a new folder, or give --force: it replaces what an export writes, and no more")
    except OSError as error:
        startup.fail(f"{error.filename or folder} cannot be written: {error.strerror}")
    if as_json:
        click.echo(json.dumps({"folder": str(folder), "files": written}))
    else:
        click.echo(f"wrote {len(written)} files into {folder}; {folder / 'README.md'} says how to use them")
