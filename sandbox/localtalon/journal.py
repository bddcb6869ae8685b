"""The journal of a deployment: what Talon.One was asked, and what it answered, as values."""

from typing import Any, Literal

import msgspec

from localtalon.in_process import InProcess

MOST = 1_000_000


class Exchange(msgspec.Struct, frozen=True, rename="camel"):
    """One request to Talon.One with its answer. `note` tells which fault struck; `status` 0: nothing was done.

    `request` and `answer` are what the bodies say where these are JSON, else their text; None for an empty one.
    """

    sequence: int
    at: str
    kind: Literal["good", "bad"]
    method: str
    path: str
    query: str
    operation: str | None
    integration_ids: tuple[str, ...]
    key: str | None
    status: int
    note: str
    request: Any
    answer: Any

    @property
    def message(self) -> str:
        """Talon.One's own words about what is wrong, where it said any."""
        if not isinstance(self.answer, dict):
            return self.note
        details = [error.get("details") or error.get("title", "") for error in self.answer.get("errors") or ()]
        told = "; ".join(filter(None, details)) or self.answer.get("message") or ""
        fault = self.note.partition(";")[0] if self.note.startswith("fault ") else ""
        return f"{told} ({fault})" if told and fault else told or self.note


class ForgottenError(RuntimeError):
    """The journal was full: of what was forgotten nobody can say whether it was asked for."""


class Kept(msgspec.Struct, frozen=True):
    """What a journal still holds of what was asked for, the oldest first, and how many exchanges it has forgotten."""

    entries: list[Exchange]
    forgotten: int


class Journal:
    """The oldest exchange first. `good` was carried out, `bad` refused or spoilt; what a test reads is not in it.

    All three raise `ForgottenError` once the oldest exchanges had to make room for newer ones; `kept` does not.
    """

    def __init__(self, emulator: InProcess, deployment: str) -> None:
        self._emulator = emulator
        self._deployment = deployment

    def all(
        self, *, path: str | None = None, integration_id: str | None = None, status: int | None = None
    ) -> list[Exchange]:
        """Every exchange: of those whose path contains `path`, that name this customer, that ended with this status."""
        return self._whole(None, path, integration_id, status)

    def good(
        self, *, path: str | None = None, integration_id: str | None = None, status: int | None = None
    ) -> list[Exchange]:
        """What was carried out."""
        return self._whole("good", path, integration_id, status)

    def bad(
        self, *, path: str | None = None, integration_id: str | None = None, status: int | None = None
    ) -> list[Exchange]:
        """What was not."""
        return self._whole("bad", path, integration_id, status)

    def kept(
        self,
        kind: Literal["good", "bad"] | None = None,
        path: str | None = None,
        integration_id: str | None = None,
        status: int | None = None,
    ) -> Kept:
        """What there still is, though it may not be all there was."""
        reply = self._emulator.ask(
            "GET",
            "/_emulator/journal",
            deployment=self._deployment,
            limit=MOST,
            kind=kind,
            path=path,
            integrationId=integration_id,
            status=status,
        )
        if reply.status >= 400:
            reply.read()
        found = msgspec.json.decode(reply.body, type=Kept)
        return Kept(found.entries[::-1], found.forgotten)

    def _whole(
        self, kind: Literal["good", "bad"] | None, path: str | None, integration_id: str | None, status: int | None
    ) -> list[Exchange]:
        found = self.kept(kind, path, integration_id, status)
        if found.forgotten:
            raise ForgottenError(
                f"the journal was full and has forgotten the oldest exchanges, {found.forgotten} so far: "
                "ask it earlier, begin it anew with reset(), or give the sandbox's emulator a larger journal_size"
            )
        return found.entries
