"""The control API where several processes share an outbox: each tells of the whole."""

from collections.abc import Iterator

import pytest

from bridge_support import Bridge, Reply, Target, always, destination, quick, running, until
from postgres_support import PostgresServer


@pytest.fixture(name="pair")
def two_bridges(postgres: PostgresServer, target: Target) -> Iterator[tuple[Bridge, Bridge]]:
    """Two bridges on one database, that share its shards."""
    settings = quick(destination(target.url), data=postgres.database())
    with running(settings) as first, running(settings) as second:
        yield first, second


def test_idle_means_the_whole_outbox(pair: tuple[Bridge, Bridge], target: Target) -> None:
    first, second = pair
    gate = target.gate()
    target.script = always(Reply(gate=gate))
    for number in range(20):
        first.identify(f"u{number}", {"n": number})
    target.wait_for(1)
    assert not first.idle(0)
    assert not second.idle(0)
    assert second.client.get("/_bridge/status").json()["queued"] > 0
    gate.open()
    assert second.idle()
    assert first.idle(0)
    assert first.counts() == second.counts() == {"waiting": 0, "delivered": 20, "skipped": 0, "dead": 0}


def test_one_replays_what_the_other_gave_up(pair: tuple[Bridge, Bridge], target: Target) -> None:
    first, second = pair
    target.script = always(Reply(400))
    for number in range(20):
        first.identify(f"u{number}", {"n": number}, messageId=f"m{number}")
    assert first.idle()
    target.script = always(Reply())
    told = second.client.post("/_bridge/dead-letters/replay", json={"all": True}).json()
    assert (told["replayed"], told["left"]) == (20, 0)
    assert first.idle()
    assert first.client.get("/_bridge/dead-letters").json()["total"] == 0
    assert {first.client.get(f"/_bridge/events/m{number}").json()["state"] for number in range(20)} == {"delivered"}


def test_each_says_how_many_they_are(pair: tuple[Bridge, Bridge]) -> None:
    for bridge in pair:
        until(lambda asked=bridge: asked.client.get("/_bridge/status").json()["workers"] == 2)  # type: ignore[misc]
