"""The leaves of the forest of quadtrees or octrees: who is where, who is next to whom, and how that changes."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from . import morton
from .mesh import Mesh


class Forest(eqx.Module):
    """The leaf patches, in Morton order in slots `0..count-1`; the other slots are empty (all zeros).

    **Attributes:**

    - `level`: refinement level of each slot, shape `(capacity,)`.
    - `position`: integer position of each patch among the patches of its own level, shape `(ndim, capacity)`.
    - `count`: how many slots are in use.
    """

    level: Int[Array, " patches"]
    position: Int[Array, "ndim patches"]
    count: Int[Array, ""]

    @property
    def capacity(self) -> int:
        return self.level.shape[-1]

    @property
    def active(self) -> Bool[Array, " patches"]:
        return jnp.arange(self.capacity, dtype=jnp.int32) < self.count

    def resized(self, capacity: int) -> Forest:
        """The same leaves in a pool of another capacity, which must hold them."""
        return Forest(resize(self.level, capacity), resize(self.position, capacity), self.count)


class Transition(eqx.Module):
    """Where each slot of a new forest comes from.

    **Attributes:** (all of shape `(capacity,)`)

    - `source`: the old slot: the patch itself, its parent, or its first child.
    - `child`: which child of the source it is, where the source was refined.
    - `change`: +1 where the source was refined, -1 where it was coarsened, 0 where it was kept.
    """

    source: Int[Array, " patches"]
    child: Int[Array, " patches"]
    change: Int[Array, " patches"]


def resize(array: Array, capacity: int) -> Array:
    """Cut or zero-pad the last axis to `capacity`."""
    kept = array[..., :capacity]
    return jnp.pad(kept, [(0, 0)] * (array.ndim - 1) + [(0, capacity - kept.shape[-1])])


def root_positions(mesh: Mesh) -> np.ndarray:
    """Positions of the root patches in Morton order, shape `(ndim, patches)`."""
    grid = np.indices(mesh.roots, np.int32).reshape(mesh.ndim, -1)
    return grid[:, np.argsort(morton.encode(grid, mesh.key_bits))]


def root_forest(mesh: Mesh, capacity: int) -> Forest:
    """The forest of the root patches alone."""
    # In NumPy: each of these steps by itself would be compiled.
    position = np.zeros((mesh.ndim, capacity), np.int32)
    position[:, : mesh.root_count] = root_positions(mesh)
    count = jnp.asarray(mesh.root_count, jnp.int32)
    return Forest(jnp.zeros(capacity, jnp.int32), jnp.asarray(position), count)


def keys(mesh: Mesh, forest: Forest) -> Int[Array, " patches"]:
    """Morton keys of the patches' lower corners on the finest level; `NO_KEY` in empty slots. Increasing."""
    finest = forest.position << (mesh.max_level - forest.level)
    return jnp.where(forest.active, morton.encode(finest, mesh.key_bits), morton.NO_KEY)


def find(mesh: Mesh, sorted_keys: Int[Array, " patches"], finest: Int[Array, "ndim *shape"]) -> Int[Array, "*shape"]:
    """Slots of the leaves that contain the given patch positions of the finest level (which lie in the domain)."""
    query = morton.encode(finest, mesh.key_bits)
    after = jnp.searchsorted(sorted_keys, query, side="right", method="scan_unrolled")
    return jnp.maximum(after.astype(jnp.int32) - 1, 0)


def half_offsets(ndim: int, reach: int) -> np.ndarray:
    """Offsets, in half patches from a patch's corner, of the block of half patches that covers the patch and
    `reach` half patches around it; row-major, shape `((2 + 2 * reach)**ndim, ndim)`."""
    sides = [np.arange(-reach, 2 + reach, dtype=np.int32)] * ndim
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, ndim)


def neighbours(mesh: Mesh, forest: Forest, reach: int = 1) -> Int[Array, "halves patches"]:
    """For every patch, the leaves that hold the half patches in and around it, in the order of `half_offsets`.

    Beyond a periodic boundary this is the leaf on the other side; beyond any other, the one inside next to it.
    """
    offsets = half_offsets(mesh.ndim, reach)
    half = 2 * forest.position[:, None, :] + offsets.T[:, :, None]
    size = 2 * jnp.asarray(mesh.roots, jnp.int32)[:, None] << forest.level[None, :]
    inside = [
        half[d] % size[d] if mesh.domain.periodic[d] else jnp.clip(half[d], 0, size[d] - 1) for d in range(mesh.ndim)
    ]
    finest = (jnp.stack(inside) << (mesh.max_level - forest.level)) >> 1
    return find(mesh, keys(mesh, forest), finest)


