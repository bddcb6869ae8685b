"""An outbox examined, and what was found printed with what to do."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from talon_bridge import codec
from talon_bridge.outbox import FILE_NAME
from talon_bridge.outbox.protocol import Entry
from talon_bridge.outbox.sqlite_doctor import Examination, examine
from talon_bridge.settings import SettingsError

IN_POSTGRES = (
    "the outbox is in PostgreSQL, which finds damage itself: data checksums on every page (SHOW data_checksums), "
    "pg_amcheck for indexes"
)
_ADVICE = """
What to do, with no bridge running:
1. Copy {file}, {file}-wal and {file}-shm to a safe place, all of them together.
2. A copy of all of them from before the damage, put back, is whole; deliveries since then happen again.
3. Else save what can be read: localtalon doctor --data {data} --export FILE
   It writes the call of each event that waits or is a dead letter, one JSON text a line.
4. Move {file}* away, start the bridge, which begins with an empty outbox, and send it those calls.
   Events answered with 200 that are not among them are lost here; let their source send them again.
Then look for the cause: the disk, the memory, a copy that was made while the bridge was running."""


def examined(data: str, export: Path | None) -> dict[str, Any]:
    """What is found in a directory, for programs; undelivered events go to `export`. Raises `SettingsError`."""
    path = Path(data) / FILE_NAME
    if export is None:
        return _told(path, examine(path), None)
    try:
        place = os.open(export, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"{export} cannot be made: {error.strerror}") from None
    exported = 0

    def write(entry: Entry) -> None:
        nonlocal exported
        file.write(_call(entry) + b"\n")
        exported += 1

    try:
        with os.fdopen(place, "wb") as file:
            found = examine(path, write)
    except SettingsError:
        export.unlink()
        raise
    return _told(path, found, exported)


def _told(path: Path, found: Examination, exported: int | None) -> dict[str, Any]:
    counts = {state.value: count for state, count in found.counts.items()}
    told = {"file": str(path), "damage": found.damage, "doubts": found.doubts, "counts": counts}
    return told if exported is None else {**told, "exported": exported}


def _call(entry: Entry) -> bytes:
    """The event as a library sends it, in one line, with the messageId and the time it got at the door."""
    call = codec.value(entry.event.body)
    known = {"messageId": entry.event.message_id, "type": entry.event.type, "timestamp": entry.event.timestamp}
    call.pop("sentAt", None)  # the timestamp is corrected already
    return codec.encode({**call, **known})


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """What was found, for people."""
    counts: Mapping[str, int] = told["counts"]
    each = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    yield f"{told['file']}: {sum(counts.values()):,} events can be read{f' ({each})' if each else ''}"
    yield from (f"in doubt: {doubt}" for doubt in told["doubts"])
    yield from (f"damaged: {damage}" for damage in told["damage"])
    if "exported" in told:
        yield f"exported: {told['exported']:,} events that wait or are dead letters"
    if told["damage"]:
        path = Path(told["file"])
        yield _ADVICE.format(file=path.name, data=path.parent)
    else:
        yield "no damage found"
