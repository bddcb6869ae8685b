"""A feature: something that at least one case drawn for a check must have shown, or the check has proved nothing."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Feature: TypeAlias = Callable[[Any], bool]
"""Whether the view of a case (see `talon_contracts.views`) shows the feature."""

Features: TypeAlias = Mapping[str, Feature]
