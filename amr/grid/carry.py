"""What the patches of a new forest hold: copies of old cells, averages of them, or what they are prolonged to."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.mesh import Transition, divided, row_major

from .grid import Grid, Work
from .halo import Store, put_cells, rows_of
from .leaves import per_patch
from .pool import gather, put, sweep, take
from .transfer import prolong


def carried(grid: Grid, work: Work, transition: Transition, count: Int[Array, ""], changed: Bool[Array, ""]) -> Work:
    """With the cells of `count` new patches and their averages, but not the rings, if anything has `changed`.

    The rings of the old ones must be up to date. New cells are put together in `outflow`, whose contents are of no
    matter.
    """

    def together(i, scratch):
        part = jax.tree.map(lambda values: per_patch(grid.layout, values, i, 0), transition)
        return put(scratch, carried_over(grid, part, work.store), i)

    def back(i, store):
        return put_cells(grid.mesh, store, take(scratch, i), i)

    scratch = sweep(grid.layout, count, together, work.outflow, changed)
    store = sweep(grid.layout, count, back, work.store, changed)
    return eqx.tree_at(lambda work: (work.store, work.outflow), work, (store, scratch))


def carried_over(grid: Grid, transition: Transition, store: Store) -> Float[Array, "vars blocks *cells lanes"]:
    """Data of the new patches of a sweep: copied, prolonged from their parent, or restricted from children.

    `transition` is that of these patches, its arrays of shape `(blocks, lanes)`; grid and store are the old ones.
    """

    def of_block(transition):
        refined, others = _from_parents(grid, transition, store), _from_the_same_cells(grid, transition, store)
        return jnp.where(transition.change > 0, refined, others)

    return grid.kept(lambda: jax.vmap(of_block, out_axes=1)(transition))


def _from_parents(grid: Grid, transition: Transition, store: Store):
    """Each child's window cut out of its parent's ghosted patch, and prolonged."""
    mesh, margin, ghost = grid.mesh, grid.prolongation.margin, grid.topology.ghost
    if ghost < margin:
        advice = f"a prolongation that reads {margin} layers around a cell; use at least as many"
        raise InvalidSettingError("ghost", f"{ghost} layers of ghost cells are too few for {advice}")
    half, fill = mesh.patch // 2, grid.topology.fill
    corner = ((transition.child >> np.arange(mesh.ndim, dtype=np.int32)[:, None]) & 1) * half + (ghost - margin)
    plan, size = fill.reshape(-1, *fill.shape[2:]), (1, *(half + 2 * margin,) * mesh.ndim, 1)

    def window(source, start):
        block, lane = divided(source, grid.layout.lanes)
        return lax.dynamic_slice(plan, (block, *start, lane), size, allow_negative_indices=False)[0, ..., 0]

    places = grid.kept(lambda: jax.vmap(window, in_axes=(0, -1), out_axes=-1)(transition.source, corner))
    windows = grid.kept(lambda: gather(store, places))
    return grid.kept(lambda: prolong(windows, grid.prolongation))


def _from_the_same_cells(grid: Grid, transition: Transition, store: Store):
    """The cells of the source of each patch; where it was coarsened, the averages of all children, the first of which
    is the source."""
    mesh, layout, half = grid.mesh, grid.layout, grid.mesh.patch // 2
    cells = np.indices(mesh.patch_shape, np.int32).reshape(mesh.ndim, -1, 1)
    child = sum((cell // half) << d for d, cell in enumerate(cells))
    averages = mesh.cells_per_patch + row_major([*(cells % half)], half)
    merged = transition.change < 0
    slot = jnp.minimum(transition.source + jnp.where(merged, child, 0), layout.capacity - 1)
    row = jnp.where(merged, averages, row_major([*cells], mesh.patch))
    values = grid.kept(lambda: gather(store, layout.place(rows_of(mesh, grid.topology.ghost).total, row, slot)))
    return values.reshape(values.shape[0], *mesh.patch_shape, -1)
