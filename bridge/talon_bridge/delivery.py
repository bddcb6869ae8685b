"""The HTTP call to Talon.One: one request out, one answer or none back."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from talon_bridge import codec
from talon_bridge.mapping import Request
from talon_bridge.outcome import Answer, NoAnswer
from talon_bridge.settings import Destination

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 64 * 1024
MAX_PROFILES = 1000  # of a bulk update; Talon.One, documented
_HEADERS_THAT_MATTER = ("retry-after",)


class TalonOne:
    """A deployment, reached at the destination's application domain with its API key. Use as an async context.

    Redirects are not followed, the environment's proxies are not used, compressed answers are not asked for, and no
    more of an answer than `MAX_ANSWER_BYTES` is read. `timeout` bounds a whole call, in seconds.
    """

    def __init__(self, destination: Destination, timeout: float) -> None:
        self._base = destination.base_url
        self._query = "?runRuleEngine=true" if destination.run_rule_engine else "?runRuleEngine=false"
        self._headers = {
            "Authorization": f"ApiKey-v1 {destination.api_key}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "localtalon-bridge",
        }
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def update_profile(self, request: Request) -> Answer | NoAnswer:
        """`PUT /v2/customer_profiles/{integrationId}` with the request's attributes."""
        return await self._put(request.path + self._query, codec.encode({"attributes": request.attributes}))

    async def update_profiles(self, requests: Sequence[Request]) -> Answer | NoAnswer:
        """`PUT /v2/customer_profiles`, which takes up to `MAX_PROFILES` and never runs the rules (documented)."""
        updates = [{"integrationId": request.integration_id, "attributes": request.attributes} for request in requests]
        return await self._put("/v2/customer_profiles", codec.encode({"customerProfiles": updates}))

    async def _put(self, path: str, body: bytes) -> Answer | NoAnswer:
        import aiohttp
        from yarl import URL

        session = self._session or self._open()
        url = URL(self._base + path, encoded=True)
        try:
            async with session.put(url, data=body, headers=self._headers, allow_redirects=False) as answer:
                read = await _read_up_to(answer.content, MAX_ANSWER_BYTES)
                headers = {name: answer.headers[name] for name in _HEADERS_THAT_MATTER if name in answer.headers}
                return Answer(answer.status, headers, read)
        except aiohttp.ClientConnectorError as error:
            return NoAnswer(f"cannot connect to {self._base}: {error.os_error or error}", may_have_landed=False)
        except TimeoutError:
            return NoAnswer(f"no complete answer within {self._timeout:g} s", may_have_landed=True)
        except (aiohttp.ClientError, OSError) as error:
            return NoAnswer(f"the connection failed: {error or type(error).__name__}", may_have_landed=True)

    def _open(self) -> "aiohttp.ClientSession":
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
        )
        return self._session


async def _once(request: "aiohttp.ClientRequest", send: "aiohttp.ClientHandlerType") -> "aiohttp.ClientResponse":
    """Keep aiohttp from sending a PUT a second time, at once and unseen, when the connection breaks (observed).

    The first may still land after newer data: whether and when to try again is decided with that in mind, elsewhere.
    """
    import aiohttp

    try:
        return await send(request)
    except aiohttp.ClientConnectorError:  # nothing was sent
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


async def _read_up_to(content: "aiohttp.StreamReader", limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size >= limit:
            break
    return b"".join(parts)[:limit]


async def warm_up() -> None:
    """Import the HTTP client beside the running server: neither the start nor the first delivery waits for it."""
    await asyncio.to_thread(__import__, "aiohttp")
