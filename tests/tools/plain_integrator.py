"""Runge-Kutta methods from their tables, without a mesh: what `solvers.integrators.explicit` is to do."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from solvers.integrators.explicit import Integrator

Time = float | Float[Array, ""]
State = Float[Array, "..."]


def step(integrator: Integrator, rhs: Callable[[State, Time], State], u: State, t: Time, dt: Time) -> State:
    """u a step of dt after time t, where du/dt = rhs(u, t)."""
    base, saved = u, jnp.zeros_like(u)
    for time, stage in zip(integrator.times, integrator.stages, strict=True):
        v, change = u - base, dt * rhs(u, t + time * dt)
        saved = saved + stage.saved * v + stage.weight * change
        u = base + stage.keep * v + stage.slope * change
    return u + saved
