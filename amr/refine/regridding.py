"""Regrid: wishes of cells -> target levels -> buffer and 2:1 balance -> new forest -> data carried over.

All of it runs on the device with static shapes. When the pool is too small for the new forest, nothing changes and
the caller is told how much room is needed.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.grid import Grid, Leaves, Part, Work, by_halves, carried, cell_centres, cell_sizes, over_blocks
from amr.mesh import Forest, Mesh, adapt, balance, half_offsets, unchanged

from .indicator import Indicator, PatchView

# For the half patches in and around each patch, the highest level that cells of the patch nearby wish for.
Near = Int[Array, "halves patches"]
LEVELS = jnp.int8  # large arrays of levels are kept in as few bytes as hold them


class Regridded(eqx.Module):
    """What a regrid gives back.

    **Attributes:**

    - `forest`: the new leaves; the old ones where the new ones do not fit.
    - `needed`: how many patches the new forest needs.
    - `changed`: whether any patch was refined or coarsened.
    """

    forest: Forest
    needed: Int[Array, ""]
    changed: Bool[Array, ""]


def regrid(grid: Grid, work: Work, near: Near, wanted: Bool[Array, ""] | None = None) -> tuple[Regridded, Work]:
    """Refine and coarsen once, if that is `wanted`. `near` comes from `wishes_near`; see `amr.grid.carried`."""
    mesh, forest, leaves = grid.mesh, grid.forest, grid.topology.leaves
    offsets = half_offsets(mesh.ndim, leaves.reach)
    around = leaves.around[np.flatnonzero((np.abs(2 * offsets - 1) <= 3).all(axis=1))]  # with a reach of one half patch
    target = balance(mesh, forest, around, target_levels(forest, around, near))
    target = jnp.where(forest.active if wanted is None else forest.active & wanted, target, forest.level)
    new, transition, needed = lax.cond(
        (target != forest.level).any(), lambda: adapt(mesh, forest, target), lambda: unchanged(forest)
    )
    changed = (transition.change != 0).any()
    return Regridded(new, needed, changed), carried(grid, work, transition, new.count, changed)


def wishes_near(
    grid: Grid,
    ghosted: Callable[[Part], Float[Array, "vars blocks *ghosted lanes"]],
    asked: tuple[Indicator, tuple[str, ...]],
    time,
    buffer: Int[Array, " patches"],
    wanted: Bool[Array, ""] | None = None,
) -> Near:
    """Ask the indicator about every cell, if that is `wanted`.

    **Arguments:**

    - `ghosted(part)`: the patches of a sweep with their ghost cells.
    - `asked`: the indicator, and the names of the variables.
    - `buffer`: for each patch, how many cells around a wishing cell get what it wishes, at most half a patch.
    """
    mesh = grid.mesh

    def wished(block, values, reach):
        wishes = wishes_of(mesh, block, asked, values, time)
        return near_halves(mesh, wished_levels(mesh, block.level, wishes), reach)

    def of_part(part):
        values, reach = jnp.moveaxis(ghosted(part), 1, 0), part.of_patches(buffer)
        return part.kept(lambda: over_blocks(wished, part.leaves, values, reach))

    return grid.listed(of_part, jnp.zeros((4**mesh.ndim, grid.forest.capacity), LEVELS), useful=wanted)


def wishes_of(
    mesh: Mesh,
    forest: Forest | Leaves,
    asked: tuple[Indicator, tuple[str, ...]],
    ghosted: Float[Array, "vars *ghosted patches"],
    time: Float[Array, ""],
) -> tuple[Bool[Array, "*cells patches"], Bool[Array, "*cells patches"]]:
    """Ask the indicator about every cell of some patches."""
    (indicator, names), dtype, ghost = asked, ghosted.dtype, (ghosted.shape[1] - mesh.patch) // 2

    def of_patch(values, x, dx, level):
        pair = indicator.wishes(PatchView(values, x, dx, level, time, ghost, names))
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            expected = "two arrays: which cells wish to be refined, and which to be kept"
            raise InvalidSettingError("refine", f"{type(indicator).__name__}.wishes has to give {expected}")
        return tuple(jnp.broadcast_to(wish, mesh.patch_shape) for wish in pair)

    x = cell_centres(mesh, forest, dtype)
    return jax.vmap(of_patch, in_axes=-1, out_axes=-1)(ghosted, x, cell_sizes(mesh, forest, dtype), forest.level)


def wished_levels(
    mesh: Mesh, level: Int[Array, " patches"], wishes: tuple[Array, Array]
) -> Int[Array, "*cells patches"]:
    """The level that each cell wishes for: the next one where it wishes to be refined and that is possible, its own
    where it wishes to be kept, and 0 elsewhere."""
    refine, keep = wishes
    own, finer = level.astype(LEVELS), jnp.minimum(level + 1, mesh.max_level).astype(LEVELS)
    return jnp.where(refine, finer, jnp.where(keep, own, 0))


def target_levels(forest: Forest, around: Int[Array, "halves patches"], near: Near) -> Int[Array, " patches"]:
    """The level each leaf should have: what its own cells wish, and what cells near it in other leaves wish.

    Cells are compared with half patches: a half patch that comes within the buffer of a wishing cell gets the
    wished level, and with it the leaf that holds it.
    """
    wanted, places = jnp.where(forest.active, near, 0).astype(jnp.int32), jnp.zeros_like(forest.level).at[around]
    reached = places.max(wanted, mode="promise_in_bounds", wrap_negative_indices=False)
    return jnp.minimum(jnp.maximum(reached, forest.level - 1), forest.level + 1)


def near_halves(
    mesh: Mesh, wanted: Int[Array, "*cells patches"], buffer: Int[Array, " patches"]
) -> Int[Array, "halves patches"]:
    """For the half patches in and around each patch the highest level that one of its cells wants which has them within
    the patch's buffer.

        . .|. o x o|. .       1D, 4 cells a patch, a buffer of 1: cell `x` has `o` within it, so that its wish is one
         0   1   1   0        of these half patches
    """
    half, patch = mesh.patch // 2, mesh.patch
    first = np.arange(-half, patch + half, half)[:, None]
    cell = np.arange(patch)[None, :]
    distance = np.maximum(np.maximum(first - cell, cell - (first + half - 1)), 0).astype(np.int32)
    near = distance[:, :, None] <= buffer
    # One dimension after the other: the cells along it become the half patches that they are near to.
    for d in range(mesh.ndim):
        reached = near.reshape(*near.shape[:2], *(1,) * (mesh.ndim - 1 - d), near.shape[-1])
        wanted = by_halves(jnp.maximum, jnp.where(reached, jnp.expand_dims(wanted, d), 0), axis=d + 1)
    return wanted.reshape(-1, wanted.shape[-1])
