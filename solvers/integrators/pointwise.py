"""Ordinary differential equations in every cell: what reactions by themselves are."""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Cells = Float[Array, "vars ..."]
GAMMA = 1 - 1 / math.sqrt(2)


def midpoint(rate: Callable[[Cells, Array], Cells], u: Cells, begin, dt) -> Cells:
    """The explicit midpoint rule."""
    return u + dt * rate(u + 0.5 * dt * rate(u, begin), begin + 0.5 * dt)


def linearly_implicit(rate: Callable[[Cells, Array], Cells], u: Cells, begin, dt) -> Cells:
    """Two stages of a Rosenbrock method, second order and L-stable (ROS2 of Verwer, Spee, Blom, Hundsdorfer, SIAM J.
    Sci. Comput. 20, 1999), without iterations: each solves a small linear system in every cell."""
    columns = jacobian(lambda u: rate(u, begin), u)
    solve = functools.partial(eliminated, columns, GAMMA * dt)
    now, slope = jax.jvp(lambda t: rate(u, t), (begin,), (jnp.ones_like(begin),))
    drift = GAMMA * dt * slope
    first = solve(now + drift)
    second = solve(rate(u + dt * first, begin + dt) - 2 * first - drift)
    return u + 1.5 * dt * first + 0.5 * dt * second


def eliminated(matrix: list[list[Array]], factor, right: Cells) -> Cells:
    """The solution of `(1 - factor matrix) k = right` in every cell, by elimination without exchange of rows: for steps
    that are small or reactions that decay the diagonal is the largest."""
    count = len(matrix)
    rows = [[(1.0 if m == n else 0.0) - factor * matrix[m][n] for n in range(count)] for m in range(count)]
    known = list(right)
    for n in range(count):
        for m in range(n + 1, count):
            share = rows[m][n] / rows[n][n]
            rows[m] = [rows[m][k] - share * rows[n][k] for k in range(count)]
            known[m] = known[m] - share * known[n]
    found: list[Array] = []
    for n in reversed(range(count)):
        rest = sum((rows[n][k] * found[count - 1 - k] for k in range(n + 1, count)), jnp.zeros_like(known[n]))
        found.append((known[n] - rest) / rows[n][n])
    return jnp.stack(found[::-1])


def jacobian(rate: Callable[[Cells], Cells], u: Cells) -> list[list[Array]]:
    """Derivatives of each rate with respect to each variable in the same cell."""
    count = u.shape[0]
    units = [jnp.zeros_like(u).at[n].set(1) for n in range(count)]
    columns = [jax.jvp(rate, (u,), (unit,))[1] for unit in units]
    return [[columns[n][m] for n in range(count)] for m in range(count)]
