"""The levels of a forest as whole grids: what multigrid methods work on.

The *nodes* of a level are its leaves and the ancestors of finer leaves. They tile what the forest covers with patches
of that level or finer ones; those of level 0 tile the domain. A node pool is like a pool of leaves, with one level
after the other in it, each from the beginning of a sweep on: a level is a number of whole sweeps. Within a level nodes
follow Morton order, so that the children of a node are neighbours in memory.

    level 0    |     A     |     x     |       1D: leaves A to E, ancestors x and y. Their pool, with three nodes in a
    level 1                |  y  |  E  |       sweep and empty slots `-`:  A x -  y E -  C D -
    level 2                |C |D |

A node store holds for every node, behind its cells, a layer of *edge* cells beyond each side. Values that no node of
the level has are read from there: interpolated ones where the neighbour is coarser, zero outside of the domain.

What a node is interpolated from is a window of the next coarser level: the cells that cover it and two layers around.
Because of 2:1 balance all of it lies in nodes of that level, the parent and those of its neighbours that the node
touches.

    |. . . . . . + +|= = = = + + . .|          1D, 8 cells a patch: the window of the lower child of the second patch
"""

import dataclasses
import functools
import itertools
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.mesh import Forest, Mesh, divided, find, keys, octants, root_positions, row_major, within

from .fusion import apart
from .leaves import per_patch
from .pool import Layout, Pool, arranged, gather, put, room_of, sweep, take, take_patches
from .slices import cut, others, trim
from .transfer import halved, paired, restrict, threes

NodePool = Float[Array, "vars parts blocks *cells lanes"]
NodeStore = Float[Array, "vars parts blocks rows lanes"]
Edges = Float[Array, "vars blocks sides faces lanes"]
# For each dimension, unless it is periodic, what the values beyond the faces of the domain are multiples of: one factor
# for each cell of the layers of a window that may lie there, and 1 where these lie inside the domain.
Mirror = tuple[Float[Array, "_ parts blocks layer lanes"] | None, ...]

COARSER, OUTSIDE = -1, -2  # in place of a neighbour
MARGIN = 2  # layers around a window


class Nodes(eqx.Module):
    """The nodes of all levels, and the plans that work on them needs.

    **Attributes:**

    - `level`, `position`: of each node, on its own level.
    - `leaf`: the slot of the leaf that it is, or -1.
    - `child`: the slot of its first child, or -1.
    - `neighbour`: for each side (in the order of `reflux`) the slot of the node beyond it, `COARSER` or `OUTSIDE`.
    - `beside`: for each side, whether of the nodes that meet there one is a leaf and one an ancestor.
    - `of_leaf`: for each leaf the slot of its node.
    - `first`: the sweep in which each level begins, and behind the last the number of sweeps in use.
    - `ghosts`: for each cell beyond each side, its place in a node store.
    - `window`: for each cell of the window of a node, likewise; those outside of the domain are mirrored.
    - `valid`: true, but unknown to the compiler: see `amr.grid.fusion`.
    - `layout`: of node pools.
    """

    level: Int[Array, " nodes"]
    position: Int[Array, "ndim nodes"]
    leaf: Int[Array, " nodes"]
    child: Int[Array, " nodes"]
    neighbour: Int[Array, "sides nodes"]
    beside: Bool[Array, "sides nodes"]
    of_leaf: Int[Array, " patches"]
    first: Int[Array, " levels"]
    ghosts: Int[Array, "sweeps blocks sides faces lanes"]
    window: Int[Array, "sweeps blocks points lanes"]
    valid: Bool[Array, ""]
    layout: Layout = eqx.field(static=True)

    @property
    def used(self) -> Int[Array, ""]:
        """Patches in the sweeps in use."""
        return self.first[-1] * self.layout.part


def node_layout(mesh: Mesh, leaves: Layout) -> Layout:
    """The layout of node pools for a pool of leaves: each ancestor has `2**ndim` children, and no level wastes more
    than a sweep."""
    if mesh.max_level == 0:
        return leaves
    nodes = math.ceil(leaves.capacity * mesh.children / (mesh.children - 1))
    layout = Layout(math.ceil(nodes / leaves.part) + mesh.max_level, leaves.blocks, leaves.lanes)
    if layout.capacity * node_rows(mesh) >= 2**31:  # places are int32
        raise InvalidSettingError("capacity", f"{leaves.capacity} patches of {mesh.patch} cells a side are too many")
    return layout


