"""The commands for attribute definitions: read those of a deployment into the config, compare, create."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from talon_emulator.attributes import ENTITIES

if TYPE_CHECKING:
    from localtalon.attribute_comparison import Pushed
    from localtalon.attribute_definitions import LeftOut
    from localtalon.management_client import ManagementClient
    from talon_emulator.seed import AttributeSeed

_LOCAL = "http://127.0.0.1:8900"


@click.group()
def attributes() -> None:
    """Attribute definitions: read those of a deployment into the config, compare, create what is missing.

    The deployment is asked with the Management API key in LOCALTALON_MANAGEMENT_KEY.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--timeout", type=click.FloatRange(0, min_open=True), default=30, help="Seconds for one answer."),
        click.option("--entity", type=click.Choice(ENTITIES), default="CustomerProfile", show_default=True),
        click.option("--deployment", default=_LOCAL, show_default=True, help="The deployment's base URL."),
        click.option(
            "--config",
            "config",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Config file (default: ./localtalon.toml).",
        ),
    ):
        command = option(command)
    return command


@attributes.command()
@_options
@click.option("--no-builtin", is_flag=True, help="Leave builtin attributes out that the config does not mention.")
@click.option("--stdout", is_flag=True, help="Print the config instead of writing it.")
@click.option("--yes", is_flag=True, help="Do not ask first, should nothing but builtin attributes be left.")
def pull(
    config: Path | None,
    deployment: str,
    entity: str,
    timeout: float,
    as_json: bool,
    no_builtin: bool,
    stdout: bool,
    yes: bool,
) -> None:
    """Make the config's definitions those of the deployment.

    Everything else in the file stays as it is written; a file that does not exist is made.
    """

    def work(client: "ManagementClient") -> None:
        from localtalon import attribute_comparison, attribute_file, attribute_report, config_file

        path = config or Path(config_file.FILE_NAME)
        text = attribute_file.text_of(path)
        here = tuple(seed for seed in attribute_file.written(text) if seed.entity == entity)
        there, left_out = _there(client, entity)
        wanted = attribute_comparison.pulled(here, there, not no_builtin, left_out)
        after = attribute_file.with_attributes(path, text, entity, wanted)
        if stdout:
            click.echo(after, nl=False)
        elif after != text:
            if attribute_comparison.emptied(here, wanted) and not yes:
                _ask_to_empty(path, client.url, entity)
            attribute_file.write(path, after)
        if as_json and not stdout:
            click.echo(attribute_report.pull_for_programs(str(path), client.url, here, wanted, left_out))
        elif not stdout:
            click.echo("\n".join(attribute_report.pull_for_people(str(path), client.url, here, wanted)))
        for remark in attribute_report.remarks(here, wanted, left_out):
            _say(remark)

    _with_deployment(deployment, timeout, work)


@attributes.command()
@_options
def diff(config: Path | None, deployment: str, entity: str, timeout: float, as_json: bool) -> None:
    """Say how the config's definitions and the deployment's differ.

    Exits with 0 when they are the same, 1 when they differ, 2 when that cannot be told.
    """

    def work(client: "ManagementClient") -> None:
        from localtalon import attribute_report
        from localtalon.attribute_comparison import differences, same

        here = _here(config, entity)
        there, left_out = _there(client, entity)
        found = differences(here, there, left_out)
        shown = attribute_report.diff_for_programs if as_json else attribute_report.diff_for_people
        click.echo(shown(client.url, entity, here, found))
        if same(found) is None:
            _fail("whether they are the same cannot be told, because of what cannot be read there")
        sys.exit(0 if same(found) else 1)

    _with_deployment(deployment, timeout, work)


@attributes.command()
@_options
@click.option("--yes", is_flag=True, help="Do not ask first.")
def push(config: Path | None, deployment: str, entity: str, timeout: float, as_json: bool, yes: bool) -> None:
    """Create in the deployment what only the config defines.

    Nothing that exists is changed, and nothing at all is created while anything clashes. Exits with 1 then, or when the
    deployment refuses one.
    """

    def work(client: "ManagementClient") -> None:
        from localtalon import attribute_report
        from localtalon.attribute_comparison import Pushed, plan

        here = _here(config, entity)
        planned = plan(here, *_there(client, entity))
        for line in attribute_report.plan_for_people(client.url, planned):
            click.echo(line, err=as_json)
        pushed = Pushed()
        if planned.create and not planned.clashes:
            if not yes and not _sure(f"Create in {client.url}?"):
                _fail("nothing was created; --yes does not ask")
            pushed = _created(client, planned.create)
        if as_json:
            click.echo(attribute_report.push_for_programs(client.url, planned, pushed))
        else:
            for line in attribute_report.push_for_people(client.url, planned, pushed):
                click.echo(line)
        if pushed.broken_off:
            _fail(pushed.broken_off)
        sys.exit(1 if planned.clashes or pushed.refused else 0)

    _with_deployment(deployment, timeout, work)


