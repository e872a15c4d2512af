"""Multigrid on the levels of a forest: approximate solutions e of alpha e - div(beta grad e) = r on the leaves.

A cycle averages r down to all nodes (see `amr.grid.hierarchy`), solves on the root grid by dense multigrid, and goes up
level by level: the correction is interpolated to all nodes of the next level and smoothed there, with cells beyond the
level left as they were interpolated. This is the local multigrid of A. Brandt, Math. Comput. 31, 1977; its use for a
conservative operator on all leaves follows S. Popinet, J. Comput. Phys. 302, 2015.

Conditions at the faces of the domain are homogeneous. As in `uniform_operator`, cells beyond are a multiple
kappa of those inside; their part is folded into the diagonal, and kernels take zero there.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from amr.grid import (
    MARGIN,
    Mirror,
    NodeLevels,
    NodePart,
    NodePool,
    NodeStore,
    Pool,
    at_level,
    beyond_over_inside,
    level_sizes,
    lower,
    over_square,
    rows_from,
    to_dense,
    upper,
    window_side,
)
from amr.mesh import Mesh

from .uniform import Hierarchy, build_hierarchy, cycle
from .uniform_operator import Relation, UniformGrid

Faces = tuple[Float[Array, "_ _ _ ..."], ...]  # as in pools, with one face more than cells along its dimension
Values = Float[Array, "_ _ ..."]  # the same of a part

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

    - `levels`: of the forest; `dense`: the root grid and those below.
    - `weights`: for each dimension beta / h^2 on the faces across it, a pool of nodes, or where beta is constant
      `(rows, levels, 1, .., 1)`.
    - `inverse`: one over the diagonal, a node pool.
    - `mirror`: see `amr.grid.hierarchy`.
    """

    levels: NodeLevels
    dense: Hierarchy
    weights: Faces
    inverse: Float[Array, "rows parts blocks *cells lanes"]
    mirror: Mirror

    def __call__(self, r: Pool) -> Pool:
        """The correction."""
        levels, mesh = self.levels, self.levels.mesh
        if mesh.max_level == 0:
            return levels.roots_to_leaves(cycle(self.dense, to_dense(mesh, r)))
        nodes = levels.kept(lambda: levels.to_nodes(r))
        begun = levels.begun(cycle(self.dense, to_dense(mesh, nodes)))
        return levels.to_leaves(lax.fori_loop(1, mesh.max_level + 1, functools.partial(self._level, nodes), begun))

    def _level(self, r: NodePool, level: Int[Array, ""], store: NodeStore) -> NodeStore:
        """The store with a level interpolated and smoothed."""
        begun = self.levels.fold(level, lambda part, store: part.interpolated(store, self.mirror), store)
        smoothed = functools.partial(self._smoothed, r, level)
        return lax.fori_loop(0, SWEEPS, lambda _, store: self.levels.fold(level, smoothed, store), begun)

    def _smoothed(self, r: NodePool, level: Int[Array, ""], part: NodePart, store: NodeStore) -> NodeStore:
        """The store with some nodes smoothed: red-black Gauss-Seidel with ghost cells as they were before."""
        e = part.kept(lambda: part.cells(store))
        ghosts, beside = part.ghosts(store), part.edges_beside
        weights = [at_level(w, level) if _constant(w) else part.kept(lambda: part.take(w)) for w in self.weights]  # noqa: B023
        inverse = part.kept(lambda: part.take(self.inverse))
        stiffer = jnp.where(beside, STIFFNESS, 1)
        fixed = part.kept(lambda: part.take(r) + _from_ghosts(part.mesh, weights, stiffer * ghosts))
        for colour in (0, 1):
            e = part.kept(lambda: _half(e, fixed, inverse, weights, colour))  # noqa: B023
        return part.with_cells(store, e)


def _half(e: Values, fixed: Values, inverse: Values, weights: list[Values], colour: int) -> Values:
    """The cells of one colour made to fit their neighbours."""
    number = functools.reduce(np.add.outer, map(np.arange, e.shape[2:-1]))
    return jnp.where((number % 2 == colour)[..., None], inverse * (fixed + _coupled(e, weights)), e)


