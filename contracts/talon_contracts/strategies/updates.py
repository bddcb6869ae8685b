"""Updates sent straight to Talon.One: a first one that it must take, then one to be judged."""

import functools
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.values import fitting, unfitting


@dataclass(frozen=True, slots=True)
class Update:
    """The attributes of two requests for one profile; `authorization` replaces the header of the second."""

    first: Object
    second: Object
    authorization: str | None = None


@functools.lru_cache(maxsize=32)
def updates(names: Names, *, values: Literal["any", "fitting"]) -> SearchStrategy[Update]:
    """Updates with any values or with fitting ones, nulls among them."""
    fits = {name: fitting(names.types[name]) for name in names.types if "location" not in names.types[name]}
    patches: dict[str, SearchStrategy[Json]] = {name: st.one_of(fit, st.none()) for name, fit in fits.items()}
    if values == "any":
        patches = {name: st.one_of(fit, unfitting(names.types[name])) for name, fit in patches.items()}
    return st.builds(Update, st.fixed_dictionaries({}, optional=fits), st.fixed_dictionaries({}, optional=patches))
