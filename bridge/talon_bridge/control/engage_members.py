"""Members of an audience or computed trait: listed, and changed one by one as in a real-time audience."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.control import parameters
from talon_bridge.control.answers import answer
from talon_bridge.control.engage import named
from talon_bridge.control.parts import Parts
from talon_bridge.engage.live import BadMember
from talon_bridge.engage.problems import EngageError

MAX_BODY_BYTES = 1024 * 1024  # a longer list is better a sync


async def list_members(parts: Parts, request: Request) -> Response:
    """Members by user id; `next` is the `after` of the page after this one, `count` is how many there are in all."""
    given = parameters.query(request, ("after", "limit"))
    limit = parameters.limit(given.get("limit"), 100)
    one, store = await named(parts, request), parts.engage.store
    found = await store.members(one.id, given.get("after"), limit + 1)
    shown = [{"userId": member.user_id, "value": msgspec.Raw(member.value)} for member in found[:limit]]
    following = shown[-1]["userId"] if len(found) > limit else None
    return answer({"members": shown, "next": following, "count": await store.count(one.id)})


async def change_members(parts: Parts, request: Request) -> Response:
    """Let users come and leave; what differs from the members is sent, in the order of the requests."""
    parameters.query(request, ())
    one = await named(parts, request)
    coming = "add" if one.kind == "audience" else "set"
    given = await parameters.document(request, (coming, "remove"), MAX_BODY_BYTES)
    if not given:
        raise EngageError("bad_members", "the body names nobody", f'give "{coming}", "remove" or both')
    present = dict.fromkeys(_ids(given, "add"), True) if coming == "add" else _values(given)
    try:
        return answer(await parts.engage.change(one.id, present, _ids(given, "remove")))
    except BadMember as error:
        raise EngageError(error.code, f"{_pointer(given, error.user_id)}: {error.message}", error.hint) from None


def _pointer(given: dict[str, Any], user_id: str) -> str:
    """Where a user stands in the body."""
    name = next(name for name, users in given.items() if user_id in users)
    users = given[name]
    return f"/{name}/{users.index(user_id) if isinstance(users, list) else _step(user_id)}"


def _step(member: str) -> str:
    """A member's name as a part of a JSON pointer, and no longer than a message may be."""
    return (member if len(member) <= 80 else f"{member[:77]}...").replace("~", "~0").replace("/", "~1")


def _ids(given: dict[str, Any], name: str) -> list[str]:
    """The user ids in a list, each once."""
    value = given.get(name, [])
    if not isinstance(value, list):
        raise EngageError("bad_members", f"{name} is {parameters.shown(value)}", 'give a list such as ["user-1"]')
    for place, user_id in enumerate(value):
        if not isinstance(user_id, str):
            what = f"/{name}/{place} is {parameters.shown(user_id)}, which is no user id"
            raise EngageError("bad_members", what, "user ids are texts: put them in quotes")
    return list(dict.fromkeys(value))


def _values(given: dict[str, Any]) -> dict[str, Any]:
    value = given.get("set", {})
    if not isinstance(value, dict):
        raise EngageError("bad_members", f"set is {parameters.shown(value)}", 'give an object such as {"user-1": 5}')
    return value
