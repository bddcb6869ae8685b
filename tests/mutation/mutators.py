"""What may be changed about one piece of code: for a syntax node, the nodes that could stand in its place."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from mutation.patterns import is_pattern, patterns

_COMPARED: Final[dict[type, tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: Final[dict[type, type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
_SWAPPED: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_TRIMMING: Final = frozenset(
    {"strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace", "translate", "lower"}
)


def alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that could wrongly stand where this one does, each a small slip of one who writes it."""
    for kind, mutate in _MUTATORS:
        if isinstance(node, kind):
            yield from mutate(node)


def _but(node: Any, **fields: Any) -> Any:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str) and is_pattern(value):
        yield from map(ast.Constant, patterns(value))
    elif isinstance(value, str):
        yield ast.Constant("" if value else "/?")


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in _COMPARED[type(operator)]:
            yield _but(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])


def _boolean(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield _but(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for place in range(len(node.values)):
        left = node.values[:place] + node.values[place + 1 :]
        yield left[0] if len(left) == 1 else _but(node, values=left)


def _negation(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not | ast.USub):
        yield node.operand


def _calculation(node: ast.BinOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.BitOr):
        yield node.left
        yield node.right
    else:
        yield _but(node, op=_CALCULATED[type(node.op)]())


def _condition(node: Any) -> Iterator[ast.AST]:
    yield _but(node, test=ast.Constant(True))
    yield _but(node, test=ast.Constant(False))


def _comprehension(node: ast.comprehension) -> Iterator[ast.AST]:
    for place in range(len(node.ifs)):
        yield _but(node, ifs=node.ifs[:place] + node.ifs[place + 1 :])


def _call(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in _SWAPPED:
        yield _but(node, func=ast.Name(_SWAPPED[node.func.id], ast.Load()))
    if isinstance(node.func, ast.Attribute) and node.func.attr in _TRIMMING:
        yield node.func.value
    for place in range(len(node.keywords)):
        yield _but(node, keywords=node.keywords[:place] + node.keywords[place + 1 :])


def _display(node: Any) -> Iterator[ast.AST]:
    """Leave a member out; those that are constants are changed as such."""
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    for place, member in enumerate(node.elts):
        if not isinstance(member, ast.Constant):
            yield _but(node, elts=node.elts[:place] + node.elts[place + 1 :])


def _dictionary(node: ast.Dict) -> Iterator[ast.AST]:
    for place in range(len(node.keys)):
        yield _but(
            node, keys=node.keys[:place] + node.keys[place + 1 :], values=node.values[:place] + node.values[place + 1 :]
        )


def _return(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _loop(node: ast.For) -> Iterator[ast.AST]:
    yield _but(node, iter=ast.Tuple([], ast.Load()))


def _removal(node: ast.stmt) -> Iterator[ast.AST]:
    yield ast.Pass()


def _continue(node: ast.Continue) -> Iterator[ast.AST]:
    yield ast.Break()


def _addition(node: ast.AugAssign) -> Iterator[ast.AST]:
    yield ast.Assign([node.target], node.value, lineno=node.lineno)


_MUTATORS: Final[tuple[tuple[Any, Callable[[Any], Iterator[ast.AST]]], ...]] = (
    (ast.Constant, _constant),
    (ast.Compare, _compare),
    (ast.BoolOp, _boolean),
    (ast.UnaryOp, _negation),
    (ast.BinOp, _calculation),
    (ast.If | ast.IfExp | ast.While, _condition),
    (ast.comprehension, _comprehension),
    (ast.Call, _call),
    (ast.Tuple | ast.List | ast.Set, _display),
    (ast.Dict, _dictionary),
    (ast.Return, _return),
    (ast.For, _loop),
    (ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Continue | ast.Break, _removal),
    (ast.Continue, _continue),
    (ast.AugAssign, _addition),
)
