"""The manifest of a comparison: a file of what it made and has not removed yet, for the next one to remove."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from talon_contracts.parity.belongings import Belonging, Ledger
from talon_contracts.parity.preparation import Unfit
from talon_contracts.reports.text import counted

_REMOVABLE: Final = ("customer", "audience")
_PORTS: Final = {"http": 80, "https": 443}


class Manifest:
    """One line for each thing, written before it is made or as soon as its number is known."""

    def __init__(self, path: Path, deployment: str, application: int) -> None:
        self.path = path
        self._mark = {"deployment": site(deployment), "application": application}

    def check(self) -> None:
        """Raise Unfit where nothing could be noted."""
        if not os.access(self.path if self.path.exists() else self.path.parent, os.W_OK):
            raise self._unwritable("no such folder, or not yours to write in")

    def left(self) -> tuple[Belonging, ...]:
        """What earlier comparisons of this Application have left behind. Raises Unfit for a file that is none."""
        return tuple(Belonging(line["kind"], line["name"]) for line in self._lines() if self._is_mine(line))

    def others(self) -> tuple[str, ...]:
        """What comparisons elsewhere have left behind, told with what removes it. Raises Unfit as `left` does."""
        foreign = (line for line in self._lines() if not self._is_mine(line))
        elsewhere = Counter((site(line["deployment"]), line["application"]) for line in foreign)
        return tuple(
            f"{str(self.path)!r} keeps {counted(number, 'line')} of comparisons elsewhere; "
            f"--deployment {url} --application {application} --clean-only removes what they list"
            for (url, application), number in elsewhere.items()
        )

    def note(self, belonging: Belonging) -> None:
        """Write a line. Raises Unfit where that cannot be done."""
        if belonging.kind not in _REMOVABLE:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self._line(belonging) + "\n")
        except OSError as error:
            raise self._unwritable(error.strerror) from None

    def settle(self, ledger: Ledger) -> None:
        """Keep what is still there; without any such thing there is no file."""
        lines = [json.dumps(line) for line in self._lines() if not self._is_mine(line)]
        lines += [self._line(belonging) for belonging in ledger.kept if belonging.kind in _REMOVABLE]
        try:
            if lines:
                self.path.write_text("\n".join(lines) + "\n", "utf-8")
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error.strerror) from None

    def _line(self, belonging: Belonging) -> str:
        return json.dumps({**self._mark, "kind": belonging.kind, "name": belonging.name})

    def _is_mine(self, line: dict[str, Any]) -> bool:
        return {"deployment": site(line["deployment"]), "application": line["application"]} == self._mark

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            text = self.path.read_text("utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise Unfit(f"the manifest {str(self.path)!r} cannot be read ({error}): name another --manifest") from None
        for number, written in enumerate(text.splitlines(), start=1):
            try:
                line = json.loads(written)
                whole = _is_whole(line)
            except ValueError:
                whole = False
            if not whole:
                what = f"line {number} of {str(self.path)!r} is no line of a manifest"
                raise Unfit(f"{what}: take it out if the file is one, or name another --manifest")
            yield line

    def _unwritable(self, why: str | None) -> Unfit:
        return Unfit(f"the manifest {str(self.path)!r} cannot be written ({why}): name another --manifest")


def site(url: str) -> str:
    """One spelling for all URLs of a deployment that differ in nothing else; without user and password."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return url
    if host is None:
        return url
    named = f"[{host}]" if ":" in host else host
    at = "" if port in (None, _PORTS.get(scheme)) else f":{port}"
    return f"{scheme}://{named}{at}{parts.path.rstrip('/')}"


def _is_whole(line: Any) -> bool:
    return (
        isinstance(line, dict)
        and line.get("kind") in _REMOVABLE
        and isinstance(line.get("name"), str)
        and isinstance(line.get("deployment"), str)
        and isinstance(line.get("application"), int)
    )
