"""What names of audiences must have shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.features.feature import Features

OF_NAMES: Final[Mapping[str, Features]] = MappingProxyType(
    {
        "AUD-1": {
            "digits beside letters": lambda view: any(
                left.isdigit() != right.isdigit()
                for left, right in zip(view.key, view.key[1:], strict=False)
                if "_" not in left + right
            ),
            "capitals inside a word": lambda view: any(
                left.islower() and right.isupper() for left, right in zip(view.name, view.name[1:], strict=False)
            ),
            "beyond ASCII": lambda view: not view.name.isascii() and view.key != "",
            "punctuation": lambda view: any(not each.isalnum() and each not in " _" for each in view.name),
        },
        "AUD-3": {
            "empty key": lambda view: view.problem == "empty",
            "leading digit": lambda view: view.problem == "starts_with_digit",
            "taken key": lambda view: view.problem == "taken",
            "key in order": lambda view: view.problem is None,
        },
    }
)
"""For the rules of audience keys."""
