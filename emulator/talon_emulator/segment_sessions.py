"""Segment's customer sessions: what a customer has in the cart, checked and kept; no rules run on it.

What `X-Callback-Destination-URI` and its companions ask for is not done: nothing is sent anywhere. They may hold
anything, since Segment writes `undefined` into those that are not set (observed).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from talon_emulator import body, errors, sessions
from talon_emulator.calls import Call
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer
from talon_emulator.profiles import MAX_ID_LENGTH
from talon_emulator.records import Record
from talon_emulator.segment_attributes import Infos, Wanted, ensure, of_defined
from talon_emulator.sessions import CartItem, Session, SessionUpdate
from talon_emulator.thirdparty_calls import skips_undefined
from talon_emulator.thirdparty_profiles import answer_kept, count_sales


class OldUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """The body of an update that makes attributes of sessions and of cart items."""

    customer_session: SessionUpdate | None = None
    session_attributes_info: Infos | None = None
    cart_item_attributes_info: Infos | None = None


Values = dict[str, Any]
_UPDATE = body.decoder(SessionUpdate)
_OLD = body.decoder(OldUpdate)


async def update_customer_session_v2(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/v2/customer_sessions/{customerSessionId}: the attributes have to be there (documented)."""
    skips = skips_undefined(call)
    if isinstance(skips, Refusal):
        return skips
    update = body.decode(call.request.body, _UPDATE)
    return update if isinstance(update, Refusal) else await _updated(call, update, skips)


async def update_customer_session(call: Call, platform: str) -> Answer | Refusal:
    """PUT /segment/customer_sessions/{customerSessionId}: attributes that are not there are made."""
    given = body.decode(call.request.body, _OLD)
    if isinstance(given, Refusal):
        return given
    update: SessionUpdate = given.customer_session or SessionUpdate()
    base = "customerSession"
    checked = await _checked(call, _of_defined(call, update), False, base)
    if isinstance(checked, Refusal):
        return checked
    items = enumerate(update.cart_items or ())
    in_items = tuple(((base, "cartItems", index, "attributes"), item.attributes or {}) for index, item in items)
    made = await ensure(
        call,
        Wanted("CustomerSession", (((base, "attributes"), update.attributes or {}),), given.session_attributes_info),
        Wanted("CartItem", in_items, given.cart_item_attributes_info),
    )
    # What is not defined even now is null.
    return made if isinstance(made, Refusal) else await _updated(call, _of_defined(call, update), False, base)


async def _updated(call: Call, given: SessionUpdate, skips: bool, *base: str) -> Answer | Refusal:
    checked = await _checked(call, given, skips, *base)
    if isinstance(checked, Refusal):
        return checked
    before, update = checked
    key, application, store = call.path["customerSessionId"], call.application.id, call.server.store
    first = before is None and await _is_first(call, update.profile_id or "")

    sales: list[sessions.Sales] = []

    def change(stored: Record | None) -> Record | Refusal:
        old = sessions.from_record(stored) if stored else None
        session = sessions.update_session(old, key, application, update, call.now, first)
        if isinstance(session, Refusal):
            return session
        sales[:] = sessions.sales(old, session)
        return sessions.to_record(session, stored)

    record = await store.update_record(call.deployment.id, "session", application, key, change)
    if isinstance(record, Refusal):
        return msgspec.structs.replace(record, errors=errors.below(record.errors, *base))
    session = sessions.from_record(record)
    for sold in sales:
        await count_sales(call, sold)
    return await answer_kept(call, session.profile_id, customerSession=sessions.view(session, record.id))


async def _checked(
    call: Call, given: SessionUpdate, skips: bool, *base: str
) -> tuple[Session | None, SessionUpdate] | Refusal:
    """Return the session that is stored and the update as it is meant, or what is wrong with it."""
    key, application = call.path["customerSessionId"], call.application.id
    if len(key) > MAX_ID_LENGTH:
        text = f"customerSessionId must have at most {MAX_ID_LENGTH} characters"
        return errors.bad_parameter("customerSessionId", text)
    update = _meant(call, given, skips)
    problems = sessions.check(update, *_definitions(call), *base)
    if problems:
        return errors.invalid_data(problems)
    record = await call.server.store.find_record(call.deployment.id, "session", application, key)
    before = sessions.from_record(record) if record else None
    outcome = sessions.update_session(before, key, application, update, call.now, True)
    if isinstance(outcome, Refusal):
        return msgspec.structs.replace(outcome, errors=errors.below(outcome.errors, *base))
    return before, update


def _meant(call: Call, given: SessionUpdate, skips: bool) -> SessionUpdate:
    """Return an update as it is meant, without values of undefined attributes when those are to be skipped."""
    mine, of_items = _definitions(call)

    def read(definitions: Definitions, values: Values) -> Values:
        return definitions.read(definitions.defined(values) if skips else values)

    if given.state is None and call.deployment.assumed["omitted-session-state"] == "open":
        given = msgspec.structs.replace(given, state="open")
    return _changed(given, partial(read, mine), partial(read, of_items))


def _of_defined(call: Call, given: SessionUpdate) -> SessionUpdate:
    known = call.deployment.attributes
    return _changed(given, partial(of_defined, known, "CustomerSession"), partial(of_defined, known, "CartItem"))


def _changed(
    given: SessionUpdate, mine: Callable[[Values], Values], of_items: Callable[[Values], Values]
) -> SessionUpdate:
    """Return an update with other values of attributes, its own and those of its items."""

    def item(old: CartItem) -> CartItem:
        return msgspec.structs.replace(old, attributes=old.attributes and of_items(old.attributes))

    items = None if given.cart_items is None else tuple(map(item, given.cart_items))
    return msgspec.structs.replace(given, attributes=given.attributes and mine(given.attributes), cart_items=items)


def _definitions(call: Call) -> tuple[Definitions, Definitions]:
    of = call.deployment.definitions_of
    return of("CustomerSession", call.application), of("CartItem", call.application)


async def _is_first(call: Call, profile: str) -> bool:
    """Tell whether a customer has no session in this Application yet."""
    if not profile:
        return True
    store, application = call.server.store, call.application.id
    theirs = await store.list_records(
        call.deployment.id, "session", application, 1, 0, lambda record: record.profile == profile
    )
    return not theirs
