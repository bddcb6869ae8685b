"""A comparison touches nothing but what is named, asks first, and cleans up behind itself, whatever ends it."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from contracts_support import serving
from emulator_support import Emulator, running
from localtalon.cli import main
from localtalon.parity import ENTRIES, announced, entries_at
from localtalon.parity_access import THIRD_PARTY
from localtalon.parity_command import listen, parity
from localtalon.parity_manifest import site
from parity_support import (
    ENVIRONMENT,
    KEY,
    LIVE_KEY,
    MANAGEMENT_KEY,
    OTHER_KEY,
    PREPARED,
    WITHOUT_LIMITS,
    arguments,
    audiences,
    command,
    customers,
    prepared,
    relayed,
    started,
    wish,
)
from talon_contracts.parity import PROBES
from talon_contracts.parity.belongings import Belonging
from talon_contracts.parity.bench import bench_on
from talon_contracts.parity.observation import Seen, Unknown, observe
from talon_contracts.parity.sweep import sweep
from talon_contracts.reports.text import counted
from talon_contracts.targets import CannotJudge
from talon_emulator.limits import Limits
from talon_emulator.settings import Settings

NO_DEPLOYMENT = "http://127.0.0.1:9"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with running(Settings(deployment=PREPARED, limits="off")) as made:
        yield made


def run(folder: Path, line: list[str], **environment: str | None) -> Result:
    """The command in this process; nothing of it goes on to the comparison itself."""
    named = ["--manifest", str(folder / "manifest")]
    return CliRunner().invoke(main, [*line, *named], env={**ENVIRONMENT, **environment})


def untouched(emulator: Emulator) -> bool:
    """Whether nothing was made and nothing was changed."""
    written = [each for each in emulator.journal("?limit=1000") if each["method"] != "GET"]
    return written == [] and customers(emulator) == {}


@pytest.mark.parametrize(
    ("more", "environment", "complaint"),
    [
        ((), {"LOCALTALON_API_KEY": None}, "LOCALTALON_API_KEY is not set"),
        ((), {"LOCALTALON_MANAGEMENT_KEY": None}, "LOCALTALON_MANAGEMENT_KEY is not set"),
        ((), {"LOCALTALON_MANAGEMENT_KEY": KEY}, "give a Management API key in LOCALTALON_MANAGEMENT_KEY"),
        ((), {"LOCALTALON_API_KEY": MANAGEMENT_KEY}, "does not know the key in LOCALTALON_API_KEY"),
        ((), {"LOCALTALON_API_KEY": "a b"}, "LOCALTALON_API_KEY cannot be sent"),
        ((), {"LOCALTALON_API_KEY": OTHER_KEY}, "belongs to Application 2"),
        ((), {"LOCALTALON_API_KEY": LIVE_KEY}, "belongs to Application 7"),
        (("--application", "7"), {"LOCALTALON_API_KEY": LIVE_KEY}, "is of the live environment"),
        (("--application", "5"), {}, "has no Application 5"),
        (("--prefix", ""), {}, "the prefix '' must be"),
        (("--prefix", "a/b-"), {}, "the prefix 'a/b-' must be"),
        (("--prefix", "a"), {}, "the prefix 'a' must be 3 to 50"),
        (("--prefix", "abc"), {}, "the prefix 'abc' must be"),
        (("--only", "nul-value"), {}, "did you mean 'null-value'?"),
        (("--deployment", "localhost:8900"), {}, "is no URL"),
        (("--deployment", NO_DEPLOYMENT), {}, f"no deployment answers at {NO_DEPLOYMENT}"),
        ((), {"LOCALTALON_THIRDPARTY_URL": "segment"}, "LOCALTALON_THIRDPARTY_URL 'segment' is no URL"),
        (("--deployment", f"http://user:{KEY}@127.0.0.1:9"), {}, "leave user and password out of the URL"),
        ((), {"LOCALTALON_THIRDPARTY_URL": f"http://user:{KEY}@x"}, "leave user and password out of the URL"),
    ],
)
def test_what_cannot_be_compared_is_left_alone(
    emulator: Emulator, tmp_path: Path, more: tuple[str, ...], environment: dict[str, str | None], complaint: str
) -> None:
    done = run(tmp_path, [*arguments(emulator.url, "--yes"), *more], **environment)
    assert (done.exit_code, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert not any(key in done.stderr for key in (KEY, MANAGEMENT_KEY, OTHER_KEY, LIVE_KEY))
    assert untouched(emulator)


def test_a_manifest_that_cannot_be_written_is_found_out_before_anybody_agrees(
    emulator: Emulator, tmp_path: Path
) -> None:
    done = run(tmp_path / "nowhere", arguments(emulator.url, "--yes"))
    assert done.exit_code == 2
    assert done.stderr.startswith("localtalon: the manifest ")
    assert "cannot be written" in done.stderr
    assert untouched(emulator)


def test_it_says_what_it_would_make_and_makes_it_only_when_somebody_agrees(emulator: Emulator, tmp_path: Path) -> None:
    done = run(tmp_path, arguments(emulator.url))
    assert done.exit_code == 2
    assert "Application 1 (Shop, sandbox)" in done.stderr
    assert "localtalon_parity_1_inferred" in done.stderr
    assert "names begin with localtalon_parity_1_" in done.stderr
    assert (
        "attributes whose names begin with localtalon_parity_x, which stay and are used once, for ATT-3" in done.stderr
    )
    assert "integration IDs begin with ci-" in done.stderr
    assert "say --yes" in done.stderr
    assert untouched(emulator)


def test_a_key_of_the_other_environment_is_found_out_with_one_customer(tmp_path: Path) -> None:
    """Where the access logs tell nothing."""
    with running(WITHOUT_LIMITS) as emulator, relayed(emulator.url) as (url, relay):
        silent = (200, b'{"hasMore":false,"data":[]}')
        relay.alter = lambda method, path, headers, status, body: silent if "logs" in path else (status, body)
        line = [*command(url, "--yes", "--json"), "--manifest", str(tmp_path / "manifest")]
        with started(tmp_path, line, LOCALTALON_API_KEY=LIVE_KEY) as process:
            out, _ = process.communicate(timeout=60)
        written = [each["integrationId"] for each in emulator.journal("?limit=1000") if each["method"] != "GET"]
    assert process.returncode == 2
    assert {(check["status"], "other environment" in check["reason"]) for check in json.loads(out)["checks"]} == {
        ("unjudged", True)
    }
    assert len(set(written)) == 1
    assert list(tmp_path.iterdir()) == []


async def html(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html>welcome</html>"})


def test_what_answers_html_is_no_deployment(tmp_path: Path) -> None:
    with serving(html) as url:
        done = run(tmp_path, arguments(url, "--yes"))
    assert done.exit_code == 2
    assert f"what answers at {url} is not Talon.One's Management API (200 b'<html>welcome</html>')" in done.stderr


def test_a_slow_deployment_is_given_up(emulator: Emulator, tmp_path: Path) -> None:
    fault = {"kind": "latency", "milliseconds": 800}
    assert emulator.client.post("/_emulator/faults", json=fault).status_code == 201
    done = run(tmp_path, arguments(emulator.url, "--yes", "--timeout", "0.2"))
    assert done.exit_code == 2
    assert "TimeoutError" in done.stderr


@pytest.mark.parametrize("assumption", PROBES)
def test_a_deployment_that_fails_leaves_everything_unknown(
    emulator_that_fails: tuple[Any, Any], assumption: str
) -> None:
    found, relay = emulator_that_fails
    relay.alter = lambda method, path, headers, status, body: (503, b"<html>try later</html>")
    assert isinstance(observe(PROBES[assumption], found.ground), Unknown)


@pytest.fixture(scope="module")
def emulator_that_fails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("parity")
    with (
        running(WITHOUT_LIMITS) as emulator,
        relayed(emulator.url) as (url, relay),
        prepared(wish(url, folder)) as found,
    ):
        yield found, relay


NEEDS = {
    "audience-environment": "--live",
    "largest-body": "--exceed-limits",
    "window-of-a-limit": "--exceed-limits",
    "client-of-a-limit": "--exceed-limits",
    "third-party-errors": "LOCALTALON_THIRDPARTY_URL",
    "inferred-time": "LOCALTALON_THIRDPARTY_URL",
    "omitted-session-state": "LOCALTALON_THIRDPARTY_URL",
    "session-pointers": "LOCALTALON_THIRDPARTY_URL",
}


@contextmanager
def real(url: str, folder: Path, third_party: str = "", **more: Any) -> Iterator[Any]:
    """A ground that does not know that it is an emulator's."""
    with relayed(url) as (relay_url, relay):
        hidden = relay.alter

        def alter(method: str, path: str, headers: dict[str, str], status: int, body: bytes) -> tuple[int, bytes]:
            return (404, b"{}") if path.startswith("/_emulator/") else hidden(method, path, headers, status, body)

        relay.alter = alter
        with prepared(wish(relay_url, folder, rate=1000.0, **more), {**ENVIRONMENT, THIRD_PARTY: third_party}) as found:
            yield found


