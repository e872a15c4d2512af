"""The unsplit one-stage scheme for advection: corner transport upwind with limited slopes.

Face states are traced back half a step along the normal (slopes) and across it (transverse fluxes), so that one
evaluation is second order in space and time and stable up to a Courant number of one in every direction (Colella,
J. Comput. Phys. 87, 1990, section 3; in three dimensions Saltzman, J. Comput. Phys. 115, 1994).

Bounds are kept by comparison with a monotone scheme: what these fluxes add to the monotone ones is clipped so that no
cell leaves the given bounds. Each face of a cell may use a share of the cell's distance to them in proportion to its
Courant number (convex limiting: Guermond, Nazarov, Popov, Tomas, SIAM J. Sci. Comput. 40, 2018). In smooth regions away
from the bounds nothing is clipped. The monotone scheme is upwind in one dimension after the other: corner transport
without slopes would do as well, but is several times the work in three dimensions.

All functions are written for one patch of any number of dimensions; further axes of the arrays behind those of the
cells (the patches of the pool) ride along. Arrays shrink as stencils are applied: `trim` takes one layer off both ends.
Axes of length one stand for values that are the same everywhere.
"""

from __future__ import annotations

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import (
    Fluxes,
    Keep,
    LimitedLinear,
    Prolongation,
    Quadratic,
    at_once,
    in_own_unit,
    lower,
    others,
    trim,
    upper,
)
from amr.own import expect
from solvers.equations import Equation
from solvers.integrators import ForwardEuler, Integrator

from .limiter import Limiter, MonotizedCentral
from .trial import try_limiter

Faces = tuple[Float[Array, "..."], ...]
THIN = 0.05  # density below which a cell counts as emptied, in flows too rough for their mesh


