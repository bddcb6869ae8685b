"""OpenAPI documents given at run time: read from a folder, references resolved, schemas as JSON Schema.

The folder is named by the environment variable SPECS. JSON needs nothing; YAML needs PyYAML.
"""

import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_SPECS = "SPECS names no folder with Talon.One's OpenAPI documents (*.json, *.yml, *.yaml)"
METHODS = ("get", "post", "put", "patch", "delete")


class Unreadable(Exception):
    """A document cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation; `place` is path, query or header."""

    name: str
    place: str
    required: bool
    schema: Any


@dataclass(frozen=True)
class Documented:
    """An operation as a document has it; `bodies` and `answers` hold schemas, None where no JSON is documented.

    `uploads` says that its body is a form with a file in it.
    """

    id: str
    method: str
    template: str
    parameters: tuple[Parameter, ...]
    body: Any
    body_required: bool
    answers: dict[str, Any]
    uploads: bool = False


class Document:
    """One OpenAPI document, 3.0 or 3.1."""

    def __init__(self, name: str, root: Any) -> None:
        """Take a document as plain data."""
        self.name = name
        self.root = root if str(root["openapi"]).startswith("3.1") else _modern(root)

    def resolve(self, value: Any) -> Any:
        """Follow a reference; beside it other members stay, as 3.1 has it."""
        while isinstance(value, dict) and "$ref" in value:
            found = self.root
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            beside = {name: member for name, member in value.items() if name != "$ref"}
            value = {**found, **beside} if isinstance(found, dict) else found
        return value

    def operations(self) -> Iterator[Documented]:
        """Yield every operation."""
        for template, item in self.root["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(template, method.upper(), item[method], item.get("parameters", []))

    def standalone(self, schema: Any) -> Any:
        """Return a schema that brings along what it refers to."""
        return {"components": self.root.get("components", {}), "allOf": [schema]}

    def _operation(self, template: str, method: str, found: Any, shared: list[Any]) -> Documented:
        given = [self.resolve(parameter) for parameter in (*shared, *found.get("parameters", []))]
        parameters = {
            (p["name"], p["in"]): Parameter(p["name"], p["in"], p.get("required", False), p.get("schema", {}))
            for p in given
        }
        body = self.resolve(found.get("requestBody", {}))
        answers = {str(status): self.resolve(answer) for status, answer in found["responses"].items()}
        return Documented(
            id=found["operationId"],
            method=method,
            template=template,
            parameters=tuple(parameters.values()),
            body=_json(body),
            body_required=body.get("required", False),
            answers={status: _json(answer) for status, answer in answers.items()},
            uploads="multipart/form-data" in body.get("content", {}),
        )


def paths() -> list[Path]:
    """Return the documents in the folder that SPECS names."""
    folder = os.environ.get("SPECS")
    return in_folder(Path(folder)) if folder else []


def in_folder(folder: Path) -> list[Path]:
    """Return the documents in a folder."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".json", ".yml", ".yaml"))


def load(path: Path) -> Document:
    """Read a document. Raises Unreadable."""
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        return Document(path.stem, json.loads(text))
    try:
        yaml: Any = importlib.import_module("yaml")
    except ModuleNotFoundError as error:
        raise Unreadable(f"{path.name} is YAML: install pyyaml, or give the document as JSON") from error
    root = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    # Through JSON, so that dates and other things YAML knows are texts again.
    return Document(path.stem, json.loads(json.dumps(root, default=str)))


def _json(holder: Any) -> Any:
    content = holder.get("content", {}).get("application/json")
    return None if content is None else content.get("schema", {})


def _modern(value: Any) -> Any:
    """Turn the schemas of OpenAPI 3.0 into JSON Schema of today."""
    if isinstance(value, list):
        return [_modern(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        return {"$ref": value["$ref"]}
    changed = {name: _modern(member) for name, member in value.items()}
    if changed.get("nullable") is True and isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if changed.get(exclusive) is True:
            changed[exclusive] = changed.pop(bound)
        elif changed.get(exclusive) is False:
            del changed[exclusive]
    return changed
