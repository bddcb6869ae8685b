"""Sends events as a client that never gives up: a batch is sent, to one bridge after another, until a 200 comes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import httpx

from bridge_support import basic
from reliability.checker import Sent
from reliability.processes import Process
from reliability.workload import batches, call, lanes

_IMPATIENT = 3.0  # seconds for one request: a bridge may be paused in the middle of it


class Sender:
    """Sends lanes of events side by side. A profile is in one lane, so its events are accepted in order.

    `accepted` are the events answered with 200; `answered` is called after each 200 with how many that makes;
    `refused` counts the answers by their status.
    """

    def __init__(
        self, bridges: Sequence[Process], size: int = 20, number: int = 3, timeout: float = _IMPATIENT
    ) -> None:
        """Send batches of `size` in `number` lanes."""
        self.bridges = bridges
        self.accepted: list[Sent] = []
        self.refused: dict[int, int] = {}
        self.answered: Callable[[int], None] = lambda _count: None
        self._size, self._number, self._timeout = size, number, timeout
        self._given = 0
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []
        self._stop = threading.Event()

    @property
    def done(self) -> bool:
        """Whether everything given to it is accepted."""
        return len(self.accepted) == self._given

    def send(self, events: Sequence[Sent]) -> None:
        """Send all of them, and return when all are accepted."""
        with self.sending(events):
            pass

    @contextmanager
    def sending(self, events: Sequence[Sent]) -> Iterator[None]:
        """Send while the block runs; at its end wait until all are accepted, or until the block has failed."""
        threads = [
            threading.Thread(target=self._lane, args=(lane, number))
            for number, lane in enumerate(lanes(events, self._number))
        ]
        self._given += len(events)
        for thread in threads:
            thread.start()
        try:
            yield
        except BaseException:
            self._stop.set()
            raise
        finally:
            for thread in threads:
                thread.join()
        assert not self._failures, self._failures

    def _lane(self, events: list[Sent], number: int) -> None:
        try:
            with httpx.Client(timeout=self._timeout, trust_env=False, headers=basic()) as client:
                for batch in batches(events, self._size):
                    if not self._until_accepted(client, batch, number):
                        return
        except BaseException as failure:
            self._failures.append(failure)

    def _until_accepted(self, client: httpx.Client, batch: list[Sent], number: int) -> bool:
        body = {"batch": [call(event) for event in batch]}
        for attempt in count(number):
            if self._stop.is_set():
                return False
            bridge = self.bridges[attempt % len(self.bridges)]
            try:
                status = client.post(bridge.where() + "/v1/batch", json=body).status_code
            except (httpx.TransportError, httpx.InvalidURL):
                continue
            with self._lock:
                if status == 200:
                    self.accepted += batch
                    self.answered(len(self.accepted))
                    return True
                self.refused[status] = self.refused.get(status, 0) + 1
                assert status == 503, status
        return False