class CTU(eqx.Module):
    """Corner transport upwind for advection, second order in space and time.

    **Arguments:**

    - `limiter`: of the slopes; `Unlimited()` gives full order at smooth extrema.
    - `bounded`: keep each scalar within the range of its initial values, wherever the flow has no divergence on the
      mesh (others do not have that property and are never clipped) and no boundary gives other values. Default: if the
      limiter is one.

    `ghost` is the width of the halo that the stencil reads.
    """

    limiter: Limiter
    bounded: bool = eqx.field(static=True)
    ghost: int = eqx.field(static=True, default=2)

    def __init__(self, limiter: Limiter | None = None, bounded: bool | None = None):
        self.limiter = MonotizedCentral() if limiter is None else limiter
        expect("limiter", self.limiter, Limiter, "a limiter such as solvers.MonotizedCentral()")
        self.bounded = self.limiter.limited if bounded is None else bounded
        self.ghost = 2

    @property
    def prolongation(self) -> Prolongation:
        """Between levels: limited as the slopes are."""
        return LimitedLinear() if self.limiter.limited else Quadratic()

    @property
    def space(self) -> CTU:
        """What finds the fluxes."""
        return self

    @property
    def integrator(self) -> Integrator:
        """One stage: time is in the fluxes already."""
        return ForwardEuler()

    @property
    def looks(self) -> tuple[float, ...]:
        """When in a step, from 0 to 1, the flow is needed, if not when the integrator says."""
        return (0.5,)

    @property
    def points(self) -> int:
        """Points along each dimension from which averages of given functions over cells are taken."""
        return 1

    @property
    def default_cfl(self) -> float:
        """Stable with some margin."""
        return 0.9

    def combined(self, rates: list[Array]) -> Array:
        """How many cells the flow crosses in its fastest direction, which is what limits the step."""
        return functools.reduce(jnp.maximum, rates)

    def check(self, equation: Equation) -> None:
        """Raise `InvalidSettingError` if the scheme cannot solve this equation."""
        try_limiter(self.limiter)
        if equation.terms.law is not None:
            kind = type(equation).__name__
            raise InvalidSettingError("scheme", f"CTU solves Advection, not {kind}; take solvers.MethodOfLines()")
        if not CTU.suits(equation):
            advice = "take solvers.MethodOfLines() or solvers.Strang()"
            raise InvalidSettingError("scheme", f"CTU moves scalars in a flow and does nothing else; {advice}")

    @staticmethod
    def suits(equation: Equation) -> bool:
        """Whether there is a given flow, and nothing else."""
        flow, diffusion, reaction = equation.terms
        return flow is not None and flow.given and diffusion is None and reaction is None

    def exchanged(self, law, u, samples, keep) -> Fluxes:
        """Refused by `check`."""
        raise AssertionError("a law needs a Riemann solver")

    def carried(
        self,
        u: Float[Array, "vars blocks *ghosted lanes"],
        courant: Faces,
        divergence_free: bool,
        bounds: tuple[Float[Array, " vars"], Float[Array, " vars"]],
        keep: Keep = at_once,
    ) -> Fluxes:
        """How much of each scalar crosses each face of the patches of a sweep in a step, in units of a cell.

        `courant[d]` are the normal velocities times dt/dx between the ghosted cells (one less along d); entry d
        of the result has one more face than the patch has cells along d. `keep` evaluates a stage whose results are
        read several times.
        """

        def one(phi, courant, limits):
            return self._carried(phi, courant, divergence_free, limits, keep)

        found = [
            jax.vmap(functools.partial(one, limits=limits))(phi, courant)
            for phi, *limits in zip(u, *bounds, strict=True)
        ]
        return tuple(jnp.stack(parts) for parts in zip(*found, strict=True))

    def _carried(self, phi: Float[Array, "*ghosted lanes"], courant: Faces, divergence_free: bool, bounds, store):
        """The same for one scalar and one patch."""
        dims = range(len(courant))
        slopes = store(lambda: self._slopes(phi, dims))
        high = corner_transport(phi, slopes, courant, store, expands=not divergence_free)
        if not self.bounded:
            return high
        return clip_to_bounds(phi, courant, monotone_transport(phi, courant, store), high, bounds)

    def _slopes(self, phi, dims) -> list[Array]:
        """Limited slopes in each direction of all cells but the outermost layer."""
        return [self._slopes_along(trim(phi, others(d, dims)), d) for d in dims]

    def _slopes_along(self, line, d: int) -> Array:
        def limited(line):
            step = upper(line, d) - lower(line, d)
            return self.limiter(lower(step, d), upper(step, d))

        return limited(line) if self.limiter.plain else in_own_unit(limited, line, d)


def half_expansion(phi, courant: Faces) -> Array:
    """Half of what the divergence of the flow takes from phi in a step; `phi` without the outermost layer."""
    dims = range(len(courant))
    faces = [trim(c, others(d, dims)) for d, c in enumerate(courant)]
    return 0.5 * phi * sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))


def corner_transport(phi, slopes: list[Array], courant: Faces, store: Keep, expands: bool) -> Faces:
    """Transport through all faces of a patch and of one layer of cells around it, trimmed once across each face's
    direction.

    States on faces are corrected for the flow across more and more dimensions, each time with transverse differences of
    the states corrected for one dimension less.
    """
    dims = range(len(courant))
    states: dict[tuple[int, tuple[int, ...]], Array] = {}
    for depth in dims:
        keys = [(d, across) for d in dims for across in itertools.combinations(others(d, dims), depth)]
        last = depth == len(courant) - 1

        def stage(keys=keys, last=last, known=states):
            # Slices are taken in here: a stage that is stored apart would otherwise get copies.
            share = 0.5 if last else 1 / 3  # of a transverse difference, and of one within another (Saltzman 1994)
            cells, inner = trim(phi, dims), tuple(trim(c, dims) for c in courant)
            expansion = half_expansion(cells, courant) if last and expands else None
            return [face_states(cells, slopes, inner, share, known, expansion, key) for key in keys]

        states = dict(zip(keys, store(stage), strict=True))
    return tuple(trim(trim(courant[d], dims), across) * state for (d, across), state in states.items())


