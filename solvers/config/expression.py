"""Formulas in config files, such as `"exp(-x**2) * cos(pi*t)"`, read by a whitelist over Python's syntax tree.

Nothing is ever handed to `eval`: what is not named in this file cannot be computed.
"""

import ast
import difflib
import functools
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CONSTANTS = {"pi": math.pi, "e": math.e}


class ExpressionError(ValueError):
    """A formula that cannot be read; its text shows the formula with a caret under the mistake."""

    def __init__(self, message: str, text: str, column: int = 0):
        start = max(0, column - 60)  # of a long formula, the neighbourhood of the mistake
        shown = text[start : start + 100]
        super().__init__(f"{message}\n    {shown}\n    {' ' * (column - start)}^")


@dataclass(frozen=True)
class Expression:
    """A formula as a function of its arguments, traceable by JAX, equal and hashable by what it computes.

    **Attributes:**

    - `tree`: the syntax tree, in which everything that depends on no argument has become a number.
    - `arguments`: names of the arguments in the order of the call, for example `("x", "y", "t")`.
    - `text`: the formula as it was written.

    Made by `parse`.
    """

    tree: ast.expr = field(compare=False, repr=False)
    arguments: tuple[str, ...]
    text: str = field(compare=False)

    def _shown(self) -> str:
        return self.text

    canonical: str = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "canonical", ast.dump(self.tree))

    def __call__(self, *values):
        import jax.numpy as jnp

        return self.evaluate(jnp, *values)

    def evaluate(self, xp, *values):
        """The formula's values by the array namespace `xp` (`numpy` or `jax.numpy`), in the shape of the arguments."""
        names = dict(zip(self.arguments, values, strict=True))
        result = _Evaluator(xp, self.text, names).number(self.tree)
        shape = np.broadcast_shapes(*(np.shape(value) for value in values))
        return xp.broadcast_to(xp.asarray(result, xp.result_type(*values)), shape)

    @property
    def constant(self) -> float | None:
        """The formula's value if it depends on no argument."""
        return float(self.tree.value) if isinstance(self.tree, ast.Constant) else None  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class ExpressionTuple:
    """Several formulas, or functions of a user's, as one function that gives a tuple; equal if they are."""

    components: tuple[Callable, ...]

    def __call__(self, *values) -> tuple:
        return tuple(component(*values) for component in self.components)

    @property
    def pure(self) -> bool:
        """Whether all are formulas."""
        return all(isinstance(component, Expression) for component in self.components)

    def evaluate(self, xp, *values) -> tuple:
        """As `Expression.evaluate`, for each component of a pure one."""
        return tuple(component.evaluate(xp, *values) for component in self.components)  # type: ignore[attr-defined]


def parse(text: str, arguments: Sequence[str] = (), parameters: Mapping[str, float] | None = None) -> Expression:
    """Read a formula in the given arguments and parameters; raises `ExpressionError` where it cannot be understood."""
    text = " ".join(text.split())
    known = CONSTANTS | dict(parameters or {})
    try:
        tree = _syntax_tree(text)
        # One evaluation with a sample visits every node, so it finds whatever is not allowed.
        with np.errstate(all="ignore"):
            _Evaluator(np, text, dict.fromkeys(arguments, np.float64(0.5)) | known).number(tree)
            tree = _Folder(text, known).visit(tree)
    except (RecursionError, MemoryError):
        raise ExpressionError("too deeply nested", text) from None
    except OverflowError:
        raise ExpressionError("a number too large for floating point", text) from None
    return Expression(tree, tuple(arguments), text)


def _syntax_tree(text: str) -> ast.expr:
    if not text:
        raise ExpressionError("an empty expression", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        column = min(error.offset - 1, len(text)) if error.offset else len(text)  # 0 is the end
        problem = error.msg if error.offset else "it ends too early"
        raise ExpressionError(f"broken expression: {problem}", text, column) from None
    except ValueError as error:  # null bytes
        raise ExpressionError(f"broken expression: {error}", repr(text)) from None


# --- what a formula may contain ---------------------------------------------------------------------------------------


def _of(name: str) -> Callable:
    return lambda xp, *args: getattr(xp, name)(*args)


def _fold(name: str) -> Callable:
    return lambda xp, *args: functools.reduce(getattr(xp, name), args)


def _erf(xp, x):
    if xp is np:
        return np.vectorize(math.erf, otypes=[float])(x)
    from jax.scipy.special import erf

    return erf(x)


# How to compute each, and how many arguments it takes, at least and at most.
FUNCTIONS: dict[str, tuple[Callable, int, float]] = {
    **{name: (_of(name), 1, 1) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "log10")},
    **{name: (_of(name), 1, 1) for name in ("sqrt", "abs", "sign", "floor", "ceil")},
    **{f"a{name}": (_of(f"arc{name}"), 1, 1) for name in ("sin", "cos", "tan")},
    "atan2": (_of("arctan2"), 2, 2),
    "min": (_fold("minimum"), 2, math.inf),
    "max": (_fold("maximum"), 2, math.inf),
    "where": (lambda xp, test, a, b: xp.where(_truth(test), a, b), 3, 3),
    "heaviside": (lambda xp, x: xp.where(x > 0, 1.0, xp.where(x < 0, 0.0, 0.5)), 1, 1),
    "erf": (_erf, 1, 1),
}

