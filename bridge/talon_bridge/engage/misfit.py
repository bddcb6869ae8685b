"""Whether the attribute of a computation, as the deployment defines it, takes what Engage sends."""

import asyncio
import math
import shlex
import time
from collections.abc import Callable, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from talon_bridge.engage.computations import Computation
from talon_bridge.nearest import nearest

if TYPE_CHECKING:
    import aiohttp

KEPT: Final = 1.0  # seconds; one listing of many computations asks once, within the limit of three requests a second
PAGE: Final = 1000  # definitions in one answer (documented)
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_PATH: Final = "/v1/attributes"


class Misfit(msgspec.Struct, frozen=True):
    """Why Talon.One will refuse the calls of a computation, and what mends it."""

    message: str
    hint: str


class Unreachable(Exception):
    """The deployment does not tell its definitions; the message says why."""


class _Found(NamedTuple):
    """The types of the attributes by name, as they were at a time."""

    asked_at: float
    types: Mapping[str, str]


class _Item(msgspec.Struct, frozen=True):
    id: int
    name: str
    entity: str
    type: str


class _Listing(msgspec.Struct, frozen=True, rename="camel"):
    total_result_size: int
    data: list[_Item]


class Definitions:
    """The attribute definitions of the deployment at `base_url`, asked with a Management API key.

    What they say is kept for a second. A misfit is looked up anew before it is told, for somebody may just have mended
    it. `timeout` bounds one answer, in seconds; `now` counts them, from anywhere.
    """

    def __init__(
        self, base_url: str, management_key: str, timeout: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {
            "Authorization": f"ManagementKey-v1 {management_key.strip()}",
            "Accept-Encoding": "identity",
            "User-Agent": "localtalon-bridge",
        }
        self._timeout = timeout
        self._now = now
        self._asking = asyncio.Lock()
        self._found = _Found(-math.inf, {})
        self._silent_until = -math.inf
        self._failure = ""

    async def misfit(self, computation: Computation, sure: bool = True) -> Misfit | None:
        """Why the attribute does not take the computation's values, or None. Raises `Unreachable`.

        Where it is to be `sure`, a misfit is looked up anew before it is told: it may just have been mended.
        """
        asked_at = self._now()
        found = judge(computation, await self._types(asked_at - KEPT), self._base)
        return found if found is None or not sure else judge(computation, await self._types(asked_at), self._base)

    async def _types(self, since: float) -> Mapping[str, str]:
        """The types as they were at that time or later."""
        async with self._asking:
            if self._found.asked_at < since:
                await self._look(since)
            return self._found.types

    async def _look(self, since: float) -> None:
        """Ask anew, unless that failed a moment ago; then what was found a moment before `since` will do."""
        asked_at = self._now()
        if asked_at >= self._silent_until:
            try:
                self._found = _Found(asked_at, await self._asked())
                return
            except Unreachable as error:
                self._silent_until, self._failure = self._now() + KEPT, str(error)
        if self._found.asked_at < since - KEPT:
            raise Unreachable(self._failure)

    async def _asked(self) -> dict[str, str]:
        """Ask for every attribute of customer profiles, page by page."""
        import aiohttp

        types: dict[str, str] = {}
        seen: set[int] = set()
        try:
            async with aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session:
                read = 0
                while True:
                    listing = await self._page(session, read)
                    fresh = [item for item in listing.data if item.id not in seen]
                    seen.update(item.id for item in fresh)
                    types.update((item.name, item.type) for item in fresh if item.entity == "CustomerProfile")
                    read += len(listing.data)
                    if not fresh or read >= listing.total_result_size:
                        return types
        except TimeoutError:
            raise Unreachable(f"{self._base} gives no complete answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"no deployment answers at {self._base} ({type(error).__name__})") from None
        except ValueError:  # its text may hold the key
            raise Unreachable("the Management API key cannot be sent: it holds what no header may") from None

    async def _page(self, session: "aiohttp.ClientSession", skip: int) -> _Listing:
        from yarl import URL

        query = f"?entity=CustomerProfile&sort=id&pageSize={PAGE}&skip={skip}"
        url = URL(self._base + _PATH + query, encoded=True)
        async with session.get(url, headers=self._headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise Unreachable(f"{self._base}{_PATH} answers HTTP {answer.status}{_advice(answer.status)}")
            raw = await _read(answer.content)
        try:
            return msgspec.json.decode(raw, type=_Listing)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(f"what answers at {self._base}{_PATH} is not Talon.One's Management API") from None


def judge(computation: Computation, types: Mapping[str, str], base_url: str) -> Misfit | None:
    """Why an attribute among these does not take the computation's values, or None."""
    key, wanted = computation.key, computation.type
    defined = types.get(key)
    if defined == wanted:
        return None
    if defined is None:
        near = nearest(key, tuple(types))
        also = f"; {near.name!r} is, and differs in {near.differs_in}" if near else ""
        what = f"{computation.noun} has the key {key!r}, which is not defined on CustomerProfile{also}"
    else:
        what = f"{computation.noun} sends {wanted} values to {key!r}, which is a {defined} in Talon.One"
    return Misfit(f"{what}: each of its calls will be refused", _hint(computation, types, base_url))


def _hint(computation: Computation, types: Mapping[str, str], base_url: str) -> str:
    """What mends it: an attribute of that name, or a key that is, or can be, the name of a fitting one."""
    key, wanted = computation.key, computation.type
    # Beside a name that differs in case only none is made: `attributes push` takes the two for one, written wrongly.
    alike = [name for name in types if name.casefold() == key.casefold()]
    if not alike:
        return _defining(key, wanted, base_url)
    fitting = next((name for name in alike if types[name] == wanted), None)
    if fitting is not None:
        return f"names are case-sensitive, and keys never change: {_anew(computation, fitting)}"
    free = _free(f"{key}_{wanted.strip('()').replace(' ', '_')}", types)
    return f"types never change: {_defining(free, wanted, base_url)}, and {_anew(computation, free)}"


def _defining(name: str, kind: str, base_url: str) -> str:
    """What makes an attribute in the deployment."""
    table = f'[[deployment.attributes]] with name = "{name}" and type = "{kind}"'
    command = f"localtalon attributes push --deployment {shlex.quote(base_url)}"
    return f"add {table} to the config and run `{command}` with its Management API key in LOCALTALON_MANAGEMENT_KEY"


def _anew(computation: Computation, key: str) -> str:
    """What gives a computation another key."""
    noun = "audience" if computation.kind == "audience" else "computed trait"
    return f'define the {noun} under another id with the key "{key}"'


def _free(name: str, types: Mapping[str, str]) -> str:
    """That name, with a number behind it where it is taken."""
    taken = {other.casefold() for other in types}
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    return next(free for free in names if free.casefold() not in taken)


def _advice(status: int) -> str:
    told: dict[int, str] = {
        401: "; the Management API key is not valid there (an Integration API key is none)",
        403: f"; the Management API key may not GET {_PATH}",
        429: "; something else uses up its limit",
    }
    return told.get(status, "")


async def _read(content: "aiohttp.StreamReader") -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise Unreachable(f"a list of attributes has more than {MAX_ANSWER_BYTES} bytes")
    return b"".join(parts)
