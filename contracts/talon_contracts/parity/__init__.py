"""Parity: what an emulator assumes about Talon.One, put to a deployment, one probe for each open question.

A probe is known by the id of its question. It names the answer that it sees, and knows nothing of what is assumed.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.parity import customers, definitions, memberships, platforms, refusals, repetition, values
from talon_contracts.parity.observation import Probe

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        **values.PROBES,
        **customers.PROBES,
        **memberships.PROBES,
        **repetition.PROBES,
        **definitions.PROBES,
        **platforms.PROBES,
        **refusals.PROBES,
    }
)
"""By the id of the question; those that use a limit up come last."""
