"""What the public material leaves open: the table of what is done instead, each line a switch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

Evidence = Literal["documented", "observed", "assumed"]


class Assumption(msgspec.Struct, frozen=True):
    """One open question with its answers by name, the one in effect unless configured first; some have only one.

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
        "an update of the Integration API, or one of Segment's profiles, has null for an attribute",
        {"delete": "the value is deleted", "keep": "nothing happens to it"},
        "assumed",  # documented for customer sessions and customer data platforms, where it holds in any case
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
        "profile-with-rules",
        "an update that runs the Rule Engine is answered, and `responseContent` does not ask for the profile",
        {"asked": "without it", "always": "with it"},
        "documented",
    ),
    Assumption(
        "audiences-without-rules",
        "`audiencesChanges` come with an update that does not run the Rule Engine",
        {"apply": "they are applied", "ignore": "they are not (documented on the third-party host only)"},
        "assumed",
    ),
    Assumption(
        "unknown-audience",
        "the `audiencesChanges` of a profile update name an audience that the environment does not have",
        {"refuse": "400 with a pointer to each", "ignore": "the others are changed"},
        "assumed",
    ),
    Assumption(
        "unknown-audience-of-a-membership",
        "a request of the third-party host that changes memberships names an audience that is not there",
        {"refuse": "404, nothing is changed", "ignore": "the others are changed"},
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
        {"refuse": "400, nothing is stored", "store": "400 that lists the wrong ones, the right ones are stored"},
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
        "updated-attribute",
        "PUT /v1/attributes/{attributeId} has more that is new than the description",
        {
            "description": "the description changes, the rest stays",
            "all": "all but entity, name, type and event type changes; what is left out stays",
        },
        "documented",
    ),
    Assumption(
        "omitted-session-state",
        "an update of a customer session has no `state`",
        {"keep": "the session keeps its own", "open": "it is `open`, as the default in the documents says"},
        "assumed",
    ),
    Assumption(
        "taken-attribute",
        "an attribute is given a name or title that another one of its entity has",
        {"409": "409", "400": "400"},
        "assumed",
    ),
    Assumption(
        "platform-key-on-the-deployment",
        "an API key of a platform, such as Segment's, is used on the deployment's own host",
        {"everything": "it opens what a key without a platform does", "authping": "it opens GET /v2/authping only"},
        "assumed",
    ),
    Assumption(
        "key-of-another-platform",
        "a known API key is used on a path of another platform of the third-party host",
        {"401": "as a key that is not known", "403": "403"},
        "assumed",
    ),
    Assumption(
        "attributes-of-applications",
        "the list of attributes is asked for those of `applicationIds`",
        {"filter": "it shows those connected to one of them, and those connected to none", "ignore": "it shows all"},
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
    Assumption(
        "refusal-texts",
        "what a refusal says beyond the documented samples, and the bodies of 401 and 404",
        {"own": "our own words, in the documented shape"},
        "assumed",
    ),
    Assumption(
        "type-wording",
        "a value has the wrong type, and the type is not `string`",
        {"sample": "worded as the one public sample, which is of a string"},
        "assumed",
    ),
    Assumption(
        "session-pointers",
        "a value of a customer session is wrong",
        {"attributes": "the pointer begins at the session, as in `/attributes/name`"},
        "assumed",
    ),
    Assumption(
        "third-party-errors",
        "a deployment's refusal reaches a client of the third-party host",
        {"text": "`Error` is one text with message, places and details"},
        "assumed",
    ),
    Assumption(
        "location-order",
        "a location has two coordinates",
        {"verbatim": "they are stored as they were sent"},
        "assumed",
    ),
    Assumption(
        "deleting-an-attribute",
        "DELETE /v1/attributes/{attributeId}",
        {"405": "405: no document has it"},
        "assumed",
    ),
    Assumption(
        "window-of-a-limit",
        "what `a second` is for a limit",
        {"sliding": "any second before the request, by the deployment's clock"},
        "assumed",
    ),
    Assumption(
        "client-of-a-limit",
        "who `a client` is for the third-party host's limit",
        {"application": "one Application's integration of one platform"},
        "assumed",
    ),
    Assumption(
        "largest-body",
        "how large a request may be",
        {"setting": "as `max_body_bytes` says, 16 MiB unless set"},
        "assumed",
    ),
    Assumption(
        "named-deployment",
        "`destination-hostname` names another deployment than the key's",
        {"key": "the key decides; any well-formed name does"},
        "assumed",
    ),
    Assumption(
        "first-activity",
        "what the last activity of a new customer is",
        {"created": "the moment of creation, whether rules run or not"},
        "assumed",
    ),
    Assumption(
        "hidden-customer",
        "a customer who was only ever added to audiences is asked for",
        {"inventory": "the Integration API shows the profile; lists, searches and pages do not"},
        "assumed",
    ),
    Assumption(
        "event-of-an-update",
        "`responseContent` asks for the event of a profile update",
        {"none": "rules do not run here, so there is none"},
        "assumed",
    ),
    Assumption(
        "wrong-sign-in",
        "a password is wrong at POST /v1/sessions",
        {"401": "401, whether the user exists or not"},
        "assumed",
    ),
)

BY_ID: Final[Mapping[str, Assumption]] = MappingProxyType({assumption.id: assumption for assumption in TABLE})
DEFAULTS: Final[Mapping[str, str]] = MappingProxyType({each.id: each.default for each in TABLE})


def in_effect(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the answer to every question, by id: those chosen, and the first ones for the rest."""
    return {**DEFAULTS, **chosen}
