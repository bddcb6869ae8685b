"""Traits: leaves drawn as a flat list, then nested."""

import functools
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.case import Case, Draft
from talon_contracts.strategies.names import Names, Path
from talon_contracts.strategies.values import ALIKE, fitting, lists_with_structure, plain, scalars

Pair: TypeAlias = tuple[Path, Json]


def nest(pairs: Iterable[Pair]) -> Object:
    """The traits that flatten to these leaves; of two leaves that cannot both be there, the first stays."""
    traits: Object = {}
    for path, value in pairs:
        here: Json = traits
        for key in path[:-1]:
            if not isinstance(here, dict):
                break
            here = here.setdefault(key, {})
        if isinstance(here, dict):
            here.setdefault(path[-1], value)
    return traits


def flat_name(pair: Pair) -> str:
    """The name that a leaf flattens to."""
    return "_".join(pair[0])


def call(pairs: Iterable[Pair]) -> Draft:
    """An identify with these leaves as its traits."""
    return Draft({"traits": nest(pairs)})


def single(draw: DrawFn, pairs: Sequence[Pair]) -> Case:
    """One identify with these leaves, in this order or from the last to the first."""
    order = draw(st.booleans())
    return Case((call(pairs if order else reversed(pairs)),), envelope=draw(alone_or_batched()))


def alone_or_batched() -> SearchStrategy[Object | None]:
    """Whether calls go out one by one or as a batch."""
    return st.one_of(st.none(), st.builds(dict))


def only(name: str, values: SearchStrategy[Json]) -> SearchStrategy[list[Pair]]:
    """One flat leaf with one of these values, and nothing beside it."""
    return values.map(lambda value: [((name,), value)])


@functools.lru_cache(maxsize=256)
def plain_pair(names: Names, among: tuple[str, ...]) -> SearchStrategy[Pair]:
    """One flat leaf: one of these names, with an ordinary value of its type."""
    return st.one_of(*(st.tuples(st.just((name,)), plain(names.types[name])) for name in among))


@functools.lru_cache(maxsize=256)
def plain_pairs(names: Names, *, min_size: int = 1, max_size: int = 3) -> SearchStrategy[list[Pair]]:
    """Flat leaves that any bridge should get right: listed names, ordinary values of their type."""
    return st.lists(
        plain_pair(names, names.plain), min_size=min_size, max_size=max_size, unique_by=lambda pair: pair[0]
    )


@functools.lru_cache(maxsize=256)
def odd_pairs(names: Names) -> SearchStrategy[Pair]:
    """One leaf of any kind: listed or not, nested or not, of a fitting type or not, null, structure in a list."""
    ways = st.sampled_from([way for name in names.listed for way in names.ways[name]])
    good = st.one_of(
        *(st.tuples(st.sampled_from(names.ways[name]), fitting(names.types[name])) for name in names.listed)
    )
    odd: tuple[SearchStrategy[Pair], ...] = (
        st.tuples(ways, st.none()),
        st.tuples(ways, st.builds(dict)),
        st.tuples(ways, scalars()),
        st.tuples(ways, lists_with_structure()),
        st.tuples(st.sampled_from([path for path, _ in names.near]), scalars()),
        st.tuples(st.sampled_from(names.strangers), st.one_of(scalars(), lists_with_structure())),
        st.tuples(st.lists(st.text(max_size=4), min_size=1, max_size=4).map(tuple), scalars()),
    )
    return st.sampled_from((good,) * len(odd) + odd).flatmap(lambda kind: kind)


@functools.lru_cache(maxsize=256)
def traits(names: Names) -> SearchStrategy[Object]:
    """Traits with any mixture of leaves."""
    alone = odd_pairs(names).map(lambda pair: [pair])
    some = st.sampled_from((alone,) * 6 + (_colliding_pairs(names),)).flatmap(lambda kind: kind)
    return st.lists(some, min_size=1, max_size=5).map(lambda groups: nest(pair for group in groups for pair in group))


@functools.lru_cache(maxsize=32)
def _colliding_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    several = [(name, ways) for name in names.listed if len(ways := names.ways[name]) > 1]
    values = [st.lists(plain(names.types[name]), min_size=2, max_size=2) for name, _ in several]
    return st.one_of(
        *(
            st.builds(lambda paths, both: list(zip(paths, both, strict=False)), st.permutations(ways), both)
            for (_, ways), both in zip(
                several, [st.one_of(each, st.sampled_from(ALIKE)) for each in values], strict=True
            )
        )
    )
