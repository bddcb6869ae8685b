"""The door for Engage's identifies: they are stored like any other call."""

from collections.abc import Callable, Sequence

from talon_bridge import events
from talon_bridge.codec import MalformedError
from talon_bridge.doors.door import new_message_id
from talon_bridge.engage.door import Door, DoorRefused, DoorUnavailable
from talon_bridge.outbox.protocol import Outbox, OutboxUnavailable
from talon_bridge.tally import Tally


def own_door(outbox: Outbox, tally: Tally, clock: Callable[[], float]) -> Door:
    """The door of this bridge. `clock` gives Unix seconds."""

    async def take(texts: Sequence[bytes]) -> None:
        now = clock()
        try:
            found = [events.forwarded(text, "", now, new_message_id) for text in texts]
            stored = await outbox.append(found)
        except MalformedError as error:
            raise DoorRefused(str(error)) from None
        except OutboxUnavailable as error:
            raise DoorUnavailable(str(error)) from None
        tally.take("engage", len(found), stored)

    return take