def _here(path: Path | None, entity: str) -> "tuple[AttributeSeed, ...]":
    from localtalon import attribute_file, config_file

    return attribute_file.definitions(path or config_file.nearby(), entity)


def _there(client: "ManagementClient", entity: str) -> "tuple[list[AttributeSeed], list[LeftOut]]":
    """The deployment's definitions, its own before the builtin ones, and those that no config can say."""
    from localtalon.attribute_definitions import LeftOut, read
    from localtalon.management_client import ManagementError

    custom = list(client.definitions(entity, "custom"))
    known = {item.get("id") for item in custom}
    # A deployment that does not tell them apart shows all of them both times.
    builtin = [item for item in client.definitions(entity, "builtin") if item.get("id") not in known]
    found = [*(read(item, False) for item in custom), *(read(item, True) for item in builtin)]
    ((most, times),) = Counter(each.name for each in found if each.name != "?").most_common(1) or [("", 0)]
    if times > 1:
        raise ManagementError(
            f"{client.url} lists {most} of {entity} {times} times, under different ids; a name is unique in Talon.One"
        )
    seeds = [each for each in found if not isinstance(each, LeftOut)]
    return seeds, [each for each in found if isinstance(each, LeftOut)]


def _created(client: "ManagementClient", seeds: "tuple[AttributeSeed, ...]") -> "Pushed":
    """Make them one by one; one that is refused keeps no other from being made."""
    from localtalon.attribute_comparison import Pushed
    from localtalon.attribute_definitions import body
    from localtalon.management_client import ManagementError, RefusedError
    from localtalon.progress import Progress

    made: list[AttributeSeed] = []
    refused: dict[str, str] = {}
    with Progress("attributes created") as progress:
        for number, seed in enumerate(seeds):
            progress.at(number, len(seeds))
            try:
                client.create(body(seed))
            except RefusedError as error:
                refused[seed.name] = str(error)
            except ManagementError as error:
                return Pushed(tuple(made), refused, str(error))
            except KeyboardInterrupt:
                doubt = f"whether {seed.name} was made is not known, `diff` will tell"
                return Pushed(tuple(made), refused, f"interrupted; {doubt}")
            else:
                made.append(seed)
    return Pushed(tuple(made), refused)


def _with_deployment(url: str, timeout: float, work: "Callable[[ManagementClient], None]") -> None:
    """Do something with a deployment; what says against that is one line, and exit code 2."""
    from localtalon.config import ConfigError
    from localtalon.management_client import KEY_VARIABLE, ManagementClient, ManagementError

    key = os.environ.get(KEY_VARIABLE, "").strip()
    if "@" in url:  # not repeated: it may be a password
        _fail("--deployment holds a login; leave it out, the Management API key is the login")
    url = url if "://" in url else f"https://{url}"
    if not key:
        hint = "of the emulator it is what `localtalon emulator` prints as managementKey (the demo's: 32 times b2)"
        _fail(f"{KEY_VARIABLE} is not set: give it a Management API key of {url}; {hint}")
    try:
        with ManagementClient(url, key, timeout=timeout) as client:
            work(client)
    except (ConfigError, ManagementError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("interrupted")


def _ask_to_empty(path: Path, url: str, entity: str) -> None:
    """Let somebody say that a config shall lose its attributes; else end."""
    what = f"{url} defines no attribute of {entity} that is not builtin, and all that {path} has would be taken out"
    if not _sure(f"{what}. Do it?"):
        _fail(f"{what}: is it the right deployment? Nothing was written; --yes does not ask")


def _sure(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        return False


def _say(text: str) -> None:
    from talon_contracts.reports.text import printable

    click.echo(f"localtalon: {printable(text)}", err=True)


def _fail(text: str) -> NoReturn:
    _say(text)
    sys.exit(2)
