"""Implicit-explicit Runge-Kutta methods as tables: diffusion is implicit, flow and reaction are explicit.

Stage k solves `Y_k = u + dt sum_j (explicit[k][j] N(Y_j) + implicit[k][j] L(Y_j))` with j up to k for the implicit part
L and below k for the explicit part N. A step ends with
`u + dt sum_j (last_explicit[j] N(Y_j) + last_implicit[j] L(Y_j))`: made of fluxes, it
conserves to rounding whatever the tolerance of the solver. Without flow and reaction these are the implicit methods
that their names say.
"""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from amr.errors import InvalidSettingError

from .base import Stepper

Table = tuple[tuple[float, ...], ...]
GAMMA = 1 - 1 / math.sqrt(2)
DELTA = 1 - 1 / (2 * GAMMA)


class Implicit(Stepper):
    """An implicit-explicit method. Has no arrays, so it may be a static argument.

    **Arguments:**

    - `tolerance`: of the equations of a stage: the residual relative to the right-hand side, in the root mean square.
    - `iterations`: at most this many cycles of multigrid in a stage. A run that needs more stops.
    - `ratio`: the longest step, in units of a stable one of the forward Euler method. A flow may ask for a
      shorter one, and so may `longest` of the simulation.
    """

    tolerance: float = eqx.field(static=True, default=1e-8)
    iterations: int = eqx.field(static=True, default=50)
    ratio: float = eqx.field(static=True, default=100.0)

    explicit: eqx.AbstractClassVar[Table]
    implicit: eqx.AbstractClassVar[Table]
    last_explicit: eqx.AbstractClassVar[tuple[float, ...]]
    last_implicit: eqx.AbstractClassVar[tuple[float, ...]]
    of_diffusion: ClassVar[bool] = True
    solves: ClassVar[bool] = True
    unit: ClassVar[str] = "cycles of multigrid"

    def __post_init__(self):
        for key, most in (("tolerance", 1), ("ratio", math.inf)):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, float | int) or not 0 < value <= most:
                raise InvalidSettingError(key, f"expected a number above 0, got {value!r}")
        if isinstance(self.iterations, bool) or not isinstance(self.iterations, int) or self.iterations < 1:
            raise InvalidSettingError("iterations", f"expected a whole number of 1 or more, got {self.iterations!r}")
        self.tolerance, self.ratio = float(self.tolerance), float(self.ratio)

    @property
    def times(self) -> tuple[float, ...]:
        """When the state of each stage stands, from 0 to 1 over the step."""
        return tuple(sum(row) for row in self.implicit)

    @property
    def told(self) -> str:
        """What it says of equations that were not solved."""
        asked = f"a relative residual of {self.tolerance:g} in {self.iterations} iterations"
        return f"{type(self).__name__} were not solved to {asked},"

    def ends_with_stage(self, explicit: bool) -> bool:
        """Whether the result of a step is the state of its last stage; `explicit`: with flow or reaction."""
        same = self.last_implicit == self.implicit[-1]
        return same and (not explicit or self.last_explicit == self.explicit[-1])

    def step(self, evolution, space, begin, dt):
        """Where equations could not be solved the cells stay as they were, and the effort tells."""
        before = evolution.cells(space)
        explicit, implicit = evolution.of("transport", "reaction"), evolution.of("diffusion")
        stages, dtype = len(self.implicit), before.dtype
        tables = [jnp.asarray(table, dtype) for table in (self.explicit, self.implicit)]
        lasts = [jnp.asarray(row, dtype) for row in (self.last_explicit, self.last_implicit)]
        times = begin + dt * jnp.asarray(self.times, dtype)
        # What leaves the cells in each stage: by flow and reaction, and by diffusion.
        left = [jnp.zeros((stages, *before.shape), dtype) if part.terms else None for part in (explicit, implicit)]

        def looked_at(k, space, left):
            """With the fluxes of the state of stage k."""
            moment, found = evolution.moment(times[k], dt), list(left)
            for n, (part, pool) in enumerate(zip((explicit, implicit), left, strict=True)):
                if pool is not None:
                    space, out = part.outflow(space, moment)
                    found[n] = lax.dynamic_update_index_in_dim(pool, out, k, 0)
            return space, found

        def from_(rows, left):
            """The cells less what left them, weighted."""
            pairs = [(row, pool) for row, pool in zip(rows, left, strict=True) if pool is not None]
            return before - sum(row[k] * pool[k] for row, pool in pairs for k in range(stages))

        def one(k, carry):
            space, left = carry
            right, guess = from_([table[k] for table in tables], left), evolution.cells(space)

            def solve():
                return implicit.solved(right, guess, tables[1][k, k] * dt, times[k], self)

            # The first stage is that of the state itself.
            nothing = (jnp.zeros((), jnp.int32), jnp.zeros((), bool))
            found, *used = lax.cond(k > 0, solve, lambda: (guess, *nothing))
            return looked_at(k, evolution.with_cells(space.with_effort(*used), found), left)

        space, left = lax.fori_loop(0, stages, one, (space, left))
        if dtype == jnp.float32 and self.ends_with_stage(bool(explicit.terms)):
            # Fluxes of a long step multiply rounding errors, which are no longer small here.
            after = evolution.cells(space)
        else:
            after = from_(lasts, left)
        return evolution.with_cells(space, jnp.where(space.effort.failed, before, after))

    def limited(self, rate, spread, cfl):
        """Whichever is the larger."""
        return jnp.maximum(rate, (cfl / self.ratio) * spread)


class BackwardEuler(Implicit):
    """First order; keeps the solution between its extrema whatever the step (on one level)."""

    explicit: ClassVar[Table] = ((0.0, 0.0), (1.0, 0.0))
    implicit: ClassVar[Table] = ((0.0, 0.0), (0.0, 1.0))
    last_explicit: ClassVar[tuple[float, ...]] = (1.0, 0.0)
    last_implicit: ClassVar[tuple[float, ...]] = (0.0, 1.0)
    order: ClassVar[int] = 1


class CrankNicolson(Implicit):
    """Second order. Does not damp what is stiff: it oscillates after rough data (Crank and Nicolson, Proc. Camb. Phil.
    Soc. 43, 1947). Flow and reaction by Heun's method."""

    explicit: ClassVar[Table] = ((0.0, 0.0), (1.0, 0.0))
    implicit: ClassVar[Table] = ((0.0, 0.0), (0.5, 0.5))
    last_explicit: ClassVar[tuple[float, ...]] = (0.5, 0.5)
    last_implicit: ClassVar[tuple[float, ...]] = (0.5, 0.5)
    order: ClassVar[int] = 2


class SDIRK2(Implicit):
    """Second order, damps what is stiff (L-stable): the method (2,2,2) of Ascher, Ruuth, Spiteri, Appl. Numer. Math.
    25, 1997, section 2.6, whose implicit part is that of Alexander, SIAM J. Numer. Anal. 14, 1977."""

    explicit: ClassVar[Table] = ((0.0, 0.0, 0.0), (GAMMA, 0.0, 0.0), (DELTA, 1 - DELTA, 0.0))
    implicit: ClassVar[Table] = ((0.0, 0.0, 0.0), (0.0, GAMMA, 0.0), (0.0, 1 - GAMMA, GAMMA))
    last_explicit: ClassVar[tuple[float, ...]] = (DELTA, 1 - DELTA, 0.0)
    last_implicit: ClassVar[tuple[float, ...]] = (0.0, 1 - GAMMA, GAMMA)
    order: ClassVar[int] = 2
