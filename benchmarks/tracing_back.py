"""Problems with known solutions."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def traced_back(
    velocity: Callable[..., tuple[Float[Array, "..."], ...]], initial: Callable, t_start: float = 0.0, steps: int = 400
) -> Callable:
    """The exact solution of advection by a divergence-free flow, by following each point back to the start.

    **Arguments:**

    - `velocity(x, .., t)`: one component a dimension.
    - `initial(x, ..)`: the values at `t_start`.
    - `steps`: of the classical fourth-order Runge-Kutta method.

    Returns a function of `(x, .., t)`. Unlike problems that reverse in time, it knows the solution at any time, where
    dispersive errors have not cancelled.
    """

    def exact(*arguments):
        *x, t = arguments
        dt = (t_start - t) / steps

        def follow(i, x):
            now = t + i * dt
            k1 = velocity(*x, now)
            k2 = velocity(*_moved(x, k1, 0.5 * dt), now + 0.5 * dt)
            k3 = velocity(*_moved(x, k2, 0.5 * dt), now + 0.5 * dt)
            k4 = velocity(*_moved(x, k3, dt), now + dt)
            return tuple(a + dt / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(x, k1, k2, k3, k4, strict=True))

        points = tuple(jnp.broadcast_arrays(*x))
        return initial(*lax.fori_loop(0, steps, follow, points))

    return exact


def _moved(x, velocity, dt):
    return tuple(a + dt * v for a, v in zip(x, velocity, strict=True))
