"""What a value of a plan may be, as far as it matters for attributes: kinds, listed values, items, members."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from talon_bridge import codec

OBJECT: Final = "object"
ARRAY: Final = "array"
FORMATS: Final = ("date-time", "date")
"""The formats of texts that are kinds of their own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be: any of `kinds`, any of `values`, and with `others` anything that nobody has described.

    `items` is what those of an array may be. `members` are those of an object, `closed` says that there are no others,
    `open` where it is said that others may come; `cut` are references to what they stand in, and `foreign` those that
    lead out of the file. `format` is that of its texts.
    """

    pointer: str
    kinds: frozenset[str] = frozenset()
    values: tuple[Any, ...] = ()
    others: bool = True
    items: "Shape | None" = None
    members: Mapping[str, "Shape"] = field(default_factory=dict)
    closed: bool = False
    open: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    format: str = ""

    @property
    def may_be_object(self) -> bool:
        """Whether it can have members at all."""
        return self.others or OBJECT in self.kinds or any(isinstance(value, dict) for value in self.values)

    def unlisted(self) -> Iterator[str]:
        """The kinds of what is described without its values: of a list `list` and the kind of its items."""
        yield from sorted(self.kinds - {ARRAY})
        if ARRAY in self.kinds:
            items = self.items or Shape(self.pointer)
            yield from (f"list {kind}" for kind in sorted(items.kinds))
            if items.others:
                yield "list any"

    def listed(self) -> Iterator[Any]:
        """The values that are listed; those of items each as a list with it alone."""
        yield from self.values
        if ARRAY in self.kinds and self.items is not None:
            yield from ([value] for value in self.items.values)


def both(one: Shape, other: Shape) -> Shape:
    """What a value may be that both let through; members that either names are named."""
    if one.others == other.others:
        kinds = one.kinds | other.kinds if one.others else _common(one.kinds, other.kinds)
        values = (*one.values, *other.values) if one.others else (*_let(one, other), *_let(other, one))
    else:
        stricter = other if one.others else one
        kinds, values = stricter.kinds, stricter.values
    members = dict(one.members)
    for key, member in other.members.items():
        members[key] = both(members[key], member) if key in members else member
    items = both(one.items, other.items) if one.items and other.items else one.items or other.items
    text = one.format or other.format
    return _joined(
        one,
        other,
        kinds=frozenset(text if text and kind == "string" else kind for kind in kinds),
        values=_distinct(values),
        others=one.others and other.others,
        items=items,
        members=members,
        closed=one.closed or other.closed,
        format=text,
    )


def either(one: Shape, other: Shape) -> Shape:
    """What a value may be that one of them lets through.

    A member that only one names may be anything in the other, unless that is no object, or has none but its own.
    """
    members: dict[str, Shape] = {}
    for key in (*one.members, *(key for key in other.members if key not in one.members)):
        named = [shape.members[key] for shape in (one, other) if key in shape.members]
        silent = [shape for shape in (one, other) if key not in shape.members]
        member = named[0] if len(named) == 1 else either(*named)
        members[key] = loosened(member) if any(s.may_be_object and not s.closed for s in silent) else member
    return _joined(
        one,
        other,
        kinds=one.kinds | other.kinds,
        values=_distinct((*one.values, *other.values)),
        others=one.others or other.others,
        items=_either_items([shape for shape in (one, other) if shape.others or ARRAY in shape.kinds]),
        members=members,
        closed=all(shape.closed or not shape.may_be_object for shape in (one, other)),
        format=one.format if one.format == other.format else "",
    )


def _either_items(lists: Sequence[Shape]) -> Shape | None:
    """What the items of some shapes may be; one that says nothing of them takes any."""
    items = [shape.items for shape in lists if shape.items is not None]
    if not items:
        return None
    joined = any_of(items)
    return joined if len(items) == len(lists) else loosened(joined)


def loosened(shape: Shape) -> Shape:
    """A shape that holds under a condition only: anything else may come as well."""
    members = {key: loosened(member) for key, member in shape.members.items()}
    items = None if shape.items is None else loosened(shape.items)
    return replace(shape, others=True, items=items, members=members, closed=False, format="")


def any_of(shapes: Iterable[Shape]) -> Shape:
    """What a value may be that one of several lets through."""
    first, *others = shapes
    for other in others:
        first = either(first, other)
    return first


def kind_of(value: Any) -> str:
    """The kind of a listed value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict | list):
        return OBJECT if isinstance(value, dict) else ARRAY
    return "integer" if isinstance(value, int) else "number"


def _joined(one: Shape, other: Shape, **joined: Any) -> Shape:
    """Two shapes as one at the place of the first, with what either could not follow."""
    told = {name: getattr(one, name) + getattr(other, name) for name in ("open", "cut", "foreign")}
    return replace(one, **joined, **told)


def _let(one: Shape, other: Shape) -> Iterator[Any]:
    """The listed values of one that the other lets through."""
    known = set(map(_key, other.values))
    for value in one.values:
        kind = kind_of(value)
        wide = {kind, _WIDER.get(kind), *(FORMATS if kind == "string" else ())}
        if wide & other.kinds or _key(value) in known:
            yield value


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple({_key(value): value for value in values}.values())


def _key(value: Any) -> tuple[str, Any]:
    """What equal values have in common, in JSON, where true is not 1."""
    kind = kind_of(value)
    if kind in (OBJECT, ARRAY):
        return kind, codec.encode(value)
    return _WIDER.get(kind, kind), value


def _common(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The kinds in both, where one may be the narrower of the two: a date-time is a string."""
    return frozenset(
        narrow
        for first, second in ((some, others), (others, some))
        for narrow in first
        if narrow in second or _WIDER.get(narrow) in second
    )


_WIDER: Final = {"date-time": "string", "date": "string", "integer": "number"}
