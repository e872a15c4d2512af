"""The Euler equations of an ideal gas."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import quotient

from .law import ConservationLaw, check_dimensions, law_dimensions, number_above

STRONG = 1.5  # ratio of the pressures of neighbours


class Euler(ConservationLaw):
    """Compressible flow without friction of an ideal gas with density rho, velocity v and pressure p:

        rho_t     + div(rho v)         = 0
        (rho v)_t + div(rho v v) + grad p = 0
        E_t       + div((E + p) v)     = 0,    E = p / (gamma - 1) + rho |v|^2 / 2

    **Arguments:**

    - `ndim`: number of dimensions.
    - `gamma`: ratio of specific heats, above 1; may be a value that JAX traces.
    - `least_density`, `least_pressure`: floors onto which cells are lifted after a step, which makes mass or energy out
      of nothing: `Summary.lifted` counts such cells. Default: none.

    The variables are `density`, `momentum_x`, .., `energy` (E, per volume); given are `density`, `velocity_x`, ..,
    `pressure`. Units are those of your data.
    """

    names: tuple[str, ...] = eqx.field(static=True)  # type: ignore[misc]
    ndim: int = eqx.field(static=True)
    gamma: float | Float[Array, ""]
    least_density: float | Float[Array, ""] | None
    least_pressure: float | Float[Array, ""] | None

    def __init__(self, ndim, gamma=1.4, *, least_density=None, least_pressure=None):
        floors = {"least_density": least_density, "least_pressure": least_pressure}
        known = {key: None if least is None else number_above(0, key, least) for key, least in floors.items()}
        self.least_density, self.least_pressure = known.values()
        self.ndim = law_dimensions(ndim)
        self.names = ("density", *(f"momentum_{x}" for x in "xyz"[: self.ndim]), "energy")
        self.gamma = number_above(1, "gamma", gamma)

    @property
    def given(self):
        return ("density", *(f"velocity_{x}" for x in "xyz"[: self.ndim]), "pressure")

    @property
    def vectors(self):
        return (tuple(range(1, self.ndim + 1)),)

    @property
    def dimensions(self):
        speeds = {f"velocity_{x}": (1, -1, 0) for x in "xyz"[: self.ndim]}
        momenta = {f"momentum_{x}": (-2, -1, 1) for x in "xyz"[: self.ndim]}
        return {"density": (-3, 0, 1), **momenta, "energy": (-1, -2, 1), **speeds, "pressure": (-1, -2, 1)}

    def check(self, ndim):
        check_dimensions(self, self.ndim, ndim)

    def pressure(self, u) -> Float[Array, "..."]:
        """The pressure p, from conserved variables."""
        return self._velocity_and_pressure(u)[1]

    def sound_speed(self, u) -> Float[Array, "..."]:
        """The speed of sound `sqrt(gamma p / rho)`, from conserved variables; about 0 where p is negative."""
        squared = self._gamma(u) * self.pressure(u) * (1 / u[0])
        return jnp.sqrt(jnp.maximum(squared, float(jnp.finfo(u.dtype).tiny)))

    def primitive(self, u):
        v, p = self._velocity_and_pressure(u)
        return jnp.stack([u[0], *v, p])

    def conserved(self, w):
        density, v, p = w[0], w[1:-1], w[-1]
        momentum = [density * v[k] for k in range(self.ndim)]
        energy = p * (1 / (self._gamma(w) - 1)) + 0.5 * sum(momentum[k] * v[k] for k in range(self.ndim))
        return jnp.stack([density, *momentum, energy])

    def admissible(self, u):
        return (u[0] > 0) & (self.pressure(u) > 0)

    def flux(self, u, d):
        v, p = self._velocity_and_pressure(u)
        rows = [row * v[d] for row in u]
        rows[0] = u[1 + d]
        rows[1 + d] += p
        rows[-1] += p * v[d]
        return jnp.stack(rows)

    def max_speed(self, u, d):
        return jnp.abs(u[1 + d] * (1 / u[0])) + self.sound_speed(u)

    def speeds(self, u, d):
        v, c = u[1 + d] * (1 / u[0]), self.sound_speed(u)
        return v - c, v + c

    def contact_speed(self, left, right, slow, fast, d: int):
        """The speed of the contact between outer waves of speeds `slow` and `fast`: the mean velocity of the gas
        between these waves (Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 3rd ed., eq. 10.37,
        written so that it is exact for equal velocities and pressures).
        """
        (v_left, p_left), (v_right, p_right) = self._velocity_and_pressure(left), self._velocity_and_pressure(right)
        through_left, through_right = left[0] * (v_left[d] - slow), right[0] * (fast - v_right[d])
        push = p_left - p_right + 0.5 * (through_right - through_left) * (v_right[d] - v_left[d])
        through = through_left + through_right
        return 0.5 * (v_left[d] + v_right[d]) + quotient(push, through)

    def beside_contact(self, u, speed, contact, d: int):
        """The state between the contact and an outer wave of a `speed` behind which u lies (Toro, eq. 10.39).

        The density is `rho (speed - v_d) / (speed - contact)`, velocities along the contact are kept.
        """
        v, p = self._velocity_and_pressure(u)
        gap = speed - contact
        change = (contact - v[d]) / jnp.where(gap == 0, jnp.inf, gap)
        rows = list(u)  # what changes, per part of the density that does
        rows[1 + d] = u[0] * speed
        rows[-1] += p + u[0] * (speed - v[d]) * contact
        return jnp.stack([row + change * factor for row, factor in zip(u, rows, strict=True)])

    def strong_shock(self, left, right, d: int):
        """Where neighbours along d are within a strong shock: pressures differ by more than half of the smaller one,
        and the gas is compressed."""
        (v_left, p_left), (v_right, p_right) = self._velocity_and_pressure(left), self._velocity_and_pressure(right)
        return (jnp.maximum(p_left, p_right) > STRONG * jnp.minimum(p_left, p_right)) & (v_left[d] > v_right[d])

    @property
    def has_floors(self):
        return self.least_density is not None or self.least_pressure is not None

    def lifted(self, u):
        rows = list(u)
        if self.least_density is not None:  # the momentum stays
            rows[0] = jnp.maximum(rows[0], jnp.asarray(self.least_density, u.dtype))
        if self.least_pressure is not None:
            pressure = self.pressure(jnp.stack(rows))
            lacking = jnp.maximum(jnp.asarray(self.least_pressure, u.dtype) - pressure, 0)
            rows[-1] = rows[-1] + lacking * (1 / (self._gamma(u) - 1))
        return jnp.stack(rows)

    def _velocity_and_pressure(self, u):
        """One division, which XLA shares with the other methods."""
        inverse = 1 / u[0]
        v = [u[1 + k] * inverse for k in range(self.ndim)]
        kinetic = 0.5 * sum(u[1 + k] * v[k] for k in range(self.ndim))
        return v, (self._gamma(u) - 1) * (u[-1] - kinetic)

    def _gamma(self, u):
        return jnp.asarray(self.gamma, u.dtype)
