"""The route tree: strict decoding, one segment per ID, literals before parameters."""

import inspect
from importlib import import_module
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import operations
from talon_emulator.calls import Call, Operation
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.later import NAMED
from talon_emulator.routing import BadPath, Match, NoMatch, Routes, split

texts = st.text(st.characters(codec="utf-8"), min_size=1)
ODD = ["a/b", "%2F", "a%2Fb", "?", "#", ";", "+", " ", "\\", "😀", "\u00e9", "e\u0301", "\0", "\r\n"]
odd_texts = texts | st.sampled_from(ODD)


async def nothing(call: Call) -> Answer:
    return NO_CONTENT


def routes(*lines: str) -> Routes:
    parted = [line.partition(" ") for line in lines]
    return Routes(Operation(" ".join((method, path)), method, path, "none", nothing) for method, _, path in parted)


def found(table: Routes, method: str, path: bytes) -> str:
    match = table.find(method, path)
    assert isinstance(match, Match)
    return match.operation.id


@pure
@given(st.lists(odd_texts, min_size=1, max_size=5))
def test_segments_survive(segments: list[str]) -> None:
    path = "".join("/" + quote(segment, safe="") for segment in segments)
    assert split(path.encode()) == segments


@pure
@given(odd_texts)
def test_an_id_of_any_characters_is_one_segment(integration_id: str) -> None:
    table = routes("PUT /v2/customer_profiles/{integrationId}")
    match = table.find("PUT", b"/v2/customer_profiles/" + quote(integration_id, safe="").encode())
    assert isinstance(match, Match)
    assert match.path == {"integrationId": integration_id}


@pytest.mark.parametrize(
    "path", [b"/v2/%FF", b"/v2/%", b"/v2/%2", b"/v2/%zz", b"/v2/%c0%af", b"/v2/%ed%a0%80", b"/\xff"]
)
def test_refuses_what_cannot_be_decoded(path: bytes) -> None:
    assert isinstance(split(path), BadPath)


def test_double_slashes_are_one_and_a_trailing_one_is_an_empty_segment() -> None:
    assert split(b"//v2//authping") == ["v2", "authping"]
    assert split(b"/v2/authping/") == ["v2", "authping", ""]
    assert isinstance(routes("PUT /v2/p/{id}").find("PUT", b"/v2/p/"), NoMatch)


def test_a_literal_wins_and_a_parameter_still_gets_its_turn() -> None:
    table = routes("PUT /p/{id}/audiences", "PUT /p/audiences", "GET /p/{id}")
    assert found(table, "PUT", b"/p/audiences") == "PUT /p/audiences"
    assert found(table, "PUT", b"/p/audiences/audiences") == "PUT /p/{id}/audiences"
    assert found(table, "PUT", b"/p/x/audiences") == "PUT /p/{id}/audiences"
    assert found(table, "GET", b"/p/x") == "GET /p/{id}"


@pytest.mark.parametrize("lines", [("PUT /p/{id}", "GET /p/{}"), ("GET /p/{}", "PUT /p/{id}")])
def test_a_parameter_without_a_name_takes_the_name_of_its_place(lines: tuple[str, str]) -> None:
    table = routes(*lines)
    for method in ("GET", "PUT"):
        match = table.find(method, b"/p/x")
        assert isinstance(match, Match)
        assert match.path == {"id": "x"}


def test_one_place_has_one_name() -> None:
    with pytest.raises(AssertionError, match="two names"):
        routes("PUT /p/{id}", "GET /p/{number}")


def test_another_method_and_another_path() -> None:
    table = routes("GET /a", "POST /a", "GET /a/b/c")
    assert table.find("PUT", b"/a") == NoMatch(("GET", "POST"))
    assert table.find("GET", b"/a/b") == NoMatch(())
    assert table.find("GET", b"/") == NoMatch(())
    assert found(table, "HEAD", b"/a") == "GET /a"


def test_the_table_has_each_id_and_each_route_once() -> None:
    assert len({operation.id for operation in operations.ALL}) == len(operations.ALL)
    with pytest.raises(AssertionError, match="twice"):
        routes("GET /a", "GET /a")


def test_every_handler_that_is_imported_late_is_there() -> None:
    assert operations.EMULATED
    assert len(NAMED) > 60
    for module, name in NAMED:
        assert inspect.iscoroutinefunction(getattr(import_module(module), name)), (module, name)
