"""Linear acoustics: sound waves in a medium at rest."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .law import ConservationLaw, check_dimensions, law_dimensions, number_above


class Acoustics(ConservationLaw):
    """Small disturbances of pressure p and velocity v in a uniform medium at rest:

        p_t + rho c^2 div v = 0
        v_t + grad p / rho  = 0

    **Arguments:**

    - `ndim`: number of dimensions.
    - `density`: rho, of the medium at rest.
    - `sound_speed`: c.

    Both may be values that JAX traces, for derivatives with respect to them. The variables are `p`, `vx`, `vy`, `vz`.
    """

    names: tuple[str, ...] = eqx.field(static=True)  # type: ignore[misc]
    ndim: int = eqx.field(static=True)
    density: float | Float[Array, ""]
    sound_speed: float | Float[Array, ""]

    def __init__(self, ndim, density=1.0, sound_speed=1.0):
        self.ndim = law_dimensions(ndim)
        self.names = ("p", "vx", "vy", "vz")[: self.ndim + 1]
        self.density = number_above(0, "density", density)
        self.sound_speed = number_above(0, "sound_speed", sound_speed)

    @property
    def vectors(self):
        return (tuple(range(1, self.ndim + 1)),)

    @property
    def dimensions(self):
        return {"p": (-1, -2, 1)} | dict.fromkeys(self.names[1:], (1, -1, 0))

    def check(self, ndim):
        check_dimensions(self, self.ndim, ndim)

    def flux(self, u, d):
        return self._flux_of(u[0], u[1 + d], d)

    def max_speed(self, u, d):
        return jnp.full_like(u[0], self.sound_speed)

    def upwind(self, left, right, d: int):
        """The exact flux between two constant states: with the impedance Z = rho c, `p - Z v` comes from the right and
        `p + Z v` from the left (LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, section 3.9).
        """
        impedance = jnp.asarray(self.density * self.sound_speed, left.dtype)
        p = 0.5 * (left[0] + right[0]) - 0.5 * impedance * (right[1 + d] - left[1 + d])
        v = 0.5 * (left[1 + d] + right[1 + d]) - (0.5 / impedance) * (right[0] - left[0])
        return self._flux_of(p, v, d)

    def _flux_of(self, p, v, d: int):
        """The flux where the pressure is p and the velocity along d is v."""
        density, sound_speed = (jnp.asarray(number, p.dtype) for number in (self.density, self.sound_speed))
        rows = [(density * sound_speed**2) * v] + [jnp.zeros_like(p)] * self.ndim
        rows[1 + d] = (1 / density) * p
        return jnp.stack(rows)
