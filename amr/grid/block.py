"""Where given functions of position are sampled: points of cells, faces and edges; and their averages over cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from amr.mesh import Forest, Mesh, root_forest

from .boundary import averaged
from .fusion import apart, evaluate_sparingly
from .halo import coarser_cells, finer_cells
from .leaves import Leaves, leaves_of
from .topology import cell_sizes, coordinates

Offsets = tuple[np.ndarray | Array, ...]  # places along each dimension in cells, from the lower corner of a patch


class Block(eqx.Module):
    """Some patches; arrays have them as the last axis.

    **Attributes:** `leaves`: the patches; `ghost`: layers of ghost cells; `dtype`: of all numbers.
    """

    mesh: Mesh = eqx.field(static=True)
    leaves: Leaves
    ghost: int = eqx.field(static=True)
    dtype: Any = eqx.field(static=True)

    @classmethod
    def of_roots(cls, mesh: Mesh, ghost: int, dtype) -> Block:
        """The patches of the root grid."""
        return cls(mesh, leaves_of(mesh, root_forest(mesh, mesh.root_count), 1).all(), ghost, dtype)

    @property
    def patches(self) -> int:
        """How many there are."""
        return self.leaves.level.shape[0]

    @property
    def nodes(self) -> np.ndarray:
        """Ends of the ghosted cells along a dimension."""
        return np.arange(-self.ghost, self.mesh.patch + self.ghost + 1, dtype=self.dtype)

    @property
    def centres(self) -> np.ndarray:
        """Centres of the ghosted cells along a dimension."""
        return self.nodes[:-1] + np.asarray(0.5, self.dtype)

    @property
    def widths(self) -> Float[Array, "ndim patches"]:
        """Cell widths."""
        return cell_sizes(self.mesh, self.leaves, self.dtype)

    @property
    def finer(self) -> Bool[Array, "*ghosted patches"]:
        """Which of the ghosted cells lie in finer patches."""
        return finer_cells(self.mesh, self.leaves, self.ghost)

    @property
    def coarser(self) -> Bool[Array, "*ghosted patches"]:
        """Which of them lie in coarser patches."""
        return coarser_cells(self.mesh, self.leaves, self.ghost)

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """`compute()`, computed once and stored: see `amr.grid.fusion`."""
        return apart(self.leaves.valid, compute)

    def points(self, offsets: Offsets) -> tuple[Float[Array, "..."], ...]:
        """Coordinates of points, to broadcast over `(*offsets, patches)`; those beyond a face of the domain that is not
        periodic are moved onto it, since a given function need not make sense outside."""
        domain, everywhere = self.mesh.domain, coordinates(self.mesh, self.leaves, offsets, self.dtype)
        ends = zip(everywhere, domain.periodic, domain.lower, domain.upper, strict=True)
        return tuple(x if periodic else jnp.clip(x, low, high) for x, periodic, low, high in ends)

    def called(self, function: Callable, offsets: Offsets, *time: Array) -> Any:
        """What a function of position (and time) gives there, each costly part of it for the coordinates that it
        depends on alone."""
        return evaluate_sparingly(self.leaves.valid, function, *self.points(offsets), *time)

    def filled(self, values: Any, offsets: Offsets) -> Float[Array, "*points patches"]:
        """Values at such points, which may be the same in all of them."""
        return jnp.broadcast_to(jnp.asarray(values, self.dtype), (*map(len, offsets), self.patches))


def averages(
    mesh: Mesh, forest: Forest, function: Callable[..., Array], rows: int, points: int, dtype
) -> Float[Array, "rows *cells patches"]:
    """Averages over the cells of all active patches of `function(*x)`, which gives `(rows, *cells, patches)`, by Gauss'
    quadrature with so many `points` along each dimension: one takes the values at cell centres for averages."""
    cells = np.arange(mesh.patch, dtype=dtype)

    def at(place):
        return function(*coordinates(mesh, forest, tuple(cells + jnp.asarray(p, dtype) for p in place), dtype))

    centre, shape = (0.5,) * mesh.ndim, (rows, *mesh.patch_shape, forest.capacity)
    values = at(centre) if points == 1 else averaged(at, points, centre, jnp.zeros(shape, dtype))
    return jnp.where(forest.active, values, 0)
