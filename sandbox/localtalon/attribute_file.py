"""The config file that attribute definitions are read from and written to."""

import contextlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from localtalon import config_file
from localtalon.attribute_tables import UnusualTextError, below_header, rewritten
from localtalon.config import ConfigError
from talon_emulator.seed import DEMO, AttributeSeed

_HEADING: Final = "# What the emulator defines, and what the bridge may send to it: docs/config.md has every key.\n"
_CUSTOM: Final = "  # flattened names, as in Segment's setting\n"


def definitions(path: Path | None, entity: str) -> tuple[AttributeSeed, ...]:
    """The definitions of one entity in a config; raises `ConfigError` where it has no deployment of its own."""
    if path is None or not path.exists():
        what = f"there is no {path or config_file.FILE_NAME}"
        raise ConfigError(f"{what}: `localtalon attributes pull` writes one, or name yours with --config FILE")
    deployment = config_file.load(path).own_deployment
    if deployment is None:
        raise ConfigError(f"{path} has no [deployment] of its own: `localtalon attributes pull` adds one")
    return tuple(seed for seed in deployment.attributes if seed.entity == entity)


def text_of(path: Path) -> str:
    """The text as it stands, ends of lines included; empty where there is no file. Raises `ConfigError`."""
    if not path.exists():
        return ""
    config_file.load(path)
    return path.read_bytes().decode()


def written(text: str) -> tuple[AttributeSeed, ...]:
    """The definitions that the text of a valid config writes."""
    document = tomllib.loads(text).get("deployment", {})
    return msgspec.convert(document.get("attributes", []), tuple[AttributeSeed, ...])


def with_attributes(path: Path, text: str, entity: str, wanted: Sequence[AttributeSeed]) -> str:
    """The text of a config with these definitions of one entity, those of other entities as they are.

    A text without a deployment gets the demo's Application and keys beside them. Raises `ConfigError`.
    """
    others = [seed for seed in written(text) if seed.entity != entity]
    try:
        after = rewritten(_with_deployment(text, wanted), [*others, *wanted])
    except UnusualTextError as error:
        raise ConfigError(f"{path} is left as it is: {error}, and pull again") from None
    _check(path, after)
    return after


def _with_deployment(text: str, wanted: Sequence[AttributeSeed]) -> str:
    document = tomllib.loads(text)
    if "deployment" in document:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    added = _demo_deployment()
    if "custom_attributes" not in document.get("destination", {}):
        names = [seed.name for seed in wanted if seed.entity == "CustomerProfile" and not seed.builtin]
        line = f"custom_attributes = {json.dumps(names)}{_CUSTOM}"
        if "destination" in document:
            text = below_header(text, "destination", "custom_attributes", line.replace("\n", newline))
        else:
            added = f"[destination]\n{line}\n{added}"
    before = text.rstrip() + newline * 2 if text.strip() else _HEADING
    return before + added.replace("\n", newline)


def _demo_deployment() -> str:
    (application,) = DEMO.applications
    keys = [f"    {{ title = {json.dumps(key.title)}, key = {json.dumps(key.key)}" for key in application.api_keys]
    platforms = [f', platform = "{key.platform}"' if key.platform != "none" else "" for key in application.api_keys]
    lines = ["[deployment]", f"name = {json.dumps(DEMO.name)}", "", "[[deployment.applications]]"]
    lines += [f"id = {application.id}", f"name = {json.dumps(application.name)}", "api_keys = ["]
    lines += [f"{key}{platform} }}," for key, platform in zip(keys, platforms, strict=True)] + ["]", ""]
    for manager in DEMO.management_keys:
        lines += ["[[deployment.management_keys]]", f"name = {json.dumps(manager.name)}"]
        lines += [f"key = {json.dumps(manager.key)}"]
    return "\n".join(lines) + "\n"


def _check(path: Path, text: str) -> None:
    """Raise `ConfigError` where the text would be no config."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "draft.toml")
        draft.write_bytes(text.encode())
        try:
            config_file.load(draft, {})
        except ConfigError as error:
            raise ConfigError(
                f"{path} is left as it is, since it would say{str(error).removeprefix(str(draft))}"
            ) from None


def write(path: Path, text: str) -> None:
    """Put the text into the file, whole or not at all; its mode stays. Raises `ConfigError`."""
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("xb") as file:
            if target.exists():
                shutil.copymode(target, beside)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
