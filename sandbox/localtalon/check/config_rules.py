"""The rules that a config alone can break: definitions, Custom Attributes, audiences and computed traits."""

from collections.abc import Iterable, Iterator
from typing import Final

from localtalon import computations
from localtalon.check.ledger import Ledger
from localtalon.check.subject import Subject
from localtalon.computations import Audience, Computation, ComputedTrait
from talon_bridge.audience_key import possible_name
from talon_bridge.nearest import nearest
from talon_contracts.reports.events import Finding

# Nested objects are flattened and lists of objects withheld, so that no trait can be a location.
_UNREACHABLE: Final = ("location", "(list location)")


def judge(subject: Subject, ledger: Ledger) -> None:
    """Hold the config against its rules."""
    for rule, findings in (
        ("ATT-1", _custom_attributes(subject)),
        ("ATT-2", _unreachable(subject)),
        ("ATT-3", _twins(subject)),
        ("AUD-3", _impossible(subject)),
        ("AUD-3", _twin_keys(subject)),
    ):
        for finding in findings:
            ledger.found(finding)
        if rule in ("ATT-1", "ATT-2"):
            ledger.tried(rule, len(subject.custom_attributes))
    for place, computation in computations.placed(subject.config.audiences, subject.config.computed_traits):
        rule = "AUD-4" if isinstance(computation, Audience) else "AUD-6"
        ledger.tried("AUD-3")
        ledger.tried(rule)
        found = _definition(subject, place, computation, rule)
        if found is not None:
            ledger.found(found)


def defining(name: str, kind: str) -> str:
    """What to do about an attribute that is not defined."""
    table = f'[[deployment.attributes]] with name = "{name}" and type = "{kind}"'
    return f"add {table} to the config; `localtalon attributes push` creates it in Talon.One"


def _custom_attributes(subject: Subject) -> Iterator[Finding]:
    """Every Custom Attribute must exist as an attribute of customer profiles, with the same case (ATT-1, MAP-3)."""
    defined = subject.defined
    for name in dict.fromkeys(subject.custom_attributes):
        place = subject.place_of_custom(name)
        if name in defined:
            continue
        if not possible_name(name):
            message = f"no Talon.One attribute can be called {name!r}, so this Custom Attribute can never be sent"
            yield Finding("ATT-3", message, "a name has letters, digits and _, first a letter", place)
            continue
        message = f"Custom Attribute {name!r} is not defined on CustomerProfile"
        elsewhere = [a.entity for a in subject.config.deployment.attributes if a.name == name]
        near = nearest(name, defined)
        if elsewhere:
            message += f"; it is on {', '.join(elsewhere)}, whose attributes the destination does not fill"
        if near is None:
            hint = defining(name, "string")
        else:
            message += f"; {near.name!r} is, and differs in {near.differs_in}"
            hint = f"write {near.name!r}, if that is what the trait is called; else {defining(name, 'string')}"
        yield Finding("ATT-1", f"{message}: an identify that carries it will be refused as a whole", hint, place)


def _unreachable(subject: Subject) -> Iterator[Finding]:
    for name in dict.fromkeys(subject.custom_attributes):
        definition = subject.definition(name)
        if definition is not None and definition.type in _UNREACHABLE:
            message = (
                f"no trait can fill {name!r}: it is a {definition.type}, and objects among the traits are flattened"
            )
            hint = "send latitude and longitude as two numbers, or leave it out of Custom Attributes"
            yield Finding("ATT-2", message, hint, subject.place_of_custom(name), severity="warning")


def _twins(subject: Subject) -> Iterator[Finding]:
    """Names that differ in case only are two attributes in Talon.One, and seldom meant to be."""
    own = subject.config.deployment.attributes
    places = {a.name: f"deployment.attributes[{index}].name" for index, a in enumerate(own)}
    for first, second in _same_but_case(attribute.name for attribute in subject.definitions.attributes):
        yield _twin("attributes", first, second, subject, places[second], "")
    for first, second in _same_but_case(dict.fromkeys(subject.custom_attributes)):
        index = subject.custom_attributes.index(second)
        yield _twin("Custom Attributes", first, second, subject, f"destination.custom_attributes[{index}]", second)
    repeated = [n for i, n in enumerate(subject.custom_attributes) if n in subject.custom_attributes[:i]]
    for name in dict.fromkeys(repeated):
        message = f"Custom Attribute {name!r} is listed twice"
        place = subject.place_of_custom(name)
        yield Finding("ATT-3", message, "leave one of them out", place, severity="warning")


def _same_but_case(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            yield first, name


def _twin(what: str, first: str, second: str, subject: Subject, key: str, value: str) -> Finding:
    message = f"the {what} {first!r} and {second!r} differ in case only"
    hint = "names are case-sensitive on the whole way; keep both only if traits of both names are sent"
    rule = "AUD-3" if what == "keys" else "ATT-3"
    return Finding(rule, message, hint, subject.place(key, value), severity="warning")


def _impossible(subject: Subject) -> Iterator[Finding]:
    """Audiences and computed traits that Engage cannot have: their keys (AUD-3), and what else is said of them."""
    for problem in computations.problems(subject.config.audiences, subject.config.computed_traits):
        rule = "AUD-3" if problem.of_key else "CONFIG"
        yield Finding(rule, problem.message, problem.hint, subject.place(problem.place))


def _twin_keys(subject: Subject) -> Iterator[Finding]:
    own = computations.placed(subject.config.audiences, subject.config.computed_traits)
    places = {computations.key(computation): place for place, computation in own}
    for first, second in _same_but_case(places):
        yield _twin("keys", first, second, subject, places[second], "")


def _definition(subject: Subject, place: str, computation: Computation, rule: str) -> Finding | None:
    """Why the attribute of an audience or computed trait does not take what Engage sends, or None."""
    key, noun = computations.key(computation), computations.noun(computation)
    wanted = computation.type if isinstance(computation, ComputedTrait) else "boolean"
    where = subject.place(f"{place}.{'name' if computation.key is None else 'key'}")
    if not possible_name(key):
        return None  # its key is reported already (AUD-3)
    definition = subject.definition(key)
    if definition is None:
        near = nearest(key, subject.defined)
        also = f"; {near.name!r} is, and differs in {near.differs_in}" if near else ""
        message = f"{noun} has the key {key!r}, which is not defined on CustomerProfile{also}"
        return Finding(rule, f"{message}: each of its calls will be refused", defining(key, wanted), where)
    if definition.type != wanted:
        message = f"{noun} sends {wanted} values to {key!r}, which is a {definition.type} in Talon.One"
        hint = f"types never change: define another attribute as {wanted}, and give its name as the key"
        return Finding(rule, f"{message}: each of its calls will be refused", hint, where)
    return None