def test_of_a_real_deployment_nothing_is_asked_that_could_harm(emulator: Emulator, tmp_path: Path) -> None:
    with real(emulator.url, tmp_path) as found:
        assert not found.ground.access.emulated
        for name, needs in NEEDS.items():
            seen = observe(PROBES[name], found.ground)
            assert isinstance(seen, Unknown)
            assert f"needs {needs}" in seen.reason
        entries, (note,) = entries_at(found.ground)
        assert {*ENTRIES} - {*entries} == {*note.partition(": ")[2].split(", ")}
        assert {"ATT-3 at Talon.One", "LIM-1 at Talon.One"} <= {*ENTRIES} - {*entries}
        assert announced(found.ground, ENTRIES) is None
        assert entries_at(found.ground, ["LIM-1 at Talon.One"]) == (("LIM-1 at Talon.One",), ())
        assert not [each for each in found.ground.ledger.kept if each.kind in ("attribute", "session")]
        bench = bench_on(found.ground, *found.paces)
        try:
            assert bench.levers is None
            assert bench.management is not None
            with pytest.raises(CannotJudge, match="cannot be deleted"):
                bench.management.define("x", "string")
            with pytest.raises(CannotJudge, match="does not begin with"):
                bench.talon_one.update("somebody", {})
            before, ours = found.ground.ledger.kept, f"{bench.tag()}/é"
            with pytest.raises(CannotJudge, match="'somebody' does not begin with"):
                bench.talon_one.update_all({ours: {}, "somebody": {}})
            assert found.ground.ledger.kept == before
            bench.talon_one.update(ours, {})
            bench.talon_one.update_all({f"{ours}1": {}, f"{ours}2": {}})
            noted = found.ground.ledger.kept[len(before) :]
            assert [each.name for each in noted] == [ours, f"{ours}1", f"{ours}2"]
        finally:
            bench.close()
    assert "somebody" not in customers(emulator)


