"""The SQLite store: one file of one process. Calls run inline, since they take microseconds."""

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.store.protocol import Contents, DeploymentChange, Kept, KeptAnswer
from talon_emulator.store.sqlite_profiles import SQLiteProfiles
from talon_emulator.store.sqlite_records import SQLiteRecords


class _Document(msgspec.Struct, frozen=True):
    state: State
    baseline: State


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Document)
_CONTENTS = msgspec.json.Decoder(Contents)


class SQLiteStore(SQLiteProfiles, SQLiteRecords):
    """A store in a directory."""

    _last_deployment = 0

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        return tuple(self._deployment(row) for row in self._run("all_deployments"))

    async def create_deployment(self, name: str, state: State = EMPTY) -> Deployment:
        """Create a deployment under a name that is not in use, `state` being its baseline too."""
        document = _ENCODER.encode(_Document(state, state))
        [(number,)] = self._run("insert_deployment", self._last_deployment, name, document)
        self._last_deployment = number
        return Deployment(number, name, state, state)

    async def change_deployment(self, deployment: int, change: DeploymentChange) -> Deployment | Refusal:
        """Change the definitions of a deployment."""
        with self._transaction():
            stored = self._find_deployment(deployment)
            changed = change(stored)
            if not isinstance(changed, Refusal) and changed is not stored:
                self._write_deployment(changed)
            return changed

    async def reset_deployment(self, deployment: int) -> Deployment:
        """Return a deployment to its baseline and forget its customers."""
        with self._transaction():
            stored = self._find_deployment(deployment)
            restored = msgspec.structs.replace(stored, state=stored.baseline)
            self._write_deployment(restored)
            self._forget_customers(deployment)
            return restored

    async def delete_deployment(self, deployment: int) -> None:
        """Forget a deployment and everything in it."""
        with self._transaction():
            self._forget_customers(deployment)
            self._run("delete_snapshots", deployment)
            self._run("delete_deployment", deployment)

    async def find_answer(self, deployment: int, scope: bytes, now: str) -> KeptAnswer | None:
        """Return the answer kept for a scope, unless its time is over."""
        for status, body in self._run("find_answer", deployment, scope, now):
            return KeptAnswer(status, body)
        return None

    async def keep_answer(self, deployment: int, scope: bytes, answer: KeptAnswer, now: str, expires: str) -> None:
        """Keep an answer until it expires, and forget those whose time is over."""
        with self._transaction():
            self._run("delete_old_answers", deployment, now)
            self._run("insert_answer", deployment, scope, expires, answer.status, answer.body)

    async def contents(self, deployment: int) -> Contents:
        """Return all that a deployment holds."""
        stored = self._find_deployment(deployment)
        profiles, records = self._all_profiles(deployment), self._all_records(deployment)
        answers = tuple(
            Kept(scope, KeptAnswer(status, body), expires)
            for scope, status, body, expires in self._run("all_answers", deployment)
        )
        return Contents(stored.state, stored.baseline, profiles, records, answers)

    async def replace_contents(self, deployment: int, contents: Contents) -> Deployment:
        """Put other contents in the place of all that a deployment holds."""
        with self._transaction():
            stored = self._find_deployment(deployment)
            restored = msgspec.structs.replace(stored, state=contents.state, baseline=contents.baseline)
            self._write_deployment(restored)
            self._forget_customers(deployment)
            self._write(deployment, [(None, None, profile) for profile in contents.profiles])
            self._write_records(deployment, contents.records)
            answers = ((deployment, k.scope, k.expires, k.answer.status, k.answer.body) for k in contents.answers)
            self._run_each("insert_answer", answers)
            return restored

    async def save_snapshot(self, deployment: int, name: str) -> None:
        """Keep the contents of a deployment under a name."""
        self._run("save_snapshot", deployment, name, _ENCODER.encode(await self.contents(deployment)))

    async def find_snapshot(self, deployment: int, name: str) -> Contents | None:
        """Return what was kept under a name."""
        for (contents,) in self._run("find_snapshot", deployment, name):
            return _CONTENTS.decode(contents)
        return None

    async def list_snapshots(self, deployment: int) -> tuple[str, ...]:
        """Return the names of the snapshots, sorted."""
        return tuple(name for (name,) in self._run("list_snapshots", deployment))

    async def delete_snapshot(self, deployment: int, name: str) -> bool:
        """Forget a snapshot; tell whether it was there."""
        return bool(self._run("delete_snapshot", deployment, name))

    def _forget_customers(self, deployment: int) -> None:
        for table in ("profiles", "memberships", "records", "answers"):
            self._run(f"delete_{table}", deployment)

    def _find_deployment(self, deployment: int) -> Deployment:
        [row] = self._run("find_deployment", deployment)
        return self._deployment(row)

    def _write_deployment(self, deployment: Deployment) -> None:
        document = _Document(deployment.state, deployment.baseline)
        self._run("update_deployment", _ENCODER.encode(document), deployment.id)

    def _deployment(self, row: tuple[int, str, bytes]) -> Deployment:
        number, name, document = row
        try:
            content = _DECODER.decode(document)
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise self._damaged(f"the definitions of the deployment {name!r} cannot be read ({error})") from error
        return Deployment(number, name, content.state, content.baseline)
