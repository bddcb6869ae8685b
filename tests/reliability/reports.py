"""What a test says that it counted."""

from collections.abc import Callable

Report = Callable[[object], None]
