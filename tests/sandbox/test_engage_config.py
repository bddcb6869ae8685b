"""Audiences and computed traits of the config: what Engage gets of them, and what keeps a bridge from starting."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from localtalon import Sandbox, config_file
from localtalon.config import Config, ConfigError
from talon_bridge.engage.computations import Computation, Source

EMULATOR = "http://127.0.0.1:8900"
AUDIENCES = """
[[audiences]]
name = "Order Completed Last 30days"
source = "lists/buyers.csv"
every = "2h"

[[audiences]]
name = "Renamed"
key = "old_name"
id = "renamed"
max_leaving = 0.1

[[computed_traits]]
name = "Lifetime Value"
type = "number"
nullify = true
source = "sqlite:orders.db"
query = "SELECT user_id, total FROM totals"
"""


def loaded(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "localtalon.toml"
    path.write_text(text, "utf-8")
    return config_file.load(path, environ)


def test_engage_gets_what_the_config_says(tmp_path: Path) -> None:
    key = "order_completed_last_30days"
    source = Source(str(tmp_path / "lists/buyers.csv"), None, "2h")
    totals = Source(f"sqlite:{tmp_path / 'orders.db'}", "SELECT user_id, total FROM totals")
    assert loaded(tmp_path, AUDIENCES).computations() == (
        Computation(key, "audience", "Order Completed Last 30days", key, source=source, configured=True, derived=True),
        Computation("renamed", "audience", "Renamed", "old_name", max_leaving=0.1, configured=True),
        Computation(
            "lifetime_value",
            "computed_trait",
            "Lifetime Value",
            "lifetime_value",
            "number",
            nullify=True,
            source=totals,
            configured=True,
            derived=True,
        ),
    )


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("orders.csv", "{}/orders.csv"),
        ("/var/orders.csv", "/var/orders.csv"),
        ("-", "{}/-"),
        ("sqlite:///orders.db", "sqlite:///{}/orders.db"),
        ("sqlite:////var/orders.db", "sqlite:////var/orders.db"),
        ("sqlite:/var/orders.db", "sqlite:/var/orders.db"),
        ("postgresql://host/name", "postgresql://host/name"),
    ],
)
def test_a_path_is_one_from_the_folder_of_the_config(tmp_path: Path, written: str, taken: str) -> None:
    query = 'query = "SELECT 1"\n' if ":" in written else ""
    (one,) = loaded(tmp_path, f'[[audiences]]\nname = "A"\nsource = "{written}"\n{query}').computations()
    assert one.source is not None
    assert one.source.place == taken.format(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "30 day buyers"', r"audiences\[0\]\.name: audience '30 day buyers': .*30_day_buyers.*\(AUD-3\)"),
        ('name = "A"\n[[audiences]]\nname = "a!"', r"audiences\[1\]\.name: audience 'a!': audience 'A' already has"),
        ('name = "A"\nevery = "2h"', r"audiences\[0\]\.every: audience 'A': it has every, and no source"),
        ('name = "A"\nsource = "a.csv"\nevery = "2 hours"', r"audiences\[0\]\.every: .*'2 hours' is no rhythm"),
        ('name = "A"\nquery = "SELECT 1"', r"audiences\[0\]\.query: .*no source"),
        ('name = "A"\nsource = "a.csv"\nquery = "SELECT 1"', r"audiences\[0\]\.query: .*its source is no database"),
        (
            'name = "A"\nsource = "postgresql://u:secret@h/n"',
            r"audiences\[0\]\.source: .*there is no query; give query",
        ),
        ('name = "A"\nsource = "https://u:secret@h/a.csv"', r"audiences\[0\]\.source: .*nothing is fetched"),
        ('name = "A"\nid = "a/b"', r"audiences\[0\]\.id: .*'a/b' cannot be used"),
        (
            'name = "A"\n[[audiences]]\nname = "B"\nid = "a"',
            r"audiences\[1\]\.id: audience 'B': audience 'A' already has",
        ),
    ],
)
def test_what_engage_cannot_have_is_named(tmp_path: Path, text: str, said: str) -> None:
    config = loaded(tmp_path, f"[[audiences]]\n{text}\n")
    with pytest.raises(ConfigError, match=said) as caught:
        config.computations()
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match=said):
        Sandbox(config).start()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[audiences]]\nname = "A"\nevry = "2h"', r"unknown key audiences\[0\]\.evry; did you mean every\?"),
        ('[[audiences]]\nname = "A"\nmax_leaving = 1.5', r"audiences\[0\]\.max_leaving"),
        ('[[audiences]]\nname = "A"\nnullify = true', r"unknown key audiences\[0\]\.nullify"),
        ('[[audiences]]\nname = "A"\nsource = ""', r"audiences\[0\]\.source"),
        ('[[computed_traits]]\nname = "A"\ntype = "int"', r"computed_traits\[0\]\.type"),
        ('[[computed_traits]]\nname = "A"\ntype = "location"', r"computed_traits\[0\]\.type"),
    ],
)
def test_a_key_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        loaded(tmp_path, text)
    assert "location)" not in str(caught.value)
    assert "location," not in str(caught.value)


@pytest.mark.parametrize("command", ["up", "bridge"])
def test_a_start_ends_with_one_line_that_names_the_audience(tmp_path: Path, command: str) -> None:
    (tmp_path / "localtalon.toml").write_text('[[audiences]]\nname = "!!!"\n', "utf-8")
    arguments = [sys.executable, "-m", "localtalon", command, "--port", "0"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "localtalon.toml: audiences[0].name: audience '!!!': its key would be empty" in done.stderr
    assert done.stderr.count("explicit key") == 1


DOMAIN = '[destination]\napplication_domain = "https://shop.talon.one"\napi_key = "k"\ncustom_attributes = []\n'


@pytest.mark.parametrize(
    ("text", "environ", "key"),
    [
        ("", {}, "b2" * 32),
        ("", {"LOCALTALON_MANAGEMENT_KEY": "for-another"}, "b2" * 32),
        (DOMAIN, {}, None),
        (DOMAIN, {"LOCALTALON_MANAGEMENT_KEY": "outside"}, "outside"),
        (DOMAIN, {"LOCALTALON_MANAGEMENT_KEY": ""}, None),
        (f'{DOMAIN}[bridge]\nmanagement_key = "own"\n', {"LOCALTALON_MANAGEMENT_KEY": "outside"}, "own"),
        (DOMAIN, {"LOCALTALON_BRIDGE_MANAGEMENT_KEY": "over"}, "over"),
    ],
)
def test_the_key_that_the_deployment_is_asked_with(
    tmp_path: Path, text: str, environ: dict[str, str], key: str | None
) -> None:
    config = loaded(tmp_path, text, **environ)
    settings = config.bridge_settings(EMULATOR)
    assert settings.management_key == key
    shown = repr(config) + repr(config.bridge) + repr(settings)
    assert not any(each in shown for each in ("outside", "'own'", "over", "b2b2"))


def told(sandbox: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{sandbox.bridge_url}/_bridge/engage", trust_env=False).json()
    return found


def test_a_bridge_has_them_and_holds_them_against_the_deployment(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "buyers.csv").write_text("user_id\nada\nbea\n")
    config = loaded(tmp_path, AUDIENCES.partition("[[computed_traits]]")[0])
    with Sandbox(config) as sandbox:
        sandbox.idle()
        buyers, renamed = told(sandbox)["audiences"]
        assert (buyers["origin"], buyers["members"], buyers["misfit"], buyers["checked"]) == ("config", 2, None, True)
        assert "'old_name', which is not defined" in renamed["misfit"]["message"]
        with sandbox.deployment() as talon, sandbox.bridge_for(talon) as bridge:
            assert bridge.engage.audience("Order Completed Last 30days").id == buyers["id"]
            bridge.idle()
            assert talon.profile("ada").attributes == {buyers["key"]: True}


def test_time_that_passes_on_both_clocks_runs_what_is_due(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "buyers.csv").write_text("user_id\nada\n")
    with Sandbox(loaded(tmp_path, AUDIENCES.partition('[[audiences]]\nname = "Renamed"')[0])) as sandbox:
        sandbox.idle()
        (folder / "buyers.csv").write_text("user_id\nada\nbea\n")
        before = at(sandbox)
        sandbox.advance(hours=2)
        sandbox.idle()
        (buyers,) = told(sandbox)["audiences"]
        assert (buyers["members"], buyers["lastSync"]["trigger"]) == (2, "schedule")
        assert at(sandbox) - before >= timedelta(hours=2)
        assert datetime.fromisoformat(buyers["lastSync"]["begunAt"]) - before >= timedelta(hours=2)


def at(sandbox: Sandbox) -> datetime:
    """What time it is in Talon.One."""
    clock = httpx.get(f"{sandbox.emulator_url}/_emulator/clock", trust_env=False).json()
    return datetime.fromisoformat(clock["now"])
