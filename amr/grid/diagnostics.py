"""Numbers that say what a field holds: integrals, extrema, norms. All per variable, over the active patches."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .topology import cell_sizes

Pool = Float[Array, "vars *cells patches"]
PerVariable = Float[Array, " vars"]


def integral(mesh: Mesh, forest: Forest, u: Pool) -> PerVariable:
    """The volume integral of each variable."""
    volume = cell_sizes(mesh, forest, u.dtype).prod(0)
    axes = tuple(range(1, u.ndim - 1))
    return jnp.where(forest.active, u.sum(axes) * volume, 0).sum(-1)


def minimum(forest: Forest, u: Pool) -> PerVariable:
    """The least value of each variable."""
    return jnp.where(forest.active, u, jnp.inf).min(tuple(range(1, u.ndim)))


def maximum(forest: Forest, u: Pool) -> PerVariable:
    """The largest value of each variable."""
    return jnp.where(forest.active, u, -jnp.inf).max(tuple(range(1, u.ndim)))


def norms(mesh: Mesh, forest: Forest, difference: Pool) -> dict[str, PerVariable]:
    """Volume-weighted mean (l1), root mean square (l2) and largest value (linf) of the absolute values."""
    size = jnp.abs(difference)
    volume = mesh.domain.volume
    return {
        "l1": integral(mesh, forest, size) / volume,
        "l2": jnp.sqrt(integral(mesh, forest, size**2) / volume),
        "linf": maximum(forest, size),
    }
