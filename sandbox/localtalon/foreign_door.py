"""The door of another server: identifies go to it as batches of Segment's HTTP tracking API."""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from talon_bridge import codec
from talon_bridge.codec import MalformedError
from talon_bridge.engage.door import DoorRefused, DoorUnavailable

if TYPE_CHECKING:
    import aiohttp

# Of Segment's HTTP API (documented).
MAX_CALL: Final = 32 * 1024  # bytes
MAX_BATCH: Final = 500 * 1024  # bytes
MAX_CALLS: Final = 2500

TIMEOUT: Final = 30.0  # seconds
PATIENCE: Final = 600.0  # seconds without success, after which it gives up
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 60.0
_AROUND: Final = len(b'{"batch":[]}')
_EXCERPT: Final = 200  # characters of an answer


class ForeignDoor:
    """Takes identifies as `Door` does, and sends them to `url`/v1/batch. Use as a context.

    A server that cannot be reached, is busy or has an error of its own may take them later, for as long as the patience
    lasts; any other answer is final. `tell` is given each reason once, `now` counts seconds from anywhere.
    """

    def __init__(
        self, url: str, write_key: str, tell: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = f"{url.rstrip('/')}/v1/batch"
        self.refused = ""
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
            "Content-Type": "application/json",
            "User-Agent": "localtalon-engage",
        }
        self._tell = tell
        self._now = now
        self._told = ""
        self._wait = _FIRST_WAIT
        self._failing_since: float | None = None
        self._most = MAX_BATCH
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def __call__(self, texts: Sequence[bytes]) -> None:
        """See `Door`."""
        left = list(texts)
        while left:
            batch = next(batches(left, self._most))
            try:
                taken = await self._post(b'{"batch":[' + b",".join(batch) + b"]}", len(batch))
            except DoorRefused as error:
                self.refused = str(error)
                raise
            if taken:
                del left[: len(batch)]

    async def _post(self, body: bytes, calls: int) -> bool:
        """Whether the server has taken a batch; not, where it wants smaller ones."""
        import aiohttp

        try:
            async with self._session.post(self.url, data=body, headers=self._headers, allow_redirects=False) as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
                said = b"" if answer.ok else await answer.content.read(16 * _EXCERPT)
        except aiohttp.InvalidURL:
            raise DoorRefused(f"--to {self.url} is no URL; give one such as https://api.segment.io") from None
        except TimeoutError:
            raise self._later(f"{self.url} does not answer within {TIMEOUT:g} s", "") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._later(f"{self.url} cannot be reached ({error or type(error).__name__})", "") from None
        if status == 429 or status >= 500:
            raise self._later(f"{self.url} answers {status}", after)
        if status == 413 and calls > 1:
            self._most = max(1, len(body) // 2)
            return False
        if not 200 <= status < 300:
            raise DoorRefused(_sentence(self.url, status, _said(said), len(body) - _AROUND))
        self._wait, self._failing_since, self._told = _FIRST_WAIT, None, ""
        return True

    def _later(self, reason: str, retry_after: str) -> DoorUnavailable | DoorRefused:
        now = self._now()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= PATIENCE:
            return DoorRefused(f"{reason}, for {PATIENCE / 60:g} minutes now")
        if reason != self._told:
            self._told = reason
            self._tell(f"{reason}; trying again")
        wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_WAIT)
        asked = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
        return DoorUnavailable(reason, max(wait, min(asked, PATIENCE)))


def batches(texts: Sequence[bytes], most: int = MAX_BATCH) -> Iterator[Sequence[bytes]]:
    """Cut calls into batches of so many bytes that a server takes them; a single call may have more."""
    start, size = 0, _AROUND
    for index, text in enumerate(texts):
        size += len(text) + 1
        if index > start and (size > most or index - start == MAX_CALLS):
            yield texts[start:index]
            start, size = index, _AROUND + len(text) + 1
    if texts:
        yield texts[start:]


def _said(answer: bytes) -> str:
    """What a server says itself: the message of its JSON, or the beginning of what is no such."""
    try:
        told = codec.value(answer)
    except MalformedError:
        return answer[:_EXCERPT].decode(errors="replace").strip()
    inner = told.get("error", told) if isinstance(told, dict) else told
    message = inner.get("message", "") if isinstance(inner, dict) else inner
    return message[:_EXCERPT].strip() if isinstance(message, str) else ""


def _sentence(url: str, status: int, said: str, size: int) -> str:
    """Why a server takes no calls, and what it said itself."""
    words = f": {said}" if said else ""
    if status in (401, 403):
        return f"{url} does not know the write key (HTTP {status}{words}); give --write-key that of a source there"
    if status == 413:
        return f"{url} takes no call of {size:,} bytes (HTTP 413{words})"
    if 300 <= status < 400:
        return f"{url} is elsewhere (HTTP {status}); give --to the URL that it names"
    if status in (404, 405):
        return f"{url} does not take Segment's calls (HTTP {status}{words}); give --to the URL of a server that does"
    return f"{url} refuses the calls (HTTP {status}{words})"
