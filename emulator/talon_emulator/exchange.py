"""One HTTP request with its answer, as values."""

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Headers = ((b"content-type", b"application/json"),)


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request whose body has been read whole and, if it was compressed, inflated.

    `path` and `query` are the bytes of the request line, still percent-encoded; header names are lower-case.
    """

    method: str
    path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What goes back to the client; `note` is for the journal only and never leaves on the wire."""

    status: int
    body: bytes = b""
    headers: Headers = JSON
    note: str = ""


NO_CONTENT = Answer(204, headers=())
