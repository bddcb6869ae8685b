"""The lines that the check names: of every value of a JSON text, and of the keys of a config."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localtalon import json_lines
from localtalon.check import toml_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from("/~"), inner),
    max_leaves=20,
)


def pointers(value: Any, at: str = "") -> dict[str, Any]:
    """Every value below a value, by its pointer."""
    found = {at: value}
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        found |= pointers(inner, at + json_lines.step(str(key)))
    return found


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
@example({"a": '"}],{[:\\"', "b": {"a": [[], {}, [1]]}}, None, False)
def test_every_pointer_leads_to_the_text_of_its_value(value: Any, indent: int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    raw = text.encode("utf-8", "surrogatepass")
    wanted = pointers(value)
    offsets = json_lines.offsets(raw, wanted.keys())
    lines = json_lines.lines(raw, wanted.keys())
    assert offsets.keys() == lines.keys() == wanted.keys()
    for pointer, inner in wanted.items():
        rest = raw[offsets[pointer] :].decode("utf-8", "surrogatepass")
        assert json.JSONDecoder().raw_decode(rest)[0] == inner
        assert lines[pointer] == raw[: offsets[pointer]].count(b"\n") + 1


def test_of_two_equal_keys_the_last_one_counts() -> None:
    raw = b'{"a": {"x": 1},\n"a": {"y": 2}}'
    assert json_lines.lines(raw, ["/a", "/a/x", "/a/y"]) == {"/a": 2, "/a/y": 2}


def test_a_pointer_that_leads_nowhere_has_no_line() -> None:
    assert json_lines.lines(b'{"a": [1]}', ["/b", "/a/1", "/a/0/c", "x"]) == {}


CONFIG = """\
# [[deployment.attributes]]
[destination]
custom_attributes = [
    "email",  # the address
    'vip',
]

[deployment]
name = "shop"

[[deployment.attributes]]
name = "email"
type = "string"

[[ deployment . attributes ]]   # spaced out
type = "boolean"
"name" = "vip"

[[audiences]]
name = "VIPs"
"""


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("destination.custom_attributes[0]", "email", 4),
        ("destination.custom_attributes[1]", "vip", 5),
        ("destination.custom_attributes", "", 3),
        ("deployment.attributes[0].name", "", 12),
        ("deployment.attributes[1].name", "", 17),
        ("deployment.attributes[1].title", "", 15),
        ("deployment.attributes[1]", "", 15),
        ("deployment.name", "", 9),
        ("audiences[0].name", "", 20),
        ("audiences[1].name", "", 0),
        ("bridge.lease", "", 0),
    ],
)
def test_the_lines_of_a_config(key: str, value: str, line: int) -> None:
    assert toml_lines.line(CONFIG, key, value) == line


@given(st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), min_size=1, max_size=8, unique=True), st.data())
def test_the_line_of_a_definition_holds_its_name(names: list[str], data: st.DataObject) -> None:
    blank = st.sampled_from(["", "\n", "# name = 1\n"])
    text = "".join(
        f'{data.draw(blank)}[[deployment.attributes]]\n{data.draw(blank)}name = "{name}"\n' for name in names
    )
    assert [a["name"] for a in tomllib.loads(text)["deployment"]["attributes"]] == names
    for index, name in enumerate(names):
        line = toml_lines.line(text, f"deployment.attributes[{index}].name")
        assert text.splitlines()[line - 1] == f'name = "{name}"'


def test_an_empty_config_has_no_lines() -> None:
    assert toml_lines.line("", "destination.custom_attributes") == 0
    assert toml_lines.line(Path(__file__).read_text("utf-8"), "no.such[3].key") == 0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[destination]\ncustom_attributes = [\n  # "Country" was "here"\n  "Country",\n]\n', 4),
        ('[destination]\r\ncustom_attributes = [\r\n  "a#b",\r\n  "Country",\r\n]\r\n', 4),
        ("[destination]\ncustom_attributes = ['#', \"it's\", 'Country']  # \"x\"\n", 2),
        ('# a \u2028 b \x85 c\n[destination]\ncustom_attributes = ["Country"]\n', 3),
        ('\ndestination.custom_attributes = ["email",\n"Country"]\n', 3),
        ('"destination" . custom_attributes = ["Country"]\n', 1),
        ('destination = { custom_attributes = ["Country"] }\n', 1),
    ],
)
def test_the_line_of_a_name_however_the_list_is_written(text: str, line: int) -> None:
    assert "Country" in tomllib.loads(text)["destination"]["custom_attributes"]
    assert toml_lines.line(text, "destination.custom_attributes[1]", "Country") == line
