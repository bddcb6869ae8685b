"""The manifest of a comparison: a file of what it made and has not removed yet, for the next one to remove."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

from talon_contracts.parity.belongings import Belonging, Kind, Ledger
from talon_contracts.parity.preparation import Unfit

_REMOVABLE: Final = ("customer", "audience")


class Manifest:
    """One line for each thing, written before it is made or as soon as its number is known."""

    def __init__(self, path: Path, deployment: str, application: int) -> None:
        self.path = path
        self._mark = {"deployment": deployment, "application": application}

    def left(self) -> tuple[Belonging, ...]:
        """What earlier comparisons of this Application have left behind. Raises Unfit for a file that is none."""
        return tuple(Belonging(line["kind"], line["name"]) for line in self._lines() if self._is_mine(line))

    def note(self, belonging: Belonging) -> None:
        """Write a line. Raises Unfit where that cannot be done."""
        if belonging.kind not in _REMOVABLE:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self._line(belonging) + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

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
            raise self._unwritable(error) from None

    def _line(self, belonging: Belonging) -> str:
        return json.dumps({**self._mark, "kind": belonging.kind, "name": belonging.name})

    def _is_mine(self, line: dict[str, Any]) -> bool:
        return {name: line[name] for name in self._mark} == self._mark

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            text = self.path.read_text("utf-8") if self.path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise Unfit(f"the manifest {str(self.path)!r} cannot be read ({error}): name another --manifest") from None
        for number, written in enumerate(text.splitlines(), start=1):
            try:
                line = json.loads(written)
                whole = (
                    line["kind"] in get_args(Kind)
                    and isinstance(line["name"], str)
                    and self._mark.keys() <= line.keys()
                )
            except (ValueError, TypeError, KeyError, AttributeError):
                whole = False
            if not whole:
                raise Unfit(f"line {number} of {str(self.path)!r} is no line of a manifest: name another --manifest")
            yield line

    def _unwritable(self, error: OSError) -> Unfit:
        return Unfit(f"the manifest {str(self.path)!r} cannot be written ({error.strerror}): name another --manifest")
