"""What a JSON Schema lets a value be, as far as it matters for attributes: kinds, listed values, members."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from localtalon.json_lines import step

MOST: Final = 20_000
"""So many schemas are looked at; references can make few lines mean billions."""

OBJECT: Final = "object"
_LISTS: Final = "list "
_FORMATS: Final = {"date-time": "date-time", "date": "date"}


class TooLargeError(Exception):
    """The schema describes more than can be looked at."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be. `kinds` None: anything; a list is `list` and the kind of its items, or `list any`.

    `values` are all that there are where a schema lists them. `members` are those of an object, `open` where it says
    that others may come; `cut` are references to what they stand in, and `foreign` those that lead elsewhere.
    """

    pointer: str
    kinds: frozenset[str] | None = None
    values: tuple[Any, ...] | None = None
    members: Mapping[str, "Shape"] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class Reader:
    """Reads the shapes of one document, whose references lead into it."""

    def __init__(self, document: Any) -> None:
        """Nothing is read yet."""
        self._document = document
        self._anchors = dict(_anchors(document))
        self._looked_at = 0

    def shape(self, schema: Any, pointer: str, inside: tuple[str, ...] = ()) -> Shape:
        """The shape of a schema that stands at a pointer; raises `TooLargeError`."""
        self._looked_at += 1
        if self._looked_at > MOST:
            raise TooLargeError(f"the schema describes more than {MOST} values")
        if not isinstance(schema, dict):
            return Shape(pointer, frozenset() if schema is False else None)
        shape = self._own(schema, pointer, inside)
        for keyword in ("$ref", "$dynamicRef"):
            if isinstance(schema.get(keyword), str):
                shape = both(shape, self._referred(schema[keyword], f"{pointer}/{keyword}", inside))
        for index, part in enumerate(_list(schema.get("allOf"))):
            shape = both(shape, self.shape(part, f"{pointer}/allOf/{index}", inside))
        for keyword in ("anyOf", "oneOf"):
            parts = [
                self.shape(part, f"{pointer}/{keyword}/{index}", inside)
                for index, part in enumerate(_list(schema.get(keyword)))
            ]
            shape = both(shape, _any_of(parts)) if parts else shape
        branches = [self.shape(schema[k], f"{pointer}/{k}", inside) for k in ("then", "else") if k in schema]
        if "if" in schema and branches:
            shape = both(
                shape, _any_of(branches) if len(branches) == 2 else replace(branches[0], kinds=None, values=None)
            )
        return shape

    def _own(self, schema: Mapping[str, Any], pointer: str, inside: tuple[str, ...]) -> Shape:
        """What the schema says without the help of others."""
        values = _values(schema)
        types = _types(schema, values)
        kinds: set[str] | None = None if types is None else set()
        cut: tuple[str, ...] = ()
        foreign: tuple[str, ...] = ()
        for name in types or ():
            if name == "array":
                items = self._items(schema, pointer, inside)
                cut, foreign = items.cut, items.foreign
                kinds = (kinds or set()) | {
                    _LISTS + kind for kind in (("any",) if items.kinds is None else items.kinds)
                }
            elif kinds is not None:
                kinds.add(_FORMATS.get(str(schema.get("format")), name) if name == "string" else name)
        members = {
            key: self.shape(part, f"{pointer}/properties{step(key)}", inside)
            for key, part in _object(schema.get("properties")).items()
        }
        others = [k for k in ("additionalProperties", "patternProperties") if schema.get(k)]
        opened = tuple(f"{pointer}/{keyword}" for keyword in others)
        return Shape(pointer, None if kinds is None else frozenset(kinds), values, members, opened, cut, foreign)

    def _items(self, schema: Mapping[str, Any], pointer: str, inside: tuple[str, ...]) -> Shape:
        listed = [(f"/prefixItems/{i}", part) for i, part in enumerate(_list(schema.get("prefixItems")))]
        items = schema.get("items")
        if isinstance(items, list):
            listed += [(f"/items/{i}", part) for i, part in enumerate(items)]
        elif items is not None and not (items is False and listed):
            listed.append(("/items", items))
        return _any_of([self.shape(part, pointer + at, inside) for at, part in listed]) if listed else Shape(pointer)

    def _referred(self, reference: str, pointer: str, inside: tuple[str, ...]) -> Shape:
        """The shape of what is referred to. A reference into what it stands in ends there."""
        if reference in inside:
            return Shape(pointer, frozenset({OBJECT}), cut=(pointer,))
        target = self._anchors.get(reference, reference)
        found, schema = resolved(self._document, target.removeprefix("#")) if target.startswith("#") else (False, None)
        if not found:
            return Shape(pointer, foreign=(f"{pointer}: {reference}",))
        return self.shape(schema, target.removeprefix("#"), (*inside, reference))


def resolved(document: Any, pointer: str) -> tuple[bool, Any]:
    """Whether a pointer leads somewhere in a document, and what is there."""
    from urllib.parse import unquote

    for part in unquote(pointer).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return False, None
    return pointer == "" or pointer.startswith("/"), document


def both(one: Shape, other: Shape) -> Shape:
    """What a value may be that both let through; members that either names are named."""
    kinds = one.kinds if other.kinds is None else other.kinds if one.kinds is None else _common(one.kinds, other.kinds)
    values = one.values if other.values is None else other.values
    if one.values is not None and other.values is not None:
        values = tuple(value for value in one.values if value in other.values)
    return _joined(one, other, kinds, values, both)


def either(one: Shape, other: Shape) -> Shape:
    """What a value may be that one of them lets through."""
    kinds = None if one.kinds is None or other.kinds is None else one.kinds | other.kinds
    values = None if one.values is None or other.values is None else (*one.values, *other.values)
    return _joined(one, other, kinds, values, either)


def _joined(one: Shape, other: Shape, kinds: frozenset[str] | None, values: tuple[Any, ...] | None, join: Any) -> Shape:
    members = dict(one.members)
    for key, shape in other.members.items():
        members[key] = join(members[key], shape) if key in members else shape
    return Shape(
        one.pointer,
        kinds,
        values,
        members,
        one.open + other.open,
        one.cut + other.cut,
        one.foreign + other.foreign,
    )


def _any_of(shapes: list[Shape]) -> Shape:
    first, *others = shapes
    for other in others:
        first = either(first, other)
    return first


def _common(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """The kinds in both, where one may be the narrower of the two: a date-time is a string."""
    return frozenset(
        narrow
        for first, second in ((some, others), (others, some))
        for narrow in first
        if any(narrow == wide or _WIDER.get(narrow) == wide or _listed_in(narrow, wide) for wide in second)
    )


_WIDER: Final = {
    "date-time": "string",
    "date": "string",
    "integer": "number",
    "list date-time": "list string",
    "list integer": "list number",
}


def _listed_in(narrow: str, wide: str) -> bool:
    return wide == "list any" and narrow.startswith(_LISTS)


def _values(schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return tuple(listed) if isinstance(listed, list) else None


def _types(schema: Mapping[str, Any], values: tuple[Any, ...] | None) -> tuple[str, ...] | None:
    """The types that a schema names, or that follow from what else it says; None where nothing does."""
    named = schema.get("type")
    types: tuple[str, ...] | None = (named,) if isinstance(named, str) else tuple(named) if named else None
    if types is None and values is not None:
        types = tuple(dict.fromkeys(map(_type, values)))
    if types is None and "properties" in schema:
        types = (OBJECT,)
    if types is None and ("items" in schema or "prefixItems" in schema):
        types = ("array",)
    if types is not None and schema.get("nullable") is True:
        types = (*types, "null")
    return types


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict | list):
        return OBJECT if isinstance(value, dict) else "array"
    return "integer" if isinstance(value, int) else "number"


def _anchors(node: Any, pointer: str = "#") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("$anchor"), str):
            yield f"#{node['$anchor']}", pointer
        for key, inner in node.items():
            yield from _anchors(inner, pointer + step(key))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _anchors(inner, f"{pointer}/{index}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
