"""Keeping XLA from computing the same thing many times.

XLA fuses the producer of an array into each of its consumers and so repeats the work for every element that is read, be
it a search in a tree or a sine. On the CPU it drops optimization barriers before it fuses; what is computed in a
branch of a conditional stays apart on every backend.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jaxtyping import Array, Bool, PyTree


def apart(always: Bool[Array, ""], function: Callable[[], PyTree[Array]]) -> PyTree[Array]:
    """`function()`, computed once and stored. `always` is true, but in a way that the compiler cannot know."""
    if jax.default_backend() != "cpu":
        return lax.optimization_barrier(function())
    # Traced once: stages lie within stages, and asking for shapes first would double the work at every depth.
    program, shapes = jax.make_jaxpr(function, return_shape=True)()
    results = lax.cond(always, jaxpr_as_fun(program), lambda: [jnp.zeros(v.shape, v.dtype) for v in program.out_avals])
    return jax.tree.unflatten(jax.tree.structure(shapes), results)


def by_halves(combine: Callable[[Array, Array], Array], values: Array, axis: int) -> Array:
    """A reduction over an axis that is not the last, by an operation to which it does not matter how often it sees a
    value, such as a maximum. XLA makes vectors of the halves, but not of such a reduction."""
    while (n := values.shape[axis]) > 1:
        half = (n + 1) // 2
        first = lax.slice_in_dim(values, 0, half, axis=axis)
        values = combine(first, lax.slice_in_dim(values, n - half, n, axis=axis))
    return lax.index_in_dim(values, 0, axis, keepdims=False)
