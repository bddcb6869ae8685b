"""An aside: a deployment of a probe's own at an emulator, with limits that may be used up."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from talon_contracts.exact_json import encode
from talon_contracts.parity.belongings import Ledger
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Answer

_DEPLOYMENTS: Final = "/_emulator/deployments"
_LIMITS: Final = {"segment": 20, "management": 3}
"""Fewer at Segment's host than Talon.One has: even a busy machine reaches that."""


@contextmanager
def aside(ground: Ground) -> Iterator[Ground]:
    """The ground itself where Talon.One answers; at an emulator one whose keys nobody else has, gone afterwards.

    Raises CannotJudge where the emulator makes none.
    """
    if not ground.access.emulated:
        yield ground
        return
    management, plain, segment, another = (secrets.token_hex(32) for _ in range(4))
    named = [(plain, "none"), (segment, "segment"), (another, "segment")]
    keys = [{"title": key[:4], "key": key, "platform": platform} for key, platform in named]
    document = {
        "applications": [{"id": 1, "name": "aside", "api_keys": keys}],
        "management_keys": [{"name": "aside", "key": management}],
    }
    name = quote(str(_control(ground, "POST", _DEPLOYMENTS, document).expect(201).at("deployment")))
    access = replace(
        ground.access,
        application=1,
        api_key=plain,
        management_key=management,
        segment_key=segment,
        second_segment_key=another,
    )
    try:
        _control(ground, "POST", f"/_emulator/limits?deployment={name}", {"limits": _LIMITS}).expect(200)
        yield Ground(access, ground.deployment, ground.management, ground.third_party, Ledger())
    finally:
        _control(ground, "DELETE", f"{_DEPLOYMENTS}/{name}")


def _control(ground: Ground, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
    token = ground.access.control_token
    authorized = {} if token is None else {"Authorization": f"Bearer {token}"}
    content = None if body is None else encode(body)
    return ground.deployment.send(method, path, {"Content-Type": "application/json", **authorized}, content)
