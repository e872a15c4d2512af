"""Explicit Runge-Kutta methods as tables, in a form that conserves and keeps constants exactly.

A step from `base` starts with u = base and S = 0. Every stage, with v = u - base and change = dt L(u), does

    S <- S + saved v + weight change
    u <- base + keep v + slope change        (+ S in the last stage)

All that is ever added to `base` are multiples of changes: where L is zero nothing moves, and what L conserves is
conserved to rounding. One register is enough for all methods here; those that leave `saved` and `weight` at zero need
none.
"""

import dataclasses
import functools
import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from .base import Stepper, Weights

MARGIN = 0.9  # how much of the stable step of diffusion is used: interfaces between levels take some of it


@dataclasses.dataclass(frozen=True)
class Stage:
    """A row of the table of a method: the factors of v and of the change in the next u and in the register.

    In the first stage v is zero; `keep` is 1 there, so that the row reads as a step from u.
    """

    keep: float
    slope: float
    saved: float = 0.0
    weight: float = 0.0


class Integrator(Stepper):
    """An explicit Runge-Kutta method: its stages and its order. Has no arrays, so it may be a static argument."""

    stages: eqx.AbstractClassVar[tuple[Stage, ...]]
    order: eqx.AbstractClassVar[int]

    @property
    def uses_register(self) -> bool:
        """Whether the last stage adds the register S."""
        return any(stage.saved or stage.weight for stage in self.stages)

    @property
    def rooms(self):
        return ("base",) * (len(self.stages) > 1) + ("register",) * self.uses_register

    @property
    def start(self):
        return "base" if "base" in self.rooms else None

    @property
    def times(self) -> tuple[float, ...]:
        """When each stage evaluates L, from 0 to 1 over the step: where L = 1 has brought u."""
        times = [0.0]
        for stage in self.stages:
            times.append(stage.keep * times[-1] + stage.slope)
        return tuple(times[:-1])

    @property
    def forward_ratio(self) -> float | None:
        """The length of the forward Euler steps, in units of dt, of which the method consists; None if of none.

        A method that preserves strong stability is a convex combination of such steps (Shu and Osher, J. Comput. Phys.
        77, 1988): what one of this length does not break, a step of the method does not break.
        """
        *early, last = self.stages
        kept = [(stage.keep, stage.slope) for stage in self.stages]
        saved = [(stage.saved, stage.weight) for stage in self.stages]
        base = [(1 - stage.keep, 0.0) for stage in early] + [(1 - last.keep - sum(share for share, _ in saved), 0.0)]
        longest = max(_forward_step(share, slope) for share, slope in kept + saved + base)
        return None if longest == math.inf else longest

    @property
    def real_reach(self) -> float:
        """How far the region of absolute stability reaches along the negative real axis: 2 for the Euler method."""
        return _real_reach(self.stages)

    def step(self, evolution, space, begin, dt):
        def planned():
            moments = evolution.moments(self.times, begin, dt)
            return moments, self.weights(dt.dtype)

        table, count = evolution.kept(planned), len(self.stages)
        if count == 1:
            return evolution.stage(space, *jax.tree.map(lambda column: column[0], table))

        def one(k, space):
            return evolution.stage(space, *evolution.kept(lambda: jax.tree.map(lambda column: column[k], table)))

        return lax.fori_loop(0, count, one, space)

    def weights(self, dtype) -> Weights:
        """Of all stages."""
        count = len(self.stages)
        keep, slope, saved, weight = (
            jnp.asarray([getattr(stage, key) for stage in self.stages], dtype)
            for key in ("keep", "slope", "saved", "weight")
        )
        number = jnp.arange(count)
        first, last = ((number == end).astype(dtype) for end in (0, count - 1))
        return Weights(keep, slope, saved, weight, jnp.zeros(count, dtype), last, first)

    def limited(self, rate, spread, cfl):
        """They add up."""
        return rate + (2 * cfl / (MARGIN * self.real_reach)) * spread


def _forward_step(share: float, slope: float) -> float:
    """The length of the forward Euler step in share u + slope dt L(u); infinite if it is none."""
    if share < -1e-12 or slope < 0 or (slope > 0 and share <= 0):  # shares to base are zero to the digits published
        return math.inf
    return slope / share if slope else 0.0


@functools.cache  # programs ask for it whenever they are traced
def _real_reach(stages: tuple[Stage, ...]) -> float:
    reach = 0.0
    while abs(_amplification(stages, -(reach + 1e-3))) <= 1 + 1e-9:
        reach += 1e-3
    return reach


def _amplification(stages: tuple[Stage, ...], z: float) -> complex:
    """The factor of a step of `du/dt = lambda u` with `z = lambda dt`."""
    v, saved = 0j, 0j
    for stage in stages:
        change = z * (1 + v)
        v, saved = stage.keep * v + stage.slope * change, saved + stage.saved * v + stage.weight * change
    return 1 + v + saved


class ForwardEuler(Integrator):
    """u + dt L(u). First order; unstable with reconstructions other than limited or upwind ones."""

    stages: ClassVar[tuple[Stage, ...]] = (Stage(1.0, 1.0),)
    order: ClassVar[int] = 1


class SSPRK2(Integrator):
    """Heun's method, the mean of u and of two forward Euler steps. Second order, strong stability up to 1.

    Shu and Osher, J. Comput. Phys. 77, 1988.
    """

    stages: ClassVar[tuple[Stage, ...]] = (Stage(1.0, 1.0), Stage(1 / 2, 1 / 2))
    order: ClassVar[int] = 2


class SSPRK3(Integrator):
    """Third order in three stages, strong stability up to 1 (Shu and Osher, J. Comput. Phys. 77, 1988)."""

    stages: ClassVar[tuple[Stage, ...]] = (Stage(1.0, 1.0), Stage(1 / 4, 1 / 4), Stage(2 / 3, 2 / 3))
    order: ClassVar[int] = 3


class SSPRK54(Integrator):
    """Fourth order in five stages, strong stability up to 1.508 (Spiteri and Ruuth, SIAM J. Numer. Anal. 40, 2002)."""

    stages: ClassVar[tuple[Stage, ...]] = (
        Stage(1.0, 0.391752226571890),
        Stage(0.555629506348765, 0.368410593050371),
        Stage(0.379898148511597, 0.251891774271694, saved=0.517231671970585),
        Stage(0.821920045606868, 0.544974750228521, saved=0.096059710526147, weight=0.063692468666290),
        Stage(0.386708617503269, 0.226007483236906),
    )
    order: ClassVar[int] = 4


class RK4(Integrator):
    """The classical method of Kutta (1901). Fourth order in four stages; no strong stability."""

    stages: ClassVar[tuple[Stage, ...]] = (
        Stage(1.0, 1 / 2, weight=1 / 6),
        Stage(0.0, 1 / 2, weight=1 / 3),
        Stage(0.0, 1.0, weight=1 / 3),
        Stage(0.0, 1 / 6),
    )
    order: ClassVar[int] = 4
