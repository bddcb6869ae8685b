"""A bench: everything that checks need, set up and ready."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from talon_contracts.exact_json import Json, Object
from talon_contracts.oracle import Definitions, DestinationSettings
from talon_contracts.targets.bridge import Bridge
from talon_contracts.targets.channel import CannotJudge
from talon_contracts.targets.engage import Engage
from talon_contracts.targets.levers import Levers
from talon_contracts.targets.management import Management
from talon_contracts.targets.talon_one import TalonOne

_PLAIN: Final[dict[str, Json]] = {"string": "plain", "number": 1, "time": "2024-01-02T03:04:05Z", "boolean": True}
LOOK_EVERY: Final = 0.02
"""Seconds between two looks for what a bridge delivers that does not tell when it is idle."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The targets, what is set up in them, and a source of fresh tags. Checks whose targets are missing are not judged.

    `prefix` starts every id that is made, and must be new to the deployment. `audience_key` gives the key of a name;
    it raises ValueError where AUD-3 forbids the key, given the keys of the others. `restart` ends the bridge, as
    abruptly as it can, and starts it again where it was.
    """

    talon_one: TalonOne
    settings: DestinationSettings
    definitions: Definitions
    prefix: str
    bridge: Bridge | None = None
    audience_key: Callable[[str, tuple[str, ...]], str] | None = None
    management: Management | None = None
    levers: Levers | None = None
    restart: Callable[[], None] | None = None
    engage: Engage | None = None
    looked: list[tuple[list[tuple[str, Object]], Mapping[str, Object | None]]] = field(default_factory=list)
    """What was sent and found right: the requests, and the profiles by their ids."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def tag(self) -> str:
        """A text that no other case on this bench has; its end shows, so that 1 and a digit after it never make 10."""
        return f"{self.prefix}{next(self._numbers)}-"

    def name(self) -> str:
        """The beginning of a name of an attribute, which no other case on this bench has."""
        plain = "".join(each for each in self.prefix if each.isascii() and each.isalnum())
        return f"x{plain}_{next(self._numbers)}_"

    def settle(self) -> None:
        """Wait until what was sent to the bridge has arrived, or was given up.

        A bridge that does not tell when it is idle is sent one more identify, of another user: when that has arrived,
        what came before it has been worked on. Raises CannotJudge when it takes too long.
        """
        assert self.bridge is not None
        if self.bridge.tells:
            return self.bridge.settle()
        user = f"{self.tag()}fence"
        self.send_plain(user)
        until = time.monotonic() + self.bridge.settle_seconds
        while self.talon_one.profile(user) is None:
            if time.monotonic() > until:
                seconds = f"{self.bridge.settle_seconds:g} s"
                raise CannotJudge(f"an identify that the bridge accepted does not arrive in {seconds}: user {user!r}")
            time.sleep(LOOK_EVERY)
        return None

    def send_plain(self, user: str) -> None:
        """Send an identify that nobody could object to. Raises CannotJudge where it is refused."""
        assert self.bridge is not None
        name, value = self.plain_trait()
        call: Object = {"type": "identify", "userId": user, "messageId": f"{user}0", "traits": {name: value}}
        reply = self.bridge.post("/v1/identify", call)
        if reply.status != 200:
            raise CannotJudge(f"a plain identify is answered with {reply.status} {reply.body[:200]!r}")
        if reply.body.lstrip().startswith(b"<"):
            raise CannotJudge(f"a plain identify is answered with HTML: {reply.body[:200]!r}")

    def plain_trait(self) -> tuple[str, Json]:
        """A trait that is listed, defined, and takes a plain value. Raises CannotJudge where there is none."""
        for kind, value in _PLAIN.items():
            for name in sorted(self.settings.custom_attributes):
                if self.definitions.get(name) == kind:
                    return name, value
        raise CannotJudge("no Custom Attribute is defined with a plain type, so that nothing could ever arrive")

    def close(self) -> None:
        """Close the connections, and take back what was made beside them."""
        for each in (self.levers, self.management, self.engage, self.bridge, self.talon_one):
            if each is not None:
                each.close()
