"""The command that compares a deployment with the emulator."""

import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from localtalon.report_options import Outputs, reporting

if TYPE_CHECKING:
    from localtalon.parity import Comparison
    from localtalon.parity_access import Opened, Wish
    from localtalon.parity_manifest import Manifest
    from talon_contracts.parity.ground import Ground

_MANIFEST: Final = Path("localtalon-parity.ndjson")
_MOST_SHOWN: Final = 2000


@click.command()
@click.option("--deployment", required=True, metavar="URL", help="Base URL of the deployment.")
@click.option("--application", required=True, type=int, metavar="ID", help="The Application; nothing else is touched.")
@click.option("--prefix", required=True, help="How every integration ID begins that is made.")
@click.option("--other-application", type=int, metavar="ID", help="One that an attribute of ours may be connected to.")
@click.option("--only", multiple=True, metavar="NAME", help="Compare this one; may be given several times.")
@click.option("--cases", type=click.IntRange(1), default=50, show_default=True, help="Cases for each rule.")
@click.option("--seed", type=int, help="Draw the cases of an earlier comparison.")
@click.option("--rate", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Requests a second at most.")
@click.option("--timeout", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Seconds for an answer.")
@click.option("--exceed-limits", is_flag=True, help="Also ask more than is allowed, to see where the limits are.")
@click.option("--live", is_flag=True, help="Allow an Application of the live environment.")
@click.option("--yes", is_flag=True, help="Do not ask before anything is made.")
@click.option("--clean-only", is_flag=True, help="Only remove what earlier comparisons left behind.")
@click.option(
    "--manifest",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_MANIFEST,
    show_default=True,
    help="Where it is noted what has to be removed.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Compare with an emulator of this config (default: ./localtalon.toml where there is one, else the demo).",
)
@reporting
def parity(
    *,
    only: tuple[str, ...],
    cases: int,
    seed: int | None,
    yes: bool,
    clean_only: bool,
    manifest: Path,
    config_file: Path | None,
    outputs: Outputs,
    **wished: Any,
) -> None:
    """Compare a deployment of Talon.One with the emulator: the rules, and everything that is assumed.

    Keys come from LOCALTALON_API_KEY and LOCALTALON_MANAGEMENT_KEY; LOCALTALON_SEGMENT_KEY and
    LOCALTALON_THIRDPARTY_URL let Segment's host be asked as well. Exits with 1 when something differs, with 2 when
    something is unknown.
    """
    from localtalon import startup

    startup.need_hypothesis("parity")
    from localtalon import parity as comparing
    from talon_emulator.assumptions import in_effect

    emulator = startup.configured(config_file, None, None).emulator_settings()
    wish = _wish(manifest, emulator.max_body_bytes, wished)
    _check_names(only, comparing.ENTRIES)
    found, doubts = _reached(wish, clean_only)
    entries, notes = comparing.entries_at(found.ground, only)
    _ask(_plan(found, () if clean_only else entries), agreed=yes)
    if clean_only:
        _clean(found, wish.manifest)
    comparison = comparing.Comparison(
        found.ground,
        wish.manifest,
        assumed=in_effect(emulator.deployment.assumptions),
        entries=entries,
        paces=found.paces,
        version=version("localtalon"),
        seed=secrets.randbits(32) if seed is None else seed,
        cases=cases,
        notes=(*doubts, *notes, *wish.manifest.others()),
        prefix=wish.prefix,
    )
    sys.exit(_written(comparison, outputs))


def _wish(manifest: Path, largest_body: int, wished: dict[str, Any]) -> "Wish":
    from localtalon.parity_access import Wish
    from localtalon.parity_manifest import Manifest

    noted = Manifest(manifest, wished["deployment"], wished["application"])
    return Wish(manifest=noted, largest_body=largest_body, **wished)


def _written(comparison: "Comparison", outputs: Outputs) -> int:
    """Compare, whatever signal ends it, and keep nothing in the working directory."""
    listen(comparison.ground)
    with tempfile.TemporaryDirectory() as scratch:  # for what Hypothesis keeps between runs
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", scratch)
        return outputs.write(comparison.events())


def listen(ground: "Ground") -> None:
    """Have SIGINT and SIGTERM end a comparison, so that what it made is removed."""

    def interrupt(number: int, frame: object) -> None:
        again, ground.interrupted = ground.interrupted, True
        if again or not ground.drawing:  # Hypothesis would lose an exception that strikes its callback of the collector
            raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, interrupt)


def _check_names(only: tuple[str, ...], known: tuple[str, ...]) -> None:
    from localtalon import startup
    from talon_bridge.nearest import nearest

    for name in only:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near.name!r}?" if near else "`localtalon assumptions` lists them"
            startup.fail(f"nothing is compared by the name {name!r}: {hint}")