_BINARY: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type, Callable] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ADVICE: dict[type, str] = {
    ast.Constant: "expected a number",
    ast.BitXor: "write a power as x**2",
    ast.BitAnd: "write 'and'",
    ast.BitOr: "write 'or'",
    ast.Attribute: "write functions by their plain names, as in sin(x)",
}


def _is_condition(value) -> bool:
    return getattr(value, "dtype", None) == np.bool_


def _truth(value):
    return value if _is_condition(value) else value != 0


@dataclass(frozen=True)
class _Evaluator:
    """Walks a syntax tree with the operations of an array namespace."""

    xp: Any
    text: str
    names: Mapping[str, Any]

    def number(self, node: ast.expr):
        """The value of a node; conditions count as 0 and 1."""
        value = self.value(node)
        return self.xp.where(value, 1.0, 0.0) if _is_condition(value) else value

    def value(self, node: ast.expr):
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return np.float64(number) if self.xp is np else float(number)
            case ast.Name():
                return self.named(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.xp.logical_not(_truth(self.value(operand)))
            case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=float() | int() as power)) if _whole(
                power
            ):
                return self.number(left) ** int(power)  # multiplications, where a float would mean exp and log
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self.number(left), self.number(right))
            case ast.Compare():
                return self.comparison(node)
            case ast.BoolOp(op=op, values=values):
                join = self.xp.logical_and if isinstance(op, ast.And) else self.xp.logical_or
                return functools.reduce(join, [_truth(self.value(value)) for value in values])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.xp.where(_truth(self.value(test)), self.number(body), self.number(orelse))
            case ast.Call(func=ast.Name()):
                return self.call(node)
        raise self.refuse(node)

    def named(self, node: ast.Name):
        if node.id in self.names:
            return self.names[node.id]
        if node.id in FUNCTIONS:
            raise self.error(node, f"{node.id} is a function: write {node.id}(...)")
        raise self.unknown(node, "name", self.names)

    def comparison(self, node: ast.Compare):
        sides = [self.number(side) for side in (node.left, *node.comparators)]
        if not all(type(op) in _COMPARE for op in node.ops):
            raise self.refuse(node)
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return functools.reduce(self.xp.logical_and, [_COMPARE[type(op)](a, b) for op, a, b in pairs])

    def call(self, node: ast.Call):
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name not in FUNCTIONS:
            raise self.unknown(node.func, "function", FUNCTIONS)
        compute, least, most = FUNCTIONS[name]
        if node.keywords or not least <= len(node.args) <= most:
            number = f"{'' if most == least else 'at least '}{least} argument{'s' if least > 1 else ''}"
            raise self.error(node, f"{name} takes {number}, found {len(node.args) + len(node.keywords)}")
        return compute(self.xp, *map(self.number, node.args))

    def unknown(self, node: ast.Name, kind: str, known: Mapping[str, Any]) -> ExpressionError:
        close = difflib.get_close_matches(node.id, known, 1) or difflib.get_close_matches(node.id, FUNCTIONS, 1)
        meant = f"did you mean {close[0]}? " if close else ""
        names = "" if kind == "function" and close else f"known here: {', '.join(known)}"
        return self.error(node, f"unknown {kind} {node.id!r}; {(meant + names).rstrip()}")

    def refuse(self, node: ast.expr) -> ExpressionError:
        kind = getattr(node, "op", node)
        advice = _ADVICE.get(type(kind), "expected numbers, names, + - * / **, comparisons, and/or/not, a if c else b")
        return self.error(node, f"{type(kind).__name__} cannot be used in an expression; {advice}")

    def error(self, node: ast.expr, message: str) -> ExpressionError:
        column = len(self.text.encode()[: node.col_offset].decode())  # col_offset counts bytes
        return ExpressionError(message, self.text, column)


def _whole(number: int | float) -> bool:
    return abs(number) <= 64 and number == int(number)


class _Folder(ast.NodeTransformer):
    """Replaces what depends on no argument by its value, so that no Python number overflows under JAX."""

    def __init__(self, text: str, known: Mapping[str, float]):
        self.text, self.known = text, known

    def visit(self, node):
        if isinstance(node, ast.expr) and names_in(node) <= self.known.keys():
            return ast.Constant(float(_Evaluator(np, self.text, self.known).number(node)))
        return super().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.args = [self.visit(argument) for argument in node.args]
        return node


def names_in(node: ast.AST) -> set[str]:
    """The names in a tree, less those of functions."""
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in called}
