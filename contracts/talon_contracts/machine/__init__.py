"""The machine: interleaved calls, repetitions, definitions, faults and restarts over a few users, beside the oracle."""

from talon_contracts.machine.run import MOST, NAME, lacking, run
from talon_contracts.machine.world import FEATURES, World

__all__ = ["FEATURES", "MOST", "NAME", "World", "lacking", "run"]
