"""The levers of an emulated Talon.One: faults, and deployments of one's own whose keys, limits and clock can be moved.

They are those of localtalon's emulator, under `/_emulator/`; any emulator may have them.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from talon_contracts.exact_json import Object, encode
from talon_contracts.oracle import Definitions
from talon_contracts.targets.channel import CannotJudge, Reply, Target, channel
from talon_contracts.targets.talon_one import TalonOne


@dataclass(frozen=True, slots=True)
class Side:
    """A deployment of one's own: `key` opens its sandbox, `live_key` the live environment, `segment_key` /segment."""

    name: str
    key: str
    live_key: str
    segment_key: str


class Levers:
    """What can be moved at an emulator; `token` is its control token.

    The side deployment has these `definitions` of customer profiles, or those that the emulator was started with.
    """

    def __init__(self, target: Target, token: str | None = None, definitions: Definitions | None = None) -> None:
        self.target = target
        self._definitions = definitions
        self._channel = channel(target)
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._side: Side | None = None
        self._faults: list[str] = []

    @property
    def there(self) -> bool:
        """Whether the target has them; one that does not answer has none. Raises ValueError for a wrong token."""
        try:
            reply = self._channel.request("GET", "/_emulator/faults", self._headers)
        except CannotJudge:
            return False
        # With a hint it is an emulator that says so; others may answer 401 to whatever they do not have.
        if reply.status == 401 and b'"hint"' in reply.body:
            what = f"the emulator at {self._channel.url} asks for a control token, or for another one"
            raise ValueError(f"{what}: give emulator.control_token in the config, or LOCALTALON_EMULATOR_CONTROL_TOKEN")
        return reply.status == 200

    def fault(self, **what: str | int) -> None:
        """Make a fault; see docs/control.md for what there is."""
        made: Any = self._ask("POST", "/_emulator/faults", dict(what))
        self._faults.append(str(made["id"]))

    def end_faults(self) -> None:
        """End the faults that were made here; those of others stay."""
        while self._faults:
            self._ask("DELETE", f"/_emulator/faults/{quote(self._faults.pop())}")

    def side(self) -> Side:
        """A deployment of one's own without limits, made on first use; it goes with `close`."""
        if self._side is None:
            applications: list[Any] = [
                {"id": 1, "name": "sandbox", "environment": "sandbox"},
                {"id": 2, "name": "live", "environment": "live"},
            ]
            document: dict[str, Any] = {"applications": applications}
            if self._definitions is not None:
                document["attributes"] = [{"name": name, "type": kind} for name, kind in self._definitions.items()]
            made: Any = self._ask("POST", "/_emulator/deployments", document)
            keys = {(key["environment"], key["platform"]): key["key"] for key in made["apiKeys"]}
            self._side = Side(
                made["deployment"], keys["sandbox", "none"], keys["live", "none"], keys["sandbox", "segment"]
            )
            self.limit("off")
        return self._side

    def talon_one(self, key: str) -> TalonOne:
        """The side deployment, opened with one of its keys."""
        return TalonOne(self.target, key)

    def make_key(self, **more: str) -> tuple[str, str]:
        """A new key of the side deployment's sandbox: its id and the key."""
        made: Any = self._ask("POST", self._of_side("/_emulator/keys"), {"application": 1, "title": "made", **more})
        return str(made["id"]), made["key"]

    def delete_key(self, number: str) -> None:
        """Delete a key of the side deployment."""
        self._ask("DELETE", self._of_side(f"/_emulator/keys/{number}"))

    def limit(self, limits: str) -> None:
        """Choose the side deployment's limits."""
        self._ask("POST", self._of_side("/_emulator/limits"), {"limits": limits})

    def slow(self, milliseconds: int) -> None:
        """Make the side deployment slow; 0 ends it."""
        self._ask("DELETE", self._of_side("/_emulator/faults"))
        if milliseconds:
            self._ask("POST", self._of_side("/_emulator/faults"), {"kind": "latency", "milliseconds": milliseconds})

    def freeze(self) -> None:
        """Stop the side deployment's clock."""
        self._ask("POST", self._of_side("/_emulator/clock/freeze"), {})

    def advance(self, seconds: float) -> None:
        """Move the side deployment's clock."""
        self._ask("POST", self._of_side("/_emulator/clock/advance"), {"seconds": seconds})

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Any request to the same target."""
        return self._channel.request(method, path, headers, body)

    def close(self) -> None:
        """Delete the side deployment and close the connection."""
        if self._side is not None:
            self._ask("DELETE", f"/_emulator/deployments/{quote(self._side.name)}")
            self._side = None
        self._channel.close()

    def _of_side(self, path: str) -> str:
        return f"{path}?deployment={quote(self.side().name)}"

    def _ask(self, method: str, path: str, body: "Object | dict[str, Any] | None" = None) -> Any:
        reply = self._channel.request(method, path, self._headers, None if body is None else encode(body))
        if not 200 <= reply.status < 300:
            raise CannotJudge(f"{method} {path}: {reply.status} {reply.body[:200]!r}")
        return reply.json() if reply.body else None
