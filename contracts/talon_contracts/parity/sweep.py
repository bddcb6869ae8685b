"""The sweep: what a comparison made is removed, as far as Talon.One lets it be."""

from collections.abc import Iterator
from typing import Final

from talon_contracts.parity.belongings import Belonging, mark_of
from talon_contracts.parity.ground import Ground
from talon_contracts.targets import CannotJudge, encoded

_GONE: Final = (204, 404)


def sweep(ground: Ground) -> tuple[str, ...]:
    """Remove what the ledger keeps, the youngest first; what went wrong stays in it and is told.

    Attributes cannot be deleted. Sessions go with the data of their customer.
    """
    troubles: list[str] = []
    for belonging in reversed(ground.ledger.kept):
        if belonging.kind == "attribute":
            continue
        try:
            if _remove(ground, belonging):
                ground.ledger.remove(belonging)
            else:
                troubles.append(f"{belonging.kind} {belonging.name} could not be removed")
        except CannotJudge as trouble:
            troubles.append(f"{belonging.kind} {belonging.name} could not be removed: {trouble}")
            if len(troubles) > 2:
                return (*troubles, "nothing more was tried")
    return tuple(troubles)


def leftovers(ground: Ground) -> Iterator[Belonging]:
    """Audiences of earlier comparisons of this Application: those that have our names."""
    mark = mark_of(ground.access.application)
    for each in ground.managed("/v1/audiences"):
        if str(each.get("name")).startswith(mark):
            yield Belonging("audience", str(each.get("id")))


def _remove(ground: Ground, belonging: Belonging) -> bool:
    if belonging.kind == "customer":
        path = f"/v1/customer_data/{encoded(belonging.name)}"
        return ground.integration("DELETE", path).status in _GONE
    if belonging.kind == "audience":
        return ground.integration("DELETE", f"/v2/audiences/{belonging.name}").status == 204
    return True
