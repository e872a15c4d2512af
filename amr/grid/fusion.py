"""Keeping XLA from computing the same thing many times.

XLA fuses the producer of an array into each of its consumers and so repeats the work for every element that is read, be
it a search in a tree or a sine. On the CPU it drops optimization barriers before it fuses; what is computed in a
branch of a conditional stays apart on every backend.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Literal, jaxpr_as_fun
from jaxtyping import Array, Bool, PyTree

COSTLY = (
    "sin cos tan asin acos atan atan2 sinh cosh tanh exp exp2 expm1 log log1p pow sqrt rsqrt cbrt div erf erfc erf_inv "
    "lgamma digamma logistic"
)


def apart(always: Bool[Array, ""], function: Callable[[], PyTree[Array]]) -> PyTree[Array]:
    """`function()`, computed once and stored. `always` is true, but in a way that the compiler cannot know."""
    if jax.default_backend() != "cpu":
        return lax.optimization_barrier(function())
    # Traced once: stages lie within stages, and asking for shapes first would double the work at every depth.
    program, shapes = jax.make_jaxpr(function, return_shape=True)()
    results = lax.cond(always, jaxpr_as_fun(program), lambda: [jnp.zeros(v.shape, v.dtype) for v in program.out_avals])
    return jax.tree.unflatten(jax.tree.structure(shapes), results)


def once(data: Array, function: Callable[[], PyTree[Array]]) -> PyTree[Array]:
    """`function()`, kept from being computed anew for every neighbour that reads it. That it is computed hangs on the
    data, so that the compiler does not know."""
    one = lax.slice(data, (0,) * data.ndim, (1,) * data.ndim).reshape(())
    return apart(_for_all((one == one) | (one != one)), function)


@jax.custom_batching.custom_vmap
def _for_all(always: Bool[Array, ""]) -> Bool[Array, ""]:
    """Under `vmap` one condition for all members of an ensemble: of one for each, JAX would compute both sides."""
    return always


@_for_all.def_vmap
def _one_for_all(axis_size, in_batched, always):
    return always.all(), False


def replaced(values: Array, wrong: Bool[Array, "..."], compute: Callable[[], Array]) -> Array:
    """Rows of values, those of `compute()` where they are wrong. On the CPU that is computed only if any are; other
    backends would have to ask the host."""

    def mended():
        return jnp.stack([jnp.where(wrong, *rows) for rows in zip(compute(), values, strict=True)])

    return lax.cond(any_of(wrong), mended, lambda: values) if jax.default_backend() == "cpu" else mended()


def evaluate_sparingly(always: Bool[Array, ""], function: Callable, *arguments: Array):
    """`function(*arguments)`, where what depends on few coordinates is computed for these only.

    In `sin(x) * sin(y)` on a grid, x varies along one axis and y along another. Left to itself XLA fuses everything
    into one loop over the grid and evaluates both sines in every point. So costly results that are smaller than the
    final one are computed apart.
    """
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
    size = max((variable.aval.size for variable in closed.jaxpr.outvars), default=0)
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, jax.tree.leaves(arguments), strict=True))

    def value(variable):
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in closed.jaxpr.eqns:
        smaller = all(1 < variable.aval.size < size for variable in equation.outvars)
        compute = functools.partial(_bind, equation, list(map(value, equation.invars)))
        results = apart(always, compute) if smaller and equation.primitive.name in COSTLY.split() else compute()
        values |= dict(zip(equation.outvars, results, strict=True))
    return jax.tree.unflatten(jax.tree.structure(shape), list(map(value, closed.jaxpr.outvars)))


def _bind(equation, values: list) -> list[Array]:
    """The results of one operation."""
    bound = equation.primitive.get_bind_params(equation.params)
    functions, parameters = bound if isinstance(bound, tuple) else ((), bound)  # older JAX gives both
    results = equation.primitive.bind(*functions, *values, **parameters)
    return list(results) if equation.primitive.multiple_results else [results]


def any_of(flags: Bool[Array, "..."]) -> Bool[Array, ""]:
    """Whether any is set."""
    for _ in range(flags.ndim - 1):
        flags = by_halves(jnp.logical_or, flags, axis=0)
    return flags.any()


def by_halves(combine: Callable[[Array, Array], Array], values: Array, axis: int) -> Array:
    """A reduction over an axis that is not the last, by an operation to which it does not matter how often it sees a
    value, such as a maximum. XLA makes vectors of the halves, but not of such a reduction."""
    while (n := values.shape[axis]) > 1:
        half = (n + 1) // 2
        first = lax.slice_in_dim(values, 0, half, axis=axis)
        values = combine(first, lax.slice_in_dim(values, n - half, n, axis=axis))
    return lax.index_in_dim(values, 0, axis, keepdims=False)
