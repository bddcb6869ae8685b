"""The JSON Schemas (2020-12) of every message between Segment and Talon.One, and their loader.

Importing this reads nothing; schemas are read on first use, jsonschema is imported by `validator` only, and
jsonschema-rs by `problems` only.
"""

import functools
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from jsonschema_rs import Draft202012Validator as FastValidator

BASE: Final = "https://localtalon.dev/schemas/"
"""Where the `$id`s live; nothing is ever fetched from there."""


@functools.cache
def names() -> tuple[str, ...]:
    """The name of every schema, sorted; `definitions` holds only parts that the others refer to."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def load(name: str) -> dict[str, Any]:
    """A fresh copy of one schema as a dictionary; raises KeyError for an unknown name."""
    if name not in names():
        raise KeyError(f"no schema named {name!r}; there are {', '.join(names())}")
    document: dict[str, Any] = msgspec.json.decode((files(__name__) / f"{name}.json").read_bytes())
    return document


@functools.cache
def validator(name: str) -> "Validator":
    """A validator for one schema, references resolved among these schemas and nowhere else.

    It recurses: keep what it is given to a depth of 64 (jsonschema gives up near 300).
    """
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry, Resource

    resources = [(BASE + f"{each}.json", Resource.from_contents(load(each))) for each in names()]
    registry: Registry[Any] = Registry().with_resources(resources)
    exact = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    extended = validators.extend(Draft202012Validator, type_checker=exact)
    made: Validator = extended(load(name), registry=registry)
    return made


def _is_integer(_: object, value: object) -> bool:
    """Whether JSON Schema counts it as an integer: 1.0 is one, as a Decimal too."""
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def problems(name: str, message: object) -> tuple[str, ...]:
    """What is wrong with a message under one schema, each as `JSON pointer: reason`; empty when it is valid.

    A hundred times quicker than `validator`, for where every message is checked. Raises KeyError for an unknown name.
    """
    return tuple(
        f"{''.join(f'/{step}' for step in error.instance_path)}: {error.message}"
        for error in _fast_validator(name).iter_errors(message)
    )


@functools.cache
def _fast_validator(name: str) -> "FastValidator":
    import jsonschema_rs

    registry = jsonschema_rs.Registry([(BASE + f"{each}.json", load(each)) for each in names()])
    return jsonschema_rs.Draft202012Validator(load(name), registry=registry)
