"""Ghost cells by one gather.

The gather reads from a *store* that holds, for every patch, three stretches of rows:

- its cells (for ghost cells that a leaf of the same level holds),
- their averages over blocks of `2**ndim` (a finer leaf holds them),
- a prolonged ring (a coarser leaf holds them): the children of the coarse cells that lie around the patch.

The plan is an index array into the store, rebuilt at every regrid.

The ring is kept small by two facts. The siblings of a patch are never coarser than it, so coarse cells lie only
beyond the faces that a patch shares with its parent: the ring has the shape of a corner, mirrored for each child.
And 2:1 balance means that the coarse cells of the ring and their face neighbours, from which slopes are taken, are
found among the cells and the averages. So no parent patches are stored and no wider search is needed.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .errors import InvalidSettingError
from .fusion import apart
from .indices import along, row_major
from .leaves import Leaves, over_blocks
from .mesh import Mesh
from .pool import Layout, Pool, active, at, gather, layout_of, put, sweep, take
from .transfer import Prolongation, restrict

Store = Float[Array, "vars sweeps blocks rows lanes"]


class HaloPlan(eqx.Module):
    """Indices into a store that fill the ghost cells of every patch.

    **Attributes:**

    - `fill`: for each cell of the ghosted patches, its place.
    - `stencil`: for each coarse cell of the ring and its face neighbours, their places.
    - `valid`: true, but unknown to the compiler: see `amr.fusion`.
    """

    fill: Int[Array, "sweeps blocks *ghosted lanes"]
    stencil: Int[Array, "sweeps blocks points ring lanes"]
    valid: Bool[Array, ""]


@dataclass(frozen=True)
class Rows:
    """How many rows of a store each patch has: cells, averages, and prolonged cells of the ring."""

    cells: int
    averages: int
    ring: int

    @property
    def total(self) -> int:
        return self.cells + self.averages + self.ring


def rows_of(mesh: Mesh, ghost: int) -> Rows:
    """The rows that each patch needs for `ghost` layers of ghost cells. Without levels cells alone are stored."""
    if mesh.max_level == 0:
        return Rows(mesh.cells_per_patch, 0, 0)
    ring = len(ring_cells(mesh.ndim, mesh.patch, ghost)) * mesh.children
    return Rows(mesh.cells_per_patch, (mesh.patch // 2) ** mesh.ndim, ring)


@functools.cache
def ring_cells(ndim: int, patch: int, ghost: int) -> np.ndarray:
    """Coarse cells that can lie beyond a patch's parent, as offsets in the coarse window of a child that is its
    parent's upper corner mirrored to the lower one; shape `(ring, ndim)`."""
    depth = coarse_depth(ghost)
    window = np.array(list(itertools.product(range(patch // 2 + 2 * depth), repeat=ndim)), np.int32)
    return window[(window < depth).any(axis=1)]


def coarse_depth(ghost: int) -> int:
    """Layers of coarse cells that cover `ghost` layers of fine ones."""
    return (ghost + 1) // 2


def half_reach(mesh: Mesh, ghost: int) -> int:
    """How many half patches around a patch the plan looks at."""
    needed = 2 * (coarse_depth(ghost) + 1)
    if needed > mesh.patch:
        raise InvalidSettingError("patch", f"{mesh.patch} is too small for {ghost} ghost cells; use at least {needed}")
    return -(-needed // (mesh.patch // 2))


def empty_plan(mesh: Mesh, layout: Layout, ghost: int, valid: Bool[Array, ""]) -> HaloPlan:
    """A plan that holds no indices yet."""
    _check_capacity(mesh, layout, ghost)
    around = (layout.sweeps, layout.blocks)
    width = (mesh.patch + 2 * ghost,) * mesh.ndim
    ring = (1 + 2 * mesh.ndim, len(ring_cells(mesh.ndim, mesh.patch, ghost)) if mesh.max_level > 0 else 0)
    fill = jnp.zeros((*around, *width, layout.lanes), jnp.int32)
    return HaloPlan(fill, jnp.zeros((*around, *ring, layout.lanes), jnp.int32), valid)


def plan_part(mesh: Mesh, layout: Layout, plan: HaloPlan, leaves: Leaves, ghost: int, i: Int[Array, ""]) -> HaloPlan:
    """The plan with the indices of sweep i filled in, from the `leaves` of that sweep."""
    fill = apart(leaves.valid, lambda: over_blocks(functools.partial(_fill_indices, mesh, layout, ghost), leaves))
    plan = eqx.tree_at(lambda plan: plan.fill, plan, put(plan.fill, fill, i, axis=0))
    if mesh.max_level == 0:
        return plan
    one = functools.partial(_stencil_indices, mesh, layout, ghost)
    stencil = apart(leaves.valid, lambda: over_blocks(one, leaves))
    return eqx.tree_at(lambda plan: plan.stencil, plan, put(plan.stencil, stencil, i, axis=0))


def _check_capacity(mesh: Mesh, layout: Layout, ghost: int) -> None:
    """Indices are int32."""
    most = (2**31 - 1) // rows_of(mesh, ghost).total
    if layout.capacity > most:
        raise InvalidSettingError("capacity", f"{layout.capacity} patches of {mesh.patch} cells a side; at most {most}")


def stored(mesh: Mesh, ghost: int, count: Int[Array, ""], u: Pool) -> Store:
    """A store with the cells of a pool and their averages; the ring is not filled yet."""
    layout, rows = layout_of(u), rows_of(mesh, ghost)
    empty = jnp.zeros((u.shape[0], layout.sweeps, layout.blocks, rows.total, layout.lanes), u.dtype)
    return sweep(layout, count, lambda i, store: put_cells(mesh, store, take(u, i), i), empty)


def put_cells(mesh: Mesh, store: Store, cells: Float[Array, "vars blocks *cells lanes"], i: Int[Array, ""]) -> Store:
    """The store with new cells in sweep i, and their averages."""
    shape = (*cells.shape[:2], -1, cells.shape[-1])
    known = cells.reshape(shape)
    if mesh.max_level > 0:
        known = jnp.concatenate([known, restrict(cells, skip=2).reshape(shape)], axis=2)
    return lax.dynamic_update_slice(store, known[:, None], at(i, 0, None, 0, 0, 0))


def cells_part(mesh: Mesh, store: Store, i: Int[Array, ""]) -> Float[Array, "vars blocks *cells lanes"]:
    """The cells of sweep i."""
    size = (store.shape[0], 1, store.shape[2], mesh.cells_per_patch, store.shape[4])
    cells = lax.dynamic_slice(store, at(i, 0, None, 0, 0, 0), size)
    return cells.reshape(store.shape[0], store.shape[2], *mesh.patch_shape, store.shape[4])


def cells_of(mesh: Mesh, store: Store, count: Int[Array, ""]) -> Pool:
    """The cells of all patches as a pool, with zeros in empty slots."""
    cells = store[:, :, :, : mesh.cells_per_patch].reshape(*store.shape[:3], *mesh.patch_shape, store.shape[4])
    return jnp.where(active(layout_of(store), count, mesh.ndim), cells, 0)


def fill_ring(mesh: Mesh, layout: Layout, count, plan: HaloPlan, store: Store, prolongation: Prolongation) -> Store:
    """The store with the rings of all patches prolonged from its cells and averages."""
    if mesh.max_level == 0:
        return store
    first = mesh.cells_per_patch + (mesh.patch // 2) ** mesh.ndim

    def one(i, store):
        ring = apart(plan.valid, lambda: _prolonged_ring(store, take(plan.stencil, i, axis=0), prolongation))
        return lax.dynamic_update_slice(store, ring[:, None], at(i, 0, None, 0, first, 0))

    return sweep(layout, count, one, store)


def _prolonged_ring(store: Store, stencil, prolongation: Prolongation) -> Float[Array, "vars blocks ring lanes"]:
    near = gather(store, stencil)
    ndim = near.shape[2] // 2
    pairs = [(near[:, :, 1 + 2 * d], near[:, :, 2 + 2 * d]) for d in range(ndim)]
    children = jnp.stack(prolongation.children(near[:, :, 0], pairs), axis=3)
    return children.reshape(*children.shape[:2], -1, children.shape[-1])


def ghosted_part(plan: HaloPlan, store: Store, i: Int[Array, ""]) -> Float[Array, "vars blocks *ghosted lanes"]:
    """The patches of sweep i with their ghost cells filled, from a store with rings."""
    return apart(plan.valid, lambda: gather(store, take(plan.fill, i, axis=0)))


def finer_cells(mesh: Mesh, leaves: Leaves, ghost: int) -> Bool[Array, "*ghosted patches"]:
    """Which cells of the ghosted patches lie in finer leaves."""
    return (leaves.relative > 0)[_regions(mesh, half_reach(mesh, ghost), ghost)]


def _regions(mesh: Mesh, reach: int, ghost: int) -> np.ndarray:
    """For each cell of a ghosted patch, the number of the half patch (of `forest.half_offsets`) that it lies in."""
    half = np.arange(-ghost, mesh.patch + ghost, dtype=np.int32) // (mesh.patch // 2) + reach
    return row_major([along(half, d, mesh.ndim)[..., 0] for d in range(mesh.ndim)], 2 + 2 * reach)


def _fill_indices(mesh: Mesh, layout: Layout, ghost: int, leaves: Leaves) -> Int[Array, "*ghosted patches"]:
    ndim, patch, rows = mesh.ndim, mesh.patch, rows_of(mesh, ghost)
    half, depth = patch // 2, coarse_depth(ghost)
    # Per dimension, the cell that a ghost cell copies, counted from the patch's corner: shape (width, patches), or
    # (width, 1) where it is the same for all patches; NumPy then computes all that follows from it beforehand.
    offset = np.arange(-ghost, patch + ghost, dtype=np.int32)[:, None]
    cell = [_clamped(mesh, leaves, d, offset, patch - 1) for d in range(ndim)]

    region = _regions(mesh, half_reach(mesh, ghost), ghost)
    start = layout.place(rows.total, 0, leaves.around)[region]
    same = row_major([along(c % patch, d, ndim) for d, c in enumerate(cell)], patch)
    if mesh.max_level == 0:
        return start + same * layout.lanes
    above = leaves.relative[region]
    finer = rows.cells + row_major([along(c % half, d, ndim) for d, c in enumerate(cell)], half)

    odd = 2 * depth - ghost
    window = half + 2 * depth
    lower = [(leaves.position[d] & 1) == 0 for d in range(ndim)]
    coarse = [(c + ghost + odd) // 2 for c in cell]
    mirrored = [jnp.where(lower[d], coarse[d], window - 1 - coarse[d]) for d in range(ndim)]
    number = jnp.asarray(_ring_numbers(ndim, patch, ghost))[
        row_major([along(m, d, ndim) for d, m in enumerate(mirrored)], window)
    ]
    child = sum(along(((c + ghost + odd) & 1) << d, d, ndim) for d, c in enumerate(cell))
    coarser = rows.cells + rows.averages + number * mesh.children + child
    row = jnp.where(above > 0, finer, jnp.where(above < 0, coarser, same))
    return jnp.where(above < 0, layout.place(rows.total, 0, leaves.slot), start) + row * layout.lanes


def _stencil_indices(mesh: Mesh, layout: Layout, ghost: int, leaves: Leaves) -> Int[Array, "points ring patches"]:
    """Places of each ring cell and of its neighbours at -1 and +1 in every dimension."""
    ndim, patch, rows = mesh.ndim, mesh.patch, rows_of(mesh, ghost)
    reach, half = half_reach(mesh, ghost), patch // 2
    depth = coarse_depth(ghost)
    ring = ring_cells(ndim, patch, ghost)
    step = np.zeros((1 + 2 * ndim, ndim), np.int32)
    for d in range(ndim):
        step[1 + 2 * d, d], step[2 + 2 * d, d] = -1, 1

    region, same, finer = [], [], []
    for d in range(ndim):
        upper = leaves.position[d] & 1
        mirrored = jnp.asarray(ring[:, d])[:, None]
        offset = jnp.where(upper == 0, mirrored, half + 2 * depth - 1 - mirrored) - depth
        coarse = jnp.asarray(step[:, d])[:, None, None] + offset
        inside = _clamped(mesh, leaves, d, coarse, half - 1)
        region.append(2 * inside // half + reach)
        same.append((inside + half * upper) % patch)
        finer.append(inside % half)
    near = (row_major(region, 2 + 2 * reach), jnp.arange(layout.lanes, dtype=jnp.int32))
    owner, relative = leaves.around[near], leaves.relative[near]
    row = jnp.where(relative < 0, row_major(same, patch), rows.cells + row_major(finer, half))
    return layout.place(rows.total, row, owner)


def _clamped(mesh: Mesh, leaves: Leaves, d: int, cell, last: int):
    """Cells counted from a patch's corner (`(*cells, 1)` or `(*cells, patches)`), those beyond a non-periodic
    boundary moved to the last cell inside."""
    if mesh.domain.periodic[d]:
        return cell
    first_patch = leaves.position[d] == 0
    last_patch = leaves.position[d] == (mesh.roots[d] << leaves.level) - 1
    cell = jnp.where(first_patch, jnp.maximum(cell, 0), cell)
    return jnp.where(last_patch, jnp.minimum(cell, last), cell)


@functools.cache
def _ring_numbers(ndim: int, patch: int, ghost: int) -> np.ndarray:
    """For each cell of the mirrored coarse window, its number in `ring_cells`, 0 where it is none."""
    window = patch // 2 + 2 * coarse_depth(ghost)
    numbers = np.zeros((window,) * ndim, np.int32)
    ring = ring_cells(ndim, patch, ghost)
    numbers[tuple(ring.T)] = np.arange(len(ring))
    return numbers.reshape(-1)
