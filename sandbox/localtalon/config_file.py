"""The reader of `localtalon.toml` and of the environment that lies over it."""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from localtalon.config import Config, ConfigError, Document

FILE_NAME = "localtalon.toml"
PREFIX = "LOCALTALON_"
MANAGEMENT_KEY = "LOCALTALON_MANAGEMENT_KEY"
SECTIONS = ("emulator", "bridge", "destination")
_SAME = (*SECTIONS, "audiences", "computed_traits")


def nearby() -> Path | None:
    """The config file of the current directory, where there is one."""
    path = Path(FILE_NAME)
    return path if path.is_file() else None


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file (None: no file, the demo) and lay the environment over it. Raises `ConfigError`."""
    config = read(path, environ)
    config.profile_definitions()
    return config


def read(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """The same, with definitions that an emulator may refuse to start with."""
    origin = FILE_NAME if path is None else str(path)
    document = {} if path is None else _read(path)
    _overlay(document, environ)
    try:
        written = msgspec.convert(document, Document)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(str(error))}") from None
    folder, key = Path() if path is None else path.parent, environ.get(MANAGEMENT_KEY) or None
    same = {name: getattr(written, name) for name in _SAME}
    return Config(origin, folder, key, **same, own_deployment=written.deployment)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        if text.startswith("\ufeff"):
            raise ConfigError(f"{path} begins with a byte order mark; save it as UTF-8 without one")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not valid UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Lay `LOCALTALON_<SECTION>_<KEY>` over the document. Assumptions join those of the file, the rest replaces."""
    known = {
        f"{PREFIX}{section}_{key}".upper(): (section, key, kind)
        for section in SECTIONS
        for key, kind in get_type_hints(_behind(Document, section), include_extras=True).items()
    }
    ours = tuple(f"{PREFIX}{section}_".upper() for section in SECTIONS)
    for variable, text in environ.items():
        if not variable.startswith(ours):
            continue
        if variable not in known:
            raise ConfigError(f"unknown variable {variable}{_meant(variable, list(known))}")
        section, key, kind = known[variable]
        try:
            value = msgspec.to_builtins(msgspec.convert(_parsed(text, kind), kind, strict=False))
        except msgspec.ValidationError as error:
            raise ConfigError(f"{variable}: {_explain_variable(str(error), f'{section}.{key}')}") from None
        except ValueError as error:
            raise ConfigError(f"{variable}: {error}") from None
        given = document.setdefault(section, {})
        joined = isinstance(value, dict) and key == "assumptions" and isinstance(given.get(key), dict)
        given[key] = {**given[key], **value} if joined else value


def _parsed(text: str, kind: Any) -> Any:
    """What a variable says: lists and `name=choice` pairs are separated by commas, objects are JSON.

    Raises ValueError with what is wrong.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(kind) is dict:
        pairs = [tuple(side.strip() for side in part.partition("=")) for part in parts]
        for (name, equals, choice), part in zip(pairs, parts, strict=True):
            if not (name and equals and choice):
                raise ValueError(f"{part!r} is not like name=choice; several are separated by commas")
        return {name: choice for name, _, choice in pairs}
    if "tuple" in str(kind):
        return parts
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(f'{_lowered(str(error))}; it must be like {{"segment": 60}}') from None
    return text


def _explain_variable(error: str, path: str) -> str:
    """msgspec's sentence about a value that lies at `path`."""
    inner = re.search(r" - at `\$(?P<path>\.[^`]*)`", error)
    unknown = _UNKNOWN.match(error)
    if unknown is not None:
        return f"unknown key {unknown['key']}{_meant(unknown['key'], list(_at(path).__struct_fields__))}"
    below = inner["path"] if inner else ""
    sentence = _sentence(error, path + below)
    return f"{below.lstrip('.')}: {sentence}" if below else sentence


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_AT = re.compile(r"(?P<text>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)


def _explain(error: str) -> str:
    """msgspec's sentence with the key in TOML's spelling, and for an unknown key the nearest known one."""
    unknown = _UNKNOWN.match(error)
    if unknown is None:
        parts = _AT.match(error)
        assert parts is not None  # the pattern matches every text
        path = (parts["path"] or "").lstrip(".")
        return f"{path}: {_sentence(parts['text'], path)}" if path else _sentence(parts["text"], "")
    key, path = unknown["key"], (unknown["path"] or "").lstrip(".")
    known = list(getattr(_at(path), "__struct_fields__", ()))
    return f"unknown key {path + '.' if path else ''}{key}{_meant(key, known)}"


def _meant(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _sentence(error: str, path: str) -> str:
    """msgspec's sentence in plain words; where one of several values is wanted, with these."""
    text = error.split(" - at ")[0].replace("`", "")
    for theirs, ours in (("int", "a number"), ("float", "a number"), ("str", "a text"), ("array", "a list")):
        text = re.sub(rf"\b{theirs}\b", ours, text)
    text = _lowered(text)
    if "enum value" in text:
        owner, _, field = path.rpartition(".")
        text += f"; it is one of {', '.join(_choices(get_type_hints(_at(owner))[field]))}"
    return text.replace(" | null", " or nothing").replace("got ", "found ")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _choices(kind: Any) -> Iterator[str]:
    """The values that a field may have, and the keys of an object that it may be."""
    if hasattr(kind, "__struct_fields__"):
        yield f"numbers for {', '.join(kind.__struct_fields__)}"
    for arg in get_args(kind):
        if isinstance(arg, str):
            yield arg
        else:
            yield from _choices(arg)


def _at(path: str) -> Any:
    """The struct at a path such as `deployment.attributes[3]`."""
    at: Any = Document
    for step in re.findall(r"[^.\[\]]+", re.sub(r"\[(?:\d+|\.\.\.)\]", "", path)):
        at = _behind(at, step)
    return at


def _behind(owner: Any, field: str) -> Any:
    """The struct behind a field, looking through lists and optionals."""
    kind: Any = get_type_hints(owner)[field]
    while not hasattr(kind, "__struct_fields__"):
        inner = [arg for arg in get_args(kind) if arg not in (type(None), Ellipsis)]
        if not inner:
            return kind
        kind = next((arg for arg in inner if hasattr(arg, "__struct_fields__")), inner[0])
    return kind
