"""Keeping a bounded field within its bounds where levels meet.

The scheme keeps every cell within bounds as long as its fluxes are its own. A coarse cell beside a finer leaf gets
fluxes that were limited with the finer cells in view, and may slip past a bound by a tiny amount.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .halo import Store, cells_part, put_cells
from .pool import arranged, room_of, sweep, take_patches
from .topology import cell_sizes

Bounds = tuple[Float[Array, " vars"], Float[Array, " vars"]]


def clip_and_assure_sum(mesh: Mesh, forest: Forest, store: Store, bounds: Bounds) -> Store:
    """Clip cells to the bounds and take the difference from (or give it to) all of them in proportion to their room.

    The integral stays what it was, to roundoff ("clip and assured sum": Bradley, Bosler, Guba, Taylor, Barnett, SIAM
    J. Sci. Comput. 41, 2019). Cells are changed where they lie in the store, and their averages with them.
    """
    layout = room_of(store)
    volumes = jnp.where(forest.active, cell_sizes(mesh, forest, store.dtype).prod(0), 0)
    low, high = (bound.reshape(-1, *(1,) * (mesh.ndim + 2)) for bound in bounds)

    def summed(i, totals):
        cells = cells_part(mesh, store, i)
        volume = arranged(layout, take_patches(layout, volumes, i)).reshape(-1, *(1,) * mesh.ndim, layout.lanes)
        clipped = jnp.clip(cells, low, high)
        parts = (cells - clipped, high - clipped, clipped - low)
        used = (jnp.where(volume > 0, part * volume, 0) for part in parts)
        return tuple(total + part.sum(tuple(range(1, part.ndim))) for total, part in zip(totals, used, strict=True))

    nothing = jnp.zeros(store.shape[0], store.dtype)
    totals = sweep(layout, forest.count, summed, (nothing, nothing, nothing))
    lost, above, below = (total.reshape(low.shape) for total in totals)
    room = jnp.where(lost > 0, above, below)
    share = lost / jnp.where(room > 0, room, 1)

    def mended(i, store):
        clipped = jnp.clip(cells_part(mesh, store, i), low, high)
        return put_cells(mesh, store, clipped + share * jnp.where(lost > 0, high - clipped, clipped - low), i)

    return sweep(layout, forest.count, mended, store)
