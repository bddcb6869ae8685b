"""One call of an operation: all that a handler is given, as a value."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from talon_emulator.auth import Security
from talon_emulator.body import ENCODER
from talon_emulator.deployments import Application
from talon_emulator.directory import Credential, Directory, ServedDeployment
from talon_emulator.exchange import JSON, Answer, Request
from talon_emulator.metrics import Counters
from talon_emulator.settings import Settings
from talon_emulator.store.protocol import Store


class Server(msgspec.Struct, frozen=True):
    """What all calls share."""

    settings: Settings
    store: Store
    directory: Directory
    counters: Counters

    def configured(self) -> ServedDeployment:
        """Return the deployment that the settings describe; the server is open."""
        served = self.directory.named(self.settings.deployment.name)
        assert served is not None, "the server is not open"
        return served


class Operation(msgspec.Struct, frozen=True):
    """One line of the route table; `id` is Talon.One's operationId where it has one."""

    id: str
    method: str
    template: str
    security: Security
    handler: "Handler"


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request with its operation, deployment and caller resolved.

    `path` holds the decoded path parameters. `refused` is the answer when resolving already decided it; `operation`
    may be None then. `credential` is None for operations that need none. `life` is the deployment's when the call came.
    """

    server: Server
    deployment: ServedDeployment
    request: Request
    now: datetime
    operation: Operation | None = None
    path: dict[str, str] = {}
    credential: Credential | None = None
    refused: Answer | None = None
    life: int = 0

    @property
    def application(self) -> Application:
        """Return the Application of the caller's key; only an Integration key has one."""
        assert self.credential is not None
        assert self.credential.application is not None
        return self.credential.application


Handler = Callable[[Call], Awaitable[Answer]]


def json_answer(value: Any, status: int = 200) -> Answer:
    """Render a value as a JSON answer."""
    return Answer(status, ENCODER.encode(value), JSON)
