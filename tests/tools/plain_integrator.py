"""Runge-Kutta methods from their tables, without a mesh: what `solvers.integrators.explicit` is to do. And what the
method of lines does to patches that lie alone."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from solvers.equations import Sites
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


def changes(law, lines, u, dt, mode):
    """What a stage of a time `dt` does to patches of cells of width 1, `(vars, blocks, *cells)`."""
    ndim, ghost = u.ndim - 2, lines.ghost
    ghosted = jnp.pad(u, [(0, 0), (0, 0), *[(ghost, ghost)] * ndim], mode=mode)[..., None]
    rate = jnp.broadcast_to(dt, u.shape[1:2]).reshape(-1, *(1,) * (ndim + 1))
    fluxes = lines.exchanged(law, ghosted, Sites((rate,) * ndim), lambda stage: stage())
    return -sum(jnp.diff(flux, axis=2 + d) for d, flux in enumerate(fluxes))[..., 0]
