"""Traits: leaves drawn as a flat list, then nested; and one case strategy per MAP and ATT rule."""

import functools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from talon_contracts.exact_json import Json, Object
from talon_contracts.strategies.case import Case, Draft
from talon_contracts.strategies.names import Names, Path
from talon_contracts.strategies.values import (
    fitting,
    lists_with_structure,
    numbers,
    plain,
    scalars,
    unfitting,
)

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


@functools.lru_cache(maxsize=256)
def plain_pairs(names: Names, *, min_size: int = 1, max_size: int = 3) -> SearchStrategy[list[Pair]]:
    """Flat leaves that any bridge should get right: listed names, ordinary values of their type."""
    return st.lists(_pair(names, names.plain), min_size=min_size, max_size=max_size, unique_by=lambda pair: pair[0])


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
    single = odd_pairs(names).map(lambda pair: [pair])
    some = st.sampled_from((single,) * 6 + (_colliding_pairs(names),)).flatmap(lambda kind: kind)
    return st.lists(some, min_size=1, max_size=5).map(lambda groups: nest(pair for group in groups for pair in group))


def call(pairs: Iterable[Pair]) -> Draft:
    """An identify with these leaves as its traits."""
    return Draft({"traits": nest(pairs)})


@st.composite
def nested(draw: DrawFn, names: Names) -> Case:
    """MAP-1: listed names reached through objects, beside flat ones."""
    pairs = draw(_nested_pairs(names))
    taken = {_name(pair) for pair in pairs}
    flat = [pair for pair in draw(plain_pairs(names, min_size=0)) if _name(pair) not in taken]
    return _one(draw, [*pairs, *flat])


@st.composite
def misspelt(draw: DrawFn, names: Names) -> Case:
    """MAP-2: names that miss a listed one by case, spacing or punctuation, with a value that it would take."""
    path, name = draw(st.sampled_from([near for near in names.near if near[1] in names.plain]))
    value = draw(plain(names.types[name]))
    return _one(draw, [(path, value), *draw(plain_pairs(names, min_size=0, max_size=2))])


@st.composite
def unlisted(draw: DrawFn, names: Names) -> Case:
    """MAP-3: names that are not Custom Attributes, defined in Talon.One or not, beside listed ones."""
    pairs = draw(_unlisted_pairs(names))
    return _one(draw, [*pairs, *draw(plain_pairs(names, min_size=0))])


@st.composite
def listy(draw: DrawFn, names: Names) -> Case:
    """MAP-5: lists of scalars, and lists with an object or a list inside, beside a plain leaf."""
    pairs = draw(_list_pairs(names))
    return _one(draw, [*pairs, *draw(plain_pairs(names, max_size=2))])


@st.composite
def nulls(draw: DrawFn, names: Names) -> Case:
    """MAP-6: values set, then some nulled, some absent, some replaced by an empty object."""
    first = draw(plain_pairs(names, min_size=2, max_size=5))
    second: list[Pair] = []
    for path, _ in first:
        fate = draw(st.sampled_from(("null", "absent", "empty object")))
        if fate != "absent":
            second.append((path, None if fate == "null" else {}))
    more = draw(plain_pairs(names, min_size=0, max_size=1))
    return Case((call(first), call([*second, *more])), envelope=draw(alone_or_batched()))


@st.composite
def collisions(draw: DrawFn, names: Names) -> Case:
    """MAP-7: one name reached by several paths, with values that differ, seem the same, or are the same."""
    kind = draw(st.sampled_from(("same", "different", "different", "alike")))
    count = draw(st.sampled_from((2, 3)))
    candidates = [name for name in names.plain if len(names.ways[name]) >= count]
    name = draw(st.sampled_from(candidates or [name for name in names.plain if names.nested_ways(name)]))
    paths = draw(st.permutations(names.ways[name]))[:count]
    fit = plain(names.types[name])
    one = draw(fit)
    other: SearchStrategy[Json] = st.one_of(fit, scalars(), st.sampled_from(([], [one])))
    if kind == "same":
        values: Sequence[Json] = [one] * len(paths)
    elif kind == "different":
        values = [*(draw(other) for _ in paths[1:]), one]
    else:
        values = draw(st.sampled_from(_ALIKE))
    pairs = list(zip(paths, values, strict=False))
    beside = [pair for pair in draw(plain_pairs(names, max_size=2)) if _name(pair) != name]
    return _one(draw, [*pairs, *beside])


