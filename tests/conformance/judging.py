"""What an answer must be: a documented status, a body that keeps its schema, never the server's own failure."""

import json
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from conformance.cases import Case
from conformance.documents import Document, Documented

# Many operations document their success only. The refusals below are documented for all of them together.
GENERAL = frozenset((400, 401, 403, 404, 409, 429))
# What may come of a request that breaks the document, whether the operation lists it or not.
EXPECTED = {"valid": frozenset[int](), "key": {401}, "parameter": {400}, "path": {400, 404}, "body": {400}}
# Where a document contradicts itself: the last steps to a value, the value, and what the document says of it in words.
CONTRADICTIONS: tuple[tuple[tuple[str, ...], Any, str], ...] = (
    (("loyaltyMemberships",), None, "a list that always is null"),
)


@dataclass(frozen=True)
class Complaint:
    """What is wrong with an answer; `is_excused` when the document contradicts itself there."""

    text: str
    is_excused: bool = False


class Judge:
    """Holds the answers to one operation against its document."""

    def __init__(self, document: Document, operation: Documented) -> None:
        """Compile the schemas."""
        self._operation = operation
        self._allowed = frozenset(int(status) for status in operation.answers if status.isdigit())
        compiled = {status: _validator(document, schema) for status, schema in operation.answers.items()}
        self._validators = {int(status): validator for status, validator in compiled.items() if status.isdigit()}
        self._refusal = _validator(document, _error_schema(document))

    def complaints(self, case: Case, status: int, content_type: str, body: bytes) -> list[Complaint]:
        """Return what is wrong with an answer."""
        if status >= 500:
            return [Complaint(f"{status}, a failure of the server")]
        found = []
        if status not in self._allowed | self._expected(case.kind):
            found.append(Complaint(f"status {status} is not documented for a request whose fault is: {case.kind}"))
        found.extend(self._of_body(status, content_type, body))
        return found

    def _expected(self, kind: str) -> frozenset[int]:
        says_nothing = not any(status >= 400 for status in self._allowed)
        return frozenset(EXPECTED[kind]) | (GENERAL if says_nothing else frozenset())

    def _of_body(self, status: int, content_type: str, body: bytes) -> list[Complaint]:
        validator = self._validators.get(status) or (self._refusal if status >= 400 else None)
        if status == 204:
            return [Complaint("204 with a body")] if body else []
        if validator is None:
            return []
        if not content_type.startswith("application/json"):
            return [Complaint(f"{status} as {content_type or 'nothing'}, documented as JSON")]
        try:
            value = json.loads(body)
        except ValueError:
            return [Complaint(f"{status} with a body that is not JSON")]
        return [_complaint(status, error, value) for error in validator.iter_errors(value)]


def _complaint(status: int, error: jsonschema_rs.ValidationError, value: Any) -> Complaint:
    steps = [str(step) for step in error.instance_path]
    for step in error.instance_path:
        value = value[step]
    is_excused = any(tuple(steps[-len(ending) :]) == ending and value == given for ending, given, _ in CONTRADICTIONS)
    place = "/".join("*" if step.isdigit() else step for step in steps)
    return Complaint(f"{status} breaks its schema at /{place}: {error.message[:120]}", is_excused)


def _validator(document: Document, schema: Any) -> Any:
    if schema is None:
        return None
    return jsonschema_rs.Draft202012Validator(document.standalone(schema), validate_formats=True)


def _error_schema(document: Document) -> Any:
    schemas = document.root.get("components", {}).get("schemas", {})
    name = next((name for name in schemas if name.lower() == "errorresponsewithstatus"), None)
    return None if name is None else {"$ref": f"#/components/schemas/{name}"}
