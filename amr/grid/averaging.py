"""Functions of position on the cells of a mesh."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .boundary import averaged
from .topology import coordinates


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
