"""Customer sessions: a stored session with an update gives the next session, or a refusal."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from talon_emulator import body, errors
from talon_emulator.clock import timestamp
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Problem, Refusal
from talon_emulator.records import Record
from talon_emulator.values import is_number

SessionState = Literal["open", "closed", "partially_returned", "cancelled"]
Code = Annotated[str, msgspec.Meta(max_length=100)]
ProfileId = Annotated[str, msgspec.Meta(max_length=1000)]
Filled = Annotated[str, msgspec.Meta(min_length=1)]
_SIZES: Final = ("price", "weight", "height", "width", "length")
# What a state may become by an update (documented; that a state may be sent again is assumed).
_NEXT: Final[dict[str, tuple[str, ...]]] = {
    "": ("open", "closed"),
    "open": ("open", "closed", "cancelled"),
    "closed": ("closed", "cancelled"),
    "partially_returned": ("partially_returned", "cancelled"),
    "cancelled": ("cancelled",),
}


class AdditionalCost(msgspec.Struct, frozen=True):
    """A cost such as shipping; `price` is a number, kept digit for digit."""

    price: Any = None


class CartItem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An item of a cart; its sizes are numbers. Members beyond these are ignored (observed: clients send such)."""

    sku: Filled
    quantity: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    name: Filled | None = None
    price: Any = None
    category: str | None = None
    weight: Any = None
    height: Any = None
    width: Any = None
    length: Any = None
    attributes: dict[str, Any] | None = None
    additional_costs: dict[str, AdditionalCost] | None = None


class SessionUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What a client sends; a member that is not there, or null, leaves the session's as it is (assumed)."""

    profile_id: ProfileId | None = None
    coupon_codes: tuple[Code, ...] | None = None
    referral_code: Code | None = None
    loyalty_cards: Annotated[tuple[str, ...], msgspec.Meta(max_length=1)] | None = None
    state: SessionState | None = None
    cart_items: Annotated[tuple[CartItem, ...], msgspec.Meta(max_length=1000)] | None = None
    additional_costs: dict[str, AdditionalCost] | None = None
    identifiers: Annotated[tuple[str, ...], msgspec.Meta(max_length=5)] | None = None
    attributes: dict[str, Any] | None = None


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """A customer session of an Application; `profile_id` is empty for nobody, the times are RFC 3339."""

    integration_id: str
    application_id: int
    created: str
    updated: str
    profile_id: str = ""
    state: SessionState = "open"
    first_session: bool = True
    coupon_codes: tuple[str, ...] = ()
    referral_code: str = ""
    loyalty_cards: tuple[str, ...] = ()
    cart_items: tuple[CartItem, ...] = ()
    additional_costs: dict[str, AdditionalCost] = {}
    identifiers: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}

    @property
    def cart_item_total(self) -> int | Decimal:
        """Return what the items cost together, each as often as it is in the cart."""
        return sum(((item.price or 0) * item.quantity for item in self.cart_items), 0)

    @property
    def additional_cost_total(self) -> int | Decimal:
        """Return what comes on top, for the session and for each item (that an item's counts once is assumed)."""
        each = [self.additional_costs, *(item.additional_costs or {} for item in self.cart_items)]
        return sum((cost.price or 0 for costs in each for cost in costs.values()), 0)

    @property
    def total(self) -> Decimal:
        """Return what it costs in all, before discounts."""
        return Decimal(self.cart_item_total) + self.additional_cost_total


_SESSION: Final = body.decoder(Session)


def check(update: SessionUpdate, definitions: Definitions, items: Definitions, *base: str) -> tuple[Problem, ...]:
    """Return what is wrong with an update in itself; `base` leads to it in the body (assumption: session-pointers)."""
    problems = [*errors.rebased(definitions.check(update.attributes or {}), *base, "attributes")]
    problems.extend(_costs(update.additional_costs or {}, *base, "additionalCosts"))
    for index, item in enumerate(update.cart_items or ()):
        here: tuple[str | int, ...] = (*base, "cartItems", index)
        for size in _SIZES:
            value = getattr(item, size)
            if value is not None and not is_number(value):
                problems.append(_no_number(*here, size))
        problems.extend(_costs(item.additional_costs or {}, *here, "additionalCosts"))
        problems.extend(errors.rebased(items.check(item.attributes or {}), *here, "attributes"))
    return tuple(problems)


