"""Evaluating a user's function at points without doing the same work again for every point of a grid."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
from jax.extend.core import Literal
from jaxtyping import Array, Bool

from .fusion import apart

COSTLY = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "tanh",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log1p",
        "pow",
        "sqrt",
        "rsqrt",
        "cbrt",
        "div",
        "erf",
        "erfc",
        "erf_inv",
        "lgamma",
        "digamma",
        "logistic",
    ]
)


def evaluate_sparingly(always: Bool[Array, ""], function: Callable, *arguments: Array):
    """`function(*arguments)`, where what depends on few coordinates is computed for these only.

    In `sin(x) * sin(y)` on a grid, x varies along one axis and y along another. Left to itself XLA fuses everything
    into one loop over the grid and evaluates both sines in every point. So costly results that are smaller than the
    final one are computed apart (see `amr.grid.fusion`, also for `always`).
    """
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
    size = max((variable.aval.size for variable in closed.jaxpr.outvars), default=0)
    known = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    known |= dict(zip(closed.jaxpr.invars, jax.tree.leaves(arguments), strict=True))

    def value(variable):
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in closed.jaxpr.eqns:
        smaller = all(1 < variable.aval.size < size for variable in equation.outvars)
        costly = equation.primitive.name in COSTLY
        values = list(map(value, equation.invars))
        compute = functools.partial(_bind, equation, values)
        results = apart(always, compute) if smaller and costly else compute()
        known |= dict(zip(equation.outvars, results, strict=True))
    return jax.tree.unflatten(jax.tree.structure(shape), list(map(value, closed.jaxpr.outvars)))


def _bind(equation, values: list) -> list[Array]:
    """The results of one operation."""
    bound = equation.primitive.get_bind_params(equation.params)
    functions, parameters = bound if isinstance(bound, tuple) else ((), bound)  # older JAX gives both
    results = equation.primitive.bind(*functions, *values, **parameters)
    return list(results) if equation.primitive.multiple_results else [results]
