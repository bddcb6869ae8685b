"""The checks, one module each: a strategy of cases, the features that these must have shown, and a judge."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.checks.check import Check
from talon_contracts.rules import RULES

__all__ = ["CHECKS", "Check"]


def _found() -> Iterator[Check]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        if module.name != Check.__module__:
            yield importlib.import_module(module.name).CHECK


def _place(check: Check) -> tuple[int, str]:
    """Where the rule of a check stands; what is about all rules comes last."""
    return [*RULES, None].index(check.rule), check.name


CHECKS: Final[Mapping[str, Check]] = MappingProxyType({check.name: check for check in sorted(_found(), key=_place)})
"""Every check by its name, which begins with its rule, in the order of the rules.

Each module of this package but `check` has one, as its `CHECK`.
"""
