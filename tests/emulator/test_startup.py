"""What a start loads, and what the cores import."""

import ast
import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import talon_emulator
from talon_emulator.app import create_app
from talon_emulator.clock import SystemClock, timestamp
from talon_emulator.settings import Settings

HEAVY = ("jinja2", "prometheus_client", "httpx", "jsonschema", "hypothesis", "rich", "aiohttp", "starlette", "difflib")
CORES = ("attributes", "values", "profiles", "errors", "seed", "body", "routing", "query", "inflate", "hosts")
HOME = Path(talon_emulator.__file__).parent
CORE_FILES = sorted(path for core in CORES for path in (*HOME.glob(f"{core}.py"), *HOME.glob(f"{core}/*.py")))
IMPURE = {"sqlite3", "os", "time", "random", "logging", "asyncio", "uuid", "secrets", "socket"}

START = f"""
import asyncio, sys
from talon_emulator.app import create_app
from talon_emulator.settings import Settings

async def start():
    app = create_app(Settings())
    await app.open()
    await app.close()

asyncio.run(start())
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_a_start_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_core_is_looked_at() -> None:
    assert {path.relative_to(HOME).with_suffix("").parts[0] for path in CORE_FILES} == set(CORES)


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_a_core_has_no_input_or_output(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert not imported & IMPURE


def test_timestamps_are_utc_with_microseconds() -> None:
    assert timestamp(datetime(2030, 1, 1, tzinfo=UTC)) == "2030-01-01T00:00:00.000000Z"
    assert (
        timestamp(datetime(2030, 1, 1, 2, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))))
        == "2030-01-01T00:00:00.000005Z"
    )
    assert timestamp(SystemClock().now()).endswith("Z")


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "lifespan.startup"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    asyncio.run(create_app(Settings(data=str(tmp_path / "file")))({"type": "lifespan"}, receive, send))
    [message] = sent
    assert message["type"] == "lifespan.startup.failed"
    assert "cannot use" in str(message["message"])


def test_other_protocols_are_a_programmers_error() -> None:
    async def run() -> None:
        await create_app(Settings())({"type": "websocket"}, None, None)  # type: ignore[arg-type]

    with pytest.raises(NotImplementedError):
        asyncio.run(run())
