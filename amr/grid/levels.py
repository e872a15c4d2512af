"""The nodes of all levels with the loops over them, for multigrid methods: what `Grid` is for the leaves alone."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.mesh import Forest, Mesh

from .fusion import apart
from .halo import cells_part
from .hierarchy import (
    OUTSIDE,
    Edges,
    Mirror,
    NodePool,
    Nodes,
    NodeStore,
    from_dense,
    ghost_cells,
    node_rows,
    of_sides,
    prolonged,
    rows_from,
    to_leaves,
    to_nodes,
)
from .pool import Layout, Pool, arranged, put, put_rows, sweep, take, take_patches
from .topology import coordinates

Sides = Bool[Array, "sides blocks *ones lanes"]


class NodePart(eqx.Module):
    """The nodes of one sweep, as kernels see them: arrays of cells are `(vars, blocks, *cells, lanes)`."""

    mesh: Mesh = eqx.field(static=True)
    nodes: Nodes
    i: Int[Array, ""]

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """`compute()`, computed once and stored: see `amr.grid.fusion`."""
        return apart(self.nodes.valid, compute)

    def take(self, pool: NodePool) -> Array:
        """What belongs to these nodes."""
        return take(pool, self.i)

    def cells(self, store: NodeStore) -> Float[Array, "vars blocks *cells lanes"]:
        """Their cells in a store."""
        return cells_part(self.mesh, store, self.i)

    def with_cells(self, store: NodeStore, cells: Float[Array, "vars blocks *cells lanes"]) -> NodeStore:
        """The store with other cells."""
        return put_rows(store, rows_from(cells), self.i)

    def interpolated(self, store: NodeStore, mirror: Mirror) -> NodeStore:
        """The store with the rows of these nodes from the next coarser level: see `hierarchy.prolonged`."""
        return put_rows(store, prolonged(self.mesh, self.nodes, store, mirror, self.i), self.i)

    def ghosts(self, store: NodeStore) -> Edges:
        """The values beyond all sides."""
        return ghost_cells(self.nodes, store, self.i)

    @property
    def edges_beside(self) -> Bool[Array, "blocks sides 1 lanes"]:
        """`beside`, to go with `ghosts`."""
        return of_sides(self.nodes, self.nodes.beside, self.i)

    def _sides(self, marks: Bool[Array, "sides nodes"]) -> Sides:
        layout, sides = self.nodes.layout, 2 * self.mesh.ndim
        marks = take_patches(layout, marks, self.i)
        return marks.reshape(sides, layout.blocks, *(1,) * self.mesh.ndim, layout.lanes)

    @property
    def beside(self) -> Sides:
        """For each side, whether of the nodes that meet there one is a leaf and one an ancestor."""
        return self._sides(self.nodes.beside)

    @property
    def outside(self) -> Sides:
        """For each side, whether it lies at a face of the domain."""
        return self._sides(self.nodes.neighbour == OUTSIDE)

    @property
    def where(self) -> Forest:
        """Levels and positions."""
        level, position = (take_patches(self.nodes.layout, a, self.i) for a in (self.nodes.level, self.nodes.position))
        return Forest(level, position, self.nodes.used)

    def sizes(self, d: int, dtype) -> Float[Array, " part"]:
        """Cell widths along a dimension, one a node."""
        return level_sizes(self.mesh, d, dtype)[self.where.level]

    def to_blocks(self, values: Float[Array, " part"]) -> Float[Array, "blocks *ones lanes"]:
        """One number a node, to go with its cells."""
        layout = self.nodes.layout
        return values.reshape(layout.blocks, *(1,) * self.mesh.ndim, layout.lanes)

    def each(self, function: Callable[..., Array], places: tuple[Array, ...], *values: Array) -> Array:
        """`function(*values, *x)` of one node after the other, put together as cells are: of one of the `values` each,
        and of the coordinates of points at some places (see `coordinates`), no further out than the domain goes."""
        domain = self.mesh.domain
        x = coordinates(self.mesh, self.where, places, values[0].dtype)
        x = tuple(jnp.clip(line, low, high) for line, low, high in zip(x, domain.lower, domain.upper, strict=True))
        return arranged(self.nodes.layout, jax.vmap(function, in_axes=-1, out_axes=-1)(*values, *x), 1)


class NodeLevels(eqx.Module):
    """The nodes of all levels, and the leaves among them.

    **Attributes:** `nodes`: see `hierarchy`; `count`, `leaves`: how many leaves there are, and the layout of their
    pools.
    """

    mesh: Mesh = eqx.field(static=True)
    nodes: Nodes
    count: Int[Array, ""]
    leaves: Layout = eqx.field(static=True)

    def kept(self, compute: Callable[[], PyTree]) -> PyTree:
        """See `NodePart.kept`."""
        return apart(self.nodes.valid, compute)

    def to_nodes(self, pool: Pool, face: int | None = None) -> NodePool:
        """Values of leaves on all nodes: see `hierarchy.to_nodes`."""
        if self.mesh.max_level == 0:
            return pool
        return to_nodes(self.mesh, self.nodes, pool, face)

    def begun(self, roots: Float[Array, " vars *grid"]) -> NodeStore:
        """A store with values on the root grid, zero on all finer levels."""
        layout, cells = self.nodes.layout, from_dense(self.mesh, roots, self.nodes.layout)
        shape = (roots.shape[0], layout.sweeps, layout.blocks, node_rows(self.mesh), layout.lanes)
        rows = cells.reshape(*cells.shape[:3], -1, layout.lanes)
        return lax.dynamic_update_slice(jnp.zeros(shape, cells.dtype), rows, (0,) * 5)

    def to_leaves(self, store: NodeStore) -> Pool:
        """The cells of the leaves."""
        return to_leaves(self.mesh, self.nodes, store, self.count, self.leaves)

    def roots_to_leaves(self, roots: Float[Array, " vars *grid"]) -> Pool:
        """A pool of leaves from values on the root grid, where there is no other level."""
        pool = from_dense(self.mesh, roots, self.leaves)
        return jnp.pad(pool, [(0, self.leaves.sweeps - n if axis == 1 else 0) for axis, n in enumerate(pool.shape)])

    def fold(
        self, level: Int[Array, ""], body: Callable[[NodePart, NodeStore], NodeStore], store: NodeStore
    ) -> NodeStore:
        """`body(part, store)` for the nodes of a level, one sweep after the other."""
        first, last = self.nodes.first[level], self.nodes.first[level + 1]
        return lax.fori_loop(first, last, lambda i, store: body(NodePart(self.mesh, self.nodes, i), store), store)

    def map(self, function: Callable[[NodePart], PyTree]) -> PyTree:
        """Pools of what `function(part)` gives for the nodes of each sweep, all zero if there is one level alone."""

        def part(i):
            return function(NodePart(self.mesh, self.nodes, i))

        def place(i, pools):
            return jax.tree.map(lambda pool, new: put(pool, new, i), pools, self.kept(lambda: part(i)))

        layout, shapes = self.nodes.layout, jax.eval_shape(part, jnp.zeros((), jnp.int32))
        empty = jax.tree.map(lambda s: jnp.zeros((s.shape[0], layout.sweeps, *s.shape[1:]), s.dtype), shapes)
        return empty if self.mesh.max_level == 0 else sweep(layout, self.nodes.used, place, empty)

    def of_roots(self, pool: NodePool, d: int) -> tuple[Array, Array, Array]:
        """The sweeps of a pool that hold the nodes of the root grid, and whether these have `beside` set below and
        above across dimension d, shaped to go with them."""
        layout, sweeps = self.nodes.layout, -(-self.mesh.root_count // self.nodes.layout.part)
        beside = self.nodes.beside[2 * d : 2 * d + 2, : sweeps * layout.part]
        below, above = beside.reshape(2, sweeps, layout.blocks, *(1,) * self.mesh.ndim, layout.lanes)
        return pool[:, :sweeps], below, above


def at_level(values: Float[Array, "rows levels ..."], level: Int[Array, ""]) -> Float[Array, "rows ..."]:
    """Those of one level."""
    return take(values, level)


def level_sizes(mesh: Mesh, d: int, dtype) -> Float[Array, " levels"]:
    """Cell widths of all levels along a dimension."""
    return jnp.asarray([mesh.cell_size(level)[d] for level in range(mesh.max_level + 1)], dtype)
