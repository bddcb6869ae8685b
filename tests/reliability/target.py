"""A Talon.One that keeps an append-only log of what it applied, and misbehaves as it is told."""

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from bridge_support import PATIENCE, in_a_loop
from reliability.checker import Applied
from reliability.misbehaviour import Fault, Well
from reliability.workload import TYPES
from stream_server import serve_streams

_PREFIX = "/v2/customer_profiles"
_KINDS: dict[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
}
_LONGEST = 64 * 1024 * 1024


class Arrival(NamedTuple):
    """A request that came in: its number from 1 on, how it came (`single` or `bulk`), each profile with its patch."""

    number: int
    via: str
    patches: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def profiles(self) -> list[str]:
        """Whom it is about."""
        return [profile for profile, _ in self.patches]


class Target:
    """What the bridge delivers to.

    `faults` says for each arrival what goes wrong; `watch` is told of each arrival before anything else happens, and
    `applied` of each request that was carried out before it is answered. All are called in the target's own thread.
    """

    def __init__(self) -> None:
        """Know the attributes of the workload, and do everything well."""
        self.url = ""
        self.types: dict[str, str] = dict(TYPES)
        self.log: list[Applied] = []
        self.arrivals: list[Arrival] = []
        self.profiles: dict[str, dict[str, Any]] = defaultdict(dict)
        self.faults: Callable[[Arrival], Fault] = lambda _arrival: Well()
        self.watch: Callable[[Arrival], None] = lambda _arrival: None
        self.applied: Callable[[Arrival], None] = lambda _arrival: None
        self._changed = threading.Condition()
        self._fulfilled: list[tuple[Callable[[], bool], asyncio.Event]] = []

    def requests(self, profile: str | None = None) -> int:
        """How many requests came in, of one profile or of all."""
        return sum(1 for arrival in list(self.arrivals) if profile is None or profile in arrival.profiles)

    def wait_for(self, holds: Callable[[], Any], patience: float = PATIENCE) -> None:
        """Return once something about the target holds."""
        with self._changed:
            assert self._changed.wait_for(holds, patience), f"{len(self.arrivals)} requests, {len(self.log)} patches"

    def comes(self, holds: Callable[[], Any], seconds: float) -> bool:
        """Whether something about the target holds within so many seconds."""
        with self._changed:
            return bool(self._changed.wait_for(holds, seconds))

    def apply(self, arrival: Arrival) -> tuple[int, bytes]:
        """Carry a request out, whole or not at all; gives the status and the body of the answer."""
        problems = [
            problem
            for index, (_, patch) in enumerate(arrival.patches)
            for problem in self._problems(patch, f"/customerProfiles/{index}" if arrival.via == "bulk" else "")
        ]
        with self._changed:
            if not problems:
                for profile, patch in arrival.patches:
                    self._keep(profile, patch, arrival.via)
            self._changed.notify_all()
        self.applied(arrival)
        if problems:
            return 400, refusal(400, "The submitted data was invalid", problems)
        return (204, b"") if arrival.via == "bulk" else (200, b"{}")

    def _keep(self, profile: str, patch: Mapping[str, Any], via: str) -> None:
        self.log.append(Applied(profile, patch, via))
        for name, value in patch.items():
            if value is None:
                self.profiles[profile].pop(name, None)
            else:
                self.profiles[profile][name] = value

    def _problems(self, patch: Mapping[str, Any], base: str) -> Iterator[dict[str, Any]]:
        for name, value in patch.items():
            source = {"pointer": f"{base}/attributes/{name}"}
            kind = self.types.get(name)
            if kind is None:
                details = f'The attribute "{name}" is not defined on CustomerProfile entities.'
                yield {"title": "Unknown", "details": details, "source": source}
            elif value is not None and not _KINDS[kind](value):
                details = f'Value of "{name}" attribute ({value}) is not a {kind}'
                yield {"title": "Invalid type", "details": details, "source": source}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while (request := await _request(reader)) is not None:
                arrival = self._arrived(*request)
                if not await self.faults(arrival).strike(self, arrival, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _arrived(self, target: str, body: Any) -> Arrival:
        path = target.partition("?")[0]
        if path == _PREFIX:
            updates = body["customerProfiles"]
            patches = tuple((update["integrationId"], update.get("attributes") or {}) for update in updates)
            arrival = Arrival(len(self.arrivals) + 1, "bulk", patches)
        else:
            profile = unquote(path.removeprefix(_PREFIX + "/"), errors="strict")
            arrival = Arrival(len(self.arrivals) + 1, "single", ((profile, body["attributes"]),))
        with self._changed:
            self.arrivals.append(arrival)
            self._changed.notify_all()
        self.watch(arrival)
        return arrival


def refusal(status: int, message: str, problems: list[dict[str, Any]] | None = None) -> bytes:
    """An error in the shape of Talon.One's deployment host."""
    return json.dumps({"message": message, "errors": problems or [], "StatusCode": status}).encode()


async def _request(reader: asyncio.StreamReader) -> tuple[str, Any] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")[:-2]
    length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
    return first.split(" ")[1], json.loads(await reader.readexactly(length))


@contextmanager
def log_target() -> Iterator[Target]:
    """A target on a free port, in a thread of its own, until the block ends."""
    target = Target()

    async def main(stop: asyncio.Event, ready: Callable[[], None]) -> None:
        def listening(port: int) -> None:
            target.url = f"http://127.0.0.1:{port}"
            ready()

        await serve_streams(target.serve, listening, stop, _LONGEST)

    with in_a_loop(main):
        yield target
