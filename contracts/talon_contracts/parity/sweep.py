"""The sweep: what a comparison made is removed, as far as Talon.One lets it be, and nothing else."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

from talon_contracts.parity.belongings import Belonging, mark_of, tag_of
from talon_contracts.parity.ground import Ground
from talon_contracts.targets import CannotJudge, encoded

_GONE: Final = (204, 404)
_Names: TypeAlias = Mapping[str, str]
"""The names of the audiences that are there, by their numbers."""


def sweep(ground: Ground) -> tuple[str, ...]:
    """Remove what the ledger keeps, the youngest first; what went wrong stays in it and is told.

    Whatever the ledger was given, what is none of ours stays. Attributes cannot be deleted. Sessions go with the data
    of their customer.
    """
    troubles: list[str] = []
    unanswered = 0
    audiences = cache(lambda: audience_names(ground))
    for belonging in reversed(ground.ledger.kept):
        if belonging.kind == "attribute":
            continue
        try:
            trouble = _tried(ground, belonging, audiences)
        except CannotJudge as error:
            trouble = f": {error}"
            unanswered += 1
        if trouble is not None:
            troubles.append(f"{belonging.kind} {belonging.name} could not be removed{trouble}")
        if unanswered > 2:
            return (*troubles, "nothing more was tried")
    return tuple(troubles)


def audience_names(ground: Ground) -> _Names:
    """Those that the Management API lists."""
    return {str(each.get("id")): str(each.get("name")) for each in ground.managed("/v1/audiences")}


def leftovers(ground: Ground, audiences: _Names) -> Iterator[Belonging]:
    """Audiences of earlier comparisons of this Application: those that have our names."""
    mark = mark_of(ground.access.application)
    yield from (Belonging("audience", number) for number, name in audiences.items() if name.startswith(mark))


def strangers(ground: Ground, left: Iterable[Belonging], audiences: _Names) -> tuple[str, ...]:
    """What was noted as ours and is not, by its names."""
    return tuple(_shown(each, audiences) for each in left if not _is_ours(ground, each, audiences))


def _is_ours(ground: Ground, belonging: Belonging, audiences: _Names) -> bool:
    """Whether the name shows it; a number that no audience has belongs to nobody."""
    if belonging.kind == "audience":
        mark = mark_of(ground.access.application)
        return audiences.get(belonging.name, mark).startswith(mark)
    return tag_of(ground.access.prefix, belonging.name) is not None


def _shown(belonging: Belonging, audiences: _Names) -> str:
    name = audiences.get(belonging.name) if belonging.kind == "audience" else None
    return f"{belonging.kind} {belonging.name}" + (f" ({name!r})" if name is not None else "")


def _tried(ground: Ground, belonging: Belonging, audiences: Callable[[], _Names]) -> str | None:
    """Remove one thing; what went wrong. Raises CannotJudge."""
    names = audiences() if belonging.kind == "audience" else {}
    if not _is_ours(ground, belonging, names):
        return f": {_shown(belonging, names)} is none of ours"
    if belonging.kind == "audience" and belonging.name not in names:
        return _missed(ground, belonging)
    if not _remove(ground, belonging):
        return ""
    ground.ledger.remove(belonging)
    return None


def _missed(ground: Ground, audience: Belonging) -> str | None:
    """An audience that is not listed is gone, unless it was made a moment ago."""
    if audience.name in ground.numbered:
        return ": it is not listed"
    ground.ledger.forget(audience)
    return None


def _remove(ground: Ground, belonging: Belonging) -> bool:
    if belonging.kind == "customer":
        path = f"/v1/customer_data/{encoded(belonging.name)}"
        return ground.integration("DELETE", path).status in _GONE
    if belonging.kind == "audience":
        return ground.integration("DELETE", f"/v2/audiences/{encoded(belonging.name)}").status == 204
    return True
