"""One line of the table: a figure, mostly a ratio, beside its goal."""

from typing import NamedTuple


class Measurement(NamedTuple):
    """A figure, the goal for it as `<=` or `>=` and a number, and what is behind it."""

    name: str
    goal: str
    figure: float
    detail: str

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side of the goal."""
        side, bound = self.goal.split()
        return self.figure <= float(bound) if side == "<=" else self.figure >= float(bound)
