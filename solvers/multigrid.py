"""Multigrid on the levels of a forest: approximate solutions e of alpha e - div(beta grad e) = r on the leaves.

A cycle averages r down to all nodes (see `amr.hierarchy`), solves on the root grid by dense multigrid, and goes up level
by level: the correction is interpolated to all nodes of the next level and smoothed there. The cells of coarser leaves
beside a level stay as they were interpolated. This is the local multigrid of A. Brandt, Math. Comput. 31, 1977, as it
is done in Basilisk (S. Popinet, J. Comput. Phys. 302, 2015).
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from amr.forest import Forest
from amr.fusion import apart
from amr.hierarchy import (
    OUTSIDE,
    Edges,
    Mirror,
    Nodes,
    Store,
    cells_of,
    from_dense,
    ghost_cells,
    over_sweeps,
    prolonged,
    put_cells,
    rows_of,
    to_dense,
    to_leaves,
    to_nodes,
)
from amr.mesh import Mesh
from amr.pool import Layout, Pool, arranged, at, layout_of, put, sweep, take, take_patches
from amr.topology import coordinates

from .slices import lower, upper
from .uniform_multigrid import Cycle, Grid, Hierarchy, RedBlack, Relation, Smoother, VCycle, build_hierarchy, cycle

Faces = tuple[Float[Array, "rows sweeps blocks ..."], ...]


class Multigrid(eqx.Module):
    """One cycle from the right-hand side r to a correction e, both pools of leaves.

    **Attributes:**

    - `nodes`: the levels of the forest; `dense`: those of the root grid and below.
    - `weights`: for each dimension beta / h^2 on the faces across it; of length one along all axes but those of rows
      and levels, `(rows, levels, 1, .., 1)`, where beta is constant.
    - `inverse`: one over the diagonal, a node pool.
    - `mirror`: see `amr.hierarchy`.
    - `count`: of leaves; `leaves`: the layout of their pools.
    - `sweeps`: how often each level is smoothed.
    - `smoother`, `recursion`: for the root grid.
    """

    nodes: Nodes
    dense: Hierarchy
    weights: Faces
    inverse: Float[Array, "rows sweeps blocks *cells lanes"]
    mirror: Mirror
    count: Int[Array, ""]
    mesh: Mesh = eqx.field(static=True)
    leaves: Layout = eqx.field(static=True)
    sweeps: int = eqx.field(static=True)
    smoother: Smoother
    recursion: Cycle

    def __call__(self, r: Pool) -> Pool:
        """The correction."""
        mesh, nodes = self.mesh, self.nodes
        if mesh.max_level == 0:
            return from_dense(mesh, self._dense(r), self.leaves)
        r = to_nodes(mesh, nodes, r)
        outer = (r.shape[0], nodes.layout.sweeps, nodes.layout.blocks)
        store = jnp.zeros((*outer, rows_of(mesh), nodes.layout.lanes), r.dtype)
        roots = from_dense(mesh, self._dense(r), nodes.layout)
        roots = roots.reshape(*roots.shape[:3], -1, roots.shape[-1])
        store = lax.dynamic_update_slice(store, roots, (0,) * 5)
        store = lax.fori_loop(1, mesh.max_level + 1, functools.partial(self._level, r), store)
        return to_leaves(mesh, nodes, store, self.count, self.leaves)

    def _dense(self, r: Pool) -> Float[Array, "vars *cells"]:
        return cycle(self.dense, to_dense(self.mesh, r), self.smoother, self.recursion)

    def _level(self, r: Pool, level: Int[Array, ""], store: Store) -> Store:
        """The store with a level interpolated and smoothed."""
        nodes = self.nodes
        first, last = nodes.first[level], nodes.first[level + 1]

        def start(i, store):
            rows = prolonged(self.mesh, nodes, store, self.mirror, i)
            return lax.dynamic_update_slice(store, rows[:, None], at(i, 0, None, 0, 0, 0))

        def smooth(_, store):
            return over_sweeps(first, last, functools.partial(self._smoothed, r, level), store)

        store = over_sweeps(first, last, start, store)
        return lax.fori_loop(0, self.sweeps, smooth, store)

    def _smoothed(self, r: Pool, level: Int[Array, ""], i: Int[Array, ""], store: Store) -> Store:
        """Red-black Gauss-Seidel of the nodes of sweep i."""
        valid = self.nodes.valid
        e = apart(valid, lambda: cells_of(self.mesh, store, i))
        edges = ghost_cells(self.nodes, store, i)
        inverse = apart(valid, lambda: take(self.inverse, i))
        weights = [_weights(w, i, level, valid) for w in self.weights]
        known = apart(valid, lambda: take(r, i) + _from_edges(self.mesh, weights, edges))
        for colour in (0, 1):
            e = apart(valid, lambda: _half(e, known, inverse, weights, colour))  # noqa: B023
        return put_cells(store, e, i)


def _half(e, known, inverse, weights, colour: int) -> Array:
    cells = e.shape[2:-1]
    parity = functools.reduce(np.add.outer, [np.arange(n) for n in cells]) % 2 == colour
    return jnp.where(parity[..., None], inverse * (known + _coupled(e, weights)), e)


def _coupled(e: Array, weights: list[Array]) -> Array:
    """What the neighbours within a patch contribute."""
    total = jnp.zeros((), e.dtype)
    for d, weight in enumerate(weights):
        axis = 2 + d
        zero = jnp.zeros_like(lax.slice_in_dim(e, 0, 1, axis=axis))
        n = e.shape[axis]
        below = jnp.concatenate([zero, lax.slice_in_dim(e, 0, n - 1, axis=axis)], axis=axis)
        above = jnp.concatenate([lax.slice_in_dim(e, 1, n, axis=axis), zero], axis=axis)
        if weight.shape[axis] == 1:
            total = total + weight * (below + above)
        else:
            total = total + (lower(weight, axis) * below + upper(weight, axis) * above)
    return total


def _from_edges(mesh: Mesh, weights: list[Array], edges: Edges) -> Array:
    """What the cells beyond the sides of patches contribute."""
    total = jnp.zeros((), edges.dtype)
    for d, weight in enumerate(weights):
        axis, n = 2 + d, weight.shape[2 + d]
        for end in (0, 1):
            shape = [1 if k == d else mesh.patch for k in range(mesh.ndim)]
            layer = edges[:, :, 2 * d + end].reshape(*edges.shape[:2], *shape, -1)
            layer = layer * lax.slice_in_dim(weight, end * (n - 1), end * (n - 1) + 1, axis=axis)
            zeros = jnp.zeros((*layer.shape[:axis], mesh.patch - 1, *layer.shape[axis + 1 :]), layer.dtype)
            total = total + jnp.concatenate([zeros, layer] if end else [layer, zeros], axis=axis)
    return total


def _weights(weights: Array, i: Int[Array, ""], level: Int[Array, ""], valid) -> Array:
    if _constant(weights):
        return take(weights, level)
    return apart(valid, lambda: take(weights, i))


def _constant(values: Array) -> bool:
    return all(n == 1 for n in values.shape[2:])


# --- building ---------------------------------------------------------------------------------------------------------


def build_multigrid(
    mesh: Mesh,
    nodes: Nodes,
    forest: Forest,
    leaves: Layout,
    alpha: Float[Array, "..."],
    beta: Faces,
    relation: Relation,
    sweeps: int = 3,
    smoother: Smoother | None = None,
    recursion: Cycle | None = None,
) -> Multigrid:
    """The operator on all levels.

    **Arguments:**

    - `forest`, `leaves`: the leaves, and the layout of their pools.
    - `alpha`: a number, or one for each variable.
    - `beta`: for each dimension on the faces of leaves across it, `(rows, sweeps, blocks, *faces, lanes)` with one more
      along it; or `(rows, 1, .., 1)` where it is constant. Rows are one for all variables, or one for each.
    - `relation`: see `solvers.uniform_multigrid`; also called for the faces of patches.
    - `sweeps`: how often each level is smoothed; `smoother`, `recursion`: for the root grid.
    """
    alpha = jnp.reshape(alpha, (-1, *(1,) * (mesh.ndim + 2)))
    known = [b if _constant(b[:, :1]) and b.shape[1] == 1 else _nodes_or_leaves(mesh, nodes, b, d) for d, b in enumerate(beta)]
    dense = _dense(mesh, alpha, known, relation)
    smoother, recursion = smoother or RedBlack(), recursion or VCycle()
    weights, inverse, mirror = _coefficients(mesh, nodes, alpha, known, relation)
    return Multigrid(nodes, dense, weights, inverse, mirror, forest.count, mesh, leaves, sweeps, smoother, recursion)


def _nodes_or_leaves(mesh: Mesh, nodes: Nodes, faces: Array, d: int) -> Array:
    return faces if mesh.max_level == 0 else to_nodes(mesh, nodes, faces, d)


def _dense(mesh: Mesh, alpha: Array, beta: list[Array], relation: Relation) -> Hierarchy:
    grid = Grid(mesh.cells, mesh.domain.lower, mesh.cell_size(), mesh.domain.periodic)
    faces = [b[:, 0, 0, ..., 0] if _constant(b) else to_dense(mesh, b, d) for d, b in enumerate(beta)]
    return build_hierarchy(grid, alpha[:, 0, 0, ..., 0], tuple(faces), relation)


def _coefficients(mesh: Mesh, nodes: Nodes, alpha: Array, beta: list[Array], relation: Relation):
    """The weights, the inverse diagonal and the mirror of a `Multigrid`."""
    constant = [_constant(b) for b in beta]

    def part(i):
        sites = Sites.of(mesh, nodes, i, relation, alpha.dtype)
        faces = [sites.per_area(d) * (b[:, 0] if _constant(b) else take(b, i)) for d, b in enumerate(beta)]
        inverse = 1 / functools.reduce(jnp.add, [sites.from_faces(w, d) for d, w in enumerate(faces)], alpha[:, 0])
        inverse = jnp.broadcast_to(inverse, (inverse.shape[0], nodes.layout.blocks, *mesh.patch_shape, nodes.layout.lanes))
        mirror = [sites.mirror(d) for d in range(mesh.ndim) if not mesh.domain.periodic[d]]
        return [w for w, same in zip(faces, constant, strict=True) if not same], inverse, mirror

    def place(i, pools):
        return jax.tree.map(lambda pool, new: put(pool, new, i), pools, apart(nodes.valid, lambda: part(i)))

    shapes = jax.eval_shape(part, jnp.zeros((), jnp.int32))
    empty = jax.tree.map(lambda s: jnp.zeros((s.shape[0], nodes.layout.sweeps, *s.shape[1:]), s.dtype), shapes)
    varying, inverse, mirror = empty if mesh.max_level == 0 else sweep(nodes.layout, nodes.used, place, empty)
    known, factors = iter(varying), iter(mirror)
    weights = [_by_level(mesh, b, d) if same else next(known) for d, (b, same) in enumerate(zip(beta, constant, strict=True))]
    mirror = tuple(None if periodic else next(factors) for periodic in mesh.domain.periodic)
    return tuple(weights), inverse, mirror


def _by_level(mesh: Mesh, beta: Array, d: int) -> Array:
    """A constant coefficient over h^2 of each level."""
    sizes = np.array([mesh.cell_size(level)[d] for level in range(mesh.max_level + 1)])
    return beta / jnp.asarray(sizes**2, beta.dtype).reshape(1, -1, *(1,) * (beta.ndim - 2))


class Sites(eqx.Module):
    """Where the nodes of a sweep lie."""

    where: Forest
    neighbour: Int[Array, "sides part"]
    mesh: Mesh = eqx.field(static=True)
    layout: Layout = eqx.field(static=True)
    relation: Relation = eqx.field(static=True)
    dtype: jnp.dtype = eqx.field(static=True)

    @staticmethod
    def of(mesh: Mesh, nodes: Nodes, i: Int[Array, ""], relation: Relation, dtype) -> Sites:
        level, position, neighbour = (
            take_patches(nodes.layout, array, i) for array in (nodes.level, nodes.position, nodes.neighbour)
        )
        return Sites(Forest(level, position, nodes.used), neighbour, mesh, nodes.layout, relation, jnp.dtype(dtype))

    def size(self, d: int) -> Float[Array, " part"]:
        """Cell widths."""
        return mesh_sizes(self.mesh, d, self.dtype)[self.where.level]

    def per_area(self, d: int) -> Float[Array, "blocks *ones lanes"]:
        """One over h^2."""
        size = self.size(d).reshape(self.layout.blocks, *(1,) * self.mesh.ndim, self.layout.lanes)
        return 1 / size**2

    def from_faces(self, weight: Array, d: int) -> Array:
        """What the faces across dimension d give to the diagonal."""
        axis, patch = 2 + d, self.mesh.patch
        total = lower(weight, axis) + upper(weight, axis)
        cell = jnp.arange(patch).reshape(-1, *(1,) * (self.mesh.ndim - d))
        inner = (jnp.arange(patch, dtype=self.dtype) + 0.5,) * self.mesh.ndim
        for end, face in ((0, lower(weight, axis)), (1, upper(weight, axis))):
            if not self.mesh.domain.periodic[d]:
                there = self.outside(d, end) & (cell == end * (patch - 1))
                total = total - jnp.where(there, self.kappa(d, end, inner, 1) * face, 0)
        return total

    def outside(self, d: int, end: int) -> Array:
        """Which nodes lie at that face of the domain."""
        shape = (self.layout.blocks, *(1,) * self.mesh.ndim, self.layout.lanes)
        return (self.neighbour[2 * d + end] == OUTSIDE).reshape(shape)

    def kappa(self, d: int, end: int, offsets: tuple[Array, ...], coarser: int) -> Array:
        """What values beyond a face of the domain are multiples of: a (e + e') / 2 + b (e' - e) / h = 0."""
        mesh, level = self.mesh, self.where.level
        edge = jnp.full(1, end * mesh.patch, self.dtype)
        x = coordinates(mesh, self.where, tuple(edge if k == d else line for k, line in enumerate(offsets)), self.dtype)
        inside = [jnp.clip(line, *ends) for line, *ends in zip(x, mesh.domain.lower, mesh.domain.upper, strict=True)]

        def one(h, *x):
            a, b = self.relation(d, end, x)
            ratio = (2 * b - a * h) / (2 * b + a * h)
            return ratio.reshape((1,) * (1 + mesh.ndim - ratio.ndim) + ratio.shape)

        found = jax.vmap(one, in_axes=-1, out_axes=-1)(coarser * self.size(d), *inside)
        return arranged(self.layout, found, 1)

    def mirror(self, d: int) -> Float[Array, "rows blocks layer lanes"]:
        """See `amr.hierarchy.Mirror`."""
        mesh = self.mesh
        offsets = (2 * jnp.arange(-2, mesh.patch // 2 + 2, dtype=self.dtype) + 1,) * mesh.ndim
        factor = jnp.ones((), self.dtype)
        for end in (0, 1):
            factor = jnp.where(self.outside(d, end), self.kappa(d, end, offsets, 2), factor)
        shape = [1 if k == d else mesh.patch // 2 + 4 for k in range(mesh.ndim)]
        full = jnp.broadcast_to(factor, (*factor.shape[:2], *shape, factor.shape[-1]))
        return full.reshape(*full.shape[:2], -1, full.shape[-1])


def mesh_sizes(mesh: Mesh, d: int, dtype) -> Float[Array, " levels"]:
    """Cell widths of all levels along a dimension."""
    return jnp.asarray([mesh.cell_size(level)[d] for level in range(mesh.max_level + 1)], dtype)
