"""The judges: each sends one case, sees what came of it, and compares that with the oracle."""

from talon_contracts.judges.blame import blamed, malformed
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.judges.of_announcements import judge_announcements
from talon_contracts.judges.of_audience_keys import judge_audience_key
from talon_contracts.judges.of_bridges import differing, judge_bridge, late, may_refuse
from talon_contracts.judges.of_streams import judge_stream
from talon_contracts.judges.of_syncs import judge_syncs
from talon_contracts.judges.of_talon_one import (
    judge_burst,
    judge_definitions,
    judge_ended_key,
    judge_look_up,
    judge_talon_one,
)

__all__ = [
    "Mismatch",
    "blamed",
    "differing",
    "judge_announcements",
    "judge_audience_key",
    "judge_bridge",
    "judge_burst",
    "judge_definitions",
    "judge_ended_key",
    "judge_look_up",
    "judge_stream",
    "judge_syncs",
    "judge_talon_one",
    "late",
    "malformed",
    "may_refuse",
]
