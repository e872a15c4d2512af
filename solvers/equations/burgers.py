"""The Burgers equation: the simplest law that makes shocks."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .diffusivity import not_negative
from .law import ConservationLaw, is_there


class Burgers(ConservationLaw):
    """The Burgers equation with the same flux along every dimension: `u_t + sum_d (u^2/2)_{x_d} = viscosity lap u`.

    In 2D and 3D this is the scalar law with flux `u^2/2 (1, .., 1)` that tests of schemes use, not the equation of a
    velocity vector: waves move along the diagonal. Several names make as many scalars that know nothing of each other.

    **Arguments:**

    - `names`: of the scalars.
    - `viscosity`: a number of 0 or more, in units of length squared per time.
    """

    names: tuple[str, ...] = eqx.field(static=True)  # type: ignore[misc]
    viscosity: float | Float[Array, ""]

    def __init__(self, names: str | tuple[str, ...] = ("u",), viscosity=0.0):
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self.viscosity = not_negative("viscosity", viscosity)

    @property
    def dimensions(self):
        return dict.fromkeys(self.names, (1, -1, 0))

    @property
    def diffuses(self):
        return is_there(self.viscosity)

    def flux(self, u, d):
        return 0.5 * u * u

    def diffusive_flux(self, w, slopes, d):
        return -jnp.asarray(self.viscosity, w.dtype) * slopes[d]

    def diffusivity(self, w):
        return jnp.full_like(w, self.viscosity)

    def max_speed(self, u, d):
        return jnp.max(jnp.abs(u), axis=0)

    def speeds(self, u, d):
        return jnp.min(u, axis=0), jnp.max(u, axis=0)
