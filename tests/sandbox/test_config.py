"""The config file: what it says reaches both parts; what it says wrong is named with the nearest known key."""

import re
from pathlib import Path

import pytest

from localtalon.config import DEMO_CUSTOM_ATTRIBUTES, Config, ConfigError
from localtalon.config_file import load
from talon_emulator.limits import Limits

EMULATOR = "http://127.0.0.1:8900"
FULL = """
[emulator]
port = 9000

[bridge]
write_keys = ["web", "app"]
max_requests_per_second = 0

[destination]
api_key = "k"
application_domain = "https://demo.talon.one/"
custom_attributes = ["email", "address_city"]
client_side_sources = "reject"

[deployment]
name = "shop"

[[deployment.applications]]
id = 7
name = "Shop"
environment = "live"
api_keys = [{ title = "bridge", key = "0123456789abcdef" }]

[[deployment.attributes]]
name = "email"
type = "string"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "localtalon.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_it_is_the_demo() -> None:
    config = load(None, {})
    destination = config.destination_settings(EMULATOR)
    assert (destination.api_key, destination.base_url) == ("a1" * 32, EMULATOR)
    assert destination.custom_attributes == DEMO_CUSTOM_ATTRIBUTES
    assert config.emulator_settings().deployment.name == "demo"
    assert (config.emulator_settings().port, config.bridge_settings(EMULATOR).port) == (8900, 8901)


def test_the_demo_lists_all_its_attributes_but_the_audience_and_the_computed_trait() -> None:
    defined = [attribute.name for attribute in load(None, {}).emulator_settings().deployment.attributes]
    assert defined == [*DEMO_CUSTOM_ATTRIBUTES, "order_completed_last_30days", "lifetime_value"]


def test_what_the_file_says_reaches_both_parts(tmp_path: Path) -> None:
    config = load(written(tmp_path, FULL), {})
    bridge, emulator = config.bridge_settings(EMULATOR), config.emulator_settings()
    assert emulator.port == 9000
    assert emulator.deployment.name == "shop"
    assert bridge.write_keys == ("web", "app")
    assert bridge.destination.base_url == "https://demo.talon.one"
    assert bridge.destination.client_side_sources == "reject"


def test_an_api_key_that_is_left_out_is_the_deployments_first(tmp_path: Path) -> None:
    text = FULL.replace('api_key = "k"\n', "").replace('application_domain = "https://demo.talon.one/"\n', "")
    destination = load(written(tmp_path, text), {}).destination_settings(EMULATOR)
    assert (destination.api_key, destination.base_url) == ("0123456789abcdef", EMULATOR)


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    environ = {
        "LOCALTALON_DESTINATION_API_KEY": "from-outside",
        "LOCALTALON_EMULATOR_PORT": "9100",
        "LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES": "email, age",
    }
    config = load(written(tmp_path, FULL), environ)
    destination = config.destination_settings(EMULATOR)
    assert (destination.api_key, config.emulator.port) == ("from-outside", 9100)
    assert destination.custom_attributes == ("email", "age")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[destination]\napi_kee = 'x'", "unknown key destination.api_kee; did you mean api_key?"),
        ("[destinations]\n", "unknown key destinations; did you mean destination?"),
        ("[bridge]\nwritekeys = []", "unknown key bridge.writekeys; did you mean write_keys?"),
        ("[[deployment.attributes]]\nname='a'\ntype='string'\ntitel='A'", "did you mean title?"),
        (
            "[[deployment.attributes]]\nname='a'\ntype='boolian'",
            "deployment.attributes[0].type: invalid enum value 'boolian'; it is one of string, number, boolean, time,",
        ),
        (
            "[[deployment.attributes]]\nname='a'\ntype='string'\n[[deployment.attributes]]\nname='1st'\ntype='string'",
            "deployment.attributes[1].name: attribute '1st': name does not match pattern",
        ),
        ("[emulator]\nport = 'x'", "emulator.port: expected a number, found a text"),
        ("[emulator\n", "is not valid TOML"),
        (
            "[destination]\nclient_side_sources = 'maybe'",
            "destination.client_side_sources: invalid enum value 'maybe'; it is one of accept, warn, reject",
        ),
        ("[emulator]\njournal_size = -1", "emulator.journal_size: expected a number >= 0"),
        ("[emulator]\nmax_body_bytes = 0", "emulator.max_body_bytes: expected a number >= 1"),
        ("[emulator]\nlimits = 'reel'", "it is one of real, off, numbers for segment, management, profile"),
        ("[bridge]\nport = 99999", "bridge.port: expected a number <= 65535"),
    ],
)
def test_a_bad_file_is_named_with_the_key_and_the_nearest_known_one(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


def test_limits_are_named_or_numbers(tmp_path: Path) -> None:
    assert load(None, {"LOCALTALON_EMULATOR_LIMITS": "real"}).emulator_settings().limits == "real"
    numbers = load(written(tmp_path, "[emulator]\nlimits = { management = 5 }"), {}).emulator_settings().limits
    assert isinstance(numbers, Limits)
    assert (numbers.management, numbers.profile) == (5, 3)
    with pytest.raises(ConfigError, match=r"did you mean management\?"):
        load(written(tmp_path, "[emulator]\nlimits = { managment = 5 }"), {})


@pytest.mark.parametrize(
    ("text", "limits"),
    [("real", "real"), ("off", "off"), ('{"segment":5,"profile":0}', Limits(segment=5, profile=0))],
)
def test_limits_from_the_environment(tmp_path: Path, text: str, limits: object) -> None:
    path = written(tmp_path, "[emulator]\nlimits = { management = 5 }")
    assert load(path, {"LOCALTALON_EMULATOR_LIMITS": text}).emulator_settings().limits == limits


def test_assumptions_from_the_environment_join_those_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[emulator.assumptions]\nnull-value = 'keep'\nquoted-number = 'refuse'")
    given = {"LOCALTALON_EMULATOR_ASSUMPTIONS": "quoted-number=take, unsubscribed-attribute = refuse"}
    assert load(path, given).emulator_settings().deployment.assumptions == {
        "null-value": "keep",
        "quoted-number": "take",
        "unsubscribed-attribute": "refuse",
    }


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("LIMITS", "reel", "invalid enum value 'reel'; it is one of real, off, numbers for segment, management"),
        ("LIMITS", '{"segmnt":5}', "unknown key segmnt; did you mean segment?"),
        ("LIMITS", '{"segment":"x"}', "segment: expected a number, found a text"),
        ("LIMITS", '{"segment":', 'input data was truncated; it must be like {"segment": 60}'),
        ("ASSUMPTIONS", "null-value", "'null-value' is not like name=choice; several are separated by commas"),
        ("JOURNAL_SIZE", "-1", "expected a number >= 0"),
        ("MAX_BODY_BYTES", "-1", "expected a number >= 1"),
    ],
)
def test_a_bad_variable_is_named_with_what_is_wrong(variable: str, text: str, said: str) -> None:
    name = f"LOCALTALON_EMULATOR_{variable}"
    with pytest.raises(ConfigError) as raised:
        load(None, {name: text})
    assert str(raised.value).startswith(f"{name}: {said}")


def test_an_unknown_assumption_from_the_environment_is_named() -> None:
    with pytest.raises(ConfigError, match=r"there is no assumption 'x'"):
        load(None, {"LOCALTALON_EMULATOR_ASSUMPTIONS": "x=y"})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read: No such file or directory"):
        load(tmp_path / "nowhere.toml", {})


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="is not valid UTF-8"):
        load(path, {})


def test_custom_attributes_are_required_with_a_deployment_of_ones_own(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[deployment]\nname = 'x'\n"), {})
    with pytest.raises(ConfigError, match=r"destination\.custom_attributes is missing"):
        config.destination_settings(EMULATOR)


def test_a_deployment_without_a_plain_key_asks_for_one(tmp_path: Path) -> None:
    text = "[destination]\ncustom_attributes = []\n[deployment]\nname = 'x'\n"
    with pytest.raises(ConfigError, match=r"destination\.api_key is missing"):
        load(written(tmp_path, text), {}).destination_settings(EMULATOR)


def test_a_setting_that_the_bridge_refuses_is_a_config_error() -> None:
    config = load(None, {"LOCALTALON_BRIDGE_REQUEST_TIMEOUT": "0"})
    with pytest.raises(ConfigError, match=r"bridge\.request_timeout is 0"):
        config.bridge_settings(EMULATOR)
    with pytest.raises(ConfigError, match=r"destination\.application_domain"):
        load(
            None, {"LOCALTALON_DESTINATION_APPLICATION_DOMAIN": "ftp://x", "LOCALTALON_DESTINATION_API_KEY": "k"}
        ).destination_settings(EMULATOR)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("LOCALTALON_BRIDGE_PROT", "did you mean LOCALTALON_BRIDGE_PORT?"),
        ("LOCALTALON_DESTINATION_APIKEY", "did you mean LOCALTALON_DESTINATION_API_KEY?"),
    ],
)
def test_an_unknown_environment_variable_of_ours_is_refused(variable: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"unknown variable {variable}; {said}")):
        load(None, {variable: "1", "LOCALTALON_BENCH": "not a section's"})


def test_an_empty_api_key_is_not_the_demos() -> None:
    """An unset secret of a CI job must not become the demo's key."""
    with pytest.raises(ConfigError, match=r"destination\.api_key"):
        load(None, {"LOCALTALON_DESTINATION_API_KEY": ""}).destination_settings(EMULATOR)
    with pytest.raises(ConfigError, match=r"destination\.api_key is missing, and application_domain is given"):
        load(None, {"LOCALTALON_DESTINATION_APPLICATION_DOMAIN": "https://x.y"}).destination_settings(EMULATOR)


