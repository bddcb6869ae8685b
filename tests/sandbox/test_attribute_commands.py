"""`localtalon attributes` beside a real emulator."""

import contextlib
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from click.testing import CliRunner

from answer_server import answering, http, listing
from emulator_support import MANAGEMENT_KEY, SEED, Emulator, running
from localtalon import Sandbox, config_file
from localtalon.cli import main
from localtalon.management_client import KEY_VARIABLE
from talon_emulator.attributes import ENTITIES
from talon_emulator.seed import AttributeSeed
from talon_emulator.settings import Settings

RESTRICTED = AttributeSeed("size", "string", restricted_by_suggestions=True, has_allowed_list=True, title="Size (EU)")
DEPLOYMENT = msgspec.structs.replace(SEED, attributes=(*SEED.attributes, RESTRICTED))
CONFIG = """\
# Our shop.
[destination]
custom_attributes = ["text"]   # as in Segment

[deployment]
name = "shop"

# what they have said
[[deployment.attributes]]
name = "text"       # free
type = "string"

[[deployment.attributes]]
name = "note"
type = "string"
entity = "CustomerSession"

[[deployment.users]]
email = "a@b.c"     # nobody
password = "x"
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    with running(Settings(deployment=DEPLOYMENT, limits="off")) as emulator:
        yield emulator


@pytest.fixture(name="emulator")
def in_its_seeded_state(served: Emulator) -> Iterator[Emulator]:
    served.reset()
    yield served
    served.reset()


@pytest.fixture(name="path")
def a_config(tmp_path: Path) -> Path:
    path = tmp_path / "localtalon.toml"
    path.write_text(CONFIG)
    return path


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def run(emulator: Emulator | None, folder: Path, *arguments: str, key: str | None = MANAGEMENT_KEY) -> Done:
    """The command, in this folder; its standard input is empty and no terminal."""
    at = [] if emulator is None else ["--deployment", emulator.url]
    with contextlib.chdir(folder):
        ended = CliRunner().invoke(main, ["attributes", *arguments, *at], input="", env={KEY_VARIABLE: key})
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
    return Done(ended.exit_code, ended.stdout, ended.stderr)


def define(emulator: Emulator, name: str, title: str = "", kind: str = "string") -> None:
    body = {"entity": "CustomerProfile", "name": name, "title": title or name, "type": kind}
    body |= {"description": "", "suggestions": [], "editable": True}  # type: ignore[dict-item]
    assert emulator.manage("POST", "/v1/attributes", body).status_code == 201


def defined(emulator: Emulator, name: str) -> list[str]:
    found = emulator.manage("GET", "/v1/attributes?entity=CustomerProfile").json()["data"]
    return [each["type"] for each in found if each["name"] == name]


def names(path: Path, entity: str = "CustomerProfile") -> list[str]:
    found = tomllib.loads(path.read_text())["deployment"]["attributes"]
    return [each["name"] for each in found if each.get("entity", "CustomerProfile") == entity]


def test_pull_writes_what_is_there_and_nothing_else_changes(emulator: Emulator, path: Path) -> None:
    path.chmod(0o640)
    done = run(emulator, path.parent, "pull")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "localtalon: size: its allowed list cannot be read; give it as allowed_list in the config\n"
    *changes, last = done.stdout.splitlines()
    assert "+ texts (list string)" in changes
    assert not [line for line in changes if not line.startswith("+ ")]
    assert last == f"localtalon.toml has the 12 attributes of {emulator.url}, 1 of them builtin"
    after = path.read_text()
    assert after.startswith(CONFIG[: CONFIG.index("[[deployment.users]]")])
    assert after.endswith(CONFIG[CONFIG.index("[[deployment.users]]") :])
    assert '[[deployment.attributes]]\nname = "Name"\ntype = "string"\nbuiltin = true\n' in after
    assert 'name = "size"\ntype = "string"\ntitle = "Size (EU)"\nrestricted_by_suggestions = true\n' in after
    assert names(path, "CustomerSession") == ["note"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert run(emulator, path.parent, "diff").returncode == 0
    again = run(emulator, path.parent, "pull")
    assert again.stdout == f"{last}; it had them before\n"
    assert path.read_text() == after


def test_pull_without_builtin_attributes_keeps_those_that_are_mentioned(emulator: Emulator, path: Path) -> None:
    assert run(emulator, path.parent, "pull", "--no-builtin").returncode == 0
    assert "Name" not in names(path)
    assert run(emulator, path.parent, "diff").returncode == 0
    path.write_text(path.read_text() + '\n[[deployment.attributes]]\nname = "Name"\ntype = "string"\n')
    assert run(emulator, path.parent, "pull", "--no-builtin").returncode == 0
    assert names(path).count("Name") == 1


def test_pull_makes_a_config_that_a_sandbox_starts_with(emulator: Emulator, tmp_path: Path) -> None:
    done = run(emulator, tmp_path, "pull", "--config", "new.toml")
    assert done.returncode == 0, done.stderr
    with Sandbox(tmp_path / "new.toml"):
        pass
    loaded = config_file.load(tmp_path / "new.toml", {})
    destination = loaded.destination_settings("http://127.0.0.1:1")
    assert "texts" in destination.custom_attributes
    assert "Name" not in destination.custom_attributes
    assert loaded.warnings(destination.base_url) == []


def test_pull_completes_a_config_that_runs_on_the_demo(emulator: Emulator, path: Path) -> None:
    path.write_bytes(b'# mine\r\n[destination]\r\nclient_side_sources = "reject"\r\n[bridge]\r\nport = 1')
    assert run(emulator, path.parent, "pull").returncode == 0
    assert path.read_bytes().startswith(b"# mine\r\n[destination]\r\ncustom_attributes = [")
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
    loaded = config_file.load(path, {})
    assert loaded.bridge_settings("http://127.0.0.1:1").port == 1
    assert loaded.bridge_settings("http://127.0.0.1:1").destination.client_side_sources == "reject"


def test_pull_prints_instead(emulator: Emulator, path: Path) -> None:
    done = run(emulator, path.parent, "pull", "--stdout")
    assert path.read_text() == CONFIG
    assert run(emulator, path.parent, "pull").returncode == 0
    assert done.stdout == path.read_text()


def test_pull_follows_a_link_to_the_config(emulator: Emulator, path: Path) -> None:
    link = path.with_name("link.toml")
    link.symlink_to(path)
    assert run(emulator, path.parent, "pull", "--config", "link.toml").returncode == 0
    assert link.is_symlink()
    assert "texts" in names(path)


def test_pull_keeps_an_allowed_list_and_drops_what_is_gone(emulator: Emulator, path: Path) -> None:
    own = '\n[[deployment.attributes]]\nname = "{}"\ntype = "string"\nallowed_list = ["S", "M"]\n'
    path.write_text(CONFIG + own.format("size") + own.format("gone"))
    done = run(emulator, path.parent, "pull", "--json")
    told = json.loads(done.stdout)
    assert done.stderr == ""
    assert [each["name"] for each in told["removed"]] == ["gone"]
    assert [each["allowed_list"] for each in told["changed"]] == [["S", "M"]]
    assert told["leftOut"] == []
    assert "gone" not in names(path)


def test_a_config_that_cannot_be_rewritten_is_left_as_it_is(emulator: Emulator, path: Path) -> None:
    text = 'deployment = { attributes = [{ name = "a", type = "string" }] }\n[destination]\ncustom_attributes = []\n'
    path.write_text(text)
    done = run(emulator, path.parent, "pull")
    assert (done.returncode, done.stdout, path.read_text()) == (2, "", text)
    assert "write each as [[deployment.attributes]], and pull again" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        'destination.client_side_sources = "reject"\n',
        'destination = { client_side_sources = "reject" }\n',
    ],
)
def test_a_destination_that_cannot_be_completed_is_left_as_it_is(emulator: Emulator, path: Path, text: str) -> None:
    path.write_text(text)
    done = run(emulator, path.parent, "pull")
    assert (done.returncode, done.stdout, path.read_text()) == (2, "", text)
    assert "it has no header [destination] to write custom_attributes below" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("header", ["[destination]", "[ destination ] # ours", "[bridge]\n[destination]"])
def test_a_destination_under_its_header_is_completed(emulator: Emulator, path: Path, header: str) -> None:
    remark = "# [destination]\n"
    path.write_text(f"{remark}{header}")
    assert run(emulator, path.parent, "pull").returncode == 0
    assert path.read_text().startswith(f'{remark}{header}\ncustom_attributes = ["text"')
    assert config_file.load(path, {}).warnings("http://127.0.0.1:1") == []


EMPTY = listing()
OWN = CONFIG[: CONFIG.index("[[deployment.users]]")]


@pytest.mark.parametrize("there", [EMPTY, listing({"name": "note", "entity": "CartItem"})])
def test_pull_empties_no_config_unasked(path: Path, there: bytes) -> None:
    with answering(there) as url:
        done = run(None, path.parent, "pull", "--deployment", url)
        assert (done.returncode, done.stdout, path.read_text()) == (2, "", CONFIG)
        assert "is it the right deployment? Nothing was written; --yes does not ask" in done.stderr
        assert done.stderr.count("\n") == 1
        assert run(None, path.parent, "pull", "--deployment", url, "--stdout").returncode == 0
        done = run(None, path.parent, "pull", "--deployment", url, "--yes")
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "- text (string)")
        assert (names(path), names(path, "CustomerSession")) == ([], ["note"])
        assert run(None, path.parent, "pull", "--deployment", url).returncode == 0


UNREADABLE = listing({"name": "text", "title": "Größe"}, {"name": "odd", "type": "(list boolean)"}, {"name": "fine"})


def test_what_cannot_be_read_there_stays_here(path: Path) -> None:
    with answering(UNREADABLE) as url:
        done = run(None, path.parent, "pull", "--deployment", url)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "+ fine (string)")
        assert "text stays as the config has it" in done.stderr
        assert "odd is left out" in done.stderr
        assert names(path) == ["text", "fine"]
        done = run(None, path.parent, "diff", "--deployment", url, "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["same"]) == (2, None)
        assert {each["name"]: each["kind"] for each in told["differences"]} == dict.fromkeys(
            ("text", "odd"), "unreadable there"
        )
        assert "cannot be told" in done.stderr
        done = run(None, path.parent, "push", "--deployment", url, "--json")
        assert json.loads(done.stdout)["created"] == []
        assert "text" in json.loads(done.stdout)["passedOver"][0]
        path.write_text(path.read_text().replace('"fine"', '"other"'))
        assert run(None, path.parent, "diff", "--deployment", url).returncode == 1


def test_one_name_twice_is_the_deployments_fault(path: Path) -> None:
    with answering(listing({"name": "a"}, {"name": "a"})) as url:
        done = run(None, path.parent, "pull", "--deployment", url)
    assert (done.returncode, done.stdout, path.read_text()) == (2, "", CONFIG)
    assert "lists a of CustomerProfile 2 times" in done.stderr


def interrupted(folder: Path, url: str, held: threading.Event, *arguments: str) -> Done:
    """The command, with Ctrl-C as soon as the deployment has a request that it holds."""
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from localtalon.cli import main; main()"  # a test in the background has inherited that it is ignored
    with subprocess.Popen(
        [sys.executable, "-c", program, "attributes", *arguments, "--deployment", url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, KEY_VARIABLE: MANAGEMENT_KEY},
    ) as process:
        assert held.wait(60)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    return Done(process.returncode, stdout, stderr)


def test_ctrl_c_in_a_push_says_what_was_made(path: Path) -> None:
    more = (f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "time"\n' for name in "abc")
    path.write_text(CONFIG + "".join(more))
    asked: list[bytes] = []
    held = threading.Event()

    def answer(request: bytes) -> bytes | None:
        if request.startswith(b"GET"):
            return listing({"name": "text"})
        asked.append(request)
        if len(asked) == 1:
            return http("201 Created", "{}")
        held.set()
        return None

    with answering(answer) as url:
        done = interrupted(path.parent, url, held, "push", "--yes")
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == f"created 1 of 3 attributes in {url}: a"
    assert done.stderr == "localtalon: interrupted; whether b was made is not known, `diff` will tell\n"


def test_ctrl_c_in_a_diff_does_not_say_that_they_differ(path: Path) -> None:
    held = threading.Event()
    with answering(lambda _: held.set()) as url:
        done = interrupted(path.parent, url, held, "diff")
    assert done == Done(2, "", "localtalon: interrupted\n")


def test_diff_names_each_difference(emulator: Emulator, path: Path) -> None:
    for name, kind in (("flag", "string"), ("Number", "number"), ("mine", "time")):
        path.write_text(path.read_text() + f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "{kind}"\n')
    done = run(emulator, path.parent, "diff", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["same"]) == (1, False)
    kinds = {each["name"]: each["kind"] for each in told["differences"]}
    assert kinds.pop("flag") == "other type"
    assert kinds.pop("Number") == "other case"
    assert kinds.pop("mine") == "missing there"
    assert set(kinds.values()) == {"missing here"}
    assert "Name" not in kinds
    table = run(emulator, path.parent, "diff").stdout
    assert "flag is string here and boolean there; a type never changes (ATT-3)" in table


def test_push_shows_what_it_would_do_and_asks(emulator: Emulator, path: Path) -> None:
    path.write_text(CONFIG + '\n[[deployment.attributes]]\nname = "shoe"\ntype = "number"\ntitle = "Shoe size"\n')
    done = run(emulator, path.parent, "push")
    assert (done.returncode, done.stdout) == (2, 'to create: shoe (number, title "Shoe size")\n')
    assert done.stderr == "localtalon: nothing was created; --yes does not ask\n"
    assert defined(emulator, "shoe") == []
    done = run(emulator, path.parent, "push", "--yes")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, [f"created 1 of 1 attribute in {emulator.url}"])
    assert defined(emulator, "shoe") == ["number"]
    done = run(emulator, path.parent, "push")
    assert (done.returncode, done.stdout) == (0, f"nothing to create in {emulator.url}\n")


@pytest.mark.parametrize(("answer", "made"), [("y", ["number"]), ("n", []), ("\x04", [])])
def test_push_asks_on_a_terminal(emulator: Emulator, path: Path, answer: str, made: list[str]) -> None:
    path.write_text(CONFIG + '\n[[deployment.attributes]]\nname = "shoe"\ntype = "number"\n')
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "localtalon", "attributes", "push", "--deployment", emulator.url]
    environment = {**os.environ, KEY_VARIABLE: MANAGEMENT_KEY}
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=path.parent, env=environment
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode() + b"\n")
        process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == (0 if made else 2)
    assert defined(emulator, "shoe") == made


@pytest.mark.parametrize(
    ("name", "kind", "title", "said"),
    [
        ("flag", "string", "", "a type never changes"),
        ("Flag", "boolean", "", "names are case-sensitive"),
        ("Text", "string", "", "Text differs in case only from text, which is there"),
        ("other", "string", "Size (EU)", "size has the title"),
    ],
)
def test_push_creates_nothing_while_anything_clashes(
    emulator: Emulator, path: Path, name: str, kind: str, title: str, said: str
) -> None:
    more = f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "{kind}"\n' + (
        f'title = "{title}"\n' if title else ""
    )
    path.write_text(CONFIG + more + '\n[[deployment.attributes]]\nname = "fine"\ntype = "string"\n')
    done = run(emulator, path.parent, "push", "--yes")
    assert done.returncode == 1
    assert said in done.stdout
    assert done.stdout.endswith(f"nothing was created in {emulator.url}, because of what clashes\n")
    assert defined(emulator, "fine") == []


def test_push_goes_on_behind_a_refusal(emulator: Emulator, path: Path) -> None:
    for name in ("one", "two", "three"):
        path.write_text(path.read_text() + f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "number"\n')
    fault = {"kind": "error", "status": 409, "count": 1, "method": "POST", "path": "/v1/attributes"}
    emulator.client.post("/_emulator/faults", json=fault).raise_for_status()
    done = run(emulator, path.parent, "push", "--yes", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert len(told["created"]) == 2
    assert [each["name"] for each in told["refused"]] == list({"one", "two", "three"} - set(told["created"]))
    assert told["left"] == told["clashes"] == []


def test_push_that_breaks_off_says_what_was_made(emulator: Emulator, path: Path) -> None:
    for name in ("one", "two"):
        path.write_text(path.read_text() + f'\n[[deployment.attributes]]\nname = "{name}"\ntype = "number"\n')
    # Of two requests this seed strikes the second.
    fault = {"kind": "error", "status": 500, "method": "POST", "path": "/v1/attributes", "probability": 0.5, "seed": 10}
    emulator.client.post("/_emulator/faults", json=fault).raise_for_status()
    done = run(emulator, path.parent, "push", "--yes", "--json")
    told = json.loads(done.stdout)
    assert (told["created"], told["left"]) == (["one"], ["two"])
    assert (defined(emulator, "one"), defined(emulator, "two")) == (["number"], [])
    assert done.returncode == 2
    assert "answers HTTP 500" in done.stderr


def test_without_a_key_it_says_where_one_comes_from(emulator: Emulator, path: Path) -> None:
    done = run(emulator, path.parent, "diff", key=None)
    assert (done.returncode, done.stdout) == (2, "")
    assert KEY_VARIABLE in done.stderr
    assert "managementKey" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["pull", "diff", "push"])
def test_the_key_is_never_printed(emulator: Emulator, path: Path, command: str) -> None:
    for key in (MANAGEMENT_KEY, "c0ffee" * 10, "c0ffee\n" * 2, "kéy" * 9):
        done = run(emulator, path.parent, command, key=key)
        assert key.strip() not in done.stdout + done.stderr
        assert "c0ffee" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diff", "--config", "none.toml"], "there is no none.toml"),
        (["push", "--yes", "--config", "demo.toml"], "has no [deployment] of its own"),
        (["diff", "--config", "bad.toml"], "bad.toml is not valid TOML"),
        (["pull", "--config", "bad.toml"], "bad.toml is not valid TOML"),
        (["pull", "--config", "no/such/folder.toml"], "cannot be written"),
        (["diff", "--deployment", "http://me:secret@127.0.0.1"], "holds a login"),
    ],
)
def test_what_cannot_run_says_so_in_one_line(emulator: Emulator, path: Path, arguments: list[str], said: str) -> None:
    (path.parent / "demo.toml").write_text("")
    (path.parent / "bad.toml").write_text("[")
    done = run(None if "--deployment" in arguments else emulator, path.parent, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_entity(emulator: Emulator, path: Path) -> None:
    assert run(emulator, path.parent, "pull", "--entity", "CustomerSession").returncode == 0
    assert (names(path), names(path, "CustomerSession")) == (["text"], ["cart_note"])


def test_the_options_name_every_entity() -> None:
    shown = CliRunner().invoke(main, ["attributes", "diff", "--help"]).output
    assert all(entity in shown.replace("\n", "").replace(" ", "") for entity in ENTITIES)
