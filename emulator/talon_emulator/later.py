"""A module of handlers that is imported when one of them is first called, since a start needs few of them."""

from importlib import import_module
from typing import Any

# What has been put into a route table: module and function.
NAMED: list[tuple[str, str]] = []


class Later:
    """Stands for a module; its attributes stand for the functions there."""

    def __init__(self, module: str) -> None:
        """Name the module in full."""
        self._module = module

    def __getattr__(self, name: str) -> Any:
        """Return a function that imports the real one and calls it."""
        NAMED.append((self._module, name))

        async def handle(*values: Any) -> Any:
            return await getattr(import_module(self._module), name)(*values)

        return handle
