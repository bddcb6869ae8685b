"""A few sample events through the real door, and what became of them."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

EVENTS: tuple[dict[str, Any], ...] = (
    {
        "type": "identify",
        "userId": "user-1",
        "traits": {
            "email": "ada@example.com",
            "name": "Ada",
            "age": 36,
            "address": {"city": "Berlin", "country": "DE"},
            "favourite_tags": ["books", "tea"],
        },
    },
    {
        "type": "identify",
        "userId": "user-1",
        "traits": {"address": {"City": "Hamburg"}, "shoe_size": 41, "vip": True},
    },
    {
        "type": "identify",
        "userId": "user-1",
        "traits": {"order_completed_last_30days": True},
        "context": {
            "personas": {"computation_class": "audience", "computation_key": "order_completed_last_30days"},
        },
    },
    {"type": "identify", "userId": "user-2", "traits": {"vip": "true"}},
    {"type": "track", "userId": "user-1", "event": "Order Completed"},
)


def run(bridge_url: str, write_key: str, token: str | None) -> Iterator[str]:
    """Send the events and tell, line by line, what became of each."""
    calls = [{**event, "messageId": f"demo-{uuid.uuid4()}"} for event in EVENTS]
    asking = [] if token is None else [(b"authorization", b"Bearer " + token.encode())]
    with httpx.Client(base_url=bridge_url, trust_env=False, timeout=30) as client:
        sent = client.post("/v1/batch", json={"batch": calls}, auth=(write_key, ""))
        sent.raise_for_status()
        client.headers.update(asking)
        client.get("/_bridge/idle", params={"timeout": 20})
        for call in calls:
            yield ""
            yield _headline(call)
            yield from _fate(client.get(f"/_bridge/events/{call['messageId']}").json())


def _headline(call: dict[str, Any]) -> str:
    shown = json.dumps(call["traits"]) if "traits" in call else call["event"]
    key = call.get("context", {}).get("personas", {}).get("computation_key")
    return f"{call['type']} {call['userId']}  {shown}" + (f"  (from Engage: audience {key})" if key else "")


def _fate(explained: dict[str, Any]) -> Iterator[str]:
    reason = explained["reason"]
    yield f"  {explained['state']}" + (f": {reason['reason']}{_rule(reason)}" if reason else "")
    for trait in explained["traits"]:
        why = f": {trait['reason']}" if "reason" in trait else ""
        yield f"    {trait['pointer']} -> {trait['attribute']}  {trait['verdict']}{why}{_rule(trait)}"


def _rule(told: dict[str, Any]) -> str:
    return f" [{told['rule']}]" if told.get("rule") else ""
