"""Features: what the cases drawn for a check must have shown, or the check has proved nothing."""

from talon_contracts.features.feature import Feature, Features
from talon_contracts.features.of_cases import OF_CASES, OF_HISTORIES
from talon_contracts.features.of_names import OF_NAMES
from talon_contracts.features.of_streams import OF_STREAMS
from talon_contracts.features.of_talon_one import OF_TALON_ONE, OF_UPDATES

__all__ = ["OF_CASES", "OF_HISTORIES", "OF_NAMES", "OF_STREAMS", "OF_TALON_ONE", "OF_UPDATES", "Feature", "Features"]
