"""Preparation: whether a deployment may be compared at all, and the attributes that probes need there."""

import itertools
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from talon_contracts.exact_json import Object
from talon_contracts.parity.belongings import ATTRIBUTES, INFERRED, Belonging, Wanted, definition, mark_of
from talon_contracts.parity.customers import customers_listed
from talon_contracts.parity.ground import Ground
from talon_contracts.parity.line import Answer, Line
from talon_contracts.targets import CannotJudge, encoded

_MOST_LOOKED_AT: Final = 20
_SINCE, _UNTIL = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
"""Access logs are asked for with a beginning and an end."""


class Unfit(Exception):
    """A deployment that must not, or cannot, be compared; says why, and what to do."""


def is_emulated(deployment: Line) -> bool:
    """Whether it is an emulator, which is nobody's account. Raises Unfit where nothing answers."""
    try:
        answer = deployment.send_at_once("GET", "/_emulator/health", {})
    except CannotJudge as trouble:
        raise Unfit(f"no deployment answers at {deployment.url} ({trouble}): check --deployment") from None
    return answer.status == 200 and answer.body.lstrip().startswith(b"{")


def application(line: Line, headers: dict[str, str], number: int) -> tuple[str, bool]:
    """The name of an Application, and whether it is one of the sandbox. Raises Unfit where there is none."""
    answer = line.send("GET", f"/v1/applications/{number}", headers)
    if answer.status == 401:
        raise Unfit(f"{line.url} does not know the key: give a Management API key in LOCALTALON_MANAGEMENT_KEY")
    if answer.status == 403:
        raise Unfit(f"the Management API key may not read Application {number}: allow it, or use another key")
    if answer.status == 404 and answer.body.lstrip().startswith(b"{"):
        raise Unfit(f"{line.url} has no Application {number}: name one of its own with --application ID")
    if not _is_application(answer):
        what = f"{answer.status} {answer.body[:100]!r}"
        raise Unfit(f"what answers at {line.url} is not Talon.One's Management API ({what}): check --deployment")
    return str(answer.at("name")), answer.at("sandbox") is True


def _is_application(answer: Answer) -> bool:
    try:
        return answer.status == 200 and answer.has("sandbox") and answer.has("name")
    except CannotJudge:
        return False


def check_key(ground: Ground) -> str | None:
    """Make sure that the Integration API key is the Application's; a note where that cannot be told for certain.

    A customer whom nobody knows is asked for, and the access logs tell in which Application that was. Raises Unfit.
    """
    customer = f"{ground.access.tag}key"
    path = f"/v1/customer_profiles/{encoded(customer)}/inventory"
    answer = ground.integration("GET", path)
    if answer.status == 401:
        raise Unfit(f"{ground.deployment.url} does not know the key in LOCALTALON_API_KEY: give one of the Application")
    if answer.status != 404:
        raise Unfit(f"a customer whom nobody knows should not be found: {answer.said}")
    mine = ground.access.application
    if _is_logged(ground, mine, customer):
        return None
    for other in _others(ground):
        if _is_logged(ground, other, customer):
            raise Unfit(f"the key in LOCALTALON_API_KEY belongs to Application {other}: name that, or give another key")
    return f"the access logs do not tell whether the key in LOCALTALON_API_KEY belongs to Application {mine}"


def check_environment(ground: Ground) -> None:
    """Make sure that a customer made with the key is seen in the Application; another environment shows nobody.

    Raises Unfit.
    """
    customer = ground.customer()
    answer = ground.update(customer, {})
    if answer.status != 200:
        raise Unfit(f"a customer cannot be made: {answer.said}")
    if not customers_listed(ground, customer):
        where = f"Application {ground.access.application}"
        what = f"a customer made with the key in LOCALTALON_API_KEY is not seen in {where}"
        raise Unfit(f"{what}: it is a key of the other environment, give one of the Application")


def find_attributes(ground: Ground) -> None:
    """Learn which attributes of ours are there."""
    mark = mark_of(ground.access.application)
    for each in ground.managed(f"/v1/attributes?entity=CustomerProfile&search={mark}"):
        name = each.get("name")
        if isinstance(name, str) and name.startswith(mark) and each.get("entity") == "CustomerProfile":
            ground.definitions[name] = each


def missing(ground: Ground) -> dict[str, Wanted]:
    """The attributes that probes need and that are not there, by their whole names."""
    mark = mark_of(ground.access.application)
    apart = ground.access.other_application is not None
    wanted = {mark + ending: each for ending, each in ATTRIBUTES.items() if apart or not each.elsewhere}
    return {name: each for name, each in wanted.items() if name not in ground.definitions}


def promised(ground: Ground) -> tuple[str, ...]:
    """The names of the attributes that will be made: those that are missing, and the one that Segment's host makes."""
    inferred = mark_of(ground.access.application) + INFERRED
    through_segment = ground.third_party is not None and ground.access.segment_key is not None
    more = (inferred,) if through_segment and inferred not in ground.definitions else ()
    return (*missing(ground), *more)


def make_attributes(ground: Ground) -> None:
    """Make what is missing, and put aside what is there and is not what probes need."""
    mark = mark_of(ground.access.application)
    for name, wanted in missing(ground).items():
        _make(ground, name, wanted)
    for ending, wanted in ATTRIBUTES.items():
        found = ground.definitions.get(mark + ending)
        if found is not None and not _fits(found, wanted):
            del ground.definitions[mark + ending]
            ground.trouble[mark + ending] = f"the attribute {mark}{ending} is there, and is another one than is needed"


def _make(ground: Ground, name: str, wanted: Wanted) -> None:
    at = ground.access.other_application if wanted.elsewhere else ground.access.application
    assert at is not None
    ground.ledger.add(Belonging("attribute", name))
    answer = ground.manage("POST", "/v1/attributes", definition(name, wanted, at))
    made = answer.at() if answer.status == 201 else None
    if isinstance(made, dict):
        ground.definitions[name] = made
    else:
        ground.ledger.forget(Belonging("attribute", name))
        ground.trouble[name] = answer.said


def _fits(found: Object, wanted: Wanted) -> bool:
    restricted = found.get("restrictedBySuggestions", False) is True
    return found.get("type") == wanted.type and restricted == bool(wanted.suggestions)


def _is_logged(ground: Ground, number: int, customer: str) -> bool:
    asked = f"rangeStart={quote(_SINCE)}&rangeEnd={quote(_UNTIL)}&path={quote(customer)}"
    answer = ground.manage("GET", f"/v1/applications/{number}/access_logs/no_total?{asked}")
    return answer.status == 200 and bool(answer.at("data"))


def _others(ground: Ground) -> Iterator[int]:
    numbers = (each.get("id") for each in itertools.islice(ground.managed("/v1/applications"), _MOST_LOOKED_AT))
    yield from (number for number in numbers if isinstance(number, int) and number != ground.access.application)
