"""Kills a bridge in the middle of its work, at the n-th thing that happens, again and again."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable

from reliability.processes import BridgeProcess


class Killer:
    """Counts what happens in any thread; at a number drawn anew each time the bridge is killed on the spot."""

    def __init__(self, bridge: BridgeProcess, seed: int, longest: int) -> None:
        """Kill after at most `longest` happenings."""
        self._bridge = bridge
        self._dice = random.Random(seed)
        self._longest = longest
        self._left = 0
        self._lock = threading.Lock()
        self._killed = threading.Event()
        self.kills = 0

    def happened(self, *_what: object) -> None:
        """Count one thing."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._bridge.pid, signal.SIGKILL)
                self._killed.set()

    def kill_and_start(self, times: int, done: Callable[[], bool]) -> None:
        """Have the bridge killed and start it again, so many times or until there is nothing left to do."""
        while self.kills < times:
            self._killed.clear()
            with self._lock:
                self._left = self._dice.randint(1, self._longest)
            while not self._killed.wait(0.1):
                if done():
                    return
            self._bridge.wait()
            self.kills += 1
            self._bridge.start()