def _reached(wish: "Wish", clean_only: bool) -> tuple["Opened", tuple[str, ...]]:
    """Everything that is looked at before anything is made."""
    from localtalon import startup
    from localtalon.parity_access import opened
    from talon_contracts.parity.preparation import Unfit, check_key, find_attributes
    from talon_contracts.parity.sweep import audience_names, leftovers, strangers
    from talon_contracts.reports.text import printable
    from talon_contracts.targets import CannotJudge

    try:
        found = opened(wish)
        click.get_current_context().call_on_close(found.ground.close)
        doubt = check_key(found.ground)
        wish.manifest.check()
        left = wish.manifest.left()
        audiences = audience_names(found.ground)  # also before any is made, since none is removed whose name is unknown
        if foreign := strangers(found.ground, left, audiences):
            raise Unfit(_refusal(wish, foreign))
        for belonging in (*left, *(leftovers(found.ground, audiences) if clean_only else ())):
            found.ground.ledger.know(belonging)
        find_attributes(found.ground)
    except (Unfit, CannotJudge) as error:
        startup.fail(printable(str(error)))
    return found, () if doubt is None else (doubt,)


def _refusal(wish: "Wish", foreign: tuple[str, ...]) -> str:
    from talon_contracts.reports.text import shortened

    what = f"{str(wish.manifest.path)!r} lists what is not of comparisons with the prefix {wish.prefix!r}"
    named = shortened(", ".join(foreign), _MOST_SHOWN)
    return f"{what}: {named}; nothing is removed: take the lines out, or give the --prefix of then"


def _plan(found: "Opened", entries: tuple[str, ...]) -> Iterator[str]:
    """What is going to be removed and, to compare these entries, made."""
    from localtalon import parity as comparing
    from talon_contracts.parity.belongings import mark_of
    from talon_contracts.parity.preparation import promised

    access, url, left = found.ground.access, found.ground.deployment.url, found.ground.ledger.kept
    environment = "sandbox" if access.sandbox else "LIVE"
    yield f"At {url}, in Application {access.application} ({found.name}, {environment}):"
    if left:
        yield f"- remove what earlier comparisons left behind: {comparing.remains(left, found.ground)}"
    if not entries:
        return
    attributes = ", ".join(promised(found.ground))
    if attributes:
        yield f"- make attributes of customer profiles, which cannot be deleted: {attributes}"
    if more := comparing.announced(found.ground, entries):
        yield f"- {more}"
    yield f"- make customers whose integration IDs begin with {access.tag}, some with a session, and delete their data"
    yield f"- make about 15 audiences whose names begin with {mark_of(access.application)}, and delete them"


def _ask(plan: Iterator[str], *, agreed: bool) -> None:
    """Say what is going to happen, and go on when somebody agrees, or has agreed before."""
    from localtalon import startup
    from talon_contracts.reports.text import printable

    for line in plan:
        click.echo(printable(line), err=True)
    if agreed:
        return
    if not sys.stdin.isatty():
        startup.fail("nobody is there to agree: say --yes if that is what you want")
    if not click.confirm("Go on?", err=True):
        startup.fail("nothing was made")


def _clean(found: "Opened", manifest: "Manifest") -> NoReturn:
    """Remove what is left behind, and end."""
    from localtalon import parity as comparing
    from localtalon import startup
    from talon_contracts.reports.text import printable

    notes = comparing.cleaned(found.ground, manifest)
    found.ground.close()
    others = manifest.others()
    for note in (*notes, *others) or ("nothing is left behind",):
        click.echo(printable(note))
    sys.exit(1 if found.ground.ledger.kept else startup.COULD_NOT_RUN if others else 0)
