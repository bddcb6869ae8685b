"""The options that name a running bridge, and how its commands end where it does not do what they ask."""

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from localtalon.bridge_client import BridgeClient

COULD_NOT_RUN = 2
_OPTIONS = {
    "pass allowEmpty=true (--allow-empty)": "give --allow-empty",
    "pass force=true (--force), or a higher maxLeaving": "give --force, or a higher --max-leaving",
}


def with_bridge(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--bridge` and `--token`."""
    url = click.option("--bridge", default="http://127.0.0.1:8901", show_default=True, help="The bridge's URL.")
    token = click.option(
        "--token",
        envvar="LOCALTALON_BRIDGE_CONTROL_TOKEN",
        help="The bridge's control token (default: LOCALTALON_BRIDGE_CONTROL_TOKEN).",
    )
    return url(token(command))


def with_client(url: str, token: str | None, work: "Callable[[BridgeClient], None]") -> None:
    """Do something with a bridge; what it says against that is one line, and exit code 2."""
    from localtalon.bridge_client import BridgeClient, BridgeError

    try:
        with BridgeClient(url, token) as client:
            work(client)
    except BridgeError as error:
        fail(str(error))


class Share(click.FloatRange):
    """A share of a whole, 0 to 1."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`; what is no number lies in every range for click."""
        share = super().convert(value, param, ctx)
        if math.isnan(share):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return share


def in_options(text: str) -> str:
    """What the bridge says, with what to do in words of the command line."""
    for there, here in _OPTIONS.items():
        text = text.replace(there, here)
    return text


def sure(question: str) -> bool:
    """Whether somebody at the terminal says yes."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        click.echo(err=True)
        return False


def say(text: str) -> None:
    """One line on standard error."""
    from talon_contracts.reports.text import printable

    click.echo(f"localtalon: {printable(text)}", err=True)


def fail(text: str) -> NoReturn:
    """One line on standard error, and exit code 2."""
    say(text)
    sys.exit(COULD_NOT_RUN)
