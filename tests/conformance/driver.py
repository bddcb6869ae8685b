"""The conformance run: every emulated operation against the documents that describe it, and a table of what came."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance import cases, documents
from conformance.cases import Case
from conformance.documents import Document, Documented
from conformance.drawing import Drawer
from conformance.judging import Judge
from emulator_support import api_key, management_key
from talon_emulator import catalogue
from talon_emulator.auth import Security
from talon_emulator.calls import Operation
from talon_emulator.seed import ApplicationSeed, AttributeSeed, DeploymentSeed, KeySeed, ManagementKeySeed, UserSeed

PLAIN_KEY, SEGMENT_KEY, CDP_KEY, MANAGEMENT_KEY = "1a" * 32, "1b" * 32, "1c" * 32, "2a" * 32
USER = UserSeed("ada@example.com", "secret")
SEED = DeploymentSeed(
    applications=(
        ApplicationSeed(
            id=1,
            name="Store",
            api_keys=(
                KeySeed("plain", PLAIN_KEY),
                KeySeed("Segment", SEGMENT_KEY, "segment"),
                KeySeed("data platform", CDP_KEY, "customer_data"),
            ),
        ),
    ),
    management_keys=(ManagementKeySeed("manager", MANAGEMENT_KEY),),
    users=(USER,),
    attributes=(
        AttributeSeed("text", "string"),
        AttributeSeed("number", "number"),
        AttributeSeed("flag", "boolean"),
        AttributeSeed("texts", "(list string)"),
        AttributeSeed("page", "string", "Event", event_type="visit"),
    ),
)
PROFILES = ("ada", "bob/€")
AUDIENCES = ("first", "second")  # of each platform, by its own ids
PLATFORM = "Shop data"
ATTRIBUTES: SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        "number": st.integers() | st.none(),
        "flag": st.booleans(),
        "texts": st.lists(st.text("ab", max_size=2), max_size=2),
    },
)
# What exists in the deployment, so that requests reach more than a refusal.
KNOWN: dict[str, SearchStrategy[Any]] = {
    "attributes": ATTRIBUTES,
    "integrationId": st.sampled_from(PROFILES),
    "customerProfileId": st.sampled_from(PROFILES),
    "applicationId": st.just(1),
    "attributeId": st.sampled_from([1, 2]),
    "customerId": st.just(1),
    "sessionId": st.just(1),
    "audienceId": st.sampled_from([1, 2]),
    "sort": st.sampled_from(["id", "-id", ""]),
    "skip": st.integers(0, 2),
    "audienceIds": st.sampled_from(["1", "1,2", "2,9"]),
    "eventType": st.just("visit"),
    "eventAttributes": st.fixed_dictionaries({}, optional={"page": st.none() | st.text("ab/", max_size=3)}),
    "customer-data-platform-name": st.just(PLATFORM),
    "destination-hostname": st.sampled_from(["shop.europe-west1.talon.one", "https://shop.europe-west1.talon.one/"]),
}
_BY_NUMBER = st.lists(st.sampled_from([1, 2]), max_size=2)
_BY_NAME = st.lists(st.sampled_from(AUDIENCES), max_size=2)
_MOVES: dict[str, SearchStrategy[Any]] = {
    "updateCustomerProfile": _BY_NUMBER,
    "v2/updateCustomerProfile": _BY_NUMBER,
    "updateCustomerProfilesAudiences": _BY_NUMBER,
    "updateCustomerProfileAudiences": _BY_NAME,
    "v2/updateCustomerProfilesAudiences": _BY_NAME,
}
# What only some entities have, and what no list has twice.
_PLACED: dict[str, SearchStrategy[Any]] = {
    "allowedSubscriptions": st.just([]),
    "subscribedApplicationsIds": st.lists(st.integers(1, 9), max_size=3, unique=True),
}
# The same for one operation: whoever changes a definition has to name it as it is.
KNOWN_TO: dict[str, dict[str, SearchStrategy[Any]]] = {
    "createAttribute": {"entity": st.just("Event"), **_PLACED},
    "updateAttribute": {
        **_PLACED,
        "eventType": st.just(""),
        "attributeId": st.just(1),
        "entity": st.just("CustomerProfile"),
        "name": st.just("text"),
        "type": st.just("string"),
    },
    "importAllowedList": {"upFile": st.sampled_from(["item\n", "item\na\nb\n"])},
    "importAudiencesMemberships": {"upFile": st.sampled_from(["profileintegrationid\nada\n"])},
    "getAccessLogsWithoutTotalCount": {"sort": st.sampled_from(["time", "-status"])},
    "getApplicationEventTypes": {"sort": st.sampled_from(["type", "-type"])},
    "getAudiencesAnalytics": {"sort": st.sampled_from(["audienceId", "-membersCount"])},
    "createSession": {"email": st.just(USER.email), "password": st.just(USER.password)},
    **{f"{host}/{name}": {"adds": ids, "deletes": ids} for host in ("segment", "cdp") for name, ids in _MOVES.items()},
    **{
        f"{host}/{name}": {"audienceId": st.sampled_from(AUDIENCES)}
        for host in ("segment", "cdp")
        for name in ("updateAudience", "deleteAudience")
    },
}
_HEADERS: dict[Security, dict[str, str]] = {
    "integration": api_key(PLAIN_KEY),
    "management": management_key(MANAGEMENT_KEY),
    "segment": api_key(SEGMENT_KEY),
    "customer_data": api_key(CDP_KEY),
}


@dataclass
class Outcome:
    """What came of the requests to one operation; a finding goes with the first request that showed it.

    `succeeded` counts the requests that the document allows and the emulator carried out.
    """

    document: str
    operation: str
    statuses: Counter[int] = field(default_factory=Counter)
    succeeded: int = 0
    findings: dict[str, Case] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)


def emulated(document: Document, operations: Iterable[Operation]) -> Iterator[tuple[Documented, Operation]]:
    """Yield the operations of a document that are emulated."""
    routes = {catalogue.route(operation): operation for operation in operations}
    for documented in document.operations():
        route = catalogue.route(catalogue.Documented("", documented.method, documented.template, documented.id))
        if route in routes:
            yield documented, routes[route]


def run(client: httpx.Client, document: Document, documented: Documented, security: Security, most: int) -> Outcome:
    """Send at most `most` requests of each kind to one operation of a freshly prepared emulator."""
    outcome = Outcome(document.name, documented.id)
    judge, drawer = Judge(document, documented), Drawer(document, KNOWN | KNOWN_TO.get(documented.id, {}))
    prepare(client)

    def send(case: Case) -> None:
        key = {} if case.kind == "key" else _HEADERS.get(security, {})
        answer = client.request(case.method, case.target, headers={**case.headers, **key}, content=case.body)
        outcome.statuses[answer.status_code] += 1
        outcome.succeeded += case.kind == "valid" and answer.status_code < 300
        content_type = answer.headers.get("content-type", "")
        for complaint in judge.complaints(case, answer.status_code, content_type, answer.content):
            if complaint.is_excused:
                outcome.excused.add(complaint.text)
            else:
                outcome.findings.setdefault(complaint.text, case)

    for drawn in cases.of_operation(documented, drawer):
        _each(drawn, most, send)
    if not outcome.succeeded:
        outcome.findings["no request succeeded: what is asked for does not exist"] = Case("valid", "", "")
    return outcome


def prepare(client: httpx.Client) -> None:
    """Bring the emulator back to its seed, with a few customers, audiences, and a session and an event of one."""
    client.post("/_emulator/reset").raise_for_status()
    for profile in PROFILES:
        path = f"/v2/customer_profiles/{quote(profile, safe='')}"
        client.put(path, json={"attributes": {"text": "a"}}, headers=api_key(PLAIN_KEY)).raise_for_status()
    for integration in ("x", "segment", PLATFORM):
        for name in AUDIENCES:
            audience = {"name": name, "integration": integration, "integrationId": name}
            client.post("/v2/audiences", json=audience, headers=api_key(PLAIN_KEY))
    session = {"profileId": PROFILES[0], "cartItems": [{"name": "Shoe", "sku": "1", "quantity": 2, "price": 9.99}]}
    event = {"customerProfileId": PROFILES[0], "eventType": "visit", "eventAttributes": {"page": "start"}}
    for path, sent in (("customer_sessions/first", session), ("events", event)):
        headers = {**api_key(SEGMENT_KEY), "destination-hostname": "shop.europe-west1.talon.one"}
        client.put(f"/segment/v2/{path}", json=sent, headers=headers).raise_for_status()


def table(outcomes: Iterable[Outcome]) -> str:
    """Return a line for each operation, and the findings below."""
    outcomes = list(outcomes)
    width = max((len(outcome.operation) for outcome in outcomes), default=0)
    lines = []
    for outcome in outcomes:
        statuses = " ".join(f"{status}×{count}" for status, count in sorted(outcome.statuses.items()))
        verdict = f"{len(outcome.findings)} broken" if outcome.findings else "kept"
        lines.append(f"{outcome.operation:{width}}  {verdict:9}  {statuses}")
    for outcome in outcomes:
        for text, case in outcome.findings.items():
            lines.append(
                f"\n{outcome.document}, {outcome.operation}: {text}\n  {case.method} {case.target} {case.body!r}"
            )
        lines.extend(
            f"\n{outcome.operation}: the document contradicts itself, {text}" for text in sorted(outcome.excused)
        )
    return "\n".join(lines) + "\n"


def read(folder: Path) -> list[Document]:
    """Read every document of a folder. Raises Unreadable."""
    return [documents.load(path) for path in documents.in_folder(folder)]


def _each(drawn: SearchStrategy[Case], most: int, send: Any) -> None:
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn)
    def draw(case: Case) -> None:
        send(case)

    draw()
