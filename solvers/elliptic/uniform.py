"""Geometric multigrid on one uniform grid: approximate solutions e of alpha e - div(beta grad e) = r.

This is the bottom of the elliptic solvers, below the base grid of an adaptive mesh. Conditions at the faces of the
domain are homogeneous: what is asked for are corrections. The operator and its arrays: see `uniform_operator`.

Residuals are averaged over the cells that a coarse one covers, and corrections are interpolated linearly in each
dimension (Trottenberg, Oosterlee and Schüller, Multigrid, 2001, section 2.8.4). Face coefficients of coarse grids are
means of those on the fine faces that make up a coarse one.
"""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.grid import binary_unit, every_other, halved, once

from .uniform_operator import (
    Cells,
    Level,
    Relation,
    UniformGrid,
    applied,
    beside,
    coupled,
    diagonal_of,
    ends_of,
    level_of,
    ranked,
)

MOST_DENSE_CELLS = 1024  # a dense inverse of more would be slow to compute
COARSEST_TOLERANCE = 1e-3  # a thousandth of the residual left does not slow cycles down
COARSEST_STEPS = 500
OMEGA = 1.15  # by how much more than to its equilibrium a cell is moved


class Hierarchy(eqx.Module):
    """The operator on all grids.

    **Attributes:**

    - `levels`: finest first.
    - `coarsest`: solves on the last of them.
    """

    levels: tuple[Level, ...]
    coarsest: Coarsest


# --- building ---------------------------------------------------------------------------------------------------------


def build_hierarchy(grid: UniformGrid, alpha: Array, beta: tuple[Array, ...], relation: Relation) -> Hierarchy:
    """The operator on a grid and on all coarser ones.

    **Arguments:**

    - `alpha`: a number, or an array to broadcast to `(vars, *cells)`.
    - `beta`: for each dimension on the faces across it, `(vars, *cells)` with one more along it, where axes may have
      length one; or a number.
    - `relation(d, end, x)`: the factors (a, b) of the condition a e + b de/dn = 0 at the lower (`end` 0) or upper (1)
      face across dimension d, to broadcast to `(vars, *face)`, for coordinates x as `UniformGrid.face` gives them. Not
      asked for in periodic dimensions.
    """
    ndim = len(grid.cells)
    alpha, beta = ranked(alpha, ndim), tuple(ranked(b, ndim) for b in beta)
    levels = [level_of(grid, alpha, beta, relation)]
    while (coarse := grid.coarser()) is not None:
        factors = _factors(grid, coarse)
        alpha = _averaged(alpha, factors)
        beta = tuple(_averaged_faces(b, d, factors) for d, b in enumerate(beta))
        grid = coarse
        levels.append(level_of(grid, alpha, beta, relation))
    coarsest = Dense if math.prod(grid.cells) <= MOST_DENSE_CELLS else ConjugateGradients
    return Hierarchy(tuple(levels), coarsest(levels[-1]))


def _averaged(values: Array, factors: Sequence[int]) -> Array:
    """Averages over the fine cells of each coarse one."""
    for axis, factor in enumerate(factors, 1):
        if factor == 2 and values.shape[axis] > 1:
            values = 0.5 * (every_other(values, axis, 0) + every_other(values, axis, 1))
    return values


def _averaged_faces(values: Array, d: int, factors: Sequence[int]) -> Array:
    """Averages over the fine faces across dimension d that make up a coarse one."""
    if factors[d] == 2 and values.shape[1 + d] > 1:
        values = every_other(values, 1 + d, 0)
    return _averaged(values, [1 if k == d else factor for k, factor in enumerate(factors)])