def test_what_fits_together_badly_is_said_at_the_start() -> None:
    environ = {
        "LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES": "email,address.city,Age",
        "LOCALTALON_DESTINATION_API_KEY": "unknown-key",
    }
    warned = load(None, environ).warnings(EMULATOR)
    assert "'address.city' is not defined on CustomerProfile; address_city is, and differs in spelling" in warned[0]
    assert "'Age' is not defined on CustomerProfile; age is, and differs in case" in warned[1]
    assert "destination.api_key is no key of the deployment" in warned[2]
    assert load(None, {}).warnings(EMULATOR) == []


def test_an_environment_variable_of_the_wrong_type_is_named() -> None:
    with pytest.raises(ConfigError, match="LOCALTALON_EMULATOR_PORT: "):
        load(None, {"LOCALTALON_EMULATOR_PORT": "high"})


def test_config_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Config().origin = ""  # type: ignore[misc]


def test_no_key_and_no_secret_is_shown() -> None:
    names = ("BRIDGE_WRITE_KEYS", "BRIDGE_WEBHOOK_SECRET", "BRIDGE_CONTROL_TOKEN", "DESTINATION_API_KEY")
    given = load(None, {f"LOCALTALON_{name}": "canary" for name in names})
    for shown in (given, given.bridge, given.destination, given.bridge_settings(EMULATOR)):
        assert "canary" not in repr(shown)


