"""What keeps a sync from emptying an audience by mistake: a source without users, or too many members who leave."""

import msgspec

from talon_bridge.engage.computations import Computation
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.syncs import Comparison


class Options(msgspec.Struct, frozen=True):
    """What whoever asks for a sync takes upon himself.

    `allow_empty`: a source without users is meant so. `force`: however many leave. `max_leaving` is the share of the
    members that may leave, in place of the definition's.
    """

    allow_empty: bool = False
    force: bool = False
    max_leaving: float | None = None


def refusal(computation: Computation, comparison: Comparison, rows_read: int, options: Options) -> EngageError | None:
    """Why a sync changes nothing, or None where it may go on.

    A list that is empty, and may be, needs no further word. One whose rows were all refused does, if it has members
    leave: nobody can have meant that.
    """
    if comparison.users == 0 and not options.allow_empty:
        return _empty(computation, comparison.members_before, rows_read)
    return None if options.force or rows_read == 0 else _leaving(computation, comparison, options)


def _empty(computation: Computation, members: int, rows_read: int) -> EngageError:
    if rows_read:
        what = f"none of the {_many(rows_read, 'row')} read for the {computation.noun} can be used, all were refused"
        hint = "see the reasons among the refused rows; to sync without any user, pass allowEmpty=true (--allow-empty)"
    else:
        what = f"the source of the {computation.noun} is empty: 0 rows read, 0 refused"
        hint = "look whether it is the right one; if nobody is meant, pass allowEmpty=true (--allow-empty)"
    return EngageError("empty_source", f"{what}; it has {_many(members, 'member')}", hint)


def _leaving(computation: Computation, comparison: Comparison, options: Options) -> EngageError | None:
    bound = computation.max_leaving if options.max_leaving is None else options.max_leaving
    before = comparison.members_before
    # Divided, not multiplied: the quotient of 3 of 10 is the very number that 0.3 is read as.
    if not before or comparison.left / before <= bound:
        return None
    share = f"{comparison.left} of {_many(before, 'member')} ({100 * comparison.left / before:.3g} %)"
    what = f"{share} of the {computation.noun} would leave; at most {100 * bound:.3g} % may"
    hint = "look whether the source is whole; if it is meant, pass force=true (--force), or a higher maxLeaving"
    return EngageError("too_many_leave", what, hint)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
