"""Keeping XLA from computing the same thing many times.

XLA fuses the producer of an array into each of its consumers and so repeats the work for every element that is read, be
it a search in a tree or a sine. On the CPU it drops optimization barriers before it fuses; what is computed in a
branch of a conditional stays apart on every backend.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, PyTree


def apart(always: Bool[Array, ""], function: Callable[[], PyTree[Array]]) -> PyTree[Array]:
    """`function()`, computed once and stored. `always` is true, but in a way that the compiler cannot know."""
    if jax.default_backend() != "cpu":
        return lax.optimization_barrier(function())
    shapes = jax.eval_shape(function)
    return lax.cond(always, function, lambda: jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes))
