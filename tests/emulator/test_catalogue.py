"""The catalogue of documented operations: what is not emulated says so, in the shape of its host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import documents
from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, Emulator, api_key, management_key, running
from talon_emulator import catalogue, operations
from talon_emulator.calls import Call, Operation
from talon_emulator.catalogue import DOCUMENTED, Documented
from talon_emulator.deployments import Partner
from talon_emulator.exchange import NO_CONTENT, Answer
from talon_emulator.seed import ApplicationSeed, DeploymentSeed, KeySeed, ManagementKeySeed
from talon_emulator.settings import Settings

PARTNERS: dict[str, Partner] = {
    "segment": "segment",
    "cdp": "customer_data",
    "braze": "braze",
    "customer_engagement": "customer_engagement",
    "emarsys": "emarsys",
    "iterable": "iterable",
    "mparticle": "mparticle",
    "shopify": "shopify",
}
EMULATED = {catalogue.route(operation) for operation in operations.EMULATED}
MISSING = [documented for documented in DOCUMENTED if catalogue.route(documented) not in EMULATED]


def partner_key(api: str) -> str:
    return f"key-of-{api}"


@pytest.fixture(scope="module")
def partners() -> Iterator[Emulator]:
    """An emulator with a key for each partner."""
    keys = tuple(KeySeed(api, partner_key(api), platform) for api, platform in PARTNERS.items())
    seed = DeploymentSeed(
        applications=(ApplicationSeed(1, "Store", api_keys=(KeySeed("plain", SANDBOX_KEY), *keys)),),
        management_keys=(ManagementKeySeed("manager", MANAGEMENT_KEY),),
    )
    with running(Settings(deployment=seed)) as emulator:
        yield emulator


def credentials(api: str) -> dict[str, str]:
    if api == "management":
        return management_key(MANAGEMENT_KEY)
    return api_key(SANDBOX_KEY if api == "integration" else partner_key(api))


@pytest.mark.parametrize("documented", MISSING, ids=lambda documented: documented.id)
def test_what_is_not_emulated_answers_501_and_says_its_name(partners: Emulator, documented: Documented) -> None:
    path = documented.template.replace("{", "").replace("}", "")
    answer = partners.client.request(documented.method, path, headers=credentials(documented.api))
    assert answer.status_code == 501, answer.text
    shown = answer.json()
    words = shown["Error"] if documented.api in PARTNERS else shown["message"]
    assert words == f"The emulator does not emulate {documented.id} ({documented.method} {documented.template})"
    assert shown["StatusCode"] == 501
    members = (
        ["StatusCode", "Error", "RequestUUID"] if documented.api in PARTNERS else ["message", "errors", "StatusCode"]
    )
    assert list(shown) == members
    assert partners.journal("?limit=1")[0]["operation"] == documented.id


def test_something_is_emulated_and_something_is_not() -> None:
    assert MISSING
    assert len(MISSING) < len(DOCUMENTED)


def test_the_catalogue_has_each_operation_once() -> None:
    assert len({documented.id for documented in DOCUMENTED}) == len(DOCUMENTED)
    assert len({catalogue.route(documented) for documented in DOCUMENTED}) == len(DOCUMENTED)


async def nothing(call: Call) -> Answer:
    return NO_CONTENT


def test_an_emulated_operation_wins_whatever_it_calls_its_parameters() -> None:
    mine = Operation("mine", "PUT", "/v1/attributes/{number}", "management", nothing)
    assert "updateAttribute" not in {operation.id for operation in catalogue.missing([mine])}
    assert "getAttribute" in {operation.id for operation in catalogue.missing([mine])}


@pytest.mark.skipif(not documents.paths(), reason=documents.NO_SPECS)
@pytest.mark.parametrize("path", documents.paths(), ids=lambda path: path.stem)
def test_the_catalogue_has_what_a_document_has(path: Path) -> None:
    theirs = {
        (o.id, *catalogue.route(Documented("", o.method, o.template, o.id))) for o in documents.load(path).operations()
    }
    ours = {(o.id, *catalogue.route(o)): o.api for o in DOCUMENTED}
    assert theirs <= ours.keys()
    apis = {ours[operation] for operation in theirs}
    assert theirs == {operation for operation, api in ours.items() if api in apis}
