"""Ghost cells by one gather.

The gather reads from a *store* that holds, for every patch, three stretches of rows:

- its cells (for ghost cells that a leaf of the same level holds),
- their averages over blocks of `2**ndim` (a finer leaf holds them),
- a prolonged ring (a coarser leaf holds them): the children of the coarse cells that lie around the patch.

    r r r r r r r r        2D, 4 cells and 2 layers of ghost cells, a coarser leaf above, a finer one on the right:
    r r r r r r r r        `r` are read from the ring of the patch itself, `a` from the averages of the finer leaf,
    c c . . . . a a        `c` from the cells of leaves of the same level
    c c . . . . a a

The plan is two index arrays into the store, rebuilt at every regrid: one for the ghosted patches, one for the coarse
cells that rings are prolonged from.

The siblings of a patch are never coarser than it, so coarse cells lie only beyond the faces that a patch shares with
its parent: the ring has the shape of a corner, mirrored for each child so that it is the lower one. It is made of one
box a dimension, thin across it. All boxes have the same shape once the dimension across them is put first, so they are
prolonged at once, as if they were blocks, each from a dense window of coarse cells with as many layers around it as the
prolongation reads. (The boxes overlap where the ring bends; one of them is read there.)

    0 0 0 0 0 0 0      2D, depth 1: the coarse cells of box 0, thin along the first dimension (drawn downwards), and of
    1 . . . . . .      box 1, which has the uppermost cell on the left too; `.` are coarse cells in and around the patch
    1 . . . . . .

All that a ring needs is there as cells or averages, because of 2:1 balance: no leaf within a patch's width of the patch
is more than one level coarser, and none within the same distance of such a coarser leaf that touches the patch is
finer than the patch (`half_reach` checks the distances). So no parent patches are stored. Windows also cover cells
that no ghost cell depends on: what they read there is of no matter.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.mesh import Mesh, along, divided, looked_up, octants, picked, row_major

from .fusion import apart
from .leaves import Leaves, Topology, at_face
from .pool import Pool, active, gather, put_rows, room_of, rows_at, sweep, take
from .transfer import Prolongation, restrict

Store = Float[Array, "vars sweeps blocks rows lanes"]


class StoreRows(NamedTuple):
    """How many rows of a store each patch has: cells, averages, and prolonged cells of the ring."""

    cells: int
    averages: int
    ring: int

    @property
    def total(self) -> int:
        return sum(self)


def rows_of(mesh: Mesh, ghost: int) -> StoreRows:
    """The rows that each patch needs for `ghost` layers of ghost cells. Without levels cells alone are stored."""
    if mesh.max_level == 0:
        return StoreRows(mesh.cells_per_patch, 0, 0)
    ring = mesh.ndim * math.prod(ring_box(mesh.ndim, mesh.patch, ghost)) * mesh.children
    return StoreRows(mesh.cells_per_patch, (mesh.patch // 2) ** mesh.ndim, ring)


def ring_box(ndim: int, patch: int, ghost: int, margin: int = 0) -> tuple[int, ...]:
    """Coarse cells of a box of a ring, the dimension across it first, with a margin around.

    Boxes lie in the coarse window of the ghosted patch, mirrored so that the corner of its parent is the lower one."""
    depth = coarse_depth(ghost)
    return (depth + 2 * margin, *(patch // 2 + 2 * depth + 2 * margin,) * (ndim - 1))


def _turned(cells: np.ndarray, d: int) -> np.ndarray:
    """Coordinates `(ndim, ..)` in the order of box d, put back into their own order: dimension d is the first there."""
    return np.stack([*cells[1 : d + 1], cells[0], *cells[d + 1 :]])


@functools.cache
def _window_cells(ndim: int, patch: int, ghost: int, margin: int) -> np.ndarray:
    """The cells of the windows of all boxes as coordinates in the mirrored coarse window, shape `(ndim, points)`: box
    after box, each in row-major order of its own dimensions."""
    cells = np.indices(ring_box(ndim, patch, ghost, margin), np.int32).reshape(ndim, -1) - margin
    return np.concatenate([_turned(cells, d) for d in range(ndim)], axis=1)


def coarse_depth(ghost: int) -> int:
    """Layers of coarse cells that cover `ghost` layers of fine ones."""
    return (ghost + 1) // 2


def half_reach(mesh: Mesh, ghost: int, margin: int) -> int:
    """How many half patches around a patch the plan looks at, which may be two: see the top of this file."""
    needed = 2 * (coarse_depth(ghost) + margin)
    if needed > mesh.patch:
        raise InvalidSettingError("patch", f"{mesh.patch} is too small for {ghost} ghost cells; use at least {needed}")
    return -(-needed // (mesh.patch // 2))


def stored(mesh: Mesh, ghost: int, count: Int[Array, ""], u: Pool) -> Store:
    """A store with the cells of a pool and their averages; the ring is not filled yet."""
    layout, rows = room_of(u), rows_of(mesh, ghost)
    empty = jnp.zeros((u.shape[0], layout.sweeps, layout.blocks, rows.total, layout.lanes), u.dtype)
    return sweep(layout, count, lambda i, store: put_cells(mesh, store, take(u, i), i), empty)


def put_cells(mesh: Mesh, store: Store, cells: Float[Array, "vars blocks *cells lanes"], i: Int[Array, ""]) -> Store:
    """The store with new cells in sweep i, and their averages."""
    shape = (*cells.shape[:2], -1, cells.shape[-1])
    rows = cells.reshape(shape)
    if mesh.max_level > 0:
        rows = jnp.concatenate([rows, restrict(cells, skip=2).reshape(shape)], axis=2)
    return put_rows(store, rows, i)


def cells_part(mesh: Mesh, store: Store, i: Int[Array, ""]) -> Float[Array, "vars blocks *cells lanes"]:
    """The cells of sweep i."""
    cells = rows_at(store, i, 0, mesh.cells_per_patch)
    return cells.reshape(*cells.shape[:2], *mesh.patch_shape, cells.shape[-1])


def cells_of(mesh: Mesh, store: Store, count: Int[Array, ""]) -> Pool:
    """The cells of all patches as a pool, with zeros in empty slots."""
    cells = store[:, :, :, : mesh.cells_per_patch].reshape(*store.shape[:3], *mesh.patch_shape, store.shape[4])
    return jnp.where(active(room_of(store), count, mesh.ndim), cells, 0)


def fill_ring(
    mesh: Mesh,
    topology: Topology,
    store: Store,
    prolongation: Prolongation,
    beyond: Callable[[Array, Int[Array, ""]], Array] | None = None,
    useful: Bool[Array, ""] | None = None,
) -> Store:
    """The store with the rings of all patches prolonged from its cells and averages (if that is `useful`).

    Windows that reach beyond a face of the domain have the cells inside there, mirrored at the face or, where the plan
    does not say so, the last one. `beyond(near, i)` may put other values in their place: `near` are the windows of
    sweep i, `(vars, blocks, points, lanes)`; see `window_places`.
    """
    if mesh.max_level == 0:
        return store
    if prolongation.margin != topology.margin:
        raise ValueError(f"plans were made for a margin of {topology.margin}, not of {prolongation.margin} cells")
    first = mesh.cells_per_patch + (mesh.patch // 2) ** mesh.ndim
    box = ring_box(mesh.ndim, mesh.patch, topology.ghost, topology.margin)

    def children(near):
        """Box after box, child after child, the cells of each in row-major order."""
        windows = near.reshape(near.shape[0], -1, *box, near.shape[-1])
        stacked = jax.vmap(lambda window: jnp.stack(prolongation.children(window), 1), in_axes=1, out_axes=1)(windows)
        return stacked.reshape(*near.shape[:2], -1, near.shape[-1])

    def with_ring(i, store):
        near = apart(topology.valid, lambda: gather(store, take(topology.stencil, i, axis=0)))
        near = near if beyond is None else beyond(near, i)
        ring = apart(topology.valid, lambda: children(near))
        return put_rows(store, ring, i, first)

    return sweep(room_of(store), topology.forest.count, with_ring, store, useful=useful)


def ghosted_part(topology: Topology, store: Store, i: Int[Array, ""]) -> Float[Array, "vars blocks *ghosted lanes"]:
    """The patches of sweep i with their ghost cells filled, from a store with rings."""
    return apart(topology.valid, lambda: gather(store, take(topology.fill, i, axis=0)))


def finer_cells(mesh: Mesh, leaves: Leaves, ghost: int) -> Bool[Array, "*ghosted patches"]:
    """Which cells of the ghosted patches lie in finer leaves."""
    return (leaves.relative > 0)[_regions(mesh, leaves.reach, ghost)]


def coarser_cells(mesh: Mesh, leaves: Leaves, ghost: int) -> Bool[Array, "*ghosted patches"]:
    """Which of them lie in coarser leaves."""
    return (leaves.relative < 0)[_regions(mesh, leaves.reach, ghost)]


def _regions(mesh: Mesh, reach: int, ghost: int) -> np.ndarray:
    """For each cell of a ghosted patch, the number of the half patch (of `forest.half_offsets`) that it lies in."""
    half = np.arange(-ghost, mesh.patch + ghost, dtype=np.int32) // (mesh.patch // 2) + reach
    return row_major([along(half, d, mesh.ndim)[..., 0] for d in range(mesh.ndim)], 2 + 2 * reach)


def fill_indices(mesh: Mesh, topology: Topology, leaves: Leaves) -> Int[Array, "*ghosted patches"]:
    """Places of the cells of ghosted patches."""
    ndim, patch, ghost, layout = mesh.ndim, mesh.patch, topology.ghost, topology.layout
    rows = rows_of(mesh, ghost)
    half, depth = patch // 2, coarse_depth(ghost)
    # Per dimension, the cell that a ghost cell copies, counted from the patch's corner: shape (width, patches), or
    # (width, 1) where it is the same for all patches; NumPy then computes all that follows from it beforehand.
    offset = np.arange(-ghost, patch + ghost, dtype=np.int32)[:, None]
    cell = [_inside(mesh, leaves, d, offset, patch - 1) for d in range(ndim)]

    region = _regions(mesh, leaves.reach, ghost)
    start = picked(layout.start(rows.total, leaves.around), region)
    inside = [divided(c + patch, patch)[1] for c in cell]
    same = row_major([along(c, d, ndim) for d, c in enumerate(inside)], patch)
    if mesh.max_level == 0:
        return start + same * layout.lanes
    above = picked(leaves.relative, region)
    finer = rows.cells + row_major([along(divided(c, half)[1], d, ndim) for d, c in enumerate(inside)], half)

    # Mirrored cells, counted from the corner of the window; each pair of these belongs to one coarse cell.
    upper = leaves.position & 1
    mirrored = [jnp.where(upper[d] == 0, c, patch - 1 - c) + 2 * depth for d, c in enumerate(cell)]
    number = row_major([along(m, d, ndim) for d, m in enumerate(mirrored)], patch + 4 * depth)
    coarser = rows.cells + rows.averages + looked_up(jnp.asarray(_ring_rows(ndim, patch, ghost)), number)
    row = jnp.where(above > 0, finer, jnp.where(above < 0, coarser, same))
    return jnp.where(above < 0, layout.start(rows.total, leaves.slot), start) + row * layout.lanes


def stencil_indices(mesh: Mesh, topology: Topology, leaves: Leaves) -> Int[Array, "points lanes"]:
    """Places of the cells of all windows of a ring."""
    patch, half, layout, rows = mesh.patch, mesh.patch // 2, topology.layout, rows_of(mesh, topology.ghost)
    places = window_places(mesh, leaves, topology.ghost, topology.margin)
    inside = places
    if not all(mesh.domain.periodic):
        inside = jnp.stack([_inside(mesh, leaves, d, c, half - 1, topology.mirrors[d]) for d, c in enumerate(places)])
    region = divided(2 * inside + half * leaves.reach, half)[0]
    same = divided(inside + half * (leaves.position & 1)[:, None] + patch, patch)[1]
    finer = divided(inside + half, half)[1]
    near = row_major(list(region), 2 + 2 * leaves.reach) * layout.lanes + jnp.arange(layout.lanes, dtype=jnp.int32)
    owner, relative = (looked_up(halves.reshape(-1), near) for halves in (leaves.around, leaves.relative))
    row = jnp.where(relative < 0, row_major(list(same), patch), rows.cells + row_major(list(finer), half))
    return layout.place(rows.total, row, owner)


def window_places(mesh: Mesh, leaves: Leaves, ghost: int, margin: int) -> Int[Array, "ndim points lanes"]:
    """Where the cells of all windows of a ring lie along each dimension, in coarse cells from the patch's corner."""
    offset = _window_cells(mesh.ndim, mesh.patch, ghost, margin)[..., None] - coarse_depth(ghost)
    return jnp.where((leaves.position & 1)[:, None] == 0, offset, mesh.patch // 2 - 1 - offset)


def _inside(mesh: Mesh, leaves: Leaves, d: int, cell, last: int, mirrors: tuple[bool, bool] = (False, False)):
    """Cells counted from the corner of patches that end with the cell `last`, `(*cells, 1)` or `(*cells, patches)`:
    those beyond faces of the domain mirrored at them or, where `mirrors` does not say so, moved to the last inside."""
    if mesh.domain.periodic[d]:
        return cell
    low, high = mirrors
    cell = jnp.where(at_face(mesh, leaves, d, 0), jnp.maximum(cell, -1 - cell if low else 0), cell)
    return jnp.where(at_face(mesh, leaves, d, 1), jnp.minimum(cell, 2 * last + 1 - cell if high else last), cell)


@functools.cache
def _ring_rows(ndim: int, patch: int, ghost: int) -> np.ndarray:
    """For each child of a cell of the mirrored coarse window, its row in the ring (see `fill_ring`), 0 where
    it has none; row-major."""
    box = ring_box(ndim, patch, ghost)
    fine = np.zeros((patch + 4 * coarse_depth(ghost),) * ndim, np.int32)
    cells, children = np.indices(box, np.int32).reshape(ndim, -1), octants(ndim)
    row = np.arange(ndim * len(children) * cells.shape[1], dtype=np.int32).reshape(ndim, len(children), -1)
    for d in reversed(range(ndim)):
        for number, child in enumerate(children):
            fine[tuple(_turned(2 * cells + child[:, None], d))] = row[d, number]
    return fine.reshape(-1)
