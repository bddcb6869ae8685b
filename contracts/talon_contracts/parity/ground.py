"""The ground of a comparison: one Application of a deployment, asked with its keys, and what was made there."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from talon_contracts.exact_json import Json, Object, encode
from talon_contracts.parity.belongings import ATTRIBUTES, Belonging, Kind, Ledger, mark_of
from talon_contracts.parity.line import Answer, Line
from talon_contracts.targets import CannotJudge, encoded

_PAGE: Final = 1000
_JSON: Final = {"Content-Type": "application/json"}
DELIBERATE: Final = "needs --exceed-limits: it asks more often, or for more, than is allowed, on purpose"


@dataclass(frozen=True, slots=True)
class Access:
    """What a comparison may use. `sandbox` is the Application's environment; `tag` begins every integration ID, and
    `prefix` those of all comparisons.

    `emulated` grounds are nobody's: there everything is allowed, and `control_token` may be needed. Else `live` allows
    what may reach the live environment, and `exceeds_limits` to be refused for asking too often. `largest_body` is what
    should be taken.
    """

    application: int
    sandbox: bool
    prefix: str
    tag: str
    api_key: str = field(repr=False)
    management_key: str = field(repr=False)
    segment_key: str | None = field(default=None, repr=False)
    second_segment_key: str | None = field(default=None, repr=False)
    other_application: int | None = None
    live: bool = False
    exceeds_limits: bool = False
    emulated: bool = False
    control_token: str | None = field(default=None, repr=False)
    largest_body: int = 16 * 1024 * 1024


class Ground:
    """Where probes stand. `definitions` are the attributes of ours that are there, by their whole names."""

    def __init__(
        self, access: Access, deployment: Line, management: Line, third_party: Line | None, ledger: Ledger
    ) -> None:
        self.access = access
        self.deployment = deployment
        self.management = management
        self.third_party = third_party
        self.ledger = ledger
        self.definitions: dict[str, Object] = {}
        self.trouble: dict[str, str] = {}
        """Attributes of ours that could not be made, and why."""
        self.interrupted = False
        """Whether nothing more is to be made."""
        self.drawing = False
        """Whether cases are drawn, between whose requests `interrupted` is looked at."""
        self.numbered: set[str] = set()
        """The numbers of the audiences that were made here."""
        self._numbers = itertools.count()

    def integration(
        self, method: str, path: str, body: Json = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        """Call the Integration API with the Application's key; underscores in the names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.deployment.send(method, path, {**self.key_headers(key), **named}, _content(body))

    def key_headers(self, key: str | None = None) -> dict[str, str]:
        """The headers of an Integration API key."""
        return {"Authorization": f"ApiKey-v1 {key or self.access.api_key}", **_JSON}

    @property
    def management_headers(self) -> dict[str, str]:
        """The headers of the Management API key."""
        return {"Authorization": f"ManagementKey-v1 {self.access.management_key}", **_JSON}

    def manage(self, method: str, path: str, body: Json = None) -> Answer:
        """Call the Management API."""
        return self.management.send(method, path, self.management_headers, _content(body))

    def managed(self, path: str) -> Iterator[Object]:
        """Every item of a list of the Management API, page by page."""
        skip, joint = 0, "&" if "?" in path else "?"
        while True:
            answer = self.manage("GET", f"{path}{joint}pageSize={_PAGE}&skip={skip}").expect(200)
            listed = answer.at("data")
            if not isinstance(listed, list):
                raise CannotJudge(f"there is no list in the answer: {answer.said}")
            yield from (each for each in listed if isinstance(each, dict))
            skip += len(listed)
            if len(listed) < _PAGE:
                return

    def segment(self, path: str, body: Object, *, key: str | None = None, hostname: str | None = None) -> Answer:
        """PUT to Segment's part of the third-party host; needs its URL and a Segment key."""
        headers = self.segment_headers(key, hostname)
        return self.segment_line.send("PUT", f"/segment/{path}", headers, encode(body))

    @property
    def segment_line(self) -> Line:
        """The third-party host. Raises CannotJudge without one."""
        if self.third_party is None:
            raise CannotJudge("needs LOCALTALON_THIRDPARTY_URL, the host that Segment calls")
        return self.third_party

    def segment_headers(self, key: str | None = None, hostname: str | None = None) -> dict[str, str]:
        """The headers of Segment. Raises CannotJudge without a key."""
        key = key or self.access.segment_key
        if key is None:
            raise CannotJudge("needs LOCALTALON_SEGMENT_KEY, an API key of the Application for the platform Segment")
        return {**self.key_headers(key), "destination-hostname": hostname or self.hostname}

    def need_segment(self) -> None:
        """Raise CannotJudge where Segment cannot be played, before anything is made for it."""
        self.segment_headers()
        assert self.segment_line

    @property
    def hostname(self) -> str:
        """The deployment's host."""
        return urlsplit(self.deployment.url).hostname or ""

    def customer(self) -> str:
        """A new integration ID."""
        return self._new("customer")

    def session(self) -> str:
        """A new integration ID of a session."""
        return self._new("session")

    def _new(self, kind: Kind) -> str:
        name = f"{self.access.tag}{next(self._numbers)}"
        self.ledger.add(Belonging(kind, name))
        return name

    def name(self, ending: str) -> str:
        """The whole name of an attribute of ours, which is there."""
        name = mark_of(self.access.application) + ending
        if name not in self.definitions:
            if ATTRIBUTES[ending].elsewhere and self.access.other_application is None:
                raise CannotJudge("needs --other-application ID, to which an attribute is connected alone")
            raise CannotJudge(self.trouble.get(name, f"the attribute {name} is not there"))
        return name

    def undefined(self, ending: str) -> str:
        """A name that no attribute has."""
        return f"{mark_of(self.access.application)}undefined_{ending}"

    def audience(self, **members: Json) -> Answer:
        """Make an audience; `members` come on top of its name."""
        name = f"{mark_of(self.access.application)}{next(self._numbers)}"
        body: Object = {"name": name, "subscribedApplicationsIds": [self.access.application], **members}
        answer = self.integration("POST", "/v2/audiences", body)
        if answer.status == 201:
            number = str(answer.at("id"))
            self.numbered.add(number)
            self.ledger.add(Belonging("audience", number))
        return answer

    def audience_number(self) -> int:
        """A new audience by its number."""
        number = self.audience().expect(201).at("id")
        if not isinstance(number, int):
            raise CannotJudge(f"the id of an audience is no integer: {number!r}")
        return number

    def remove_audience(self, number: int) -> None:
        """Delete an audience."""
        self.integration("DELETE", f"/v2/audiences/{number}").expect(204)
        self.ledger.remove(Belonging("audience", str(number)))

    def update(
        self, customer: str, attributes: Object, query: str = "", *, key: str | None = None, **members: Json
    ) -> Answer:
        """Update a profile; `members` come beside its attributes."""
        body: Object = {"attributes": attributes, **members}
        return self.integration("PUT", f"/v2/customer_profiles/{encoded(customer)}{query}", body, key=key)

    def profile(self, customer: str) -> Object | None:
        """The profile as the Integration API shows it, None where there is none."""
        path = f"/v1/customer_profiles/{encoded(customer)}/inventory?profile=true"
        answer = self.integration("GET", path).expect(200, 404)
        profile = None if answer.status == 404 else answer.at("profile")
        if profile is None or isinstance(profile, dict):
            return profile
        raise CannotJudge(answer.said)

    def held(self, customer: str) -> Object:
        """The attributes of a profile; empty where there is none."""
        attributes = (self.profile(customer) or {}).get("attributes", {})
        if not isinstance(attributes, dict):
            raise CannotJudge(f"the attributes of {customer} are no object: {attributes!r}")
        return attributes

    def memberships(self, customer: str) -> frozenset[int]:
        """The numbers of the audiences that a customer is in."""
        listed = (self.profile(customer) or {}).get("audienceMemberships") or []
        if not isinstance(listed, list):
            raise CannotJudge(f"the memberships of {customer} are no list: {listed!r}")
        numbers = (each.get("id") for each in listed if isinstance(each, dict))
        return frozenset(number for number in numbers if isinstance(number, int))

    def heed(self) -> None:
        """Raise KeyboardInterrupt where nothing more is to be made."""
        if self.interrupted:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Close all connections."""
        for line in (self.deployment, self.management, self.third_party):
            if line is not None:
                line.close()


def _content(body: Json) -> bytes | None:
    return None if body is None else encode(body)
