"""The oracle of syncs: examples written by hand, and what must hold whatever the members are."""

from hypothesis import given
from hypothesis import strategies as st

from talon_contracts.exact_json import Json
from talon_contracts.memberships import Kind, Row, changed, refusal, synced

AUDIENCE = Kind()
NULLIFYING = Kind("number", audience=False, nullify=True)
KEEPING = Kind("number", audience=False)
members = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2))


def rows(present: dict[str, int]) -> list[Row]:
    return [Row((user,), value) for user, value in present.items()]


@given(st.lists(st.frozensets(st.sampled_from("abcdef"))))
def test_an_audience_sends_the_symmetric_difference(sets: list[frozenset[str]]) -> None:
    before: frozenset[str] = frozenset()
    held: dict[str, Json] = {}
    for present in sets:
        done = synced(held, [Row((user,)) for user in sorted(present)], AUDIENCE)
        assert done.sent == {user: user in present for user in before ^ present}
        assert done.members == dict.fromkeys(present, True)
        assert done.counts["entered"] + done.counts["left"] == len(before ^ present)
        before, held = present, dict(done.members)


@given(members, members)
def test_a_trait_that_nullifies_sends_null_and_another_one_nothing(
    before: dict[str, int], after: dict[str, int]
) -> None:
    new = {user: value for user, value in after.items() if before.get(user) != value}
    gone: dict[str, Json] = dict.fromkeys(before.keys() - after.keys())
    assert synced({**before}, rows(after), NULLIFYING).sent == {**new, **gone}
    keeping = synced({**before}, rows(after), KEEPING)
    assert keeping.sent == new
    assert keeping.members == {**before, **after}


@given(members, members, st.sets(st.sampled_from("abcdef")))
def test_a_live_change_sends_what_differs(before: dict[str, int], present: dict[str, int], gone: set[str]) -> None:
    leaving = gone - present.keys()
    done = changed({**before}, {**present}, leaving, NULLIFYING)
    assert done.members == {user: value for user, value in {**before, **present}.items() if user not in leaving}
    told = {user: value for user, value in present.items() if before.get(user) != value}
    assert done.sent == {**told, **dict.fromkeys(leaving & before.keys())}


def test_rows_that_are_not_used_are_counted() -> None:
    given_rows = [
        Row(unreadable=True),
        Row(()),
        Row((".",), 1),
        Row(("x" * 1001,), 1),
        Row(("a",), "no number"),
        Row(("a", "b"), 1),
        Row(("a",), 1),
        Row(("b",), 2),
        Row(("c",), None),
        Row(("x" * 1000,), 3),
    ]
    done = synced({"a": 1, "z": 9}, given_rows, NULLIFYING)
    assert done.refused == (1, 2, 3, 4, 5, 8)
    assert done.sent == {"b": 1, "c": None, "x" * 1000: 3, "z": None}
    assert done.counts == {
        "read": 10,
        "refused": 6,
        "anonymous": 1,
        "conflicting": 1,
        "duplicates": 1,
        "entered": 3,
        "left": 1,
        "changed": 0,
        "unchanged": 1,
        "membersBefore": 2,
    }


def test_what_must_be_refused() -> None:
    held: dict[str, Json] = {"a": True, "b": True}
    nobody, half = synced(held, [], AUDIENCE), synced(held, [Row(("a",))], AUDIENCE)
    assert refusal(nobody, allow_empty=False, force=True, max_leaving=1) == "empty_source"
    assert refusal(nobody, allow_empty=True, force=False, max_leaving=0) is None
    useless = synced(held, [Row(())], AUDIENCE)
    assert refusal(useless, allow_empty=False, force=True, max_leaving=1) == "empty_source"
    assert refusal(useless, allow_empty=True, force=False, max_leaving=0.5) == "too_many_leave"
    assert refusal(useless, allow_empty=True, force=True, max_leaving=0) is None
    assert refusal(half, allow_empty=False, force=False, max_leaving=0.5) is None
    assert refusal(half, allow_empty=False, force=False, max_leaving=0.4) == "too_many_leave"
    assert refusal(synced({}, [Row(("a",))], AUDIENCE), allow_empty=False, force=False, max_leaving=0) is None
