"""The Integration API over real HTTP: updates, read-back, exact IDs, exact numbers, and who may call."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator_support import (
    EXPIRING_KEY,
    EXPIRY,
    LIVE_KEY,
    MANAGEMENT_KEY,
    SANDBOX_KEY,
    Emulator,
    SetClock,
    api_key,
    management_key,
    over_http,
)

ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=1000).filter(lambda text: text not in (".", ".."))
names = st.sampled_from(["text", "number", "flag", "texts", "Text", "unknown"])
values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)
TYPES = {"text": str, "flag": bool, "texts": list, "number": int}


def fits(name: str, value: Any) -> bool:
    return name in TYPES and (value is None or type(value) is TYPES[name])


@over_http
@given(ids)
@example("a/b")
@example("%2F")
@example("a%2Fb")
@example("?#;+ \\")
@example("😀")
@example("\u00e9")
@example("e\u0301")
@example("\0")
@example("\r\n")
@example("x" * 1000)
@example("😀" * 1000)
def test_an_integration_id_arrives_exactly(served: Emulator, integration_id: str) -> None:
    served.reset()
    answer = served.update(integration_id, {"text": integration_id})
    assert answer.status_code == 200
    assert answer.json()["customerProfile"]["integrationId"] == integration_id
    assert served.attributes(integration_id) == {"text": integration_id}
    found = served.manage("GET", "/v1/applications/1/customers").json()["data"]
    assert [profile["integrationId"] for profile in found] == [integration_id]


@over_http
@given(
    st.integers() | st.integers(10**15, 10**60) | st.decimals(allow_nan=False, allow_infinity=False, max_value="1e300"),
)
@example(2**53 + 1)
@example(10**30)
@example(Decimal("0.1"))
@example(Decimal("0.10"))
@example(Decimal("12345678901234567890.123456789"))
def test_a_number_arrives_digit_for_digit(served: Emulator, number: int | Decimal) -> None:
    sent = msgspec.json.Encoder(decimal_format="number").encode({"attributes": {"number": number, "numbers": [number]}})
    answer = served.put("numbers", sent)
    assert answer.status_code == 200
    exact = msgspec.json.Decoder(float_hook=str)
    wanted = exact.decode(sent)["attributes"]
    assert exact.decode(answer.content)["customerProfile"]["attributes"] == wanted
    assert exact.decode(served.inventory("numbers").content)["profile"]["attributes"] == wanted


@over_http
@given(st.lists(st.dictionaries(names, values, max_size=4), max_size=5))
def test_a_history_ends_where_a_dict_ends(served: Emulator, history: list[dict[str, Any]]) -> None:
    served.reset()
    model: dict[str, Any] | None = None
    for changes in history:
        answer = served.update("user", changes)
        wrong = sorted(name for name, value in changes.items() if not fits(name, value))
        if wrong:
            assert answer.status_code == 400
            pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
            assert pointers == [f"/attributes/{name}" for name in wrong]
        else:
            assert answer.status_code == 200
            model = {name: value for name, value in ((model or {}) | changes).items() if value is not None}
            assert answer.json()["customerProfile"]["attributes"] == model
        assert served.attributes("user") == model


def test_the_answer_to_an_update(timed: Emulator) -> None:
    answer = timed.update("u", {"text": "a"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "effects": [],
        "createdCoupons": [],
        "createdReferrals": [],
        "customerProfile": {
            "integrationId": "u",
            "id": 1,
            "created": "2030-01-01T00:00:00.000000Z",
            "attributes": {"text": "a"},
            "accountId": 1,
            "closedSessions": 0,
            "totalSales": 0,
            "lastActivity": "2030-01-01T00:00:00.000000Z",
            "loyaltyMemberships": None,
            "audienceMemberships": [],
            "sandbox": True,
        },
    }


def test_the_body_of_a_refusal(emulator: Emulator) -> None:
    answer = emulator.update("u", {"text": False, "MyAttribute": "x", "tier": "tin"})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "The submitted data was invalid",
        "errors": [
            {
                "title": "Unknown",
                "details": 'The attribute "MyAttribute" is not defined on CustomerProfile entities.',
                "source": {"pointer": "/attributes/MyAttribute"},
            },
            {
                "title": "Invalid type",
                "details": 'Value of "text" attribute (false) is not a string',
                "source": {"pointer": "/attributes/text"},
            },
            {
                "title": "enum",
                "details": 'tier must be one of the following: "gold", "silver"',
                "source": {"pointer": "/attributes/tier"},
            },
        ],
        "StatusCode": 400,
    }
    assert emulator.attributes("u") is None


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"attributes": None},
        {"attributes": {}, "audiencesChanges": {"adds": [], "deletes": []}},
        {"responseContent": ["customerProfile", "loyalty"], "evaluableCampaignIds": [1, 2]},
        {"somethingElse": {"deep": [1]}, "integrationId": "other"},
    ],
)
def test_accepted_bodies(emulator: Emulator, members: dict[str, Any]) -> None:
    answer = emulator.put("u", msgspec.json.encode(members))
    assert answer.status_code == 200
    assert answer.json()["customerProfile"]["integrationId"] == "u"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"attributes": []}, "/attributes"),
        ({"audiencesChanges": {"adds": ["a"]}}, "/audiencesChanges/adds/0"),
        ({"audiencesChanges": [1]}, "/audiencesChanges"),
        ({"audiencesChanges": {"adds": []}}, "/audiencesChanges/deletes"),
        ({"responseContent": ["everything"]}, "/responseContent/0"),
        ({"responseContent": "customerProfile"}, "/responseContent"),
        ({"evaluableCampaignIds": [True]}, "/evaluableCampaignIds/0"),
        ([], ""),
    ],
)
def test_refused_bodies(emulator: Emulator, members: Any, pointer: str) -> None:
    answer = emulator.put("u", msgspec.json.encode(members))
    assert answer.status_code == 400
    assert [error["source"] for error in answer.json()["errors"]] == [{"pointer": pointer}]
    assert emulator.attributes("u") is None


@pytest.mark.parametrize(
    ("query", "stored"),
    [
        ("", True),
        ("?runRuleEngine=true", True),
        ("?runRuleEngine=true&dry=true", False),
        ("?dry=true", True),
        ("?runRuleEngine=false&dry=true", True),
    ],
)
def test_dry_counts_only_with_the_rule_engine(emulator: Emulator, query: str, stored: bool) -> None:
    answer = emulator.update("u", {"flag": True}, query=query, responseContent=["customerProfile"])
    assert answer.status_code == 200
    assert answer.json()["customerProfile"]["attributes"] == {"flag": True}
    assert emulator.attributes("u") == ({"flag": True} if stored else None)


def test_content_that_is_asked_for_is_there_when_the_rule_engine_runs(emulator: Emulator) -> None:
    content = ["loyalty", "triggeredCampaigns", "awardedGiveaways", "ruleFailureReasons", "campaignEligibility"]
    quiet = emulator.update("u", {}, responseContent=content).json()
    told = emulator.update("u", {}, query="?runRuleEngine=true", responseContent=[*content, "event"]).json()
    assert told.keys() - (quiet.keys() - {"customerProfile"}) == set(content)
    assert told["loyalty"] == {"cards": [], "programs": {}}
    assert all(told[name] == [] for name in content if name != "loyalty")


def test_customer_data_is_erased_in_one_environment(emulator: Emulator) -> None:
    for key in (SANDBOX_KEY, LIVE_KEY):
        emulator.update("a/b", {"text": "a", "flag": True}, key)
    path = "/v1/customer_data/a%2Fb"
    answer = emulator.client.delete(path, headers=api_key(SANDBOX_KEY))
    assert (answer.status_code, answer.content) == (204, b"")
    assert emulator.attributes("a/b") == {}
    assert emulator.attributes("a/b", LIVE_KEY) == {"text": "a", "flag": True}
    assert emulator.client.delete(path, headers=api_key(SANDBOX_KEY)).status_code == 204
    unknown = emulator.client.delete("/v1/customer_data/A%2FB", headers=api_key(SANDBOX_KEY))
    assert unknown.status_code == 404
    assert unknown.json()["message"] == "Customer profile not found"


@pytest.mark.parametrize("query", ["?dry=maybe", "?runRuleEngine=", "?dry=%zz"])
def test_refuses_options(emulator: Emulator, query: str) -> None:
    assert emulator.update("u", {}, query=query).status_code == 400


def test_the_last_activity_moves_only_with_the_rule_engine(timed: Emulator, clock: SetClock) -> None:
    def activity(query: str) -> str:
        answer = timed.update("u", {"flag": True}, query=query, responseContent=["customerProfile"])
        profile: dict[str, str] = answer.json()["customerProfile"]
        assert profile["created"] == "2030-01-01T00:00:00.000000Z"
        return profile["lastActivity"]

    assert activity("") == "2030-01-01T00:00:00.000000Z"
    clock.moment = clock.moment.replace(hour=5)
    assert activity("") == "2030-01-01T00:00:00.000000Z"
    assert activity("?runRuleEngine=true") == "2030-01-01T05:00:00.000000Z"


def test_an_id_beyond_1000_characters_is_refused(emulator: Emulator) -> None:
    answer = emulator.update("x" * 1001, {})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"] == {"parameter": "integrationId"}


def test_environments_have_their_own_profiles_and_share_attributes(emulator: Emulator) -> None:
    emulator.update("u", {"text": "sandbox"})
    live = emulator.update("u", {"number": 1}, LIVE_KEY)
    assert live.json()["customerProfile"]["sandbox"] is False
    assert emulator.attributes("u") == {"text": "sandbox"}
    assert emulator.attributes("u", LIVE_KEY) == {"number": 1}


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", set()),
        ("?profile=false", set()),
        ("?profile=true", {"profile"}),
        (
            "?referrals=true&coupons=1&giveaways=t&achievements=true",
            {"referrals", "coupons", "giveaways", "achievements"},
        ),
        ("?loyalty=true", {"loyalty"}),
    ],
)
def test_the_inventory_has_what_was_asked_for(emulator: Emulator, query: str, keys: set[str]) -> None:
    emulator.update("u", {})
    assert set(emulator.inventory("u", query=query).json()) == keys


def test_an_unknown_profile_has_no_inventory(emulator: Emulator) -> None:
    emulator.update("User", {})
    answer = emulator.inventory("user")
    assert answer.status_code == 404
    assert answer.json() == {"message": "Customer profile not found", "errors": [], "StatusCode": 404}
    assert emulator.inventory("User", query="?profile=perhaps").status_code == 400


def test_authping_and_health(emulator: Emulator) -> None:
    for path in ("/v2/authping", "//v2/authping"):
        url = f"{emulator.url}{path}"
        assert emulator.client.get(url, headers=api_key(SANDBOX_KEY)).status_code == 204
        assert emulator.client.get(url, headers=api_key("x")).status_code == 401
    assert emulator.client.get("/v1/status/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": SANDBOX_KEY},
        {"authorization": f"apikey-v1 {SANDBOX_KEY}"},
        {"authorization": f"ApiKey-v1  {SANDBOX_KEY}"},
        {"authorization": f"ApiKey-v1{SANDBOX_KEY}"},
        {"authorization": f"Bearer {SANDBOX_KEY}"},
        api_key(SANDBOX_KEY.upper()),
        api_key(SANDBOX_KEY[:-1]),
        api_key(MANAGEMENT_KEY),
        management_key(MANAGEMENT_KEY),
        management_key(SANDBOX_KEY),
        {"authorization": b"ApiKey-v1 \xff"},
    ],
)
def test_a_bad_key_changes_nothing(emulator: Emulator, headers: dict[str, Any]) -> None:
    answer = emulator.client.put("/v2/customer_profiles/u", content=b'{"attributes":{}}', headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"message": "Invalid API key", "errors": [], "StatusCode": 401}
    assert emulator.attributes("u") is None


def test_a_key_ends_at_its_expiry(timed: Emulator, clock: SetClock) -> None:
    assert timed.update("u", {"flag": True}, EXPIRING_KEY).status_code == 200
    clock.moment = EXPIRY
    assert timed.update("u", {"flag": False}, EXPIRING_KEY).status_code == 401
    assert timed.attributes("u") == {"flag": True}
