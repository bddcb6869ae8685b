"""Profile updates on the third-party host: when audience changes count, and what the two platforms have apart."""

import base64
from collections.abc import Iterator

import pytest

from emulator_support import SANDBOX_KEY, SetClock, api_key
from thirdparty_support import CDP_KEY, SEGMENT_KEY, Platform, platforms, refused

TOLD = "The submitted data was invalid: "


@pytest.fixture(scope="module")
def shared() -> Iterator[dict[str, Platform]]:
    with platforms() as served:
        yield served


@pytest.fixture(params=["segment", "cdp"])
def platform(shared: dict[str, Platform], request: pytest.FixtureRequest) -> Platform:
    chosen = shared[request.param]
    chosen.emulator.reset()
    return chosen


def test_audience_changes_are_applied_when_the_rule_engine_runs(platform: Platform) -> None:
    first, second = platform.audience("first"), platform.audience("second")
    answer = platform.update(
        "u", attributes={"text": "a"}, runRuleEngine=True, audiencesChanges={"adds": [first, second]}
    )
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()["customerProfile"]["audienceMemberships"]] == [first, second]
    platform.update("u", runRuleEngine=True, audiencesChanges={"adds": [], "deletes": [second]})
    assert platform.memberships("u") == [first]
    for nothing in ({}, None, {"adds": None, "deletes": None}):
        assert platform.update("u", runRuleEngine=True, audiencesChanges=nothing).status_code == 200
    assert platform.memberships("u") == [first]


def test_without_the_rule_engine_segment_drops_them_and_a_data_platform_runs_it() -> None:
    clock = SetClock()
    with platforms(clock) as served:
        for name, memberships in (("segment", []), ("cdp", [1])):
            platform = served[name]
            platform.emulator.reset()
            number = platform.audience("first")
            platform.update("u", attributes={})
            clock.moment = clock.moment.replace(minute=clock.moment.minute + 1)
            answer = platform.update("u", runRuleEngine=False, audiencesChanges={"adds": [number]})
            shown = answer.json()["customerProfile"]
            assert [each["id"] for each in shown["audienceMemberships"]] == memberships
            assert (shown["lastActivity"] > shown["created"]) == bool(memberships)


def test_an_unknown_audience_refuses_the_update(platform: Platform) -> None:
    answer = platform.update(
        "u", attributes={"text": "a"}, runRuleEngine=True, audiencesChanges={"adds": [99], "deletes": [98]}
    )
    refused(
        answer, 400, f"{TOLD}The audience with the ID 99 does not exist; The audience with the ID 98 does not exist"
    )
    assert platform.emulator.attributes("u") is None


def test_null_deletes_and_undefined_attributes_are_skipped_on_demand(platform: Platform) -> None:
    platform.update("u", attributes={"text": "a", "flag": True})
    assert platform.update("u", attributes={"text": None}).json()["customerProfile"]["attributes"] == {"flag": True}
    sent = {"attributes": {"Text": "b", "number": 1}}
    refused(
        platform.put(f"{platform.profile}/u", sent),
        400,
        f'{TOLD}The attribute "Text" is not defined on CustomerProfile entities.',
    )
    assert platform.put(f"{platform.profile}/u?skipNonExistingAttributes=true", sent).status_code == 200
    assert platform.emulator.attributes("u") == {"flag": True, "number": 1}


def test_a_key_opens_the_paths_of_its_platform_only(platform: Platform) -> None:
    own, other = (SEGMENT_KEY, CDP_KEY) if platform.name == "segment" else (CDP_KEY, SEGMENT_KEY)
    for key in (other, SANDBOX_KEY, "nothing"):
        refused(platform.put(f"{platform.profile}/u", {}, **api_key(key)), 401, "Invalid API key")
    basic = base64.b64encode(f"ApiKey-v1 {own}:".encode()).decode()
    assert platform.put(f"{platform.profile}/u", {}, authorization=f"Basic {basic}").status_code == 200
    assert platform.memberships("u") == []


def test_the_profile_may_be_left_out_when_no_rules_run() -> None:
    with platforms(profile_without_rules="absent") as served:
        assert "customerProfile" not in served["segment"].update("u").json()
        assert "customerProfile" in served["segment"].update("u", runRuleEngine=True).json()