def _coupled(e: Values, weights: list[Values]) -> Array:
    """What the neighbours within a patch contribute."""
    total = jnp.zeros((), e.dtype)
    for axis, weight in enumerate(weights, 2):
        zero = jnp.zeros_like(lax.slice_in_dim(e, 0, 1, axis=axis))
        below = jnp.concatenate([zero, lower(e, axis)], axis=axis)
        above = jnp.concatenate([upper(e, axis), zero], axis=axis)
        total = total + _weighted(weight, axis, below, above)
    return total


def _weighted(weight: Values, axis: int, below: Array, above: Array) -> Array:
    """Values beyond the lower and upper faces of cells times the weights of these faces."""
    if weight.shape[axis] == 1:
        return weight * (below + above)
    return lower(weight, axis) * below + upper(weight, axis) * above


def _from_ghosts(mesh: Mesh, weights: list[Values], ghosts: Float[Array, "vars blocks sides faces lanes"]) -> Array:
    """What the cells beyond the sides of patches contribute."""
    total = jnp.zeros((), ghosts.dtype)
    for d, weight in enumerate(weights):
        shape = (*ghosts.shape[:2], *(1 if k == d else mesh.patch for k in range(mesh.ndim)), ghosts.shape[-1])
        below, above = (ghosts[:, :, 2 * d + end].reshape(shape) for end in (0, 1))
        zeros = jnp.zeros((*shape[: 2 + d], mesh.patch - 1, *shape[3 + d :]), ghosts.dtype)
        pair = jnp.concatenate([below, zeros], axis=2 + d), jnp.concatenate([zeros, above], axis=2 + d)
        total = total + _weighted(weight, 2 + d, *pair)
    return total


def _constant(values: Array) -> bool:
    """Whether there are numbers for rows, and for sweeps or levels, alone."""
    return all(n == 1 for n in values.shape[2:])


# --- building ---------------------------------------------------------------------------------------------------------


def build_multigrid(levels: NodeLevels, alpha: Float[Array, "*rows"], beta: Faces, relation: Relation) -> Multigrid:
    """The operator on all levels.

    **Arguments:**

    - `alpha`: a number, or one for each variable.
    - `beta`: for each dimension on the faces of leaves across it, as in pools with one face more along it; or
      `(rows, 1, .., 1)` where it is constant. Rows are one for all variables, or one for each.
    - `relation`: see `uniform_multigrid.build_hierarchy`; it is also called for the faces of single patches.
    """
    alpha = alpha.reshape(-1, *(1,) * (levels.mesh.ndim + 3))
    beta = tuple(b if _constant(b) else levels.to_nodes(b, d) for d, b in enumerate(beta))
    weights, inverse, mirror = _coefficients(levels, alpha, beta, relation)
    return Multigrid(levels, _dense(levels, alpha, beta, relation), weights, inverse, mirror)


def _dense(levels: NodeLevels, alpha: Array, beta: Faces, relation: Relation) -> Hierarchy:
    mesh = levels.mesh
    grid = UniformGrid(mesh.cells, mesh.domain.lower, mesh.cell_size(), mesh.domain.periodic)
    if mesh.max_level == 0:
        faces = [b[:, 0, 0, ..., 0] if _constant(b) else to_dense(mesh, b, d) for d, b in enumerate(beta)]
    else:
        faces = [to_dense(mesh, _stiffened(levels, b, d), d) for d, b in enumerate(beta)]
    return build_hierarchy(grid, alpha[:, 0, 0, ..., 0], tuple(faces), relation)


def _stiffened(levels: NodeLevels, beta: Array, d: int) -> NodePool:
    """The coefficient on the faces of root patches across dimension d with that on those between leaves and ancestors
    multiplied."""
    mesh = levels.mesh
    along = jnp.arange(mesh.patch + 1).reshape(-1, *(1,) * (mesh.ndim - d))
    beta, below, above = levels.of_roots(beta, d)
    factor = jnp.where((below & (along == 0)) | (above & (along == mesh.patch)), STIFFNESS, 1)
    faces = tuple(mesh.patch + (k == d) for k in range(mesh.ndim))
    return jnp.broadcast_to(factor * beta, (beta.shape[0], *factor.shape[:2], *faces, factor.shape[-1]))


