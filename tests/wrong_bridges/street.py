"""A street of bridges: one server with every bridge under a path of its own, because starting servers takes time."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from contracts_support import API_KEY, SETTINGS, bench, serving
from talon_contracts.targets import Bench
from wrong_bridges.right_bridge import RejectingBridge, RightBridge
from wrong_bridges.wrong_bridges_catalogue import ALL

KINDS: tuple[type[RightBridge], ...] = (RightBridge, RejectingBridge, *ALL)


class Street:
    """An ASGI app that hands a request to the bridge that its path starts with."""

    def __init__(self, bridges: Mapping[str, RightBridge]) -> None:
        self.bridges = bridges

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            for bridge in self.bridges.values():
                bridge.close()
            return
        _, name, path = scope["path"].split("/", 2)
        await self.bridges[name]({**scope, "path": f"/{path}"}, receive, send)


@contextmanager
def street(talon_one_url: str) -> Iterator[Mapping[type[RightBridge], Bench]]:
    """A bench with each of the bridges, all on one Talon.One."""
    bridges = {kind: kind(talon_one_url, API_KEY, SETTINGS.custom_attributes) for kind in KINDS}
    named = {kind.__name__: bridge for kind, bridge in bridges.items()}
    with serving(Street(named)) as url, ExitStack() as benches:
        yield {
            kind: benches.enter_context(
                bench(
                    talon_one_url,
                    f"{url}/{kind.__name__}",
                    settings=replace(SETTINGS, client_side_sources=kind.client_side_sources),
                    audience_key=bridge.audience_key,
                )
            )
            for kind, bridge in bridges.items()
        }
