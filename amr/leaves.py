"""The leaves of a forest with their neighbours: what index plans are made from."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PyTree

from .forest import Forest, neighbours
from .fusion import apart
from .mesh import Mesh
from .pool import Layout, arranged, take_patches


class Leaves(eqx.Module):
    """All slots of a forest, or those of a sweep or block.

    **Attributes:**

    - `slot`, `level`: of each, shape `(patches,)`; `position`: on its own level, shape `(ndim, patches)`.
    - `around`: slots of the leaves that hold the half patches in and around each, see `forest.neighbours`.
    - `relative`: how many levels these are finer.
    - `valid`: true, but unknown to the compiler: see `amr.fusion`.
    - `reach`: how many half patches around each are known.
    """

    slot: Int[Array, "*blocks patches"]
    level: Int[Array, "*blocks patches"]
    position: Int[Array, "*blocks ndim patches"]
    around: Int[Array, "*blocks halves patches"]
    relative: Int[Array, "*blocks halves patches"]
    valid: Bool[Array, ""]
    reach: int = eqx.field(static=True)

    def part(self, layout: Layout, i: Int[Array, ""]) -> Leaves:
        """Those of sweep i as they lie in a pool: all arrays begin with an axis of blocks, and patches are lanes."""

        def cut(values):
            return arranged(layout, take_patches(layout, values, i)) if values.ndim else values

        return jax.tree.map(cut, self)


def over_blocks(function: Callable, leaves: Leaves, *more: PyTree[Array]) -> PyTree[Array]:
    """`function(leaves, *more)` for each block of a sweep, with the lanes of that block as patches."""
    axes = jax.tree.map(lambda values: 0 if values.ndim else None, leaves)
    return jax.vmap(function, in_axes=(axes, *(0,) * len(more)))(leaves, *more)


def leaves_of(mesh: Mesh, forest: Forest, reach: int) -> Leaves:
    """The leaves of a forest with their neighbours up to `reach` half patches away."""
    valid = forest.count > 0
    around = apart(valid, lambda: neighbours(mesh, forest, reach))
    relative = apart(valid, lambda: forest.level[around] - forest.level)
    slot = jnp.arange(forest.capacity, dtype=jnp.int32)
    return Leaves(slot, forest.level, forest.position, around, relative, valid, reach)
