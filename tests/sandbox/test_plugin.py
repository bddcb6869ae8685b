"""The pytest plugin in projects of other people: isolation, settings, what a failure shows, what is left behind."""

from pathlib import Path

import pytest

from plugin_support import Run, run_pytest


def written(folder: Path, text: str, name: str = "test_theirs.py") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, "utf-8")
    return folder


CONFIG = """
[deployment]
applications = [{ id = 4, name = "Shop", environment = "live", api_keys = [{ title = "shop", key = "shop-key" }] }]
attributes = [{ name = "shoe_size", type = "number" }]

[destination]
api_key = "shop-key"
custom_attributes = ["shoe_size"]
"""

SHOE = """
def test_shoe(talon, bridge):
    bridge.identify("u1", {"shoe_size": 41})
    bridge.idle()
    assert talon.profile("u1").attributes == {"shoe_size": 41}
    assert talon.application == 4
"""


def well(run: Run, passed: int) -> None:
    assert (run.code, run.passed, run.failed, run.errors) == (0, passed, 0, 0), run.text


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two"])
def test_tests_that_do_the_same_to_one_user_do_not_see_each_other(tmp_path: Path, workers: tuple[str, ...]) -> None:
    text = """
import pytest

@pytest.mark.parametrize("age", range(12))
def test_age(talon, bridge, age):
    assert "u1" not in talon
    assert (talon.journal.all(), bridge.events(), talon.clock.now.year >= 2024) == ([], [], True)
    bridge.identify("u1", {"age": age}, messageId="same")
    bridge.idle()
    assert talon.profile("u1").attributes == {"age": age}
    talon.clock.freeze("2001-01-01T00:00:00Z")
    talon.define("own", "string" if age % 2 else "number")
    talon.fault("error", status=503)
    bridge.identify("u1", {"age": 0})
"""
    well(run_pytest(written(tmp_path, text), *workers), 12)


def test_a_run_ends_with_no_thread_and_no_socket_of_ours(tmp_path: Path) -> None:
    written(tmp_path, "def test_one(talon, bridge):\n    bridge.identify('u1')\n    bridge.idle()\n")
    conftest = """
import os
import threading
import pytest

def sockets():
    listed = "/proc/self/fd"
    links = [os.path.join(listed, name) for name in os.listdir(listed)] if os.path.isdir(listed) else []
    return [link for link in links if os.path.islink(link) and "socket" in os.readlink(link)]

BEFORE = sockets()

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
    assert sockets() == BEFORE
"""
    well(run_pytest(written(tmp_path, conftest, "conftest.py"), PYTHONDEVMODE="1"), 1)


def test_what_goes_on_when_a_test_ends_holds_nothing_up_and_is_no_warning(tmp_path: Path) -> None:
    text = """
import pytest

@pytest.mark.parametrize("kind", ["silence", "late"])
def test_waiting(talon, bridge, kind):
    talon.fault(kind)
    bridge.identify("u1", {"age": 1})
    with pytest.raises(TimeoutError, match="identify-1  identify u1: waiting"):
        bridge.idle(0.05)
"""
    well(run_pytest(written(tmp_path, text), PYTHONDEVMODE="1"), 2)


def test_a_failure_shows_what_was_refused_and_withheld_within_bounds(tmp_path: Path) -> None:
    text = """
def test_many(talon, bridge):
    for number in range(30):
        bridge.identify(f"user-{number}", {"vip": "no", "note": "x" * 5000})
    bridge.idle()
    assert False

def test_waiting(talon, bridge):
    talon.fault("error", status=503)
    bridge.identify("u1", {"age": 1})
    assert "u1" in talon

def test_well(talon, bridge):
    bridge.identify("u1", {"age": 1})
    bridge.idle()
    assert False

def test_emulator_alone(talon):
    talon.update("u1", {"agee": 1})
"""
    run = run_pytest(written(tmp_path, text), "-p", "no:logging")
    assert (run.failed, run.passed, run.errors) == (4, 0, 0), run.text
    assert "Talon.One did not carry out 30 requests:" in run.text
    assert "Of 30 events, 30 did not arrive whole:" in run.text
    assert run.text.count("... and 20 more") == 2
    assert "1 event still waiting: bridge.idle() waits until all have arrived" in run.text
    assert "ControlError: Talon.One answers 400: " in run.text
    assert run.text.count(" localtalon -") == 3
    assert max(map(len, run.text.splitlines())) < 400


