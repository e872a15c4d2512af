"""The inviscid Burgers equation: the simplest law that makes shocks."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from .law import ConservationLaw


class Burgers(ConservationLaw):
    """The inviscid Burgers equation with the same flux along every dimension: `u_t + sum_d (u^2/2)_{x_d} = 0`.

    In 2D and 3D this is the scalar law with flux `u^2/2 (1, .., 1)` that tests of schemes use, not the equation of a
    velocity vector: waves move along the diagonal. Several names make as many scalars that know nothing of each other.

    **Arguments:**

    - `names`: of the scalars.
    """

    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, names: str | tuple[str, ...] = ("u",)):
        self.names = (names,) if isinstance(names, str) else tuple(names)

    def flux(self, u, d):
        return 0.5 * u * u

    def max_speed(self, u, d):
        return jnp.max(jnp.abs(u), axis=0)

    def speeds(self, u, d):
        return jnp.min(u, axis=0), jnp.max(u, axis=0)