def _factors(fine: UniformGrid, coarse: UniformGrid) -> tuple[int, ...]:
    return tuple(n // m for n, m in zip(fine.cells, coarse.cells, strict=True))


# --- the coarsest grid ------------------------------------------------------------------------------------------------


class Coarsest(eqx.Module):
    """Solves on the coarsest grid."""

    @abc.abstractmethod
    def solved(self, r: Cells) -> Cells:
        """The solution; without its mean where constants solve the homogeneous equation."""


class Dense(Coarsest):
    """By the inverse matrix, or by the pseudo-inverse where constants solve the homogeneous equation.

    **Attributes:**

    - `inverse`: for each variable, or one for all.
    """

    inverse: Float[Array, "vars all all"]

    def __init__(self, level: Level):
        cells, dtype = level.grid.cells, jnp.result_type(*level.diagonal)
        size, count = math.prod(cells), max(part.shape[0] for part in (*level.diagonal, *level.faces))
        basis = jnp.eye(size, dtype=dtype).reshape(size, 1, *cells)
        columns = jax.vmap(lambda e: applied(level, jnp.broadcast_to(e, (count, *cells))))(basis)
        matrix = jnp.moveaxis(columns.reshape(size, count, size), 0, 2)
        scale = jnp.abs(matrix).max((1, 2), keepdims=True)
        # The projection on constants is added to the matrix, and its inverse taken off that of the sum.
        null = jnp.reshape(_constants_solve(level), (-1, 1, 1))
        shifted = jnp.linalg.inv(matrix + jnp.where(null, scale / size, 0))
        self.inverse = shifted - jnp.where(null, 1 / (scale * size), 0)

    def solved(self, r):
        rows = r.reshape(r.shape[0], -1)
        inverse = jnp.broadcast_to(self.inverse, (rows.shape[0], *self.inverse.shape[1:]))
        return jnp.einsum("vij,vj->vi", inverse, rows).reshape(r.shape)


class ConjugateGradients(Coarsest):
    """For grids of odd or prime numbers of cells, which do not become small.

    **Attributes:**

    - `null`: for each variable, or one for all, whether constants solve the homogeneous equation.
    """

    level: Level
    null: Bool[Array, " vars *ones"]

    def __init__(self, level: Level):
        self.level = level
        self.null = _constants_solve(level)

    def solved(self, r):
        unit, inverse = binary_unit(jnp.abs(r).max())  # the method sums squares
        left = self._without_mean(inverse * r)
        operator, scaled = functools.partial(applied, self.level), lambda e: e / diagonal_of(self.level)
        e, _ = jax.scipy.sparse.linalg.cg(operator, left, tol=COARSEST_TOLERANCE, maxiter=COARSEST_STEPS, M=scaled)
        return unit * self._without_mean(e)

    def _without_mean(self, r: Cells) -> Cells:
        axes = tuple(range(1, r.ndim))
        return r - jnp.where(self.null, r.mean(axes, keepdims=True), 0)


def _constants_solve(level: Level) -> Bool[Array, " vars *ones"]:
    """For each variable, or once for all, whether the operator makes zero of constants."""
    count = max(part.shape[0] for part in (*level.diagonal, *level.faces))
    diagonal = jnp.broadcast_to(diagonal_of(level), (count, *level.grid.cells))
    axes = tuple(range(1, diagonal.ndim))
    sums = jnp.abs(applied(level, jnp.ones_like(diagonal))).max(axes, keepdims=True)
    return sums <= 16 * jnp.finfo(diagonal.dtype).eps * diagonal.max(axes, keepdims=True)


# --- smoothing --------------------------------------------------------------------------------------------------------


def smoothed(level: Level, e: Cells, r: Cells) -> Cells:
    """A smoother error of A e = r: successive over-relaxation first of one colour of a checkerboard, then of the other.

    A little over-relaxation makes up for what the averaging of residuals costs: of Poisson's equation a cycle leaves
    0.075 rather than 0.12 in two dimensions, and 0.07 rather than 0.15 in three (see also Yavneh, SIAM J. Sci.
    Comput. 17, 1996). In one dimension it leaves nearly half.
    """
    return _half(level, _half(level, e, r, 0), r, 1)


def started(level: Level, r: Cells) -> Cells:
    """The same starting from e = 0."""
    first = once(r, lambda: jnp.where(_is(0, r), OMEGA * r / diagonal_of(level), 0))
    return _half(level, first, r, 1)


def _half(level: Level, e: Cells, r: Cells, colour: int) -> Cells:
    """With the cells of one colour moved."""
    return once(r, lambda: jnp.where(_is(colour, e), _moved(level, e, r), e))


def _moved(level: Level, e: Cells, r: Cells) -> Cells:
    return (1 - OMEGA) * e + OMEGA * (r + coupled(level, e)) / diagonal_of(level)


def _is(colour: int, e: Cells) -> Bool[Array, " one *cells"]:
    """Whether cells of a checkerboard are of one of its colours, 0 or 1."""
    numbers = [lax.broadcasted_iota(jnp.int32, (1, *e.shape[1:]), axis) for axis in range(1, e.ndim)]
    return functools.reduce(jnp.add, numbers) % 2 == colour


# --- cycles -----------------------------------------------------------------------------------------------------------


def cycle(hierarchy: Hierarchy, r: Cells) -> Cells:
    """An approximate solution of A e = r, linear in r but for grids that do not become small.

    A V-cycle: down to the coarsest grid and up again, smoothed once on each grid on either way.
    """
    level, levels = hierarchy.levels[0], hierarchy.levels[1:]
    if not levels:
        return hierarchy.coarsest.solved(r)
    e = started(level, r)
    left = once(r, lambda: r - applied(level, e))
    factors = _factors(level.grid, levels[0].grid)
    coarse = once(r, lambda: _averaged(left, factors))
    change = cycle(Hierarchy(levels, hierarchy.coarsest), coarse)
    return smoothed(level, _raised(levels[0], e, change, factors), r)


def _raised(coarse: Level, e: Cells, change: Array, factors: Sequence[int]) -> Cells:
    """The solution and a change from a coarser level, interpolated: along rows first, while they are few."""
    kappa, halved = list(coarse.kappa), [d for d, factor in enumerate(factors) if factor == 2]
    for d in reversed(halved):
        base = e if d == halved[0] else jnp.zeros((), e.dtype)
        change = once(e, functools.partial(_plus_doubled, base, change, 1 + d, coarse.grid.periodic[d], kappa[d]))
        kappa = [(_repeated(first, 1 + d), _repeated(last, 1 + d)) for first, last in kappa]
    return change


def _plus_doubled(base: Array, e: Cells, axis: int, periodic: bool, kappa: tuple[Array, Array]) -> Array:
    """Added: values in twice as many cells along an axis, see `amr.grid.halved`."""
    first, last = ends_of(e, axis)
    below, above = beside(e, axis, *((last, first) if periodic else (kappa[0] * first, kappa[1] * last)))
    return base + halved(below, e, above, axis)


def _repeated(values: Array, axis: int) -> Array:
    return values if values.shape[axis] == 1 else jnp.repeat(values, 2, axis)
