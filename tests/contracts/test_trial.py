"""A trial ends in the verdict that the cases deserve."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from contracts_support import DEFINITIONS, SETTINGS
from talon_contracts.checks import CHECKS, Check
from talon_contracts.checks.check import Feature
from talon_contracts.exact_json import Object
from talon_contracts.judges import Mismatch, blamed, judge_bridge, malformed
from talon_contracts.oracle import DestinationSettings, expected_profiles
from talon_contracts.strategies.case import Case, Draft
from talon_contracts.targets import Bench, Bridge, CannotJudge, Exchange, TalonOne
from talon_contracts.trial import ROUNDS, run
from talon_contracts.verdicts import Broken, Kept, Unjudged, Unproven

NOWHERE = "http://127.0.0.1:9"


def bench(**more: Any) -> Bench:
    return Bench(TalonOne(NOWHERE, "key"), SETTINGS, DEFINITIONS, "t", **more)


def check(judge: Any, features: dict[str, Any] | None = None) -> Check:
    strategy = st.lists(st.integers(0, 1000), max_size=5)
    shown = {name: Feature(shows, 0) for name, shows in (features or {}).items()}
    return Check("name", "MAP-1", "talon_one", lambda names: strategy, judge, lambda case, *_: case, shown)


def fails_on(condition: Any) -> Any:
    return lambda bench, case: Mismatch("MAP-1", case, "small", "large") if condition(case) else None


def test_kept_counts_cases_and_features() -> None:
    verdict = run(check(fails_on(lambda case: False), {"long": lambda case: len(case) > 2}), bench(), examples=50)
    assert isinstance(verdict, Kept)
    assert verdict.cases >= 50
    assert 0 < verdict.features["long"] < verdict.cases


def test_broken_is_the_smallest_case_and_its_seed_finds_it_again() -> None:
    broken = check(fails_on(lambda case: sum(case) > 100))
    verdict = run(broken, bench())
    assert verdict == Broken("name", "MAP-1", [101], "small", "large", verdict.seed)  # type: ignore[union-attr]
    assert run(broken, bench(), seed=verdict.seed) == verdict


def test_broken_is_not_made_smaller_unless_asked() -> None:
    verdict = run(check(fails_on(lambda case: len(case) > 3)), bench(), seed=1, shrink=False)
    assert isinstance(verdict, Broken)
    assert verdict.case != [0, 0, 0, 0]


def once_in_a_while(rule: str) -> Any:
    calls: list[object] = []

    def judge(bench: Bench, case: object) -> Mismatch | None:
        calls.append(case)
        return Mismatch(rule, case, 1, 2) if len(calls) == 10 else None

    return judge


def test_a_delivery_that_goes_wrong_once_is_broken_and_says_so() -> None:
    verdict = run(replace(check(once_in_a_while("DEL-1")), rule="DEL-1"), bench())
    assert isinstance(verdict, Broken)
    assert not verdict.steady


def test_a_mapping_that_goes_wrong_once_cannot_be_judged() -> None:
    verdict = run(check(once_in_a_while("MAP-1")), bench())
    assert isinstance(verdict, Unjudged)
    assert "came out well when it was sent again; expected 1, found 2" in verdict.reason
    assert "loses" in verdict.reason


def test_a_feature_that_never_shows_proves_nothing() -> None:
    features = {"long": lambda case: len(case) > 2, "endless": lambda case: len(case) > 5}
    verdict = run(check(fails_on(lambda case: False), features), bench(), examples=20)
    assert isinstance(verdict, Unproven)
    assert verdict.missing == ("endless",)
    assert verdict.cases > 20 * (ROUNDS - 1)


def test_a_feature_that_shows_too_seldom_proves_nothing() -> None:
    shows: dict[str, Feature[Any]] = {
        "often": Feature(lambda case: len(case) > 0, 0.1),
        "always": Feature(lambda case: len(case) > 1, 0.99),
    }
    verdict = run(replace(check(fails_on(lambda case: False)), features=shows), bench(), examples=50, seed=1)
    assert isinstance(verdict, Unproven)
    assert verdict.missing == ("always",)


def test_tags_stay_apart_whatever_is_drawn_after_them() -> None:
    made = bench()
    tags = [made.tag() for _ in range(101)]
    assert not any(other != tag and other.startswith(tag) for tag in tags for other in tags)


def test_trouble_ends_the_trial_at_once() -> None:
    asked: list[object] = []

    def judge(bench: Bench, case: object) -> None:
        asked.append(case)
        raise CannotJudge("it is down")

    assert run(check(judge), bench()) == Unjudged("name", "it is down")
    assert len(asked) == 1


def test_a_target_that_is_not_there() -> None:
    assert run(CHECKS["MAP-1"], bench()) == Unjudged("MAP-1", "there is no bridge")
    made = "how it makes the keys of audiences cannot be seen over the tracking API"
    assert run(CHECKS["AUD-1"], bench()) == Unjudged("AUD-1", made)
    verdict = run(CHECKS["MAP-1"], bench(bridge=Bridge(NOWHERE, "wk")))
    assert isinstance(verdict, Unjudged)
    assert "Refused" in verdict.reason


@pytest.mark.parametrize("custom", [frozenset[str](), frozenset({"vip"})])
def test_a_set_up_without_anything_to_try(custom: frozenset[str]) -> None:
    poor = Bench(TalonOne(NOWHERE, "key"), DestinationSettings(custom), {"vip": "boolean"}, "t", Bridge(NOWHERE, "wk"))
    for each in CHECKS.values():
        if each.target == "bridge":
            assert isinstance(run(each, poor, examples=5), Unjudged), each.name


def test_an_error_must_name_the_audience() -> None:
    def speechless(name: str, others: tuple[str, ...]) -> str:
        raise ValueError("no")

    verdict = run(replace(CHECKS["AUD-3"], features={}), bench(audience_key=speechless), examples=300, seed=1)
    assert isinstance(verdict, Broken)


@pytest.mark.parametrize(
    ("traits", "more", "held", "rule"),
    [
        ({"address": {"city": "B"}}, {}, {}, "MAP-1"),
        ({"plan": "gold", "age": 1}, {}, {"age": 1, "plan": "gold"}, "MAP-3"),
        ({"lifetime_value": 1}, {"context": {"personas": {"computation_key": "lifetime_value"}}}, {}, "MAP-4"),
        ({"favourite_tags": ["a"]}, {}, {"favourite_tags": "a"}, "MAP-5"),
        ({"age": 1, "favourite_tags": [[]]}, {}, {"age": 1, "favourite_tags": []}, "MAP-5"),
        ({"email": None}, {}, {"email": "x"}, "MAP-6"),
        ({"address": {"city": "B"}, "address_city": "H", "age": 1}, {}, {"age": 1, "address_city": "H"}, "MAP-7"),
        ({"age": 2**53 + 1}, {}, {"age": 2**53}, "MAP-8"),
        ({"vip": False}, {}, {}, "AUD-4"),
        ({"name": "A"}, {}, None, "MAP-3"),
        ({"name": "A"}, {"userId": ""}, {"email": "x"}, "ID-2"),
        ({"name": "A"}, {"type": "track"}, {"email": "x"}, "ID-3"),
        ({"name": "A"}, {}, {"name": "A", "email": "x"}, "ATT-4"),
    ],
)
def test_the_rule_to_blame(traits: Any, more: Any, held: Any, rule: str) -> None:
    event = {"type": "identify", "userId": "u", "traits": traits, **more}
    wanted = expected_profiles([event], SETTINGS, DEFINITIONS).get("u")
    assert blamed([event], SETTINGS, wanted, held) == rule


UPDATE: Object = {"attributes": {"age": 1}}
ANSWER: Object = {"effects": [], "createdCoupons": [], "createdReferrals": []}
ERROR: Object = {"message": "The submitted data was invalid"}


@pytest.mark.parametrize(
    ("exchange", "well_formed"),
    [
        (Exchange("PUT", 200, UPDATE, ANSWER, 9, 9), True),
        (Exchange("PUT", 400, UPDATE, ERROR, 9, 9), True),
        (Exchange("PUT", 400, {"attributes": {"age": [True]}}, ERROR, 9, 9), True),
        (Exchange("PUT", 200, {"attributes": {"age": [True]}}, ANSWER, 9, 9), False),
        (Exchange("PUT", 400, {**UPDATE, "integrationId": "u"}, ERROR, 9, 9), False),
        (Exchange("PUT", 400, {"attributes": []}, ERROR, 9, 9), False),
        (Exchange("PUT", 400, None, ERROR, 0, 9), False),
        (Exchange("PUT", 400, "not JSON", ERROR, 9, 9), False),
        (Exchange("PUT", 200, UPDATE, ERROR, 9, 9), False),
        (Exchange("PUT", 500, UPDATE, None, 9, 0), False),
        (Exchange("PUT", 200, '{"attributes": {"na', '{"effe', 5000, 5000), True),
    ],
)
def test_what_is_malformed_on_the_wire(exchange: Exchange, well_formed: bool) -> None:
    assert (malformed(exchange) == ()) == well_formed


def test_a_malformed_case_is_a_mismatch_before_it_is_sent() -> None:
    case = Case((Draft({"traits": {"age": 1}, "messageId": "x" * 101}),))
    found = judge_bridge(None)(bench(bridge=Bridge(NOWHERE, "wk")), case)
    assert found is not None
    assert "messageId" in str(found.actual)
