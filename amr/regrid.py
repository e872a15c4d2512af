"""Regrid: wishes of cells -> target levels -> buffer and 2:1 balance -> new forest -> data carried over.

All of it runs on the device with static shapes. When the pool is too small for the new forest, nothing changes and
the caller is told how much room is needed.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from . import forest as forests
from . import morton
from .forest import Forest, Transition
from .indicator import Indicator, PatchView
from .mesh import Mesh
from .topology import Topology, cell_centres, cell_sizes
from .transfer import Prolongation, assemble, prolong, restrict


class Regridded(eqx.Module):
    """What a regrid gives back.

    **Attributes:**

    - `forest`, `u`: the new leaves and their data; the old ones where the new ones do not fit.
    - `needed`: how many patches the new forest needs.
    - `changed`: whether any patch was refined or coarsened.
    """

    forest: Forest
    u: Float[Array, "vars *cells patches"]
    needed: Int[Array, ""]
    changed: Bool[Array, ""]


def regrid(
    mesh: Mesh,
    topology: Topology,
    u: Float[Array, "vars *cells patches"],
    ghosted: Float[Array, "vars *ghosted patches"],
    wishes: tuple[Bool[Array, "*cells patches"], Bool[Array, "*cells patches"]],
    prolongation: Prolongation,
    buffer: Int[Array, " patches"],
) -> Regridded:
    """Refine and coarsen once.

    `ghosted` is `u` with ghost cells (at least one layer); `wishes` come from `wishes_of`; `buffer[p]` is how many
    cells around a wishing cell of patch p get what it wishes, at most half a patch.
    """
    forest = topology.forest
    target = target_levels(mesh, topology, wishes, buffer)
    target = forests.balance(mesh, forest, inner_halves(mesh, topology), target)
    target = jnp.where(forest.active, target, forest.level)

    def rebuilt():
        new, transition, needed = forests.adapt(mesh, forest, target)
        carried = carry_over(mesh, transition, u, ghosted, prolongation)
        return Regridded(new, jnp.where(new.active, carried, 0), needed, (transition.change != 0).any())

    def kept():
        return Regridded(forest, jnp.where(forest.active, u, 0), forest.count, jnp.zeros((), bool))

    return lax.cond((target != forest.level).any(), rebuilt, kept)


def wishes_of(
    mesh: Mesh, forest: Forest, indicator: Indicator, ghosted: Float[Array, "vars *ghosted patches"], time
) -> tuple[Bool[Array, "*cells patches"], Bool[Array, "*cells patches"]]:
    """Ask the indicator about every cell of every patch."""
    dtype = ghosted.dtype
    ghost = (ghosted.shape[1] - mesh.patch) // 2

    def one(values, x, dx, level):
        pair = indicator.wishes(PatchView(values, x, dx, level, time, ghost))
        return tuple(jnp.broadcast_to(wish, mesh.patch_shape) for wish in pair)

    x = cell_centres(mesh, forest, dtype)
    return jax.vmap(one, in_axes=-1, out_axes=-1)(ghosted, x, cell_sizes(mesh, forest, dtype), forest.level)


def inner_halves(mesh: Mesh, topology: Topology) -> Int[Array, "halves patches"]:
    """The rows of `topology.around` with a reach of one half patch."""
    offsets = forests.half_offsets(mesh.ndim, topology.reach)
    return topology.around[np.flatnonzero((np.abs(2 * offsets - 1) <= 3).all(axis=1))]


def target_levels(
    mesh: Mesh, topology: Topology, wishes: tuple[Array, Array], buffer: Int[Array, " patches"]
) -> Int[Array, " patches"]:
    """The level each leaf should have: what its own cells wish, and what cells near it in other leaves wish.

    Cells are compared with half patches: a half patch that comes within `buffer` cells of a wishing cell gets the
    wished level, and with it the leaf that holds it.
    """
    forest = topology.forest
    around = inner_halves(mesh, topology)
    refine = near_halves(mesh, wishes[0] & (forest.level < mesh.max_level), buffer)
    keep = near_halves(mesh, wishes[0] | wishes[1], buffer)
    wanted = jnp.where(refine, forest.level + 1, jnp.where(keep, forest.level, 0))
    wanted = jnp.where(forest.active, wanted, 0)
    reached = jnp.zeros_like(forest.level).at[around].max(wanted)
    return jnp.clip(reached, jnp.maximum(forest.level - 1, 0), forest.level + 1)


def near_halves(
    mesh: Mesh, wish: Bool[Array, "*cells patches"], buffer: Int[Array, " patches"]
) -> Bool[Array, "halves patches"]:
    """Which half patches in and around each patch have one of its wishing cells within the patch's buffer."""
    half, patch = mesh.patch // 2, mesh.patch
    first = np.arange(-half, patch + half, half)[:, None]
    cell = np.arange(patch)[None, :]
    distance = np.maximum(np.maximum(first - cell, cell - (first + half - 1)), 0)
    near = jnp.asarray(distance, jnp.int32)[:, :, None] <= buffer
    # One dimension after the other: the cells along it become the half patches that they are near to.
    for d in range(mesh.ndim):
        moved = jnp.moveaxis(wish, d, -2)
        found = [(moved & near[h]).any(-2) for h in range(4)]
        wish = jnp.moveaxis(jnp.stack(found, -2), -2, d)
    return wish.reshape(-1, wish.shape[-1])


def carry_over(
    mesh: Mesh,
    transition: Transition,
    u: Float[Array, "vars *cells patches"],
    ghosted: Float[Array, "vars *ghosted patches"],
    prolongation: Prolongation,
) -> Float[Array, "vars *cells patches"]:
    """Data of the new patches: copied, prolonged from their parent's ghosted patch, or restricted from children."""
    half = mesh.patch // 2
    ghost = (ghosted.shape[1] - mesh.patch) // 2
    corner = jnp.asarray(morton.octants(mesh.ndim).T)[:, transition.child] * half + (ghost - 1)
    size = (u.shape[0], *(half + 2,) * mesh.ndim, 1)

    def refined(source, start):
        window = lax.dynamic_slice(ghosted, (jnp.zeros_like(source), *start, source), size)
        return prolong(window[..., 0], prolongation)

    children = jax.vmap(refined, in_axes=(0, -1), out_axes=-1)(transition.source, corner)
    small = restrict(u)
    last = u.shape[-1] - 1
    parents = assemble([small[..., jnp.minimum(transition.source + c, last)] for c in range(mesh.children)])
    kept = u[..., transition.source]
    return jnp.where(transition.change > 0, children, jnp.where(transition.change < 0, parents, kept))
