"""However it is used, a store that is kept says what the one in memory says."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulator_support import STORES
from talon_emulator import errors
from talon_emulator.deployments import Deployment
from talon_emulator.errors import Refusal
from talon_emulator.profiles import Environment, Profile
from talon_emulator.records import Kind, Record
from talon_emulator.store import Store, open_store
from talon_emulator.store.protocol import BulkChange, KeptAnswer

_NAMES = st.sampled_from(["u", "U", "ü", "u\0", "v" * 1000, ""])
_ENVIRONMENT: st.SearchStrategy[Environment] = st.sampled_from(["sandbox", "live"])
_EITHER = st.none() | _ENVIRONMENT
_KIND: st.SearchStrategy[Kind] = st.sampled_from(["session", "event"])
_AUDIENCE = st.integers(1, 3)
_PAGE = st.tuples(st.integers(0, 4), st.integers(0, 3))
_TEXT = st.binary(max_size=3)


class Patch(msgspec.Struct, frozen=True):
    """A change of a profile: what is appended, which audiences it is in, whether it hides; or nothing, or a refusal."""

    text: bytes
    audiences: tuple[int, ...]
    hidden: bool
    kind: str

    def __call__(self, stored: Profile | None) -> Profile | Refusal:
        """Change a profile."""
        if self.kind == "refuse":
            return errors.not_found("x")
        if self.kind == "look" and stored is not None:
            return stored
        held = stored or Profile(0, "", "created", "active", b"")
        attributes = held.attributes + self.text
        return msgspec.structs.replace(held, attributes=attributes, audiences=self.audiences, hidden=self.hidden)

    def only_old(self, stored: Profile | None) -> Profile | Refusal | None:
        """Change a profile that is there."""
        return None if stored is None and self.kind == "look" else self(stored)


_PATCH = st.builds(
    Patch,
    _TEXT,
    st.lists(_AUDIENCE, unique=True).map(lambda each: tuple(sorted(each))),
    st.booleans(),
    st.sampled_from(["change", "change", "change", "look", "refuse"]),
)
_LOOK, _CHANGE = Patch(b"", (), False, "look"), Patch(b"", (), False, "change")
_STEP = st.one_of(
    st.tuples(st.just("update"), _ENVIRONMENT, _NAMES, _PATCH),
    st.tuples(st.just("bulk"), _ENVIRONMENT, st.lists(st.tuples(_NAMES, _PATCH), max_size=4)),
    st.tuples(st.just("find"), _ENVIRONMENT, _NAMES),
    st.tuples(st.just("number"), st.integers(0, 4)),
    st.tuples(st.just("list"), _EITHER, _PAGE, st.booleans(), st.none() | _TEXT),
    st.tuples(st.just("members"), _AUDIENCE, _PAGE, st.sampled_from(["", "u", "\0", "ü"])),
    st.tuples(st.just("clear"), _AUDIENCE),
    st.tuples(st.just("record"), _KIND, st.integers(1, 2), _NAMES, _TEXT),
    st.tuples(st.just("records"), _KIND, st.integers(1, 2), _PAGE, st.none() | _TEXT),
    st.tuples(st.just("answer"), _TEXT),
    st.tuples(st.just("define"), st.integers(0, 5)),
    st.tuples(st.just("save"), _NAMES),
    st.tuples(st.just("restore"), _NAMES),
    st.tuples(st.just("forget"), _NAMES),
    st.tuples(st.just("reset")),
    st.tuples(st.just("contents")),
)


async def profiles(store: Store, number: int, step: tuple[Any, ...]) -> Any:
    match step:
        case "update", environment, name, patch:
            return await store.update_profile(number, environment, name, patch)
        case "bulk", environment, patches:
            changes: list[tuple[str, BulkChange]] = [(name, patch.only_old) for name, patch in patches]
            return await store.update_profiles(number, environment, changes)
        case "find", environment, name:
            return await store.find_profile(number, environment, name)
        case "number", profile:
            return await store.find_profile_by_number(number, profile)
        case "list", environment, (limit, skip), newest, text:
            matching = None if text is None else lambda profile: text in profile.attributes
            found = await store.list_profiles(number, environment, limit, skip, newest, matching)
            return found, await store.count_profiles(number, environment, matching)
        case "members", audience, (limit, skip), text:
            return await store.list_members(number, audience, limit, skip, text)
        case "clear", audience:
            return await store.clear_audience(number, audience)
    return await others(store, number, step)


async def others(store: Store, number: int, step: tuple[Any, ...]) -> Any:
    match step:
        case "record", kind, application, name, text:

            def change(stored: Record | None) -> Record | Refusal:
                held = stored or Record(0, kind, application, name, "u", "created", b"")
                return msgspec.structs.replace(held, document=held.document + text) if text else errors.not_found("x")

            made = await store.update_record(number, kind, application, name, change)
            return made, await store.find_record(number, kind, application, name)
        case "records", kind, application, (limit, skip), text:
            matching = None if text is None else lambda record: text in record.document
            return await store.list_records(number, kind, application, limit, skip, matching)
        case "answer", scope, time:
            before = await store.find_answer(number, scope, str(time))
            await store.keep_answer(number, scope, KeptAnswer(200, scope), str(time), str(time + 2))
            return before, await store.find_answer(number, scope, str(time))
        case "define", audience:

            def define(stored: Deployment) -> Deployment | Refusal:
                state = msgspec.structs.replace(stored.state, last_audience=audience)
                return msgspec.structs.replace(stored, state=state) if audience else errors.not_found("x")

            return await store.change_deployment(number, define)
        case "save", name:
            await store.save_snapshot(number, name)
            return await store.list_snapshots(number)
        case "restore", name:
            kept = await store.find_snapshot(number, name)
            return None if kept is None else await store.replace_contents(number, kept)
        case "forget", name:
            return await store.delete_snapshot(number, name)
        case ("reset",):
            return await store.reset_deployment(number)
        case _:
            return await store.contents(number)


def seen(outcome: Any) -> Any:
    """What has to agree: not the numbers and revisions of deployments, nor in which order answers are kept."""
    if isinstance(outcome, Deployment):
        return outcome.state, outcome.baseline
    if hasattr(outcome, "answers"):
        return msgspec.structs.replace(outcome, answers=tuple(sorted(outcome.answers, key=lambda kept: kept.scope)))
    return outcome


@pytest.fixture(scope="module", params=[kind for kind in STORES if kind != "memory"])
def other(request: pytest.FixtureRequest, empty: Callable[[str], str | None]) -> Iterator[tuple[Any, Store]]:
    """A loop and a store in it."""
    data = empty(request.param)
    with asyncio.Runner() as runner:
        store = open_store(data)
        runner.run(store.open())
        yield runner, store
        runner.run(store.close())


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(_STEP, max_size=25))
@example([("bulk", "live", [("a", _LOOK), ("b", _CHANGE), ("a", _CHANGE)]), ("update", "live", "c", _CHANGE)])
def test_a_store_says_what_the_one_in_memory_says(other: tuple[Any, Store], steps: list[tuple[Any, ...]]) -> None:
    runner, kept = other

    async def work() -> None:
        memory = open_store(None)
        there, here = (await kept.create_deployment("d")).id, (await memory.create_deployment("d")).id
        try:
            # The time goes on; where it is set back, the store in memory forgets some answers later.
            timed = [(*step, 100 + time) if step[0] == "answer" else step for time, step in enumerate(steps)]
            for step in (*timed, ("contents",)):
                assert seen(await profiles(kept, there, step)) == seen(await profiles(memory, here, step))
        finally:
            await kept.delete_deployment(there)

    runner.run(work())
