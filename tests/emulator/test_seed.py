"""Deployment documents: read with a place for every error, applied twice as once."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator_support import SEED, pure
from talon_emulator import seed, seed_document
from talon_emulator.attributes import TYPES, AttributeType
from talon_emulator.deployments import EMPTY, State, fingerprint
from talon_emulator.seed import (
    DEMO,
    ApplicationSeed,
    AttributeSeed,
    DeploymentSeed,
    KeySeed,
    ManagementKeySeed,
    SeedError,
)

NOW = "2030-01-01T00:00:00.000000Z"
LATER = "2031-01-01T00:00:00.000000Z"


def applied(state: State, document: DeploymentSeed, now: str = NOW) -> State:
    outcome = seed.apply(state, document, now)
    assert isinstance(outcome, State), outcome
    return outcome


kinds: st.SearchStrategy[AttributeType] = st.sampled_from(TYPES)
documents = st.builds(
    DeploymentSeed,
    applications=st.lists(
        st.builds(
            ApplicationSeed, st.integers(1, 4), st.sampled_from(["a", "b"]), st.sampled_from(["sandbox", "live"])
        ),
        unique_by=lambda application: application.id,
    ).map(tuple),
    attributes=st.lists(
        st.builds(AttributeSeed, st.sampled_from("abcd"), st.just("string"), description=st.sampled_from(["", "x"])),
        unique_by=lambda attribute: attribute.name,
    ).map(tuple),
)


@pure
@given(documents, documents)
def test_twice_is_once_and_nothing_is_lost(first: DeploymentSeed, second: DeploymentSeed) -> None:
    state = applied(applied(EMPTY, first), second)
    assert applied(state, second, LATER) == state
    assert {a.id for a in state.applications} == {a.id for d in (first, second) for a in d.applications}
    assert {a.name for a in state.attributes} == {a.name for d in (first, second) for a in d.attributes}
    assert len({attribute.id for attribute in state.attributes}) == len(state.attributes)


@pure
@given(kinds, kinds)
def test_the_type_of_an_attribute_never_changes(old: AttributeType, new: AttributeType) -> None:
    state = applied(EMPTY, DeploymentSeed(attributes=(AttributeSeed("a", old),)))
    outcome = seed.apply(state, DeploymentSeed(attributes=(AttributeSeed("a", new),)), NOW)
    if old == new:
        assert outcome == state
    else:
        assert outcome == SeedError(
            "/attributes/0/type",
            "attribute 'a': type of an attribute cannot be changed",
            "start with another data directory, or give it a new name",
        )


def test_an_update_moves_the_time_of_the_change() -> None:
    state = applied(EMPTY, DeploymentSeed(applications=(ApplicationSeed(1, "a"),)))
    [changed] = applied(state, DeploymentSeed(applications=(ApplicationSeed(1, "b"),)), LATER).applications
    assert (changed.name, changed.created, changed.modified) == ("b", NOW, LATER)


def test_keys_are_kept_as_fingerprints() -> None:
    stored = msgspec.json.encode(applied(EMPTY, SEED)).decode()
    for application in SEED.applications:
        for key in application.api_keys:
            assert key.key not in stored
            assert fingerprint(key.key.encode()) in stored


def test_keys_do_not_show_in_a_repr() -> None:
    assert "a1a1" not in repr(DEMO)
    assert "b2b2" not in repr(DEMO)


def test_the_demo_deployment() -> None:
    state = applied(EMPTY, DEMO)
    [application] = state.applications
    assert (application.id, application.name, application.environment) == (1, "Demo store", "sandbox")
    assert [(key.title, key.platform) for key in state.api_keys] == [
        ("Demo integration key", "none"),
        ("Demo Segment key", "segment"),
    ]
    assert {(a.name, a.type) for a in state.attributes} == {
        ("email", "string"),
        ("name", "string"),
        ("age", "number"),
        ("vip", "boolean"),
        ("signed_up_at", "time"),
        ("favourite_tags", "(list string)"),
        ("address_city", "string"),
        ("address_country", "string"),
        ("order_completed_last_30days", "boolean"),
        ("lifetime_value", "number"),
    }


def test_reads_a_whole_document() -> None:
    document = {
        "name": "shop",
        "applications": [
            {"id": 3, "name": "Shop", "environment": "live", "api_keys": [{"title": "t", "key": "k" * 64}]},
        ],
        "management_keys": [{"name": "m", "key": "x", "expires": "2031-01-01T00:00:00Z"}],
        "attributes": [{"name": "a", "type": "(list time)", "entity": "Coupon", "title": "A b"}],
    }
    assert seed_document.read(document) == DeploymentSeed(
        "shop",
        (ApplicationSeed(3, "Shop", "live", api_keys=(KeySeed("t", "k" * 64),)),),
        (ManagementKeySeed("m", "x", datetime(2031, 1, 1, tzinfo=UTC)),),
        (AttributeSeed("a", "(list time)", "Coupon", "A b"),),
    )


def test_reads_what_it_is_itself() -> None:
    assert seed_document.read(msgspec.json.decode(msgspec.json.encode(SEED))) == SEED
    assert seed_document.read(msgspec.to_builtins(SEED, builtin_types=(datetime,))) == SEED


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        ([], "", "expected an object, got a list"),
        ({"atributes": []}, "/atributes", "did you mean 'attributes'?"),
        ({"zzz": []}, "/zzz", "known are: name, applications"),
        ({"applications": [{"id": 1, "name": "a", "apikeys": []}]}, "/applications/0/apikeys", "'api_keys'"),
        ({"applications": [{}]}, "/applications/0", "missing: id, name"),
        ({"applications": [{"id": 0, "name": "a"}]}, "/applications/0/id", "an integer of at least 1"),
        ({"applications": [{"id": 1, "name": "a", "environment": "Live"}]}, "/applications/0/environment", "'live'"),
        (
            {"applications": [{"id": 1, "name": "a", "api_keys": [{"title": "t", "Key": "k"}]}]},
            "/applications/0/api_keys/0/Key",
            "'key'",
        ),
        (
            {"management_keys": [{"name": "m", "key": "with space"}]},
            "/management_keys/0/key",
            "a string that matches ^[!-~]+$",
        ),
        (
            {"management_keys": [{"name": "m", "key": "k", "expires": "2031-01-01T00:00:00"}]},
            "/management_keys/0/expires",
            "expected a time with an offset, as in 2030-01-31T00:00:00Z",
        ),
        ({"attributes": [{"name": "a", "type": "strin"}]}, "/attributes/0/type", "did you mean 'string'? known are: "),
        ({"attributes": [{"name": "a", "type": "string", "entity": "customer"}]}, "/attributes/0/entity", "Customer"),
        ({"name": "a/b"}, "/name", "a string that matches ^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
        ({"applications": [{"id": 1, "name": ""}]}, "/applications/0/name", "at least 1 character"),
        ({"attributes": [{"name": "a", "type": 3}]}, "/attributes/0/type", "expected a string, got an integer"),
        ({"x - at `$.y`": 1}, "/x - at `$.y`", "unknown key"),
    ],
)
def test_names_the_place_of_an_error(document: Any, place: str, words: str) -> None:
    error = seed_document.read(document)
    assert isinstance(error, SeedError)
    assert error.place == place
    assert words in str(error)
    assert not {"Object", "field", "regex", "Expected"} & set(str(error).split())


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (DeploymentSeed(attributes=(AttributeSeed("30_days", "boolean"),)), "/attributes/0/name"),
        (
            DeploymentSeed(attributes=(AttributeSeed("a", "string"), AttributeSeed("b", "string", title="a"))),
            "/attributes/1/title",
        ),
        (DeploymentSeed(attributes=(AttributeSeed("a", "string"), AttributeSeed("a", "string"))), "/attributes/1/name"),
        (DeploymentSeed(applications=(ApplicationSeed(1, "a"), ApplicationSeed(1, "b"))), "/applications/1/id"),
        (
            DeploymentSeed(
                applications=(ApplicationSeed(1, "a", api_keys=(KeySeed("t", "k"),)),),
                management_keys=(ManagementKeySeed("m", "k"),),
            ),
            "/management_keys/0/key",
        ),
    ],
)
def test_refuses_documents_that_contradict_themselves(document: DeploymentSeed, place: str) -> None:
    error = seed.apply(EMPTY, document, NOW)
    assert isinstance(error, SeedError)
    assert error.place == place
