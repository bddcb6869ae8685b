"""Audiences, listed and counted."""

from typing import Final

from talon_emulator import errors, query
from talon_emulator.audiences import view
from talon_emulator.calls import Call
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.management import lists

MAX_IDS: Final = 1000
_SORTS: Final = ("id", "created", "name", "description", "integration", "sandbox")


async def get_audiences(call: Call) -> Answer:
    """GET /v1/audiences: those of both environments; `withTotalResultSize` counts them (documented)."""
    page = lists.asked(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    total = query.boolean(page.query, "withTotalResultSize")
    if isinstance(total, Refusal):
        return errors.answer(total)
    ordered = lists.ordered(call.deployment.record.state.audiences, page, _SORTS)
    if isinstance(ordered, Refusal):
        return errors.answer(ordered)
    shown = [view(audience, call.deployment.id) for audience in page.cut(ordered)]
    if total:
        return lists.counted(shown, len(ordered))
    return lists.uncounted(shown, len(ordered) > page.skip + page.size)


async def get_audiences_analytics(call: Call) -> Answer:
    """GET /v1/audiences/analytics: how many members each of the audiences has; one that is not there is left out."""
    page = lists.asked(call)
    if isinstance(page, Refusal):
        return errors.answer(page)
    wanted = lists.numbers(page, "audienceIds", MAX_IDS)
    if isinstance(wanted, Refusal):
        return errors.answer(wanted)
    if wanted is None:
        return errors.answer(errors.bad_parameter("audienceIds", "audienceIds is required"))
    order = page.query.get("sort") or "audienceId"
    field = order.removeprefix("-")
    if field not in ("audienceId", "membersCount"):
        known = "sort must be audienceId or membersCount, with or without a leading -"
        return errors.answer(errors.bad_parameter("sort", known))
    counts = []
    for number in sorted(wanted):
        if call.deployment.audience(number) is not None:
            members = await call.server.store.list_members(call.deployment.id, number, lists.MAX_SKIP, 0)
            counts.append({"audienceId": number, "membersCount": len(members)})
    counts.sort(key=lambda count: count[field], reverse=order.startswith("-"))
    return lists.uncounted(counts, False)
