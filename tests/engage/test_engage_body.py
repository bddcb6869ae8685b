"""The body of a sync where its client says nothing more."""

import asyncio

import pytest
from starlette.requests import Request

from talon_bridge.control.engage_body import rows
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.sources.ndjson_rows import NdjsonRows


def test_a_client_that_falls_silent_is_taken_for_gone() -> None:
    messages = [{"type": "http.request", "body": b'"a"\n', "more_body": True}]

    async def receive() -> dict[str, object]:
        return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]

    async def read() -> list[str]:
        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        return [row.ids[0] async for portion in rows(request, NdjsonRows("k"), False, 0.01) for row in portion]

    with pytest.raises(EngageError, match=r"nothing came for 0\.01 s before the end of the body"):
        asyncio.run(read())
