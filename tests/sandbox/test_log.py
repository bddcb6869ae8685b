"""The log: one line a record whatever is in it, and never anybody's key or data."""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge_support import Reply, Target, always, basic, identify, scripted_target
from localtalon.log import JsonLine, TextLine

EVIL = "a\nb\r\n\x1b[31mred\x9b31m \u2028 \0 \ud800 \u202e"


def record(message: str, *args: Any, error: BaseException | None = None, **extra: Any) -> logging.LogRecord:
    """A record as a logger makes it."""
    raised = None if error is None else (type(error), error, error.__traceback__)
    made = logging.getLogger("some.where").makeRecord(
        "some.where", logging.WARNING, __file__, 1, message, args, raised, extra=extra
    )
    made.created = 1_700_000_000.25
    return made


def raised(by: Callable[[], Any]) -> BaseException:
    try:
        by()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_record_is_a_json_object() -> None:
    line = JsonLine().format(record("event %d is dead", 7, action="dead", messageId="m", status=400, last=True))
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "logger": "some.where",
        "message": "event 7 is dead",
        "action": "dead",
        "messageId": "m",
        "status": 400,
        "last": True,
    }


def test_a_record_is_a_line_of_text() -> None:
    assert TextLine().format(record("event %d is dead", 7, action="dead")) == "WARNING some.where: event 7 is dead"


def test_extra_members_that_could_be_somebodys_data_are_left_out() -> None:
    made = record("x", userId="canary", profile="canary", api_key="canary", event={"a": "canary"}, traits=["canary"])
    for form in (JsonLine(), TextLine()):
        assert "canary" not in form.format(made)


@given(st.text(), st.text())
@example(EVIL, EVIL)
def test_whatever_is_in_it_a_record_is_one_line_that_no_terminal_acts_on(message: str, message_id: str) -> None:
    made = record("%s", message, action=message, messageId=message_id)
    line = JsonLine().format(made)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["messageId"] == message_id
    shown = TextLine().format(made)
    assert shown.isprintable()
    shown.encode()


def test_an_exception_says_what_and_where_but_not_with_what() -> None:
    def fails() -> None:
        canary = "canary"
        nothing: dict[str, str] = {}
        try:
            nothing[canary]
        except KeyError as error:
            raise ValueError(f"no {canary}\nat all") from error

    for form in (JsonLine(), TextLine()):
        line = form.format(record("it failed", error=raised(fails)))
        assert "ValueError at test_log.py:" in line
        assert "; caused by KeyError at test_log.py:" in line
        assert " fails" in line
        assert "canary" not in line
        assert line.isprintable()


def test_an_error_of_the_system_is_named() -> None:
    error = raised(lambda: open("/nowhere/at/all"))  # noqa: SIM115
    told = json.loads(JsonLine().format(record("it failed", error=error)))
    assert told["exception"].startswith("FileNotFoundError No such file or directory at test_log.py:")


def test_what_asyncio_shows_of_a_task_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def fails() -> None:
            raise ValueError("canary")

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(fails())
        await asyncio.wait([task])
        loop.call_exception_handler({"message": "task failed", "exception": task.exception(), "task": task})

    asyncio.run(main())
    (made,) = [found for found in caplog.records if found.name == "asyncio"]
    assert "canary" in made.getMessage()
    for form in (JsonLine(), TextLine()):
        line = form.format(made)
        assert "task failed" in line
        assert "canary" not in line


KEY, SECRET, WRITE_KEY, TOKEN, VALUE = (f"canary-{name}" for name in ("key", "secret", "write", "token", "value"))


def environment(target: Target, form: str) -> dict[str, str]:
    """What tells a bridge to forward to the target, with secrets that must not be seen again."""
    told = {
        "DESTINATION_API_KEY": KEY,
        "DESTINATION_APPLICATION_DOMAIN": target.url,
        "DESTINATION_CUSTOM_ATTRIBUTES": "email",
        "BRIDGE_WEBHOOK_SECRET": SECRET,
        "BRIDGE_WRITE_KEYS": WRITE_KEY,
        "BRIDGE_CONTROL_TOKEN": TOKEN,
        "BRIDGE_LOG": form,
        "BRIDGE_FIRST_WAIT": "0.01",
        "BRIDGE_PROBE_EVERY": "0.05",
    }
    return {**os.environ, **{f"LOCALTALON_{name}": value for name, value in told.items()}}


def knock(url: str) -> None:
    """Every door, with good and bad keys, with good and bad bodies."""
    event = json.dumps(identify(VALUE, {"email": VALUE, VALUE: VALUE})).encode()
    good = hmac.new(SECRET.encode(), event, hashlib.sha1).hexdigest()
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        for key in (WRITE_KEY, KEY, VALUE, ""):
            for body in (event, event[:-1], b'{"batch":[' + event + b"]}", b"\xff" + event):
                for path in ("/v1/identify", "/v1/batch", "/destination", "/v1/" + VALUE):
                    client.post(path, content=body, headers=basic(key))
        for signed in (good, VALUE, ""):
            for body in (event, event[:-1]):
                client.post("/webhook", content=body, headers={"x-signature": signed})
        answer = client.get("/_bridge/idle?timeout=20", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_key_no_secret_and_nobodys_data_are_logged(form: str) -> None:
    with scripted_target() as target:
        echo = always(Reply(400, body=json.dumps({"message": VALUE, "errors": [{"title": VALUE}]}).encode()))
        target.script = always(Reply(401, body=VALUE.encode()))
        command = [sys.executable, "-m", "localtalon", "bridge", "--port", "0", "--json"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(target, form)
        ) as process:
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["bridge"]
                first = json.dumps(identify("u", {"email": VALUE}))
                httpx.post(f"{url}/v1/identify", content=first, headers=basic(WRITE_KEY), trust_env=False)
                target.wait_for(2)  # the key is not accepted, and asked for again
                target.script = echo
                knock(url)
                process.terminate()
                _, log = process.communicate(timeout=20)
            finally:
                process.kill()
    assert process.returncode == 0
    assert log.count("\n") >= 2
    assert "canary" not in log
    for line in log.splitlines():
        if form == "json":
            assert {"time", "level", "logger", "message", "action"} <= json.loads(line).keys()
        else:
            assert line.startswith("WARNING talon_bridge.")


def test_warnings_of_the_start_are_in_the_log() -> None:
    told = {"LOCALTALON_BRIDGE_LOG": "json", "LOCALTALON_DESTINATION_CUSTOM_ATTRIBUTES": "Email"}
    command = [sys.executable, "-m", "localtalon", "up", "--port", "0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **told}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        _, log = process.communicate(timeout=20)
    (line,) = log.splitlines()
    assert json.loads(line)["message"].startswith("custom attribute 'Email' is not defined")
