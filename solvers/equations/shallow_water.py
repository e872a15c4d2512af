"""The shallow water equations over a given bottom."""

import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import quotient

from .diffusivity import not_negative
from .law import ConservationLaw, check_dimensions, is_there, law_dimensions, number_above


class ShallowWater(ConservationLaw):
    """Shallow water of depth `h = eta - b`, surface elevation eta and velocity v over a bottom of elevation b:

        eta_t   + div(h v) = 0
        (h v)_t + div(h v v) + grad(g/2 (eta - r)(eta + r - 2 b)) = -g (eta - r) grad b

    The pressure is `g/2 h^2` less its value for a surface at the rest level r, and the source what that leaves
    (pre-balanced form: Rogers, Borthwick and Taylor, J. Comput. Phys. 192, 2003; Liang and Borthwick, Computers &
    Fluids 38, 2009). A lake at rest, `eta = r` and `v = 0`, thus has neither flux nor source, to the last bit, on any
    mesh.

    Water may run over a dry bed that is flat (`eta = b`). Limitation of the mathematics: an island that rises out of a
    lake at rest is not kept in balance.

    **Arguments:**

    - `ndim`: number of dimensions, 1 or 2.
    - `gravity`: g.
    - `bottom(x)` or `bottom(x, y)`: elevation b of the bottom; `None`: 0 everywhere.
    - `rest_level`: r, the surface elevation of water at rest.
    - `dry_depth`: shallower water does not move.
    - `viscosity`: nu of eddies, which spread velocity: `div(h nu grad v)` is added to the momentum.

    Lengths and g are in units of your choice. The variables are `eta`, `hu`, `hv`; given are `eta`, `u`, `v`.
    """

    names: tuple[str, ...] = eqx.field(static=True)  # type: ignore[misc]
    ndim: int = eqx.field(static=True)
    gravity: float | Float[Array, ""]
    bottom: Callable | None
    rest_level: float | Float[Array, ""]
    dry_depth: float | Float[Array, ""]
    viscosity: float | Float[Array, ""]

    def __init__(
        self, ndim, gravity=9.81, bottom: Callable | None = None, rest_level=0.0, dry_depth=1e-6, viscosity=0.0
    ):
        self.ndim = law_dimensions(ndim, most=2)
        self.names = ("eta", "hu", "hv")[: self.ndim + 1]
        self.gravity = number_above(0, "gravity", gravity)
        self.bottom = bottom
        self.rest_level = number_above(-math.inf, "rest_level", rest_level)
        self.dry_depth = number_above(0, "dry_depth", dry_depth)
        self.viscosity = not_negative("viscosity", viscosity)

    @property
    def given(self):
        return ("eta", "u", "v")[: self.ndim + 1]

    @property
    def vectors(self):
        return (tuple(range(1, self.ndim + 1)),)

    def check(self, ndim):
        check_dimensions(self, self.ndim, ndim)

    def coefficients(self, *x):
        return () if self.bottom is None else (self.bottom(*x),)

    def depth(self, u) -> Float[Array, "..."]:
        """The depth h of the water, from conserved or primitive variables."""
        return u[0] if self.bottom is None else u[0] - u[-1]

    def primitive(self, u):
        momentum, inverse = self._momentum(u)
        return jnp.stack([u[0], *(m * inverse for m in momentum), *u[1 + self.ndim :]])

    def conserved(self, w):
        h = self.depth(w)
        return jnp.stack([w[0], *(h * w[1 + k] for k in range(self.ndim)), *w[1 + self.ndim :]])

    def admissible(self, u):
        return self.depth(u) >= 0

    def flux(self, u, d):
        momentum, inverse = self._momentum(u)
        v = momentum[d] * inverse
        rows = [momentum[d], *(m * v for m in momentum)]
        rows[1 + d] += self._pressure(u)
        return jnp.stack(rows)

    @property
    def diffuses(self):
        return is_there(self.viscosity)

    def diffusive_flux(self, w, slopes, d):
        weight = -self._number(w, self.viscosity) * jnp.maximum(self.depth(w), 0)
        return jnp.stack([jnp.zeros_like(weight), *(weight * slopes[d][1 + k] for k in range(self.ndim))])

    def diffusivity(self, w):
        nothing = jnp.zeros_like(w[0])
        return jnp.stack([nothing, *[nothing + self._number(w, self.viscosity)] * self.ndim])

    def source(self, u, place):
        if self.bottom is None:
            return None
        weight = self._number(u, self.gravity) * (self._number(u, self.rest_level) - u[0])
        return jnp.stack([jnp.zeros_like(weight), *(weight * place.slopes[0, d] for d in range(self.ndim))])

    def max_speed(self, u, d):
        return jnp.abs(self._velocity(u, d)) + self._wave_speed(u)

    def speeds(self, u, d):
        v, c = self._velocity(u, d), self._wave_speed(u)
        return v - c, v + c

    def contact_speed(self, left, right, slow, fast, d: int):
        """The speed of the wave that carries the velocity across, between waves of speeds `slow` and `fast`.

        It is the mean velocity of the fan of waves, as for the Euler equations. (The estimate in Toro, Shock-Capturing
        Methods for Free-Surface Shallow Flows, 2001, section 10.4, makes the flux jump where it changes sign.)
        """
        v_left, v_right = self._velocity(left, d), self._velocity(right, d)
        h_left, h_right = self.depth(left), self.depth(right)
        through_left, through_right = h_left * (v_left - slow), h_right * (fast - v_right)
        push = 0.5 * self._number(left, self.gravity) * (h_left + h_right) * (left[0] - right[0])
        push += 0.5 * (through_right - through_left) * (v_right - v_left)
        through = through_left + through_right
        return 0.5 * (v_left + v_right) + quotient(push, through)

    def beside_contact(self, u, speed, contact, d: int):
        """The state between the contact and an outer wave of a `speed` behind which u lies.

        The depth is `h (speed - v_d) / (speed - contact)`, velocities along the contact are kept.
        """
        momentum, inverse = self._momentum(u)
        gap = speed - contact
        change = (contact - momentum[d] * inverse) / jnp.where(gap == 0, jnp.inf, gap)
        rows = [self.depth(u), *momentum]
        rows[1 + d] = rows[0] * speed
        return jnp.stack([row + change * factor for row, factor in zip(u[: len(rows)], rows, strict=True)])

    def _momentum(self, u):
        """Components of the momentum where there is water to carry it, and one over the depth there."""
        h, dry_depth = self.depth(u), self._number(u, self.dry_depth)
        return [jnp.where(h > dry_depth, u[1 + k], 0) for k in range(self.ndim)], 1 / jnp.maximum(h, dry_depth)

    def _velocity(self, u, d: int):
        momentum, inverse = self._momentum(u)
        return momentum[d] * inverse

    def _wave_speed(self, u):
        """`sqrt(g h)`, and that of the dry depth where it is less: never 0, so that its derivative is finite."""
        return jnp.sqrt(self._number(u, self.gravity) * jnp.maximum(self.depth(u), self._number(u, self.dry_depth)))

    def _pressure(self, u):
        """`g/2 h^2`, less its value for a surface at rest."""
        rest_level = self._number(u, self.rest_level)
        return 0.5 * self._number(u, self.gravity) * (u[0] - rest_level) * (self.depth(u) + self._rest_depth(u))

    def _rest_depth(self, u):
        rest_level = self._number(u, self.rest_level)
        return rest_level if self.bottom is None else rest_level - u[-1]

    def _number(self, u, number):
        return jnp.asarray(number, u.dtype)
