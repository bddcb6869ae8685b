"""Pooled events: identifies put together from a pool of leaves, for properties that are tried by the thousand.

Drawing costs more than judging, and each choice costs alike: a leaf is one choice here, where the other strategies
need half a dozen. What a pool cannot hold, texts and numbers that nobody thought of, is left to those.
"""

import functools
import itertools
from collections.abc import Iterator
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.names import Names
from talon_contracts.strategies.traits import Pair, nest
from talon_contracts.strategies.values import SAMPLES, samples

_ODD: Final[tuple[Json, ...]] = (None, {}, [], [[]], ["a", {"b": 1}], [None, True], "")
_AROUND: Final[tuple[Object, ...]] = (
    {},
    {},
    {},
    {"type": "track"},
    {"userId": None},
    {"userId": ""},
    {"userId": "."},
    {"integrations": {"All": False}},
    {"integrations": {"All": False, "Talon.One": {}}},
    {"context": {"library": {"name": "analytics.js"}}},
)


@functools.lru_cache(maxsize=32)
def pooled(names: Names) -> SearchStrategy[Object]:
    """Identifies, and now and then another call, with up to six leaves; every way to a name and every odd value."""
    pool = tuple(_pool(names))
    computed = (*names.unlisted, *names.listed[:2], "no such key")
    marks = (*_AROUND, *({"context": {"personas": {"computation_key": key}}} for key in computed))
    return st.builds(_event, st.lists(st.sampled_from(pool), max_size=6), st.sampled_from(marks))


def _event(pairs: list[Pair], around: Object) -> Object:
    return {"type": "identify", "userId": "u", "messageId": "m", "traits": nest(pairs), **around}


def _pool(names: Names) -> Iterator[Pair]:
    """Leaves: each way to a name with values that fit, that do not, and odd ones; near misses; strangers."""
    for name, ways in names.ways.items():
        values = (*samples(names.types[name]), *_ODD)
        for number, way in enumerate(ways):
            yield from ((way, value) for value in itertools.islice(itertools.cycle(values), number, number + 6))
        yield from ((ways[0], value) for value in values)
    for number, (path, name) in enumerate(names.near):
        values = samples(names.types[name])
        yield path, values[number % len(values)]
    yield from zip(names.strangers, itertools.cycle(SAMPLES), strict=False)
