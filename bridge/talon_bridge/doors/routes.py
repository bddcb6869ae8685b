"""The table of the doors."""

from collections.abc import Callable

from starlette.routing import BaseRoute, Mount, Route

from talon_bridge.doors.destination import DirectDestination
from talon_bridge.doors.tracking import Tracking
from talon_bridge.doors.webhook import Webhook
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.settings import Destination, Settings
from talon_bridge.tally import Tally


def routes(
    outbox: Outbox,
    tally: Tally,
    settings: Settings,
    destination: Callable[[], Destination],
    clock: Callable[[], float],
) -> list[BaseRoute]:
    """Every door under its path, with and without a slash at the end. `clock` gives Unix seconds."""
    direct = DirectDestination(outbox, tally, destination, clock)
    webhook = Webhook(outbox, tally, settings.webhook_secret, clock)
    return [
        Mount("/v1", app=Tracking(outbox, tally, settings.write_keys, clock)),
        *(Route(path, direct) for path in ("/destination", "/destination/")),
        *(Route(path, webhook) for path in ("/webhook", "/webhook/")),
    ]