# --- building ---------------------------------------------------------------------------------------------------------


def build_nodes(mesh: Mesh, forest: Forest, leaves: Layout) -> Nodes:
    """The nodes of a forest, whose pools have the layout `leaves`."""
    layout, valid = node_layout(mesh, leaves), forest.count > 0
    levels = np.arange(mesh.max_level + 1, dtype=np.int32)[:, None]

    # A node begins at the first of the leaves in it, that at its lower corner.
    inside = forest.position & ((1 << jnp.maximum(forest.level - levels, 0)) - 1)[:, None]
    starts = forest.active & (forest.level >= levels) & (inside == 0).all(1)
    number = apart(valid, lambda: jnp.cumsum(starts, axis=1, dtype=jnp.int32) - 1)
    sweeps = -(-(number[:, -1] + 1) // layout.part)
    first = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(sweeps, dtype=jnp.int32)])
    slots = apart(valid, lambda: first[:-1, None] * layout.part + number)

    def spread(values, empty):
        places = jnp.where(starts, slots, layout.capacity)
        return jnp.full(layout.capacity, empty, jnp.int32).at[places].set(values, mode="drop")

    source = apart(valid, lambda: spread(jnp.arange(forest.capacity, dtype=jnp.int32), -1))
    used, source = source >= 0, jnp.maximum(source, 0)
    level = apart(valid, lambda: spread(levels, 0))
    above = forest.level[source] - level
    position = jnp.where(used, forest.position[:, source] >> above, 0)
    leaf = jnp.where(used & (above == 0), source, -1)
    child = jnp.where(used & (above > 0), slots[jnp.minimum(level + 1, mesh.max_level), source], -1)
    of_leaf = jnp.maximum(jnp.take_along_axis(slots, forest.level[None], axis=0)[0], 0)

    order = apart(valid, lambda: keys(mesh, forest))

    def holding(level, position):
        """The slots of the nodes at some positions of some levels, `COARSER` where there are none."""
        holder = find(mesh, order, position << (mesh.max_level - level))
        return jnp.where(forest.level[holder] >= level, slots[level, holder], COARSER)

    neighbour = apart(valid, lambda: _neighbours(mesh, level, position, holding))
    beside = (neighbour >= 0) & ((leaf >= 0) != (leaf[neighbour] >= 0))
    corners = apart(valid, lambda: _corners(mesh, level, position, holding))

    outer, faces = (layout.sweeps, layout.blocks), mesh.patch ** (mesh.ndim - 1)
    points = window_side(mesh) ** mesh.ndim if mesh.max_level > 0 else 0
    ghosts = jnp.zeros((*outer, 2 * mesh.ndim, faces, layout.lanes), jnp.int32)
    window = jnp.zeros((*outer, points, layout.lanes), jnp.int32)
    nodes = Nodes(level, position, leaf, child, neighbour, beside, of_leaf, first, ghosts, window, valid, layout)
    return nodes if mesh.max_level == 0 else _planned(mesh, nodes, corners)


def _neighbours(mesh: Mesh, level, position, holding) -> Int[Array, "sides nodes"]:
    steps = np.kron(np.eye(mesh.ndim, dtype=np.int32), np.array([-1, 1], np.int32))
    there = position[:, None] + steps[..., None]
    inside = within(mesh, level, there)
    outside = ((inside != there) & ~np.array(mesh.domain.periodic)[:, None, None]).any(0)
    return jnp.where(outside, OUTSIDE, holding(level, inside))


def _corners(mesh: Mesh, level, position, holding) -> Int[Array, "corners nodes"]:
    """The parent and those of its neighbours that a node touches. In Morton order, where a bit stands for a step away
    from the parent; there is none beyond the faces of the domain, and the one inside stands for it."""
    away = (2 * (position & 1) - 1)[:, None] * octants(mesh.ndim).T[..., None]
    coarser = jnp.maximum(level - 1, 0)
    return jnp.maximum(holding(coarser, within(mesh, coarser, (position >> 1)[:, None] + away)), 0)


