"""Ghost cells by one gather.

The plan is an index array, rebuilt at every regrid, into three stretches laid end to end:

- the pool itself (ghost cells that a leaf of the same level holds),
- the restricted pool (a finer leaf holds them): `restrict(u)`,
- the prolonged ring (a coarser leaf holds them): the children of the coarse cells that lie around a patch.

The ring is kept small by two facts. The siblings of a patch are never coarser than it, so coarse cells lie only
beyond the faces that a patch shares with its parent: the ring has the shape of a corner, mirrored for each child.
And 2:1 balance means that the coarse cells of the ring and their face neighbours, from which slopes are taken, are
found in the pool or in the restricted pool. So no parent patches are stored and no wider search is needed.
"""

from __future__ import annotations

import functools
import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .errors import InvalidSettingError
from .forest import Forest
from .fusion import apart
from .indices import along, row_major
from .mesh import Mesh
from .transfer import Prolongation, restrict


class HaloPlan(eqx.Module):
    """Indices that fill the ghost cells of every patch.

    **Attributes:**

    - `fill`: for each cell of the ghosted patches, its place in (pool, restricted pool, prolonged ring).
    - `stencil`: for each coarse cell of the ring and its face neighbours, their places in (pool, restricted pool).
    - `valid`: true, but unknown to the compiler: see `amr.fusion`.
    """

    fill: Int[Array, "*ghosted patches"]
    stencil: Int[Array, "points ring patches"]
    valid: Bool[Array, ""]


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


def build_plan(mesh: Mesh, forest: Forest, around: Int[Array, "halves patches"], ghost: int) -> HaloPlan:
    """The plan for `ghost` layers; `around` is `forest.neighbours` with the reach of `half_reach`."""
    _check_capacity(mesh, forest.capacity, ghost)
    fill = _fill_indices(mesh, forest, around, ghost)
    return HaloPlan(fill, _stencil_indices(mesh, forest, around, ghost), forest.count > 0)


def _check_capacity(mesh: Mesh, capacity: int, ghost: int) -> None:
    """Indices are int32."""
    ring = len(ring_cells(mesh.ndim, mesh.patch, ghost)) * mesh.children if mesh.max_level > 0 else 0
    most = (2**31 - 1) // (mesh.cells_per_patch + (mesh.patch // 2) ** mesh.ndim + ring)
    if capacity > most:
        raise InvalidSettingError("capacity", f"{capacity} patches of {mesh.patch} cells a side; at most {most}")


def fill_ghosts(
    mesh: Mesh, plan: HaloPlan, u: Float[Array, "vars *cells patches"], prolongation: Prolongation
) -> Float[Array, "vars *ghosted patches"]:
    """All patches with their ghost cells filled."""
    variables = u.shape[0]
    known = jnp.concatenate([u.reshape(variables, -1), restrict(u).reshape(variables, -1)], axis=1)
    if mesh.max_level > 0:
        ring = apart(plan.valid, lambda: _prolonged_ring(plan, known, prolongation))
        known = jnp.concatenate([known, ring.reshape(variables, -1)], axis=1)
    return apart(plan.valid, lambda: known.at[:, plan.fill].get(mode="promise_in_bounds"))


def _prolonged_ring(plan: HaloPlan, known, prolongation: Prolongation) -> Float[Array, "vars ring children patches"]:
    near = known.at[:, plan.stencil].get(mode="promise_in_bounds")
    ndim = near.shape[1] // 2
    pairs = [(near[:, 1 + 2 * d], near[:, 2 + 2 * d]) for d in range(ndim)]
    return jnp.stack(prolongation.children(near[:, 0], pairs), axis=2)


def finer_cells(
    mesh: Mesh, forest: Forest, around: Int[Array, "halves patches"], reach: int, ghost: int
) -> Bool[Array, "*ghosted patches"]:
    """Which cells of the ghosted patches lie in finer leaves."""
    return (forest.level[around] > forest.level)[_regions(mesh, reach, ghost)]


