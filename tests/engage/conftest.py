"""Every kind of store of Engage, empty, for the tests that hold for all of them."""

from bridge.outbox_stores import data, empty_outbox

__all__ = ["data", "empty_outbox"]
