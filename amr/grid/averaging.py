"""Functions of position on the cells of a mesh."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .boundary import gauss_points
from .topology import coordinates


def averages(
    mesh: Mesh, forest: Forest, function: Callable[..., Array], rows: int, points: int, dtype
) -> Float[Array, "rows *cells patches"]:
    """Averages over the cells of all active patches of `function(*x)`, which gives `(rows, *cells, patches)`, by Gauss'
    quadrature with so many `points` along each dimension: one takes the values at cell centres for averages."""
    cells = np.arange(mesh.patch, dtype=dtype)

    def at(place):
        return function(*coordinates(mesh, forest, tuple(cells + jnp.asarray(p, dtype) for p in place), dtype))

    if points == 1:
        return jnp.where(forest.active, at((0.5,) * mesh.ndim), 0)
    places, weights = gauss_points(points, mesh.ndim)

    def add(total, point):
        place, share = point
        return total + share * at(tuple(place)), None

    nothing = jnp.zeros((rows, *mesh.patch_shape, forest.capacity), dtype)
    total, _ = lax.scan(add, nothing, (jnp.asarray(0.5 + places, dtype), jnp.asarray(weights, dtype)))
    return jnp.where(forest.active, total, 0)
