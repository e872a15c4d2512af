"""Keeping a bounded field within its bounds where levels meet.

The scheme keeps every cell within bounds as long as its fluxes are its own. A coarse cell beside a finer leaf gets
fluxes that were limited with the finer cells in view, and may slip past a bound by a tiny amount.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.diagnostics import integral
from amr.forest import Forest
from amr.mesh import Mesh

Pool = Float[Array, "vars *cells patches"]


def clip_and_assure_sum(mesh: Mesh, forest: Forest, u: Pool, bounds) -> Pool:
    """Clip to the bounds and take the difference from (or give it to) all cells in proportion to their room.

    The integral stays what it was, to roundoff ("clip and assured sum": Bradley, Bosler, Guba, Taylor, Barnett, SIAM
    J. Sci. Comput. 41, 2019). Where nothing exceeds the bounds, nothing changes.
    """
    column = (-1, *(1,) * (u.ndim - 1))
    low, high = (bound.reshape(column) for bound in bounds)
    clipped = jnp.where(forest.active, jnp.clip(u, low, high), 0)
    lost = integral(mesh, forest, u - clipped).reshape(column)
    room = jnp.where(lost > 0, high - clipped, clipped - low)
    total = integral(mesh, forest, room).reshape(column)
    share = lost / jnp.where(total > 0, total, 1)
    return jnp.where(forest.active, clipped + share * room, 0)
