"""Live changes of membership, checked: ids that can be users (ID-1), and values of the computation's type."""

from collections.abc import Mapping, Sequence
from typing import Any

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.judge import Judge
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row


class BadMember(EngageError):
    """One user of a change cannot be used: `user_id`."""

    def __init__(self, user_id: str, reason: str) -> None:
        super().__init__("bad_members", reason, "nothing was changed; mend it")
        self.user_id = user_id


def checked(computation: Computation, present: Mapping[str, Any], gone: Sequence[str]) -> dict[str, bytes]:
    """The users who are there, with the JSON texts of their values. Raises `EngageError`; one bad user refuses all."""
    both = next((user_id for user_id in gone if user_id in present), None)
    if both is not None:
        hint = "name each user once"
        raise EngageError("bad_members", f"the user {_shown(both)} both comes and leaves", hint)
    changes = [*present.items(), *((user_id, None) for user_id in gone)]
    rows = [Row((user_id,) if user_id else (), value, None, at) for at, (user_id, value) in enumerate(changes)]
    judged = Judge(computation).judge(rows)
    if judged.refused:
        first = judged.refused[0]
        raise BadMember(changes[first.line][0], first.reason)
    return {member.user_id: member.value for member in judged.members[: len(present)]}


def _shown(user_id: str) -> str:
    return repr(user_id) if len(user_id) <= 80 else repr(user_id[:77] + "...")
