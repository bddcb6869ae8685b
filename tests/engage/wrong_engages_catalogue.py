"""Engages with one mistake each, the check that must catch it, and the rule that it must name."""

import itertools
import re
from typing import Any, ClassVar, Final

from engage.right_engage import Computation, Members, RightEngage, Row, ShowingEngage


class WrongEngage(RightEngage):
    """One step that differs from `RightEngage`."""

    check: ClassVar[str] = "AUD-5 syncs"
    rule: ClassVar[str] = "AUD-5"


class SendsEveryoneEachTime(WrongEngage):
    """Each sync sends all members."""

    def unchanged(self, computation: Computation, user: str, value: Any) -> bool:
        return False


class ComparesWithTheLastStartedSync(WrongEngage):
    """A sync that was refused is what the next one is compared with."""

    def kept_refused(self, computation: Computation, present: Members) -> None:
        computation.members = present


class ForgetsLeavers(WrongEngage):
    """Users who left are not told so."""

    def leavers(self, computation: Computation, present: Members) -> list[str]:
        return []


class SendsNullToLeavers(WrongEngage):
    """Leaving an audience sends null in place of false."""

    rule = "AUD-4"

    def leaving(self, computation: Computation) -> Any:
        return None


class SendsTheWordTrue(WrongEngage):
    """Entering an audience sends the string "true"."""

    rule = "AUD-4"

    def value(self, computation: Computation, value: Any) -> Any:
        return "true" if value is True else value


class TakesWhatBrokeOffForTheWhole(WrongEngage):
    """A source that breaks off is synced as far as it came."""

    def broken_off(self, body: bytes) -> bytes:
        return body


class TrimsIds(WrongEngage):
    """White space around user ids is taken off."""

    def id(self, text: str) -> str:
        return text.strip()


class FoldsIds(WrongEngage):
    """User ids are lower-cased."""

    def id(self, text: str) -> str:
        return text.lower()


class SendsLongIds(WrongEngage):
    """Ids of more than 1000 characters are taken for ids."""

    def usable(self, user: str) -> bool:
        return user not in (".", "..")


class LetsTwoRunAtOnce(WrongEngage):
    """A second sync begins while the first one is reading."""

    def may_begin(self, computation: Computation) -> bool:
        return True


class SendsTwice(WrongEngage):
    """Every change is sent twice, under two messageIds."""

    def numbers_of(self, changes: list[tuple[str, Any]]) -> list[tuple[int, str, Any]]:
        return super().numbers_of([change for change in changes for _ in "ab"])


class SendsTwiceAndShowsIt(SendsTwice, ShowingEngage):
    """Every change is sent twice, and the door shows both."""


class CountsDuplicatesAsRefused(WrongEngage):
    """Rows that say again what an earlier one said are counted as refused."""

    def counts(self, counts: dict[str, int]) -> dict[str, int]:
        return {**counts, "refused": counts["refused"] + counts["duplicates"], "duplicates": 0}


class CountsMembersAfterwards(WrongEngage):
    """The members before a sync are counted after it."""

    def counts(self, counts: dict[str, int]) -> dict[str, int]:
        return {**counts, "membersBefore": counts["membersBefore"] + counts["entered"] - counts["left"]}


class ForgetsLiveMembers(WrongEngage):
    """What came live is not kept, so that the next sync sends it again."""

    def change(self, computation: Computation, change: dict[str, Any]) -> dict[str, int]:
        before = dict(computation.members)
        told = super().change(computation, change)
        computation.members = before
        return told


class RefusesTheVeryShare(WrongEngage):
    """A sync that removes exactly the share that may leave is refused."""

    def too_many(self, left: int, before: int, share: float) -> bool:
        return left >= share * before > 0


class NullifiesAlways(WrongEngage):
    """Users who are missing get null from a trait that does not nullify."""

    check = "AUD-6 nullify"
    rule = "AUD-6"

    def leavers(self, computation: Computation, present: Members) -> list[str]:
        return [user for user in computation.members if user not in present]


class NeverNullifies(WrongEngage):
    """Users who are missing from a trait that nullifies keep their value."""

    check = "AUD-6 nullify"
    rule = "AUD-6"

    def leavers(self, computation: Computation, present: Members) -> list[str]:
        return super().leavers(computation, present) if computation.audience else []


