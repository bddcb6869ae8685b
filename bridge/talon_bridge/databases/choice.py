"""Which database a URL names, and whether it can be used here."""

import importlib.util

from talon_bridge.settings import SettingsError


def must_be_postgres(url: str, noun: str) -> None:
    """Raise `SettingsError` unless it is a PostgreSQL database's, and its driver is installed; `noun` is kept there."""
    kind = url.split("://", 1)[0]
    if kind not in ("postgresql", "postgres"):
        hint = "give postgresql://…, a directory for a file, or nothing for memory"
        raise SettingsError(f"bridge.data is {kind}://…; there is no {noun} for that: {hint}")
    if importlib.util.find_spec("asyncpg") is None:
        hint = 'pip install asyncpg, or localtalon with its extra: "localtalon[postgres]"'
        raise SettingsError(f"bridge.data names a PostgreSQL database, which needs asyncpg: {hint}")
