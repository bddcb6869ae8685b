"""The front: Segment's calls go to their door at once; everything else has a reception."""

from collections.abc import Awaitable, Callable

from talon_bridge.body import Receive
from talon_bridge.doors.destination import DirectDestination
from talon_bridge.doors.door import Door, Scope, Send
from talon_bridge.doors.tracking import Tracking
from talon_bridge.doors.webhook import Webhook
from talon_bridge.outbox.protocol import Outbox
from talon_bridge.settings import Destination, Settings
from talon_bridge.tally import Tally

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Front:
    """An ASGI app. A framework between a call and its door would cost a tenth of all calls (measured)."""

    def __init__(
        self,
        outbox: Outbox,
        tally: Tally,
        settings: Settings,
        destination: Callable[[], Destination],
        clock: Callable[[], float],
        reception: App,
    ) -> None:
        """`reception` takes all that is for no door, and the lifespan; `clock` gives Unix seconds."""
        self._tracking = Tracking(outbox, tally, settings.write_keys, clock)
        direct = DirectDestination(outbox, tally, destination, clock)
        webhook = Webhook(outbox, tally, settings.webhook_secret, clock)
        self._doors: dict[str, Door] = {
            "/v1": self._tracking,
            "/destination": direct,
            "/destination/": direct,
            "/webhook": webhook,
            "/webhook/": webhook,
        }
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            door = self._tracking if path.startswith("/v1/") else self._doors.get(path)
            if door is not None:
                return await door(scope, receive, send)
        return await self._reception(scope, receive, send)
