"""Multigrid on the levels of a forest: approximate solutions e of alpha e - div(beta grad e) = r on the leaves.

A cycle averages r down to all nodes (see `amr.grid.hierarchy`), solves on the root grid by dense multigrid, and goes up
level by level: the correction is interpolated to all nodes of the next level and smoothed there, with cells beyond the
level left as they were interpolated. This is the local multigrid of A. Brandt, Math. Comput. 31, 1977; its use for a
conservative operator on all leaves follows S. Popinet, J. Comput. Phys. 302, 2015.

Conditions at the faces of the domain are homogeneous. As in `uniform_operator`, cells beyond are a multiple
kappa of those inside; their part is folded into the diagonal, and kernels take zero there.
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from amr.grid import (
    MARGIN,
    OUTSIDE,
    Layout,
    Mirror,
    NodePool,
    Nodes,
    NodeStore,
    Pool,
    apart,
    arranged,
    beyond_over_inside,
    cells_part,
    coordinates,
    from_dense,
    ghost_cells,
    lower,
    node_rows,
    of_sides,
    prolonged,
    put,
    put_rows,
    rows_from,
    sweep,
    take,
    take_patches,
    to_dense,
    to_leaves,
    to_nodes,
    upper,
    window_side,
)
from amr.mesh import Forest, Mesh

from .uniform import Hierarchy, build_hierarchy, cycle
from .uniform_operator import Grid, Relation

Faces = tuple[Float[Array, "_ _ _ ..."], ...]  # `(rows, sweeps, blocks, *faces, lanes)`
Part = Float[Array, "_ _ ..."]  # the same of a sweep

# What a face between a leaf and an ancestor of the same level carries, more than other faces. To a step from one to
# the other the operator on leaves answers with 7/4 of what a uniform grid has, since the ghost cells of the fine side
# are those of `amr.Quadratic`, and to smooth changes with 1. Eigenvalues of the error of a cycle, 2D, two levels: -0.20
# to 0.10 with 1, -0.11 to 0.10 with 1.2, -0.09 to 0.13 with 1.3. Smooth sources are solved faster with less (a
# factor of 8.6 with 1.1, 6.3 with 1.2), random ones in 3D with more (5.9 and 7.3).
STIFFNESS = 1.15

SWEEPS = 4  # how often each level is smoothed


class Multigrid(eqx.Module):
    """One cycle from the right-hand side r to a correction e, both pools of leaves.

    **Attributes:**

    - `nodes`: the levels of the forest; `dense`: the root grid and those below.
    - `weights`: for each dimension beta / h^2 on the faces across it: `(rows, sweeps, blocks, *faces, lanes)` of nodes,
      or where beta is constant `(rows, levels, 1, .., 1)`.
    - `inverse`: one over the diagonal, a node pool.
    - `mirror`: see `amr.grid.hierarchy`.
    - `mesh`; `leaves`: the layout of pools of leaves.
    """

    nodes: Nodes
    dense: Hierarchy
    weights: Faces
    inverse: Float[Array, "rows parts blocks *cells lanes"]
    mirror: Mirror
    count: Int[Array, ""]
    mesh: Mesh = eqx.field(static=True)
    leaves: Layout = eqx.field(static=True)

    def __call__(self, r: Pool) -> Pool:
        """The correction."""
        mesh, nodes = self.mesh, self.nodes
        if mesh.max_level == 0:
            return _widened(self._on_roots(r, self.leaves), self.leaves.sweeps)
        r = apart(nodes.valid, lambda: to_nodes(mesh, nodes, r))
        roots = self._on_roots(r, nodes.layout)
        store = jnp.zeros((*r.shape[:3], node_rows(mesh), r.shape[-1]), r.dtype)
        store = lax.dynamic_update_slice(store, roots.reshape(*roots.shape[:3], -1, roots.shape[-1]), (0,) * 5)
        store = lax.fori_loop(1, mesh.max_level + 1, functools.partial(self._level, r), store)
        return to_leaves(mesh, nodes, store, self.count, self.leaves)

    def _on_roots(self, r: Pool, layout: Layout) -> NodePool:
        """A cycle on the root grid, for the sweeps that hold its patches."""
        return from_dense(self.mesh, cycle(self.dense, to_dense(self.mesh, r)), layout)

    def _level(self, r: Pool, level: Int[Array, ""], store: NodeStore) -> NodeStore:
        """The store with a level interpolated and smoothed."""
        first, last = self.nodes.first[level], self.nodes.first[level + 1]

        def begin(i, store):
            return put_rows(store, prolonged(self.mesh, self.nodes, store, self.mirror, i), i)

        def smooth(_, store):
            return lax.fori_loop(first, last, functools.partial(self._smoothed, r, level), store)

        return lax.fori_loop(0, SWEEPS, smooth, lax.fori_loop(first, last, begin, store))

    def _smoothed(self, r: Pool, level: Int[Array, ""], i: Int[Array, ""], store: NodeStore) -> NodeStore:
        """The store with the nodes of sweep i smoothed: red-black Gauss-Seidel with ghost cells as they were before."""
        mesh, nodes, valid = self.mesh, self.nodes, self.nodes.valid
        e = apart(valid, lambda: cells_part(mesh, store, i))
        ghosts = ghost_cells(nodes, store, i)
        beside = of_sides(nodes, nodes.beside, i)
        weights = [take(w, level) if _constant(w) else apart(valid, lambda: take(w, i)) for w in self.weights]  # noqa: B023
        inverse = apart(valid, lambda: take(self.inverse, i))
        known = apart(valid, lambda: take(r, i) + _from_ghosts(mesh, weights, jnp.where(beside, STIFFNESS, 1) * ghosts))
        for colour in (0, 1):
            e = apart(valid, lambda: _half(e, known, inverse, weights, colour))  # noqa: B023
        return put_rows(store, rows_from(e), i)


def _half(e: Part, known: Part, inverse: Part, weights: list[Part], colour: int) -> Part:
    """The cells of one colour made to fit their neighbours."""
    number = functools.reduce(np.add.outer, map(np.arange, e.shape[2:-1]))
    return jnp.where((number % 2 == colour)[..., None], inverse * (known + _coupled(e, weights)), e)


def _coupled(e: Part, weights: list[Part]) -> Array:
    """What the neighbours within a patch contribute."""
    total = jnp.zeros((), e.dtype)
    for axis, weight in enumerate(weights, 2):
        zero = jnp.zeros_like(lax.slice_in_dim(e, 0, 1, axis=axis))
        below = jnp.concatenate([zero, lower(e, axis)], axis=axis)
        above = jnp.concatenate([upper(e, axis), zero], axis=axis)
        total = total + _weighted(weight, axis, below, above)
    return total


def _weighted(weight: Part, axis: int, below: Array, above: Array) -> Array:
    """Values beyond the lower and upper faces of cells times the weights of these faces."""
    if weight.shape[axis] == 1:
        return weight * (below + above)
    return lower(weight, axis) * below + upper(weight, axis) * above


def _from_ghosts(mesh: Mesh, weights: list[Part], ghosts: Float[Array, "vars blocks sides faces lanes"]) -> Array:
    """What the cells beyond the sides of patches contribute."""
    total = jnp.zeros((), ghosts.dtype)
    for d, weight in enumerate(weights):
        shape = (*ghosts.shape[:2], *(1 if k == d else mesh.patch for k in range(mesh.ndim)), ghosts.shape[-1])
        below, above = (ghosts[:, :, 2 * d + end].reshape(shape) for end in (0, 1))
        zeros = jnp.zeros((*shape[: 2 + d], mesh.patch - 1, *shape[3 + d :]), ghosts.dtype)
        pair = jnp.concatenate([below, zeros], axis=2 + d), jnp.concatenate([zeros, above], axis=2 + d)
        total = total + _weighted(weight, 2 + d, *pair)
    return total


def _widened(pool: Pool, sweeps: int) -> Pool:
    return jnp.pad(pool, [(0, sweeps - n if axis == 1 else 0) for axis, n in enumerate(pool.shape)])


def _constant(values: Array) -> bool:
    """Whether there are numbers for rows, and for sweeps or levels, alone."""
    return all(n == 1 for n in values.shape[2:])


# --- building ---------------------------------------------------------------------------------------------------------


def build_multigrid(
    mesh: Mesh,
    nodes: Nodes,
    count: Int[Array, ""],
    leaves: Layout,
    alpha: Float[Array, "*rows"],
    beta: Faces,
    relation: Relation,
) -> Multigrid:
    """The operator on all levels.

    **Arguments:**

    - `count`, `leaves`: how many leaves there are, and the layout of their pools.
    - `alpha`: a number, or one for each variable.
    - `beta`: for each dimension on the faces of leaves across it, `(rows, sweeps, blocks, *faces, lanes)` with one more
      along it; or `(rows, 1, .., 1)` where it is constant. Rows are one for all variables, or one for each.
    - `relation`: see `uniform_multigrid.build_hierarchy`; it is also called for the faces of single patches.
    """
    alpha = alpha.reshape(-1, *(1,) * (mesh.ndim + 3))
    if mesh.max_level > 0:
        beta = tuple(b if _constant(b) else to_nodes(mesh, nodes, b, d) for d, b in enumerate(beta))
    dense = _dense(mesh, nodes, alpha, beta, relation)
    weights, inverse, mirror = _coefficients(mesh, nodes, alpha, beta, relation)
    return Multigrid(nodes, dense, weights, inverse, mirror, count, mesh, leaves)


def _dense(mesh: Mesh, nodes: Nodes, alpha: Array, beta: Faces, relation: Relation) -> Hierarchy:
    grid = Grid(mesh.cells, mesh.domain.lower, mesh.cell_size(), mesh.domain.periodic)
    if mesh.max_level == 0:
        faces = [b[:, 0, 0, ..., 0] if _constant(b) else to_dense(mesh, b, d) for d, b in enumerate(beta)]
    else:
        faces = [to_dense(mesh, _stiffened(mesh, nodes, b, d), d) for d, b in enumerate(beta)]
    return build_hierarchy(grid, alpha[:, 0, 0, ..., 0], tuple(faces), relation)


def _stiffened(mesh: Mesh, nodes: Nodes, beta: Array, d: int) -> NodePool:
    """The coefficient on the faces of root patches across dimension d with that on those between leaves and ancestors
    multiplied."""
    layout, sweeps = nodes.layout, -(-mesh.root_count // nodes.layout.part)
    along = jnp.arange(mesh.patch + 1).reshape(-1, *(1,) * (mesh.ndim - d))
    beside = nodes.beside[2 * d : 2 * d + 2, : sweeps * layout.part]
    below, above = beside.reshape(2, sweeps, layout.blocks, *(1,) * mesh.ndim, layout.lanes)
    factor = jnp.where((below & (along == 0)) | (above & (along == mesh.patch)), STIFFNESS, 1)
    faces = tuple(mesh.patch + (k == d) for k in range(mesh.ndim))
    return jnp.broadcast_to(factor * beta[:, :sweeps], (beta.shape[0], *factor.shape[:2], *faces, layout.lanes))


def _coefficients(
    mesh: Mesh, nodes: Nodes, alpha: Array, beta: Faces, relation: Relation
) -> tuple[Faces, Array, Mirror]:
    """The weights, the inverse diagonal and the mirror of a `Multigrid`."""

    def part(i):
        sites = Sites.of(mesh, nodes, i, relation, alpha.dtype)
        faces = [sites.over_area(b[:, 0] if _constant(b) else take(b, i), d) for d, b in enumerate(beta)]
        diagonal = functools.reduce(jnp.add, [sites.from_faces(w, d) for d, w in enumerate(faces)], alpha[:, 0])
        mirror = tuple(None if periodic else sites.mirror(d) for d, periodic in enumerate(mesh.domain.periodic))
        return tuple(None if _constant(b) else w for b, w in zip(beta, faces, strict=True)), 1 / diagonal, mirror

    def place(i, pools):
        return jax.tree.map(lambda pool, new: put(pool, new, i), pools, apart(nodes.valid, lambda: part(i)))

    shapes = jax.eval_shape(part, jnp.zeros((), jnp.int32))
    empty = jax.tree.map(lambda s: jnp.zeros((s.shape[0], nodes.layout.sweeps, *s.shape[1:]), s.dtype), shapes)
    weights, inverse, mirror = empty if mesh.max_level == 0 else sweep(nodes.layout, nodes.used, place, empty)
    return (
        tuple(_by_level(mesh, b, d) if w is None else w for d, (b, w) in enumerate(zip(beta, weights, strict=True))),
        inverse,
        mirror,
    )


def _by_level(mesh: Mesh, beta: Array, d: int) -> Array:
    """A constant coefficient over h^2 of each level."""
    return beta / (_sizes(mesh, d, beta.dtype) ** 2).reshape(1, -1, *(1,) * (mesh.ndim + 2))


def _sizes(mesh: Mesh, d: int, dtype) -> Float[Array, " levels"]:
    """Cell widths of all levels along a dimension."""
    return jnp.asarray([mesh.cell_size(level)[d] for level in range(mesh.max_level + 1)], dtype)


class Sites(eqx.Module):
    """The nodes of a sweep and what goes on at their sides.

    **Attributes:**

    - `where`: their levels and positions.
    - `outside`, `beside`: see `amr.grid.hierarchy`.
    """

    where: Forest
    outside: Array
    beside: Array
    mesh: Mesh = eqx.field(static=True)
    layout: Layout = eqx.field(static=True)
    relation: Relation = eqx.field(static=True)
    dtype: np.dtype = eqx.field(static=True)

    @staticmethod
    def of(mesh: Mesh, nodes: Nodes, i: Int[Array, ""], relation: Relation, dtype) -> Sites:
        """Those of sweep i."""
        layout = nodes.layout
        level, position, neighbour, beside = (
            take_patches(layout, array, i) for array in (nodes.level, nodes.position, nodes.neighbour, nodes.beside)
        )
        shape = (2 * mesh.ndim, layout.blocks, *(1,) * mesh.ndim, layout.lanes)
        where, outside = Forest(level, position, nodes.used), neighbour == OUTSIDE
        return Sites(where, outside.reshape(shape), beside.reshape(shape), mesh, layout, relation, np.dtype(dtype))

    def size(self, d: int) -> Float[Array, " part"]:
        """Cell widths."""
        return _sizes(self.mesh, d, self.dtype)[self.where.level]

    def over_area(self, beta: Part, d: int) -> Part:
        """Coefficients over h^2."""
        shape = (self.layout.blocks, *(1,) * self.mesh.ndim, self.layout.lanes)
        return beta / (self.size(d) ** 2).reshape(shape)

    def from_faces(self, weight: Part, d: int) -> Part:
        """What the faces across dimension d give to the diagonal."""
        inner = (jnp.arange(self.mesh.patch, dtype=self.dtype) + 0.5,) * self.mesh.ndim
        cell = jnp.arange(self.mesh.patch).reshape(-1, *(1,) * (self.mesh.ndim - d))
        total = jnp.zeros((), self.dtype)
        for end, face in enumerate((lower(weight, 2 + d), upper(weight, 2 + d))):
            factor = jnp.where(self.beside[2 * d + end], STIFFNESS, 1)
            if not self.mesh.domain.periodic[d]:
                factor = jnp.where(self.outside[2 * d + end], 1 - self.kappa(d, end, inner, 1), factor)
            total = total + face * jnp.where(cell == end * (self.mesh.patch - 1), factor, 1)
        return total

    def kappa(self, d: int, end: int, offsets: tuple[Array, ...], coarser: int) -> Part:
        """What values beyond a face of the domain are multiples of, for cells `coarser` times as wide as those of the
        nodes."""
        edge = jnp.full(1, end * self.mesh.patch, self.dtype)
        places = tuple(edge if k == d else line for k, line in enumerate(offsets))
        x = coordinates(self.mesh, self.where, places, self.dtype)
        ends = zip(x, self.mesh.domain.lower, self.mesh.domain.upper, strict=True)
        x = tuple(jnp.clip(line, low, high) for line, low, high in ends)

        def one(h, *x):
            a, b = self.relation(d, end, x)
            ratio = jnp.asarray(beyond_over_inside(a, b, h), self.dtype)
            return ratio.reshape((1,) * (1 + self.mesh.ndim - ratio.ndim) + ratio.shape)

        return arranged(self.layout, jax.vmap(one, in_axes=-1, out_axes=-1)(coarser * self.size(d), *x), 1)

    def mirror(self, d: int) -> Float[Array, "rows blocks layer lanes"]:
        """One factor for each cell of a layer of the window, see `amr.grid.hierarchy.Mirror`."""
        n = window_side(self.mesh)
        centres = 2 * (jnp.arange(n, dtype=self.dtype) - MARGIN) + 1  # of coarse cells, in fine ones
        factor = jnp.ones((), self.dtype)
        for end in (0, 1):
            kappa = self.kappa(d, end, (centres,) * self.mesh.ndim, 2)
            factor = jnp.where(self.outside[2 * d + end], kappa, factor)
        layer = [1 if k == d else n for k in range(self.mesh.ndim)]
        return rows_from(jnp.broadcast_to(factor, (*factor.shape[:2], *layer, factor.shape[-1])))
