"""`localtalon check --events`: what it finds is what the oracle expects, at the value that is to blame."""

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from check_support import SHOP, at, check, errors, findings
from contracts_support import DEFINITIONS, SETTINGS
from localtalon import recordings
from localtalon.check import stream, subject
from talon_contracts import exact_json
from talon_contracts.exact_json import Object
from talon_contracts.oracle import NotSent, Refused, apply, expected_request
from talon_contracts.reports.events import Report, collected
from talon_contracts.strategies import identifies, names_of

NAMES = names_of(SETTINGS, DEFINITIONS)
DEMO = subject.read(None, (), False)
LENIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def of_files(*paths: Path | str) -> Report:
    return collected(stream.events(DEMO, [str(path) for path in paths]))


def broken_by(event: Object) -> set[str]:
    """The rules that keep something of an event back, as the oracle has it."""
    expected = expected_request(event, SETTINGS)
    rules = {held.rule for held in expected.withheld}
    if isinstance(expected, NotSent):
        return rules if expected.rule == "MAP-6" else {expected.rule}
    result = apply(None, expected.attributes, DEFINITIONS)
    return rules | (set(result.offences.values()) if isinstance(result, Refused) else set())


@given(st.lists(identifies(NAMES), min_size=1, max_size=4))
@settings(suppress_health_check=LENIENT, deadline=None, max_examples=300)
def test_the_rules_that_are_found_are_those_that_the_oracle_finds(tmp_path: Path, events: list[Object]) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"".join(exact_json.encode(event) + b"\n" for event in events))
    report = of_files(path)
    expected: set[str] = set()
    for event in events:
        expected |= broken_by({"type": "identify", **event}) - {"ID-3"}
    found = {f.rule for f in findings(report) if not (f.rule == "MAP-7" and f.severity == "warning")}
    assert found - {"SRC-1", "AUD-3"} == expected
    if not expected and "AUD-3" not in found:
        sent = [not isinstance(expected_request({"type": "identify", **event}, SETTINGS), NotSent) for event in events]
        assert report.exit_code == (0 if any(sent) else 2)  # where nothing is held against a rule, nothing is proved
    for finding in findings(report):
        assert finding.place is not None
        at(events[finding.place.line - 1], finding.place.pointer)  # raises where it leads nowhere


@given(st.sampled_from(sorted(SETTINGS.custom_attributes)), st.integers(1, 30), st.data())
@settings(suppress_health_check=LENIENT, deadline=None)
def test_a_wrong_value_is_found_at_its_line(tmp_path: Path, name: str, many: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, many - 1))
    right: Any = {"boolean": True, "number": 1, "(list string)": ["a"], "time": "2026-01-01T00:00:00Z"}
    kind = DEFINITIONS[name]
    values: list[Any] = [right.get(kind, "a")] * many
    values[wrong] = 5 if kind != "number" else "5"
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps({"userId": "u", "traits": {name: value}}) + "\n" for value in values))
    report = of_files(path)
    assert errors(report) == [("ATT-2", f"/traits/{name}", wrong + 1)]
    (finding,) = findings(report)
    assert finding.actual == json.dumps(values[wrong])


def test_the_same_mistake_in_ten_thousand_events_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text('{"userId": "u", "traits": {"vip": "true"}}\n' * 10_000)
    report = of_files(path)
    (finding,) = findings(report)
    assert finding.rule == "ATT-2"
    assert finding.message.endswith(f"(10000 times, also at {path}:2, {path}:3)")
    assert report.exit_code == 1
    assert {judged.rule: judged.cases for judged in report.judged}["MAP-3"] == 10_000


