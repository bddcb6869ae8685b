"""What a user touches: the command line, the config file, the Sandbox and the pytest plugin.

PYTEST_DONT_REWRITE: it comes with a pytest plugin, and may have been imported before pytest is.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localtalon.bridge import Bridge
    from localtalon.deployment import Talon
    from localtalon.sandbox import Sandbox

__all__ = ["Bridge", "Sandbox", "Talon"]

_HOMES = {"Bridge": "localtalon.bridge", "Sandbox": "localtalon.sandbox", "Talon": "localtalon.deployment"}


def __getattr__(name: str) -> Any:
    # Imported on use: whoever wants the command line's version or help should not wait for two servers' code.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
