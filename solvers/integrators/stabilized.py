"""Stabilized Runge-Kutta methods: many stages make a long step of diffusion stable."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from amr.errors import InvalidSettingError

from .base import Stepper, Weights

Scalar = Float[Array, ""]


class RKL2(Stepper):
    """Super-time-stepping by the Runge-Kutta-Legendre method of second order.

    s stages reach (s^2 + s - 2)/4 times as far as the longest stable step of the forward Euler method (Meyer, Balsara,
    Aslam, J. Comput. Phys. 257, 2014, section 2.3): the step follows from a flow's Courant number or from `longest` of
    the simulation, and the number of stages, which is odd, from the step. Has no arrays, so it may be static.

    **Arguments:**

    - `stages`: at most this many, which limits the step.
    - `safety`: the share of the longest stable step that is used.
    """

    stages: int = eqx.field(static=True)
    safety: float = eqx.field(static=True)
    order: ClassVar[int] = 2
    of_diffusion: ClassVar[bool] = True
    unit: ClassVar[str] = "stages"

    def __init__(self, stages: int = 19, safety: float = 0.9):
        if isinstance(stages, bool) or not isinstance(stages, int) or stages < 3:
            raise InvalidSettingError("stages", f"expected a whole number of 3 or more, got {stages!r}")
        if not isinstance(safety, float | int) or not 0 < safety <= 1:
            raise InvalidSettingError("safety", f"expected a number above 0 and at most 1, got {safety!r}")
        self.stages, self.safety = stages - (stages + 1) % 2, float(safety)

    @property
    def rooms(self):
        return "base", "previous", "register"

    @property
    def start(self):
        return "base"

    def step(self, evolution, space, begin, dt):
        """As many stages as diffusion asks for. What leaves the cells in the first is put aside in the register, with
        the opposite sign."""
        stages, one = self.needed(dt * evolution.spread), jnp.ones_like(dt)

        def planned(k):
            j, count = (k + 1).astype(dt.dtype), stages.astype(dt.dtype)
            mu, nu, tilde, gamma = self.coefficients(j, count)
            first = jnp.where(k == 0, one, 0)
            weights = Weights(mu, tilde, 0 * one, first, nu, gamma, first)
            return evolution.moment(begin + dt * self.time(j - 1, count), dt), weights

        def take(k, space):
            return evolution.stage(space, *evolution.kept(lambda: planned(k)))

        return lax.fori_loop(jnp.zeros_like(stages), stages, take, space).with_effort(stages)

    def limited(self, rate, spread, cfl):
        """Whichever is the larger."""
        return jnp.maximum(rate, (cfl / (self.safety * self.reach(self.stages))) * spread)

    def reach(self, stages):
        """The longest step with so many stages, in units of that of the forward Euler method."""
        return 0.25 * (stages * stages + stages - 2)

    def needed(self, ratio: Scalar) -> Int[Array, ""]:
        """How many stages a step needs that is `ratio` times as long as a stable one of the forward Euler method."""
        least = 0.5 * (jnp.sqrt(9 + 16 * ratio / self.safety) - 1)
        odd = 2 * jnp.ceil(0.5 * (least * (1 - 1e-12) - 1)) + 1
        return jnp.clip(odd, 3, self.stages).astype(jnp.int32)

    def coefficients(self, j: Scalar, stages: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
        """mu, nu, mu tilde and gamma tilde of stage j, counted from 1, of so many: their equations 15 to 17."""
        share = 4 / (stages * stages + stages - 2)
        mu = (2 - 1 / j) * _b(j) / _b(j - 1)
        nu = -(1 - 1 / j) * _b(j) / _b(j - 2)
        first = j < 1.5
        tilde = jnp.where(first, _b(j) * share, mu * share)
        return jnp.where(first, 0, mu), jnp.where(first, 0, nu), tilde, jnp.where(first, 0, -(1 - _b(j - 1)) * tilde)

    def time(self, j: Scalar, stages: Scalar) -> Scalar:
        """When the state after stage j stands, from 0 to 1 over the step."""
        share = 1 / (stages * stages + stages - 2)
        return jnp.where(j < 1.5, 4 / 3 * share * j, (j * j + j - 2) * share)


def _b(j: Scalar) -> Scalar:
    return jnp.where(j < 1.5, 1 / 3, (j * j + j - 2) / (2 * j * (j + 1)))
