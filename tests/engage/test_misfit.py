"""Definitions held against the deployment: what does not fit, the hint that mends it, and when it cannot be told."""

import asyncio
import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from answer_server import answering, http, listing
from emulator_support import MANAGEMENT_KEY, SANDBOX_KEY, SEED, Emulator, running
from localtalon.cli import main
from localtalon.management_client import KEY_VARIABLE
from talon_bridge.engage.computations import VALUE_TYPES, Computation
from talon_bridge.engage.misfit import KEPT, PAGE, Definitions, Misfit, Unreachable, judge
from talon_emulator.seed import AttributeSeed, EndpointSeed, ManagementKeySeed
from talon_emulator.settings import Settings

ELSEWHERE_KEY = "2c" * 32
ELSEWHERE = ManagementKeySeed("elsewhere", ELSEWHERE_KEY, endpoints=(EndpointSeed("GET", "/v1/applications"),))
DEPLOYMENT = msgspec.structs.replace(SEED, management_keys=(*SEED.management_keys, ELSEWHERE))
BUYERS = Computation("buyers", "audience", "Buyers", "buyers")
FITTING = Computation("flag", "audience", "Flag", "flag")


class Watch:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    with running(Settings(deployment=DEPLOYMENT, limits="off")) as emulator:
        yield emulator


@pytest.fixture(name="emulator")
def in_its_seeded_state(served: Emulator) -> Iterator[Emulator]:
    served.reset()
    yield served
    served.reset()


def trait(key: str, kind: Any = "number") -> Computation:
    return Computation(key, "computed_trait", f"The {key}", key, kind)


def found(url: str, computation: Computation, key: str = MANAGEMENT_KEY, timeout: float = 10) -> Misfit | None:
    return asyncio.run(Definitions(url, key, timeout).misfit(computation))


def obey(hint: str, folder: Path) -> str:
    """Do what a hint says, in a folder of its own, and say yes where it asks; the name of the attribute it makes."""
    table = re.search(r'add (\[\[.+\]\]) with (name = "(.+?)") and (type = ".+?") to the config', hint)
    command = re.search(r"run `localtalon (.+?)`", hint)
    assert table, hint
    assert command, hint
    assert KEY_VARIABLE in hint
    (folder / "localtalon.toml").write_text(f"{table[1]}\n{table[2]}\n{table[4]}\n")
    with contextlib.chdir(folder):
        done = CliRunner().invoke(main, [*shlex.split(command[1]), "--yes"], env={KEY_VARIABLE: MANAGEMENT_KEY})
    assert done.exit_code == 0, done.output
    return table[3]


def test_what_fits_is_no_misfit(emulator: Emulator) -> None:
    assert found(emulator.url, FITTING) is None
    assert found(emulator.url + "/", FITTING) is None
    kinds = {"text": "string", "number": "number", "moment": "time", "texts": "(list string)"}
    kinds |= {"numbers": "(list number)", "moments": "(list time)", "Name": "string"}
    for key, kind in kinds.items():
        assert found(emulator.url, trait(key, kind)) is None


def test_a_missing_attribute_is_mended_by_the_hint(emulator: Emulator, tmp_path: Path) -> None:
    misfit = found(emulator.url, BUYERS)
    assert misfit is not None
    what = "audience 'Buyers' has the key 'buyers', which is not defined on CustomerProfile"
    assert misfit.message == f"{what}: each of its calls will be refused"
    assert obey(misfit.hint, tmp_path) == "buyers"
    assert found(emulator.url, BUYERS) is None
    assert emulator.update("u", {"buyers": True}).status_code == 200


@pytest.mark.parametrize("kind", VALUE_TYPES)
def test_a_missing_attribute_of_each_type_is_mended(emulator: Emulator, tmp_path: Path, kind: str) -> None:
    misfit = found(emulator.url, trait("fresh", kind))
    assert misfit is not None
    obey(misfit.hint, tmp_path)
    assert found(emulator.url, trait("fresh", kind)) is None