def octant(forest: Forest) -> Int[Array, " patches"]:
    """Which child of its parent each patch is, in Morton order."""
    return sum(((forest.position[d] & 1) << d for d in range(forest.position.shape[0])), jnp.int32(0))


def siblings_agree(mesh: Mesh, forest: Forest, wish: Bool[Array, " patches"]) -> Bool[Array, " patches"]:
    """True where all children of a patch's parent are leaves for which `wish` holds."""
    first = jnp.arange(forest.capacity, dtype=jnp.int32) - octant(forest)
    agree = (forest.level > 0) & forest.active
    parent = forest.position >> 1
    for child in range(mesh.children):
        slot = jnp.clip(first + child, 0, forest.capacity - 1)
        same = (forest.level[slot] == forest.level) & (parent[:, slot] == parent).all(0)
        agree &= same & wish[slot]
    return agree


def balance(
    mesh: Mesh, forest: Forest, around: Int[Array, "halves patches"], target: Int[Array, " patches"]
) -> Int[Array, " patches"]:
    """Raise target levels until leaves that touch (also at edges and corners) differ by one level at most and
    patches coarsen only together with all their siblings.

    `around` is `neighbours(mesh, forest, reach=1)`. The present forest is balanced and targets differ from its
    levels by one at most. Every sweep but the last raises some target, so the sweeps end, after a few for each level.
    """

    def sweep(target):
        raised = jnp.maximum(target, target[around].max(0) - 1)
        together = siblings_agree(mesh, forest, raised < forest.level)
        return jnp.where((raised < forest.level) & ~together, forest.level, raised)

    def changed(carry):
        before, after = carry
        return (before != after).any()

    return jax.lax.while_loop(changed, lambda carry: (carry[1], sweep(carry[1])), (target, sweep(target)))[1]


def adapt(mesh: Mesh, forest: Forest, target: Int[Array, " patches"]) -> tuple[Forest, Transition, Int[Array, ""]]:
    """Build the forest in which every leaf has reached its (balanced) target level.

    Morton order makes this a prefix sum: each old leaf is replaced, in place of the sequence, by its children, by
    itself, or (all siblings together) by its parent. Returns the new forest, where its patches come from, and how
    many patches it needs; if that exceeds the capacity, the forest is returned unchanged.
    """

    def sizes(target):
        merged = jnp.where(octant(forest) == 0, 1, 0)
        size = jnp.where(target > forest.level, mesh.children, jnp.where(target < forest.level, merged, 1))
        return jnp.where(forest.active, size, 0)

    needed = sizes(target).sum(dtype=jnp.int32)
    target = jnp.where(needed > forest.capacity, forest.level, target)
    size = sizes(target)
    end = jnp.cumsum(size, dtype=jnp.int32)
    count = end[-1]
    slot = jnp.arange(forest.capacity, dtype=jnp.int32)
    source = jnp.searchsorted(end, slot, side="right", method="scan_unrolled").astype(jnp.int32)
    source = jnp.where(slot < count, jnp.minimum(source, forest.capacity - 1), 0)
    child = slot - (end - size)[source]
    change = jnp.where(slot < count, (target - forest.level)[source], 0)

    corner = jnp.asarray(morton.octants(mesh.ndim).T)[:, jnp.clip(child, 0, mesh.children - 1)]
    old = forest.position[:, source]
    position = jnp.where(change > 0, 2 * old + corner, jnp.where(change < 0, old >> 1, old))
    level = forest.level[source] + change
    used = slot < count
    new = Forest(jnp.where(used, level, 0), jnp.where(used, position, 0), count)
    return new, Transition(source, jnp.where(change > 0, child, 0), change), needed


def unchanged(forest: Forest) -> tuple[Forest, Transition, Int[Array, ""]]:
    """What `adapt` gives where every leaf has its target level."""
    slot, nothing = jnp.arange(forest.capacity, dtype=jnp.int32), jnp.zeros(forest.capacity, jnp.int32)
    return forest, Transition(slot, nothing, nothing), forest.count