def test_the_webhook_and_the_log_are_told_to_the_bridge() -> None:
    environ = {"LOCALTALON_BRIDGE_WEBHOOK_SECRET": "s", "LOCALTALON_BRIDGE_LOG": "json"}
    settings = load(None, environ).bridge_settings(EMULATOR)
    assert (settings.webhook_secret, settings.log) == ("s", "json")
    assert (load(None, {}).bridge_settings(EMULATOR).webhook_secret, load(None, {}).bridge.log) == (None, "text")
    with pytest.raises(ConfigError, match=r"LOCALTALON_BRIDGE_LOG: .*text, json"):
        load(None, {"LOCALTALON_BRIDGE_LOG": "xml"})
    with pytest.raises(ConfigError, match="LOCALTALON_BRIDGE_WEBHOOK_SECRET: "):
        load(None, {"LOCALTALON_BRIDGE_WEBHOOK_SECRET": ""})


@pytest.mark.parametrize(("host", "asked"), [("127.0.0.1", False), ("localhost", False), ("::1", False), ("::", True)])
def test_a_bridge_that_others_can_reach_asks_for_a_token(host: str, asked: bool) -> None:
    settings = load(None, {"LOCALTALON_BRIDGE_HOST": host})
    if asked:
        with pytest.raises(ConfigError, match=r"give bridge\.control_token in the config"):
            settings.bridge_settings("http://127.0.0.1:8900")
    settings = load(None, {"LOCALTALON_BRIDGE_HOST": host, "LOCALTALON_BRIDGE_CONTROL_TOKEN": "t0ken"})
    assert settings.bridge_settings("http://127.0.0.1:8900").control_token == "t0ken"
    assert "t0ken" not in repr(settings.bridge) + repr(settings.bridge_settings("http://127.0.0.1:8900"))
