"""The mutants of a module: its code with one small change each, named so that the name survives moved lines."""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from mutation.mutators import alternatives

_WITHIN = 60  # characters that are shown to each side of a change in a long statement

# What is left alone: types (mypy's), how classes are made (the house rules'), and assertions (for programmers).
_LEFT_ALONE = frozenset({"annotation", "returns", "decorator_list", "bases"})
_PASSED_OVER = (ast.Assert, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """Which change: where, the statement before, and after; the nth of the same where there are several."""

    scope: str
    before: str
    after: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, and where it hangs: in a member of its parent, which may be a list."""

    parent: ast.AST
    member: str
    index: int | None
    node: ast.AST
    scope: str
    statement: ast.stmt

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.index is None:
            setattr(self.parent, self.member, node)
        else:
            getattr(self.parent, self.member)[self.index] = node


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module."""

    name: Name
    line: int
    _tree: ast.Module
    _place: _Place
    _other: ast.AST

    def code(self, filename: str) -> CodeType:
        """The module with the change in it."""
        self._place.put(self._other)
        try:
            return compile(ast.fix_missing_locations(copy.deepcopy(self._tree)), filename, "exec")
        finally:
            self._place.put(self._place.node)


def mutants(source: str) -> tuple[Mutant, ...]:
    """Every mutant of a module, in the order of its text."""
    tree = ast.parse(source)
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for place in _places(tree, "", None):
        before = _shown(place.statement)
        for other in alternatives(place.node):
            place.put(other)
            after = _shown(other if place.node is place.statement and isinstance(other, ast.stmt) else place.statement)
            place.put(place.node)
            key = (place.scope or "<module>", *_cut(before, after))
            seen[key] += 1
            found.append(Mutant(Name(*key, seen[key]), place.statement.lineno, tree, place, other))
    return tuple(found)


def _places(node: ast.AST, scope: str, statement: ast.stmt | None) -> Iterator[_Place]:
    for member, value in ast.iter_fields(node):
        if member in _LEFT_ALONE or (isinstance(node, ast.ClassDef) and member == "keywords"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or isinstance(child, _PASSED_OVER) or _says_nothing(child):
                continue
            within = child if isinstance(child, ast.stmt) else statement
            named = isinstance(child, ast.FunctionDef | ast.ClassDef)
            inner = f"{scope}.{child.name}".lstrip(".") if named else scope  # type: ignore[attr-defined]
            if within is not None and not (scope == "" and isinstance(child, ast.Assign)):
                yield _Place(node, member, index, child, scope, within)
            yield from _places(child, inner, within)


def _says_nothing(node: ast.AST) -> bool:
    """Whether a statement is a docstring, the text below a constant, or a name for a type."""
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _shown(statement: ast.AST) -> str:
    """A statement as text; of one that has a body only its head."""
    if isinstance(getattr(statement, "body", None), list):
        statement = copy.copy(statement)
        statement.body = [ast.Pass()]  # type: ignore[attr-defined]
        if hasattr(statement, "orelse"):
            statement.orelse = []
    text = ast.unparse(statement)
    return text.removesuffix("\n    pass") if text != "pass" else ""


def _cut(before: str, after: str) -> tuple[str, str]:
    """Of two long texts the part in which they differ, with something around it."""
    same = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    tail = next((at for at, (one, other) in enumerate(zip(before[::-1], after[::-1], strict=False)) if one != other), 0)
    return _trimmed(before, same, tail), _trimmed(after, same, tail)


def _trimmed(text: str, same: int, tail: int) -> str:
    first, last = max(same - _WITHIN, 0), min(len(text) - tail + _WITHIN, len(text))
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
