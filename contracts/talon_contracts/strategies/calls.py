"""What surrounds the traits of a call: the ends of user ids, and members that real libraries send."""

import functools
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from talon_contracts.exact_json import Object

_ODD_ENDS: Final = (
    " ",
    "\t",
    "\n",
    "\u00a0",
    "/",
    "//",
    "../",
    "/..",
    "/.",
    ".",
    "%",
    "%2F",
    "%00",
    "?",
    "?a=b&c",
    "#",
    ";",
    ":",
    "@",
    "+",
    "&",
    "=",
    "\\",
    '"',
    "'",
    "<b>",
    "\x00",
    "\x7f",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "ABC",
    "abc",
    "😀",
    "👩‍👩‍👧",
    "\u202e",
    "null",
    "0",
)


@functools.cache
def user_id_ends() -> SearchStrategy[str]:
    """What to put before or after the tag that makes a user id unique: mostly odd, at times nothing."""
    return st.one_of(st.sampled_from(("", "/", "a/b", " ", " ", "%2F", "%25", *_ODD_ENDS)), st.text(max_size=6))


@functools.cache
def surroundings() -> SearchStrategy[Object]:
    """Members that real libraries send and that must change nothing, `integrations` and `context` not among them."""
    return st.fixed_dictionaries(
        {},
        optional={
            "timestamp": st.sampled_from(("2024-05-03T19:42:50.066Z", "2015-2-02T00:30:08.276Z", None)),
            "originalTimestamp": st.just("2024-05-03T19:42:50.066179717Z"),
            "sentAt": st.sampled_from((None, "2024-05-03T19:42:51.000123+00:00")),
            "_metadata": st.just({"nodeVersion": "20.0.0", "jsRuntime": "node"}),
            "email": st.just("someone@example.com"),
            "projectId": st.just("p1"),
        },
    )
