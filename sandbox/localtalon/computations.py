"""The audiences and computed traits of the config: their keys, and why one of them cannot have its own."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from talon_bridge.audience_key import key_of, possible_name, problems
from talon_emulator.attributes import AttributeType

Name = Annotated[str, msgspec.Meta(min_length=1)]


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[audiences]]`: an audience of Engage; without a `key` it has the one that its name makes (AUD-1)."""

    name: Name
    key: str | None = None


class ComputedTrait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[computed_traits]]`: a computed trait of Engage; `type` is the attribute type that its values have."""

    name: Name
    type: AttributeType
    key: str | None = None


Computation = Audience | ComputedTrait


class KeyProblem(msgspec.Struct, frozen=True):
    """Why a computation cannot have its key (AUD-3); `place` is its dotted key in the config."""

    place: str
    message: str


def noun(computation: Computation) -> str:
    """What messages call it."""
    return f"{'audience' if isinstance(computation, Audience) else 'computed trait'} {computation.name!r}"


def key(computation: Computation) -> str:
    """The key that it is sent under: the explicit one as it is (AUD-2), or its name's."""
    return key_of(computation.name) if computation.key is None else computation.key


def placed(
    audiences: Sequence[Audience], computed_traits: Sequence[ComputedTrait]
) -> Iterator[tuple[str, Computation]]:
    """All of them, each with its dotted key in the config."""
    for index, audience in enumerate(audiences):
        yield f"audiences[{index}]", audience
    for index, trait in enumerate(computed_traits):
        yield f"computed_traits[{index}]", trait


def key_problems(audiences: Sequence[Audience], computed_traits: Sequence[ComputedTrait]) -> Iterator[KeyProblem]:
    """Everything wrong with their keys; audiences and computed traits share one set of names (AUD-3)."""
    owners: dict[str, Computation] = {}
    for place, computation in placed(audiences, computed_traits):
        own = key(computation)
        where = f"{place}.{'name' if computation.key is None else 'key'}"
        wrong = problems({computation.name: own})
        if wrong:
            yield KeyProblem(where, f"{noun(computation)}: {wrong[0].reason}")
        elif not possible_name(own):
            reason = f"no Talon.One attribute can be called {own!r}: a name has letters, digits and _ only"
            yield KeyProblem(where, f"{noun(computation)}: {reason}")
        elif own in owners:
            yield KeyProblem(where, f"{noun(computation)}: {noun(owners[own])} already has the key {own}")
        else:
            owners[own] = computation
