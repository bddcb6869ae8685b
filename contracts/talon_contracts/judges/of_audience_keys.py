"""The judge of audience keys: has a key made of a name, and compares it with the oracle's."""

import json
from collections.abc import Callable

from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.oracle import audience_key, audience_problem
from talon_contracts.targets import Bench


def judge_audience_key(rule: str) -> Callable[[Bench, tuple[str, tuple[str, ...]]], Mismatch | None]:
    """A judge that has a key made from a name, and compares it, or the error, with the oracle's.

    AUD-1 looks only at names whose key is in order, AUD-3 at all of them but only at whether there is an error.
    """

    def judge(bench: Bench, case: tuple[str, tuple[str, ...]]) -> Mismatch | None:
        assert bench.audience_key is not None
        name, others = case
        key = audience_key(name)
        problem = audience_problem(key, others)
        try:
            actual: str | None = bench.audience_key(name, others)
        except ValueError as error:
            actual = None
            if rule == "AUD-3" and problem is not None and not names_it(str(error), name):
                return Mismatch(rule, case, f"an error that names the audience {name!r}", str(error))
        if rule == "AUD-1" and problem is None and actual != key:
            return Mismatch(rule, case, key, actual)
        if rule == "AUD-3" and (actual is None) != (problem is not None):
            return Mismatch(rule, case, f"an error: {problem}" if problem else f"the key {key!r}", actual)
        return None

    return judge


def names_it(message: str, name: str) -> bool:
    """Whether a message has the name in it, as it is or escaped as Python or JSON would."""
    return any(form in message for form in (name, repr(name)[1:-1], json.dumps(name)[1:-1]))
