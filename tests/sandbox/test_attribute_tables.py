"""Attribute definitions are exchanged in the text of a config, and nothing else of it changes."""

import tomllib
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localtalon.attribute_definitions import said
from localtalon.attribute_tables import UnusualTextError, rewritten
from talon_emulator.attributes import TYPES
from talon_emulator.seed import AttributeSeed

NAMES = ("email", "vip", "Vip", "age", "tier", "address_city")

# What stands between the attributes: each piece is whole statements, and none is an attribute.
PIECES = (
    "# [[deployment.attributes]] in a comment\n",
    "\n",
    "\n\n# two lines\n# of comment\n",
    '[[deployment.users]] # a "user"\nemail = "a@b.c"\npassword = """\n[[deployment.attributes]]\nname = "x\\""""\n',
    "[[deployment.users]]\nemail = 'c\"@b.c'\npassword = '''\n[[deployment.attributes]]'''\n",
    '[[deployment.applications]]\nid = 1\nname = \'#\'\napi_keys = [\n  { title = "]", key = "k" }, # ]\n]\n',
    '[destination]\ncustom_attributes = [\n    "email",\n\n]  # attributes = []\n',
    "[ emulator ]\nport=1\n",
)

texts = st.text(st.characters(codec="utf-8"), max_size=12)
seeds = st.builds(
    AttributeSeed,
    name=st.sampled_from(NAMES),
    type=st.sampled_from(TYPES),
    entity=st.sampled_from(("CustomerProfile", "CustomerSession")),
    title=st.none() | texts,
    description=texts,
    suggestions=st.lists(texts, max_size=2).map(tuple),
    builtin=st.booleans(),
    allowed_list=st.lists(texts, max_size=2).map(tuple),
)
definitions = st.lists(seeds, max_size=4, unique_by=lambda seed: (seed.entity, seed.name))


def table(seed: AttributeSeed, remark: str) -> str:
    lines = [f"{key} = {toml(value)}" for key, value in said(seed).items()]
    return "\n".join([f"[[ deployment.attributes ]]{remark}", *lines]) + "  # the last line\n"


def toml(value: object) -> str:
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[AttributeSeed]]:
    """A config's text, and the attributes that it has; a table that may come once comes once."""
    own = draw(definitions)
    pieces = draw(st.lists(st.sampled_from(PIECES), unique=True, max_size=5))
    parts = [*pieces, *(table(seed, draw(st.sampled_from(("", " # mine")))) for seed in own)]
    order = draw(st.permutations(range(len(parts))))
    placed = [parts[index] for index in order]
    text = "[deployment]\n" + "".join(placed)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    own_in_order = [own[index - len(pieces)] for index in order if index >= len(pieces)]
    return text, own_in_order


def read(text: str) -> list[AttributeSeed]:
    document = tomllib.loads(text).get("deployment", {})
    return msgspec.convert(document.get("attributes", []), list[AttributeSeed])


def key(seed: AttributeSeed) -> tuple[str, str]:
    return seed.entity, seed.name


def in_order(whole: str, pieces: Sequence[str]) -> bool:
    """Whether the pieces stand in the text one after the other."""
    position = 0
    for piece in pieces:
        found = whole.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return True


@given(documents(), definitions)
def test_the_definitions_are_those_that_are_wanted_and_all_else_stands(
    document: tuple[str, list[AttributeSeed]], wanted: list[AttributeSeed]
) -> None:
    text, _ = document
    after = rewritten(text, wanted)
    assert sorted(read(after), key=key) == sorted(wanted, key=key)
    foreign = text
    for start, end in reversed(list(spans(text))):
        foreign = foreign[:start] + "\0" + foreign[end:]
    assert in_order(after, [line for line in foreign.replace("\0", "\n").splitlines() if line])
    assert rewritten(after, wanted) == after


def spans(text: str) -> list[tuple[int, int]]:
    """Where the attribute tables of a drawn document stand, found by how this test writes them."""
    found, position = [], 0
    while (start := text.find("[[ deployment.attributes ]]", position)) >= 0:
        position = text.index("# the last line", start) + len("# the last line")
        found.append((start, position))
    return found


@given(documents())
def test_what_is_as_it_should_be_is_not_touched(document: tuple[str, list[AttributeSeed]]) -> None:
    text, own = document
    assert rewritten(text, own) == text


@given(documents(), st.data())
def test_a_definition_that_stays_keeps_its_text(document: tuple[str, list[AttributeSeed]], data: st.DataObject) -> None:
    text, own = document
    staying = [seed for seed in own if data.draw(st.booleans())]
    after = rewritten(text, staying)
    written = [text[start:end] for start, end in spans(text)]
    assert [text for text, seed in zip(written, own, strict=True) if seed in staying] == [
        after[start:end] for start, end in spans(after)
    ]


INLINE = """\
[deployment]
name = "shop"   # ours
attributes = [  # all of them
    { name = "email", type = "string" },
    { name = "vip", type = "boolean" },
]
assumptions = {}

[[deployment.users]]
email = "a@b.c"
password = "attributes = []"
"""


