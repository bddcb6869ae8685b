"""The judge of profiles: updates of several of them, one by one or all in one request, sent straight to Talon.One."""

from collections.abc import Callable

from talon_contracts.exact_json import same_value
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.oracle import Profiles, Refused, apply
from talon_contracts.strategies.talon_ones import Several
from talon_contracts.targets import Bench


def judge_profiles(rule: str) -> Callable[[Bench, Several], Mismatch | None]:
    """A judge that updates several profiles and compares each with the oracle's; every update must be accepted."""

    def judge(bench: Bench, case: Several) -> Mismatch | None:
        tag = bench.tag()
        expected: Profiles = {}
        for end, sent in (*case.singly, *case.at_once):
            after = apply(expected.get(tag + end), sent, bench.definitions)
            assert not isinstance(after, Refused)
            expected[tag + end] = after
        replies = [bench.talon_one.update(tag + end, sent) for end, sent in case.singly]
        if case.at_once:
            replies.append(bench.talon_one.update_all({tag + end: sent for end, sent in case.at_once}))
        for reply in replies:
            if not 200 <= reply.status < 300:
                return Mismatch(rule, case, "an answer that accepts the update", (reply.status, reply.body[:200]))
        for about, wanted in expected.items():
            held = bench.talon_one.profile(about)
            if not same_value(wanted, held):
                return Mismatch(rule, case, wanted, held, about)
        return None

    return judge
