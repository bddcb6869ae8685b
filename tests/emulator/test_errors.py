"""Every refusal of the catalogue has Talon.One's error shape."""

import inspect
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from talon_emulator import errors, shapes
from talon_emulator.errors import Problem, Refusal

PROBLEM = Problem("Title", "details", {"pointer": "/a"})
SAMPLES: dict[str, Any] = {
    "problems": [PROBLEM, PROBLEM],
    "allowed": ("open", "closed"),
    "source": {"pointer": "/state"},
    "limit": 10,
}


def catalogue(result: type) -> list[Callable[..., Any]]:
    found = inspect.getmembers(errors, inspect.isfunction)
    return [make for _, make in found if inspect.signature(make).return_annotation is result]


def sample(make: Callable[..., Any]) -> Any:
    return make(**{name: SAMPLES.get(name, name) for name in inspect.signature(make).parameters})


def assert_problem(problem: Any) -> None:
    assert set(problem) == {"title", "details", "source"}
    assert problem["title"]
    assert problem["details"]
    [(kind, place)] = problem["source"].items()
    assert kind in ("pointer", "parameter", "line", "resource")
    assert isinstance(place, str)


def test_the_catalogue_is_not_empty() -> None:
    assert len(catalogue(Refusal)) >= 15
    assert len(catalogue(Problem)) >= 9


@pytest.mark.parametrize("make", catalogue(Refusal), ids=lambda make: make.__name__)
def test_a_refusal_has_the_shape(make: Callable[..., Refusal]) -> None:
    refusal = sample(make)
    answer = errors.answer(refusal)
    shown = msgspec.json.decode(answer.body)
    assert list(shown) == ["message", "errors", "StatusCode"]
    assert shown["message"]
    assert shown["StatusCode"] == answer.status == refusal.status
    assert 400 <= answer.status < 600
    for problem in shown["errors"]:
        assert_problem(problem)
    assert (b"content-type", b"application/json") in answer.headers
    assert answer.note, "the journal has nothing to say"


@pytest.mark.parametrize("make", catalogue(Problem), ids=lambda make: make.__name__)
def test_a_problem_has_the_shape(make: Callable[..., Problem]) -> None:
    assert_problem(msgspec.to_builtins(sample(make)))


@pytest.mark.parametrize("make", catalogue(Refusal), ids=lambda make: make.__name__)
def test_elsewhere_a_refusal_has_the_control_shape(make: Callable[..., Refusal]) -> None:
    answer = shapes.render(b"/_emulator/seed", sample(make))
    [(top, error)] = msgspec.json.decode(answer.body).items()
    assert top == "error"
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] != "refused", "this status has no code"


@pytest.mark.parametrize("make", catalogue(Refusal), ids=lambda make: make.__name__)
def test_on_the_third_party_host_a_refusal_has_its_shape(make: Callable[..., Refusal]) -> None:
    refusal = sample(make)
    answer = shapes.render(b"/segment/v2/events", refusal)
    shown = msgspec.json.decode(answer.body)
    assert list(shown) == ["StatusCode", "Error", "RequestUUID"]
    assert shown["StatusCode"] == answer.status == refusal.status
    assert shown["Error"].startswith("Not Found" if refusal.status == 404 else refusal.message)
    assert uuid.UUID(shown["RequestUUID"]).version == 4
    assert answer.body.endswith(b"}\n")
    assert answer.note, "the journal has nothing to say"


def test_the_documented_bodies() -> None:
    unknown = errors.unknown_attribute("MyAttribute", "CustomerSession")
    assert msgspec.to_builtins(unknown) == {
        "title": "Unknown",
        "details": 'The attribute "MyAttribute" is not defined on CustomerSession entities.',
        "source": {"pointer": "/attributes/MyAttribute"},
    }
    wrong = errors.wrong_type("Name", "false", "a string")
    assert msgspec.to_builtins(wrong) == {
        "title": "Invalid type",
        "details": 'Value of "Name" attribute (false) is not a string',
        "source": {"pointer": "/attributes/Name"},
    }
    choice = errors.not_one_of("state", ("open", "closed", "cancelled"), errors.pointer("state"))
    assert msgspec.to_builtins(choice) == {
        "title": "enum",
        "details": 'state must be one of the following: "open", "closed", "cancelled"',
        "source": {"pointer": "/state"},
    }
    assert errors.invalid_data([]).message == "The submitted data was invalid"


@pytest.mark.parametrize(
    ("path", "talon"),
    [
        (b"/v1/x", True),
        (b"//v2/authping", True),
        (b"/v3", True),
        (b"/segment/v2/events", True),
        (b"/cdp/audiences", True),
        (b"/api/v1/customer", True),
        (b"/segments", False),
        (b"/v4/x", False),
        (b"/", False),
        (b"/_emulator", False),
    ],
)
def test_talons_paths(path: bytes, talon: bool) -> None:
    assert shapes.is_talon(path) == talon