def _regions(mesh: Mesh, reach: int, ghost: int) -> np.ndarray:
    """For each cell of a ghosted patch, the number of the half patch (of `forest.half_offsets`) that it lies in."""
    half = np.arange(-ghost, mesh.patch + ghost, dtype=np.int32) // (mesh.patch // 2) + reach
    return row_major([along(half, d, mesh.ndim)[..., 0] for d in range(mesh.ndim)], 2 + 2 * reach)


def _fill_indices(mesh: Mesh, forest: Forest, around, ghost: int) -> Int[Array, "*ghosted patches"]:
    ndim, patch, capacity = mesh.ndim, mesh.patch, forest.capacity
    reach, half = half_reach(mesh, ghost), patch // 2
    depth = coarse_depth(ghost)
    # Per dimension, the cell that a ghost cell copies, counted from the patch's corner: shape (width, patches).
    offset = jnp.arange(-ghost, patch + ghost, dtype=jnp.int32)[:, None]
    cell = [_clamped(mesh, forest, d, offset, patch - 1) for d in range(ndim)]

    region = _regions(mesh, reach, ghost)
    owner = around[region]
    above = (forest.level[around] - forest.level)[region]

    same = row_major([along(c % patch, d, ndim) for d, c in enumerate(cell)], patch)
    finer = row_major([along(c % half, d, ndim) for d, c in enumerate(cell)], half)
    index = jnp.where(above > 0, mesh.cells_per_patch * capacity + finer * capacity, same * capacity) + owner
    if mesh.max_level == 0:
        return index

    odd = 2 * depth - ghost
    window = half + 2 * depth
    lower = [(forest.position[d] & 1) == 0 for d in range(ndim)]
    coarse = [(c + ghost + odd) // 2 for c in cell]
    mirrored = [jnp.where(lower[d], coarse[d], window - 1 - coarse[d]) for d in range(ndim)]
    number = jnp.asarray(_ring_numbers(ndim, patch, ghost))[
        row_major([along(m, d, ndim) for d, m in enumerate(mirrored)], window)
    ]
    child = sum(along(((c + ghost + odd) & 1) << d, d, ndim) for d, c in enumerate(cell))
    start = (mesh.cells_per_patch + half**ndim) * capacity
    coarser = start + (number * mesh.children + child) * capacity + jnp.arange(capacity, dtype=jnp.int32)
    return jnp.where(above < 0, coarser, index)


def _stencil_indices(mesh: Mesh, forest: Forest, around, ghost: int) -> Int[Array, "points ring patches"]:
    """Places of each ring cell and of its neighbours at -1 and +1 in every dimension."""
    ndim, patch, capacity = mesh.ndim, mesh.patch, forest.capacity
    reach, half = half_reach(mesh, ghost), patch // 2
    depth = coarse_depth(ghost)
    ring = ring_cells(ndim, patch, ghost)
    step = np.zeros((1 + 2 * ndim, ndim), np.int32)
    for d in range(ndim):
        step[1 + 2 * d, d], step[2 + 2 * d, d] = -1, 1

    region, same, finer = [], [], []
    for d in range(ndim):
        upper = forest.position[d] & 1
        mirrored = jnp.asarray(ring[:, d])[:, None]
        offset = jnp.where(upper == 0, mirrored, half + 2 * depth - 1 - mirrored) - depth
        coarse = jnp.asarray(step[:, d])[:, None, None] + offset
        inside = _clamped(mesh, forest, d, coarse, half - 1)
        region.append(2 * inside // half + reach)
        same.append((inside + half * upper) % patch)
        finer.append(inside % half)
    owner = around[row_major(region, 2 + 2 * reach), jnp.arange(capacity, dtype=jnp.int32)]
    relative = forest.level[owner] - forest.level
    restricted = (mesh.cells_per_patch + row_major(finer, half)) * capacity + owner
    direct = row_major(same, patch) * capacity + owner
    return jnp.where(relative < 0, direct, restricted)


def _clamped(mesh: Mesh, forest: Forest, d: int, cell: Array, last: int) -> Array:
    """Cells counted from a patch's corner (`(*cells, 1)` or `(*cells, patches)`), those beyond a non-periodic
    boundary moved to the last cell inside."""
    if mesh.domain.periodic[d]:
        return cell
    first_patch = forest.position[d] == 0
    last_patch = forest.position[d] == (mesh.roots[d] << forest.level) - 1
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
