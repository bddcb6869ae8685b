"""The command that puts a bridge, and the Talon.One behind it, to the test of every rule."""

import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from localtalon.report_options import Outputs, reporting

if TYPE_CHECKING:
    from localtalon.verification import Subject

EXAMPLES: Final = 100
SETTLE: Final = 30.0


@click.command()
@click.option("--bridge", metavar="URL", help="The bridge to judge, in any language (default: our own).")
@click.option(
    "--talon-one", metavar="URL", help="The Talon.One behind it (default: our own emulator, or the config's)."
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keys, Custom Attributes and definitions (default: ./localtalon.toml where there is one, else the demo).",
)
@click.option("--rule", "rules", metavar="RULE", multiple=True, help="Only this rule; also several.")
@click.option(
    "--examples", type=click.IntRange(1, 1_000_000), default=EXAMPLES, show_default=True, help="Cases of each check."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Draw the cases of this seed again.")
@click.option("--settle", type=click.FloatRange(0.1, 300), default=SETTLE, show_default=True, help="Seconds to wait.")
@reporting
def verify(
    bridge: str | None,
    talon_one: str | None,
    config_file: Path | None,
    rules: tuple[str, ...],
    examples: int,
    seed: int | None,
    settle: float,
    outputs: Outputs,
) -> None:
    """Judge a bridge by what arrives at Talon.One: generated cases for every rule, the failing ones made small.

    Without a URL it is our own pair, started for this. Exits with 1 when a rule is broken, with 2 when one could not
    be judged.
    """
    import secrets

    from localtalon import config_file as config_files
    from localtalon import startup
    from localtalon.config import ConfigError
    from localtalon.own_pair import NotStartedError

    startup.need_hypothesis("verify")
    from localtalon.verification import Subject

    path = config_file or config_files.nearby()
    seed = secrets.randbits(32) if seed is None else seed
    subject = Subject(path, startup.configured(path, None, None), bridge, talon_one, settle)
    again = _again(bridge, talon_one, config_file, examples, seed, settle)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended, as after Ctrl-C
    try:
        with tempfile.TemporaryDirectory() as scratch:  # for what Hypothesis keeps between runs
            os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", scratch)
            code = _judge(subject, rules, examples, seed, again, outputs)
    except (ConfigError, NotStartedError, ValueError) as error:
        startup.fail(str(error))
    except KeyboardInterrupt:
        startup.fail("stopped before anything was judged")
    sys.exit(code)


def _judge(
    subject: "Subject", rules: tuple[str, ...], examples: int, seed: int, again: Callable[[str], str], outputs: Outputs
) -> int:
    from localtalon import verification
    from talon_contracts.verify import verify as judging

    with verification.arranged(subject, os.environ) as arranged:
        return outputs.write(judging(arranged.bench, verification.planned(arranged, rules, examples, seed, again)))


def _again(
    bridge: str | None, talon_one: str | None, config_file: Path | None, examples: int, seed: int, settle: float
) -> Callable[[str], str]:
    """The command that repeats one check, from its name."""
    given = {"--bridge": bridge, "--talon-one": talon_one, "--config": config_file}
    words = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    words += ["--examples", str(examples)] if examples != EXAMPLES else []
    words += ["--settle", f"{settle:g}"] if settle != SETTLE else []

    def again(check: str) -> str:
        return shlex.join(["localtalon", "verify", *words, "--rule", check, "--seed", str(seed)])

    return again
