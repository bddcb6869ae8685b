"""The key of an audience or computed trait, from its name (AUD-1 to AUD-3)."""

import re
import string
from collections.abc import Mapping

import msgspec

# ASCII only: str.lower() would also fold letters outside ASCII, some of them into ASCII ones ("K" sign to "k").
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_OUTSIDE = re.compile(r"[^a-z0-9]+")
_HINT = "give it an explicit key"


_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)  # of a Talon.One attribute (documented)


def possible_name(key: str) -> bool:
    """Whether a Talon.One attribute can have this name."""
    return _NAME.fullmatch(key) is not None


class KeyProblem(msgspec.Struct, frozen=True):
    """Why an audience cannot have its key (AUD-3): the audience's name, the key, the reason, and what to do."""

    audience: str
    key: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"audience {self.audience!r}: {'; '.join(filter(None, (self.reason, self.hint)))}"


def key_of(name: str) -> str:
    """`Order Completed Last 30days` -> `order_completed_last_30days`; letters and digits are never split (AUD-1)."""
    return _OUTSIDE.sub("_", name.translate(_LOWER)).strip("_")


def problems(audiences: Mapping[str, str | None]) -> tuple[KeyProblem, ...]:
    """Everything wrong with the keys of these audiences (name -> explicit key, or None for the rule's)."""
    found: list[KeyProblem] = []
    owner: dict[str, str] = {}
    for name, explicit in audiences.items():
        key = key_of(name) if explicit is None else explicit
        if not key:
            found.append(KeyProblem(name, key, "its key would be empty", _HINT))
        elif key[0].isdigit():
            reason = f"no Talon.One attribute can be called {key}: a name starts with a letter"
            found.append(KeyProblem(name, key, reason, _HINT))
        elif key in owner:
            found.append(KeyProblem(name, key, f"audience {owner[key]!r} already has the key {key}"))
        else:
            owner[key] = name
    return tuple(found)