def test_in_a_whole_document_the_pointer_leads_through_it_and_the_line_is_its_line(tmp_path: Path) -> None:
    good = {"type": "identify", "userId": "u", "traits": {"email": "a"}}
    bad = {"type": "identify", "userId": "u", "traits": {"address": {"city": 5, "City": "x"}}}
    array, batch = tmp_path / "array.json", tmp_path / "batch.json"
    array.write_text(json.dumps([good, bad], indent=2))
    batch.write_text(json.dumps({"batch": [good, good, bad], "context": {}}, indent=2))
    for path, base in ((array, "/1"), (batch, "/batch/2")):
        rows = path.read_text().splitlines()
        found = {rule: (pointer, rows[line - 1].strip()) for rule, pointer, line in errors(of_files(path))}
        assert found == {
            "ATT-2": (f"{base}/traits/address/city", '"city": 5,'),
            "MAP-3": (f"{base}/traits/address/City", '"City": "x"'),
        }


def test_a_large_document_is_judged_about_as_fast_as_its_lines(tmp_path: Path) -> None:
    """The place of a finding costs a look at its call, not at the whole document."""
    calls = [{"userId": "u", "traits": {f"x{number % 400}": {"y": number}}} for number in range(4000)]
    path = tmp_path / "array.json"
    path.write_text(json.dumps(calls, indent=1))
    (judged,) = (judged for judged in of_files(path).judged if judged.rule == "MAP-3")
    assert len(judged.findings) == 400
    rows = path.read_text().splitlines()
    for finding in judged.findings:
        assert finding.place is not None
        assert rows[finding.place.line - 1].strip() == f'"y": {at(calls, finding.place.pointer)}'


def test_two_ways_to_one_attribute_are_a_warning_and_in_one_event_an_error(tmp_path: Path) -> None:
    nested, flat = {"address": {"city": "a"}}, {"address_city": "b"}
    apart = check(tmp_path, events=[{"userId": "u", "traits": nested}, {"userId": "u", "traits": flat}])
    (finding,) = findings(apart)
    assert (finding.rule, finding.severity, apart.exit_code) == ("MAP-7", "warning", 0)
    together = check(tmp_path, events=[{"userId": "u", "traits": {**nested, **flat}}])
    assert errors(together) == [("MAP-7", "/traits/address/city", 1)]


def test_what_is_not_meant_for_talon_one_is_a_warning_unless_it_is_ignored_or_the_check_strict(tmp_path: Path) -> None:
    events = [{"userId": "u", "traits": {"email": "a", "shoe_size": 41, "address": {"line1": "x"}}}]
    assert [(f.rule, f.severity) for f in findings(check(tmp_path, events=events))] == [("MAP-3", "warning")] * 2
    strict = check(tmp_path, events=events, strict=True)
    assert [pointer for _, pointer, _ in errors(strict)] == ["/traits/shoe_size", "/traits/address/line1"]
    assert findings(check(tmp_path, events=events, strict=True, ignored=("shoe_size", "address_*"))) == []


@pytest.mark.parametrize("trait", ["Email", "adress_city", "addressCity", "lifetime_value"])
def test_a_trait_that_was_probably_meant_for_talon_one_is_an_error(tmp_path: Path, trait: str) -> None:
    report = check(tmp_path, events=[{"userId": "u", "traits": {trait: None}}])
    assert errors(report) == [("MAP-3", f"/traits/{trait}", 1)]


def test_members_of_a_series_are_not_taken_for_each_other(tmp_path: Path) -> None:
    config = SHOP.replace("address_city", "address_line1")
    report = check(tmp_path, config, [{"userId": "u", "traits": {"address_line2": "x", "address_line1": "x"}}])
    assert errors(report) == []
    assert [f.severity for f in findings(report)] == ["warning"]