def test_an_array_stays_an_array() -> None:
    after = rewritten(INLINE, [AttributeSeed("vip", "boolean"), AttributeSeed("age", "number", title="Age")])
    assert after == INLINE.replace(
        '    { name = "email", type = "string" },\n    { name = "vip", type = "boolean" },\n',
        '    { name = "vip", type = "boolean" },\n    { name = "age", type = "number", title = "Age" },\n',
    )
    emptied = rewritten(INLINE, [])
    assert "attributes = [  # all of them\n]\nassumptions" in emptied
    (email, vip) = read(INLINE)
    assert read(rewritten(emptied, [vip, email])) == [vip, email]


GAPS = ("", " ", "\n", "  # a { comment }, with ]\n", "\n    # two\n\n    # lines [\n    ")


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, list[AttributeSeed], list[str]]:
    """A config's text with its attributes as an array, what they are, and the remarks between them."""
    own = draw(definitions)
    gaps = [draw(st.sampled_from(GAPS)) for _ in range(2 * len(own) + 1)]
    items = [
        gaps[2 * index]
        + "{"
        + ", ".join(f"{key}={toml(value)}" for key, value in said(seed).items())
        + " }"
        + gaps[2 * index + 1]
        + ("," if index < len(own) - 1 or draw(st.booleans()) else "")
        for index, seed in enumerate(own)
    ]
    text = f'[deployment]\nname = "x"\n attributes=[{"".join(items)}{gaps[-1]}]  # behind\nassumptions = {{}}\n'
    return draw(st.sampled_from((text, text.replace("\n", "\r\n")))), own, gaps


@given(arrays(), definitions)
def test_an_array_holds_what_is_wanted(
    document: tuple[str, list[AttributeSeed], list[str]], wanted: list[AttributeSeed]
) -> None:
    text, own, _ = document
    assert rewritten(text, own) == text
    after = rewritten(text, wanted)
    assert sorted(read(after), key=key) == sorted(wanted, key=key)
    assert rewritten(after, wanted) == after
    assert after.startswith("[deployment]")
    assert after.splitlines()[-1] == "assumptions = {}"
    assert after.splitlines()[-2].endswith("]  # behind")
    assert ("\r\n" in after) == ("\r\n" in text)
    assert not ("\r\n" in text and "\n" in after.replace("\r\n", ""))


@given(arrays(), st.data())
def test_an_item_that_stays_keeps_its_text_and_the_remarks_above_it(
    document: tuple[str, list[AttributeSeed], list[str]], data: st.DataObject
) -> None:
    text, own, gaps = document
    staying = [seed for seed in own if data.draw(st.booleans())]
    after = rewritten(text, staying)
    kept = [
        "{" + ", ".join(f"{key}={toml(value)}" for key, value in said(seed).items()) + " }"
        for seed in own
        if seed in staying
    ]
    assert in_order(after, kept)
    lines = [line.strip() for gap in gaps[::2] for line in gap.splitlines() if line.strip() in ("# two", "# lines [")]
    assert in_order(after, lines)


@pytest.mark.parametrize(
    ("array", "wanted", "after"),
    [
        ("[]", ["a"], "[\n    A,\n]"),
        ("[ # none yet\n]", ["a"], "[ # none yet\n    A,\n]"),
        ("[A, B]", ["a", "c"], "[A, C,]"),
        ("[A, B]", ["b"], "[ B]"),
        ("[A]", ["a", "b"], "[A, B,]"),
        ("[\n    A, # one\n    B # two\n]", ["a", "b", "c"], "[\n    A, # one\n    B, # two\n    C,\n]"),
        ("[\n    A, # one\n    B # two\n]", ["b"], "[\n    B # two\n]"),
        ("[\n    # of A\n    A,\n    B, # two\n]", ["a"], "[\n    # of A\n    A,\n]"),
        ("[\n    A,\n    B, # two\n]", ["a", "c"], "[\n    A,\n    C,\n]"),
    ],
)
def test_items_of_an_array_come_and_go(array: str, wanted: list[str], after: str) -> None:
    def whole(text: str) -> str:
        for name in "ABC":
            text = text.replace(name, f'{{ name = "{name.lower()}", type = "string" }}')
        return f"[deployment]\nattributes = {text}\n"

    array, after = (part.replace("# of A", "# of it") for part in (array, after))
    assert rewritten(whole(array), [AttributeSeed(name, "string") for name in wanted]) == whole(after)


@pytest.mark.parametrize(
    "text",
    [
        'deployment = { name = "x", attributes = [] }\n',
        'deployment.attributes = [{ name = "a", type = "string" }]\n',
        '[["deployment".attributes]]\nname = "a"\ntype = "string"\n',
        '[deployment]\n"attributes" = [{ name = "a", type = "string" }]\n',
    ],
)
def test_an_unusual_way_of_writing_is_an_error(text: str) -> None:
    tomllib.loads(text)
    with pytest.raises(UnusualTextError, match=r"write each as \[\[deployment\.attributes\]\]"):
        rewritten(text, [AttributeSeed("b", "number")])
