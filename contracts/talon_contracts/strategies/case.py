"""A case: a few calls about one user, drawn before it is known which user that will be."""

from dataclasses import dataclass, replace
from typing import Literal

from talon_contracts.exact_json import Object
from talon_contracts.oracle import batch_events

Identity = Literal["given", "absent", "null", "empty"]


@dataclass(frozen=True, slots=True)
class Draft:
    """One Segment call without its ids: `body` is the rest of it, `user` and `anonymous` say what the ids will be.

    `of_namesake`: it is about another user, whose id is that of the case with the end in the other case.
    """

    body: Object
    user: Identity = "given"
    anonymous: Identity = "absent"
    of_namesake: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Calls to send in order. Ids are made of a `tag` that no other case has, so that cases do not see each other.

    The user id is `before + tag + after`, padded with x to `length` characters; `whole` replaces all of it.
    `envelope` holds the members beside `batch`; None sends each call by itself to /v1/identify.
    """

    drafts: tuple[Draft, ...]
    before: str = ""
    after: str = ""
    length: int = 0
    whole: str | None = None
    envelope: Object | None = None

    def user_id(self, tag: str) -> str:
        """The user id under a tag."""
        if self.whole is not None:
            return self.whole
        padding = "x" * (self.length - len(self.before + tag + self.after))
        return self.before + tag + padding + self.after

    def anonymous_id(self, tag: str) -> str:
        """The anonymous id under a tag; no profile may ever have it."""
        return f"{tag}anonymous"

    def requests(self, tag: str) -> list[tuple[str, Object]]:
        """What to POST, in order: the path and the body."""
        calls = [self._call(draft, tag, number) for number, draft in enumerate(self.drafts)]
        if self.envelope is None:
            return [("/v1/identify", call) for call in calls]
        return [("/v1/batch", {"batch": [*calls], **self.envelope})]

    def events(self, tag: str) -> list[Object]:
        """The calls as a destination sees them: a batch taken apart, its common members merged in."""
        return [
            event
            for path, body in self.requests(tag)
            for event in (batch_events(body) if path == "/v1/batch" else [body])
        ]

    def _about(self, draft: Draft) -> "Case":
        """The case with the end of its user's id as the draft wants it."""
        return replace(self, after=self.after.swapcase()) if draft.of_namesake else self

    def _call(self, draft: Draft, tag: str, number: int) -> Object:
        call: Object = {"type": "identify", "messageId": f"{tag}{number}", **draft.body}
        for member, identity, given in (
            ("userId", draft.user, self._about(draft).user_id(tag)),
            ("anonymousId", draft.anonymous, self.anonymous_id(tag)),
        ):
            if identity != "absent":
                call[member] = {"given": given, "null": None, "empty": ""}[identity]
        return call
