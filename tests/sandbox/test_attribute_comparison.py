"""How a config's definitions and a deployment's differ, and what a push would make of that."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localtalon.attribute_comparison import differences, emptied, plan, pulled, same
from localtalon.attribute_definitions import LeftOut, body, read, said
from talon_contracts import schemas
from talon_emulator.attributes import TYPES
from talon_emulator.seed import AttributeSeed

TEXT = AttributeSeed("email", "string")


def words(here: list[AttributeSeed], there: list[AttributeSeed]) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in differences(here, there)]


@pytest.mark.parametrize(
    ("here", "there", "found"),
    [
        ([TEXT], [TEXT], []),
        ([], [TEXT], [("missing here", "email")]),
        ([TEXT], [], [("missing there", "email")]),
        ([TEXT], [AttributeSeed("email", "number")], [("other type", "email")]),
        ([TEXT], [AttributeSeed("Email", "string")], [("other case", "email")]),
        ([TEXT], [AttributeSeed("Email", "string"), TEXT], [("missing here", "Email")]),
        ([TEXT], [AttributeSeed("Email", "string", builtin=True), TEXT], []),
        ([TEXT], [AttributeSeed("Email", "string", builtin=True)], [("other case", "email")]),
        ([TEXT], [AttributeSeed("email", "string", title="E-mail")], []),
        ([AttributeSeed("email", "string", title="Mail")], [TEXT], [("other title", "email")]),
        ([AttributeSeed("email", "string", title="email")], [TEXT], []),
        ([AttributeSeed("vip", "boolean", builtin=True)], [], [("missing there", "vip")]),
        (
            [TEXT],
            [AttributeSeed("email", "string", restricted_by_suggestions=True, suggestions=("a",))],
            [("other restriction", "email")],
        ),
        (
            [AttributeSeed("email", "string", restricted_by_suggestions=True, allowed_list=("a",))],
            [AttributeSeed("email", "string", restricted_by_suggestions=True, has_allowed_list=True)],
            [],
        ),
        ([TEXT], [AttributeSeed("email", "string", suggestions=("a",))], []),  # a hint for people
    ],
)
def test_differences(here: list[AttributeSeed], there: list[AttributeSeed], found: list[tuple[str, str]]) -> None:
    assert words(here, there) == found


def test_a_near_miss_in_spelling_is_a_hint() -> None:
    (here, there) = differences([AttributeSeed("adress_city", "string")], [AttributeSeed("address_city", "string")])
    assert (here.kind, there.kind) == ("missing here", "missing there")
    assert there.says.endswith("did you mean address_city?")


UNREAD = LeftOut("email", "type must be one of ...")


@pytest.mark.parametrize(
    ("here", "unreadable", "found", "alike"),
    [
        ([TEXT], [UNREAD], ["unreadable there"], None),
        ([], [UNREAD], ["unreadable there"], None),
        ([TEXT], [LeftOut("email", "odd", builtin=True)], ["unreadable there"], None),
        ([], [LeftOut("email", "odd", builtin=True)], [], True),
        ([TEXT, AttributeSeed("vip", "boolean")], [UNREAD], ["unreadable there", "missing there"], False),
    ],
)
def test_what_cannot_be_read_is_neither_absent_nor_the_same(
    here: list[AttributeSeed], unreadable: list[LeftOut], found: list[str], alike: bool | None
) -> None:
    differing = differences(here, [], unreadable)
    assert [each.kind for each in differing] == found
    assert same(differing) is alike
    assert pulled(here, [], True, unreadable) == tuple(seed for seed in here if seed == TEXT)
    planned = plan(here, [], unreadable)
    assert TEXT not in planned.create
    assert bool(planned.passed_over) == (TEXT in here)


@pytest.mark.parametrize(
    ("here", "there", "unreadable", "says"),
    [
        (["email", "Email"], ["email"], [], "Email differs in case only from email, which is there"),
        (["email", "Email"], [], [], "email differs in case only from Email, which is to be created too"),
        (["Email"], [], ["email"], "Email differs in case only from email, which is there"),
        (["email"], ["Email"], [], "email is called Email there"),
    ],
)
def test_two_names_that_differ_in_case_only_clash(
    here: list[str], there: list[str], unreadable: list[str], says: str
) -> None:
    planned = plan(
        [AttributeSeed(name, "string") for name in here],
        [AttributeSeed(name, "string") for name in there],
        [LeftOut(name, "odd") for name in unreadable],
    )
    assert len(planned.clashes) == 1
    assert planned.clashes[0].startswith(says)


def test_two_new_ones_of_one_title_clash() -> None:
    (clash,) = plan([AttributeSeed("a", "string", title="Mail"), AttributeSeed("Mail", "string")], []).clashes
    assert clash == 'a cannot be made: Mail has the title "Mail"; give it another'


@pytest.mark.parametrize(
    ("here", "wanted", "asked"),
    [
        ([TEXT], [], True),
        ([TEXT], [AttributeSeed("Name", "string", builtin=True)], True),
        ([TEXT], [AttributeSeed("email", "string", builtin=True)], False),
        ([TEXT], [AttributeSeed("vip", "boolean")], False),
        ([], [], False),
        ([], [AttributeSeed("Name", "string", builtin=True)], False),
    ],
)
def test_a_pull_that_leaves_nothing(here: list[AttributeSeed], wanted: list[AttributeSeed], asked: bool) -> None:
    assert emptied(here, wanted) is asked


def test_an_allowed_list_is_no_change_once_it_is_there() -> None:
    own = AttributeSeed("size", "string", restricted_by_suggestions=True, allowed_list=("S", "M"))
    there = read({**body(own), "id": 1}, builtin=False)
    assert isinstance(there, AttributeSeed)
    assert pulled([own], [there], True) == (own,)


LISTED = AttributeSeed("size", "string", restricted_by_suggestions=True, has_allowed_list=True, allowed_list=("S", "M"))
names = st.sampled_from(("email", "Email", "vip", "VIP", "age", "tier"))
seeds = st.builds(
    AttributeSeed,
    name=names,
    type=st.sampled_from(TYPES),
    title=st.none() | st.sampled_from(("Email", "age", "A title", "tier (old)")),
    description=st.sampled_from(("", "d")),
    suggestions=st.sampled_from(((), ("a",), ("b", "a"))),
    restricted_by_suggestions=st.booleans(),
    has_allowed_list=st.booleans(),
    editable=st.booleans(),
    builtin=st.booleans(),
    allowed_list=st.sampled_from(((), ("x", "y"))),
)
definitions = st.lists(seeds, max_size=5, unique_by=lambda seed: seed.name)


@given(definitions, definitions, st.booleans())
@example([LISTED], [msgspec.structs.replace(LISTED, allowed_list=())], True)
@example([LISTED], [AttributeSeed("size", "string", restricted_by_suggestions=True)], True)
def test_after_a_pull_nothing_differs(here: list[AttributeSeed], there: list[AttributeSeed], builtin: bool) -> None:
    assert differences(pulled(here, there, builtin), there) == ()
    assert differences(pulled([], there, True), there) == ()


@given(definitions, definitions)
def test_a_plan_creates_what_is_missing_and_never_beside_a_clash(
    here: list[AttributeSeed], there: list[AttributeSeed]
) -> None:
    planned = plan(here, there)
    titles = {seed.name if seed.title is None else seed.title for seed in there}
    names_there = {seed.name for seed in there}
    for seed in planned.create:
        assert seed in here
        assert seed.name not in names_there
        assert not seed.builtin
    afterwards = [*names_there, *(seed.name for seed in planned.create)]
    twins = [
        name
        for name in {seed.name for seed in planned.create}
        if list(map(str.casefold, afterwards)).count(name.casefold()) > 1
    ]
    assert planned.clashes or not twins
    taken = [seed for seed in planned.create if (seed.name if seed.title is None else seed.title) in titles]
    other_types = [a for a in here for b in there if a.name == b.name and a.type != b.type]
    assert len(planned.clashes) >= len(taken) + len(other_types)
    missing = {each.name for each in differences(here, there) if each.kind == "missing there"}
    assert missing == {seed.name for seed in planned.create} | {
        seed.name for seed in here if seed.builtin and seed.name in missing
    }


@given(seeds)
def test_what_is_sent_is_a_definition_and_comes_back_as_it_was(seed: AttributeSeed) -> None:
    sent = body(seed)
    assert schemas.problems("talon-attribute-definition", sent) == ()
    came = read({"id": 1, "created": "2024-01-02T03:04:05Z", "accountId": 1, **sent}, builtin=seed.builtin)
    assert isinstance(came, AttributeSeed)
    assert differences([came], [seed]) == ()
    assert said(came).keys() <= said(seed).keys() | {"has_allowed_list"}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"type": "(list boolean)"}, "type must be one of"),
        ({"name": "30_days"}, "name"),
        ({"title": "30 days"}, "title"),
        ({"suggestions": [1]}, "Expected str"),
        ({"name": None}, "Expected str"),
    ],
)
def test_what_no_emulator_can_have_is_left_out(members: dict[str, object], reason: str) -> None:
    found = read({**body(TEXT), **members}, builtin=False)
    assert isinstance(found, LeftOut)
    assert reason in found.reason


def test_null_lists_and_descriptions_of_a_go_server_are_empty_ones() -> None:
    assert read({**body(TEXT), "suggestions": None, "description": None, "eventType": ""}, builtin=False) == TEXT


def test_an_attribute_of_events_keeps_its_event_type() -> None:
    seed = AttributeSeed("colour", "string", entity="Event", event_type="shirt_sold", subscribed_applications_ids=(7,))
    sent = body(seed)
    assert (sent["eventType"], sent["subscribedApplicationsIds"]) == ("shirt_sold", (7,))
    assert read(sent, builtin=False) == AttributeSeed("colour", "string", entity="Event", event_type="shirt_sold")
