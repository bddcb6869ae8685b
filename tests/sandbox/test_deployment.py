"""Deployments and bridges of one's own on a sandbox: what their handles do, and that nobody sees anybody else's."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from localtalon import Bridge, Sandbox, Talon
from localtalon.bridge import RefusedError
from localtalon.config import Config, ConfigError, EmulatorSection
from localtalon.deployment import NoProfileError
from localtalon.in_process import ControlError
from localtalon.journal import ForgottenError
from localtalon.payload import PayloadError


@pytest.fixture(name="talon")
def own_talon(sandbox: Sandbox) -> Iterator[Talon]:
    with sandbox.deployment() as made:
        yield made


@pytest.fixture(name="bridge")
def own_bridge(sandbox: Sandbox, talon: Talon) -> Iterator[Bridge]:
    with sandbox.bridge_for(talon) as made:
        yield made


def put(talon: Talon, key: str, user: str = "u1", **attributes: Any) -> httpx.Response:
    url = f"{talon.url}/v2/customer_profiles/{quote(user, safe='')}"
    headers = {"authorization": f"ApiKey-v1 {key}"}
    return httpx.put(url, json={"attributes": attributes}, headers=headers, trust_env=False)


Step = tuple[int, str, int]
STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["u1", "a/b", "é"]), st.integers()), max_size=12)


@hypothesis_settings(max_examples=15)
@given(STEPS)
def test_each_pair_holds_what_it_was_sent_and_nothing_else(sandbox: Sandbox, steps: list[Step]) -> None:
    talons = [sandbox.deployment() for _ in range(3)]
    bridges = [sandbox.bridge_for(talon) for talon in talons]
    expected: list[dict[str, Any]] = [{}, {}, {}]
    for which, user, age in steps:
        bridges[which].identify(user, {"age": age})
        expected[which][user] = {"age": age}
    for talon, bridge, held in zip(talons, bridges, expected, strict=True):
        bridge.idle()
        assert {profile.integration_id: profile.attributes for profile in talon.profiles()} == held
        assert {event.user_id for event in bridge.events()} == held.keys()
        bridge.close()
        talon.close()


def test_a_key_opens_its_own_deployment_and_dies_with_it(sandbox: Sandbox) -> None:
    with sandbox.deployment() as one, sandbox.deployment() as other:
        assert put(one, one.api_key, age=1).status_code == 200
        assert put(one, other.api_key, age=2).status_code == 200  # the address is shared, the key says which
        assert (one.profile("u1").attributes, other.profile("u1").attributes) == ({"age": 1}, {"age": 2})
        assert len({one.api_key, one.segment_key, one.management_key, other.api_key, sandbox.api_key}) == 5
    assert put(one, one.api_key, age=1).status_code == 401
    one.close()
    with pytest.raises(ControlError, match="is closed"):
        _ = one.attributes
    with pytest.raises(ControlError, match="There is no deployment"):
        one.journal.all()


def test_a_write_key_opens_its_own_bridge(sandbox: Sandbox, talon: Talon, bridge: Bridge) -> None:
    call = {"userId": "u1", "traits": {"age": 1}}
    with sandbox.bridge_for(talon) as other:
        for key, status in ((bridge.write_key, 200), (other.write_key, 401), (sandbox.write_key, 401)):
            answer = httpx.post(f"{bridge.url}/v1/identify", json={**call, "writeKey": key}, trust_env=False)
            assert answer.status_code == status
    with pytest.raises(httpx.ConnectError):
        httpx.get(other.url, trust_env=False)


def test_bridges_of_one_deployment_have_settings_of_their_own(sandbox: Sandbox, talon: Talon) -> None:
    with sandbox.bridge_for(talon, custom_attributes=["age"]) as one, sandbox.bridge_for(talon) as other:
        one.identify("u1", {"age": 1, "vip": True})
        other.identify("u2", {"age": 1, "vip": True})
        one.idle()
        other.idle()
    assert talon.profile("u1").attributes == {"age": 1}
    assert talon.profile("u2").attributes == {"age": 1, "vip": True}


def test_what_is_read_back_is_neither_struck_nor_limited_nor_written_down(talon: Talon) -> None:
    talon.update("u1", {"age": 1, "lifetime_value": Decimal("12.5"), "favourite_tags": ["a"]})
    talon.limits(profile=1, management=1, segment=1)
    talon.fault("error", status=500)
    for _ in range(3):
        assert talon.profile("u1").attributes == {"age": 1, "lifetime_value": 12.5, "favourite_tags": ["a"]}
        assert "u1" in talon
        assert talon.attributes["age"] == "number"
    assert [exchange.path for exchange in talon.journal.all()] == ["/v2/customer_profiles/u1"]


def test_a_missing_profile_says_what_may_have_become_of_it(talon: Talon, bridge: Bridge) -> None:
    with pytest.raises(NoProfileError, match=r"^there is no customer profile 'u1'$"):
        talon.profile("u1")
    talon.update("User-1", {"age": 1})
    with pytest.raises(NoProfileError, match="there is 'User-1', which differs in case"):
        talon.profile("user-1")
    bridge.identify("refused", {"age": "1"})
    bridge.idle()
    with pytest.raises(NoProfileError, match=r"there are 'User-1'; an update of it was answered 400: .*not a number"):
        talon.profile("refused")
    assert 5 not in talon


def test_the_journal_tells_good_from_bad_the_oldest_first(talon: Talon) -> None:
    put(talon, talon.api_key, "u1", age=1)
    put(talon, talon.api_key, "u1", age="1")
    put(talon, talon.api_key, "a/b", age=2)
    assert [exchange.status for exchange in talon.journal.all()] == [200, 400, 200]
    assert [exchange.request for exchange in talon.journal.good()] == [
        {"attributes": {"age": 1}},
        {"attributes": {"age": 2}},
    ]
    (bad,) = talon.journal.bad()
    assert "not a number" in bad.message
    assert [exchange.integration_ids for exchange in talon.journal.all(integration_id="a/b")] == [("a/b",)]
    assert talon.journal.all(status=400) == [bad]
    assert talon.journal.good(path="/v1/") == []


def test_a_definition_is_made_once_and_never_changes_its_type(talon: Talon) -> None:
    talon.define("tier", "string", suggestions=["gold"])
    talon.define("tier", "string", suggestions=["gold"])
    talon.define("note", "string", entity="CustomerSession")
    assert talon.attributes["tier"] == "string"
    assert "note" not in talon.attributes
    assert talon.update("u1", {"tier": "gold"}).attributes == {"tier": "gold"}
    with pytest.raises(ControlError, match="attribute 'tier' is defined as string already"):
        talon.define("tier", "number")
    with pytest.raises(ControlError, match=r"'30_day_buyers': name does not match"):
        talon.define("30_day_buyers", "boolean")
    with pytest.raises(ControlError, match="unknown value 'bool'"):
        talon.define("flag", "bool")
    talon.reset()
    assert talon.attributes["tier"] == "string"


def test_a_fault_strikes_until_it_is_ended(talon: Talon) -> None:
    with talon.fault("error", status=503, retry_after=7, integration_id="u1") as fault:
        answer = put(talon, talon.api_key, "u1", age=1)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert put(talon, talon.api_key, "u2", age=1).status_code == 200
        assert fault.hits == 1
    assert put(talon, talon.api_key, "u1", age=1).status_code == 200
    fault.end()
    assert fault.hits == 1
    with pytest.raises(ControlError, match="did you mean 'error'"):
        talon.fault("eror")


def test_a_fault_from_before_a_reset_does_not_end_one_from_after(talon: Talon) -> None:
    with talon.fault("error", status=503):
        talon.reset()
        after = talon.fault("error", status=500)
    assert put(talon, talon.api_key, age=1).status_code == 500
    assert after.hits == 1


def test_a_deployment_has_a_time_of_its_own(sandbox: Sandbox, talon: Talon) -> None:
    moment = datetime(2030, 1, 31, 12, tzinfo=UTC)
    assert talon.clock.freeze(moment) == talon.clock.now == moment
    assert talon.clock.advance(90) == moment + timedelta(seconds=90)
    assert talon.clock.advance(timedelta(days=1), hours=1) == moment + timedelta(days=1, hours=1, seconds=90)
    assert talon.clock.set("2031-01-01T00:00:00Z").year == 2031
    with sandbox.deployment() as other:
        assert other.clock.now < moment
    assert talon.clock.real() < moment


def test_limits_survive_a_reset_and_a_wrong_choice(sandbox: Sandbox) -> None:
    def updates(talon: Talon) -> list[int]:
        headers = {"authorization": f"ManagementKey-v1 {talon.management_key}"}
        return [httpx.get(f"{talon.url}/v1/attributes", headers=headers, trust_env=False).status_code for _ in range(2)]

    with sandbox.deployment(limits={"management": 1}) as talon:
        talon.clock.freeze()
        assert updates(talon) == [200, 429]
        with pytest.raises(ControlError, match="unknown value 'reel'"):
            talon.limits("reel")  # type: ignore[arg-type]
        with pytest.raises(ControlError, match='give "real", "off", or numbers'):
            talon.limits()
        talon.reset()
        talon.clock.freeze()
        assert updates(talon) == [200, 429]
        talon.limits("off")
        assert updates(talon) == [200, 200]


def test_a_snapshot_brings_back_what_there_was(talon: Talon) -> None:
    talon.update("u1", {"age": 1})
    talon.snapshot("before")
    talon.update("u1", {"age": 2})
    talon.restore("before")
    assert talon.profile("u1").attributes == {"age": 1}
    with pytest.raises(ControlError, match=r"There is no snapshot 'later'.*there are: before"):
        talon.restore("later")


def test_an_update_says_why_it_is_refused(talon: Talon) -> None:
    with pytest.raises(ControlError, match=r'Talon.One answers 400: .*"age" attribute'):
        talon.update("u1", {"age": True})
    assert "u1" not in talon
    talon.fault("reset", count=1)
    with pytest.raises(ControlError, match=r"Talon.One does not answer: fault 1: reset"):
        talon.update("u1", {"age": 1})
    with pytest.raises(PayloadError, match="/attributes/age is inf: JSON has no such number"):
        talon.update("u1", {"age": float("inf")})


def test_every_call_of_segment_is_taken(talon: Talon, bridge: Bridge) -> None:
    sent = [
        bridge.identify("u1", {"age": 1}, messageId="mine", timestamp="2030-01-01T00:00:00Z"),
        bridge.track("u1", "Order Completed", {"total": Decimal("1.10")}),
        bridge.page("u1", "Home"),
        bridge.screen("u1", "Home"),
        bridge.group("u1", "g1", {"plan": "x"}),
        bridge.alias("u2", "u1"),
        *bridge.batch([{"userId": "u1", "traits": {"vip": True}}, {"type": "track", "userId": "u1", "event": "e"}]),
        bridge.computed_trait("u1", "lifetime_value", 3, context={"personas": {"computation_id": "c1"}, "ip": "::1"}),
    ]
    bridge.idle()
    assert [(event.message_id, event.type) for event in bridge.events()] == [
        (sent[0], "identify"),
        *((each, each.split("-")[1]) for each in sent[1:]),
    ]
    assert sent[0] == "mine"
    assert talon.profile("u1").attributes == {"age": 1, "vip": True, "lifetime_value": 3}
    assert all(event.well for event in bridge.events())


def test_an_audience_is_entered_and_left(talon: Talon, bridge: Bridge) -> None:
    for entered in (True, False):
        bridge.audience("u1", "order_completed_last_30days", entered)
        bridge.idle()
        assert talon.profile("u1").attributes == {"order_completed_last_30days": entered}


def test_dead_letters_are_explained_and_replayed(talon: Talon, bridge: Bridge) -> None:
    with talon.fault("error", status=400):
        sent = bridge.identify("u1", {"age": 1})
        bridge.idle()
    assert [letter.message_id for letter in bridge.dead_letters()] == [sent]
    assert (bridge.explain(sent).state, bridge.explain(sent).well) == ("dead", False)
    assert bridge.events("delivered") == []
    assert bridge.replay() == 1
    bridge.idle()
    assert (talon.profile("u1").attributes, bridge.dead_letters()) == ({"age": 1}, [])
    with pytest.raises(LookupError, match=f"no event has the messageId 'other'; the last are: {sent}"):
        bridge.explain("other")


def test_a_call_that_is_none_is_refused_with_its_place(bridge: Bridge) -> None:
    with pytest.raises(PayloadError, match="/traits/n is nan: JSON has no such number"):
        bridge.identify("u1", {"n": float("nan")})
    with pytest.raises(RefusedError, match=r"^413: "):
        bridge.identify("u1", {"n": "x" * 40_000})
    assert bridge.events() == []


def test_more_events_than_a_page_holds_are_all_listed(bridge: Bridge) -> None:
    sent = bridge.batch({"userId": f"u{number}", "traits": {}} for number in range(1500))
    assert [event.message_id for event in bridge.events()] == sent
    assert [event.message_id for event in bridge.events(latest=1100)] == sent[-1100:]
    bridge.idle()
    assert [event.message_id for event in bridge.events("skipped", latest=2)] == sent[-2:]


def test_more_dead_letters_than_a_page_holds_are_all_listed_and_replayed(talon: Talon, bridge: Bridge) -> None:
    sent = bridge.batch({"userId": f"u{number}", "traits": {"age": "no"}} for number in range(1200))
    bridge.idle(60)
    assert [letter.message_id for letter in bridge.dead_letters()] == sent
    assert bridge.replay() == 1200
    bridge.idle(60)
    assert {letter.message_id for letter in bridge.dead_letters()} == set(sent)


def test_a_journal_that_had_to_forget_does_not_pretend_to_be_whole() -> None:
    short = Config(emulator=EmulatorSection(limits="off", journal_size=3))
    with Sandbox(short) as sandbox, sandbox.deployment() as talon:
        with pytest.raises(ControlError, match="answers 400"):
            talon.update("u1", {"age": "no"})
        for age in range(2):
            talon.update("u1", {"age": age})
        assert len(talon.journal.bad()) == 1
        talon.update("u1", {"age": 2})
        for asked in (talon.journal.bad, talon.journal.good, talon.journal.all):
            with pytest.raises(ForgottenError, match="the oldest exchanges, 1 so far: ask it earlier"):
                asked()
        assert (talon.journal.kept("bad").entries, talon.journal.kept().forgotten) == ([], 1)
        with pytest.raises(ControlError, match=r'answers 400: .*"age" attribute'):
            talon.update("u1", {"age": "no"})
        talon.reset()
        assert (talon.update("u1", {"age": 1}).attributes, talon.journal.bad()) == ({"age": 1}, [])


def test_generated_ids_do_not_meet_those_of_a_test(talon: Talon, bridge: Bridge) -> None:
    ids = ("identify-2", "identify-4")
    sent = [bridge.identify("u1", {"age": age}, messageId=ids[age]) for age in range(2)]
    sent += [bridge.identify("u1", {"age": age}) for age in range(2, 6)]
    assert len({*sent}) == 6
    bridge.idle()
    assert [event.message_id for event in bridge.events()] == sent
    assert talon.profile("u1").attributes == {"age": 5}


def test_a_call_has_segments_members_and_no_others(talon: Talon, bridge: Bridge) -> None:
    bridge.identify(user_id="u1", traits={"age": 1}, anonymousId="a", integrations={"All": True})
    bridge.page("u1", "Home", category="Shop", sentAt=datetime.now(UTC))
    untyped: Any = bridge
    wrong: list[tuple[Callable[[], Any], str]] = [
        (lambda: untyped.identify("u1", email="a@b.c"), r"identify has no member 'email' .*traits are given as a dict"),
        (lambda: untyped.identify("u1", message_id="m"), r"no member 'message_id' \(did you mean 'messageId'\?\)"),
        (lambda: untyped.track("u1", "Order", total=3), r"no member 'total' .*properties are given as a dictionary"),
        (lambda: untyped.track("u1", "Order", category="Shop"), "track has no member 'category'"),
        (lambda: untyped.alias("u1", "u2", userId="u3"), "alias has no member 'userId'"),
        (lambda: untyped.audience("u1", "vip", True, traits={}), "identify has no member 'traits'"),
    ]
    for call, told in wrong:
        with pytest.raises(TypeError, match=told):
            call()
    assert bridge.batch([{"userId": "u1", "traits": {"vip": True}, "email": "a@b.c", "messageId": "any"}]) == ["any"]
    bridge.idle()
    assert talon.profile("u1").attributes == {"age": 1, "vip": True}
    assert len(bridge.events()) == 3


def test_a_time_is_sent_with_its_offset_or_not_at_all(talon: Talon, bridge: Bridge) -> None:
    bridge.identify("u1", {"signed_up_at": datetime(2030, 1, 31, 12, tzinfo=UTC)})
    bridge.idle()
    assert talon.profile("u1").attributes == {"signed_up_at": "2030-01-31T12:00:00Z"}
    naive = datetime(2030, 1, 31, 12)
    with pytest.raises(PayloadError, match="/traits/at/0 is 2030-01-31 12:00:00 without an offset: give it one"):
        bridge.identify("u1", {"at": [naive]})
    with pytest.raises(PayloadError, match="/attributes/age is NaN: JSON has no such number"):
        talon.update("u1", {"age": Decimal("NaN")})


def test_a_closed_deployment_says_that_it_is_closed(sandbox: Sandbox) -> None:
    with sandbox.deployment() as talon:
        talon.update("u1", {"age": 1})
    for asked in (lambda: "u1" in talon, lambda: talon.profile("u1"), talon.profiles):
        with pytest.raises(ControlError, match=f"the deployment '{talon.name}' is closed"):
            asked()


def test_a_clock_is_told_what_it_cannot_do(talon: Talon) -> None:
    with pytest.raises(ControlError, match=r"advance goes forward only, and -3600 s is back; set\(\) goes there"):
        talon.clock.advance(hours=-1)
    with pytest.raises(TypeError, match=r"advance takes no 'dayz' \(did you mean 'days'\?\)"):
        talon.clock.advance(dayz=1)


def test_a_wait_beyond_what_the_bridge_grants_is_no_timeout(sandbox: Sandbox, bridge: Bridge) -> None:
    for idle in (sandbox.idle, bridge.idle):
        for seconds in (700, float("inf"), -1):
            with pytest.raises(ControlError, match=r"timeout is .*give seconds from 0 to 600"):
                idle(seconds)


def test_idle_says_what_waits_and_what_came_back(talon: Talon, bridge: Bridge) -> None:
    talon.fault("error", status=503)
    bridge.identify("u1", {"age": 1})
    with pytest.raises(TimeoutError, match=r"not idle after 0.2 s(.|\n)*localtalon-identify-1  identify u1: waiting"):
        bridge.idle(0.2)


def test_what_is_open_about_talon_one_is_chosen(sandbox: Sandbox) -> None:
    for choice, left in (("delete", {}), ("keep", {"age": 1})):
        with sandbox.deployment(assumptions={"null-value": choice}) as talon, sandbox.bridge_for(talon) as bridge:
            talon.update("u1", {"age": 1})
            bridge.identify("u1", {"age": None})
            bridge.idle()
            assert talon.profile("u1").attributes == left


def test_the_destination_may_refuse_client_side_sources(sandbox: Sandbox, talon: Talon) -> None:
    context = {"library": {"name": "analytics.js"}}
    for choice, state in (("accept", "delivered"), ("reject", "skipped")):
        with sandbox.bridge_for(talon, client_side_sources=choice) as bridge:  # type: ignore[arg-type]
            sent = bridge.identify("u1", {"age": 1}, context=context)
            bridge.idle()
            assert bridge.explain(sent).state == state


def test_the_rule_engine_runs_if_asked_to(sandbox: Sandbox, talon: Talon) -> None:
    for asked in (True, False):
        with sandbox.bridge_for(talon, run_rule_engine=asked) as bridge:
            bridge.identify("u1", {"age": 1})
            bridge.idle()
    assert [exchange.query for exchange in talon.journal.all()] == ["runRuleEngine=true", "runRuleEngine=false"]


def test_a_config_describes_them(tmp_path: Path) -> None:
    path = tmp_path / "localtalon.toml"
    path.write_text(
        """
        [deployment]
        name = "shop"
        applications = [{ id = 4, name = "Shop", environment = "live", api_keys = [{ title = "k", key = "the-key" }] }]
        attributes = [{ name = "shoe_size", type = "number" }]
        [bridge]
        write_keys = ["known"]
        control_token = "secret"
        [emulator]
        control_token = "secret"
        [destination]
        custom_attributes = ["shoe_size"]
        """
    )
    with Sandbox(path) as sandbox, sandbox.deployment() as talon, sandbox.bridge_for(talon) as bridge:
        call = {"userId": "u1", "traits": {"shoe_size": 41}, "writeKey": "known"}
        httpx.post(f"{bridge.url}/v1/identify", json=call, trust_env=False).raise_for_status()
        bridge.idle()
        assert talon.profile("u1").attributes == {"shoe_size": 41}
        assert (talon.application, talon.api_key == "the-key") == (4, False)
        with sandbox.deployment(attributes={"tier": "string"}) as more:
            assert more.attributes == {"shoe_size": "number", "tier": "string"}
            assert more.config.destination.custom_attributes == ("shoe_size", "tier")
        with pytest.raises(ConfigError, match="is string here and number in the config"):
            sandbox.deployment(attributes={"shoe_size": "string"})


def test_the_sandbox_ends_what_was_left_open_and_says_so_afterwards() -> None:
    before = threading.active_count()
    with Sandbox() as sandbox:
        talon = sandbox.deployment()
        bridge = sandbox.bridge_for(talon)
        bridge.identify("u1", {"age": 1})
    assert threading.active_count() == before
    assert (talon.closed, bridge.closed) == (True, True)
    for asked in (talon.profiles, bridge.events):
        with pytest.raises(RuntimeError, match="the sandbox has ended"):
            asked()
    with pytest.raises(RuntimeError, match="not started"):
        sandbox.deployment()


def test_who_still_waits_for_an_answer_is_cut_off(sandbox: Sandbox, talon: Talon, bridge: Bridge) -> None:
    talon.fault("silence")
    bridge.identify("u1", {"age": 1})
    port = int(bridge.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=4) as waiting:
        waiting.sendall(b"GET /_bridge/idle?timeout=5 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        httpx.get(f"{bridge.url}/_bridge/health", trust_env=False).raise_for_status()  # what came before it is read
        bridge.close()
        assert b" 409 " not in waiting.recv(1000)  # what it would be told after its 5 seconds
        assert waiting.recv(1000) == b""


def test_many_come_and_go_and_leave_nothing(sandbox: Sandbox) -> None:
    def cycle() -> None:
        with sandbox.deployment() as talon, sandbox.bridge_for(talon) as bridge:
            bridge.identify("u1", {"age": 1})
            bridge.idle()

    cycle()
    threads = threading.active_count()
    deployments = httpx.get(f"{sandbox.emulator_url}/_emulator/deployments", trust_env=False).json()["deployments"]
    for _ in range(20):
        cycle()
    assert threading.active_count() <= threads
    assert httpx.get(f"{sandbox.emulator_url}/_emulator/deployments", trust_env=False).json() == {
        "deployments": deployments
    }
