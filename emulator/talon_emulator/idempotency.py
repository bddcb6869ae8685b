"""The Idempotency-Key header: a request that is sent again is answered again, and not carried out again."""

import hashlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final

from talon_emulator import errors
from talon_emulator.calls import Call, Handler
from talon_emulator.clock import timestamp
from talon_emulator.exchange import JSON, NO_CONTENT, Answer
from talon_emulator.store.protocol import KeptAnswer

HEADER: Final = b"idempotency-key"
MAX_LENGTH: Final = 255  # characters (documented; that a longer key is refused is assumed)
KEPT_FOR: Final = timedelta(hours=24)  # documented


def idempotent(handler: Handler) -> Handler:
    """Let a handler carry out a request with a key once in 24 hours of the deployment's clock."""

    # No coroutine of its own, so that a request without a key costs nothing more.
    def handle(call: Call) -> Awaitable[Answer]:
        key = call.request.headers.get(HEADER)
        return _once(handler, call, key) if key else handler(call)

    return handle


async def _once(handler: Handler, call: Call, key: bytes) -> Answer:
    if len(key.decode("utf-8", "replace")) > MAX_LENGTH:
        return errors.answer(errors.bad_header(f"Idempotency-Key must have at most {MAX_LENGTH} characters"))
    store, deployment, now = call.server.store, call.deployment.id, timestamp(call.now)
    scope = _scope(call, key)
    kept = await store.find_answer(deployment, scope, now)
    if kept is not None:
        headers = NO_CONTENT.headers if kept.status == NO_CONTENT.status else JSON
        return Answer(kept.status, kept.body, headers, "replayed for its Idempotency-Key")
    answer = await handler(call)
    if answer.status < 300 or (answer.status < 500 and call.deployment.assumed["replay-of-a-refusal"] == "replay"):
        expires = timestamp(call.now + KEPT_FOR)
        await store.keep_answer(deployment, scope, KeptAnswer(answer.status, answer.body), now, expires)
    return answer


def _scope(call: Call, key: bytes) -> bytes:
    """Return what a key belongs to: its Application and what else of the request makes it another one."""
    assert call.operation is not None
    assumed = call.deployment.assumed
    parts = [str(call.application.id)]
    if assumed["replay-scope"] == "path":
        parts += [call.operation.id, *(f"{len(value)}:{value}" for value in call.path.values())]
    if assumed["replay-of-another-body"] == "run":
        parts += [hashlib.sha256(call.request.body).hexdigest(), call.request.query.decode("latin-1")]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + key).digest()