def monotone_transport(phi, courant: Faces, store: Keep) -> Faces:
    """First-order transport through all faces between cells, trimmed once across each face's direction.

    The mean of two schemes that go through the dimensions one after the other, forwards and backwards. In
    divergence-free flow new values are averages of old ones, for Courant numbers up to one in each dimension.
    """
    dims = tuple(range(len(courant)))
    forwards = store(lambda: dict(_swept(phi, courant, dims)))
    if len(dims) == 1:
        return (forwards[0],)
    backwards = store(lambda: dict(_swept(phi, courant, dims[::-1])))
    return tuple(0.5 * (forwards[d] + backwards[d]) for d in dims)


def _swept(phi, courant: Faces, order: tuple[int, ...]):
    """Upwind transport in one dimension after the other, as pairs of dimension and flux.

    A cell that flow along x alone would empty or fill has its density changed by it, and along y this is what is
    transported (Easter, Mon. Weather Rev. 121, 1993; Clappier, J. Appl. Meteorol. 37, 1998). In divergence-free flow
    the density ends where it began.
    """
    density = jnp.ones_like(phi)
    for i, d in enumerate(order):
        across = trim(courant[d], order[:i])
        flux = across * jnp.where(across > 0, lower(phi, d), upper(phi, d))
        yield d, trim(flux, order[i + 1 :])
        before = trim(density, [d])
        density = jnp.maximum(before - (upper(across, d) - lower(across, d)), THIN)
        phi = (before * trim(phi, [d]) - (upper(flux, d) - lower(flux, d))) / density


def face_states(phi, slopes, courant: Faces, share: float, known: dict, expansion, key) -> Array:
    """Upwind states on the faces along d, half a step on, corrected for the flow across the dimensions `across`.

    `key` is `(d, across)`; `known` has the states that are corrected for one dimension less.
    """
    d, across = key
    cell = trim(phi, across)
    for t in across:
        rest = tuple(others(t, across))
        states, velocity = known[t, rest], trim(courant[t], rest)
        centre = trim(phi, across)
        into = upper(velocity, t) * (upper(states, t) - centre) - lower(velocity, t) * (lower(states, t) - centre)
        cell = cell - share * into
    if expansion is not None:
        cell = cell - trim(expansion, across)
    normal = trim(courant[d], across)
    left, right = lower(cell, d), upper(cell, d)
    slope = trim(slopes[d], across)
    left = left + 0.5 * (1 - normal) * lower(slope, d)
    right = right - 0.5 * (1 + normal) * upper(slope, d)
    return jnp.where(normal > 0, left, right)


def clip_to_bounds(phi, courant: Faces, low: Faces, high: Faces, bounds) -> Faces:
    """The fluxes `high`, moved towards the monotone fluxes `low` where a cell would leave the bounds."""
    dims = range(len(courant))
    monotone = trim(phi, dims) - sum(upper(flux, d) - lower(flux, d) for d, flux in enumerate(low))
    speeds = [jnp.abs(trim(c, others(d, dims))) for d, c in enumerate(courant)]
    total = sum(lower(speed, d) + upper(speed, d) for d, speed in enumerate(speeds))
    share = 1 / jnp.maximum(total, jnp.finfo(phi.dtype).eps)  # where next to nothing flows, less will do
    above, below = share * (bounds[1] - monotone), share * (bounds[0] - monotone)
    clipped = []
    for d in dims:
        room_up, room_down = trim(above, others(d, dims)), trim(below, others(d, dims))
        speed, safe = trim(speeds[d], dims), trim(low[d], dims)
        most = speed * jnp.minimum(upper(room_up, d), -lower(room_down, d))
        least = speed * jnp.maximum(upper(room_down, d), -lower(room_up, d))
        clipped.append(safe + jnp.clip(high[d] - safe, least, most))
    return tuple(clipped)