def test_of_a_real_deployment_the_limits_themselves_are_tried_where_that_is_allowed(tmp_path: Path) -> None:
    limits = Limits(segment=20)  # which even a busy machine reaches
    with (
        running(Settings(deployment=PREPARED, limits=limits)) as emulator,
        real(emulator.url, tmp_path, emulator.url, exceed_limits=True) as found,
    ):
        assert observe(PROBES["window-of-a-limit"], found.ground) == Seen("sliding")
        assert observe(PROBES["client-of-a-limit"], found.ground) == Seen("application")
        found.ground.access = replace(found.ground.access, second_segment_key=None)
        seen = observe(PROBES["client-of-a-limit"], found.ground)
    assert isinstance(seen, Unknown)
    assert "needs LOCALTALON_SECOND_SEGMENT_KEY" in seen.reason


def begun(emulator: Emulator, folder: Path) -> "subprocess.Popen[str]":
    """A comparison that has made something and will be busy for long."""
    running_one = started(folder, command(emulator.url, "--yes", "--json", "--cases", "2000"))
    while not customers(emulator):
        assert running_one.poll() is None, running_one.communicate()
    return running_one


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_and_everything_is_removed(emulator: Emulator, tmp_path: Path, number: int) -> None:
    with begun(emulator, tmp_path) as running_one:
        running_one.send_signal(number)
        out, complaint = running_one.communicate(timeout=60)
    assert running_one.returncode == 2
    assert "Exception ignored" not in complaint
    assert "Traceback" not in complaint
    assert {check["status"] for check in json.loads(out)["checks"]} <= {"kept", "unjudged"}
    assert not any(customers(emulator).values())
    assert os.listdir(tmp_path) == []


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of signals back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_while_cases_are_drawn_an_interrupt_waits_for_the_next_request(emulator: Emulator, tmp_path: Path) -> None:
    with prepared(wish(emulator.url, tmp_path)) as found:
        ground = found.ground
        listen(ground)
        ground.drawing = True
        signal.raise_signal(signal.SIGINT)
        bench = bench_on(ground, *found.paces)
        try:
            with pytest.raises(KeyboardInterrupt):
                bench.talon_one.update(bench.tag(), {})
            assert ground.ledger.kept == ()
        finally:
            bench.close()
        with pytest.raises(KeyboardInterrupt):  # who asks again does not want to wait
            signal.raise_signal(signal.SIGINT)
        ground.drawing = ground.interrupted = False
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_what_a_killed_one_left_behind_is_removed_by_the_next(emulator: Emulator, tmp_path: Path) -> None:
    with begun(emulator, tmp_path) as running_one:
        headers = {"authorization": f"ApiKey-v1 {KEY}"}
        lost = {"name": "localtalon_parity_1_lost"}
        assert emulator.client.post("/v2/audiences", json=lost, headers=headers).status_code == 201
        running_one.kill()
        running_one.communicate(timeout=60)
    manifest = tmp_path / "localtalon-parity.ndjson"
    noted = {json.loads(line)["name"] for line in manifest.read_text("utf-8").splitlines()}
    assert customers(emulator).keys() <= noted
    with started(tmp_path, command(emulator.url, "--yes", "--clean-only")) as cleaning:
        out, complaint = cleaning.communicate(timeout=60)
    assert cleaning.returncode == 0
    (tag,) = {re.match("ci-[0-9a-f]{8}-", name)[0] for name in noted}  # type: ignore[index]
    data = f"the data of {counted(len(noted), 'customer')} ({tag}*)"
    assert f"{data}, 1 audience (localtalon_parity_1_*): 1\n" in complaint
    assert f"deleted {data}; the IDs stay\n" in out
    assert "deleted 1 audience: 1\n" in out
    assert not any(customers(emulator).values())
    assert audiences(emulator) == []
    assert not manifest.exists()


