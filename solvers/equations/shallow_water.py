"""The shallow water equations over a given bottom."""

import functools
import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import quotient, trim

from .diffusivity import not_negative
from .law import ConservationLaw, check_dimensions, is_there, law_dimensions, number_above
from .shore import Column, Shore, repaid, shared, united

FILM = 0.05  # what is less deep than this part of the deepest water of a patch


class ShallowWater(ConservationLaw):
    """Shallow water of depth `h = eta - b`, surface elevation eta and velocity v over a bottom of elevation b:

        eta_t   + div(h v) = 0
        (h v)_t + div(h v v) + grad(g/2 (eta - r)(eta + r - 2 b)) = -g (eta - r) grad b

    The pressure is `g/2 h^2` less its value for a surface at the rest level r, and the source what that leaves
    (pre-balanced form: Rogers, Borthwick and Taylor, J. Comput. Phys. 192, 2003; Liang and Borthwick, Computers &
    Fluids 38, 2009). A lake at rest, `eta = r` and `v = 0`, thus has neither flux nor source, to the last bit, on any
    mesh. Ground may be dry, `eta = b`, and become so or wet: see `solvers.equations.shore`.

    Ground above a rest level that is given is land: there the stored `eta` is `r + h`, so that the depth is
    `eta - min(b, r)` everywhere. A lake with its islands is then `eta = r` all over, and stays so to the last bit where
    levels meet and when the mesh changes; what is conserved to rounding is the water beyond that of the lake.

    **Arguments:**

    - `ndim`: number of dimensions, 1 or 2.
    - `gravity`: g.
    - `bottom(x)` or `bottom(x, y)`: elevation b of the bottom; `None`: 0 everywhere.
    - `rest_level`: r, the surface elevation of water at rest; `None`: 0, and no ground is land.
    - `dry_depth`: shallower water does not move, and loses its momentum.
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
    land: bool = eqx.field(static=True)

    def __init__(
        self, ndim, gravity=9.81, bottom: Callable | None = None, rest_level=None, dry_depth=1e-6, viscosity=0.0
    ):
        self.ndim = law_dimensions(ndim, most=2)
        self.names = ("eta", "hu", "hv")[: self.ndim + 1]
        self.gravity = number_above(0, "gravity", gravity)
        self.bottom = bottom
        self.land = bottom is not None and rest_level is not None
        self.rest_level = number_above(-math.inf, "rest_level", 0.0 if rest_level is None else rest_level)
        self.dry_depth = number_above(0, "dry_depth", dry_depth)
        self.viscosity = not_negative("viscosity", viscosity)

    @property
    def given(self):
        return ("eta", "u", "v")[: self.ndim + 1]

    @property
    def vectors(self):
        return (tuple(range(1, self.ndim + 1)),)

    @property
    def dimensions(self):
        return {"eta": (1, 0, 0), "hu": (2, -1, 0), "hv": (2, -1, 0), "u": (1, -1, 0), "v": (1, -1, 0)}

    def check(self, ndim):
        check_dimensions(self, self.ndim, ndim)

    def coefficients(self, *x):
        """What depths are counted from, and the ground where that is another."""
        if self.bottom is None:
            return ()
        ground = jnp.asarray(self.bottom(*x))
        return (jnp.minimum(ground, self._number(ground, self.rest_level)), ground) if self.land else (ground,)

    def depth(self, u) -> Float[Array, "..."]:
        """The depth h of the water, from conserved variables."""
        return u[0] if self.bottom is None else u[0] - u[1 + self.ndim]

    def primitive(self, u):
        momentum, inverse = self._momentum(u)
        return jnp.stack([self._surface(u), *(m * inverse for m in momentum), *u[1 + self.ndim :]])

    def conserved(self, w):
        h, first = self._depth_below(w), w[0]
        if self.land:
            rest_level, ground = self._number(w, self.rest_level), w[-1]
            # Who gives `max(r, b)` may have b rounded otherwise.
            eps = float(jnp.finfo(w.dtype).eps)
            rounding = jnp.maximum(4 * eps * jnp.abs(ground), jnp.minimum(self._number(w, self.dry_depth), 64 * eps))
            h = jnp.where(jnp.abs(h) > rounding, h, 0)
            first = jnp.where(ground > rest_level, rest_level + h, first)
        return jnp.stack([first, *(h * w[1 + k] for k in range(self.ndim)), *w[1 + self.ndim :]])

    def admissible(self, u):
        # Ground that is given twice is rounded twice.
        return self.depth(u) >= (0 if self.bottom is None else -self._number(u, self.dry_depth))

    @property
    def stores_by_place(self):
        return self.land

    def sensible(self, w):
        return w if self.bottom is None else jnp.stack([jnp.maximum(w[0], w[-1]), *w[1:]])

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
        weight = -self._number(w, self.viscosity) * jnp.maximum(self._depth_below(w), 0)
        return jnp.stack([jnp.zeros_like(weight), *(weight * slopes[d][1 + k] for k in range(self.ndim))])

    def diffusivity(self, w):
        nothing = jnp.zeros_like(w[0])
        return jnp.stack([nothing, *[nothing + self._number(w, self.viscosity)] * self.ndim])

    @property
    def on_ground(self):
        return self.bottom is not None

    def extended(self, u, samples):
        """Ghost cells that lie in coarser cells share the water that is there: see `shore.shared`."""
        sites = samples["transport"]
        rows = sites.behind(u)
        if sites.coarser is None or u.shape[1:] != sites.coarser.shape:
            return rows
        axes, parents = tuple(range(1, 1 + self.ndim)), jnp.moveaxis(sites.parents, 1, 0)
        around = (2 * parents.shape[2] - u.shape[2]) // 2
        whole = jnp.pad(rows, [(0, 0), (0, 0), *[(around, around)] * self.ndim, (0, 0)], mode="edge")
        coarse = [united(row, axes, lambda a, b: 0.5 * (a + b)) for row in whole[: 1 + self.ndim]]
        coarse = jnp.stack([*coarse, *parents])
        still = (coarse[0] >= self._number(u, self.rest_level)) if self.land else jnp.zeros(coarse.shape[1:], bool)
        depths = jnp.maximum(self.depth(coarse), 0), self.depth(whole)
        depth, momenta, poor, shallow = shared(depths, list(self.primitive(coarse)[1 : 1 + self.ndim]), still, axes)
        new = [jnp.where(poor, whole[1 + self.ndim] + depth, whole[0])]
        new += [jnp.where(shallow, each, row) for each, row in zip(momenta, whole[1:], strict=False)]
        new = trim(jnp.stack(new), [1 + axis for axis in axes], around)
        return jnp.concatenate([jnp.where(sites.coarser, new, u), rows[1 + self.ndim :]])

    def met(self, left, right, near):
        low, high = near[len(near) // 2 - 1 :][:2]
        columns = self._column(low), self._column(high)
        shore = Shore.between(columns, left[-1], self._number(left, self.rest_level))
        return self._beside(shore, 0, left, low, near[:-1]), self._beside(shore, 1, right, high, near[1:])

    def _beside(self, shore: Shore, side: int, state, cell, stencil):
        """A face state, or that of the cell unless water covers all ground that the reconstruction has looked at, and
        that of the face."""
        least = functools.reduce(jnp.minimum, map(self._surface, stencil))
        most = functools.reduce(jnp.maximum, [u[-1] for u in stencil], state[-1])
        rows = zip(self.primitive(state), self.primitive(cell), strict=True)
        surface, *v = [jnp.where(least > most, *pair) for pair in rows][: 1 + self.ndim]
        depth, level = shore.above(surface, side)
        return jnp.stack([level, *(depth * component for component in v), shore.datum])

    def pushes(self, low, high, ground, d):
        columns = self._column(low), self._column(high)
        shore = Shore.between(columns, ground[-1], self._number(low, self.rest_level))
        gravity = self._number(low, self.gravity)
        pushes = [gravity * shore.push(column.surface, side) for side, column in enumerate(columns)]
        nothing = jnp.zeros_like(pushes[0])
        return tuple(jnp.stack([push if k == 1 + d else nothing for k in range(1 + self.ndim)]) for push in pushes)

    @property
    def beyond_wall(self):
        return None  # the slope of the ground is in `pushes`

    def source(self, u, place):
        """Where the water is too shallow to move, its momentum goes within a step: it would gather there."""
        if self.bottom is None:
            return None
        dry = self.depth(u) <= self._number(u, self.dry_depth)
        rate = 1 / jnp.where(place.dt > 0, place.dt, jnp.inf)  # none in a step of no length
        return jnp.stack([jnp.zeros_like(u[0]), *(jnp.where(dry, -rate * u[1 + k], 0) for k in range(self.ndim))])

    def settled(self, u, axes):
        """Water that cells have given and had not, as they may where levels meet, comes from those near them. Films are
        no faster than water that comes from the deepest place of the patch, or down from its highest."""
        h = self.depth(u)
        new = repaid(h, axes)
        share = jnp.where(new == h, 1, new / jnp.where(h > 0, h, jnp.inf)) * self._slowed(u, h, axes)
        first = jnp.where(new == h, u[0], u[1 + self.ndim] + new)
        return jnp.stack([first, *(u[1 + k] * share for k in range(self.ndim))])

    def _slowed(self, u, h, axes):
        """The factor of the momentum of films."""
        gravity, wet = self._number(u, self.gravity), h > self._number(u, self.dry_depth)
        momentum = jnp.where(wet, jnp.sqrt(sum(jnp.square(u[1 + k]) for k in range(self.ndim))), 0)
        surface, huge = self._surface(u), jnp.finfo(u.dtype).max
        high, top = (jnp.max(jnp.where(wet, v, -huge), axes, keepdims=True) for v in (surface, h))
        fall = high - jnp.min(jnp.where(wet, surface, huge), axes, keepdims=True)
        flow, water = (jnp.sum(part, axes, keepdims=True) for part in (momentum, jnp.where(wet, h, 0)))
        most = quotient(flow, water) + jnp.sqrt(2 * gravity * jnp.maximum(fall, 0))
        most = h * (most + 2 * jnp.sqrt(gravity * jnp.maximum(top, 0)))
        fast = wet & (h < FILM * top) & (momentum > most)
        return jnp.where(fast, most / jnp.where(fast, momentum, 1), 1)

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

    def _column(self, u) -> Column:
        return Column(jnp.maximum(self.depth(u), 0), jnp.maximum(self._surface(u), u[-1]), u[-1])

    def _surface(self, u):
        """The elevation of the surface, from conserved variables."""
        if not self.land:
            return u[0]
        rest_level = self._number(u, self.rest_level)
        return jnp.where(u[-1] > rest_level, u[-1] + (u[0] - rest_level), u[0])

    def _depth_below(self, w):
        """The depth of the water, from primitive variables."""
        return w[0] if self.bottom is None else w[0] - w[-1]

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
        return rest_level if self.bottom is None else rest_level - u[1 + self.ndim]

    def _number(self, u, number):
        return jnp.asarray(number, u.dtype)
