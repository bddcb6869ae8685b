"""The settings of the plugin's fixtures: out of the marker `localtalon`, the ini option, and the root directory."""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localtalon.config import BridgeSection, Config, ConfigError, EmulatorSection
from localtalon.config_file import FILE_NAME, load
from localtalon.differences import amended
from localtalon.in_process import ControlError
from localtalon.sandbox import Sandbox
from talon_emulator.nearest import nearest

if TYPE_CHECKING:
    from localtalon.bridge import Bridge
    from localtalon.deployment import Talon

MARKER = "localtalon"
JOURNAL_SIZE = 10_000

_KNOWN = ("config", "limits", *(name for name in inspect.signature(amended).parameters if name != "config"))


def sandbox() -> Sandbox:
    """What all tests of a process share. No file and no variable says anything about it: processes would collide."""
    emulator = EmulatorSection(limits="off", journal_size=JOURNAL_SIZE)
    return Sandbox(Config(emulator=emulator, bridge=BridgeSection(max_requests_per_second=0)))


def deployment(running: Sandbox, item: pytest.Item, configured: str) -> "Talon":
    """The deployment for a test; what is wrong with its marker or config fails the test in one sentence."""
    wanted = _wanted(item)
    try:
        config = load(_file(item, wanted.pop("config", None), configured))
        limits = wanted.pop("limits", None)
        return running.deployment(config, limits=limits, **wanted)
    except (ConfigError, ControlError) as error:
        wrong = f"localtalon: {error}"
    pytest.fail(wrong, pytrace=False)


def bridge_for(running: Sandbox, talon: "Talon") -> "Bridge":
    """The bridge for a test."""
    from localtalon.deployment import Talon

    if not isinstance(talon, Talon):
        pytest.fail(
            f"localtalon: the fixture bridge delivers to localtalon's talon, and the fixture talon of this test is "
            f"{talon!r}; give yours another name, or write a bridge of your own too",
            pytrace=False,
        )
    try:
        return running.bridge_for(talon)
    except ConfigError as error:
        wrong = f"localtalon: {error}"
    pytest.fail(wrong, pytrace=False)


def without_effect(item: pytest.Item) -> None:
    """Fail a test that has the marker and no deployment that it could be for."""
    _wanted(item)
    wrong = "localtalon: the marker has no effect, since the test does not use localtalon's fixture talon"
    pytest.fail(f"{wrong}; talon_session.deployment() takes the same arguments", pytrace=False)


def _wanted(item: pytest.Item) -> dict[str, Any]:
    """The arguments of the markers of a test, its class and its module; the nearest one says what counts."""
    wanted: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            pytest.fail(f"localtalon: the marker takes arguments by name, not {marker.args[0]!r}", pytrace=False)
        for name, value in marker.kwargs.items():
            if name not in _KNOWN:
                hint = nearest(name, _KNOWN)
                pytest.fail(f"localtalon: the marker has no argument {name!r} ({hint})", pytrace=False)
            wanted.setdefault(name, value)
    return wanted


def _file(item: pytest.Item, marked: str | Path | None, configured: str) -> Path | None:
    """The config file: the marker's, from the folder of the test or the root directory; the ini's; the root's own."""
    root = item.config.rootpath
    if marked is not None:
        if not isinstance(marked, str | Path):
            pytest.fail(f"localtalon: config is {marked!r}; give the path of a file", pytrace=False)
        beside = item.path.parent / marked
        return beside if beside.is_file() else root / marked
    if configured:
        return root / configured
    found = root / FILE_NAME
    return found if found.is_file() else None