def line(url: str, name: str, kind: str = "customer", application: int = 1) -> str:
    return json.dumps({"deployment": url, "application": application, "kind": kind, "name": name}) + "\n"


def test_a_manifest_of_another_application_is_kept_and_told(emulator: Emulator, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    assert run(tmp_path, arguments(emulator.url, "--yes", "--clean-only")).stdout == "nothing is left behind\n"
    foreign = line("https://u:secret@x", "y", application=3) + line(emulator.url.replace("127.0.0.1", "localhost"), "y")
    manifest.write_text(foreign)
    done = run(tmp_path, arguments(emulator.url, "--yes", "--clean-only"))
    assert done.exit_code == 2
    assert "keeps 1 line of comparisons elsewhere; --deployment https://x --application 3 --clean-only" in done.stdout
    assert f"--deployment http://localhost:{urlsplit(emulator.url).port} --application 1" in done.stdout
    assert "secret" not in done.stdout
    assert manifest.read_text() == foreign


@pytest.mark.parametrize(
    "written", ["[]", "{", line("https://x", "y", "attribute"), line("x", "y").replace("1", '"1"')]
)
def test_a_broken_manifest_is_named(emulator: Emulator, tmp_path: Path, written: str) -> None:
    (tmp_path / "manifest").write_text(line(emulator.url, "ci-0a0a0a0a-1") + written)
    done = run(tmp_path, arguments(emulator.url, "--yes", "--clean-only"))
    assert done.exit_code == 2
    assert "line 2" in done.stderr
    assert "take it out" in done.stderr
    assert untouched(emulator)


@pytest.mark.parametrize("more", [("--only", "null-value"), ("--clean-only",)])
@pytest.mark.parametrize(
    "name", ["real-customer", "ci-real", "ci-0a0a0a0a", "CI-0a0a0a0a-1", "xci-0a0a0a0a-1", "kk-0a0a0a0a-1"]
)
def test_a_customer_without_our_prefix_and_tag_is_never_touched(
    emulator: Emulator, tmp_path: Path, name: str, more: tuple[str, ...]
) -> None:
    authorized = {"authorization": f"ApiKey-v1 {KEY}"}
    precious = {"attributes": {"localtalon_parity_1_text": "precious"}}
    emulator.client.put(f"/v2/customer_profiles/{name}", json=precious, headers=authorized)
    manifest = tmp_path / "manifest"
    manifest.write_text(line(emulator.url, "ci-0a0a0a0a-1") + line(emulator.url, name))
    before = manifest.read_text()
    done = run(tmp_path, [*arguments(emulator.url, "--yes"), *more])
    assert done.exit_code == 2
    assert f"customer {name}; nothing is removed" in done.stderr
    assert customers(emulator) == {name: precious["attributes"]}
    assert manifest.read_text() == before


def test_a_refusal_is_short_and_moves_no_cursor(emulator: Emulator, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    manifest.write_text(
        line(emulator.url, "\x1b[2J") + "".join(line(emulator.url, f"x{number}") for number in range(999))
    )
    done = run(tmp_path, arguments(emulator.url, "--yes", "--clean-only"))
    assert done.exit_code == 2
    assert r"customer \x1b[2J, customer x0" in done.stderr
    assert len(done.stderr) < 2500


def test_who_does_not_agree_leaves_the_manifest_as_it_is(emulator: Emulator, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    manifest.write_text(line(emulator.url, "ci-0a0a0a0a-1"))
    assert run(tmp_path, arguments(emulator.url, "--clean-only")).exit_code == 2
    assert manifest.read_text() == line(emulator.url, "ci-0a0a0a0a-1")


def test_where_audiences_are_not_listed_nothing_is_made_since_none_could_be_removed(tmp_path: Path) -> None:
    with running(WITHOUT_LIMITS) as emulator, relayed(emulator.url) as (url, relay):
        relay.alter = lambda method, path, headers, status, body: (
            (403, b"{}") if path.startswith("/v1/audiences") else (status, body)
        )
        done = run(tmp_path, arguments(url, "--yes"))
        assert untouched(emulator)
    assert done.exit_code == 2
    assert "GET /v1/audiences?pageSize=1000&skip=0: 403" in done.stderr


@pytest.mark.parametrize("more", [("--only", "null-value"), ("--clean-only",)])
def test_an_audience_without_our_name_is_never_touched(
    emulator: Emulator, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """As when an emulator in memory has begun anew, and gives its numbers again."""
    made = {"name": "localtalon_parity_11_0", "subscribedApplicationsIds": [1]}
    headers = {"authorization": f"ApiKey-v1 {KEY}"}
    assert emulator.client.post("/v2/audiences", json=made, headers=headers).json()["id"] == 1
    (tmp_path / "manifest").write_text(line(emulator.url, "1", "audience") + line(emulator.url, "2", "audience"))
    done = run(tmp_path, [*arguments(emulator.url, "--yes"), *more])
    assert done.exit_code == 2
    assert "audience 1 ('localtalon_parity_11_0'); nothing is removed" in done.stderr
    assert [each["name"] for each in audiences(emulator)] == ["localtalon_parity_11_0"]


def test_a_sweep_itself_removes_nothing_that_is_not_ours(emulator: Emulator, tmp_path: Path) -> None:
    """Whatever changed since it was looked at, and whoever filled the ledger."""
    headers = {"authorization": f"ApiKey-v1 {KEY}"}
    emulator.client.put("/v2/customer_profiles/ci-real", json={"attributes": {}}, headers=headers)
    with prepared(wish(emulator.url, tmp_path)) as found:
        number = found.ground.audience_number()
        ours = found.ground.customer()
        found.ground.update(ours, {}).expect(200)
        changed = {"name": "Real audience"}
        path = f"/v2/audiences/{number}"
        assert emulator.client.put(path, json=changed, headers=headers).status_code == 200
        for kind, name in (("customer", "ci-real"), ("audience", "../customer_profiles"), ("audience", "77")):
            found.ground.ledger.add(Belonging(kind, name))  # type: ignore[arg-type]
        troubles = sweep(found.ground)
        assert found.ground.ledger.removed == [Belonging("customer", ours)]
        assert troubles == (
            "customer ci-real could not be removed: customer ci-real is none of ours",
            f"audience {number} could not be removed: audience {number} ('Real audience') is none of ours",
        )
    deleted = [each["path"] for each in emulator.journal("?limit=1000") if each["method"] == "DELETE"]
    assert deleted == [f"/v1/customer_data/{ours}"]


def test_a_number_that_no_audience_has_any_more_is_forgotten(emulator: Emulator, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    manifest.write_text(line(emulator.url, "77", "audience"))
    assert run(tmp_path, arguments(emulator.url, "--yes", "--clean-only")).exit_code == 0
    assert not manifest.exists()


@pytest.mark.parametrize("spelling", ["{}/", "HTTP{}", "{}//"])
def test_a_url_that_is_spelt_otherwise_is_the_same(emulator: Emulator, tmp_path: Path, spelling: str) -> None:
    manifest = tmp_path / "manifest"
    manifest.write_text(line(emulator.url, "ci-0a0a0a0a-1"))
    url = spelling.format(emulator.url.removeprefix("http") if spelling.startswith("HTTP") else emulator.url)
    done = run(tmp_path, arguments(url, "--yes", "--clean-only"))
    assert (done.exit_code, done.stdout) == (0, "deleted the data of 1 customer (ci-0a0a0a0a-*); the IDs stay\n")
    assert not manifest.exists()


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("HTTPS://Demo.Talon.One:443/", "https://demo.talon.one"),
        ("http://u:p@[::1]:80/base/", "http://[::1]/base"),
        ("http://[::1]:8900", "http://[::1]:8900"),
        ("http://x:no", "http://x:no"),
        ("x", "x"),
    ],
)
def test_a_site_has_one_spelling(url: str, same: str) -> None:
    assert site(url) == same


def test_every_option_is_in_the_document() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "parity.md").read_text("utf-8")
    for parameter in parity.params:
        for option in parameter.opts:
            if option not in ("--json", "--junit", "--html", "--sarif", "--github"):
                assert f"`{option}" in text or f" {option}" in text, option
