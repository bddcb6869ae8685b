"""Sources of a sync: files, directories, standard input, and queries of databases, as rows in portions."""

from collections.abc import AsyncGenerator, Callable, Sequence

from talon_bridge.engage.computations import ValueType
from talon_bridge.engage.problems import EngageError
from talon_bridge.engage.rows import Row
from talon_bridge.engage.sources.columns import CsvOptions
from talon_bridge.engage.sources.files import of_files
from talon_bridge.engage.sources.ndjson_rows import encode
from talon_bridge.engage.sources.queries import DATABASES, of_query

__all__ = ["CsvOptions", "check_scheme", "encode", "is_database", "open_source"]
_NO_OPTIONS = CsvOptions()


def open_source(
    place: str,
    query: str | None,
    key: str,
    *,
    now: Callable[[], float],
    type: ValueType = "boolean",
    options: CsvOptions = _NO_OPTIONS,
    regular: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[Sequence[Row], None]:
    """The rows for a computation: of a file, a directory, `-` for standard input, or a database's URL.

    `key` and `type` are the computation's. `now` gives the Unix seconds that `:now` in a query stands for. With
    `regular` a place that is no database is a file or a directory, and nothing that may keep its reader waiting. Raises
    `EngageError`, at once or on the way; then what came before is not the whole. `tell` is told what people should know
    of how it was read.
    """
    if is_database(place):
        check_scheme(place)
        if not query:
            raise EngageError("bad_source", "a database is a source with a query only", "give the query as well")
        return of_query(place, query, now(), type)
    if query:
        raise EngageError("bad_source", f"{place} is no database, and takes no query", "leave the query out")
    return of_files(place, key, options, regular, tell)


def check_scheme(place: str) -> None:
    """Raise `EngageError` for the URL of what is no database that can be asked."""
    kind = place.partition(":")[0]
    if not is_database(place) or kind in DATABASES:
        return
    if kind in ("http", "https"):
        hint = "fetch it first: give the file, or - and its bytes on standard input"
        raise EngageError("bad_source", f"{kind}:// is no source: nothing is fetched from the web", hint)
    hint = "give sqlite:///file.db or postgresql://user:password@host/name"
    raise EngageError("bad_source", f"{kind}:// is no database that can be asked", hint)


def is_database(place: str) -> bool:
    """Whether a source is the URL of a database."""
    return "://" in place or place.startswith("sqlite:")