@pytest.mark.parametrize(
    ("name", "content", "status", "line"),
    [
        ("a.ndjson", b'{"userId":"u","traits":{}}\n{"userId":\n', "broken", 2),
        ("a.ndjson", b'{"userId":\n{"userId":"u","traits":{}}\n', "broken", 1),
        ("a.json", b'{"userId":"u",\n"traits":\n', "broken", 2),
        ("a.json", b'{\n"userId":"\xff"}', "broken", 2),
        ("a.ndjson", b'\xef\xbb\xbf{"userId":"u"}', "broken", 1),
        ("a.json", b"[1]", "broken", 1),
        ("a.json", b"nonsense", "broken", 1),
        ("a.json", b'"text"', "broken", 1),
        ("a.json", b'{"some": "thing"}', "broken", 1),
        ("a.json", b'{"batch": [{"type": "identify",\n"traits": 5}]}', "broken", 2),
        ("a.json", b'{"userId": "u", "traits": {"age": NaN}}', "broken", 1),
        ("a.json", b'{"userId": "u", "traits": ' + b'{"a":' * 70 + b"1" + b"}" * 71, "broken", 1),
        ("a.ndjson", b'{"userId": "u", "traits": {"a": "' + b"x" * 2_000_000 + b'"}}\n{"userId": "u"}\n', "broken", 1),
        ("a.json", b'{"userId": "u", "traits": {"a": "' + b"x" * 40_000 + b'"}}', "broken", 1),
        ("a.json", b'{"userId": "u",\n"traits": {}}\n{"userId": "u"}', "broken", 3),
        ("a.json", b'{"type": "identify", "receivedAt": "x", "traits": {"a": "' + b"x" * 41_000 + b'"}}', "broken", 1),
        ("a.json", b"", "unjudged", 0),
        ("a.json.gz", gzip.compress(b'{"userId": "u", "traits": {"email": "a"}}')[:-9], "unjudged", 0),
        ("a.json.gz", gzip.compress(b'{"userId": "u"}')[:10] + b"\xff" * 10, "unjudged", 0),
        ("a.json.gz", b"\x1f\x8bx", "unjudged", 0),
        ("a.json.gz", gzip.compress(b""), "unjudged", 0),
        ("a.json", b" \n\n ", "unjudged", 0),
        ("a.json", b"[]", "unjudged", 0),
        ("a.json", b'{"batch": []}', "unjudged", 0),
        ("a.json", b"[" + b" " * (recordings.LARGEST_DOCUMENT + 1) + b"]", "unjudged", 0),
    ],
)
def test_what_is_no_event_is_never_a_pass(tmp_path: Path, name: str, content: bytes, status: str, line: int) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    report = of_files(path)
    (judged,) = (judged for judged in report.judged if judged.rule == "EVENTS")
    assert (judged.status, report.exit_code) == (status, 1 if status == "broken" else 2)
    if status == "broken":
        assert [finding.place.line for finding in judged.findings if finding.place is not None] == [line]
    else:
        assert str(path) in judged.reason


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(suppress_health_check=LENIENT, deadline=None)
def test_no_file_is_too_odd(tmp_path: Path, content: bytes) -> None:
    for name in ("a.json", "a.ndjson"):
        (tmp_path / name).write_bytes(content)
    assert of_files(tmp_path).exit_code in (1, 2)


