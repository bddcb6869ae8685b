"""What Hypothesis draws from a schema of an OpenAPI document: values that keep it, and values that break it."""

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.documents import Document

DEEPEST = 4  # objects in objects; deeper ones have their required members only
MOST_ITEMS = 3
_JUNK = st.sampled_from([None, True, 0, -1, 1.5, "", "junk", [], {}, [None], {"junk": 1}])
_MANY = {"allOf", "oneOf", "anyOf"}
_TIMES = st.sampled_from(["2030-01-31T00:00:00Z", "2021-09-12T10:12:42.123456+02:00"])
_FORMATS: dict[str, SearchStrategy[str]] = {
    "date-time": _TIMES,
    "uuid": st.uuids().map(str),
    "email": st.just("ada@example.com"),
    "uri": st.just("https://example.com/"),
}
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


class Drawer:
    """Draws from the schemas of one document.

    `known` has what to draw for members and parameters of a name, where any value that keeps the schema would not do:
    a number of something that exists, attribute values that are defined.
    """

    def __init__(self, document: Document, known: Mapping[str, SearchStrategy[Any]]) -> None:
        """Draw from this document."""
        self._document = document
        self._known = known

    def named(self, name: str, schema: Any, depth: int = 0) -> SearchStrategy[Any]:
        """Return values for a member or parameter of this name."""
        free = self.values(schema, depth)
        return st.one_of(self._known[name], self._known[name], free) if name in self._known else free

    def only(self, name: str, otherwise: SearchStrategy[Any]) -> SearchStrategy[Any]:
        """Return what is known under this name, or other values."""
        return self._known.get(name, otherwise)

    def values(self, schema: Any, depth: int = 0) -> SearchStrategy[Any]:
        """Return values that keep the schema."""
        flat = self.flat(schema)
        if "const" in flat:
            return st.just(flat["const"])
        if "enum" in flat:
            return st.sampled_from(flat["enum"])
        kinds = flat.get("type", "object" if "properties" in flat else None)
        if kinds is None:
            return _JUNK
        each = [self._of_kind(kind, flat, depth) for kind in (kinds if isinstance(kinds, list) else [kinds])]
        return st.one_of(each)

    def broken(self, schema: Any) -> SearchStrategy[Any]:
        """Return values that keep the schema of an object but for one member: junk in its place, or none at all."""
        flat = self.flat(schema)
        members = sorted(flat.get("properties", {}))
        if not members:
            return _JUNK
        return st.tuples(self.values(schema), st.sampled_from(members), _JUNK, st.booleans()).map(_spoil)

    def flat(self, schema: Any) -> dict[str, Any]:
        """Return a schema without references, its parts merged; of alternatives the first one is taken."""
        found = self._document.resolve(schema)
        if not isinstance(found, dict):
            return {}
        merged = {name: value for name, value in found.items() if name not in _MANY}
        parts = [*found.get("allOf", []), *found.get("oneOf", [])[:1], *found.get("anyOf", [])[:1]]
        for part in parts:
            flat = self.flat(part)
            properties = {**merged.get("properties", {}), **flat.get("properties", {})}
            required = [*merged.get("required", []), *flat.get("required", [])]
            merged = {**flat, **merged, "properties": properties, "required": required}
            if not properties:
                del merged["properties"]
        return merged

    def _of_kind(self, kind: str, flat: dict[str, Any], depth: int) -> SearchStrategy[Any]:
        if kind == "object":
            return self._objects(flat, depth)
        if kind == "array":
            return self._lists(flat, depth)
        if kind == "string":
            return _strings(flat)
        if kind in ("integer", "number"):
            return _numbers(kind, flat)
        return st.booleans() if kind == "boolean" else st.none()

    def _objects(self, flat: dict[str, Any], depth: int) -> SearchStrategy[Any]:
        required = set(flat.get("required", []))
        members = {
            name: self.named(name, schema, depth + 1)
            for name, schema in flat.get("properties", {}).items()
            if (name in required or depth < DEEPEST) and not self.flat(schema).get("readOnly")
        }
        return st.fixed_dictionaries(
            {name: drawn for name, drawn in members.items() if name in required},
            optional={name: drawn for name, drawn in members.items() if name not in required},
        )

    def _lists(self, flat: dict[str, Any], depth: int) -> SearchStrategy[Any]:
        least = flat.get("minItems", 0)
        most = min(flat.get("maxItems", MOST_ITEMS), max(least, MOST_ITEMS))
        unique = repr if flat.get("uniqueItems") else None
        items = self.values(flat.get("items", {}), depth + 1)
        return st.lists(items, min_size=least, max_size=most, unique_by=unique)


def _spoil(drawn: tuple[Any, str, Any, bool]) -> Any:
    value, member, junk, is_left_out = drawn
    if not isinstance(value, dict):
        return junk
    rest = {name: kept for name, kept in value.items() if name != member}
    return rest if is_left_out else {**rest, member: junk}


def _strings(flat: dict[str, Any]) -> SearchStrategy[str]:
    if flat.get("format") in _FORMATS:
        return _FORMATS[flat["format"]]
    least, most = flat.get("minLength", 0), flat.get("maxLength")
    if "pattern" in flat:
        try:
            pattern = re.compile(flat["pattern"], re.ASCII)
        except re.error:  # written for another engine
            return _TEXT
        found = st.from_regex(pattern, fullmatch=True)
        return found.filter(lambda text: len(text) >= least and not text.endswith("\n")).map(lambda text: text[:most])
    characters = st.characters(codec="utf-8", exclude_characters="\0")
    return st.text(characters, min_size=least, max_size=min(20 + least, most if most is not None else 20 + least))


def _numbers(kind: str, flat: dict[str, Any]) -> SearchStrategy[Any]:
    least, most = flat.get("minimum", -(10**6)), flat.get("maximum", 10**6)
    whole = st.integers(int(least), max(int(most), int(least)))
    return (
        whole
        if kind == "integer"
        else st.one_of(whole, st.floats(least, most, allow_nan=False).map(lambda f: round(f, 3)))
    )
