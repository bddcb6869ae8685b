"""How much of everything: little in `make test`, much in `make chaos`, by the same code."""

import os
from typing import NamedTuple


class Scale(NamedTuple):
    """The numbers of a form of the tests."""

    kills: int
    kill_profiles: int
    kill_each: int
    pauses: int
    pause_profiles: int
    pending: int
    behind: int  # events queued behind one blocked profile
    cold: int
    hot: int
    restarts: int  # of PostgreSQL
    memory: int  # bytes that a restart with `pending` events may take


SHORT = Scale(3, 60, 20, 2, 60, 20_000, 10_000, 300, 2_000, 1, 200 << 20)
LONG = Scale(60, 750, 40, 8, 300, 1_000_000, 50_000, 10_000, 20_000, 6, 300 << 20)
CHAOS = bool(os.environ.get("LOCALTALON_CHAOS"))
SCALE = LONG if CHAOS else SHORT
