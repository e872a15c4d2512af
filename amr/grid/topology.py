"""Everything that follows from a forest and stays the same until the next regrid."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.errors import InvalidSettingError
from amr.mesh import Forest, Mesh, along, looked_up

from .fusion import apart
from .halo import fill_indices, half_reach, ring_box, rows_of, stencil_indices
from .leaves import Leaves, Mirrors, Topology, leaves_of, over_blocks
from .pool import Layout, put, sweep
from .reflux import reflux_indices


def blank_topology(
    mesh: Mesh, forest: Forest, ghost: int, margin: int, layout: Layout, mirrors: Mirrors | None = None
) -> Topology:
    """Room for the neighbours and plans of a forest, which has the capacity of the layout."""
    most = (2**31 - 1) // rows_of(mesh, ghost).total  # indices are int32
    if layout.capacity > most:
        raise InvalidSettingError("capacity", f"{layout.capacity} patches of {mesh.patch} cells a side; at most {most}")
    shapes = jax.eval_shape(lambda: leaves_of(mesh, forest, half_reach(mesh, ghost, margin)))
    leaves = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    def empty(*rows, value=0):
        return jnp.full((layout.sweeps, layout.blocks, *rows, layout.lanes), value, jnp.int32)

    points = mesh.ndim * math.prod(ring_box(mesh.ndim, mesh.patch, ghost, margin)) if mesh.max_level > 0 else 0
    plans = (
        empty(*(mesh.patch + 2 * ghost,) * mesh.ndim),
        empty(points),
        empty(2 * mesh.ndim, mesh.patch ** (mesh.ndim - 1), value=-1),
    )
    mirrors = ((False, False),) * mesh.ndim if mirrors is None else mirrors
    return Topology(forest, leaves, *plans, layout, ghost, margin, mirrors)


def build_topology(
    mesh: Mesh, forest: Forest, ghost: int, margin: int, layout: Layout, mirrors: Mirrors | None = None
) -> Topology:
    """Neighbours and plans for `ghost` layers of ghost cells, prolonged from coarse cells with a `margin` around; the
    forest has the capacity of the layout."""
    return rebuilt(mesh, blank_topology(mesh, forest, ghost, margin, layout, mirrors), forest, jnp.ones((), bool))


def rebuilt(mesh: Mesh, topology: Topology, forest: Forest, changed: Bool[Array, ""]) -> Topology:
    """The topology of another forest if anything has changed. Plans are replaced where they lie: the branches of a
    conditional would keep the old and the new ones."""
    layout, reach = topology.layout, half_reach(mesh, topology.ghost, topology.margin)
    leaves = lax.cond(changed, lambda: leaves_of(mesh, forest, reach), lambda: topology.leaves)
    makers = {"fill": fill_indices}
    if mesh.max_level > 0:
        makers |= {"stencil": stencil_indices, "reflux": reflux_indices}

    def planned(i, plans):
        part = leaves.part(layout, i)

        def placed(name):
            make = functools.partial(makers[name], mesh, topology)
            return put(plans[name], apart(leaves.valid, lambda: over_blocks(make, part)), i, axis=0)

        return {name: placed(name) for name in makers}

    plans = sweep(layout, forest.count, planned, {name: getattr(topology, name) for name in makers}, changed)
    return dataclasses.replace(topology, forest=forest, leaves=leaves, **plans)


def cell_sizes(mesh: Mesh, forest: Forest | Leaves, dtype) -> Float[Array, "ndim patches"]:
    """Cell widths of every patch."""
    sizes = np.array([mesh.cell_size(level) for level in range(mesh.max_level + 1)])
    return looked_up(jnp.asarray(sizes.T, dtype), forest.level)


def relative_volumes(mesh: Mesh, forest: Forest, dtype) -> Float[Array, " patches"]:
    """Volumes of the cells of every patch in units of that of a root cell, powers of two; zero in empty slots."""
    return jnp.where(forest.active, jnp.exp2((-mesh.ndim * forest.level).astype(dtype)), 0)


def cell_volumes(mesh: Mesh, topology: Topology, dtype) -> Float[Array, "one sweeps blocks *ones lanes"]:
    """Volumes of the cells of all patches in units of that of a root cell, zero in empty slots, shaped to go with a
    pool."""
    layout = topology.layout
    return relative_volumes(mesh, topology.forest, dtype).reshape(
        1, layout.sweeps, layout.blocks, *(1,) * mesh.ndim, layout.lanes
    )


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
        each = (lax.split(values, (1,) * mesh.ndim) for values in (sizes, corners))
        parts = zip(*each, offsets, mesh.domain.lower, strict=True)
        points = [low + (corner + jnp.asarray(o, dtype)[:, None]) * size for size, corner, o, low in parts]
    return tuple(along(x, d, mesh.ndim) for d, x in enumerate(points))


def cell_centres(mesh: Mesh, forest: Forest | Leaves, dtype, ghost: int = 0) -> tuple[Float[Array, "..."], ...]:
    """Coordinates of the cell centres, with `ghost` layers around each patch."""
    offset = np.arange(-ghost, mesh.patch + ghost, dtype=dtype) + np.asarray(0.5, dtype)
    return coordinates(mesh, forest, (offset,) * mesh.ndim, dtype)
