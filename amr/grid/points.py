"""Values at single points of a run, on the device."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from amr.mesh import Forest, Mesh, find, keys, row_major

from .halo import Store
from .pool import gather, room_of
from .topology import cell_sizes


class CellsAt(NamedTuple):
    """The cells that hold some points: their `values`, `(vars, points)`, and the coordinates of their centres."""

    values: Float[Array, "vars points"]
    centres: tuple[Float[Array, " points"], ...]


def cells_at(mesh: Mesh, forest: Forest, store: Store, finest: Int[Array, "ndim points"]) -> CellsAt:
    """The cells that hold some points, each given by the cell of the finest level that it lies in."""
    slot = find(mesh, keys(mesh, forest), finest // mesh.patch)
    cell = (finest >> (mesh.max_level - forest.level[slot])) % mesh.patch
    row = row_major(list(cell), mesh.patch)
    values = gather(store, room_of(store).place(store.shape[3], row, slot))
    sizes = cell_sizes(mesh, forest, store.dtype)[:, slot]
    number = (mesh.patch * forest.position[:, slot] + cell).astype(store.dtype) + jnp.asarray(0.5, store.dtype)
    return CellsAt(values, tuple(mesh.domain.lower[d] + number[d] * sizes[d] for d in range(mesh.ndim)))
