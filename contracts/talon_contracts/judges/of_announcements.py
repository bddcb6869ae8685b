"""The judge of announcements: defines audiences and computed traits, and compares keys and refusals with the oracle."""

from typing import Any

from talon_contracts.exact_json import Object
from talon_contracts.judges.mismatch import Mismatch
from talon_contracts.judges.of_audience_keys import names_it
from talon_contracts.oracle import Definitions, audience_key
from talon_contracts.strategies.announcements import Announced, Announcements, objection
from talon_contracts.targets import Bench, Engage, Reply


def judge_announcements(bench: Bench, case: Announcements) -> Mismatch | None:
    """Define everything in order, and rename it: a key is made by AUD-1, kept by AUD-2, or refused by AUD-3.

    A bridge that can ask Talon.One also says where the attribute of the key does not take such values.
    """
    assert bench.engage is not None
    told = _Told(bench.engage, bench.tag(), set(bench.engage.keys()), bench.definitions)
    try:
        for number, announced in enumerate(case.definitions):
            found = told.define(number, announced) or told.rename(number, case)
            if found is not None:
                return found
        return None
    finally:
        for path in told.tried:
            told.engage.forget(path)


class _Told:
    """What was announced so far."""

    def __init__(self, engage: Engage, tag: str, taken: set[str], definitions: Definitions) -> None:
        self.engage, self.tag, self.taken, self.definitions = engage, tag, taken, definitions
        self.requests: list[tuple[str, Object]] = []
        self.tried: set[str] = set()
        self.defined: dict[str, str] = {}
        """The keys of what there is, by path."""

    def define(self, number: int, announced: Announced) -> Mismatch | None:
        """Define one, which must be done or refused."""
        path = _path(self.tag, number, announced)
        key = announced.key_to_be
        problem = objection(key, self.taken)
        reply = self._put(path, announced.document)
        if problem is not None:
            return self._refused(path, announced, problem, reply)
        if reply.status == 409 and b"does_not_fit" in reply.body:
            return None  # there is no such attribute, which is another matter
        if reply.status != 201:
            return self._mismatch("AUD-3", f"201 and the key {key!r}", reply)
        self.taken.add(key)
        self.defined[path] = key
        rule = "AUD-1" if announced.key is None else "AUD-2"
        return self._keyed(rule, path, key, announced.name, reply) or self._fits(key, announced, reply)

    def rename(self, number: int, case: Announcements) -> Mismatch | None:
        """Rename what was defined, which keeps its key, and try another key, which is refused."""
        announced = case.definitions[number]
        path = _path(self.tag, number, announced)
        if path not in self.defined:
            return None
        key, kind = self.defined[path], announced.type
        reply = self._put(path, Announced(case.name, None, kind).document)
        if reply.status != 200:
            return self._mismatch("AUD-2", f"200 and the key {key!r}", reply)
        if case.key in (key, audience_key(case.name)):  # not another one, or the one that nobody asked for
            return self._keyed("AUD-2", path, key, case.name, reply)
        refused = self._put(path, Announced(case.name, case.key, kind).document)
        if not (400 <= refused.status < 500):
            return self._mismatch("AUD-2", "a refusal: keys never change", refused)
        return self._keyed("AUD-2", path, key, case.name, reply)

    def _refused(self, path: str, announced: Announced, problem: str, reply: Reply) -> Mismatch | None:
        message = _message(reply)
        if not (400 <= reply.status < 500) or message is None:
            return self._mismatch("AUD-3", f"an error: {problem}", reply)
        if announced.name.strip() and not names_it(message, announced.name):  # blanks are no name
            return self._mismatch("AUD-3", f"an error that names the audience {announced.name!r}", reply)
        there = self.engage.request("GET", f"/{path}")
        if there.status != 404:
            return self._mismatch("AUD-3", "no audience where its definition was refused", there)
        return None

    def _keyed(self, rule: str, path: str, key: str, name: str, reply: Reply) -> Mismatch | None:
        """The answer, and how it is shown from now on."""
        wanted = {"key": key, "name": name}
        answered: Any = reply.json()
        for shown in (answered, self.engage.show(path)):
            found = {member: shown.get(member) for member in wanted}
            if found != wanted:
                return Mismatch(rule, self.requests, wanted, found)
        return None

    def _fits(self, key: str, announced: Announced, reply: Reply) -> Mismatch | None:
        """Whether it is said that the attribute does not take such values, where it is known to be there."""
        answered: Any = reply.json()
        if answered.get("checked") is not True or key not in self.definitions:
            return None
        fits = self.definitions[key] == (announced.type or "boolean")
        misfit = answered.get("misfit")
        if (misfit is None) == fits:
            return None
        expected = f"the attribute {key} is {self.definitions[key]}, which {'fits' if fits else 'does not fit'}"
        return Mismatch("AUD-3", self.requests, expected, f"misfit {misfit}")

    def _put(self, path: str, document: Object) -> Reply:
        self.tried.add(path)
        self.requests.append((f"PUT /_bridge/engage/{path}", document))
        return self.engage.define(path, document)

    def _mismatch(self, rule: str, expected: object, reply: Reply) -> Mismatch:
        found = f"{reply.status} {reply.body[:300].decode('utf-8', 'replace')}"
        return Mismatch(rule, self.requests, expected, found)


def _path(tag: str, number: int, announced: Announced) -> str:
    return f"{'audiences' if announced.type is None else 'computed-traits'}/{tag}d{number}"


def _message(reply: Reply) -> str | None:
    document = reply.json()
    error: Any = document.get("error") if isinstance(document, dict) else None
    return str(error["message"]) if isinstance(error, dict) and "message" in error else None
