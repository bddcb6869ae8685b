"""The keys of audiences (AUD-1 to AUD-3)."""

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talon_bridge.audience_key import key_of, possible_name, problems

names = st.text() | st.from_regex(r"[A-Za-z0-9 _().-]{0,30}", fullmatch=True)


def slowly(name: str) -> str:
    """The rule, one character after the other."""
    key = ""
    for character in name:
        if "A" <= character <= "Z":
            key += chr(ord(character) + 32)
        elif "a" <= character <= "z" or "0" <= character <= "9":
            key += character
        elif not key.endswith("_"):
            key += "_"
    return key.strip("_")


@given(names)
@example("\u212aelvin")  # the Kelvin sign: str.lower() makes a plain k of it
@example("İstanbul")
@example("٣ days")  # a digit, but none of 0 to 9
@example("_a__b_")
def test_the_rule_read_slowly(name: str) -> None:
    key = key_of(name)
    assert key == slowly(name)
    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", key)
    assert key_of(key) == key


@given(names)
def test_letters_and_digits_are_never_split(name: str) -> None:
    runs = re.findall(r"[A-Za-z0-9]+", name)
    assert key_of(name) == "_".join(run.lower() for run in runs)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Order Completed Last 30days", "order_completed_last_30days"),
        ("Email Opened 30 Days", "email_opened_30_days"),
        ("Vanessa GA test", "vanessa_ga_test"),
        ("orderCompletedLast30Days", "ordercompletedlast30days"),
        ("High-Value Users (US) - Q1/2024", "high_value_users_us_q1_2024"),
        ("Über Käufer", "ber_k_ufer"),
        ("顧客", ""),
    ],
)
def test_examples(name: str, key: str) -> None:
    assert key_of(name) == key


@given(st.dictionaries(names, st.none() | st.text("ab1_", max_size=3), max_size=8))
@example({"30 Day Buyers": None})
@example({"VIP": None, "vip!": None})
@example({"A": "same", "B": "same"})
@example({"A": ""})
def test_each_audience_has_a_key_of_its_own_or_a_problem(audiences: dict[str, str | None]) -> None:
    found = problems(audiences)
    named = {problem.audience for problem in found}
    fine = [key_of(name) if key is None else key for name, key in audiences.items() if name not in named]
    assert len(set(fine)) == len(fine)
    assert all(key and not key[0].isdigit() for key in fine)
    for problem in found:
        assert repr(problem.audience) in str(problem)
        assert not problem.key or problem.key[0].isdigit() or problem.key in fine


@given(st.text("aAzZ@[`{09/:_- é\u212a٣\n", max_size=4) | names)
@example("a")
@example("Zz09_")
def test_a_name_is_a_letter_and_then_letters_digits_and_underscores(name: str) -> None:
    letters = set(string.ascii_letters)
    possible = name[:1] in letters and set(name) <= letters | set(string.digits) | {"_"}
    assert possible_name(name) == possible


def test_a_problem_says_what_to_do() -> None:
    twice, digit = problems({"VIP": None, "vip!": None, "30 Day Buyers": None})
    (empty,) = problems({"顧客": None})
    assert str(empty) == "audience '顧客': its key would be empty; give it an explicit key"
    assert str(twice) == "audience 'vip!': audience 'VIP' already has the key vip"
    assert "no Talon.One attribute can be called 30_day_buyers" in str(digit)
    assert "explicit key" in str(digit)


def test_an_explicit_key_wins() -> None:
    assert problems({"30 Day Buyers": "buyers_30_day", "Buyers 30 Day": "other"}) == ()
