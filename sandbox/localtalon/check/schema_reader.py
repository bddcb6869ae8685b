"""The reader of a JSON Schema: what it lets a value be, through references, parts and conditions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from localtalon.check.references import References
from localtalon.check.shapes import ARRAY, FORMATS, OBJECT, Shape, any_of, both, either
from localtalon.json_lines import step

MOST: Final = 20_000
"""So many schemas are looked at; references can make few lines mean billions."""


class TooLargeError(Exception):
    """The schema describes more than can be looked at."""


class Reader:
    """Reads the shapes of one document, whose references lead into it."""

    def __init__(self, document: Any) -> None:
        """Nothing is read yet."""
        self._references = References(document)
        self._looked_at = 0

    def shape(self, schema: Any, pointer: str, inside: tuple[str, ...] = ()) -> Shape:
        """The shape of a schema that stands at a pointer; raises `TooLargeError`.

        `inside` are the pointers of what is being read, so that a reference into it ends there.
        """
        self._looked_at += 1
        if self._looked_at > MOST:
            raise TooLargeError(f"the schema describes more than {MOST} values")
        if not isinstance(schema, dict):
            return Shape(pointer, others=schema is not False)
        shape = self._own(schema, pointer, inside)
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(schema.get(keyword), str):
                shape = both(shape, self._referred(schema[keyword], f"{pointer}/{keyword}", inside))
        for part in self._listed(schema, pointer, "allOf", inside):
            shape = both(shape, part)
        for keyword in ("anyOf", "oneOf"):
            parts = list(self._listed(schema, pointer, keyword, inside))
            shape = both(shape, any_of(parts)) if parts else shape
        for condition in self._conditions(schema, pointer, inside):
            shape = both(shape, condition)
        return shape

    def _listed(
        self, schema: Mapping[str, Any], pointer: str, keyword: str, inside: tuple[str, ...]
    ) -> Iterator[Shape]:
        for index, part in enumerate(_list(schema.get(keyword))):
            yield self.shape(part, f"{pointer}/{keyword}/{index}", inside)

    def _conditions(self, schema: Mapping[str, Any], pointer: str, inside: tuple[str, ...]) -> Iterator[Shape]:
        """What holds under conditions, each as one of two branches; a missing one lets everything through."""
        if "if" in schema:
            branches = [self.shape(schema.get(k, True), f"{pointer}/{k}", inside) for k in ("then", "else")]
            yield either(*branches)
        for keyword in ("dependentSchemas", "dependencies"):
            for key, part in _object(schema.get(keyword)).items():
                if not isinstance(part, list):  # of keys that must come as well
                    then = self.shape(part, f"{pointer}/{keyword}{step(key)}", inside)
                    yield either(then, Shape(pointer))

    def _own(self, schema: Mapping[str, Any], pointer: str, inside: tuple[str, ...]) -> Shape:
        """What the schema says without the help of others."""
        types = _types(schema)
        values = _values(schema)
        text = str(schema.get("format")) if schema.get("format") in FORMATS else ""
        kinds = {text if text and name == "string" else name for name in types or ()}
        members = {
            key: self.shape(part, f"{pointer}/properties{step(key)}", inside)
            for key, part in _object(schema.get("properties")).items()
        }
        rest = [k for k in ("additionalProperties", "patternProperties", "unevaluatedProperties") if schema.get(k)]
        own = Shape(
            pointer,
            frozenset(kinds),
            others=types is None,
            items=self._items(schema, pointer, inside),
            members=members,
            closed=any(schema.get(k) is False for k in ("additionalProperties", "unevaluatedProperties")),
            open=tuple(f"{pointer}/{keyword}" for keyword in rest),
            format=text,
        )
        if own.items is not None and ARRAY in kinds:
            own = both(own, Shape(pointer, cut=own.items.cut, foreign=own.items.foreign))
        return own if values is None else both(own, Shape(pointer, values=values, others=False))

    def _items(self, schema: Mapping[str, Any], pointer: str, inside: tuple[str, ...]) -> Shape | None:
        listed = [(f"/prefixItems/{i}", part) for i, part in enumerate(_list(schema.get("prefixItems")))]
        items = schema.get("items")
        if isinstance(items, list):
            listed += [(f"/items/{i}", part) for i, part in enumerate(items)]
        rest = [k for k in ("additionalItems", "unevaluatedItems") if isinstance(schema.get(k), dict)]
        if isinstance(items, dict) or (isinstance(items, bool) and (items or not listed)):
            rest = ["items"]  # after prefixItems, false says that there are no more
        listed += [(f"/{keyword}", schema[keyword]) for keyword in rest]
        return any_of(self.shape(part, pointer + at, inside) for at, part in listed) if listed else None

    def _referred(self, reference: str, pointer: str, inside: tuple[str, ...]) -> Shape:
        """The shape of what is referred to. A reference into what it stands in ends there."""
        target = self._references.target(reference, pointer)
        if target is None:
            return Shape(pointer, foreign=(f"{pointer}: {reference}",))
        if target in inside:
            return Shape(pointer, frozenset({OBJECT}), others=False, cut=(pointer,))
        return self.shape(self._references.at(target), target, (*inside, target))


def _values(schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    listed = schema.get("enum")
    return tuple(listed) if isinstance(listed, list) else None


def _types(schema: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The types that a schema names, or that follow from what else it says; None where nothing does."""
    named = schema.get("type")
    types: tuple[str, ...] | None = (named,) if isinstance(named, str) else tuple(named) if named else None
    if types is None and _values(schema) is not None:
        return None
    if types is None and "properties" in schema:
        types = (OBJECT,)
    if types is None and ("items" in schema or "prefixItems" in schema):
        types = (ARRAY,)
    if types is not None and schema.get("nullable") is True:
        types = (*types, "null")
    return types


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
