"""What a user touches: the command line, the config file and the Sandbox."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localtalon.sandbox import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:
    # Imported on use: whoever wants the command line's version or help should not wait for two servers' code.
    if name == "Sandbox":
        from localtalon.sandbox import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