def _coefficients(levels: NodeLevels, alpha: Array, beta: Faces, relation: Relation) -> tuple[Faces, Array, Mirror]:
    """The weights, the inverse diagonal and the mirror of a `Multigrid`."""
    periodic = levels.mesh.domain.periodic

    def found(part):
        sites = NodeSides(part, relation, alpha.dtype)
        faces = [sites.over_area(b[:, 0] if _constant(b) else part.take(b), d) for d, b in enumerate(beta)]
        diagonal = functools.reduce(jnp.add, [sites.from_faces(w, d) for d, w in enumerate(faces)], alpha[:, 0])
        mirror = tuple(None if around else sites.mirror(d) for d, around in enumerate(periodic))
        return tuple(None if _constant(b) else w for b, w in zip(beta, faces, strict=True)), 1 / diagonal, mirror

    weights, inverse, mirror = levels.map(found)
    pairs = enumerate(zip(beta, weights, strict=True))
    return tuple(_by_level(levels.mesh, b, d) if w is None else w for d, (b, w) in pairs), inverse, mirror


def _by_level(mesh: Mesh, beta: Array, d: int) -> Array:
    """A constant coefficient over h^2 of each level."""
    return over_square(beta, level_sizes(mesh, d, beta.dtype).reshape(1, -1, *(1,) * (mesh.ndim + 2)))


class NodeSides(NamedTuple):
    """What goes on at the sides of the nodes of a part."""

    part: NodePart
    relation: Relation
    dtype: Any

    def over_area(self, beta: Values, d: int) -> Values:
        """Coefficients over h^2."""
        return over_square(beta, self.part.to_blocks(self.part.sizes(d, self.dtype)))

    def from_faces(self, weight: Values, d: int) -> Values:
        """What the faces across dimension d give to the diagonal."""
        part, patch = self.part, self.part.mesh.patch
        inner = (jnp.arange(patch, dtype=self.dtype) + 0.5,) * part.mesh.ndim
        cell = jnp.arange(patch).reshape(-1, *(1,) * (part.mesh.ndim - d))
        total = jnp.zeros((), self.dtype)
        for end, face in enumerate((lower(weight, 2 + d), upper(weight, 2 + d))):
            factor = jnp.where(part.beside[2 * d + end], STIFFNESS, 1)
            if not part.mesh.domain.periodic[d]:
                factor = jnp.where(part.outside[2 * d + end], 1 - self.kappa(d, end, inner, 1), factor)
            total = total + face * jnp.where(cell == end * (patch - 1), factor, 1)
        return total

    def kappa(self, d: int, end: int, offsets: tuple[Array, ...], coarser: int) -> Values:
        """What values beyond a face of the domain are multiples of, for cells `coarser` times as wide as those of the
        nodes."""
        ndim, edge = self.part.mesh.ndim, jnp.full(1, end * self.part.mesh.patch, self.dtype)

        def ratio(h, *x):
            a, b = self.relation(d, end, x)
            ratio = jnp.asarray(beyond_over_inside(a, b, h), self.dtype)
            return ratio.reshape((1,) * (1 + ndim - ratio.ndim) + ratio.shape)

        places = tuple(edge if k == d else line for k, line in enumerate(offsets))
        return self.part.each(ratio, places, coarser * self.part.sizes(d, self.dtype))

    def mirror(self, d: int) -> Float[Array, "rows blocks layer lanes"]:
        """One factor for each cell of a layer of the window, see `amr.grid.hierarchy.Mirror`."""
        mesh, n = self.part.mesh, window_side(self.part.mesh)
        centres = 2 * (jnp.arange(n, dtype=self.dtype) - MARGIN) + 1  # of coarse cells, in fine ones
        factor = jnp.ones((), self.dtype)
        for end in (0, 1):
            kappa = self.kappa(d, end, (centres,) * mesh.ndim, 2)
            factor = jnp.where(self.part.outside[2 * d + end], kappa, factor)
        layer = [1 if k == d else n for k in range(mesh.ndim)]
        return rows_from(jnp.broadcast_to(factor, (*factor.shape[:2], *layer, factor.shape[-1])))