def test_a_folder_is_searched_in_order_and_only_for_events(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("b/c/2.jsonl", "a.json", "b/1.ndjson", "readme.txt"):
        (tmp_path / name).write_text('{"userId": "u", "traits": {"vip": 1}}\n')
    (finding,) = findings(of_files(tmp_path))
    assert finding.place is not None
    assert finding.place.file == str(tmp_path / "a.json")
    assert finding.message.endswith(f"(3 times, also at {tmp_path}/b/1.ndjson:1, {tmp_path}/b/c/2.jsonl:1)")


def test_what_segment_passes_on_may_be_larger(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    event = {"type": "identify", "userId": "u", "traits": {"email": "x" * 33_000}, "receivedAt": "2026-01-01T00:00:00Z"}
    path.write_text(json.dumps([event]))
    assert of_files(path).exit_code == 0
    path.write_text(json.dumps([{**event, "receivedAt": "x", "userId": 5}]))
    assert errors(of_files(path)) == [("EVENTS", "/0/userId", 1)]


def test_a_folder_is_searched_for_every_spelling_and_through_links(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "recorded"
    text = '{"userId": "u", "traits": {"vip": 1}}\n'
    names = ["1.JSON", "2.NDJSON", "3.json.gz", "4.ndjson.GZ", "5.jsonl"]
    for place in (elsewhere, folder):
        place.mkdir()
        for name in names:
            raw = text.encode()
            (place / name).write_bytes(gzip.compress(raw) if name.lower().endswith("gz") else raw)
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    for name in ("notes.log", "a.txt", "b.csv", "c"):
        (folder / name).write_text(text)
    report = of_files(folder)
    assert {judged.rule: judged.cases for judged in report.judged}["EVENTS"] == 2 * len(names)
    assert report.ended is not None
    (note,) = (note for note in report.ended.notes if note.startswith("not read"))
    assert note.endswith(f"{folder}/a.txt, {folder}/b.csv, {folder}/c and 1 more")


@given(
    st.lists(st.sampled_from([b'{"userId":"u"}', b"", b"[1]", b"x", b'{"batch":[]}', b'{"userId":\n"u"}']), max_size=4)
)
@settings(suppress_health_check=LENIENT, deadline=None)
def test_a_compressed_file_is_read_as_what_is_in_it(tmp_path: Path, rows: list[bytes]) -> None:
    raw = b"\n".join(rows)
    for suffix in (".json", ".ndjson"):
        for name, content in ((f"a{suffix}", raw), (f"a{suffix}.gz", gzip.compress(raw))):
            (tmp_path / name).write_bytes(content)
        plain, packed = (list(recordings.calls([f"{tmp_path}/a{suffix}{end}"])) for end in ("", ".gz"))
        assert str(plain) == str(packed).replace(".gz", "")


def test_a_folder_that_cannot_be_read_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text('{"userId": "u", "traits": {"email": "a"}}')
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # in the end its path is too long
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    report = of_files(tmp_path)
    (judged,) = (judged for judged in report.judged if judged.rule == "EVENTS")
    assert (report.exit_code, "the folder cannot be read" in judged.reason) == (2, True)


def test_a_pattern_that_the_shell_was_kept_from_is_named(tmp_path: Path) -> None:
    (judged,) = (judged for judged in of_files(tmp_path / "*.json").judged if judged.rule == "EVENTS")
    assert "unquoted" in judged.reason


@pytest.mark.parametrize("what", ["nothing here", "empty folder", "folder.json", "link to nothing"])
def test_what_cannot_be_read_is_no_verdict(tmp_path: Path, what: str) -> None:
    path = tmp_path / "recorded" / "x.json"
    path.parent.mkdir()
    if what == "folder.json":
        path.mkdir()
    elif what == "link to nothing":
        path.symlink_to(tmp_path / "gone.json")
    good = tmp_path / "good.ndjson"
    good.write_text('{"userId": "u", "traits": {"email": "a"}}')
    report = of_files(good, path if what == "nothing here" else path.parent)
    assert report.exit_code == 2
    assert [judged.rule for judged in report.judged if judged.status == "unjudged"] == ["EVENTS"]


def test_events_without_an_identify_prove_nothing(tmp_path: Path) -> None:
    report = check(tmp_path, events=[{"type": "track", "userId": "u", "event": "x"}])
    assert report.exit_code == 2
    assert {judged.status for judged in report.judged if judged.rule == "MAP-3"} == {"unproven"}


def test_standard_input_is_read_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b'{"userId": "u", "traits": {"email": "a"}}\n\n{"userId": "u", "traits": {"email": 1}}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    report = of_files("-")
    assert errors(report) == [("ATT-2", "/traits/email", 3)]


def test_there_is_an_end_to_what_is_told_apart(tmp_path: Path) -> None:
    report = check(tmp_path, events=[{"userId": "u", "traits": {"age": 1} | {f"x{n}": 1 for n in range(1200)}}])
    (judged,) = (judged for judged in report.judged if judged.rule == "MAP-3")
    assert len(judged.findings) == 1001
    assert "200 more" in judged.findings[-1].message
    assert report.exit_code == 0
