"""The pytest plugin in projects of other people: isolation, settings, what a failure shows, what is left behind."""

from pathlib import Path

from plugin_support import Run, run_pytest


def written(folder: Path, text: str, name: str = "test_theirs.py") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, "utf-8")
    return folder


def well(run: Run, passed: int) -> None:
    assert (run.code, run.passed, run.failed, run.errors) == (0, passed, 0, 0), run.text


CONFIG = """
[deployment]
applications = [{ id = 4, name = "Shop", environment = "live", api_keys = [{ title = "shop", key = "shop-key" }] }]
attributes = [{ name = "shoe_size", type = "number" }, { name = "age", type = "number" }]

[destination]
api_key = "shop-key"
custom_attributes = ["shoe_size"]
"""

ISOLATION = """
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

WAITING = """
import pytest

@pytest.mark.parametrize("kind", ["silence", "late"])
def test_what_goes_on_when_a_test_ends_holds_nothing_up(talon, bridge, kind):
    talon.fault(kind)
    bridge.identify("u1", {"age": 1})
    with pytest.raises(TimeoutError, match="localtalon-identify-1  identify u1: waiting"):
        bridge.idle(0.05)
"""

HYPOTHESIS = """
from hypothesis import HealthCheck, given, settings, strategies as st

@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(age=st.integers(0, 150))
def test_age(talon, bridge, age):
    talon.reset()
    bridge.identify("u1", {"age": age})
    bridge.idle()
    assert [profile.attributes for profile in talon.profiles()] == [{"age": age}]
"""

NOTHING_LEFT = """
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


def test_tests_do_not_see_each_other_and_leave_no_thread_and_no_socket(tmp_path: Path) -> None:
    written(tmp_path, NOTHING_LEFT, "conftest.py")
    for number, text in enumerate((ISOLATION, WAITING, HYPOTHESIS)):
        written(tmp_path, text, f"test_{number}.py")
    well(run_pytest(tmp_path, PYTHONDEVMODE="1"), 12 + 2 + 1)


def test_workers_share_no_file_and_heed_the_ini_option_and_over_it_the_environment(tmp_path: Path) -> None:
    settings = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_settings(talon, bridge, number):
    assert talon.application == 4
    assert talon.config.destination.custom_attributes == ("age",)
"""
    data = tmp_path / "data"
    written(tmp_path, CONFIG, "configs/shop.toml")
    written(tmp_path, ISOLATION)
    run = run_pytest(
        written(tmp_path, settings, "test_settings.py"),
        *("-n", "2", "-o", "localtalon_config=configs/shop.toml"),
        LOCALTALON_EMULATOR_DATA=str(data),
        LOCALTALON_BRIDGE_DATA=str(data),
        LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES="age",
    )
    well(run, 12 + 4)
    assert not data.exists()


def test_the_config_of_the_root_directory_counts_and_the_nearest_marker_argument_by_argument(tmp_path: Path) -> None:
    written(tmp_path, CONFIG, "localtalon.toml")
    written(tmp_path, CONFIG.replace("shoe_size", "hat_size").replace("age", "weight"), "below/hats.toml")
    of_the_root = """
def test_shoe(talon, bridge):
    bridge.identify("u1", {"shoe_size": 41})
    bridge.idle()
    assert talon.profile("u1").attributes == {"shoe_size": 41}
    assert talon.application == 4
"""
    of_markers = """
import pytest
pytestmark = pytest.mark.localtalon(config="hats.toml", limits="real")

def test_of_the_module(talon):
    assert talon.attributes == {"hat_size": "number", "weight": "number"}

def test_that_needs_none():
    pass

@pytest.mark.localtalon(attributes={"tier": {"type": "string", "suggestions": ["gold"]}})
class TestMore:
    def test_of_the_class(self, talon, bridge):
        bridge.identify("u1", {"tier": "gold", "hat_size": 4})
        bridge.idle()
        assert talon.profile("u1").attributes == {"tier": "gold", "hat_size": 4}

    @pytest.mark.localtalon(attributes={})
    def test_of_its_own(self, request):
        assert request.getfixturevalue("talon").attributes == {"hat_size": "number", "weight": "number"}
"""
    written(tmp_path, of_the_root, "below/test_root.py")
    well(run_pytest(written(tmp_path, of_markers, "below/test_markers.py")), 5)


SHORT_JOURNAL = """
import pytest
from localtalon import Sandbox
from localtalon.config import Config, EmulatorSection

@pytest.fixture(scope="session")
def talon_session():
    with Sandbox(Config(emulator=EmulatorSection(limits="off", journal_size=40))) as sandbox:
        yield sandbox
"""


def test_a_failure_shows_what_was_refused_and_withheld_within_bounds(tmp_path: Path) -> None:
    text = """
import pytest

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

def test_of_another_type(talon, bridge):
    bridge.track("u1", "Order Completed")
    bridge.page("u1")
    bridge.track("u1", "Order Completed")
    bridge.idle()
    assert "u1" in talon

def test_long(talon):
    for age in range(42):
        talon.update("u1", {"age": age})
    assert talon.journal.bad() == []

@pytest.fixture
def all_is_well(talon, bridge):
    yield
    assert talon.journal.bad() == []

def test_ending(all_is_well, bridge):
    bridge.identify("u-ending", {"age": "x"})
    bridge.idle()
