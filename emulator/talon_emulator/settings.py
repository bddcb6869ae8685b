"""The settings of an emulator process."""

from typing import Annotated

import msgspec

from talon_emulator.limits import Choice
from talon_emulator.seed import DEMO, DeploymentSeed


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the emulator is told at start.

    `data`: None keeps everything in memory, a directory keeps it in a SQLite file there, a postgresql:// URL in that
    database, which other processes may share. `port` 0 is any free one.
    `allowed_hosts`: Host names served besides loopback, `*.localhost` and `*.talon.one`. Sizes are in bytes.
    `control_token`: what `/_emulator/`, `/metrics` and the Campaign Manager ask for; None asks for nothing.
    `journal_size`: how many exchanges of each deployment are remembered. `limits`: whether clients meet Talon.One's.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8900
    data: str | None = None
    deployment: DeploymentSeed = DEMO
    allowed_hosts: tuple[str, ...] = ()
    control_token: str | None = None
    # assumption: largest-body
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1)] = 16 * 1024 * 1024
    journal_size: Annotated[int, msgspec.Meta(ge=0)] = 1000
    limits: Choice = "off"

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"Settings(host={self.host!r}, port={self.port!r}, deployment={self.deployment.name!r})"
