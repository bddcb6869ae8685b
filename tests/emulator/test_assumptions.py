"""Every assumption with each of its choices: the same requests, another outcome."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from emulator_support import Emulator, api_key, management_key
from talon_emulator.assumptions import TABLE

ALL = [(each.id, choice) for each in TABLE if len(each.choices) > 1 for choice in each.choices]


class Sent:
    """A deployment under one choice, with the requests that the scenarios make."""

    def __init__(self, client: httpx.Client, assumption: str, choice: str) -> None:
        document = {
            "assumptions": {assumption: choice},
            "applications": [
                {"id": 1, "name": "one"},
                {"id": 2, "name": "two"},
                {"id": 3, "name": "live", "environment": "live"},
            ],
            "attributes": [
                {"name": "text", "type": "string"},
                {"name": "number", "type": "number"},
                {"name": "tier", "type": "string", "suggestions": ["gold"], "restricted_by_suggestions": True},
                {"name": "two_only", "type": "string", "subscribed_applications_ids": [2]},
                *(
                    {"name": "two_only", "type": "string", "entity": entity, "subscribed_applications_ids": [2]}
                    for entity in ("CustomerSession", "CartItem", "Event")
                ),
                {"name": "seen", "type": "string", "entity": "Event", "event_type": "known"},
                {"name": "note", "type": "string", "entity": "CustomerSession"},
            ],
        }
        made = client.post("/_emulator/deployments", json=document).json()
        self.name = made["deployment"]
        self.client = client
        self.keys = {(key["application"], key["platform"]): key["key"] for key in made["apiKeys"]}
        self.manager = made["managementKeys"][0]["key"]

    def send(self, method: str, path: str, body: Any = None, application: int = 1, **headers: str) -> httpx.Response:
        key = self.keys[application, "none"]
        content = None if body is None else msgspec.json.encode(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, content=content, headers={**api_key(key), **named})

    def update(self, attributes: Any, query: str = "", **members: Any) -> httpx.Response:
        return self.send("PUT", f"/v2/customer_profiles/u{query}", {"attributes": attributes, **members})

    def profile(self, integration_id: str = "u") -> Any:
        answer = self.send("GET", f"/v1/customer_profiles/{integration_id}/inventory?profile=true")
        return answer.json().get("profile")

    def audience(self, **members: Any) -> Any:
        return self.send("POST", "/v2/audiences", {"name": "a", "integration": "i", **members})

    def attribute(self, **members: Any) -> httpx.Response:
        body = {"entity": "CustomerProfile", "title": "T", "type": "string", "editable": True, **members}
        body = {"description": "d", "suggestions": [], **body}
        return self.client.post("/v1/attributes", json=body, headers=management_key(self.manager))


def null_value(sent: Sent) -> Any:
    sent.update({"text": "a"})
    sent.update({"text": None})
    for platform, text, note in (("segment/v2/customer_profiles", "a", "n"), ("cdp/customer_profile", "b", None)):
        for value in (text, None):
            platform_send(sent, f"{platform}/{text}", {"attributes": {"text": value}})
        answer = segment(sent, "v2/customer_sessions/s", {"attributes": {"note": note}})
    session = answer.json()["customerSession"]["attributes"]
    return tuple(sent.profile(name)["attributes"] for name in "uab"), session


def quoted_number(sent: Sent) -> Any:
    return sent.update({"number": "-1.50"}).status_code, (sent.profile() or {}).get("attributes")


def problems_listed(sent: Sent) -> Any:
    return len(sent.update({"x": 1, "y": 2}).json()["errors"])


def restricted_value(sent: Sent) -> Any:
    return sent.update({"tier": "tin"}).status_code


def unsubscribed_attribute(sent: Sent) -> Any:
    body = {"attributes": {"two_only": "x"}}
    path = "/v2/customer_profiles/u"
    profiles = [sent.send("PUT", path, body, application).status_code for application in (1, 2)]
    values, old = {"two_only": "x"}, {"type": "string", "customerProfileId": "u"}
    item = {"sku": "s", "quantity": 1, "attributes": values}
    others = [
        segment(sent, "customer_profile/u", {"attributes": values}),
        segment(sent, "v2/customer_sessions/a", {"attributes": values}),
        segment(sent, "customer_sessions/b", {"customerSession": {"attributes": values}}),
        segment(sent, "v2/customer_sessions/c", {"cartItems": [item]}),
        segment(sent, "customer_sessions/d", {"customerSession": {"cartItems": [item]}}),
        segment(sent, "v2/events", {"eventType": "known", "eventAttributes": values}),
        segment(sent, "event", {"eventType": "known", "eventAttributes": values, **old}),
    ]
    return *profiles, *{answer.status_code for answer in others}


def profile_without_rules(sent: Sent) -> Any:
    return "customerProfile" in sent.update({}).json()


def profile_with_rules(sent: Sent) -> Any:
    asked = sent.update({}, "?runRuleEngine=1", responseContent=["customerProfile"]).json()
    return "customerProfile" in sent.update({}, "?runRuleEngine=1").json(), "customerProfile" in asked


def audiences_without_rules(sent: Sent) -> Any:
    number = sent.audience().json()["id"]
    sent.update({}, audiencesChanges={"adds": [number], "deletes": []})
    return len(sent.profile()["audienceMemberships"])


def unknown_audience(sent: Sent) -> Any:
    number = sent.audience().json()["id"]
    status = sent.update({}, audiencesChanges={"adds": [number, 999], "deletes": []}).status_code
    return status, len((sent.profile() or {}).get("audienceMemberships", ()))


def join_and_leave(sent: Sent) -> Any:
    number = sent.audience().json()["id"]
    sent.update({}, audiencesChanges={"adds": [number], "deletes": [number]})
    return len(sent.profile()["audienceMemberships"])


def audience_environment(sent: Sent) -> Any:
    return sent.audience(sandbox=False).json()["sandbox"]


def external_audience_id(sent: Sent) -> Any:
    return sent.audience(integrationId="abc").status_code, sent.audience(integrationId="ABC").status_code


def bulk_with_a_wrong_profile(sent: Sent) -> Any:
    profiles = [{"integrationId": "bad", "attributes": {"x": 1}}, {"integrationId": "u", "attributes": {"text": "a"}}]
    status = sent.send("PUT", "/v2/customer_profiles", {"customerProfiles": profiles}).status_code
    return status, sent.profile() is not None, sent.profile("bad")


def bulk_with_a_profile_twice(sent: Sent) -> Any:
    profiles = [{"integrationId": "u", "attributes": {"text": text}} for text in "ab"]
    return sent.send("PUT", "/v2/customer_profiles", {"customerProfiles": profiles}).status_code


def erased_memberships(sent: Sent) -> Any:
    number = sent.audience().json()["id"]
    sent.update({"text": "a"}, audiencesChanges={"adds": [number], "deletes": []})
    sent.send("DELETE", "/v1/customer_data/u")
    return sent.profile()["attributes"], len(sent.profile()["audienceMemberships"])


def no_new_attributes(sent: Sent) -> Any:
    return sent.send("PUT", "/v2/integration/multiple_attributes", {"attributes": []}).json()["attributes"]


def replay_of_another_body(sent: Sent) -> Any:
    for text in "ab":
        sent.send("PUT", "/v2/customer_profiles/u", {"attributes": {"text": text}}, idempotency_key="k")
    return sent.profile()["attributes"]["text"]


def replay_of_a_refusal(sent: Sent) -> Any:
    def again() -> int:
        body = {"attributes": {"later": "x"}}
        return sent.send("PUT", "/v2/customer_profiles/u", body, idempotency_key="k").status_code

    first = again()
    sent.attribute(name="later")
    return first, again()


def replay_scope(sent: Sent) -> Any:
    for name in "uv":
        sent.send("PUT", f"/v2/customer_profiles/{name}", {"attributes": {}}, idempotency_key="k")
    return sent.profile("v") is not None


def taken_attribute(sent: Sent) -> Any:
    return sent.attribute(name="text").status_code


def platform_key_on_the_deployment(sent: Sent) -> Any:
    headers = api_key(sent.keys[1, "segment"])
    ping = sent.client.get("/v2/authping", headers=headers).status_code
    return ping, sent.client.put("/v2/customer_profiles/u", json={}, headers=headers).status_code


def updated_attribute(sent: Sent) -> Any:
    made = sent.attribute(name="changing", title="T1").json()
    wanted = {**made, "title": "T2", "description": "new"}
    path = f"/v1/attributes/{made['id']}"
    changed = sent.client.put(path, json=wanted, headers=management_key(sent.manager)).json()
    return changed["description"], changed["title"]


def omitted_session_state(sent: Sent) -> Any:
    for body in ({"state": "closed"}, {}):
        answer = segment(sent, "v2/customer_sessions/s", body)
    return answer.json()["customerSession"]["state"] if answer.status_code == 200 else answer.status_code


def unknown_audience_of_a_membership(sent: Sent) -> Any:
    one = segment(sent, "customer_profiles/u/audiences", {"data": {"adds": ["nowhere"]}})
    many = segment(sent, "v2/customer_profiles/audiences", {"data": [{"customerProfileId": "u", "adds": ["x"]}]})
    named = "ID nowhere" in one.text and "ID x" in many.text
    return one.status_code, many.status_code, named


def key_of_another_platform(sent: Sent) -> Any:
    headers = {**api_key(sent.keys[1, "customer_data"]), "destination-hostname": "demo"}
    return sent.client.put("/segment/v2/customer_profiles/u", json={}, headers=headers).status_code


def segment(sent: Sent, path: str, body: Any) -> httpx.Response:
    return platform_send(sent, f"segment/{path}", body)


def platform_send(sent: Sent, path: str, body: Any) -> httpx.Response:
    key = sent.keys[1, "segment" if path.startswith("segment/") else "customer_data"]
    headers = {"destination-hostname": "demo", "customer-data-platform-name": "shop"}
    return sent.client.put(f"/{path}", json=body, headers={**api_key(key), **headers})


def inferred_time(sent: Sent) -> Any:
    answer = segment(sent, "customer_profile/u", {"attributes": {"late": "2030-01-31T00:00:00Z", "soon": "soon"}})
    return [attribute["type"] for attribute in answer.json()["createdAttributes"]]


def unknown_event_type(sent: Sent) -> Any:
    current = segment(sent, "v2/events", {"eventType": "visit", "customerProfileId": "u"})
    old = {"eventType": "visit", "type": "string", "customerProfileId": "u", "eventAttributes": {"page": "x"}}
    return current.status_code, segment(sent, "event", old).status_code, sent.profile() is not None


def attributes_of_applications(sent: Sent) -> Any:
    answer = sent.client.get("/v1/attributes?applicationIds=1", headers=management_key(sent.manager))
    names = {attribute["name"] for attribute in answer.json()["data"]}
    return "text" in names, "two_only" in names


# What comes of a scenario, choice by choice in the order of the table.
SCENARIOS: dict[str, tuple[Callable[[Sent], Any], tuple[Any, ...]]] = {
    "null-value": (null_value, ((({}, {}, {}), {}), (({"text": "a"}, {"text": "a"}, {}), {}))),
    "quoted-number": (quoted_number, ((400, None), (200, {"number": -1.5}))),
    "problems-listed": (problems_listed, (2, 1)),
    "restricted-value": (restricted_value, (400, 200)),
    "unsubscribed-attribute": (unsubscribed_attribute, ((200, 200, 200), (400, 200, 400))),
    "profile-without-rules": (profile_without_rules, (True, False)),
    "profile-with-rules": (profile_with_rules, ((False, True), (True, True))),
    "audiences-without-rules": (audiences_without_rules, (1, 0)),
    "unknown-audience": (unknown_audience, ((400, 0), (200, 1))),
    "join-and-leave": (join_and_leave, (0, 1)),
    "audience-environment": (audience_environment, (True, False)),
    "external-audience-id": (external_audience_id, ((201, 201), (201, 409))),
    "bulk-with-a-wrong-profile": (bulk_with_a_wrong_profile, ((400, False, None), (400, True, None))),
    "bulk-with-a-profile-twice": (bulk_with_a_profile_twice, (204, 400)),
    "erased-memberships": (erased_memberships, (({}, 1), ({}, 0))),
    "no-new-attributes": (no_new_attributes, (None, [])),
    "replay-of-another-body": (replay_of_another_body, ("a", "b")),
    "replay-of-a-refusal": (replay_of_a_refusal, ((400, 200), (400, 400))),
    "replay-scope": (replay_scope, (True, False)),
    "taken-attribute": (taken_attribute, (409, 400)),
    "platform-key-on-the-deployment": (platform_key_on_the_deployment, ((204, 200), (204, 401))),
    "key-of-another-platform": (key_of_another_platform, (401, 403)),
    "attributes-of-applications": (attributes_of_applications, ((True, False), (True, True))),
    "updated-attribute": (updated_attribute, (("new", "T1"), ("new", "T2"))),
    "omitted-session-state": (omitted_session_state, ("closed", 400)),
    "unknown-audience-of-a-membership": (unknown_audience_of_a_membership, ((404, 404, True), (200, 204, False))),
    "inferred-time": (inferred_time, (["string", "string"], ["time", "string"])),
    "unknown-event-type": (unknown_event_type, ((400, 400, False), (200, 200, True))),
}


@pytest.mark.parametrize(("assumption", "choice"), ALL)
def test_a_choice_is_what_happens(emulator: Emulator, assumption: str, choice: str) -> None:
    scenario, outcomes = SCENARIOS[assumption]
    expected = dict(zip([name for of, name in ALL if of == assumption], outcomes, strict=True))
    sent = Sent(emulator.client, assumption, choice)
    assert scenario(sent) == expected[choice]
    assert emulator.client.delete(f"/_emulator/deployments/{sent.name}").status_code == 204


@pytest.mark.parametrize(
    ("chosen", "place", "hint"),
    [
        ({"null-valeu": "keep"}, "/assumptions/null-valeu", "did you mean 'null-value'?"),
        ({"null-value": "drop"}, "/assumptions/null-value", "known are: delete, keep"),
    ],
)
def test_a_wrong_choice_is_refused_with_the_known_ones(
    emulator: Emulator, chosen: dict[str, str], place: str, hint: str
) -> None:
    answer = emulator.client.post("/_emulator/deployments", json={"assumptions": chosen})
    assert answer.status_code == 400
    assert place in answer.json()["error"]["message"]
    assert hint in answer.json()["error"]["hint"]


def test_where_null_is_documented_to_delete_it_does_whatever_is_chosen(emulator: Emulator) -> None:
    sent = Sent(emulator.client, "null-value", "keep")
    sent.update({"text": "a"})
    headers = {
        **api_key(sent.keys[1, "customer_data"]),
        "destination-hostname": "demo",
        "customer-data-platform-name": "cdp",
    }
    body = {"attributes": {"text": None}}
    assert sent.client.put("/cdp/customer_profile/u", json=body, headers=headers).status_code == 200
    assert sent.profile()["attributes"] == {}
    assert emulator.client.delete(f"/_emulator/deployments/{sent.name}").status_code == 204


def test_an_unsubscribed_attribute_is_refused_in_a_session_too(emulator: Emulator) -> None:
    sent = Sent(emulator.client, "unsubscribed-attribute", "refuse")
    assert sent.attribute(name="q", entity="CustomerSession", subscribedApplicationsIds=[2]).status_code == 201
    assert segment(sent, "v2/customer_sessions/s", {"attributes": {"q": "1"}}).status_code == 400
    assert segment(sent, "v2/customer_sessions/s", {"attributes": {}}).status_code == 200
    assert emulator.client.delete(f"/_emulator/deployments/{sent.name}").status_code == 204
