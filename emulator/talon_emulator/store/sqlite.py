"""The SQLite store: one file of one process, or memory. Calls run inline, since they take microseconds."""

import msgspec

from talon_emulator.deployments import EMPTY, Deployment, State
from talon_emulator.errors import Refusal
from talon_emulator.store.protocol import DeploymentChange, KeptAnswer
from talon_emulator.store.sqlite_profiles import SQLiteProfiles


class _Document(msgspec.Struct, frozen=True):
    state: State
    baseline: State


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Document)


class SQLiteStore(SQLiteProfiles):
    """A store in a directory, or in memory when that is None."""

    _last_deployment = 0

    async def deployments(self) -> tuple[Deployment, ...]:
        """Return every deployment, oldest first."""
        return tuple(_deployment(row) for row in self._run("all_deployments"))

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

    def _forget_customers(self, deployment: int) -> None:
        for table in ("profiles", "memberships", "answers"):
            self._run(f"delete_{table}", deployment)

    def _find_deployment(self, deployment: int) -> Deployment:
        [row] = self._run("find_deployment", deployment)
        return _deployment(row)

    def _write_deployment(self, deployment: Deployment) -> None:
        document = _Document(deployment.state, deployment.baseline)
        self._run("update_deployment", _ENCODER.encode(document), deployment.id)


def _deployment(row: tuple[int, str, bytes]) -> Deployment:
    number, name, document = row
    content = _DECODER.decode(document)
    return Deployment(number, name, content.state, content.baseline)
