"""Regrid: wishes of cells -> target levels -> buffer and 2:1 balance -> new forest -> data carried over.

All of it runs on the device with static shapes. When the pool is too small for the new forest, nothing changes and
the caller is told how much room is needed.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from . import forest as forests
from . import morton
from .errors import InvalidSettingError
from .forest import Forest, Transition
from .fusion import apart, by_halves
from .halo import Store, put_cells, rows_of
from .indicator import Indicator, PatchView
from .indices import along
from .leaves import Leaves, over_blocks
from .mesh import Mesh
from .pool import Pool, arranged, gather, listed, put, put_patches, sweep, take, take_patches
from .topology import Topology, cell_centres, cell_sizes
from .transfer import Prolongation, assemble, prolong

# Which half patches in and around each patch have a cell nearby that wishes to be refined, and to be kept.
Near = tuple[Bool[Array, "halves patches"], Bool[Array, "halves patches"]]


class Regridded(eqx.Module):
    """What a regrid gives back.

    **Attributes:**

    - `forest`: the new leaves; the old ones where the new ones do not fit.
    - `needed`: how many patches the new forest needs.
    - `changed`: whether any patch was refined or coarsened.
    """

    forest: Forest
    needed: Int[Array, ""]
    changed: Bool[Array, ""]


def regrid(
    mesh: Mesh, topology: Topology, store: Store, scratch: Pool, near: Near, prolongation: Prolongation
) -> tuple[Regridded, Store, Pool]:
    """Refine and coarsen once.

    `near` comes from `wishes_near`. The cells of the new patches are put together in `scratch`, whose contents are of
    no matter, and put back into the store (with their averages, but not the rings).
    """
    forest, layout = topology.forest, topology.layout
    target = target_levels(mesh, topology, near)
    target = forests.balance(mesh, forest, inner_halves(mesh, topology), target)
    target = jnp.where(forest.active, target, forest.level)
    new, transition, needed = lax.cond(
        (target != forest.level).any(), lambda: forests.adapt(mesh, forest, target), lambda: forests.unchanged(forest)
    )
    changed = (transition.change != 0).any()

    def carried(i, scratch):
        part = jax.tree.map(lambda values: arranged(layout, take_patches(layout, values, i)), transition)
        return put(scratch, carried_over(mesh, topology, part, store, prolongation), i)

    scratch = sweep(layout, new.count, carried, scratch, changed)
    store = sweep(layout, new.count, lambda i, s: put_cells(mesh, s, take(scratch, i), i), store, changed)
    return Regridded(new, needed, changed), store, scratch


def wishes_near(
    mesh: Mesh,
    topology: Topology,
    ghosted: Callable[[Int[Array, ""]], Float[Array, "vars blocks *ghosted lanes"]],
    indicator: Indicator,
    time,
    buffer: Int[Array, " patches"],
) -> Near:
    """Ask the indicator about every cell; `ghosted(i)` gives the patches of sweep i with their ghost cells.

    `buffer[p]` is how many cells around a wishing cell of patch p get what it wishes, at most half a patch.
    """
    layout = topology.layout

    def one(i, near):
        leaves = topology.part(i)
        values = ghosted(i)
        reach = arranged(layout, take_patches(layout, buffer, i))

        def wished(block, values, reach):
            wishes = wishes_of(mesh, block, indicator, values, time)
            return tuple(near_halves(mesh, wish, reach) for wish in refinable(mesh, block.level, wishes))

        found = apart(leaves.valid, lambda: over_blocks(wished, leaves, jnp.moveaxis(values, 1, 0), reach))
        return tuple(put_patches(layout, old, listed(new), i) for old, new in zip(near, found, strict=True))

    nothing = jnp.zeros((4**mesh.ndim, layout.capacity), bool)
    return sweep(layout, topology.forest.count, one, (nothing, nothing))


def wishes_of(
    mesh: Mesh,
    forest: Forest | Leaves,
    indicator: Indicator,
    ghosted: Float[Array, "vars *ghosted patches"],
    time: Float[Array, ""],
) -> tuple[Bool[Array, "*cells patches"], Bool[Array, "*cells patches"]]:
    """Ask the indicator about every cell of some patches."""
    dtype = ghosted.dtype
    ghost = (ghosted.shape[1] - mesh.patch) // 2

    def one(values, x, dx, level):
        pair = indicator.wishes(PatchView(values, x, dx, level, time, ghost))
        return tuple(jnp.broadcast_to(wish, mesh.patch_shape) for wish in pair)

    x = cell_centres(mesh, forest, dtype)
    return jax.vmap(one, in_axes=-1, out_axes=-1)(ghosted, x, cell_sizes(mesh, forest, dtype), forest.level)


def refinable(mesh: Mesh, level: Int[Array, " patches"], wishes: tuple[Array, Array]) -> tuple[Array, Array]:
    """Wishes to be refined where that is possible, and wishes to be kept, which include all of the former."""
    refine, keep = wishes
    return refine & (level < mesh.max_level), refine | keep


def inner_halves(mesh: Mesh, topology: Topology) -> Int[Array, "halves patches"]:
    """The rows of `topology.leaves.around` with a reach of one half patch."""
    offsets = forests.half_offsets(mesh.ndim, topology.leaves.reach)
    return topology.leaves.around[np.flatnonzero((np.abs(2 * offsets - 1) <= 3).all(axis=1))]


def target_levels(mesh: Mesh, topology: Topology, near: Near) -> Int[Array, " patches"]:
    """The level each leaf should have: what its own cells wish, and what cells near it in other leaves wish.

    Cells are compared with half patches: a half patch that comes within the buffer of a wishing cell gets the
    wished level, and with it the leaf that holds it.
    """
    forest = topology.forest
    refine, keep = near
    wanted = jnp.where(refine, forest.level + 1, jnp.where(keep, forest.level, 0))
    wanted = jnp.where(forest.active, wanted, 0)
    reached = jnp.zeros_like(forest.level).at[inner_halves(mesh, topology)].max(wanted)
    return jnp.clip(reached, jnp.maximum(forest.level - 1, 0), forest.level + 1)


def near_halves(
    mesh: Mesh, wish: Bool[Array, "*cells patches"], buffer: Int[Array, " patches"]
) -> Bool[Array, "halves patches"]:
    """Which half patches in and around each patch have one of its wishing cells within the patch's buffer."""
    half, patch = mesh.patch // 2, mesh.patch
    first = np.arange(-half, patch + half, half)[:, None]
    cell = np.arange(patch)[None, :]
    distance = np.maximum(np.maximum(first - cell, cell - (first + half - 1)), 0)
    near = jnp.asarray(distance, jnp.int32)[:, :, None] <= buffer
    # One dimension after the other: the cells along it become the half patches that they are near to.
    for d in range(mesh.ndim):
        found = [by_halves(jnp.logical_or, wish & along(near[h], d, mesh.ndim), axis=d) for h in range(4)]
        wish = jnp.stack(found, axis=d)
    return wish.reshape(-1, wish.shape[-1])


