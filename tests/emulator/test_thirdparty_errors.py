"""The third-party host's error shape, byte for byte as Go writes it."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import errors, thirdparty_errors
from talon_emulator.errors import Refusal

UUID = "fd2f7c55-d064-46e1-ab87-a39cb877cd82"


def test_the_documented_bodies() -> None:
    answer = thirdparty_errors.answer(errors.missing_session_token(), UUID)
    assert answer.status == 401
    assert answer.body == b'{"StatusCode":401,"Error":"Missing Session Token","RequestUUID":"%s"}\n' % UUID.encode()
    assert (b"content-type", b"application/json") in answer.headers
    missing = thirdparty_errors.answer(errors.not_found("Audience"), UUID)
    assert missing.body == b'{"StatusCode":404,"Error":"Not Found","RequestUUID":"%s"}\n' % UUID.encode()
    assert missing.note == "Audience not found"
    named = errors.audience_not_found([errors.unknown_audience("gone", errors.pointer("data", "adds", 0))])
    shown = msgspec.json.decode(thirdparty_errors.answer(named, UUID).body)
    assert shown["Error"] == "Not Found: /data/adds/0: The audience with the ID gone does not exist"


def test_the_details_follow_the_message() -> None:
    refusal = errors.invalid_data([errors.unknown_attribute("a", "Event"), errors.wrong_type("b", "1", "a string")])
    shown = msgspec.json.decode(thirdparty_errors.answer(refusal, UUID).body)
    assert shown["Error"] == (
        'The submitted data was invalid: The attribute "a" is not defined on Event entities.; '
        'Value of "b" attribute (1) is not a string'
    )


@pure
@given(st.text(st.characters(codec="utf-8")))
@example("<b>&</b>")
@example("\u2028\u2029")
@example('\\u003c "quoted"')
def test_no_character_of_html_leaves_unescaped_and_none_is_lost(text: str) -> None:
    body = thirdparty_errors.answer(Refusal(400, text), UUID).body
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(body.decode())
    assert msgspec.json.decode(body)["Error"] == text


def test_an_error_names_the_place_unless_it_names_the_attribute() -> None:
    problems = [
        errors.bad_pattern("name", "^x$"),
        errors.unknown_attribute("Foo", "CustomerProfile"),
        errors.bad_member("expected a number", errors.pointer("cartItems", 0, "price")),
        *errors.rebased([errors.unknown_attribute("x", "CartItem")], "cartItems", 1, "attributes"),
    ]
    shown = msgspec.json.decode(thirdparty_errors.answer(errors.invalid_data(problems), "id").body)
    assert shown["Error"] == (
        "The submitted data was invalid: /name: name does not match pattern ^x$; "
        'The attribute "Foo" is not defined on CustomerProfile entities.; /cartItems/0/price: expected a number; '
        '/cartItems/1/attributes/x: The attribute "x" is not defined on CartItem entities.'
    )