def update_session(
    stored: Session | None, key: str, application: int, update: SessionUpdate, now: datetime, first: bool
) -> Session | Refusal:
    """Apply an update that has been checked. What is sent replaces, attributes are patched, null deletes (documented).

    `first` says that a new session is the first of its customer; one of nobody always is (documented).
    """
    before = stored.state if stored else ""
    state = update.state or (stored.state if stored else "open")
    if state not in _NEXT[before]:
        return errors.invalid_data([_no_step(before, state)])
    moment = timestamp(now)
    old = stored or Session(key, application, moment, moment, first_session=first or not update.profile_id)
    values = dict(old.attributes)
    for name, value in (update.attributes or {}).items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    sent = {name: getattr(update, name) for name in update.__struct_fields__ if getattr(update, name) is not None}
    return msgspec.structs.replace(old, **sent | {"attributes": values, "state": state, "updated": moment})


class Sales(msgspec.Struct, frozen=True):
    """What a customer's closed sessions grow by, or shrink."""

    profile_id: str
    sessions: int
    amount: Decimal


def sales(before: Session | None, after: Session) -> tuple[Sales, ...]:
    """Return what an update of a session means for the sales of its customers (what is counted is documented).

    A session counts as long as it is closed, with what it costs before discounts, for the customer it has.
    """
    counted: dict[str, Sales] = {}
    for sign, session in ((-1, before), (1, after)):
        if session is not None and session.state == "closed" and session.profile_id:
            held = counted.get(session.profile_id, Sales(session.profile_id, 0, Decimal(0)))
            grown = Sales(session.profile_id, held.sessions + sign, held.amount + sign * session.total)
            counted[session.profile_id] = grown
    return tuple(each for each in counted.values() if each.sessions or each.amount)


def from_record(record: Record) -> Session:
    """Read a session as the store keeps it."""
    return _SESSION.decode(record.document)


def to_record(session: Session, stored: Record | None = None) -> Record:
    """Write a session as the store keeps it, in place of what is stored."""
    number = stored.id if stored else 0
    document = body.ENCODER.encode(session)
    key, profile = session.integration_id, session.profile_id
    return Record(number, "session", session.application_id, key, profile, session.created, document)


def erase(record: Record) -> Record:
    """Return a stored session without the values of its attributes, and of those of its items (assumed)."""
    session = from_record(record)
    items = tuple(msgspec.structs.replace(item, attributes=None) for item in session.cart_items)
    return to_record(msgspec.structs.replace(session, attributes={}, cart_items=items), record)


def view(session: Session, number: int) -> dict[str, Any]:
    """Return a session as the Integration API shows it (documented; `coupon` and `referral` are its old codes)."""
    items, extra = session.cart_item_total, session.additional_cost_total
    return {
        "id": number,
        "created": session.created,
        "integrationId": session.integration_id,
        "applicationId": session.application_id,
        "profileId": session.profile_id,
        "coupon": next(iter(session.coupon_codes), ""),
        "referral": session.referral_code,
        "couponCodes": session.coupon_codes,
        "referralCode": session.referral_code,
        "loyaltyCards": session.loyalty_cards,
        "state": session.state,
        "cartItems": [_item(item, position) for position, item in enumerate(session.cart_items)],
        "additionalCosts": session.additional_costs,
        "identifiers": session.identifiers,
        "attributes": session.attributes,
        "firstSession": session.first_session,
        "total": items + extra,
        "cartItemTotal": items,
        "additionalCostTotal": extra,
        "updated": session.updated,
    }


def _item(item: CartItem, position: int) -> dict[str, Any]:
    # Null deletes an attribute, and what is not sent with an item is not kept (documented): null is as good as that.
    members = {name: getattr(item, field) for field, name in _NAMES.items() if getattr(item, field) is not None}
    members["attributes"] = {name: value for name, value in (item.attributes or {}).items() if value is not None}
    return {**members, "position": position, "remainingQuantity": item.quantity, "returnedQuantity": 0}


def _costs(costs: Mapping[str, AdditionalCost], *base: str | int) -> Iterator[Problem]:
    """Yield what is wrong with costs; that each is defined is not asked: nothing here defines them (assumed)."""
    for name, cost in costs.items():
        if cost.price is not None and not is_number(cost.price):
            yield _no_number(*base, name, "price")


def _no_number(*path: str | int) -> Problem:
    return errors.bad_member("expected a number", errors.pointer(*path))


def _no_step(before: str, state: str) -> Problem:
    text = f"a {before} session cannot become {state}" if before else f"a session cannot be created as {state}"
    return errors.bad_member(text, errors.pointer("state"))


_NAMES: Final = {field.name: field.encode_name for field in msgspec.structs.fields(CartItem)}
