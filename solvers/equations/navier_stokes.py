"""The Navier-Stokes equations of a compressible ideal gas, and walls that it sticks to."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import Boundary

from .diffusivity import not_negative
from .euler import Euler
from .law import number_above


class NavierStokes(Euler):
    """Compressible flow of an ideal gas with friction and conduction of heat:

        rho_t     + div(rho v)             = 0
        (rho v)_t + div(rho v v) + grad p  = div tau
        E_t       + div((E + p) v)         = div(tau v + conductivity grad T)

    with `tau = viscosity (grad v + (grad v)^T - 2/3 div v)` (Stokes' hypothesis) and the temperature `T = p / rho`, in
    units in which the gas constant is 1.

    **Arguments:**

    - `ndim`, `gamma`, `least_density`, `least_pressure`: as those of `Euler`.
    - `viscosity`: the dynamic one, mass per length and time.
    - `conductivity`, or `prandtl`: the Prandtl number `c_p viscosity / conductivity`, with `c_p = gamma / (gamma - 1)`;
      default .72, that of air.

    All may be values that JAX traces.
    """

    viscosity: float | Float[Array, ""]
    conductivity: float | Float[Array, ""]

    def __init__(self, ndim, gamma=1.4, viscosity=0.0, conductivity=None, prandtl=None, **floors):
        super().__init__(ndim, gamma, **floors)
        self.viscosity = not_negative("viscosity", viscosity)
        if conductivity is not None and prandtl is not None:
            raise InvalidSettingError("prandtl", "give either conductivity or prandtl, not both")
        if conductivity is None:
            number = number_above(0, "prandtl", 0.72 if prandtl is None else prandtl)
            conductivity = self.viscosity * (self.gamma / (self.gamma - 1) / number)
        self.conductivity = not_negative("conductivity", conductivity)

    @property
    def diffuses(self):
        return True

    def diffusive_flux(self, w, slopes, d):
        viscosity, conductivity = (jnp.asarray(number, w.dtype) for number in (self.viscosity, self.conductivity))
        dims, velocity = range(self.ndim), w[1 : 1 + self.ndim]
        growth = sum(slopes[k][1 + k] for k in dims)
        stress = [viscosity * (slopes[d][1 + k] + slopes[k][1 + d]) for k in dims]
        stress[d] = stress[d] - (2 / 3) * viscosity * growth
        density, temperature = w[0], w[-1] / w[0]
        heat = conductivity * (slopes[d][-1] - temperature * slopes[d][0]) / density
        work = sum(part * v for part, v in zip(stress, velocity, strict=True))
        return jnp.stack([jnp.zeros_like(density), *(-part for part in stress), -(work + heat)])

    def diffusivity(self, w):
        inverse = 1 / w[0]
        momentum = (4 / 3 * jnp.asarray(self.viscosity, w.dtype)) * inverse
        energy = (self._gamma(w) - 1) * jnp.asarray(self.conductivity, w.dtype) * inverse
        most = jnp.maximum(momentum, energy)
        return jnp.stack([jnp.zeros_like(most), *[momentum] * self.ndim, most])


class NoSlip(Boundary):
    """A wall that the fluid sticks to: on it the velocity is that of the wall.

    **Arguments:**

    - `velocity`: of the wall, one number for each dimension; default at rest. Its component across the wall must be 0.
    - `temperature`: of the wall, where pressure and density follow `T = pressure / density`; `None`: insulated.

    Numbers may be what JAX traces.
    """

    velocity: tuple[Any, ...] | None
    temperature: Any

    def __init__(self, velocity=None, temperature=None):
        self.velocity = None if velocity is None else tuple(velocity if hasattr(velocity, "__len__") else (velocity,))
        self.temperature = None if temperature is None else number_above(0, "temperature", temperature)

    def ghosts(self, beyond):
        """The velocity mirrored at that of the wall, all else as inside: so no mass crosses it, to rounding."""
        rows = list(beyond.mirrored)
        for vector in beyond.vectors:
            for k, n in enumerate(vector):
                rows[n] = 2 * self._component(k, rows[n]) - rows[n]
        return jnp.stack(rows)

    @property
    def of_diffusion(self):
        return self if self.temperature is None else Conducting(self.velocity, self.temperature)

    def relation(self, face):
        turned = {n: k for vector in face.vectors for k, n in enumerate(vector)}
        like = face.mirrored
        a = [jnp.full_like(row, float(n in turned)) for n, row in enumerate(like)]
        g = [self._component(turned[n], row) if n in turned else jnp.zeros_like(row) for n, row in enumerate(like)]
        return jnp.stack(a), 1 - jnp.stack(a), jnp.stack(g)

    def _component(self, k: int, like: Array) -> Array:
        """Of the velocity of the wall."""
        return jnp.zeros_like(like) if self.velocity is None else jnp.full_like(like, self.velocity[k])

    def check(self, names):
        if self.temperature is not None and not {"density", "pressure"} <= set(names):
            raise InvalidSettingError("temperature", f"needs density and pressure, there are {', '.join(names)}")


class Conducting(NoSlip):
    """What conduction of heat sees of a wall with a temperature: that of the gas, mirrored at it."""

    def ghosts(self, beyond):
        density, pressure = (beyond.names.index(name) for name in ("density", "pressure"))
        rows = list(super().ghosts(beyond))
        inside = rows[pressure] / rows[density]
        # As far beyond the wall's temperature as inside before it, but for a gas so thin that this would be none.
        outside = jnp.maximum(2 * jnp.asarray(self.temperature, inside.dtype) - inside, 0.1 * inside)
        rows[density] = rows[pressure] / outside
        return jnp.stack(rows)