_ALIKE: tuple[tuple[Json, ...], ...] = (
    (True, 1),
    (0, False),
    (1, Decimal("1.0")),
    ("1", 1),
    ("", None),
    ([1], [True]),
    ([1], [Decimal("1.0")]),
    ([], None),
)


@st.composite
def digits(draw: DrawFn, names: Names) -> Case:
    """MAP-8: numbers with many digits under number attributes."""
    drafts = draw(st.lists(_digit_pairs(names).map(call), min_size=1, max_size=2))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


@st.composite
def mistyped(draw: DrawFn, names: Names) -> Case:
    """ATT-2: one value of a wrong type among right ones, after an update that was in order."""
    kind = draw(st.sampled_from(sorted({names.types[name] for name in names.listed})))
    name = draw(st.sampled_from(names.of_type(kind)))
    wrong = draw(unfitting(kind))
    beside = [pair for pair in draw(plain_pairs(names, max_size=2)) if _name(pair) != name]
    before = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    after = draw(st.lists(plain_pairs(names).map(call), max_size=1))
    return Case((*before, call([((name,), wrong), *beside]), *after), envelope=draw(alone_or_batched()))


@st.composite
def patches(draw: DrawFn, names: Names) -> Case:
    """ATT-4: several updates in a row, each with other names and values."""
    drafts = draw(st.lists(plain_pairs(names).map(call), min_size=2, max_size=4))
    return Case(tuple(drafts), envelope=draw(alone_or_batched()))


def alone_or_batched() -> SearchStrategy[Object | None]:
    """Whether calls go out one by one or as a batch."""
    return st.one_of(st.none(), st.builds(dict))


def _one(draw: DrawFn, pairs: list[Pair]) -> Case:
    order = draw(st.booleans())
    return Case((call(pairs if order else reversed(pairs)),), envelope=draw(alone_or_batched()))


@functools.lru_cache(maxsize=256)
def _pair(names: Names, among: tuple[str, ...]) -> SearchStrategy[Pair]:
    return st.one_of(*(st.tuples(st.just((name,)), plain(names.types[name])) for name in among))


@functools.lru_cache(maxsize=32)
def _colliding_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    several = [(name, ways) for name in names.listed if len(ways := names.ways[name]) > 1]
    values = [st.lists(plain(names.types[name]), min_size=2, max_size=2) for name, _ in several]
    return st.one_of(
        *(
            st.builds(lambda paths, both: list(zip(paths, both, strict=False)), st.permutations(ways), both)
            for (_, ways), both in zip(
                several, [st.one_of(each, st.sampled_from(_ALIKE)) for each in values], strict=True
            )
        )
    )


@functools.lru_cache(maxsize=32)
def _nested_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    deep = [name for name in names.plain if names.nested_ways(name)]
    one = st.one_of(*(st.tuples(st.sampled_from(names.nested_ways(name)), plain(names.types[name])) for name in deep))
    return st.lists(one, min_size=1, max_size=3, unique_by=_name)


@functools.lru_cache(maxsize=32)
def _unlisted_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    strange: SearchStrategy[Pair] = st.tuples(st.sampled_from(names.strangers), scalars())
    if names.unlisted:
        strange = st.one_of(strange, _pair(names, names.unlisted))
    return st.lists(strange, min_size=1, max_size=3)


@functools.lru_cache(maxsize=32)
def _list_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    lists = [name for name in names.listed if names.types[name].startswith("(list ")]
    good = [st.tuples(st.just((name,)), st.one_of(st.just([]), plain(names.types[name]))) for name in lists]
    bad = st.tuples(st.sampled_from([(name,) for name in names.listed]), lists_with_structure())
    return st.lists(st.one_of(*good, bad), min_size=1, max_size=3)


@functools.lru_cache(maxsize=32)
def _digit_pairs(names: Names) -> SearchStrategy[list[Pair]]:
    hard = st.tuples(st.sampled_from([(name,) for name in names.of_type("number")]), numbers())
    return st.lists(hard, min_size=1, max_size=2)


def _name(pair: Pair) -> str:
    return "_".join(pair[0])
