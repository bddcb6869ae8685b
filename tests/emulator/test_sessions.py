"""Customer sessions as values: states, patches, sums, and the way into a record and back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_emulator import body, sessions
from talon_emulator.definitions import Definitions
from talon_emulator.errors import Refusal
from talon_emulator.sessions import Session, SessionState, SessionUpdate, update_session

NOW = datetime(2030, 1, 1, tzinfo=UTC)
STATES = get_args(SessionState)
ALLOWED = {
    None: {"open", "closed"},
    "open": {"open", "closed", "cancelled"},
    "closed": {"closed", "cancelled"},
    "partially_returned": {"partially_returned", "cancelled"},
    "cancelled": {"cancelled"},
}
UPDATE = body.decoder(SessionUpdate)


def session(**members: Any) -> Session:
    return Session("s", 1, "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", **members)


def updated(stored: Session | None, update: SessionUpdate) -> Session:
    outcome = update_session(stored, "s", 1, update, NOW, True)
    assert isinstance(outcome, Session)
    return outcome


@pytest.mark.parametrize("before", [None, *STATES])
@pytest.mark.parametrize("after", STATES)
def test_the_documented_steps_from_state_to_state(before: SessionState | None, after: SessionState) -> None:
    stored = None if before is None else session(state=before)
    outcome = update_session(stored, "s", 1, SessionUpdate(state=after), NOW, True)
    assert isinstance(outcome, Session) == (after in ALLOWED[before])
    if isinstance(outcome, Refusal):
        assert (outcome.status, outcome.errors[0].source) == (400, {"pointer": "/state"})
    if stored is not None:
        assert updated(stored, SessionUpdate()).state == before


def test_what_is_not_sent_stays_and_what_is_empty_clears() -> None:
    stored = session(coupon_codes=("A",), referral_code="R", profile_id="u", attributes={"gift": True, "note": "a"})
    assert updated(stored, SessionUpdate()).coupon_codes == ("A",)
    cleared = updated(stored, SessionUpdate(coupon_codes=(), referral_code="", attributes={"gift": None, "more": 1}))
    assert (cleared.coupon_codes, cleared.referral_code, cleared.profile_id) == ((), "", "u")
    assert cleared.attributes == {"note": "a", "more": 1}


def test_the_first_session_of_a_customer_stays_the_first() -> None:
    later = update_session(None, "s", 1, SessionUpdate(profile_id="u"), NOW, False)
    nobodys = update_session(None, "s", 1, SessionUpdate(profile_id=""), NOW, False)
    assert isinstance(later, Session)
    assert isinstance(nobodys, Session)
    assert (later.first_session, nobodys.first_session) == (False, True)
    assert updated(later, SessionUpdate()).first_session is False


def test_totals_are_exact() -> None:
    items = b'[{"sku":"a","quantity":3,"price":0.10,"additionalCosts":{"wrap":{"price":0.3}}},{"sku":"b","quantity":2}]'
    update = UPDATE.decode(b'{"cartItems":%s,"additionalCosts":{"shipping":{"price":4.5},"none":{}}}' % items)
    shown = sessions.view(updated(None, update), 5)
    assert shown["cartItemTotal"] == Decimal("0.30")
    assert shown["additionalCostTotal"] == Decimal("4.8")
    assert shown["total"] == Decimal("5.10")
    assert [item["position"] for item in shown["cartItems"]] == [0, 1]


NUMBERS = st.integers(-(10**30), 10**30) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
VALUES = st.none() | st.booleans() | st.text(max_size=5) | NUMBERS | st.lists(NUMBERS, max_size=2)
UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "profileId": st.text(max_size=3),
        "couponCodes": st.lists(st.text(max_size=3), max_size=2),
        "cartItems": st.lists(
            st.fixed_dictionaries(
                {"sku": st.text(min_size=1, max_size=3), "quantity": st.integers(1, 9)},
                optional={"price": NUMBERS, "attributes": st.dictionaries(st.text(max_size=3), VALUES, max_size=2)},
            ),
            max_size=2,
        ),
        "additionalCosts": st.dictionaries(st.text(max_size=3), st.fixed_dictionaries({"price": NUMBERS}), max_size=2),
        "attributes": st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    },
)


@given(UPDATES, UPDATES)
def test_a_session_survives_the_way_into_a_record(first: Any, second: Any) -> None:
    made = updated(None, UPDATE.decode(body.ENCODER.encode(first)))
    record = sessions.to_record(made)
    assert sessions.from_record(record) == made
    assert (record.kind, record.key, record.profile, record.id) == ("session", "s", made.profile_id, 0)
    again = updated(sessions.from_record(record), UPDATE.decode(body.ENCODER.encode(second)))
    assert sessions.from_record(sessions.to_record(again, record)) == again
    assert again.created == made.created


def test_time_passes() -> None:
    outcome = update_session(session(), "s", 1, SessionUpdate(), NOW + timedelta(hours=1), True)
    assert isinstance(outcome, Session)
    assert (outcome.created, outcome.updated) == ("2030-01-01T00:00:00Z", "2030-01-01T01:00:00.000000Z")


def test_every_wrong_number_is_pointed_at() -> None:
    sent = {
        "cartItems": [{"sku": "a", "quantity": 1, "price": "9.99", "additionalCosts": {"w/p": {"price": True}}}],
        "additionalCosts": {"ship": {"price": []}},
        "attributes": {"x": 1},
    }
    nothing = Definitions("CustomerSession", ())
    problems = sessions.check(UPDATE.decode(body.ENCODER.encode(sent)), nothing, Definitions("CartItem", ()), "base")
    assert [problem.source["pointer"] for problem in problems] == [
        "/base/attributes/x",
        "/base/additionalCosts/ship/price",
        "/base/cartItems/0/price",
        "/base/cartItems/0/additionalCosts/w~1p/price",
    ]
