"""The example of the destination's documentation, seen in the Campaign Manager: in the window true, after it false."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from localtalon import Sandbox

ATTRIBUTE = "order_completed_last_30days"
CONFIG = """
[[audiences]]
name = "Order Completed Last 30days"
source = "sqlite:orders.db"
query = "SELECT DISTINCT user_id FROM orders WHERE completed_at BETWEEN datetime(:now, '-30 days') AND :now"
every = "2h"
"""
DAY = timedelta(days=1)


class Shop:
    """A database of orders; times are days from the start of the test."""

    def __init__(self, path: Path) -> None:
        self.opened = datetime.now(UTC)
        self._path = path
        self._write("CREATE TABLE orders (user_id TEXT NOT NULL, completed_at TEXT NOT NULL)")

    def order(self, user: str, day: float) -> None:
        """A user completes an order."""
        at = self.opened + day * DAY
        self._write("INSERT INTO orders VALUES (?, ?)", user, f"{at:%Y-%m-%d %H:%M:%S}")

    def _write(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self._path)) as db, db:
            db.execute(statement, values)


@pytest.fixture(name="shop")
def with_customers(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "orders.db")
    shop.order("lapsed", -45)
    for regular in ("bea", "carl"):
        shop.order(regular, -2)
        shop.order(regular, 20)
    return shop


@pytest.fixture(name="sandbox")
def with_the_audience(tmp_path: Path, shop: Shop) -> Iterator[Sandbox]:
    config = tmp_path / "localtalon.toml"
    config.write_text(CONFIG)
    with Sandbox(config) as sandbox:
        sandbox.idle()
        yield sandbox


def shown(sandbox: Sandbox, user: str) -> str | None:
    """What the Campaign Manager shows as the user's value of the attribute; None without such a customer."""
    url = f"{sandbox.emulator_url}/applications/1/customers?integrationId={user}"
    page = httpx.get(url, follow_redirects=True, trust_env=False).text
    if "No customer has exactly the integration ID" in page:
        return None
    row = re.search(rf"<tr><td>{ATTRIBUTE}</td>.*</tr>", page)
    assert row is not None
    text = re.search(r'<span class="value">(.*)</span>', row[0])
    return None if text is None else text[1]


def after(sandbox: Sandbox, time: timedelta) -> None:
    """Let time pass on the sandbox's clock, and whatever is due happen."""
    lever = f"{sandbox.bridge_url}/_bridge/clock/advance"
    httpx.post(lever, json={"seconds": time.total_seconds()}, trust_env=False).raise_for_status()
    sandbox.idle()


def test_true_after_an_order_and_false_once_it_is_30_days_old(sandbox: Sandbox, shop: Shop) -> None:
    users = ("ada", "bea", "carl", "lapsed")
    assert [shown(sandbox, user) for user in users] == [None, "true", "true", None]

    shop.order("ada", 0)
    assert shown(sandbox, "ada") is None
    after(sandbox, timedelta(hours=2))
    assert [shown(sandbox, user) for user in users] == ["true", "true", "true", None]

    after(sandbox, 31 * DAY)
    assert [shown(sandbox, user) for user in users] == ["false", "true", "true", None]


def test_each_sync_sends_only_who_came_and_who_left(sandbox: Sandbox, shop: Shop) -> None:
    shop.order("ada", 0)
    after(sandbox, timedelta(hours=2))
    after(sandbox, timedelta(hours=2))
    after(sandbox, 31 * DAY)
    syncs = f"{sandbox.bridge_url}/_bridge/engage/audiences/{ATTRIBUTE}/syncs"
    done = [sync["counts"] for sync in httpx.get(syncs, trust_env=False).json()["syncs"]]
    assert [(counts["entered"], counts["left"]) for counts in reversed(done)] == [(2, 0), (1, 0), (0, 0), (0, 1)]
