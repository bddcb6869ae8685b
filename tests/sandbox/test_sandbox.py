"""The Sandbox class: started, asked, stopped, and what it says when it cannot."""

from pathlib import Path

import httpx
import pytest

from localtalon import Sandbox
from localtalon.serve import PortTakenError


def identify(sandbox: Sandbox, user: str, traits: dict[str, object]) -> None:
    call = {"userId": user, "traits": traits, "writeKey": sandbox.write_key}
    httpx.post(f"{sandbox.bridge_url}/v1/identify", json=call, trust_env=False).raise_for_status()


def test_idle_waits_until_what_was_sent_has_arrived() -> None:
    with Sandbox() as sandbox:
        identify(sandbox, "u1", {"email": "a@b.c"})
        sandbox.idle()
        url = f"{sandbox.emulator_url}/v1/customer_profiles/u1/inventory?profile=true"
        answer = httpx.get(url, headers={"Authorization": f"ApiKey-v1 {sandbox.api_key}"}, trust_env=False)
        assert answer.json()["profile"]["attributes"] == {"email": "a@b.c"}


def test_idle_says_what_is_left_when_it_takes_too_long(tmp_path: Path) -> None:
    config = tmp_path / "localtalon.toml"
    config.write_text('[destination]\napi_key = "k"\napplication_domain = "http://127.0.0.1:9"\n')
    with Sandbox(config) as sandbox:
        identify(sandbox, "u1", {"email": "a@b.c"})
        with pytest.raises(TimeoutError, match='"waiting":1'):
            sandbox.idle(0.01)


def test_it_is_started_once_and_stopped_as_often_as_you_like() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.bridge_url
    sandbox.start()
    with pytest.raises(RuntimeError, match="already started"):
        sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not started"):
        _ = sandbox.bridge_url
    with sandbox:
        assert httpx.get(f"{sandbox.bridge_url}/_bridge/health", trust_env=False).status_code == 200


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with Sandbox(data=tmp_path / "kept"):
        second = Sandbox(data=tmp_path / "kept")
        with pytest.raises(Exception, match="in use by another process"):
            second.start()
        second.stop()
    with second:
        assert second.api_key == "a1" * 32


def test_a_taken_port_raises(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        port = int(sandbox.bridge_url.rsplit(":", 1)[1])
        with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1"):
            Sandbox(bridge_port=port).start()
