"""Everything that follows from a forest and stays the same until the next regrid."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.mesh import Forest, Mesh, along, looked_up

from .fusion import apart
from .halo import HaloPlan, Mirrors, empty_plan, half_reach, plan_part
from .leaves import LeafTable, Leaves, leaves_of, over_blocks
from .pool import Layout, put, sweep
from .reflux import RefluxPlan, empty_reflux, reflux_indices


class Topology(eqx.Module):
    """A forest with its neighbours and the plans made from them.

    **Attributes:**

    - `forest`: the leaves; `leaves`: the same with their neighbours, as far as the halo needs.
    - `halo`, `reflux`: the index plans.
    - `layout`: of the pools that the plans are for.
    - `ghost`: layers of ghost cells; `margin`: of coarse cells that the prolongation reads.
    """

    forest: Forest
    leaves: LeafTable
    halo: HaloPlan
    reflux: RefluxPlan
    layout: Layout = eqx.field(static=True)

    @property
    def ghost(self) -> int:
        return self.halo.ghost

    @property
    def margin(self) -> int:
        return self.halo.margin

    def part(self, i: Int[Array, ""]) -> Leaves:
        """The leaves of sweep i, see `LeafTable.part`."""
        return self.leaves.part(self.layout, i)


def blank_topology(
    mesh: Mesh, forest: Forest, ghost: int, margin: int, layout: Layout, mirrors: Mirrors | None = None
) -> Topology:
    """Room for the neighbours and plans of a forest, which has the capacity of the layout."""
    shapes = jax.eval_shape(lambda: leaves_of(mesh, forest, half_reach(mesh, ghost, margin)))
    leaves = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
    halo = empty_plan(mesh, layout, ghost, margin, leaves.valid, mirrors)
    return Topology(forest, leaves, halo, empty_reflux(mesh, layout), layout)


def build_topology(
    mesh: Mesh, forest: Forest, ghost: int, margin: int, layout: Layout, mirrors: Mirrors | None = None
) -> Topology:
    """Neighbours and plans for `ghost` layers of ghost cells, prolonged from coarse cells with a `margin` around; the
    forest has the capacity of the layout. `mirrors`: see `HaloPlan`."""
    return rebuilt(mesh, blank_topology(mesh, forest, ghost, margin, layout, mirrors), forest, jnp.ones((), bool))


def rebuilt(mesh: Mesh, topology: Topology, forest: Forest, changed: Bool[Array, ""]) -> Topology:
    """The topology of another forest if anything has changed. Plans are replaced where they lie: the branches of a
    conditional would keep the old and the new ones."""
    layout, reach = topology.layout, half_reach(mesh, topology.ghost, topology.margin)
    leaves = lax.cond(changed, lambda: leaves_of(mesh, forest, reach), lambda: topology.leaves)

    def planned(i, plans):
        halo, faces = plans
        part = leaves.part(layout, i)
        halo = plan_part(mesh, layout, halo, part, i)
        if mesh.max_level > 0:
            indices = functools.partial(reflux_indices, mesh, layout)
            faces = put(faces, apart(leaves.valid, lambda: over_blocks(indices, part)), i, axis=0)
        return halo, faces

    halo, faces = sweep(layout, forest.count, planned, (topology.halo, topology.reflux), changed)
    return Topology(forest, leaves, dataclasses.replace(halo, valid=leaves.valid), faces, layout)


def cell_sizes(mesh: Mesh, forest: Forest | Leaves, dtype) -> Float[Array, "ndim patches"]:
    """Cell widths of every patch."""
    sizes = np.array([mesh.cell_size(level) for level in range(mesh.max_level + 1)])
    return looked_up(jnp.asarray(sizes.T, dtype), forest.level)


def cell_volumes(mesh: Mesh, topology: Topology, dtype) -> Float[Array, "one sweeps blocks *ones lanes"]:
    """Volumes of the cells of all patches, zero in empty slots, shaped to go with a pool."""
    forest, layout = topology.forest, topology.layout
    volume = jnp.where(forest.active, cell_sizes(mesh, forest, dtype).prod(0), 0)
    return volume.reshape(1, layout.sweeps, layout.blocks, *(1,) * mesh.ndim, layout.lanes)


def coordinates(
    mesh: Mesh, forest: Forest | Leaves, offsets: tuple[Float[Array | np.ndarray, " _"], ...], dtype
) -> tuple[Float[Array, "..."], ...]:
    """Coordinates of points of every patch.

    `offsets[d]` are positions along dimension d in cells from the patch's lower corner (0 the corner, 0.5 the first
    cell centre). Each result is shaped to broadcast over `(*cells, patches)`. Equal points of different patches
    and levels get equal bits, because cell widths of different levels differ by powers of two.
    """
    sizes, corners = cell_sizes(mesh, forest, dtype), mesh.patch * forest.position.astype(dtype)
    points: Sequence[Array]
    if all(offset is offsets[0] for offset in offsets):  # all dimensions at once
        cells = corners[:, None] + jnp.asarray(offsets[0], dtype)[:, None]
        lower = jnp.asarray(mesh.domain.lower, dtype)[:, None, None]
        points = lax.split(lower + cells * sizes[:, None], (1,) * mesh.ndim)
    else:
        parts = zip(
            *(lax.split(v, (1,) * mesh.ndim) for v in (sizes, corners)), offsets, mesh.domain.lower, strict=True
        )
        points = [low + (corner + jnp.asarray(o, dtype)[:, None]) * size for size, corner, o, low in parts]
    return tuple(along(x, d, mesh.ndim) for d, x in enumerate(points))


def cell_centres(mesh: Mesh, forest: Forest | Leaves, dtype, ghost: int = 0) -> tuple[Float[Array, "..."], ...]:
    """Coordinates of the cell centres, with `ghost` layers around each patch."""
    offset = np.arange(-ghost, mesh.patch + ghost, dtype=dtype) + np.asarray(0.5, dtype)
    return coordinates(mesh, forest, (offset,) * mesh.ndim, dtype)
