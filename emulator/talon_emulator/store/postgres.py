"""The PostgreSQL store: one database that several processes share."""

from typing import Any

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.store.postgres_records import PostgresRecords
from talon_emulator.store.protocol import (
    Changes,
    Contents,
    DeploymentChange,
    DeploymentGone,
    Kept,
    KeptAnswer,
    NameTaken,
)


class _Document(msgspec.Struct, frozen=True):
    state: State
    baseline: State


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Document)
_CONTENTS = msgspec.json.Decoder(Contents)


class PostgresStore(PostgresRecords):
    """A store given by the URL of its database."""

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        return tuple(self._deployment(row) for row in await self._run("all_deployments"))

    async def revision(self) -> int:
        """Return the number of the last change to any deployment."""
        [(revision,)] = await self._run("find_revision")
        return int(revision)

    async def changes(self, since: int) -> Changes:
        """Return which deployments there are, and those that changed since a revision."""
        async with self._transaction("repeatable_read") as on:
            [(revision,)] = await self._run("find_revision", on=on)
            numbers = frozenset(number for (number,) in await self._run("deployment_numbers", on=on))
            changed = await self._run("changed_deployments", since, on=on)
            return Changes(revision, numbers, tuple(map(self._deployment, changed)))

    async def create_deployment(self, name: str, state: State = EMPTY) -> Deployment:
        """Create a deployment, `state` being its baseline too. Raises NameTaken."""
        document = _ENCODER.encode(_Document(state, state))
        async with self._transaction() as on:
            revision = await self._next_revision(on)
            for (number,) in await self._run("insert_deployment", name.encode(), document, revision, on=on):
                await self._run("insert_counters", number, on=on)
                return Deployment(number, name, state, state, revision)
            raise NameTaken(name)

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        async with self._transaction() as on:
            stored = await self._lock_deployment(deployment, on)
            changed = change(stored)
            if isinstance(changed, Refusal) or changed is stored:
                return changed
            return await self._write_deployment(changed, on)

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        async with self._transaction() as on:
            await self._lock_counters(deployment, on)
            stored = await self._lock_deployment(deployment, on)
            await self._forget_customers(deployment, on)
            await self._run("update_counters", deployment, 0, 0, on=on)
            return await self._write_deployment(msgspec.structs.replace(stored, state=stored.baseline), on)

    async def delete_deployment(self, deployment: int) -> None:
        """Forget a deployment and everything in it."""
        async with self._transaction() as on:
            if not await self._run("lock_counters", deployment, on=on):
                return
            await self._forget_customers(deployment, on)
            for table in ("snapshots", "counters", "deployment"):
                await self._run(f"delete_{table}", deployment, on=on)
            await self._next_revision(on)

    async def find_answer(self, deployment: int, scope: bytes, now: str) -> KeptAnswer | None:
        """Return the answer kept for a scope, unless its time is over."""
        for status, body in await self._run("find_answer", deployment, scope, now):
            return KeptAnswer(status, body)
        return None

    async def keep_answer(self, deployment: int, scope: bytes, answer: KeptAnswer, now: str, expires: str) -> None:
        """Keep an answer until it expires, and forget those whose time is over."""
        await self._run("delete_old_answers", deployment, now)
        await self._run("insert_answer", deployment, scope, expires, answer.status, answer.body)

    async def contents(self, deployment: int) -> Contents:
        """Return all that a deployment holds, as it was at one moment."""
        async with self._transaction("repeatable_read") as on:
            [row] = await self._run("find_deployment", deployment, on=on)
            stored = self._deployment(row)
            profiles, records = await self._all_profiles(deployment, on), await self._all_records(deployment, on)
            answers = tuple(
                Kept(scope, KeptAnswer(status, body), expires)
                for scope, status, body, expires in await self._run("all_answers", deployment, on=on)
            )
            return Contents(stored.state, stored.baseline, profiles, records, answers)

    async def replace_contents(self, deployment: int, contents: Contents) -> Deployment:
        """Put other contents in the place of all that a deployment holds."""
        async with self._transaction() as on:
            await self._lock_counters(deployment, on)
            stored = await self._lock_deployment(deployment, on)
            await self._forget_customers(deployment, on)
            await self._insert_profiles(deployment, contents.profiles, on)
            await self._insert_records(deployment, contents.records, on)
            answers = [(deployment, k.scope, k.expires, k.answer.status, k.answer.body) for k in contents.answers]
            await self._run_each("insert_answer", answers, on)
            last_profile = max((profile.id for profile in contents.profiles), default=0)
            last_record = max((record.id for record in contents.records), default=0)
            await self._run("update_counters", deployment, last_profile, last_record, on=on)
            restored = msgspec.structs.replace(stored, state=contents.state, baseline=contents.baseline)
            return await self._write_deployment(restored, on)

    async def save_snapshot(self, deployment: int, name: str) -> None:
        """Keep the contents of a deployment under a name."""
        kept = _ENCODER.encode(await self.contents(deployment))
        await self._run("save_snapshot", deployment, name.encode(), kept)

    async def find_snapshot(self, deployment: int, name: str) -> Contents | None:
        """Return what was kept under a name."""
        for (contents,) in await self._run("find_snapshot", deployment, name.encode()):
            return _CONTENTS.decode(contents)
        return None

    async def list_snapshots(self, deployment: int) -> tuple[str, ...]:
        """Return the names of the snapshots, sorted."""
        return tuple(name.decode() for (name,) in await self._run("list_snapshots", deployment))

    async def delete_snapshot(self, deployment: int, name: str) -> bool:
        """Forget a snapshot; tell whether it was there."""
        return bool(await self._run("delete_snapshot", deployment, name.encode()))

    async def _forget_customers(self, deployment: int, on: Any) -> None:
        for table in ("profiles", "records", "answers"):
            await self._run(f"delete_{table}", deployment, on=on)

    async def _next_revision(self, on: Any) -> int:
        """Take the next revision; other changes to deployments wait for the end of this transaction."""
        [(revision,)] = await self._run("next_revision", on=on)
        return int(revision)

    async def _lock_deployment(self, deployment: int, on: Any) -> Deployment:
        for row in await self._run("lock_deployment", deployment, on=on):
            return self._deployment(row)
        raise DeploymentGone

    async def _write_deployment(self, deployment: Deployment, on: Any) -> Deployment:
        revision = await self._next_revision(on)
        document = _ENCODER.encode(_Document(deployment.state, deployment.baseline))
        await self._run("update_deployment", deployment.id, document, revision, on=on)
        return msgspec.structs.replace(deployment, revision=revision)

    def _deployment(self, row: Any) -> Deployment:
        number, name, document, revision = row
        try:
            content, known = _DECODER.decode(document), name.decode()
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise self._damaged(f"the definitions of the deployment {name!r} cannot be read ({error})") from error
        return Deployment(number, known, content.state, content.baseline, revision)
