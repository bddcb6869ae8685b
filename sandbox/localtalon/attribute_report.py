"""What the commands for attribute definitions print."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from localtalon.attribute_comparison import Difference, Plan, Pushed, same
from localtalon.attribute_definitions import LeftOut, said, shown
from localtalon.terminal import table
from talon_contracts.reports.text import counted, printable
from talon_emulator.seed import AttributeSeed

_WIDEST = (17, 40, None)


def pull_for_people(
    path: str, url: str, here: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed]
) -> Iterator[str]:
    """What a pull changed in the config, and how many it has now."""
    added, changed, removed = _changes(here, wanted)
    for sign, seeds in (("+", added), ("~", changed), ("-", removed)):
        for seed in seeds:
            yield printable(f"{sign} {shown(seed)}")
    touched = len(added) + len(changed) + len(removed)
    builtin = sum(seed.builtin for seed in wanted)
    what = f"{counted(len(wanted), 'attribute')} of {url}" + (f", {builtin} of them builtin" if builtin else "")
    yield f"{path} has the {what}" + ("" if touched else "; it had them before")


def pull_for_programs(
    path: str,
    url: str,
    here: Sequence[AttributeSeed],
    wanted: Sequence[AttributeSeed],
    left_out: Sequence[LeftOut],
) -> str:
    """The same as JSON, definitions in the config's words."""
    added, changed, removed = ([said(seed) for seed in seeds] for seeds in _changes(here, wanted))
    told: dict[str, Any] = {"config": path, "deployment": url, "attributes": [said(seed) for seed in wanted]}
    told |= {"added": added, "changed": changed, "removed": removed}
    return json.dumps({**told, "leftOut": [{"name": each.name, "reason": each.reason} for each in left_out]})


def remarks(
    here: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed], left_out: Sequence[LeftOut]
) -> Iterator[str]:
    """What else the user should know after a pull."""
    ours = {seed.name for seed in here}
    for each in left_out:
        fate = "stays as the config has it" if each.name in ours else "is left out"
        yield f"{each.name} {fate}, the emulator cannot have it as it is there: {each.reason}"
    for seed in wanted:
        if seed.restricted_by_suggestions and seed.has_allowed_list and not seed.allowed_list:
            yield f"{seed.name}: its allowed list cannot be read; give it as allowed_list in the config"


def diff_for_people(url: str, entity: str, here: Sequence[AttributeSeed], found: Sequence[Difference]) -> str:
    """A table of the differences, or that there is none."""
    if not found:
        return f"the same in the config and in {url}: {counted(len(here), 'attribute')} of {entity}"
    rows = [(each.kind, each.name, each.says) for each in found]
    return "\n".join(table(("what", "attribute", "how"), rows, _WIDEST))


def diff_for_programs(url: str, entity: str, here: Sequence[AttributeSeed], found: Sequence[Difference]) -> str:
    """The same as JSON."""
    told = [{"kind": each.kind, "name": each.name, "says": each.says} for each in found]
    return json.dumps({"deployment": url, "entity": entity, "same": same(found), "differences": told})


def plan_for_people(url: str, planned: Plan) -> Iterator[str]:
    """What a push would do, before it does it."""
    for clash in planned.clashes:
        yield printable(f"clash: {clash}")
    for each in planned.passed_over:
        yield printable(f"passed over: {each}")
    for seed in planned.create:
        yield printable(f"to create: {shown(seed)}")
    if not planned.create and not planned.clashes:
        yield f"nothing to create in {url}"


def push_for_people(url: str, planned: Plan, pushed: Pushed) -> Iterator[str]:
    """What a push has done."""
    for name, reason in pushed.refused.items():
        yield printable(f"refused: {name}: {reason}")
    if planned.clashes:
        yield f"nothing was created in {url}, because of what clashes"
    elif planned.create:
        which = ": " + ", ".join(seed.name for seed in pushed.made) if pushed.made and pushed.broken_off else ""
        yield f"created {len(pushed.made)} of {counted(len(planned.create), 'attribute')} in {url}{which}"
        if any(seed.has_allowed_list or seed.allowed_list for seed in pushed.made):
            yield "their allowed lists are not sent; import them in the Campaign Manager"


def push_for_programs(url: str, planned: Plan, pushed: Pushed) -> str:
    """The same as JSON."""
    told: dict[str, Any] = {"deployment": url, "created": [seed.name for seed in pushed.made]}
    told |= {"refused": [{"name": name, "reason": reason} for name, reason in pushed.refused.items()]}
    tried = {*told["created"], *pushed.refused}
    left = [seed.name for seed in planned.create if seed.name not in tried]
    return json.dumps({**told, "left": left, "clashes": planned.clashes, "passedOver": planned.passed_over})


def _changes(
    here: Sequence[AttributeSeed], wanted: Sequence[AttributeSeed]
) -> tuple[list[AttributeSeed], list[AttributeSeed], list[AttributeSeed]]:
    """What was added, changed, and removed."""
    before, after = ({seed.name: seed for seed in seeds} for seeds in (here, wanted))
    added = [seed for name, seed in after.items() if name not in before]
    changed = [seed for name, seed in after.items() if before.get(name, seed) != seed]
    return added, changed, [seed for name, seed in before.items() if name not in after]
