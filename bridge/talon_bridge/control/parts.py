"""The parts of a running bridge that its control API asks and steers."""

from collections.abc import Callable
from typing import NamedTuple

from talon_bridge.clock import SandboxClock
from talon_bridge.engage.engine import Engage
from talon_bridge.forwarder import Forwarder
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.settings import Destination, Settings
from talon_bridge.tally import Tally


class Parts(NamedTuple):
    """A handler's first argument. `destination` gives today's settings; `clock` gives the machine's Unix seconds."""

    outbox: Outbox
    forwarder: Forwarder
    tally: Tally
    settings: Settings
    destination: Callable[[], Destination]
    clock: Callable[[], float]
    sandbox_clock: SandboxClock
    engage: Engage
