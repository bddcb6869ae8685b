"""Imports: what a file in a form puts in the place of a list, and what is answered."""

from typing import Any

from talon_emulator import uploads
from talon_emulator.calls import Call, json_answer
from talon_emulator.clock import timestamp
from talon_emulator.errors import Refusal
from talon_emulator.exchange import Answer


def column(call: Call, name: str, most: int, longest: int) -> list[str] | Refusal:
    """Read the column of the file that a call brings."""
    return uploads.column(call.request.headers.get(b"content-type", b""), call.request.body, name, most, longest)


def answer(call: Call, entity: str, number: int, amount: int) -> Answer:
    """Answer with an import as the Management API shows it; `amount` counts what is in the list now."""
    assert call.credential is not None
    shown: dict[str, Any] = {
        "id": number,
        "created": timestamp(call.now),
        "accountId": call.deployment.id,
        "userId": call.credential.user,
        "entity": entity,
        "amount": amount,
    }
    return json_answer(shown)
