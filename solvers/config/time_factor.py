"""Split formulas such as `sin(x)**2 * cos(pi*t) / pi` into a part in space and a factor in time.

A velocity whose time dependence is a factor is sampled once a regrid instead of every step.
"""

import ast
import functools
from collections.abc import Sequence

from .expression import Expression, names_in

TIME = "t"
_ONE: ast.expr = ast.Constant(1.0)
Split = tuple[ast.expr, tuple[ast.expr, ...]]  # a tree without t; factors with nothing but t


def separate(expressions: Sequence[Expression]) -> tuple[list[Expression], Expression] | None:
    """The formulas without their common factor in time, and that factor; `None` if there is no such factor.

    The last argument of the formulas must be `t`. A formula that is zero agrees with any factor.
    """
    splits = [_split(expression.tree) for expression in expressions]
    if any(split is None for split in splits):
        return None
    pairs = [split for split in splits if split is not None]
    factors = [times for space, times in pairs if not _is_zero(space)] or [()]
    if any(_key(times) != _key(factors[0]) for times in factors):
        return None
    arguments = expressions[0].arguments[:-1]
    spaces = [_expression(space, arguments) for space, _ in pairs]
    factor: ast.expr = functools.reduce(_times, factors[0], _ONE)
    return spaces, _expression(factor, (TIME,))


def _split(node: ast.expr) -> Split | None:
    if TIME not in names_in(node):
        return node, ()
    return _split_product(node) or _split_sum(node) or ((_ONE, (node,)) if names_in(node) == {TIME} else None)


def _split_product(node: ast.expr) -> Split | None:
    match node:
        case ast.UnaryOp(op=ast.USub() as sign, operand=operand):
            inner = _split(operand)
            return inner and (ast.UnaryOp(sign, inner[0]), inner[1])
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            a, b = _split(left), _split(right)
            if a is None or b is None:
                return None
            if isinstance(op, ast.Mult):
                return _times(a[0], b[0]), a[1] + b[1]
            return ast.BinOp(a[0], op, b[0]), a[1] + tuple(ast.BinOp(_ONE, op, factor) for factor in b[1])
    return None


def _split_sum(node: ast.expr) -> Split | None:
    """The terms of a sum must have the same factor."""
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right) if names_in(node) != {TIME}:
            a, b = _split(left), _split(right)
            return a and b and ((ast.BinOp(a[0], op, b[0]), a[1]) if _key(a[1]) == _key(b[1]) else None)
    return None


def _key(times: Sequence[ast.expr]) -> list[str]:
    return sorted(map(ast.dump, times))


def _times(a: ast.expr, b: ast.expr) -> ast.expr:
    return b if a is _ONE else a if b is _ONE else ast.BinOp(a, ast.Mult(), b)


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


def _expression(tree: ast.expr, arguments: tuple[str, ...]) -> Expression:
    return Expression(tree, arguments, ast.unparse(tree))
