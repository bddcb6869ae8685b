"""A Talon.One under test, spoken to over its Integration API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from talon_contracts.exact_json import Json, Object, encode
from talon_contracts.targets.channel import CannotJudge, Reply, Target, channel

_JOURNAL: Final = "/_emulator/journal"
JOURNAL_CUTS_AT: Final = 4096
"""Bytes of a body that the journal keeps."""


class Exchange(msgspec.Struct, frozen=True, rename="camel"):
    """One exchange as the journal of a Talon.One shows it; a body of more than `JOURNAL_CUTS_AT` bytes is not whole."""

    method: str
    status: int
    request: Any
    answer: Any
    request_bytes: int
    answer_bytes: int

    def patches(self, integration_id: str) -> Iterator[Object]:
        """The attributes that the request sends for one profile: it is one update, or a bulk of them."""
        if not isinstance(self.request, dict):
            return
        each = self.request.get("customerProfiles")
        if each is None:
            yield self.request.get("attributes") or {}
        elif isinstance(each, list):
            for update in each:
                if isinstance(update, dict) and update.get("integrationId") == integration_id:
                    yield update.get("attributes") or {}


class _Journal(msgspec.Struct, frozen=True):
    entries: tuple[Exchange, ...]


class TalonOne:
    """A Talon.One deployment, real or emulated, spoken to with the integration key of one Application.

    `journal_token` is the control token of an emulator that has one.
    """

    def __init__(self, target: Target, api_key: str, *, journal_token: str | None = None) -> None:
        self._channel = channel(target)
        self._headers = {"Authorization": f"ApiKey-v1 {api_key}", "Content-Type": "application/json"}
        self._asking = {} if journal_token is None else {"Authorization": f"Bearer {journal_token}"}
        self._has_journal: bool | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self._channel.url

    def profile(self, integration_id: str) -> Object | None:
        """The attributes that the profile holds; None when there is no such profile."""
        path = f"/v1/customer_profiles/{encoded(integration_id)}/inventory?profile=true"
        reply = self._channel.request("GET", path, self._headers)
        if reply.status == 404:
            return None
        document = reply.json()
        profile = document.get("profile") if isinstance(document, dict) else None
        attributes = profile.get("attributes") if isinstance(profile, dict) else None
        if reply.status != 200 or not isinstance(attributes, dict):
            raise CannotJudge(f"cannot read profile {integration_id!r} back: {reply.status} {reply.body[:200]!r}")
        return attributes

    def update(self, integration_id: str, attributes: Object, *, authorization: str | None = None) -> Reply:
        """Patch one profile; `authorization` replaces the header that the key makes (empty: no header)."""
        headers = dict(self._headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        if authorization == "":
            del headers["Authorization"]
        path = f"/v2/customer_profiles/{encoded(integration_id)}"
        return self._channel.request("PUT", path, headers, encode({"attributes": attributes}))

    def update_all(self, profiles: Mapping[str, Object]) -> Reply:
        """Patch several profiles in one request."""
        updates: list[Json] = [{"integrationId": each, "attributes": sent} for each, sent in profiles.items()]
        body = encode({"customerProfiles": updates})
        return self._channel.request("PUT", "/v2/customer_profiles", self._headers, body)

    @property
    def keeps_journal(self) -> bool:
        """Whether it shows what was sent to it, as emulators do; one that has nothing to show yet is asked again."""
        if self._has_journal is None:
            shown = self._journal("limit=1")
            if shown is None:
                self._has_journal = False
            elif shown.entries:
                self._has_journal = True
        return self._has_journal is True

    def updates_seen(self, integration_id: str) -> tuple[Exchange, ...]:
        """The updates of one profile, the newest first; none where Talon.One keeps no journal (only emulators do)."""
        return self._seen("/v2/customer_profiles/", integration_id)

    def patches_seen(self, integration_id: str) -> list[Object]:
        """What was sent for one profile and accepted, in order, in updates of its own or among others."""
        seen = reversed(self._seen("/customer_profile", integration_id))
        return [patch for exchange in seen if exchange.status == 200 for patch in exchange.patches(integration_id)]

    def _seen(self, path: str, integration_id: str) -> tuple[Exchange, ...]:
        if not self.keeps_journal:
            return ()
        shown = self._journal(f"path={path}&integrationId={quote(integration_id, safe='')}")
        return tuple(exchange for exchange in shown.entries if exchange.method == "PUT") if shown else ()

    def _journal(self, asked: str) -> _Journal | None:
        """What the journal shows; None where there is none."""
        reply = self._channel.request("GET", f"{_JOURNAL}?{asked}", self._asking)
        if reply.status != 200:
            return None
        try:
            return msgspec.convert(reply.json(), _Journal)
        except msgspec.ValidationError as error:
            raise CannotJudge(f"the journal makes no sense ({error}): {reply.status} {reply.body[:200]!r}") from error

    def close(self) -> None:
        """Close the connection to Talon.One."""
        self._channel.close()


def encoded(integration_id: str) -> str:
    """An integration ID as one segment of a path; dots are encoded as well, so that `..` stays an ID."""
    return quote(integration_id, safe="").replace(".", "%2E")
