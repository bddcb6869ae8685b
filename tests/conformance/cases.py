"""Requests for one documented operation: those that its document allows, and those that break it in one place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.documents import Documented, Parameter
from conformance.drawing import Drawer

_NO_JSON = st.sampled_from([b"", b"{", b"nothing", b"[1", b'{"a":NaN}', b'{"a":1e400}', b'"\xff"', b'{"\\ud800":1}'])
# What takes less than its schema says: "you may not be able to use all fields", and nothing is before the first item.
_NARROWER = ("sort", "skip")
_FORM = "multipart/form-data; boundary=cut"
_PLAIN = st.text("abcXYZ 019-_.", min_size=1, max_size=12).map(str.strip).filter(bool)


@dataclass(frozen=True)
class Case:
    """A request; `kind` says what is wrong with it: nothing (`valid`), its body, its parameter, its path or its key."""

    kind: str
    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


def of_operation(operation: Documented, drawer: Drawer) -> Iterator[SearchStrategy[Case]]:
    """Yield one strategy for each kind of request that this operation can have."""
    values = _parameters(operation, drawer)
    body = _body(operation, drawer)
    yield _cases("valid", operation, values, body)
    yield _cases("key", operation, values, body)
    typed = [p for p in operation.parameters if p.place == "query" and drawer.flat(p.schema).get("type") != "string"]
    if typed:
        wrong = st.tuples(values, st.sampled_from(typed)).map(lambda drawn: {**drawn[0], _key(drawn[1]): "junk"})
        yield _cases("parameter", operation, wrong, body)
    numbers = [p for p in operation.parameters if p.place == "path" and drawer.flat(p.schema).get("type") == "integer"]
    if numbers:
        wrong = st.tuples(values, st.sampled_from(["junk", "-1", "9" * 40])).map(
            lambda drawn: {**drawn[0], _key(numbers[0]): drawn[1]}
        )
        yield _cases("path", operation, wrong, body)
    if operation.uploads:
        yield _cases("body", operation, values, st.sampled_from([b"", b"junk", _form(b""), _form(b"junk\na\n")]))
    if operation.body is not None:
        yield _cases("body", operation, values, st.one_of(_NO_JSON, drawer.broken(operation.body).map(_encode)))


def _cases(
    kind: str,
    operation: Documented,
    values: SearchStrategy[dict[tuple[str, str], Any]],
    body: SearchStrategy[bytes | None],
) -> SearchStrategy[Case]:
    return st.builds(lambda given, sent: _case(kind, operation, given, sent), values, body)


def _case(kind: str, operation: Documented, values: dict[tuple[str, str], Any], body: bytes | None) -> Case:
    path = operation.template
    for (place, name), value in values.items():
        if place == "path":
            path = path.replace("{" + name + "}", quote(_text(value), safe=""))
    query = urlencode([(name, _text(value)) for (place, name), value in values.items() if place == "query"])
    headers = {name: _text(value) for (place, name), value in values.items() if place == "header"}
    if body is not None:
        headers["content-type"] = _FORM if operation.uploads else "application/json"
    return Case(kind, operation.method, f"{path}?{query}" if query else path, headers, body)


def _parameters(operation: Documented, drawer: Drawer) -> SearchStrategy[dict[tuple[str, str], Any]]:
    drawn = {_key(p): _parameter(p, drawer) for p in operation.parameters}
    required = {_key(p) for p in operation.parameters if p.required or p.place == "path"}
    return st.fixed_dictionaries(
        {key: values for key, values in drawn.items() if key in required},
        optional={key: values for key, values in drawn.items() if key not in required},
    )


def _parameter(parameter: Parameter, drawer: Drawer) -> SearchStrategy[Any]:
    if parameter.place == "header":
        return drawer.only(parameter.name, _PLAIN)
    if parameter.name in _NARROWER:
        return drawer.only(parameter.name, drawer.values(parameter.schema))
    values = drawer.named(parameter.name, parameter.schema)
    if parameter.place == "path":  # what would not be one step of a path, or another one
        return values.filter(lambda value: _text(value) not in ("", ".", ".."))
    return values


def _key(parameter: Parameter) -> tuple[str, str]:
    return parameter.place, parameter.name


def _body(operation: Documented, drawer: Drawer) -> SearchStrategy[bytes | None]:
    if operation.uploads:
        return drawer.only("upFile", st.just("a\n")).map(str.encode).map(_form)
    return st.none() if operation.body is None else drawer.values(operation.body).map(_encode)


def _form(file: bytes) -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="upFile"; filename="a.csv"\r\n\r\n'
    return head + file + b"\r\n--cut--\r\n"


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value)
