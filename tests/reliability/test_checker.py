"""The checker finds what it is there to find, in logs made by hand."""

from typing import Any

import pytest

from reliability.checker import Applied, Sent, Verdict, judge, oracle


def sent(n: int, profile: str = "p", poison: bool = False, **attributes: Any) -> Sent:
    return Sent(f"{profile}-{n}", profile, n, f"e{n % 4}", {"n": n, f"e{n % 4}": n, **attributes}, poison)


def patch(*events: Sent) -> Applied:
    return Applied(events[0].profile, {name: value for event in events for name, value in event.attributes.items()})


A, B, C = sent(0), sent(1), sent(2)


def verdict(events: list[Sent], log: list[Applied], dead: tuple[str, ...] = (), **finals: Any) -> Verdict:
    return judge(events, log, finals or oracle(events), dead)


def test_a_run_in_which_all_is_well() -> None:
    found = verdict([A, B, C], [patch(A), patch(B), patch(C)])
    assert found.steady
    assert (found.accepted, found.delivered, found.duplicates) == (3, 3, 0)
    assert str(found).startswith("accepted 3, delivered 3, lost 0, reordered 0")


def test_a_merged_patch_delivers_all_its_events() -> None:
    assert verdict([A, B, C], [patch(A), patch(B, C)]).delivered == 3


def test_an_event_under_a_later_one_in_a_merged_patch_is_delivered() -> None:
    events = [sent(n) for n in range(6)]
    assert verdict(events, [patch(*events)]).clean


def test_a_later_event_alone_hides_no_loss() -> None:
    events = [sent(n) for n in range(6)]
    assert verdict(events, [patch(event) for event in events[1:]]).lost == 1


@pytest.mark.parametrize("missing", [A, B, C])
def test_loss(missing: Sent) -> None:
    found = verdict([A, B, C], [patch(event) for event in (A, B, C) if event is not missing])
    assert (found.lost, found.delivered, found.clean) == (1, 2, False)


def test_loss_of_a_whole_profile() -> None:
    other = sent(0, "q")
    assert verdict([A, other], [patch(A)]).lost == 1


def test_reorder_is_counted_once_an_event_and_is_a_regression() -> None:
    found = verdict([A, B, C], [patch(B), patch(A), patch(C)])
    assert (found.lost, found.reordered, found.regressions, found.clean) == (0, 1, 1, False)


def test_a_repeat_in_order_is_a_duplicate_and_no_more() -> None:
    found = verdict([A, B], [patch(A), patch(A), patch(A, B)])
    assert found.duplicates == 2
    assert found.clean


def test_an_old_patch_that_lands_late_is_a_regression_and_no_reorder() -> None:
    found = verdict([A, B], [patch(A), patch(B), patch(A)])
    assert (found.reordered, found.regressions, found.duplicates) == (0, 1, 1)
    assert not found.steady


def test_a_wrong_final_profile() -> None:
    events = [sent(0, label="x"), sent(1, label=None)]
    log = [patch(event) for event in events]
    assert verdict(events, log).clean
    assert verdict(events, log, p={"n": 1, "e0": 0, "e1": 1, "label": "x"}).wrong == 1
    assert verdict(events, log, p={"n": 1, "e0": 0}).wrong == 1
    assert verdict(events, log, p=oracle(events)["p"], q={"n": 0}).wrong == 1


def test_poison_leaves_nothing_and_is_dead() -> None:
    bad = sent(1, poison=True, flag="no boolean")
    assert verdict([A, bad, C], [patch(A), patch(C)], (bad.message_id,)).clean
    assert verdict([A, bad, C], [patch(A), patch(C)]).undead == 1
    assert verdict([A, bad, C], [patch(A), patch(C)], (bad.message_id, C.message_id)).killed == 1
    assert verdict([A, bad, C], [patch(A, bad), patch(C)], (bad.message_id,), p={"n": 2, "flag": "no boolean"}).wrong


def test_a_delivery_that_nobody_accepted() -> None:
    assert verdict([A], [patch(A), patch(B)], p=oracle([A])["p"]).unknown == 1
    assert verdict([], [patch(B)]).unknown == 1
