"""What a user touches: the command line, the config file, the Sandbox and the pytest plugin."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localtalon.sandbox import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:
    # Imported on use: `import localtalon` happens at the start of every pytest that has us installed.
    if name == "Sandbox":
        from localtalon.sandbox import Sandbox

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