def _planned(mesh: Mesh, nodes: Nodes, corners: Int[Array, "corners nodes"]) -> Nodes:
    """With the plans of all sweeps in use, see `_corners`."""
    layout, valid = nodes.layout, nodes.valid

    def planned(i, plans):
        slot = i * layout.part + jnp.arange(layout.part, dtype=jnp.int32)
        near, corner, here = (take_patches(layout, array, i) for array in (nodes.neighbour, corners, nodes.position))
        parts = (
            apart(valid, lambda: _ghost_places(mesh, layout, near, slot)),
            apart(valid, lambda: _window_places(mesh, layout, here, near, corner)),
        )
        return tuple(put(plan, arranged(layout, part), i, axis=0) for plan, part in zip(plans, parts, strict=True))

    ghosts, window = sweep(layout, nodes.used, planned, (nodes.ghosts, nodes.window))
    return dataclasses.replace(nodes, ghosts=ghosts, window=window)


def _ghost_places(mesh: Mesh, layout: Layout, neighbour, slot) -> Int[Array, "sides faces part"]:
    number = _rows(mesh.patch_shape)
    edges = mesh.cells_per_patch + np.arange(2 * mesh.ndim * number[0].size, dtype=np.int32)
    own = edges.reshape(2 * mesh.ndim, -1, 1)
    ends = itertools.product(range(mesh.ndim), (mesh.patch - 1, 0))
    theirs = np.stack([number.take(inner, axis=d).reshape(-1, 1) for d, inner in ends])
    near, rows = neighbour[:, None], node_rows(mesh)
    return jnp.where(near < 0, layout.place(rows, own, slot), layout.place(rows, theirs, near))


def _window_places(mesh: Mesh, layout: Layout, position, neighbour, corners) -> Int[Array, "points part"]:
    patch, upper = mesh.patch, position & 1
    offsets = np.indices((window_side(mesh),) * mesh.ndim, np.int32).reshape(mesh.ndim, -1, 1) - MARGIN
    cell = offsets + patch // 2 * upper[:, None]  # counted from the corner of the parent
    low, high = cell < 0, cell >= patch
    bits = (low | high).astype(jnp.int32) << np.arange(mesh.ndim, dtype=np.int32)[:, None, None]
    outside = jnp.where(upper == 1, neighbour[1::2], neighbour[::2]) == OUTSIDE
    mirrored = jnp.where(low, -1 - cell, jnp.where(high, 2 * patch - 1 - cell, cell))
    cells = jnp.where(outside[:, None], mirrored, divided(cell + patch, patch)[1])
    owner = corners[bits.sum(0, dtype=jnp.int32), jnp.arange(layout.part, dtype=jnp.int32)]
    return layout.place(node_rows(mesh), row_major(list(cells), patch), owner)


def window_side(mesh: Mesh) -> int:
    """Cells of a window along each dimension."""
    return mesh.patch // 2 + 2 * MARGIN


def _rows(shape: tuple[int, ...]) -> np.ndarray:
    """Row-major numbers of the cells of a patch."""
    return np.arange(math.prod(shape), dtype=np.int32).reshape(shape)


# --- node pools -------------------------------------------------------------------------------------------------------


