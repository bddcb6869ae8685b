"""A tracking plan: a JSON Schema of the traits, read from a file and flattened to what it lets every trait be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from localtalon import json_lines
from localtalon.check.references import resolved
from localtalon.check.schema_reader import Reader, TooLargeError
from localtalon.check.shapes import OBJECT, Shape
from localtalon.json_lines import step
from talon_bridge import codec
from talon_bridge.codec import MalformedError
from talon_contracts.reports.events import Place

LARGEST: Final = 16 * 1024 * 1024
MOST_PARTS: Final = 3


class PlanError(Exception):
    """A plan that cannot be judged; the message says why, `place` where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait of the plan: the keys that lead to it, and what its value may be."""

    path: tuple[str, ...]
    shape: Shape

    @property
    def name(self) -> str:
        """The attribute's name that it makes (MAP-1)."""
        return "_".join(self.path)

    @property
    def shown(self) -> str:
        """The way to it, for people."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """The traits of a plan; `remarks` are the pointers of what could not be followed to its end, and why.

    `parts` lead to what in the file looks like the schema of the traits of a whole call.
    """

    file: str
    text: bytes
    traits: tuple[Trait, ...]
    remarks: tuple[tuple[str, str], ...] = ()
    foreign: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def lines(self, pointers: set[str]) -> dict[str, int]:
        """The lines on which these parts of the file begin."""
        return json_lines.lines(self.text, pointers)


def read(name: str) -> PlanDocument:
    """The plan in a file; `FILE#/pointer` where the schema of the traits is a part of it. Raises `PlanError`."""
    file, mark, pointer = (name, "", "") if Path(name).exists() else name.rpartition("#")
    if not mark:
        file = name
    text, document = _document(file)
    pointer = unquote(pointer)
    found, schema = resolved(document, pointer)
    if not found:
        raise PlanError(f"#{pointer} leads nowhere in this file", Place(file))
    _check(file, text, document, schema, pointer)
    try:
        shape = Reader(document).shape(schema, pointer, (pointer,))
        traits = tuple(_traits(shape, ()))
        remarks = tuple(_remarks(shape))
    except (TooLargeError, RecursionError) as error:
        message = str(error) if isinstance(error, TooLargeError) else "the schema is nested too deeply"
        raise PlanError(message, Place(file, pointer)) from None
    return PlanDocument(file, text, traits, remarks, tuple(_foreign(shape)), _parts(document))


def _document(file: str) -> tuple[bytes, Any]:
    try:
        with open(file, "rb") as stream:
            text = stream.read(LARGEST + 1)
    except OSError as error:
        raise PlanError(f"the plan cannot be read: {error.strerror or error}", Place(file)) from None
    if len(text) > LARGEST:
        raise PlanError(f"the plan has more than {LARGEST >> 20} MiB", Place(file))
    try:
        return text, codec.value(text)
    except MalformedError as error:
        message = error.malformed.message
        raise PlanError(message, Place(file, "", json_lines.line_of_error(text, message))) from None


def _check(file: str, text: bytes, document: Any, schema: Any, pointer: str) -> None:
    """Hold the schema against the one that it names, or that the file does, or the newest."""
    from jsonschema import Draft202012Validator, SchemaError, validators

    if not isinstance(schema, dict):
        raise PlanError("the plan is no JSON Schema of the traits; that is an object", Place(file, pointer))
    try:
        named = schema if "$schema" in schema or not isinstance(document, dict) else document
        validators.validator_for(named, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        at = pointer + "".join(step(str(part)) for part in error.absolute_path)
        line = json_lines.lines(text, [at]).get(at, 0)
        raise PlanError(f"the plan is no valid JSON Schema: {error.message[:300]}", Place(file, at, line)) from None
    except RecursionError:
        raise PlanError("the schema is nested too deeply", Place(file, pointer)) from None


def _parts(document: Any) -> tuple[str, ...]:
    """The first few `properties/traits` of the file."""
    found: list[str] = []
    rest = [("", document)]
    while rest and len(found) < MOST_PARTS:
        pointer, node = rest.pop()
        if pointer.endswith("/properties/traits"):
            found.append(pointer)
        elif isinstance(node, dict | list):
            inner = node.items() if isinstance(node, dict) else enumerate(node)
            rest += [(pointer + step(str(key)), value) for key, value in reversed([*inner])]
    return tuple(found)


def _traits(shape: Shape, path: tuple[str, ...]) -> Iterator[Trait]:
    """Every trait that can be a leaf; one that may be an object as well has others below it."""
    described = shape.kinds - {OBJECT} or any(not isinstance(value, dict) for value in shape.values)
    if path and (described or (shape.others and not shape.members)):
        yield Trait(path, shape)
    for key, member in shape.members.items():
        yield from _traits(member, (*path, key))


def _remarks(shape: Shape) -> Iterator[tuple[str, str]]:
    for pointer in shape.open:
        yield pointer, "traits that the plan does not name may come; they are not judged"
    for pointer in shape.cut:
        yield pointer, "the reference leads into what it stands in; what is deeper is not judged"
    if OBJECT in shape.kinds and not (shape.members or shape.cut or shape.open or shape.closed):
        yield shape.pointer, "the plan does not say what this object holds; its traits are not judged"
    for member in shape.members.values():
        yield from _remarks(member)


def _foreign(shape: Shape) -> Iterator[str]:
    yield from shape.foreign
    for member in shape.members.values():
        yield from _foreign(member)
