"""A deployment's Management API, as far as attribute definitions go: within its limits, and with clear words."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx
import msgspec

KEY_VARIABLE: Final = "LOCALTALON_MANAGEMENT_KEY"
PAGE: Final = 1000  # definitions in one answer (documented)
_PATH: Final = "/v1/attributes"
_A_SECOND: Final = 3  # requests at each endpoint (documented)
_TRIES: Final = 5
_LONGEST_WAIT: Final = 60.0  # seconds
_SHOWN: Final = 300  # characters of what an answer says

Kind = Literal["builtin", "custom"]


class ManagementError(Exception):
    """The deployment cannot be asked, or gives no answer of Talon.One's; the message says why and what to do."""


class RefusedError(Exception):
    """The deployment refused one definition; the message is its own."""


class ManagementClient:
    """The deployment at `url`, asked with a Management API key. Use as a context; raises `ManagementError`.

    `pause` waits so many seconds; `page` is how many definitions one request asks for.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30,
        page: int = PAGE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.strip().rstrip("/")
        self._key = re.compile(re.escape(key.strip()), re.IGNORECASE)
        self._page = page
        self._pause = pause
        self._recent: dict[str, deque[float]] = {}
        headers = [(b"authorization", b"ManagementKey-v1 " + key.strip().encode())]
        self._client = httpx.Client(headers=headers, timeout=timeout, trust_env=False, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def definitions(self, entity: str, kind: Kind) -> Iterator[dict[str, Any]]:
        """Every definition of an entity, each once, whatever is defined meanwhile."""
        seen: set[object] = set()
        skip = 0
        while True:
            asked = {"entity": entity, "kind": kind, "sort": "id", "pageSize": self._page, "skip": skip}
            answer = self._send("GET", params=asked)
            data, total = _listed(self._understood(answer))
            if data is None:
                raise ManagementError(self._stranger(answer))
            fresh = [item for item in data if item.get("id") not in seen]
            seen.update(item.get("id") for item in fresh)
            yield from (item for item in fresh if item.get("entity") == entity)
            skip += len(data)
            if not fresh or skip >= total:
                return

    def create(self, definition: dict[str, Any]) -> None:
        """Make one definition; raises `RefusedError` where the deployment refuses it."""
        answer = self._send("POST", content=msgspec.json.encode(definition))
        if answer.status_code in (400, 409, 422):
            raise RefusedError(self._shown(_complaint(answer)) or f"HTTP {answer.status_code} without a reason")
        self._understood(answer)

    def _send(self, method: str, **more: Any) -> httpx.Response:
        for attempt in range(1, _TRIES + 1):
            recent = self._recent.setdefault(method, deque(maxlen=_A_SECOND))
            if len(recent) == _A_SECOND and (left := recent[0] + 1 - time.monotonic()) > 0:
                self._pause(left)
            answer = self._once(method, more)
            recent.append(time.monotonic())  # answered, so counted there before
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return answer
            if attempt < _TRIES:
                self._pause(_asked_to_wait(answer, float(2 ** (attempt - 1))))
        raise ManagementError(f"{self.url} answers 429 again and again; something else uses up its limit, try later")

    def _once(self, method: str, more: dict[str, Any]) -> httpx.Response:
        headers = {"content-type": "application/json"} if method == "POST" else {}
        try:
            return self._client.request(method, self.url + _PATH, headers=headers, **more)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise ManagementError(f"{self.url} is no URL: {error}") from None
        except httpx.LocalProtocolError:  # its text would hold the key
            raise ManagementError(f"{KEY_VARIABLE} cannot be sent: it holds what no header may") from None
        except httpx.TimeoutException:
            doubt = "; whether the last attribute was made is not known, `diff` will tell" if method == "POST" else ""
            raise ManagementError(f"{self.url} does not answer in time{doubt}; try again") from None
        except httpx.TransportError as error:
            why = self._shown(str(error)) or type(error).__name__
            hint = "name the deployment with --deployment URL, or start an emulator with `localtalon up`"
            if "WRONG_VERSION_NUMBER" in why:
                hint = f"it seems to speak plain HTTP: try --deployment {self.url.replace('https:', 'http:', 1)}"
            raise ManagementError(f"no deployment answers at {self.url} ({why}); {hint}") from None

    def _understood(self, answer: httpx.Response) -> Any:
        """What a good answer says."""
        status = answer.status_code
        told = _json(answer)
        if answer.is_success and isinstance(told, dict):
            return told
        complaint = self._shown(_complaint(answer))
        said = f' ("{complaint}")' if complaint else ""
        if status == httpx.codes.UNAUTHORIZED:
            hint = f"give a valid Management API key of this deployment in {KEY_VARIABLE}; an Integration key is none"
            raise ManagementError(f"{self.url} does not know the key{said}: {hint}")
        if status == httpx.codes.FORBIDDEN:
            may = f"{answer.request.method} {_PATH}"
            raise ManagementError(f"the key may not {may}{said}: allow that endpoint for the key, or use another")
        if status == httpx.codes.NOT_FOUND or not complaint:
            raise ManagementError(self._stranger(answer))
        raise ManagementError(f"{self.url} answers HTTP {status}{said}; try again later")

    def _stranger(self, answer: httpx.Response) -> str:
        kind = self._shown(answer.headers.get("content-type", "no type").partition(";")[0])
        what = f"HTTP {answer.status_code}, {kind}"
        if answer.is_redirect:
            what += f", to {self._shown(answer.headers.get('location', '?'))}"
        hint = "--deployment is the base URL that the API is called at, such as https://demo.talon.one"
        return f"what answers at {self.url}{_PATH} is not Talon.One's Management API ({what}); {hint}"

    def _shown(self, text: str) -> str:
        """What an answer says, fit to be printed: short, and without the key, should it repeat it."""
        return self._key.sub("***", text)[:_SHOWN]


def _listed(told: Any) -> tuple[list[dict[str, Any]] | None, int]:
    """The items of a list and the size of all of it; None when it is no list."""
    data, total = told.get("data"), told.get("totalResultSize")
    if not isinstance(data, list) or not isinstance(total, int):
        return None, 0
    if not all(isinstance(item, dict) and isinstance(item.get("id"), int) for item in data):
        return None, 0
    return data, total


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, RecursionError):
        return None


def _complaint(answer: httpx.Response) -> str:
    """What an error of Talon.One's says; empty where it is none."""
    told = _json(answer)
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return ""
    problems = told.get("errors")
    found = [problem for problem in problems if isinstance(problem, dict)] if isinstance(problems, list) else []
    details = [str(problem.get("details") or problem.get("title") or "") for problem in found]
    return "; ".join(filter(None, details)) or str(told["message"])


def _asked_to_wait(answer: httpx.Response, otherwise: float) -> float:
    """The seconds of `Retry-After`; Talon.One documents none, what stands before it may send one."""
    given = answer.headers.get("retry-after", "")
    return min(float(given), _LONGEST_WAIT) if given.isdecimal() and given.isascii() else otherwise
