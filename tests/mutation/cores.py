"""The rule cores, each with the unit tests that alone must reach all of it and notice every change."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Core:
    """A module that holds rules, and its tests, below `tests/`."""

    module: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where its source is: the root `bridge` holds the package `talon_bridge`."""
        root = self.module.partition(".")[0].removeprefix("talon_")
        return ROOT / root / (self.module.replace(".", "/") + ".py")


CORES = (
    Core("talon_bridge.flatten", ("bridge/test_flatten.py",)),
    Core("talon_bridge.audience_key", ("bridge/test_audience_key.py",)),
    Core("talon_bridge.mapping", ("bridge/test_mapping.py",)),
    Core("talon_bridge.outcome", ("bridge/test_outcome.py",)),
    Core("talon_bridge.engage.safety", ("engage/test_safety.py",)),
    Core("talon_bridge.engage.schedule", ("engage/test_schedule.py",)),
    Core("talon_emulator.values", ("emulator/test_values.py", "emulator/test_definitions.py")),
    Core("talon_emulator.attributes", ("emulator/test_attributes.py",)),
    Core("talon_emulator.definitions", ("emulator/test_definitions.py", "emulator/test_attributes.py")),
    Core("talon_emulator.profiles", ("emulator/test_profiles.py",)),
    Core("talon_contracts.oracle", ("contracts/test_vectors.py", "contracts/test_oracle.py")),
    Core("talon_contracts.value_types", ("contracts/test_value_types.py", "contracts/test_vectors.py")),
)
