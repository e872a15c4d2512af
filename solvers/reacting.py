"""Reactions by themselves, cell by cell, as Strang's splitting needs them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.fusion import apart
from amr.halo import cells_part, put_cells
from amr.leaves import over_blocks
from amr.pool import sweep
from amr.topology import cell_centres

from .equations import Advection
from .geometry import Geometry
from .reaction import jacobian
from .setup import Setup
from .stages import Workspace, with_store

Cells = Float[Array, "vars ..."]
GAMMA = 1 - 1 / math.sqrt(2)


def reacted(setup: Setup, geometry: Geometry, work: Workspace, begin, dt) -> Workspace:
    """The cells after reacting for a time `dt`."""
    equation, mesh, topology = setup.equation, setup.mesh, geometry.topology
    reaction = equation.reaction if isinstance(equation, Advection) else None
    if reaction is None:
        return work
    method = linearly_implicit if reaction.stiff else midpoint

    def one(i, store):
        leaves = topology.part(i)

        def new():
            u = cells_part(mesh, store, i)
            x = over_blocks(lambda leaves: cell_centres(mesh, leaves, u.dtype), leaves)
            return method(lambda u, t: reaction(u, x, t), u, begin, dt)

        return put_cells(mesh, store, apart(topology.leaves.valid, new), i)

    return with_store(work, sweep(topology.layout, topology.forest.count, one, work.store))


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