class LetsTheLastRowCount(WrongEngage):
    """Of rows that contradict each other the last one counts."""

    check = "AUD-6 nullify"
    rule = "AUD-6"

    def take(self, computation: Computation, row: Row, present: Members, counts: dict[str, int]) -> list[str]:
        before = dict(present)
        reasons = super().take(computation, row, present, counts)
        if reasons and all(user in before for user in row.ids):
            present |= dict.fromkeys(row.ids, row.value)
        return reasons


class WritesNumbersAsText(WrongEngage):
    """Numbers of a computed trait are sent as strings."""

    check = "AUD-6 nullify"
    rule = "AUD-6"

    def value(self, computation: Computation, value: Any) -> Any:
        return str(value) if computation.type == "number" and value is not None else value


class SplitsDigitsFromLetters(WrongEngage):
    """The key of `30days` is made like that of `30 days`."""

    check = "AUD-3 definitions"
    rule = "AUD-1"

    def key(self, definition: dict[str, Any]) -> str:
        if "key" in definition:
            return super().key(definition)
        return re.sub("(?<=[0-9])(?=[a-z])|(?<=[a-z])(?=[0-9])", "_", super().key(definition))


class FoldsExplicitKeys(WrongEngage):
    """An explicit key is lower-cased."""

    check = "AUD-3 definitions"
    rule = "AUD-2"

    def key(self, definition: dict[str, Any]) -> str:
        return super().key(definition).lower()


class GivesTakenKeys(WrongEngage):
    """Two audiences may have one key."""

    check = "AUD-3 definitions"
    rule = "AUD-3"

    def key_problem(self, key: str, taken: list[str]) -> str:
        return super().key_problem(key, [])


class GivesKeysThatBeginWithDigits(WrongEngage):
    """A key may begin with a digit."""

    check = "AUD-3 definitions"
    rule = "AUD-3"

    def key_problem(self, key: str, taken: list[str]) -> str:
        return super().key_problem(f"x{key}" if key[:1].isdigit() else key, taken)


class SaysThatAllFits(WrongEngage):
    """Whatever the type of the attribute in Talon.One, it is said to take the values."""

    check = "AUD-3 definitions"
    rule = "AUD-3"

    def told(self, it: Computation) -> dict[str, Any]:
        return {**super().told(it), "checked": True, "misfit": None}


class SendsAgainAfterARestart(WrongEngage, ShowingEngage):
    """What was on its way when the process died is sent again, under new messageIds."""

    check = "kills"

    def start(self) -> None:
        for computation in self.computations.values():
            computation.queue = [(next(self._numbers), user, value) for _, user, value in computation.queue]
        super().start()


class ForgetsTheQueue(WrongEngage, ShowingEngage):
    """What was decided and not yet sent when the process died is never sent."""

    check = "kills"

    def start(self) -> None:
        for computation in self.computations.values():
            computation.queue = []
        super().start()


class BeginsAnewAfterARestart(WrongEngage, ShowingEngage):
    """After a restart the members are forgotten, so that everyone is sent again."""

    check = "kills"

    def start(self) -> None:
        for computation in self.computations.values():
            computation.members = {}
        super().start()


class NumbersAnewAfterARestart(WrongEngage, ShowingEngage):
    """After a restart messageIds begin where they began at first, so that new changes pass for repetitions."""

    check = "kills"

    def start(self) -> None:
        super().start()
        self._numbers = itertools.count(1)


ALL: Final[tuple[type[WrongEngage], ...]] = (
    SendsEveryoneEachTime,
    ComparesWithTheLastStartedSync,
    ForgetsLeavers,
    SendsNullToLeavers,
    SendsTheWordTrue,
    TakesWhatBrokeOffForTheWhole,
    TrimsIds,
    FoldsIds,
    SendsLongIds,
    LetsTwoRunAtOnce,
    SendsTwice,
    SendsTwiceAndShowsIt,
    CountsDuplicatesAsRefused,
    CountsMembersAfterwards,
    ForgetsLiveMembers,
    RefusesTheVeryShare,
    NullifiesAlways,
    NeverNullifies,
    LetsTheLastRowCount,
    WritesNumbersAsText,
    SplitsDigitsFromLetters,
    FoldsExplicitKeys,
    GivesTakenKeys,
    GivesKeysThatBeginWithDigits,
    SaysThatAllFits,
    SendsAgainAfterARestart,
    ForgetsTheQueue,
    BeginsAnewAfterARestart,
    NumbersAnewAfterARestart,
)
