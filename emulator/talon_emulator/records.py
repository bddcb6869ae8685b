"""Customer sessions and events as a store keeps them: what they are found by, and the document of each."""

from typing import Literal

import msgspec

Kind = Literal["session", "event"]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One session or event of an Application; `id` is the store's number, 0 until the store has given one.

    `key` is the session's integration ID, unique in its Application, or the event's own; `profile` the integration ID
    of the customer, empty for nobody; `created` is RFC 3339; `document` is JSON.
    """

    id: int
    kind: Kind
    application: int
    key: str
    profile: str
    created: str
    document: bytes = b"{}"
