"""What the public material leaves open: the table of what is done instead, each line a switch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Evidence = Literal["documented", "observed", "assumed"]


class Assumption(msgspec.Struct, frozen=True):
    """One open question with its answers by name, the one in effect unless configured first.

    `evidence` is how sure that first answer is: a document says so, traffic or a client shows it, or nothing does.
    """

    id: str
    question: str
    choices: dict[str, str]
    evidence: Evidence

    @property
    def default(self) -> str:
        """Return the name of the answer in effect unless configured."""
        return next(iter(self.choices))


TABLE: Final = (
    Assumption(
        "null-value",
        "a profile update has null for an attribute",
        {"delete": "the value is deleted", "keep": "nothing happens to it"},
        "documented",  # for customer sessions and the third-party host, not for the Integration API
    ),
    Assumption(
        "quoted-number",
        "a number attribute is given a string that reads as a number",
        {"refuse": "400", "take": "the number is stored"},
        "assumed",
    ),
    Assumption(
        "problems-listed",
        "several values of one entity are wrong",
        {"all": "each is an entry of `errors`, sorted by name", "first": "the first of these only"},
        "assumed",
    ),
    Assumption(
        "restricted-value",
        "a value is none of the suggestions that its attribute is restricted to",
        {"refuse": "400", "accept": "it is stored: only people are restricted"},
        "assumed",
    ),
    Assumption(
        "unsubscribed-attribute",
        "an Application that an attribute is not connected to sends a value for it",
        {"accept": "it is stored", "refuse": "400, as for an attribute that does not exist"},
        "assumed",
    ),
    Assumption(
        "profile-without-rules",
        "an update that does not run the Rule Engine is answered",
        {"present": "with the profile", "absent": "without it"},
        "observed",
    ),
    Assumption(
        "audiences-without-rules",
        "`audiencesChanges` come with an update that does not run the Rule Engine",
        {"apply": "they are applied", "ignore": "they are not (documented on the third-party host only)"},
        "assumed",
    ),
    Assumption(
        "unknown-audience",
        "`audiencesChanges` names an audience that the environment does not have",
        {"refuse": "400 with a pointer to each", "ignore": "the others are changed"},
        "assumed",
    ),
    Assumption(
        "join-and-leave",
        "`audiencesChanges` has one audience in `adds` and in `deletes`",
        {"leave": "the profile is no member of it", "join": "the profile is a member of it"},
        "assumed",
    ),
    Assumption(
        "audience-environment",
        "an audience is created with the key of one environment and `sandbox` of the other",
        {"key": "the key decides", "body": "`sandbox` decides where it is given"},
        "assumed",
    ),
    Assumption(
        "external-audience-id",
        "the `integrationId` of a new audience differs from an existing one by case only",
        {"exact": "it is another audience", "fold": "409, it is the same"},
        "assumed",
    ),
    Assumption(
        "bulk-with-a-wrong-profile",
        "one of the profiles of a bulk update is wrong",
        {"refuse": "400, nothing is stored", "store": "400, the right ones are stored"},
        "assumed",
    ),
    Assumption(
        "bulk-with-a-profile-twice",
        "a bulk update has one integration ID several times",
        {"apply": "all are applied, in order", "refuse": "400"},
        "assumed",
    ),
    Assumption(
        "erased-memberships",
        "the data of a customer are deleted who is in audiences",
        {"keep": "the memberships stay", "end": "they end"},
        "assumed",
    ),
    Assumption(
        "no-new-attributes",
        "`multiple_attributes` is sent only what exists",
        {"null": "`attributes` is null", "empty": "`attributes` is an empty list"},
        "observed",  # the vendor's cartridge takes either
    ),
    Assumption(
        "replay-of-another-body",
        "an Idempotency-Key comes again with another body",
        {"replay": "the first answer, nothing is carried out", "run": "it is another request, and carried out"},
        "assumed",
    ),
    Assumption(
        "replay-of-a-refusal",
        "a refused request comes again with its Idempotency-Key",
        {"run": "it is looked at anew", "replay": "it is refused as before"},
        "assumed",
    ),
    Assumption(
        "replay-scope",
        "an Idempotency-Key comes again on another path",
        {"path": "it is another request", "application": "the first answer of the Application, whatever the path"},
        "assumed",
    ),
    Assumption(
        "taken-attribute",
        "an attribute is created with a name or title that its entity has",
        {"409": "409", "400": "400"},
        "assumed",
    ),
    Assumption(
        "key-of-another-platform",
        "a known API key is used on a host or path of another platform",
        {"401": "as a key that is not known", "403": "403"},
        "assumed",
    ),
    Assumption(
        "attributes-of-applications",
        "the list of attributes is asked for those of `applicationIds`",
        {"ignore": "it shows all", "filter": "it shows those connected to one of them, and those connected to none"},
        "documented",
    ),
    Assumption(
        "inferred-time",
        "one of Segment's deprecated operations makes an attribute of a string that reads as a time",
        {"string": "its type is string", "time": "its type is time"},
        "assumed",
    ),
    Assumption(
        "unknown-event-type",
        "an event comes of a type that no attribute of events has",
        {"refuse": "400", "accept": "it is kept"},
        "documented",  # that the type has to be created first
    ),
)

BY_ID: Final[Mapping[str, Assumption]] = MappingProxyType({assumption.id: assumption for assumption in TABLE})
DEFAULTS: Final[Mapping[str, str]] = MappingProxyType({each.id: each.default for each in TABLE})


def in_effect(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the answer to every question, by id: those chosen, and the first ones for the rest."""
    return {**DEFAULTS, **chosen}
