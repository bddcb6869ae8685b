"""Probes of refusals: their words, and the limits behind them."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from talon_contracts.exact_json import Object, encode
from talon_contracts.parity.aside import aside
from talon_contracts.parity.belongings import MARK
from talon_contracts.parity.ground import DELIBERATE, Ground
from talon_contracts.parity.line import Line
from talon_contracts.parity.observation import Probe, Unlike, by_status
from talon_contracts.targets import CannotJudge, encoded

_TOO_MANY: Final = 429
_MANAGEMENT: Final = 3
_SEGMENT: Final = 60
_CERTAINLY_TAKEN: Final = 1024 * 1024
_HEAD_ONLY: Final = 5.0  # seconds in which a request is refused for the size that it announces
_AT_ONCE: Final = 12
_NOTHING: Final = "/segment/v2/customer_profiles/audiences"
"""Without data nobody joins or leaves, and no profile is busy."""
_OUR_WORDS: Final[Mapping[int, Object]] = {
    401: {"message": "Invalid API key", "errors": [], "StatusCode": 401},
    404: {"message": "Customer profile not found", "errors": [], "StatusCode": 404},
}


def refusal_texts(ground: Ground) -> str | Unlike:
    """A key that nobody has, and a customer whom nobody knows."""
    path = f"/v1/customer_profiles/{encoded(ground.customer())}/inventory?profile=true"
    answers = [ground.integration("GET", path, key=f"{MARK}-wrong"), ground.integration("GET", path)]
    for answer, status in zip(answers, _OUR_WORDS, strict=True):
        if answer.expect(status).at() != _OUR_WORDS[status]:
            return Unlike("; ".join(answer.said for answer in answers))
    return "own"


def wrong_sign_in(ground: Ground) -> str | Unlike:
    """Somebody signs in who does not exist; one who does would be locked out for it."""
    body: Object = {"email": f"{MARK}@example.invalid", "password": "wrong"}
    answer = ground.management.send("POST", "/v1/sessions", {"Content-Type": "application/json"}, encode(body))
    return "401" if answer.status == 401 else by_status(answer, {})


def window_of_a_limit(ground: Ground) -> str | Unlike:
    """One request, then two more and one too many, then two when only the first has grown old."""
    _deliberately(ground)
    with aside(ground) as limited:
        return _window(limited)


def _window(ground: Ground) -> str | Unlike:
    path = f"/v1/applications/{ground.access.application}"

    def status() -> int:
        return ground.management.send_at_once("GET", path, ground.management_headers).status

    time.sleep(1.1)
    started = time.monotonic()
    first = [status()]
    time.sleep(0.6)
    first += [status() for _ in range(_MANAGEMENT)]
    taken = time.monotonic() - started
    time.sleep(max(1.1 - taken, 0))
    second = [status(), status()]
    if taken > 0.95 or time.monotonic() - started > 1.55:
        raise CannotJudge("the answers come too slowly to tell one second from another")
    if first != [200, 200, 200, _TOO_MANY]:
        raise CannotJudge(f"{_MANAGEMENT} requests in a second and one more are answered {first}: another limit")
    return "sliding" if second == [200, _TOO_MANY] else Unlike(f"two more a second after the first: {second}")


def client_of_a_limit(ground: Ground) -> str | Unlike:
    """One Segment key uses the limit up, and another one of the same Application asks."""
    _deliberately(ground)
    with aside(ground) as limited:
        return _client(limited)


def _client(ground: Ground) -> str | Unlike:
    line, second = ground.segment_line, ground.access.second_segment_key
    headers = ground.segment_headers()
    if second is None:
        raise CannotJudge("needs LOCALTALON_SECOND_SEGMENT_KEY, another Segment key of the same Application")
    time.sleep(1.1)
    statuses = _burst(line, headers)
    if _TOO_MANY not in statuses:
        answers = ", ".join(map(str, sorted(statuses)))
        raise CannotJudge(f"more requests than are allowed are answered {answers}: no limit, or it is not reached")
    answer = line.send_at_once("PUT", _NOTHING, ground.segment_headers(second), b"{}")
    again = line.send_at_once("PUT", _NOTHING, headers, b"{}")
    if again.status != _TOO_MANY:
        raise CannotJudge("the limit was over before another key could ask")
    return "application" if answer.status == _TOO_MANY else Unlike(f"another key is answered: {answer.said}")


def largest_body(ground: Ground) -> str | Unlike:
    """A mebibyte is sent; of a byte more than the most there is only the announcement."""
    _deliberately(ground)
    path, headers = f"/v2/customer_profiles/{encoded(ground.customer())}", ground.key_headers()
    most = ground.access.largest_body
    taken = min(most, _CERTAINLY_TAKEN)
    sent = ground.deployment.send("PUT", path, headers, b"{}".ljust(taken))
    if sent.status == 413:
        return Unlike(f"{taken} bytes are too many")
    sent.expect(200)
    connection = ground.deployment.another(timeout=_HEAD_ONLY)
    try:
        announced = connection.request("PUT", path, {**headers, "Content-Length": str(most + 1)}, b"{")
    finally:
        connection.close()
    return "setting" if announced.status == 413 else Unlike(f"{most + 1} bytes are answered with {announced.status}")


def _deliberately(ground: Ground) -> None:
    if not (ground.access.exceeds_limits or ground.access.emulated):
        raise CannotJudge(DELIBERATE)


def _burst(line: Line, headers: dict[str, str]) -> set[int]:
    """The statuses of requests over several connections, until one is refused or there were clearly too many."""
    seen: set[int] = set()

    def some(count: int) -> None:
        connection = line.another()
        try:
            for _ in range(count):
                if _TOO_MANY in seen:
                    return
                seen.add(connection.request("PUT", _NOTHING, headers, b"{}").status)
        finally:
            connection.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(some, [_SEGMENT // 4] * _AT_ONCE))
    return seen


PROBES: Final[Mapping[str, Probe]] = {
    "refusal-texts": refusal_texts,
    "wrong-sign-in": wrong_sign_in,
    "window-of-a-limit": window_of_a_limit,
    "client-of-a-limit": client_of_a_limit,
    "largest-body": largest_body,
}
