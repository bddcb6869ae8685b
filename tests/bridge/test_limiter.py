"""How fast the destination is asked, in a loop whose time does not pass but jumps."""

import asyncio
import selectors
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talon_bridge.limiter import Limiter


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, moves its clock to where the wait would have ended."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def times(rate: float, count: int, closures: tuple[tuple[int, float], ...] = ()) -> list[float]:
    """When each of `count` requests may go out; before the nth, the gate is closed for so long."""

    async def main() -> list[float]:
        clock = asyncio.get_running_loop().time
        limiter = Limiter(rate, clock)
        out = []
        for number in range(count):
            for before, seconds in closures:
                if before == number:
                    limiter.close_for(seconds)
            await limiter.wait()
            out.append(clock())
        return out

    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main())


@given(st.floats(0.5, 500), st.integers(1, 200))
def test_in_no_second_go_out_more_than_a_burst_and_the_rate(rate: float, count: int) -> None:
    out = times(rate, count)
    burst = max(rate, 1)
    for first in range(0, count, 7):
        for last in range(first, count):
            assert last - first + 1 <= burst + (out[last] - out[first]) * rate + 1e-6


@given(st.floats(0.5, 500), st.integers(1, 200))
def test_no_request_waits_longer_than_it_must(rate: float, count: int) -> None:
    out = times(rate, count)
    beyond_the_burst = max(count - int(max(rate, 1)), 0)
    assert out[-1] <= (beyond_the_burst + 1) / rate + 1e-6
    assert out == sorted(out)


@pytest.mark.parametrize(("rate", "expected"), [(0, [0, 0, 0, 0]), (2, [0, 0, 0.5, 1]), (0.5, [0, 2, 4, 6])])
def test_examples(rate: float, expected: list[float]) -> None:
    assert times(rate, 4) == pytest.approx(expected)


def test_a_closed_gate_lets_nothing_out() -> None:
    assert times(0, 4, ((1, 5.0), (3, 10.0))) == pytest.approx([0, 5, 5, 15])


def test_the_longest_closure_stands() -> None:
    assert times(0, 1, ((0, 30.0), (0, 5.0))) == pytest.approx([30])
    assert times(0, 1, ((0, 5.0), (0, 30.0))) == pytest.approx([30])


def test_closed_for_tells_how_long() -> None:
    now = [100.0]
    limiter = Limiter(1, lambda: now[0])
    assert limiter.closed_for == 0
    limiter.close_for(8)
    now[0] += 3
    assert limiter.closed_for == 5
    now[0] += 30
    assert limiter.closed_for == 0
