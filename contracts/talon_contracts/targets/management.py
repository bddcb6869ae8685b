"""A Talon.One under test, spoken to over its Management API: attribute definitions, and customers as they are seen."""

import time
from typing import Final
from urllib.parse import quote

from talon_contracts.exact_json import Object, encode
from talon_contracts.targets.channel import CannotJudge, Reply, Target, channel

_PATIENCE: Final = 30.0
"""Seconds that the limit of requests (three a second at each endpoint, documented) may hold one up."""


class Management:
    """One deployment, spoken to with a Management API key; `application` is the Application whose customers count."""

    def __init__(self, target: Target, key: str, application: int) -> None:
        self._channel = channel(target)
        self._headers = {"Authorization": f"ManagementKey-v1 {key}", "Content-Type": "application/json"}
        self.application = application

    def request(self, method: str, path: str, body: Object | None = None) -> Reply:
        """One exchange; waits where it is told that there were too many."""
        until = time.monotonic() + _PATIENCE
        while True:
            reply = self._channel.request(method, path, self._headers, None if body is None else encode(body))
            if reply.status != 429:
                return reply
            if time.monotonic() > until:
                raise CannotJudge(f"{method} {path}: 429 for {_PATIENCE:g} s")
            time.sleep(_seconds(reply.retry_after))

    def define(self, name: str, kind: str, *, title: str | None = None, entity: str = "CustomerProfile") -> Reply:
        """Create an attribute definition."""
        definition: Object = {"entity": entity, "name": name, "title": name if title is None else title, "type": kind}
        return self.request(
            "POST", "/v1/attributes", {**definition, "description": "", "suggestions": [], "editable": True}
        )

    def definition(self, number: int) -> Object:
        """One definition by its id; raises CannotJudge when it cannot be read."""
        return self._object(self.request("GET", f"/v1/attributes/{number}"), "definition")

    def customers(self, integration_id: str) -> list[Object]:
        """The customers whom the Campaign Manager's search by Integration ID finds in the Application."""
        asked = f"/v1/applications/{self.application}/customers?integrationId={quote(integration_id, safe='')}"
        found = self._object(self.request("GET", asked), "customers").get("data")
        if not isinstance(found, list):
            raise CannotJudge(f"GET {asked}: there is no list of customers in the answer")
        return [customer for customer in found if isinstance(customer, dict)]

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _object(self, reply: Reply, what: str) -> Object:
        document = reply.json()
        if reply.status != 200 or not isinstance(document, dict):
            raise CannotJudge(f"cannot read {what}: {reply.status} {reply.body[:200]!r}")
        return document


def _seconds(retry_after: str | None) -> float:
    try:
        return min(max(float(retry_after or 0.4), 0.05), 5.0)
    except ValueError:
        return 0.4
