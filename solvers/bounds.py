"""Keeping a bounded field within its bounds where levels meet.

The scheme keeps every cell within bounds as long as its fluxes are its own. A coarse cell beside a finer leaf gets
fluxes that were limited with the finer cells in view, and may slip past a bound by a tiny amount.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.forest import Forest
from amr.mesh import Mesh
from amr.pool import Pool, active, layout_of
from amr.topology import cell_sizes


def clip_and_assure_sum(mesh: Mesh, forest: Forest, u: Pool, bounds) -> Pool:
    """Clip to the bounds and take the difference from (or give it to) all cells in proportion to their room.

    The integral stays what it was, to roundoff ("clip and assured sum": Bradley, Bosler, Guba, Taylor, Barnett, SIAM
    J. Sci. Comput. 41, 2019). Where nothing exceeds the bounds, nothing changes.
    """
    used = active(layout_of(u), forest.count, mesh.ndim)
    volume = cell_sizes(mesh, forest, u.dtype).prod(0).reshape(used.shape)
    column = (-1, *(1,) * (u.ndim - 1))

    def integral(values) -> Float[Array, "vars ..."]:
        return jnp.where(used, values * volume, 0).sum(tuple(range(1, u.ndim))).reshape(column)

    low, high = (bound.reshape(column) for bound in bounds)
    clipped = jnp.where(used, jnp.clip(u, low, high), 0)
    lost = integral(u - clipped)
    room = jnp.where(lost > 0, high - clipped, clipped - low)
    total = integral(room)
    share = lost / jnp.where(total > 0, total, 1)
    return jnp.where(used, clipped + share * room, 0)
