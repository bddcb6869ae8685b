"""Audiences and computed traits of Engage: listed, defined, shown, forgotten."""

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from talon_bridge.audience_key import key_of
from talon_bridge.control import engage_answers, parameters
from talon_bridge.control.answers import ProblemError, answer
from talon_bridge.control.parts import Parts
from talon_bridge.engage.computations import MAX_LEAVING, VALUE_TYPES, Computation, Kind
from talon_bridge.engage.problems import EngageError
from talon_bridge.nearest import nearest

_KINDS: dict[str, Kind] = {"audiences": "audience", "computed-traits": "computed_trait"}
_MEMBERS: dict[Kind, tuple[str, ...]] = {
    "audience": ("name", "key", "maxLeaving"),
    "computed_trait": ("name", "type", "key", "nullify", "maxLeaving"),
}


async def list_computations(parts: Parts, request: Request) -> Response:
    """Every audience and computed trait, in the order of definition."""
    parameters.query(request, ())
    shown: dict[Kind, list[dict[str, Any]]] = {"audience": [], "computed_trait": []}
    for one in parts.engage.computations():
        shown[one.kind].append(await _shown(parts, one))
    told = {"audiences": shown["audience"], "computedTraits": shown["computed_trait"]}
    return answer({**told, "spaceId": parts.engage.space_id})


async def define(parts: Parts, request: Request) -> Response:
    """Make an audience or computed trait, or change the one with this id."""
    parameters.query(request, ())
    kind = _kind(request)
    given = await parameters.document(request, _MEMBERS[kind])
    defined = await parts.engage.define(_wanted(request.path_params["id"], kind, given))
    told = await engage_answers.computation(parts.engage, defined.computation, defined.misfit, defined.checked)
    return answer(told, 201 if defined.created else 200)


async def show(parts: Parts, request: Request) -> Response:
    """One of them, with where it stands."""
    parameters.query(request, ())
    return answer(await _shown(parts, await named(parts, request)))


async def forget(parts: Parts, request: Request) -> Response:
    """Drop one with its members; nothing is sent."""
    parameters.query(request, ())
    id = request.path_params["id"]
    try:
        id = (await named(parts, request)).id
    except EngageError:  # one that left the config is listed no more, but can be dropped
        if any(one.id == id for one in parts.engage.computations()):
            raise
    await parts.engage.forget(id)
    return answer({"deleted": True})


async def named(parts: Parts, request: Request) -> Computation:
    """The audience or computed trait that the path names: by its id, else by its key or name, if just one has it."""
    wanted = _kind(request)
    found = await parts.engage.find(request.path_params["id"])
    if found.kind != wanted:
        folder = next(name for name, kind in _KINDS.items() if kind == found.kind)
        hint = f"it is at /_bridge/engage/{folder}/{found.id}"
        raise EngageError("unknown_audience", f"{found.id} is the {found.noun}", hint)
    return found


def _kind(request: Request) -> Kind:
    text = request.path_params["kind"]
    if text not in _KINDS:
        hint = " and ".join(f"/_bridge/engage/{name}" for name in _KINDS)
        raise ProblemError(404, "not_found", f"there is no /_bridge/engage/{text[:80]}", f"there is {hint}")
    return _KINDS[text]


async def _shown(parts: Parts, one: Computation) -> dict[str, Any]:
    return await engage_answers.computation(parts.engage, one, *await parts.engage.misfit(one, sure=False))


def _wanted(id: str, kind: Kind, given: dict[str, Any]) -> Computation:
    """The definition that a body asks for; what is left out of it is as it is by default."""
    name, key = _text(given, "name"), _text(given, "key")
    if name is None or not name.strip():
        raise EngageError("bad_definition", "there is no name", 'give one, such as {"name": "Recent Buyers"}')
    return Computation(
        id=id,
        kind=kind,
        name=name,
        key=key_of(name) if key is None else key,
        type=_type(given) if kind == "computed_trait" else "boolean",
        nullify=_flag(given, "nullify"),
        max_leaving=_share(given),
        derived=key is None,
    )


def _text(given: dict[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _bad(name, value, "give a text")
    return value


def _type(given: dict[str, Any]) -> Any:
    value = _text(given, "type")
    if value not in VALUE_TYPES:
        near = nearest(value, VALUE_TYPES) if value else None
        hint = f"did you mean {near.name!r}?" if near else f"give one of {', '.join(VALUE_TYPES)}"
        raise _bad("type", value, hint) if value else EngageError("bad_definition", "there is no type", hint)
    return value


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise _bad(name, value, "give true or false")
    return value


def _share(given: dict[str, Any]) -> float:
    value = given.get("maxLeaving", MAX_LEAVING)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= 1:
        raise _bad("maxLeaving", value, "give the share of the members that one sync may remove, 0 to 1")
    return float(value)


def _bad(name: str, value: Any, hint: str) -> EngageError:
    return EngageError("bad_definition", f"{name} is {parameters.shown(value)}", hint)