def test_a_name_in_another_case_is_told_with_the_key_that_fits(emulator: Emulator) -> None:
    computation = Computation("flag", "audience", "Flag", "Flag")
    misfit = found(emulator.url, computation)
    assert misfit is not None
    assert "not defined on CustomerProfile; 'flag' is, and differs in case: each of its calls" in misfit.message
    named = re.search(r'under another id with the key "(.+)"', misfit.hint)
    assert named
    assert found(emulator.url, msgspec.structs.replace(computation, id="other", key=named[1])) is None


@pytest.mark.parametrize("key", ["text", "TEXT"])
def test_another_type_is_told_and_mended_under_another_key(emulator: Emulator, tmp_path: Path, key: str) -> None:
    computation = Computation("text", "audience", "Text", key)
    misfit = found(emulator.url, computation)
    assert misfit is not None
    assert misfit.hint.startswith("types never change: ")
    name = obey(misfit.hint, tmp_path)
    assert misfit.hint.endswith(f'and define the audience under another id with the key "{name}"')
    assert found(emulator.url, msgspec.structs.replace(computation, id="other", key=name)) is None


def test_another_type_is_called_by_its_name(emulator: Emulator) -> None:
    misfit = found(emulator.url, Computation("text", "audience", "Text", "text"))
    assert misfit is not None
    what = "audience 'Text' sends boolean values to 'text', which is a string in Talon.One"
    assert misfit.message == f"{what}: each of its calls will be refused"


def test_an_attribute_of_another_entity_is_none(emulator: Emulator) -> None:
    misfit = found(emulator.url, trait("cart_note", "string"))
    assert misfit is not None
    assert "not defined on CustomerProfile" in misfit.message


def test_the_deployment_of_the_demo_is_asked_as_well() -> None:
    with running(Settings()) as demo:
        key = "order_completed_last_30days"
        assert found(demo.url, Computation("b", "audience", "B", key), "b2" * 32) is None
        assert found(demo.url, trait("lifetime_value"), " " + "b2" * 32 + "\n") is None
        assert found(demo.url, trait("vip"), "b2" * 32) is not None


def test_names_that_are_taken_are_not_proposed() -> None:
    types = {"a": "string", "A_Number": "string", "a_number_2": "string"}
    misfit = judge(trait("a"), types, "https://demo.talon.one")
    assert misfit is not None
    assert 'name = "a_number_3"' in misfit.hint
    listed = judge(trait("a", "(list time)"), types, "https://demo.talon.one")
    assert listed is not None
    assert 'name = "a_list_time" and type = "(list time)"' in listed.hint


def test_every_page_is_read() -> None:
    many = tuple(AttributeSeed(f"a{number}", "number") for number in range(PAGE + 5))
    deployment = msgspec.structs.replace(DEPLOYMENT, attributes=many)
    with running(Settings(deployment=deployment, limits="off")) as emulator:
        assert found(emulator.url, trait("a0")) is None
        assert found(emulator.url, trait(f"a{PAGE + 4}")) is None
        assert len(asked(emulator)) == 4


def asked(emulator: Emulator) -> list[dict[str, Any]]:
    return emulator.journal("?path=/v1/attributes&limit=1000")


def test_a_hundred_definitions_ask_once(emulator: Emulator) -> None:
    watch = Watch()

    async def work() -> None:
        definitions = Definitions(emulator.url, MANAGEMENT_KEY, 10, watch.now)
        for _ in range(50):
            assert await definitions.misfit(FITTING) is None
        together = await asyncio.gather(*(definitions.misfit(trait("number")) for _ in range(50)))
        assert together == [None] * 50
        assert len(asked(emulator)) == 1
        watch.seconds += KEPT
        await definitions.misfit(FITTING)
        assert len(asked(emulator)) == 1
        watch.seconds += 0.01
        await definitions.misfit(FITTING)
        assert len(asked(emulator)) == 2

    asyncio.run(work())


def test_what_was_mended_a_moment_ago_fits(emulator: Emulator) -> None:
    watch = Watch()

    async def work() -> None:
        definitions = Definitions(emulator.url, MANAGEMENT_KEY, 10, watch.now)
        assert await definitions.misfit(BUYERS) is not None
        watch.seconds += 0.001
        body = {"entity": "CustomerProfile", "name": "buyers", "title": "buyers", "type": "boolean"}
        made = emulator.manage(
            "POST", "/v1/attributes", {**body, "description": "", "suggestions": [], "editable": True}
        )
        assert made.status_code == 201
        assert await definitions.misfit(BUYERS) is None

    asyncio.run(work())


