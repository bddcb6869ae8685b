"""What streams for a bridge must have shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from talon_contracts.features.feature import Features
from talon_contracts.strategies.streams import Pause
from talon_contracts.views import StreamView


def _users(view: StreamView) -> int:
    return len({each.user for each in view.calls})


def _is_repeated(view: StreamView, *, changed: bool) -> bool:
    calls = view.calls
    return any(each.again is not None and (each.body != calls[each.again].body) is changed for each in calls)


def _values(view: StreamView) -> list[tuple[int, object]]:
    """Each user with the membership that a call of his brings."""
    return [
        (each.user, tuple(traits.values())) for each in view.calls if isinstance(traits := each.body["traits"], dict)
    ]


OF_STREAMS: Final[Mapping[str, Features]] = MappingProxyType(
    {
        "AUD-5": {
            "first sync of several": lambda view: view.posts.count(view.posts[0]) > 1 if view.posts else False,
            "a member comes": lambda view: any(value == (True,) for _, value in _values(view)),
            "a member leaves": lambda view: any(value == (False,) for _, value in _values(view)),
            "a member stays": lambda view: (
                sum(isinstance(step, Pause) for step in view.stream.steps) > 1 and _users(view) > 1
            ),
        },
        "LIM-1": {
            "429": lambda view: any(fault.status == 429 for fault in view.faults),
            "409": lambda view: any(fault.status == 409 for fault in view.faults),
        },
        "DEL-1": {
            "5xx": lambda view: any(fault.status >= 500 for fault in view.faults),
            "broken connection": lambda view: any(fault.status == 0 for fault in view.faults),
            "refused beside accepted": lambda view: "ATT-1" in view.refused and len(view.calls) > 1,
            "several users": lambda view: _users(view) > 1,
        },
        "DEL-2": {
            "several of one user in a batch": lambda view: any(
                (one.user, here) == (other.user, there)
                for one, other, here, there in zip(view.calls, view.calls[1:], view.posts, view.posts[1:], strict=False)
            ),
            "over several requests": lambda view: len(set(view.posts)) > 1,
            "through a failure": lambda view: bool(view.faults),
        },
        "DEL-3": {
            "as it was": lambda view: _is_repeated(view, changed=False),
            "with other traits": lambda view: _is_repeated(view, changed=True),
            "in the same batch": lambda view: any(
                each.again is not None and view.posts[each.again] == view.posts[at]
                for at, each in enumerate(view.calls)
            ),
            "after a pause": lambda view: any(isinstance(step, Pause) for step in view.stream.steps),
        },
    }
)
"""By rule."""