def carried_over(
    mesh: Mesh, topology: Topology, transition: Transition, store: Store, prolongation: Prolongation
) -> Float[Array, "vars blocks *cells lanes"]:
    """Data of the new patches of a sweep: copied, prolonged from their parent, or restricted from children.

    `transition` is that of these patches, its arrays of shape `(blocks, lanes)`; topology and store are the old ones.
    """

    def one(transition):
        refined = _from_parents(mesh, topology, transition, store, prolongation)
        kept = _rows_of_patches(mesh, topology, store, transition.source, 0, mesh.patch_shape)
        merged = _from_children(mesh, topology, transition, store)
        change = transition.change
        return jnp.where(change > 0, refined, jnp.where(change < 0, merged, kept))

    return apart(topology.leaves.valid, lambda: jax.vmap(one, out_axes=1)(transition))


def _from_parents(mesh: Mesh, topology: Topology, transition: Transition, store: Store, prolongation: Prolongation):
    """Each child's window cut out of its parent's ghosted patch, and prolonged."""
    margin, ghost = prolongation.margin, topology.ghost
    if ghost < margin:
        advice = f"a prolongation that reads {margin} layers around a cell; use at least as many"
        raise InvalidSettingError("ghost", f"{ghost} layers of ghost cells are too few for {advice}")
    half, lanes, valid = mesh.patch // 2, topology.layout.lanes, topology.leaves.valid
    corner = jnp.asarray(morton.octants(mesh.ndim).T)[:, transition.child] * half + (ghost - margin)
    plan = topology.halo.fill.reshape(-1, *topology.halo.fill.shape[2:])
    size = (1, *(half + 2 * margin,) * mesh.ndim, 1)

    def window(source, start):
        first = (source // lanes, *start, source % lanes)
        return lax.dynamic_slice(plan, first, size)[0, ..., 0]

    places = apart(valid, lambda: jax.vmap(window, in_axes=(0, -1), out_axes=-1)(transition.source, corner))
    windows = apart(valid, lambda: gather(store, places))
    return apart(valid, lambda: prolong(windows, prolongation))


def _from_children(mesh: Mesh, topology: Topology, transition: Transition, store: Store):
    """The averages of all children of each patch, the first of which is its source."""
    half = (mesh.patch // 2,) * mesh.ndim
    last = topology.layout.capacity - 1
    sources = [jnp.minimum(transition.source + child, last) for child in range(mesh.children)]
    first = mesh.cells_per_patch
    return assemble([_rows_of_patches(mesh, topology, store, source, first, half) for source in sources])


def _rows_of_patches(mesh: Mesh, topology: Topology, store: Store, slot, first: int, shape: tuple[int, ...]):
    """Some rows of the store, from the row `first` on, of the patches in the given slots."""
    rows = first + jnp.arange(np.prod(shape), dtype=jnp.int32)[:, None]
    places = topology.layout.place(rows_of(mesh, topology.ghost).total, rows, slot)
    values = apart(topology.leaves.valid, lambda: gather(store, places))
    return values.reshape(values.shape[0], *shape, values.shape[-1])
