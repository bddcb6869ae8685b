"""The allowed lists of attributes, imported."""

from typing import Final

import msgspec

from talon_emulator import errors
from talon_emulator.calls import Call
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import changes, imports, named

MAX_ITEMS: Final = 500_000  # documented
MAX_ITEM: Final = 1000


async def import_allowed_list(call: Call) -> Answer:
    """POST /v1/attributes/{attributeId}/allowed_list/import: the column `item` replaces the list (documented).

    The attribute has an allowed list from then on (assumed); that values must be on it is said by
    `restrictedBySuggestions`. How long an item may be is assumed.
    """
    if named.attribute(call, call.deployment.attributes) is None:
        return errors.answer(errors.not_found("Attribute"))
    items = imports.column(call, "item", MAX_ITEMS, MAX_ITEM)
    if isinstance(items, Refusal):
        return errors.answer(items)
    allowed = tuple(items)

    def change(stored: Deployment) -> Deployment | Refusal:
        old = named.attribute(call, stored.state.attributes)
        if old is None:
            return errors.not_found("Attribute")
        changed = msgspec.structs.replace(old, has_allowed_list=True, allowed_list=allowed)
        return changes.with_attribute(stored, changed, last_import=stored.state.last_import + 1)

    outcome = await changes.change(call, change)
    if isinstance(outcome, Refusal):
        return errors.answer(outcome)
    return imports.answer(call, "AttributeAllowedList", outcome.state.last_import, len(allowed))
