"""The bench for the checks of rules on a ground: what they make is noted, at the ground's pace."""

from typing import Final

from talon_contracts.exact_json import Object
from talon_contracts.oracle import DestinationSettings
from talon_contracts.parity.belongings import CHECKED, MARK, Belonging, mark_of
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Pace
from talon_contracts.targets import Bench, CannotJudge, Levers, Management, Reply, TalonOne

_ATTRIBUTES: Final = "/v1/attributes"


class _Customers(TalonOne):
    """A Talon.One whose customers are noted."""

    def __init__(self, ground: Ground, pace: Pace) -> None:
        super().__init__(ground.deployment.url, ground.access.api_key)
        self._pace = pace
        self._ground = ground

    def profile(self, integration_id: str) -> Object | None:
        """The attributes that the profile holds."""
        self._ground.heed()
        self._pace.keep()
        return super().profile(integration_id)

    def update(self, integration_id: str, attributes: Object, *, authorization: str | None = None) -> Reply:
        """Patch one profile."""
        tag = self._ground.access.tag
        if not integration_id.startswith(tag):
            raise CannotJudge(f"the integration ID {integration_id!r} does not begin with {tag!r}")
        self._ground.heed()
        self._pace.keep()
        self._ground.ledger.add(Belonging("customer", integration_id))
        return super().update(integration_id, attributes, authorization=authorization)


class _Definitions(Management):
    """A Management API that lets attributes be made by emulators only: they stay for ever."""

    def __init__(self, ground: Ground, pace: Pace) -> None:
        super().__init__(ground.deployment.url, ground.access.management_key, ground.access.application)
        self._ground = ground
        self._pace = pace

    def request(self, method: str, path: str, body: Object | None = None) -> Reply:
        """One exchange."""
        makes = method != "GET" and path.startswith(_ATTRIBUTES)
        if makes and not self._ground.access.emulated:
            raise CannotJudge("its cases make attributes, which cannot be deleted: only an emulator is asked")
        self._pace.keep()
        reply = super().request(method, path, body)
        made = reply.json() if makes and reply.status == 201 else None
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
