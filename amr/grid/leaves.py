"""The leaves of a forest with their neighbours, and the index plans that are made from them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int, PyTree

from amr.mesh import Forest, Mesh, looked_up, neighbours

from .fusion import apart
from .pool import Layout, arranged, take_patches


class Leaves(eqx.Module):
    """All slots of a forest, or those of a sweep or block.

    **Attributes:**

    - `slot`, `level`: of each, shape `(patches,)`; `position`: on its own level, shape `(ndim, patches)`.
    - `around`: slots of the leaves that hold the half patches in and around each, see `forest.neighbours`.
    - `relative`: how many levels these are finer.
    - `valid`: true, but unknown to the compiler: see `amr.grid.fusion`.
    - `reach`: how many half patches around each are known.
    """

    slot: Int[Array, "*blocks patches"]
    level: Int[Array, "*blocks patches"]
    position: Int[Array, "*blocks ndim patches"]
    around: Int[Array, "*blocks halves patches"]
    relative: Int[Array, "*blocks halves patches"]
    valid: Bool[Array, ""]
    reach: int = eqx.field(static=True)


class LeafTable(eqx.Module):
    """What is known of all leaves, in one array, so that those of a sweep are one slice of it.

    **Attributes:**

    - `rows`: level, position, `around` and `relative` of `Leaves`, one after the other.
    - `valid`, `reach`: as those of `Leaves`.
    """

    rows: Int[Array, "rows patches"]
    valid: Bool[Array, ""]
    ndim: int = eqx.field(static=True)
    reach: int = eqx.field(static=True)

    def all(self) -> Leaves:
        """All leaves."""
        return self._split(self.rows, jnp.arange(self.rows.shape[-1], dtype=jnp.int32))

    def part(self, layout: Layout, i: Int[Array, ""]) -> Leaves:
        """Those of sweep i as they lie in a pool: all arrays begin with an axis of blocks, and patches are lanes."""
        slot = i * layout.part + jnp.arange(layout.part, dtype=jnp.int32).reshape(layout.blocks, layout.lanes)
        return self._split(arranged(layout, take_patches(layout, self.rows, i)), slot)

    @property
    def around(self) -> Int[Array, "halves patches"]:
        """`Leaves.around` of all leaves."""
        return lax.slice_in_dim(self.rows, 1 + self.ndim, 1 + self.ndim + self._halves)

    @property
    def _halves(self) -> int:
        return (2 + 2 * self.reach) ** self.ndim

    def _split(self, rows: Array, slot: Array) -> Leaves:
        sizes = (1, self.ndim, self._halves, self._halves)
        level, position, around, relative = lax.split(rows, sizes, axis=rows.ndim - 2)
        return Leaves(slot, level.squeeze(-2), position, around, relative, self.valid, self.reach)


Mirrors = tuple[tuple[bool, bool], ...]


class Topology(eqx.Module):
    """A forest with its neighbours and the plans made from them: indices of places in stores (see `halo`).

    **Attributes:**

    - `forest`: the leaves; `leaves`: the same with their neighbours, as far as plans need them.
    - `fill`: for each cell of the ghosted patches, its place.
    - `stencil`: for each cell of the coarse windows of a ring's boxes, one box after the other, its place.
    - `reflux`: for each face of the sides, the place of the mean of the fine fluxes on it, or -1 where there are none.
    - `layout`: of the pools that the plans are for.
    - `ghost`: layers of ghost cells; `margin`: of coarse cells that the prolongation reads, see `Prolongation`.
    - `mirrors`: for each face of the domain, whether coarse cells beyond it are mirrored rather than copied.
    """

    forest: Forest
    leaves: LeafTable
    fill: Int[Array, "sweeps blocks *ghosted lanes"]
    stencil: Int[Array, "sweeps blocks points lanes"]
    reflux: Int[Array, "sweeps blocks sides faces lanes"]
    layout: Layout = eqx.field(static=True)
    ghost: int = eqx.field(static=True)
    margin: int = eqx.field(static=True)
    mirrors: Mirrors = eqx.field(static=True)

    @property
    def valid(self) -> Bool[Array, ""]:
        """True, but unknown to the compiler: see `amr.grid.fusion`."""
        return self.leaves.valid

    def part(self, i: Int[Array, ""]) -> Leaves:
        """The leaves of sweep i, see `LeafTable.part`."""
        return self.leaves.part(self.layout, i)


def per_patch(layout: Layout, values: Array, i: Int[Array, ""], ndim: int) -> Array:
    """Numbers of the patches of sweep i, `(blocks, *ones, lanes)`, of those of all slots."""
    return take_patches(layout, values, i).reshape(layout.blocks, *(1,) * ndim, layout.lanes)


def at_face(mesh: Mesh, leaves: Leaves, d: int, end: int) -> Bool[Array, "*blocks patches"]:
    """Which patches lie at the lower or upper face of the domain across dimension d."""
    last = (mesh.roots[d] << leaves.level) - 1
    return leaves.position[..., d, :] == (last if end else jnp.zeros_like(last))


def over_blocks(function: Callable, leaves: Leaves, *more: PyTree[Array]) -> PyTree[Array]:
    """`function(leaves, *more)` for each block of a sweep, with the lanes of that block as patches."""
    axes = jax.tree.map(lambda values: 0 if values.ndim else None, leaves)
    return jax.vmap(function, in_axes=(axes, *(0,) * len(more)))(leaves, *more)


def leaves_of(mesh: Mesh, forest: Forest, reach: int) -> LeafTable:
    """The leaves of a forest with their neighbours up to `reach` half patches away."""
    valid = forest.count > 0
    around = apart(valid, lambda: neighbours(mesh, forest, reach))
    relative = apart(valid, lambda: looked_up(forest.level, around) - forest.level)
    rows = jnp.concatenate([forest.level[None], forest.position, around, relative])
    return LeafTable(rows, valid, mesh.ndim, reach)
