"""What patches of a new forest hold: copies of old cells, averages of them, or what they are prolonged to."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.mesh import Mesh, Transition, divided, row_major

from .fusion import apart
from .halo import Store, put_cells, rows_of
from .pool import Pool, arranged, gather, put, sweep, take, take_patches
from .topology import Topology
from .transfer import Prolongation, prolong


def carried(
    mesh: Mesh,
    topology: Topology,
    transition: Transition,
    count: Int[Array, ""],
    pools: tuple[Store, Pool],
    prolongation: Prolongation,
    changed: Bool[Array, ""],
) -> tuple[Store, Pool]:
    """The store with the cells of `count` new patches (and their averages, but not the rings), if anything has
    `changed`. They are put together in a pool whose contents are of no matter."""
    layout, rows = topology.layout, jnp.stack([transition.source, transition.child, transition.change])
    store, scratch = pools

    def together(i, scratch):
        part = Transition(*arranged(layout, take_patches(layout, rows, i), leading=1))
        return put(scratch, carried_over(mesh, topology, part, store, prolongation), i)

    scratch = sweep(layout, count, together, scratch, changed)
    return sweep(layout, count, lambda i, s: put_cells(mesh, s, take(scratch, i), i), store, changed), scratch


def carried_over(
    mesh: Mesh, topology: Topology, transition: Transition, store: Store, prolongation: Prolongation
) -> Float[Array, "vars blocks *cells lanes"]:
    """Data of the new patches of a sweep: copied, prolonged from their parent, or restricted from children.

    `transition` is that of these patches, its arrays of shape `(blocks, lanes)`; topology and store are the old ones.
    """

    def one(transition):
        refined = _from_parents(mesh, topology, transition, store, prolongation)
        others = _from_the_same_cells(mesh, topology, transition, store)
        return jnp.where(transition.change > 0, refined, others)

    return apart(topology.leaves.valid, lambda: jax.vmap(one, out_axes=1)(transition))


def _from_parents(mesh: Mesh, topology: Topology, transition: Transition, store: Store, prolongation: Prolongation):
    """Each child's window cut out of its parent's ghosted patch, and prolonged."""
    margin, ghost = prolongation.margin, topology.ghost
    if ghost < margin:
        advice = f"a prolongation that reads {margin} layers around a cell; use at least as many"
        raise InvalidSettingError("ghost", f"{ghost} layers of ghost cells are too few for {advice}")
    half, valid = mesh.patch // 2, topology.leaves.valid
    corner = ((transition.child >> np.arange(mesh.ndim, dtype=np.int32)[:, None]) & 1) * half + (ghost - margin)
    plan = topology.halo.fill.reshape(-1, *topology.halo.fill.shape[2:])
    size = (1, *(half + 2 * margin,) * mesh.ndim, 1)

    def window(source, start):
        block, lane = divided(source, topology.layout.lanes)
        return lax.dynamic_slice(plan, (block, *start, lane), size, allow_negative_indices=False)[0, ..., 0]

    places = apart(valid, lambda: jax.vmap(window, in_axes=(0, -1), out_axes=-1)(transition.source, corner))
    windows = apart(valid, lambda: gather(store, places))
    return apart(valid, lambda: prolong(windows, prolongation))


def _from_the_same_cells(mesh: Mesh, topology: Topology, transition: Transition, store: Store):
    """The cells of the source of each patch; where it was coarsened, the averages of all children, the first of which
    is the source."""
    layout, half = topology.layout, mesh.patch // 2
    cells = np.indices(mesh.patch_shape, np.int32).reshape(mesh.ndim, -1, 1)
    child = sum((cell // half) << d for d, cell in enumerate(cells))
    averages = mesh.cells_per_patch + row_major([*(cells % half)], half)
    merged = transition.change < 0
    slot = jnp.minimum(transition.source + jnp.where(merged, child, 0), layout.capacity - 1)
    row = jnp.where(merged, averages, row_major([*cells], mesh.patch))
    values = apart(
        topology.leaves.valid, lambda: gather(store, layout.place(rows_of(mesh, topology.ghost).total, row, slot))
    )
    return values.reshape(values.shape[0], *mesh.patch_shape, -1)