"""
    written(tmp_path, SHORT_JOURNAL, "conftest.py")
    run = run_pytest(written(tmp_path, text), "-p", "no:logging")
    assert (run.failed, run.passed, run.errors) == (6, 1, 1), run.text
    assert "Talon.One did not carry out 30 requests:" in run.text
    assert "Of 30 events, 30 did not arrive whole:" in run.text
    assert run.text.count("... and 20 more") == 2
    assert "1 event still waiting: bridge.idle() waits until all have arrived" in run.text
    assert "ControlError: Talon.One answers 400: " in run.text
    assert "Only identify calls go to Talon.One [ID-3]; there were others: 2 track, 1 page" in run.text
    assert "ForgottenError: the journal was full and has forgotten the oldest exchanges, 2 so far" in run.text
    assert "The journal of Talon.One has forgotten its oldest 2 exchanges." in run.text
    assert "PUT /v2/customer_profiles/u-ending -> 400" in run.text
    assert "localtalon-identify-1  identify u-ending: dead" in run.text
    assert run.text.count(" localtalon -") == 6
    assert max(map(len, run.text.splitlines())) < 400


NO_EFFECT = "the marker has no effect, since the test does not use localtalon's fixture talon"
WRONG = {
    "atributes={}": "the marker has no argument 'atributes' (did you mean 'attributes'?)",
    "'localtalon.toml'": "the marker takes arguments by name, not 'localtalon.toml'",
    "config='nowhere.toml'": "nowhere.toml cannot be read: No such file or directory",
    "attributes={'30_day_buyers': 'boolean'}": "attribute '30_day_buyers': name does not match pattern",
    "attributes={'tier': 'text'}": "attribute 'tier': type: unknown value 'text'",
    "attributes={'vip': 'string'}": "attribute 'vip' is string here and boolean in the config",
    "attributes=['tier']": "attributes is ['tier']; give a dictionary",
    "custom_attributes='vip'": "custom_attributes is 'vip'; give a list of flattened trait names",
    "custom_attributes=5": "custom_attributes is 5; give a list of flattened trait names",
    "limits='reel'": "/limits: unknown value 'reel' (did you mean 'real'?",
    "limits={'profil': 1}": "/limits/profil: unknown key 'profil' (did you mean 'profile'?)",
    "config=3": "config is 3; give the path of a file",
    "run_rule_engine='yes'": "run_rule_engine is 'yes'; give True or False",
    "client_side_sources='no'": "client_side_sources is 'no'; give one of accept, warn, reject",
    "assumptions={'null-valu': 'x'}": "there is no assumption 'null-valu'",
}
# Where the fixture talon is not used, or is another's.
BESIDE = """
import pytest

@pytest.fixture(scope="module")
def shop(talon_session):
    with talon_session.deployment() as shop:
        yield shop

@pytest.mark.localtalon(attributes={"x": "string"})
def test_marker_beside(shop):
    pass

@pytest.mark.localtalon(atributes={})
def test_wrong_marker_beside():
    pass

class TestOwn:
    @pytest.fixture
    def talon(self):
        return "mine"

    def test_bridge_to_what_is_none(self, bridge):
        pass

class TestShop:
    @pytest.fixture
    def talon(self, shop):
        return shop

    def test_bridge_to_the_shop(self, talon, bridge):
        bridge.identify("u1", {"age": 1})
        bridge.idle()
        assert talon.profile("u1").attributes == {"age": 1}

    @pytest.mark.localtalon(limits="real")
    def test_marker_for_the_shop(self, talon, bridge):
        pass
"""
BESIDE_TOLD = (
    "localtalon: the fixture bridge delivers to localtalon's talon, and the fixture talon of this test is 'mine'",
    f"localtalon: {NO_EFFECT}",
    "localtalon: the marker has no argument 'atributes' (did you mean 'attributes'?)",
    f"localtalon: {NO_EFFECT}",
)


def test_a_wrong_marker_or_fixture_fails_its_test_in_one_sentence(tmp_path: Path) -> None:
    test = "@pytest.mark.localtalon({})\ndef test_{}(talon, bridge):\n    pass\n"
    tests = [test.format(marker, number) for number, marker in enumerate(WRONG)]
    written(tmp_path, BESIDE, "test_z.py")
    run = run_pytest(written(tmp_path, "import pytest\n\n" + "\n".join(tests), "test_a.py"))
    assert (run.passed, run.failed, run.errors) == (1, 3, len(WRONG) + 1), run.text
    told = [line for line in run.text.splitlines() if line.startswith("localtalon: ")]
    complaints = (*WRONG.values(), *BESIDE_TOLD)
    assert [complaint for complaint, line in zip(complaints, told, strict=True) if complaint not in line] == []
    assert "Traceback" not in run.text
    assert "During handling" not in run.text


IMPORTED_EARLY = """
import pytest
import talon_contracts
from localtalon import Sandbox

pytest.register_assert_rewrite("localtalon", "talon_bridge", "talon_contracts", "talon_emulator")
"""


def test_it_can_be_switched_off_and_was_imported_early_without_a_warning(tmp_path: Path) -> None:
    written(tmp_path, IMPORTED_EARLY, "conftest.py")  # pytest does so with all packages of whoever brings a plugin
    run = run_pytest(written(tmp_path, "def test_it(talon):\n    pass\n"), "-p", "no:localtalon")
    assert (run.errors, "fixture 'talon' not found" in run.text) == (1, True)


def test_a_run_with_fixtures_of_the_same_names_imports_nothing_of_it(tmp_path: Path) -> None:
    text = """
import sys
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

def test_imports():
    assert not {"localtalon.sandbox", "talon_bridge", "talon_emulator", "uvicorn", "msgspec"} & set(sys.modules)
"""
    run = run_pytest(written(tmp_path, text))
    assert (run.passed, run.failed, run.errors) == (2, 1, 0), run.text
