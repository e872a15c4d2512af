"""The method of lines: reconstruct states on faces, find the flux between them, and integrate in time by Runge-Kutta.

Reconstruction goes along one dimension after the other, from cell averages to averages over faces. For given flows the
product of velocity and state on a face is averaged to fourth order by the changes of both along the face (McCorquodale
and Colella, Comm. App. Math. Comp. Sci. 6, 2011, section 2), so that smooth problems converge with fourth order in
any number of dimensions. Fluxes of nonlinear laws are those of the face averages: in several dimensions second order,
with a small constant, and in one dimension the order of the reconstruction.

Arrays are those of a sweep, `(vars, blocks, *cells, lanes)`, and shrink as stencils are applied; see
`solvers.schemes.ctu`, also for the bounds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.errors import InvalidSettingError
from amr.grid import (
    Fluxes,
    Keep,
    LimitedLinear,
    LimitedQuartic,
    Prolongation,
    Quadratic,
    Quartic,
    any_of,
    cut,
    lower,
    others,
    replaced,
    trim,
    upper,
)
from amr.own import expect
from solvers.equations import ConservationLaw, Equation, Sites
from solvers.integrators import SSPRK2, SSPRK3, SSPRK54, Stepper

from .ctu import clip_to_bounds
from .guard import judges
from .limiter import MonotizedCentral
from .positivity import safe_flux, shares_of
from .reconstruction import MUSCL, Reconstruction, face_states
from .riemann import RiemannSolver, suited_to
from .shocks import beside_shocks
from .trial import try_reconstruction


class MethodOfLines(eqx.Module):
    """Reconstruction, Riemann solver and Runge-Kutta method.

    **Arguments:**

    - `reconstruction`: of face states from cell averages; default `MUSCL(MonotizedCentral())`.
    - `riemann`: the flux between two states, for laws; default: the sharpest that the law knows enough for, `Upwind()`,
      `HLLC()` or `Rusanov()`. A given flow is upwinded exactly.
    - `integrator`: default `SSPRK2`, `SSPRK3` or `SSPRK54` by the order of the reconstruction.
    - `bounded`: keep scalars in a divergence-free flow within the range of their initial values, by clipping fluxes
      (needs an integrator that preserves strong stability); without effect where other values may come in through a
      face of the domain. Default: no.
    - `primitive`: reconstruct the primitive variables of a law (less oscillation at shocks) rather than the conserved
      ones (more than second order for smooth solutions in one dimension). Default: for all but the fifth-order
      reconstructions.
    """

    reconstruction: Reconstruction
    riemann: RiemannSolver | None
    integrator: Stepper
    bounded: bool = eqx.field(static=True)
    primitive: bool = eqx.field(static=True)

    def __init__(
        self,
        reconstruction: Reconstruction | None = None,
        riemann: RiemannSolver | None = None,
        integrator: Stepper | None = None,
        bounded: bool = False,
        primitive: bool | None = None,
    ):
        self.reconstruction = MUSCL(MonotizedCentral()) if reconstruction is None else reconstruction
        expect("reconstruction", self.reconstruction, Reconstruction, "a reconstruction such as solvers.WENO5()")
        expect("riemann", riemann, RiemannSolver | None, "a Riemann solver such as solvers.HLL()")
        expect("integrator", integrator, Stepper | None, "an integrator such as solvers.SSPRK3()")
        order = self.reconstruction.order
        default = SSPRK2() if order <= 2 else SSPRK3() if order == 3 else SSPRK54()
        self.riemann = riemann
        self.integrator = default if integrator is None else integrator
        self.bounded = bounded
        self.primitive = order <= 4 if primitive is None else primitive
        if bounded and self.integrator.forward_ratio is None:
            kind = type(self.integrator).__name__
            raise InvalidSettingError("bounded", f"needs an integrator such as SSPRK54(), {kind} keeps no bounds")

    @property
    def ghost(self) -> int:
        """The halo that is read, at least what indicators and prolongation need."""
        return max(2, self.reconstruction.ghost)

    @property
    def prolongation(self) -> Prolongation:
        """Between levels: of the order of the reconstruction, limited if it is."""
        limited = self.reconstruction.limited
        if self.reconstruction.order > 2 and self.ghost > 2:
            return LimitedQuartic() if limited else Quartic()
        return LimitedLinear() if limited else Quadratic()

    @property
    def space(self) -> MethodOfLines:
        """What finds the fluxes."""
        return self

    @property
    def looks(self) -> None:
        """The flow is needed when the integrator says."""
        return None

    @property
    def points(self) -> int:
        """Points along each dimension from which averages of given functions over cells are taken."""
        return 1 if self.reconstruction.order <= 2 else 3

    @property
    def default_cfl(self) -> float:
        """Stable with some margin."""
        return 0.5 if self.integrator.order <= 2 else 0.8

    def combined(self, rates: list[Array]) -> Array:
        """How many cells signals cross in all dimensions together, which is what limits the step."""
        return sum(rates[1:], rates[0])

    def check(self, equation: Equation) -> None:
        """Raise `InvalidSettingError` if the scheme cannot solve this equation."""
        law = equation.terms.law
        try_reconstruction(self.reconstruction)
        if equation.terms.diffusion is None and self.integrator.of_diffusion:
            kind = type(self.integrator).__name__
            raise InvalidSettingError("integrator", f"{kind} is for diffusion, and nothing diffuses here")
        if law is not None:
            self.solver(law).check(law)
            if self.bounded:
                raise InvalidSettingError("bounded", "keeps scalars in a given flow within bounds, not those of a law")

    def solver(self, law: ConservationLaw) -> RiemannSolver:
        """The Riemann solver for a law."""
        return suited_to(law) if self.riemann is None else self.riemann

    # --- scalars in a given flow --------------------------------------------------------------------------------------

    def carried(
        self,
        u: Float[Array, "vars blocks *ghosted lanes"],
        courant: tuple[Array, ...],
        divergence_free: bool,
        bounds: tuple[Array, Array],
        store: Keep,
    ) -> Fluxes:
        """What crosses each face of the patches of a sweep in one evaluation, in units of a cell, with Courant numbers
        of a whole time step: see `CTU.carried`."""
        dims = range(len(courant))
        high = tuple(store(lambda d=d: self._upwinded(u, courant, d)) for d in dims)
        ratio = self.integrator.forward_ratio
        if not self.bounded or ratio is None:
            return high
        excess = self.ghost - 2
        inner = tuple(ratio * trim(c, _axes(dims, 1), excess) for c in courant)
        clipped = []
        for phi, limits, parts in zip(u, zip(*bounds, strict=True), zip(*high, strict=True), strict=True):
            near = trim(phi, _axes(dims, 1), excess)
            keep = jax.vmap(functools.partial(_kept_within, bounds=limits))
            clipped.append(store(lambda f=keep, near=near, p=parts: f(near, inner, tuple(ratio * part for part in p))))
        return tuple(jnp.stack(parts) / ratio for parts in zip(*clipped, strict=True))

    def _upwinded(self, u, courant, d: int) -> Array:
        """Upwind states times Courant numbers."""
        across = others(d, range(len(courant)))
        accurate = self.reconstruction.order > 2
        layers = self.ghost - 1 if accurate else self.ghost  # faces beside those of the patch are needed
        line = trim(u, _axes(across, 2), layers)
        left, right = face_states(self.reconstruction, self._narrowed(line, d), d, skip=2)
        speed = trim(trim(courant[d], _axes(across, 1), layers), [1 + d], self.ghost - 1)
        state = jnp.where(speed > 0, left, right)
        if not accurate:
            return speed * state
        flux = trim(speed, _axes(across, 1)) * trim(state, _axes(across, 2))
        for k in across:
            rest = others(k, across)
            change = _rise(trim(speed, _axes(rest, 1)), 1 + k) * _rise(trim(state, _axes(rest, 2)), 2 + k)
            flux = flux + change / 48  # each rise is twice the change along a face
        return flux

    # --- laws ---------------------------------------------------------------------------------------------------------

    def exchanged(
        self, law: ConservationLaw, u: Array, samples: Sites, store: Keep, careful: Bool[Array, ""] | bool = True
    ) -> Fluxes:
        """The same for a law; behind the variables `u` has a row for each coefficient. If it has to be `careful`, no
        cell is asked for more than it has, see `solvers.schemes.positivity`."""
        w = store(lambda: law.primitive(u)) if self._of_primitive(law) else u
        dims = range(len(samples.rates))
        near = trim(u, _axes(dims, 2), self.ghost - 1)
        shocks = self._shocks(law, near, len(dims), store)
        fluxes = [store(lambda d=d: self._flux(law, (u, w), samples, d, store, shocks[d])) for d in dims]
        if judges(law, len(dims)):

            def safe(carry):
                shares = store(lambda: shares_of(law, near, samples.rates, self._forward))
                return False, [store(lambda d=d: safe_flux(law, near, carry[1][d], shares[d], d)) for d in dims]

            # At most once: a conditional would copy the fluxes in either case.
            _, fluxes = lax.while_loop(lambda carry: carry[0], safe, (jnp.asarray(careful), fluxes))
        return tuple(rate * flux for rate, flux in zip(samples.rates, fluxes, strict=True))

    def content(self, law: ConservationLaw, u: Array, out: Array) -> Bool[Array, ""]:
        """Whether cells make sense to a law after what leaves them in the longest forward Euler step of which a step
        consists; those that make none before, such as those of slots that hold no patch, are not asked."""
        rows = jnp.stack([cells - self._forward * gone for cells, gone in zip(u, out, strict=True)])
        return ~any_of(jnp.asarray(law.admissible(u)) & ~jnp.asarray(law.admissible(rows)))

    @property
    def _forward(self) -> float:
        return self.integrator.forward_ratio or 1.0

    def _flux(self, law: ConservationLaw, cells, samples: Sites, d: int, store, shocks) -> Array:
        u, w = cells
        dims, count = range(len(samples.rates)), len(law.names)
        line = self._line(w, dims, d)
        states = store(lambda: face_states(self.reconstruction, line[:count], d, skip=2))
        means = trim(line, [2 + d], self.reconstruction.ghost - 1)
        sides = (lower(means, 2 + d), upper(means, 2 + d))
        behind = line[:0] if samples.faces is None else jnp.moveaxis(samples.faces[d], 1, 0)
        left, right = (self._sensible(law, *pair, behind) for pair in zip(states, sides, strict=True))
        if law.on_ground:
            sides, near = (left, right), self._near(self._line(u, dims, d), 2 + d)
            left, right = store(lambda: law.met(*sides, near))

        def found(solver):
            return jnp.asarray(solver(law, left, right, d), w.dtype)

        solver = self.solver(law)
        if shocks is None:
            return found(solver)
        return replaced(store(lambda: found(solver)), shocks, lambda: found(solver.beside_shocks))

    def _shocks(self, law: ConservationLaw, near, ndim: int, store) -> Sequence[Array | None]:
        """For each dimension which faces have a strong shock along them, if the Riemann solver cares."""
        cares = self.solver(law).beside_shocks is not None and hasattr(law, "strong_shock")
        return beside_shocks(law, near, ndim, store) if cares and ndim > 1 else [None] * ndim

    def _line(self, values, dims, d: int) -> Array:
        """Cells with the ghost cells along d that the reconstruction reads."""
        return self._narrowed(trim(values, _axes(others(d, dims), 2), self.ghost), d)

    def _near(self, line, axis: int) -> tuple[Array, ...]:
        """The cells around each face that its states are reconstructed from."""
        last = 2 * self.reconstruction.ghost - 1
        return tuple(cut(line, axis, k, last - k) for k in range(last + 1))

    def _sensible(self, law: ConservationLaw, state, mean, behind) -> Array:
        """The conserved variables of a face state, or of the mean of its cell where they make no sense."""
        u = self._conserved(law, state, behind)
        good = law.admissible(u)
        if good is None:
            return u
        safe = self._conserved(law, mean[: len(law.names)], behind)
        # Row by row: XLA then sees through the stack.
        return jnp.stack([jnp.where(good, *rows) for rows in zip(u, safe, strict=True)])

    def _of_primitive(self, law: ConservationLaw) -> bool:
        """Whether primitive variables are reconstructed; for a law that stores something else here than there, they
        are in any case."""
        return self.primitive or law.stores_by_place

    def _conserved(self, law: ConservationLaw, w, behind) -> Array:
        rows = jnp.concatenate([w, behind]) if behind.shape[0] else w
        return law.conserved(rows) if self._of_primitive(law) else rows

    def _narrowed(self, line, d: int) -> Array:
        """Without ghost layers that the reconstruction does not read."""
        return trim(line, [2 + d], self.ghost - self.reconstruction.ghost)


def _axes(dims, skip: int) -> list[int]:
    return [skip + d for d in dims]


def _rise(values, axis: int) -> Array:
    """The value one further minus that one before; where values are the same everywhere, zero."""
    if values.shape[axis] == 1:
        return jnp.zeros_like(values)
    return upper(upper(values, axis), axis) - lower(lower(values, axis), axis)


def _kept_within(phi, courant, high, bounds) -> tuple[Array, ...]:
    """The fluxes of one patch moved towards those of the donor cells where a cell would leave the bounds."""
    dims = range(len(courant))
    low = []
    for d in dims:
        c, line = trim(courant[d], others(d, dims)), trim(phi, others(d, dims))
        low.append(c * jnp.where(c > 0, lower(line, d), upper(line, d)))
    return clip_to_bounds(phi, courant, tuple(low), high, bounds)
