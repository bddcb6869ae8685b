"""The bench for the checks of rules on a ground: what they make is noted, at the ground's pace."""

from typing import Any, Final
from urllib.parse import unquote

from talon_contracts.exact_json import Object, decode
from talon_contracts.oracle import DestinationSettings
from talon_contracts.parity.belongings import CHECKED, MARK, Belonging, mark_of
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Pace
from talon_contracts.targets import Bench, CannotJudge, Channel, Levers, Management, Reply, TalonOne

_ATTRIBUTES: Final = "/v1/attributes"
_PROFILES: Final = "/v2/customer_profiles"


class _Noting:
    """A channel that notes every customer before an update goes out, and lets nothing else be written."""

    def __init__(self, onward: Channel, ground: Ground, pace: Pace) -> None:
        self.url = onward.url
        self._onward = onward
        self._ground = ground
        self._pace = pace

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """One exchange."""
        self._ground.heed()
        customers = () if method == "GET" else _updated(method, path, body)
        tag = self._ground.access.tag
        for customer in customers:
            if not customer.startswith(tag):
                raise CannotJudge(f"the integration ID {customer!r} does not begin with {tag!r}")
        for customer in customers:
            self._ground.ledger.add(Belonging("customer", customer))
        self._pace.keep()
        return self._onward.request(method, path, headers, body)

    def close(self) -> None:
        """Close the connection."""
        self._onward.close()


def _updated(method: str, path: str, body: bytes | None) -> tuple[str, ...]:
    """Whom an update is about; raises CannotJudge for any other request that writes."""
    if method == "PUT" and path.startswith(f"{_PROFILES}/"):
        return (unquote(path.removeprefix(f"{_PROFILES}/")),)
    if method == "PUT" and path == _PROFILES:
        document: Any = decode(body or b"")
        return tuple(each["integrationId"] for each in document["customerProfiles"])
    raise CannotJudge(f"{method} {path} is no update of customers: nobody would remove what it makes")


class _Customers(TalonOne):
    """A Talon.One whose customers are noted."""

    def __init__(self, ground: Ground, pace: Pace) -> None:
        super().__init__(ground.deployment.url, ground.access.api_key)
        self._channel = _Noting(self._channel, ground, pace)


class _Definitions(Management):
    """A Management API that is written to at emulators only: the attributes that are made stay."""

    def __init__(self, ground: Ground, pace: Pace) -> None:
        super().__init__(ground.deployment.url, ground.access.management_key, ground.access.application)
        self._ground = ground
        self._pace = pace

    def request(self, method: str, path: str, body: Object | None = None) -> Reply:
        """One exchange."""
        writes = method != "GET"
        if writes and not self._ground.access.emulated:
            raise CannotJudge("its cases make attributes, which cannot be deleted: only an emulator is asked")
        self._pace.keep()
        reply = super().request(method, path, body)
        made = reply.json() if writes and path.startswith(_ATTRIBUTES) and reply.status == 201 else None
        if isinstance(made, dict):
            self._ground.ledger.add(Belonging("attribute", str(made.get("name"))))
        return reply


class _Bench(Bench):
    """A bench for whose cases attributes are made with a name that shows whose they are."""

    def name(self) -> str:
        """The beginning of a name of an attribute, which no other case on this bench has."""
        return f"{MARK}_{Bench.name(self)}"


def bench_on(ground: Ground, pace: Pace, management_pace: Pace) -> Bench:
    """A bench whose definitions are attributes of ours; raises CannotJudge where there are none."""
    access, mark = ground.access, mark_of(ground.access.application)
    types = {mark + ending: ground.definitions.get(mark + ending, {}).get("type") for ending in CHECKED}
    definitions = {name: kind for name, kind in types.items() if isinstance(kind, str)}
    if not definitions:
        raise CannotJudge("no attribute could be made: " + "; ".join(ground.trouble.values()))
    levers = Levers(ground.deployment.url, access.control_token, definitions)
    return _Bench(
        talon_one=_Customers(ground, pace),
        settings=DestinationSettings(frozenset(definitions)),
        definitions=definitions,
        prefix=f"{access.tag}c",
        management=_Definitions(ground, management_pace),
        levers=levers if access.emulated and levers.there else None,
    )
