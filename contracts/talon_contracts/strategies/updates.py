"""Updates sent straight to Talon.One: a first one that it must take, then one to be judged."""

import functools
from dataclasses import dataclass, replace
from typing import Final, Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.values import fitting, unfitting

_UNKNOWN = "0123456789abcdef" * 4
_WRONG_KEYS: Final = ("", f"ApiKey-v1 {_UNKNOWN}", "ApiKey-v1 ", f"Bearer {_UNKNOWN}", "ManagementKey-v1 x", "x")


@dataclass(frozen=True, slots=True)
class Update:
    """The attributes of two requests for one profile; `authorization` replaces the header of the second."""

    first: Object
    second: Object
    authorization: str | None = None


@functools.lru_cache(maxsize=32)
def updates(names: Names, *, values: Literal["any", "fitting"]) -> SearchStrategy[Update]:
    """ATT-2 with any values, ATT-4 with fitting ones; nulls among them."""
    fits = {name: fitting(names.types[name]) for name in names.types if "location" not in names.types[name]}
    patches: dict[str, SearchStrategy[Json]] = {name: st.one_of(fit, st.none()) for name, fit in fits.items()}
    if values == "any":
        patches = {name: st.one_of(fit, unfitting(names.types[name])) for name, fit in patches.items()}
    return st.builds(Update, st.fixed_dictionaries({}, optional=fits), st.fixed_dictionaries({}, optional=patches))


@st.composite
def with_strangers(draw: DrawFn, names: Names) -> Update:
    """ATT-1: fitting values, and in most updates a name that is not defined, at times with null."""
    update = draw(updates(names, values="fitting"))
    paths = st.sampled_from([*names.strangers, *(path for path, _ in names.near)])
    stranger: SearchStrategy[Json] = st.sampled_from(("x", 1, True, None))
    unknown = draw(st.lists(st.tuples(paths.map("_".join), stranger), max_size=2))
    return replace(update, second={**update.second, **dict(unknown)})


def with_wrong_keys(names: Names) -> SearchStrategy[Update]:
    """KEY-1: a second request with a missing, malformed or unknown key."""
    return st.builds(
        lambda wrong, update: replace(update, authorization=wrong),
        st.sampled_from(_WRONG_KEYS),
        updates(names, values="fitting"),
    )
