"""Named SQL statements, read from .sql files beside the modules that run them."""

from functools import cache
from importlib.resources import files

_MARK = "-- name: "


@cache
def named(package: str, file_name: str) -> dict[str, str]:
    """The statements of a file in a package, by the name in the `-- name:` line above each."""
    text = files(package).joinpath(file_name).read_text("utf-8")
    sections = text.split(_MARK)[1:]
    return {section.split("\n", 1)[0].strip(): section.split("\n", 1)[1].strip() for section in sections}
