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
    """Updates with fitting values, nulls among them; with any values most of the second ones have one that is not."""
    fits = {name: fitting(names.types[name]) for name in names.types if "location" not in names.types[name]}
    patches: dict[str, SearchStrategy[Json]] = {name: st.one_of(fit, st.none()) for name, fit in fits.items()}
    second = st.fixed_dictionaries({}, optional=patches)
    if values == "any":
        second = st.builds(lambda patch, wrong: {**patch, **wrong}, second, _wrong(names, tuple(fits)))
    return st.builds(Update, st.fixed_dictionaries({}, optional=fits), second)


def _wrong(names: Names, among: tuple[str, ...]) -> SearchStrategy[Object]:
    """One value that does not fit, of each type alike; at times none."""
    kinds = sorted({names.types[name] for name in among})
    of_kind = {kind: st.sampled_from([name for name in among if names.types[name] == kind]) for kind in kinds}
    return st.one_of(st.just({}), *(st.builds(_one, each, unfitting(kind)) for kind, each in of_kind.items()))


def _one(name: str, value: Json) -> Object:
    return {name: value}
