"""The operator alpha e - div(beta grad e) on one uniform grid, with homogeneous conditions at the faces of the domain.

Arrays are `(vars, *cells)` in one, two or three dimensions; an axis of length one stands for values that are the same
everywhere, and then costs no memory traffic.

Values beyond a face of the domain are a multiple kappa of those inside. Their part is folded into the diagonal and
kernels take zero beyond the domain, so that they know of no boundaries but the wrap of periodic dimensions.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from amr.grid import beyond_over_inside, cut, lower, over_square, upper

Cells = Float[Array, "vars *cells"]
Relation = Callable[[int, int, tuple[Array, ...]], tuple[Array, Array]]
FEWEST_CELLS = 64  # the product with a dense inverse takes less time than another level, and building it too


@dataclass(frozen=True)
class UniformGrid:
    """A box divided into cells.

    **Attributes:** one entry for each dimension

    - `cells`: how many; `widths`: of the cells.
    - `lower`: corner of the domain.
    - `periodic`: whether the faces across a dimension are one.
    """

    cells: tuple[int, ...]
    lower: tuple[float, ...]
    widths: tuple[float, ...]
    periodic: tuple[bool, ...]

    def coarser(self) -> UniformGrid | None:
        """Half the cells in each dimension that can be halved, but for those in which cells are longer already."""
        even = [n % 2 == 0 and n > 2 for n in self.cells]
        if not any(even) or math.prod(self.cells) <= FEWEST_CELLS:
            return None
        # Weak couplings are not smoothed: cells must become cubes before they grow in all dimensions.
        longest = 1.5 * min(h for h, good in zip(self.widths, even, strict=True) if good)
        factors = [2 if good and h < longest else 1 for h, good in zip(self.widths, even, strict=True)]
        return dataclasses.replace(
            self,
            cells=tuple(n // f for n, f in zip(self.cells, factors, strict=True)),
            widths=tuple(h * f for h, f in zip(self.widths, factors, strict=True)),
        )

    def face(self, d: int, end: int, dtype) -> tuple[Array, ...]:
        """Coordinates of the centres of the outer faces across dimension d, one array a dimension, to broadcast."""
        points = []
        for k, (n, x, h) in enumerate(zip(self.cells, self.lower, self.widths, strict=True)):
            line = x + h * (np.array([end * n]) if k == d else np.arange(n) + 0.5)
            shape = [-1 if m == k else 1 for m in range(len(self.cells))]
            points.append(jnp.asarray(line.reshape(shape), dtype))
        return tuple(points)


class Level(eqx.Module):
    """The operator on one grid.

    **Attributes:**

    - `diagonal`: arrays whose sum is the diagonal, each to broadcast to `(vars, *cells)`.
    - `faces`: for each dimension beta / h^2 on the faces across it, `(vars, *cells)` with one more along it, or of
      length one where it is the same everywhere.
    - `kappa`: for each dimension what the values beyond its lower and upper face are multiples of; not used where it
      is periodic.
    - `grid`: static.
    """

    diagonal: tuple[Array, ...]
    faces: tuple[Array, ...]
    kappa: tuple[tuple[Array, Array], ...]
    grid: UniformGrid = eqx.field(static=True)


def level_of(grid: UniformGrid, alpha: Array, beta: tuple[Array, ...], relation: Relation) -> Level:
    """The operator on a grid, with `alpha` and `beta` of as many axes as its arrays."""
    faces = tuple(over_square(b, h) for b, h in zip(beta, grid.widths, strict=True))
    kappa = tuple(_kappa(grid, d, relation, alpha.dtype) for d in range(len(grid.cells)))
    parts = (alpha, *(_from_faces(grid, faces[d], kappa[d], d) for d in range(len(grid.cells))))
    # One array of all cells is read sooner than several, small ones sooner than one of all cells.
    full = any(part.shape[1:] == grid.cells for part in parts)
    return Level((functools.reduce(jnp.add, parts),) if full else parts, faces, kappa, grid)


def _kappa(grid: UniformGrid, d: int, relation: Relation, dtype) -> tuple[Array, Array]:
    """At both ends of a dimension."""
    ndim, h = len(grid.cells), grid.widths[d]
    if grid.periodic[d]:
        one = jnp.ones((1,) * (1 + ndim), dtype)
        return one, one
    ends = [
        tuple(jnp.asarray(factor, dtype) for factor in relation(d, end, grid.face(d, end, dtype))) for end in (0, 1)
    ]
    first, last = (ranked(beyond_over_inside(a, b, h), ndim) for a, b in ends)
    return first, last


def _from_faces(grid: UniformGrid, faces: Array, kappa: tuple[Array, Array], d: int) -> Array:
    """What the faces across dimension d give to the diagonal."""
    below, above = lower(faces, 1 + d), upper(faces, 1 + d)
    if grid.periodic[d]:
        return below + above
    first, last = (1 - k for k in kappa)
    inside = [jnp.ones((*k.shape[: 1 + d], grid.cells[d] - 1, *k.shape[2 + d :]), k.dtype) for k in kappa]
    first, last = jnp.concatenate([first, inside[0]], 1 + d), jnp.concatenate([inside[1], last], 1 + d)
    return below * first + above * last


def ranked(values: Array, ndim: int) -> Array:
    """With axes of length one in front, as many as are missing."""
    return values.reshape((1,) * (1 + ndim - values.ndim) + values.shape)


def applied(level: Level, e: Cells) -> Cells:
    """The left-hand side of the equation."""
    return diagonal_of(level) * e - coupled(level, e)


def diagonal_of(level: Level) -> Array:
    """The coefficient of a cell's own value."""
    return functools.reduce(jnp.add, level.diagonal)


def coupled(level: Level, e: Cells) -> Cells:
    """The values in neighbours of cells, times the coefficients between them."""
    parts = []
    for axis, (faces, periodic) in enumerate(zip(level.faces, level.grid.periodic, strict=True), 1):
        below, above = _neighbours(e, axis, periodic)
        if faces.shape[axis] == 1:
            parts.append(faces * (below + above))
        else:
            parts.append(lower(faces, axis) * below + upper(faces, axis) * above)
    return functools.reduce(jnp.add, parts)


def _neighbours(e: Cells, axis: int, periodic: bool) -> tuple[Cells, Cells]:
    """The values before and after each along an axis, zero beyond the domain.

    XLA makes faster loops of concatenated arrays than of padded or rolled ones: measured 0.5, 0.9 and 2 ns a cell.
    """
    first, last = ends_of(e, axis)
    if not periodic:
        first = last = jnp.zeros_like(first)
    return beside(e, axis, last, first)


def ends_of(e: Array, axis: int) -> tuple[Array, Array]:
    """The first and the last values along an axis."""
    n = e.shape[axis]
    return cut(e, axis, 0, n - 1), cut(e, axis, n - 1, 0)


def beside(e: Cells, axis: int, before: Array, after: Array) -> tuple[Cells, Cells]:
    """The values before and after each along an axis, given those before the first and after the last."""
    n = e.shape[axis]
    below = [before, lax.slice_in_dim(e, 0, n - 1, axis=axis)]
    return jnp.concatenate(below, axis), jnp.concatenate([lax.slice_in_dim(e, 1, n, axis=axis), after], axis)
