"""The definitions of one entity, ready to check values against them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from talon_emulator import assumptions, errors
from talon_emulator.attributes import Attribute
from talon_emulator.errors import Problem
from talon_emulator.values import CHECKS, NOUNS, PLAIN, show, text_of

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?")


class Definitions:
    """The definitions of one entity, ready to check values.

    `plain` says that values are stored as they are sent; else `read` tells what is stored for them.
    """

    def __init__(
        self, entity: str, attributes: Iterable[Attribute], assumed: Mapping[str, str] = assumptions.DEFAULTS
    ) -> None:
        """Keep the definitions of `entity` out of those given."""
        self.entity = entity
        self._listed = None if assumed["problems-listed"] == "all" else 1
        self._restricts = assumed["restricted-value"] == "refuse"
        self._allowed: dict[str, frozenset[Any]] = {}  # made of an allowed list when it is first needed
        self._keeps = assumed["null-value"] == "keep"
        self._unquotes = assumed["quoted-number"] == "take"
        self.plain = not (self._keeps or self._unquotes)
        mine = [attribute for attribute in attributes if attribute.entity == entity]
        self.attributes: tuple[Attribute, ...] = tuple(mine)
        self._by_name = {attribute.name: attribute for attribute in mine}
        # Restricted attributes are left out here, so that each of their values is looked at in full: `_problem`.
        free = (attribute for attribute in mine if not attribute.restricted_by_suggestions)
        self._checks = {attribute.name: (PLAIN.get(attribute.type), CHECKS[attribute.type]) for attribute in free}

    def check(self, values: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Return what is wrong with the values, in the order of their names; null goes with every type.

        Null means that the value is to be deleted. An unknown name is unknown even when its value is null (ATT-1).
        """
        checks = self._checks
        doubtful = []
        for name, value in values.items():
            known = checks.get(name)
            if known is None or not (type(value) is known[0] or value is None or known[1](value)):
                doubtful.append(name)
        if not doubtful:
            return ()
        problems = (self._problem(name, values[name]) for name in sorted(doubtful))
        return tuple(problem for problem in problems if problem is not None)[: self._listed]

    def read(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values as they are meant, which as a rule is as they are."""
        if self.plain:
            return values
        meant = {}
        for name, value in values.items():
            attribute = self._by_name.get(name)
            if attribute is None:
                meant[name] = value
            elif value is not None or not self._keeps:
                meant[name] = _unquoted(attribute, value) if self._unquotes else value
        return meant

    def defined(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the values whose names are defined."""
        return {name: value for name, value in values.items() if name in self._by_name}

    def _problem(self, name: str, value: Any) -> Problem | None:
        attribute = self._by_name.get(name)
        if attribute is None:
            return errors.unknown_attribute(name, self.entity)
        if value is None:
            return None
        if not CHECKS[attribute.type](value):
            return errors.wrong_type(name, show(value), NOUNS[attribute.type])
        return self._restriction(attribute, value) if self._restricts else None

    def _restriction(self, attribute: Attribute, value: Any) -> Problem | None:
        """Hold a value to the allowed list where one was imported, else to the suggestions (documented as either)."""
        place = errors.pointer("attributes", attribute.name)
        if not (attribute.has_allowed_list and attribute.allowed_list):
            if _suggested(attribute, value):
                return None
            if not attribute.suggestions:
                return errors.nothing_allowed(attribute.name, attribute.has_allowed_list, place)
            return errors.not_one_of(attribute.name, attribute.suggestions, place)
        allowed = self._allowed.get(attribute.name)
        if allowed is None:
            allowed = self._allowed[attribute.name] = frozenset(_allowed(attribute))
        items = value if isinstance(value, list) else [value]
        return (
            None if all(_comparable(item) in allowed for item in items) else errors.not_allowed(attribute.name, place)
        )


def _unquoted(attribute: Attribute, value: Any) -> Any:
    if attribute.type != "number" or not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return int(value) if value.lstrip("-").isdigit() else Decimal(value)


def _suggested(attribute: Attribute, value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(any(_equals(suggestion, item) for suggestion in attribute.suggestions) for item in items)


def _equals(suggestion: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return suggestion == text_of(value)
    try:
        return Decimal(suggestion) == value
    except InvalidOperation:
        return False


def _allowed(attribute: Attribute) -> Iterator[Any]:
    if "number" not in attribute.type:
        yield from attribute.allowed_list
        return
    for item in attribute.allowed_list:
        with suppress(InvalidOperation):  # no number equals what is none
            number = Decimal(item)
            if number.is_finite():
                yield number


def _comparable(value: Any) -> Any:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else text_of(value)