def test_within_the_limit_many_misfits_are_told_from_what_is_known(emulator: Emulator) -> None:
    emulator.client.post("/_emulator/clock/freeze")
    assert emulator.client.post("/_emulator/limits", json={"limits": {"management": 3}}).status_code == 200
    watch = Watch()

    async def work() -> None:
        definitions = Definitions(emulator.url, MANAGEMENT_KEY, 10, watch.now)
        for number in range(20):
            assert await definitions.misfit(trait(f"nobody{number}")) is not None
            watch.seconds += 0.001
        assert [entry["status"] for entry in asked(emulator)] == [429, 200, 200, 200]
        watch.seconds += 2 * KEPT
        with pytest.raises(Unreachable, match="429; something else uses up its limit"):
            await definitions.misfit(BUYERS)

    asyncio.run(work())


def test_who_does_not_answer_is_not_asked_for_a_while() -> None:
    watch = Watch()
    seen: list[bytes] = []

    def answer(request: bytes) -> bytes:
        seen.append(request)
        return http("500 Broken", "{}") if len(seen) == 1 else listing({"name": "flag", "type": "boolean"})

    async def work(url: str) -> None:
        definitions = Definitions(url, MANAGEMENT_KEY, 10, watch.now)
        for _ in range(3):
            with pytest.raises(Unreachable, match="HTTP 500"):
                await definitions.misfit(FITTING)
        assert len(seen) == 1
        watch.seconds += KEPT
        assert await definitions.misfit(FITTING) is None

    with answering(answer) as url:
        asyncio.run(work(url))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (SANDBOX_KEY, "HTTP 401; the Management API key is not valid there"),
        (ELSEWHERE_KEY, "HTTP 403; the Management API key may not GET /v1/attributes"),
        ("a\nb", "it holds what no header may"),
    ],
)
def test_a_key_that_does_not_open_is_told_without_it(emulator: Emulator, key: str, says: str) -> None:
    with pytest.raises(Unreachable) as raised:
        found(emulator.url, BUYERS, key)
    assert says in str(raised.value)
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (http("200 OK", "<html>", "text/html"), "is not Talon.One's Management API"),
        (http("200 OK", '{"data": []}'), "is not Talon.One's Management API"),
        (http("200 OK", '{"data": [{"name": 1}], "totalResultSize": 1}'), "is not Talon.One's Management API"),
        (http("200 OK", '{"data": [], "totalResultSize": "\\ud800'), "is not Talon.One's Management API"),
        (http("302 Found", "", extra="location: http://127.0.0.1:9/\r\n"), "HTTP 302"),
        (http("404 Not Found", "{}"), "HTTP 404"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", "no deployment answers"),
        (b"SSH-2.0\r\n\r\n", "no deployment answers"),
        (b"", "no deployment answers"),
        (lambda _: None, "gives no complete answer within 0.2 s"),
    ],
)
def test_what_is_no_talon_one_is_told(answer: Any, says: str) -> None:
    with answering(answer) as url, pytest.raises(Unreachable, match=re.escape(says)) as raised:
        found(url, BUYERS, timeout=0.2)
    assert url in str(raised.value)


def test_an_endless_list_is_not_read_to_its_end() -> None:
    def answer(request: bytes) -> bytes:
        return http("200 OK", '{"totalResultSize": 1, "data": [' + " " * (16 * 1024 * 1024) + "]}")

    with answering(answer) as url, pytest.raises(Unreachable, match="more than 16777216 bytes"):
        found(url, BUYERS)


def test_a_list_that_never_comes_to_its_end_is_left() -> None:
    item = '{"id": 1, "name": "flag", "entity": "CustomerProfile", "type": "boolean"}'
    with answering(http("200 OK", f'{{"totalResultSize": 9, "data": [{item}]}}')) as url:
        assert found(url, FITTING) is None


def test_nobody_there_is_told() -> None:
    with pytest.raises(Unreachable, match=re.escape("no deployment answers at http://127.0.0.1:9 ")):
        found("http://127.0.0.1:9", BUYERS)
