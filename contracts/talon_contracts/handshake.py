"""The handshake: whether the targets work at all, so that a check that fails says something about its rule."""

from dataclasses import dataclass

from talon_contracts.exact_json import same_value
from talon_contracts.targets import Bench, CannotJudge


@dataclass(frozen=True, slots=True)
class Handshake:
    """Why a target cannot be judged; empty where it can."""

    talon_one: str = ""
    bridge: str = ""


def handshake(bench: Bench) -> Handshake:
    """Have a plain update stored by Talon.One, and a plain identify delivered by the bridge."""
    try:
        _store(bench)
    except CannotJudge as error:
        return Handshake(str(error), str(error))
    if bench.bridge is None:
        return Handshake()
    try:
        _deliver(bench)
    except CannotJudge as error:
        return Handshake("", str(error))
    return Handshake()


def _store(bench: Bench) -> None:
    name, value = bench.plain_trait()
    user = f"{bench.tag()}stored"
    if bench.talon_one.profile(user) is not None:
        raise CannotJudge(f"{bench.talon_one.url} has a profile {user!r} that nobody made")
    reply = bench.talon_one.update(user, {name: value})
    if reply.status != 200:
        seen = f"{reply.status} {reply.body[:200]!r}"
        raise CannotJudge(f"{bench.talon_one.url} answers a plain update of {name} with {seen}")
    held = bench.talon_one.profile(user)
    if not same_value(held, {name: value}):
        raise CannotJudge(f"{bench.talon_one.url} took {name} = {value!r} and then shows {held!r}")


def _deliver(bench: Bench) -> None:
    assert bench.bridge is not None
    name, value = bench.plain_trait()
    user = f"{bench.tag()}delivered"
    bench.send_plain(user)
    bench.settle()
    held = bench.talon_one.profile(user)
    if held is None:
        raise CannotJudge(
            f"an identify that {bench.bridge.url} accepted did not arrive at {bench.talon_one.url}: it is lost, is"
            " delivered elsewhere, or was refused (is the API key right? is the attribute defined?)"
        )
    if not same_value(held, {name: value}):
        raise CannotJudge(f"an identify with {name} = {value!r} arrived as {held!r}")
