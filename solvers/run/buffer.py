"""How far a solution moves between two regrids, and so how much around it is refined with it."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Int

from .clock import courant_step
from .problem import Setup
from .sampled import Sampled


def buffer_cells(setup: Setup, known: Sampled) -> Int[Array, " patches"]:
    """How many cells the flow can cross in each patch before the next regrid.

    The fastest patch moves by `cfl` cells a step; the others by less, in proportion, if the shape of the flow stays.
    """
    if setup.buffer is not None:
        return jnp.full(known.limits.signal.shape, setup.buffer, jnp.int32)
    if setup.diffuses:
        return _reached(setup, known)
    if not setup.steady:
        return jnp.full(known.limits.signal.shape, math.ceil(setup.cfl * setup.interval), jnp.int32)
    most = known.rate
    share = jnp.where(most > 0, known.limits.signal / jnp.where(most > 0, most, 1), 0)
    return jnp.ceil(setup.cfl * setup.interval * share).astype(jnp.int32)


def _reached(setup: Setup, known: Sampled) -> Int[Array, " patches"]:
    """The same with diffusion, which moves things by the square root of `2 D t`; at most half a patch."""
    rate = setup.limited(known.rate, known.spread, known.reaction)
    time = setup.interval * courant_step(setup.cfl, rate)
    cells = known.limits.signal * time + jnp.sqrt(known.limits.spread * time)
    return jnp.minimum(jnp.ceil(cells), setup.mesh.patch // 2).astype(jnp.int32)
