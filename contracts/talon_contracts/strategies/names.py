"""Trait paths worth trying at one destination: the ways to a listed name, near misses, and strangers."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from talon_contracts.oracle import Definitions, DestinationSettings

Path: TypeAlias = tuple[str, ...]
"""The keys that lead to one leaf of the traits."""

# Types that a trait can have: an object is flattened, so a location never arrives as one.
_TRAIT_TYPES = frozenset({"string", "number", "boolean", "time", "(list string)", "(list number)", "(list time)"})
_PLAIN_TYPES = frozenset({"string", "number", "time"})
_MOST_WAYS = 64

_STRANGERS: tuple[Path, ...] = (
    ("plan",),
    ("company", "name"),
    ("company", "employee_count"),
    ("30_day_buyers",),
    ("2fa", "enabled"),
    ("a.b",),
    ("a", "", "c"),
    ("",),
    ("_",),
    ("__proto__",),
    ("constructor", "prototype"),
    ("$set",),
    ("{{name}}",),
    ("new\nline",),
    ("nul\x00",),
    ("имя",),
    ("Straße", "Größe"),
    ("購入者", "リスト"),
    ("😀", "👩‍👩‍👧"),
    ("e\u0301",),
    ("\u00e9",),
    ("x" * 300,),
    ("deep",) * 30,
)


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """The material for traits at one destination. `listed` names are Custom Attributes that exist in Talon.One.

    Compared by identity, so that strategies can be cached for it: building one costs far more than drawing from it.
    """

    types: Definitions
    listed: tuple[str, ...]
    plain: tuple[str, ...]
    """Listed names of a type that needs no care of its own: string, number, time."""
    unlisted: tuple[str, ...]
    """Names that exist in Talon.One and are not Custom Attributes: audiences and computed traits."""
    ways: dict[str, tuple[Path, ...]]
    """Every path that flattens to a name, the flat one first; for listed and unlisted names."""
    near: tuple[tuple[Path, str], ...]
    """Paths that miss a listed name by case, spacing or punctuation, with the name that they miss."""
    strangers: tuple[Path, ...]

    def of_type(self, attribute_type: str) -> tuple[str, ...]:
        """The listed names of one type."""
        return tuple(name for name in self.listed if self.types[name] == attribute_type)

    def nested_ways(self, name: str) -> tuple[Path, ...]:
        """The ways to a name that go through at least one object."""
        return self.ways[name][1:]


def names_of(settings: DestinationSettings, definitions: Definitions) -> Names:
    """The names for a destination with these settings and attribute definitions."""
    usable = [name for name in sorted(definitions) if definitions[name] in _TRAIT_TYPES]
    listed = tuple(name for name in usable if name in settings.custom_attributes)
    known = settings.custom_attributes | definitions.keys()
    return Names(
        types=dict(definitions),
        listed=listed,
        plain=tuple(name for name in listed if definitions[name] in _PLAIN_TYPES),
        unlisted=tuple(name for name in usable if name not in settings.custom_attributes),
        ways={name: _ways(name) for name in usable},
        near=tuple((path, name) for name in listed for path in near_misses(name) if "_".join(path) not in known),
        strangers=tuple(path for path in _STRANGERS if "_".join(path) not in known),
    )


def near_misses(name: str) -> tuple[Path, ...]:
    """Paths whose flattened name looks like `name` and is another one."""
    return tuple(dict.fromkeys(path for path in _variants(name) if "_".join(path) != name))


def _variants(name: str) -> Iterator[Path]:
    parts = name.split("_")
    yield (name.upper(),)
    yield (name.capitalize(),)
    yield ("_".join(part.capitalize() for part in parts),)
    yield (parts[0] + "".join(part.capitalize() for part in parts[1:]),)
    for path in _ways(name)[1:]:
        yield (*path[:-1], path[-1].capitalize())
        yield (path[0].capitalize(), *path[1:])
    for separator in (".", "-", " ", "__", ""):
        yield (separator.join(parts),)
    for wrapped in (f" {name}", f"{name} ", f"{name}\n", f"_{name}", f"{name}_", f"{name}\u200b", f"\ufeff{name}"):
        yield (wrapped,)
    yield (name, "")
    yield ("", name)
    yield (name.replace("i", "ı", 1),)
    yield (name.replace("s", "ſ", 1),)
    yield (name[:-1],)


def _ways(name: str) -> tuple[Path, ...]:
    """Every way to cut a name at its underscores, the flat one first."""
    parts = name.split("_")
    ways = []
    for cuts in itertools.islice(itertools.product((False, True), repeat=len(parts) - 1), _MOST_WAYS):
        path = [parts[0]]
        for cut, part in zip(cuts, parts[1:], strict=True):
            if cut:
                path.append(part)
            else:
                path[-1] += f"_{part}"
        ways.append(tuple(path))
    return tuple(ways)
