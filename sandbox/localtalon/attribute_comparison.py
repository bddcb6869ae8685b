"""The config's attribute definitions beside a deployment's: how they differ, and what a push would make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from localtalon.attribute_definitions import LeftOut, shown, title
from talon_bridge.nearest import nearest
from talon_emulator.seed import AttributeSeed

Kind = Literal[
    "missing here", "missing there", "other type", "other case", "other title", "other restriction", "unreadable there"
]


class Difference(msgspec.Struct, frozen=True):
    """One attribute that is not the same: `here` in the config, `there` in the deployment, `says` in words."""

    kind: Kind
    name: str
    says: str
    here: AttributeSeed | None = None
    there: AttributeSeed | None = None


class Plan(msgspec.Struct, frozen=True):
    """What a push would do: create these, or, where anything clashes, nothing; `passed_over` is never created."""

    create: tuple[AttributeSeed, ...]
    clashes: tuple[str, ...]
    passed_over: tuple[str, ...]


class Pushed(msgspec.Struct, frozen=True):
    """What became of a push: what was made, what was refused and why, and what kept the rest from being tried."""

    made: tuple[AttributeSeed, ...] = ()
    refused: Mapping[str, str] = {}
    broken_off: str = ""


def differences(
    here: Sequence[AttributeSeed], there: Sequence[AttributeSeed], unreadable: Sequence[LeftOut] = ()
) -> tuple[Difference, ...]:
    """Compare definitions of one entity, in the order of their names; `unreadable` are there too.

    A builtin attribute that the config does not mention is no difference, nor is a title that it does not say.
    """
    ours, theirs = ({seed.name: seed for seed in seeds} for seeds in (here, there))
    found = [each for name, seed in ours.items() if name in theirs for each in _both(seed, theirs[name])]
    for each in unreadable:
        if each.name in ours or not each.builtin:
            says = f"{each.name} is there, as what the config cannot say: {each.reason}"
            found.append(Difference("unreadable there", each.name, says, ours.get(each.name)))
    known = theirs.keys() | {each.name for each in unreadable}
    only_here = {name: seed for name, seed in ours.items() if name not in known}
    only_there = {name: seed for name, seed in theirs.items() if name not in ours}
    for name, seed in only_here.items():
        near = nearest(name, tuple(only_there))
        if near is not None and near.differs_in == "case":
            twin = only_there.pop(near.name)
            says = f"{name} is called {twin.name} there; names are case-sensitive (ATT-1)"
            found.append(Difference("other case", name, says, seed, twin))
            continue
        hint = f"; did you mean {near.name}?" if near else ""
        found.append(Difference("missing there", name, f"{shown(seed)} is not in the deployment{hint}", seed))
    for name, seed in only_there.items():
        if not seed.builtin:
            found.append(Difference("missing here", name, f"{shown(seed)} is not in the config", there=seed))
    return tuple(sorted(found, key=lambda difference: (difference.name, difference.kind)))


def same(found: Sequence[Difference]) -> bool | None:
    """Whether config and deployment are the same; None where that cannot be told."""
    if any(each.kind != "unreadable there" for each in found):
        return False
    return None if found else True


def pulled(
    here: Sequence[AttributeSeed],
    there: Sequence[AttributeSeed],
    builtin: bool,
    unreadable: Sequence[LeftOut] = (),
) -> tuple[AttributeSeed, ...]:
    """What a config has after a pull; without `builtin` only those builtin attributes that it has already.

    A deployment does not tell allowed lists, so that the config keeps its own, and what it has of `unreadable` ones.
    """
    known = {seed.name: seed for seed in here}
    kept = (seed for seed in there if builtin or not seed.builtin or seed.name in known)
    own = (known[each.name] for each in unreadable if each.name in known)
    return (*(_with_list(seed, known.get(seed.name)) for seed in kept), *own)


def emptied(here: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed]) -> bool:
    """Whether attributes would be taken from a config and none be left but builtin ones."""
    left = {seed.name for seed in wanted}
    return any(seed.name not in left for seed in here) and all(seed.builtin for seed in wanted)


def _with_list(seed: AttributeSeed, known: AttributeSeed | None) -> AttributeSeed:
    if known is None or known.type != seed.type or not (known.allowed_list and seed.has_allowed_list):
        return seed
    # An allowed_list in the config says already that it has one.
    return msgspec.structs.replace(seed, allowed_list=known.allowed_list, has_allowed_list=known.has_allowed_list)


def _both(here: AttributeSeed, there: AttributeSeed) -> Iterator[Difference]:
    name = here.name
    if here.type != there.type:
        says = f"{name} is {_plain(here)} here and {_plain(there)} there; a type never changes (ATT-3)"
        yield Difference("other type", name, says, here, there)
    if here.title is not None and here.title != title(there):
        says = f'{name} has the title "{here.title}" here and "{title(there)}" there'
        yield Difference("other title", name, says, here, there)
    if _restriction(here) != _restriction(there):
        says = f"{name} takes {_restriction(here)} here and {_restriction(there)} there"
        yield Difference("other restriction", name, says, here, there)


def plan(here: Sequence[AttributeSeed], there: Sequence[AttributeSeed], unreadable: Sequence[LeftOut] = ()) -> Plan:
    """What to create of the config's definitions; a clash is what can only be a mistake, or would be refused."""
    found = differences(here, there, unreadable)
    clashes = [each.says for each in found if each.kind in ("other type", "other case")]
    missing = [each.here for each in found if each.kind == "missing there" and each.here is not None]
    create = tuple(seed for seed in missing if not seed.builtin)
    clashes += _other_cases(create, [seed.name for seed in there] + [each.name for each in unreadable])
    clashes += _taken_titles(create, there)
    builtin = tuple(f"{seed.name} is builtin, which cannot be created" for seed in missing if seed.builtin)
    titles = tuple(f"{each.says}; only the Campaign Manager changes it" for each in found if each.kind == "other title")
    unread = tuple(each.says for each in found if each.kind == "unreadable there" and each.here is not None)
    return Plan(create, tuple(clashes), builtin + titles + unread)


def _other_cases(create: Iterable[AttributeSeed], there: Iterable[str]) -> Iterator[str]:
    """Names that would be there in two cases for ever, be both of them new or not."""
    taken = {name.casefold(): (name, "there") for name in there}
    for seed in create:
        name, where = taken.setdefault(seed.name.casefold(), (seed.name, "to be created too"))
        if name != seed.name:
            yield f"{seed.name} differs in case only from {name}, which is {where}; names are case-sensitive (ATT-1)"


def _taken_titles(create: Iterable[AttributeSeed], there: Iterable[AttributeSeed]) -> Iterator[str]:
    owners = {title(seed): seed.name for seed in there}
    for seed in create:
        owner = owners.setdefault(title(seed), seed.name)
        if owner != seed.name:
            yield f'{seed.name} cannot be made: {owner} has the title "{title(seed)}"; give it another'


def _plain(seed: AttributeSeed) -> str:
    return seed.type.strip("()")


def _restriction(seed: AttributeSeed) -> str:
    if not seed.restricted_by_suggestions:
        return "any value"
    if seed.has_allowed_list or seed.allowed_list:
        return "values of its allowed list"
    return f"one of {', '.join(sorted(seed.suggestions)) or 'nothing'}"