WRONG = {
    "atributes={}": "the marker has no argument 'atributes' (did you mean 'attributes'?)",
    "'localtalon.toml'": "the marker takes arguments by name, not 'localtalon.toml'",
    "config='nowhere.toml'": "nowhere.toml cannot be read: No such file or directory",
    "attributes={'30_day_buyers': 'boolean'}": "attribute '30_day_buyers': name does not match pattern",
    "attributes={'tier': 'text'}": "attribute 'tier': type: unknown value 'text'",
    "attributes={'vip': 'string'}": "attribute 'vip' is string here and boolean in the config",
    "attributes=['tier']": "attributes is ['tier']; give a dictionary",
    "custom_attributes='vip'": "custom_attributes is 'vip'; give a list of flattened trait names",
    "limits='reel'": "/limits: unknown value 'reel' (did you mean 'real'?",
    "limits={'profil': 1}": "/limits/profil: unknown key 'profil' (did you mean 'profile'?)",
    "config=3": "config is 3; give the path of a file",
    "run_rule_engine='yes'": "run_rule_engine is 'yes'; give True or False",
    "client_side_sources='no'": "client_side_sources is 'no'; give one of accept, warn, reject",
    "assumptions={'null-valu': 'x'}": "there is no assumption 'null-valu'",
}


def test_a_wrong_marker_fails_its_test_in_one_sentence(tmp_path: Path) -> None:
    test = "@pytest.mark.localtalon({})\ndef test_{}(talon, bridge):\n    pass\n"
    tests = [test.format(marker, number) for number, marker in enumerate(WRONG)]
    run = run_pytest(written(tmp_path, "import pytest\n\n" + "\n".join(tests)))
    assert (run.passed, run.failed, run.errors) == (0, 0, len(WRONG)), run.text
    told = [line for line in run.text.splitlines() if line.startswith("localtalon: ")]
    assert [complaint for complaint, line in zip(WRONG.values(), told, strict=True) if complaint not in line] == []
    assert "Traceback" not in run.text
    assert "During handling" not in run.text


def test_the_config_of_the_root_directory_counts(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, "localtalon.toml")
    well(run_pytest(written(tmp_path, SHOE, "below/test_shoe.py")), 1)


def test_the_ini_option_names_another(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, "configs/shop.toml")
    well(run_pytest(written(tmp_path, SHOE), "-o", "localtalon_config=configs/shop.toml"), 1)


def test_the_nearest_marker_counts_argument_by_argument(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, "below/shop.toml")
    text = """
import pytest
pytestmark = pytest.mark.localtalon(config="shop.toml", limits="real")

def test_of_the_module(talon):
    assert talon.attributes == {"shoe_size": "number"}

@pytest.mark.localtalon(attributes={"tier": {"type": "string", "suggestions": ["gold"]}})
class TestMore:
    def test_of_the_class(self, talon, bridge):
        bridge.identify("u1", {"tier": "gold", "shoe_size": 4})
        bridge.idle()
        assert talon.profile("u1").attributes == {"tier": "gold", "shoe_size": 4}

    @pytest.mark.localtalon(attributes={})
    def test_of_its_own(self, talon):
        assert talon.attributes == {"shoe_size": "number"}
"""
    well(run_pytest(written(tmp_path, text, "below/test_markers.py")), 3)


def test_the_environment_lies_over_the_config_but_processes_share_no_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    text = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(talon, bridge, number):
    assert talon.config.destination.custom_attributes == ("age",)
"""
    run = run_pytest(
        written(tmp_path, text),
        *("-n", "2"),
        LOCALTALON_EMULATOR_DATA=str(data),
        LOCALTALON_BRIDGE_DATA=str(data),
        LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES="age",
    )
    well(run, 4)
    assert not data.exists()


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    run = run_pytest(written(tmp_path, "def test_it(talon):\n    pass\n"), "-p", "no:localtalon")
    assert (run.errors, "fixture 'talon' not found" in run.text) == (1, True)


def test_fixtures_of_the_same_names_take_its_place(tmp_path: Path) -> None:
    text = """
import pytest

@pytest.fixture
def talon():
    return "mine"

@pytest.fixture
def bridge(talon):
    return talon

def test_it(bridge):
    assert bridge == "mine"

def test_it_fails(bridge):
    assert bridge == "yours"
"""
    run = run_pytest(written(tmp_path, text))
    assert (run.passed, run.failed, run.errors) == (1, 1, 0)


def test_a_run_that_does_not_use_it_imports_nothing_of_it(tmp_path: Path) -> None:
    text = """
import sys

def test_it():
    assert not {"localtalon.sandbox", "talon_bridge", "talon_emulator", "uvicorn", "msgspec"} & set(sys.modules)
"""
    well(run_pytest(written(tmp_path, text)), 1)


def test_hypothesis_resets_between_examples(tmp_path: Path) -> None:
    text = """
from hypothesis import HealthCheck, given, settings, strategies as st

@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(age=st.integers(0, 150))
def test_age(talon, bridge, age):
    talon.reset()
    bridge.identify("u1", {"age": age})
    bridge.idle()
    assert [profile.attributes for profile in talon.profiles()] == [{"age": age}]
"""
    well(run_pytest(written(tmp_path, text)), 1)