def to_nodes(mesh: Mesh, nodes: Nodes, pool: Pool, face: int | None = None) -> NodePool:
    """Values on the cells of all nodes: leaves have their own, ancestors the means over their children. Or those on
    the faces across dimension `face`, of which there is one more along it: means over the fine faces on each."""
    shape = pool.shape[3:-1]
    fewer = tuple(mesh.patch // 2 + (d == face) for d in range(mesh.ndim))
    copied, child, averaged = _rows(shape), *_children(mesh, shape, fewer)
    layout, leaves = nodes.layout, room_of(pool)
    outer = (pool.shape[0], layout.sweeps, layout.blocks)
    values = jnp.zeros((*outer, *shape, layout.lanes), pool.dtype)
    means = jnp.zeros((*outer, math.prod(fewer), layout.lanes), pool.dtype)

    def value(i, means):
        leaf, first = (per_patch(layout, array, i, mesh.ndim) for array in (nodes.leaf, nodes.child))
        own = gather(pool, leaves.place(copied.size, copied[..., None], jnp.maximum(leaf, 0)))
        place = layout.place(math.prod(fewer), averaged[..., None], jnp.maximum(first, 0) + child[..., None])
        return jnp.where(leaf >= 0, own, gather(means, place))

    def averaged_up(k, carry):
        values, means = carry
        i = nodes.first[-1] - 1 - k  # backwards: children lie behind their parents
        part = apart(nodes.valid, lambda: value(i, means))
        mean = apart(nodes.valid, lambda: restrict(part, skip=2, face=face).reshape(*part.shape[:2], -1, layout.lanes))
        return put(values, part, i), put(means, mean, i)

    return lax.fori_loop(0, nodes.first[-1], averaged_up, (values, means))[0]


def _children(mesh: Mesh, shape: tuple[int, ...], fewer: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """For all cells (or faces) of a patch the number of the child that they lie in, and the row of their mean there."""
    half = mesh.patch // 2
    bits = [np.minimum(np.arange(n) // half, 1) for n in shape]
    child = functools.reduce(np.add.outer, [bit << d for d, bit in enumerate(bits)]).astype(np.int32)
    return child, _rows(fewer)[np.ix_(*(np.arange(n) - half * bit for n, bit in zip(shape, bits, strict=True)))]


def to_leaves(mesh: Mesh, nodes: Nodes, store: NodeStore, count: Int[Array, ""], leaves: Layout) -> Pool:
    """The cells of the leaves from a node store."""
    rows = _rows(mesh.patch_shape)
    pool = jnp.zeros((store.shape[0], leaves.sweeps, leaves.blocks, *mesh.patch_shape, leaves.lanes), store.dtype)

    def copied(i, pool):
        node = per_patch(leaves, nodes.of_leaf, i, mesh.ndim)
        places = functools.partial(nodes.layout.place, node_rows(mesh), rows[..., None], node)
        return put(pool, apart(nodes.valid, lambda: gather(store, places())), i)

    return sweep(leaves, count, copied, pool)


# --- node stores ------------------------------------------------------------------------------------------------------


def node_rows(mesh: Mesh) -> int:
    """Rows that a node has in a store: its cells, and those beyond its sides.

    cells | beyond side 0 | beyond side 1 | ..
    """
    return mesh.cells_per_patch + 2 * mesh.ndim * mesh.patch ** (mesh.ndim - 1)


def rows_from(cells: Float[Array, "vars blocks *cells lanes"]) -> Float[Array, "vars blocks rows lanes"]:
    """Cells in row-major order."""
    return cells.reshape(*cells.shape[:2], -1, cells.shape[-1])


def ghost_cells(nodes: Nodes, store: NodeStore, i: Int[Array, ""]) -> Edges:
    """The values beyond all sides of the nodes of sweep i."""
    return apart(nodes.valid, lambda: gather(store, take(nodes.ghosts, i, axis=0)))


def of_sides(nodes: Nodes, marks: Bool[Array, "sides nodes"], i: Int[Array, ""]) -> Bool[Array, "blocks sides 1 lanes"]:
    """Marks of the sides of the nodes of sweep i, to go with their edges."""
    return arranged(nodes.layout, take_patches(nodes.layout, marks, i))[:, :, None]


def prolonged(
    mesh: Mesh, nodes: Nodes, store: NodeStore, mirror: Mirror, i: Int[Array, ""]
) -> Float[Array, "vars blocks rows lanes"]:
    """The rows of sweep i, of level 1 or finer, interpolated from the next coarser level.

    Cells: linearly in each dimension, 3/4 of the cell that they lie in and 1/4 of the neighbour nearby. Edges: by
    parabolas, as ghost cells are by `amr.Quadratic`.
    """
    near = apart(nodes.valid, lambda: gather(store, take(nodes.window, i, axis=0)))
    window = near.reshape(*near.shape[:2], *(window_side(mesh),) * mesh.ndim, near.shape[-1])
    for d, factor in enumerate(mirror):
        if factor is not None:
            upper = per_patch(nodes.layout, nodes.position[d], i, mesh.ndim) & 1 == 1
            window = apart(nodes.valid, lambda: _mirrored(window, take(factor, i), upper, d))  # noqa: B023
    outside = of_sides(nodes, nodes.neighbour == OUTSIDE, i)
    return apart(nodes.valid, lambda: jnp.concatenate([_inner(window), _edges(window, outside)], axis=2))


def _mirrored(window: Array, factor: Array, upper: Array, d: int) -> Array:
    """The window with the layers along d that may lie beyond the domain multiplied; `upper` says at which end they
    are."""
    axis, n = 2 + d, window.shape[2 + d]
    factor = factor.reshape(*factor.shape[:2], *(1 if k == axis else n for k in range(2, window.ndim - 1)), -1)
    low = cut(window, axis, 0, n - MARGIN) * jnp.where(upper, 1, factor)
    high = cut(window, axis, n - MARGIN, 0) * jnp.where(upper, factor, 1)
    return jnp.concatenate([low, trim(window, [axis], MARGIN), high], axis=axis)


def _inner(window: Array) -> Array:
    """The cells of patches from their windows, as rows."""
    axes = range(2, window.ndim - 1)
    window = trim(window, axes, MARGIN - 1)
    for axis in reversed(axes):
        window = halved(*threes(window, axis), axis)
    return rows_from(window)


def _edges(window: Array, outside: Bool[Array, "blocks sides 1 lanes"]) -> Array:
    """The cells beyond the sides of patches, as rows: side after side."""
    axes = range(2, window.ndim - 1)
    rows: list[Array] = []
    for axis, end in itertools.product(axes, (0, 1)):
        layers = window.shape[axis] - 3
        layer = trim(cut(window, axis, end * layers, (1 - end) * layers), others(axis, axes), MARGIN - 1)
        for k in reversed(axes):
            below, own, above = threes(layer, k)
            change = 0.125 * (above - below)
            pair = own - change, own + change
            layer = paired(*pair, k) if k != axis else pair[1 - end]
        rows.append(jnp.where(outside[:, len(rows)], 0, rows_from(layer)))
    return jnp.concatenate(rows, axis=2)


# --- the root grid ----------------------------------------------------------------------------------------------------


def to_dense(mesh: Mesh, pool: Pool, face: int | None = None) -> Float[Array, " vars *grid"]:
    """The cells of the root patches, which are the first in a pool, as one array; or their faces across a dimension."""
    shape, layout = pool.shape[3:-1], room_of(pool)
    slots = np.zeros(mesh.roots, np.int32)
    slots[tuple(root_positions(mesh))] = np.arange(mesh.root_count)
    patches, cells = [], []
    for d, n in enumerate(mesh.cells):
        along = jnp.arange(n + (d == face), dtype=jnp.int32)
        patches.append(jnp.minimum(along // mesh.patch, mesh.roots[d] - 1))
        cells.append(along - mesh.patch * patches[d])
    slot = jnp.asarray(slots)[jnp.ix_(*patches)]
    row = jnp.asarray(_rows(shape))[jnp.ix_(*cells)]
    return gather(pool, layout.place(math.prod(shape), row, slot))


def from_dense(mesh: Mesh, dense: Float[Array, " vars *grid"], layout: Layout) -> NodePool:
    """The reverse, for so many sweeps as hold the root patches."""
    sweeps = -(-mesh.root_count // layout.part)
    position = np.zeros((mesh.ndim, sweeps * layout.part), np.int32)
    position[:, : mesh.root_count] = root_positions(mesh)
    place = jnp.zeros((), jnp.int32)
    for d, n in enumerate(mesh.cells):
        corner = mesh.patch * jnp.asarray(position[d]).reshape(sweeps, layout.blocks, *(1,) * mesh.ndim, layout.lanes)
        cell = jnp.arange(mesh.patch, dtype=jnp.int32).reshape(-1, *(1,) * (mesh.ndim - d))
        place = place * n + corner + cell
    return gather(dense, place)
