"""Cycles of multigrid one by one, without the Krylov method of `solvers.Elliptic`, and what they cost."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

import amr
import solvers
from amr.field.field import Field
from amr.grid import Grid
from amr.grid.pool import Pool, from_pool
from solvers.elliptic.krylov import System
from solvers.elliptic.operator import Operator


def prepared(problem: solvers.Elliptic, source: Callable, refine: amr.Indicator | None = None) -> System:
    """The equations of a problem on a mesh that is refined where asked for."""
    return eqx.filter_jit(solvers.Elliptic.system)(problem, problem.refined(source, refine), source, None)[0]


@eqx.filter_jit
def iterated(system: System, cycles: int) -> tuple[Pool, Float[Array, " cycles"]]:
    """What so many cycles make of zero, and the relative residuals after each, the first being that of zero."""
    zero = jnp.zeros_like(system.right)
    multigrid = system.precondition(zero)

    def one(u, _):
        r = system.operator.kept(lambda: system.residual(u))
        return u + system.operator.kept(lambda: multigrid(r)), system.norm(r)

    u, sizes = lax.scan(one, zero, length=cycles)
    return u, jnp.append(sizes, system.norm(system.residual(u)))


def field_of(system: System, u: Pool) -> Field:
    """As a field."""
    grid = grid_of(system)
    return Field(grid.mesh, grid.forest, from_pool(u), grid.conditions.variables.names)


def grid_of(system: System) -> Grid:
    """The leaves that a problem is solved on."""
    assert isinstance(system.operator, Operator)
    return system.operator.grid


def boxes(ndim: int, levels: int, low: float = 0.25, high: float = 0.75) -> amr.Indicator | None:
    """Nested refinement: each level covers the middle half of the one before, between some corners the first one."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    sides = [half / 2**level for level in range(levels)]
    regions = [
        amr.Region((middle - side,) * ndim, (middle + side,) * ndim, level + 1) for level, side in enumerate(sides)
    ]
    return amr.AnyOf(*regions) if regions else None
