"""Streams of events to be reported: one as `verify` makes it, and any that Hypothesis can think of."""

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.reports.events import (
    Begun,
    Ended,
    Event,
    Finding,
    Judged,
    Place,
    Planned,
    Report,
    Status,
    Tried,
    collected,
)
from talon_contracts.rules import RULES

CURL = (
    "curl -s http://127.0.0.1:8901/v1/identify -u segment-write-key: -H 'Content-Type: application/json'"
    """ -d '{"userId":"u1","traits":{"a":{"b":0}}}'"""
)
READ_BACK = (
    "curl -s http://127.0.0.1:8900/v1/customer_profiles/u1/inventory -H 'Authorization: ApiKey-v1 0123456789abcdef'"
)
BROKEN = Finding(
    "MAP-1",
    "the profile is not what the event makes of it",
    commands=(CURL, READ_BACK),
    expected='{"attributes":{"a_b":0},"integrationId":"u1"}',
    actual='{"attributes":{"a.b":0},"integrationId":"u1"}',
)


def planned(checks: Mapping[str, str]) -> tuple[Planned, ...]:
    return tuple(Planned(check, rule, RULES[rule].statement) for check, rule in checks.items())


def verification(*broken: str, unjudged: str = "") -> tuple[Event, ...]:
    """A run over every rule, in which these are broken and perhaps one could not be judged."""
    events: list[Event] = [
        Begun(
            "verify",
            (("bridge", "http://127.0.0.1:8901"), ("Talon.One", "http://127.0.0.1:8900")),
            planned({rule: rule for rule in RULES}),
            "0.1.0",
            seed=20_260_121,
        )
    ]
    for rule in RULES:
        events += [Tried(rule, 50, 100), Tried(rule, 100, 100)]
        if rule == unjudged:
            reason = "the bridge did not become idle within 20 s; 3 events were still waiting"
            events.append(Judged(rule, rule, "unjudged", 12, 20.0, reason=reason))
        elif rule in broken:
            finding = Finding(rule, BROKEN.message, "", None, BROKEN.commands, BROKEN.expected, BROKEN.actual)
            again = f"localtalon verify --rule {rule} --seed 20260121"
            features = {"a nested trait": 40, "a collision": 0}
            events.append(Judged(rule, rule, "broken", 37, 1.5, features, (finding,), seed=20_260_121, again=again))
        else:
            events.append(Judged(rule, rule, "kept", 100, 0.8, {"a nested trait": 62, "a digit in a name": 9}))
    return (*events, Ended(31.25))


def report(*broken: str, unjudged: str = "") -> Report:
    return collected(verification(*broken, unjudged=unjudged))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "\x1b[2J\x1b]0;owned\x07",
        "\r\n::error::injected",
        "]]>&amp;<![CDATA[",
        "a\x00b\x0bc\ufffe",
        "% %25,:,",
        "\u202egnp.exe",
        "--><img src=x onerror=alert(1)>",
        "{{ 7 * 7 }}{% raw %}",
        "x" * 3000,
    ]
)
_COUNTS = st.integers(0, 10**7)
_SECONDS = st.floats(0, 1e5, allow_nan=False)
_STATUSES: tuple[Status, ...] = ("kept", "broken", "unproven", "unjudged")

places = st.builds(Place, TEXTS, TEXTS, st.integers(0, 10**6))
findings = st.builds(
    Finding,
    rule=TEXTS,
    message=TEXTS,
    hint=TEXTS,
    place=st.none() | places,
    commands=st.lists(TEXTS, max_size=2).map(tuple),
    expected=TEXTS,
    actual=TEXTS,
    severity=st.sampled_from(["error", "warning"]),
)


@st.composite
def verdicts(draw: st.DrawFn, check: str, rule: str) -> Judged:
    status = draw(st.sampled_from(_STATUSES))
    found = draw(st.lists(findings, max_size=3))
    return Judged(
        check,
        rule,
        status,
        draw(_COUNTS),
        draw(_SECONDS),
        draw(st.dictionaries(TEXTS, _COUNTS, max_size=3)),
        tuple(found),
        draw(TEXTS),
        draw(st.none() | _COUNTS),
        draw(TEXTS),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    checks = draw(st.lists(st.builds(Planned, TEXTS, TEXTS, TEXTS), max_size=5, unique_by=lambda plan: plan.check))
    subject = draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
    begun = Begun(draw(TEXTS), tuple(subject), tuple(checks), draw(TEXTS), draw(st.none() | _COUNTS))
    judged = tuple(draw(verdicts(plan.check, plan.rule)) for plan in checks)
    return Report(begun, judged, Ended(draw(_SECONDS), tuple(draw(st.lists(TEXTS, max_size=2)))))


REPORTS: SearchStrategy[Report] = reports()
