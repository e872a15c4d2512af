"""The leaves of the forest of quadtrees or octrees: who is where, who is next to whom, and how that changes."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int

from . import morton
from .indices import looked_up
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

    **Attributes:** (all of shape `(capacity,)`, or those of a sweep as they lie in a pool)

    - `source`: the old slot: the patch itself, its parent, or its first child.
    - `child`: which child of the source it is, where the source was refined.
    - `change`: +1 where the source was refined, -1 where it was coarsened, 0 where it was kept.
    """

    source: Int[Array, "*blocks patches"]
    child: Int[Array, "*blocks patches"]
    change: Int[Array, "*blocks patches"]


def resize(array: Array, capacity: int) -> Array:
    """Cut or zero-pad the last axis to `capacity`."""
    kept = array[..., :capacity]
    return jnp.pad(kept, [(0, 0)] * (array.ndim - 1) + [(0, capacity - kept.shape[-1])])


def root_positions(mesh: Mesh) -> np.ndarray:
    """Positions of the root patches in Morton order, shape `(ndim, patches)`."""
    grid = np.indices(mesh.roots, np.int32).reshape(mesh.ndim, -1)
    return grid[:, np.argsort(morton.encode(grid))]


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
    return jnp.where(forest.active, morton.encode(finest), morton.NO_KEY)


def find(mesh: Mesh, sorted_keys: Int[Array, " patches"], finest: Int[Array, " ndim *shape"]) -> Int[Array, "*shape"]:
    """Slots of the leaves that contain the given patch positions of the finest level (which lie in the domain)."""
    return last_up_to(sorted_keys, jnp.asarray(morton.encode(finest)))


def last_up_to(values: Int[Array, " n"], query: Int[Array, "*shape"]) -> Int[Array, "*shape"]:
    """The last place of an increasing sequence with a value up to the query; 0 where there is none."""
    steps = values.size.bit_length()

    def nearer(step, place):
        there = place + (1 << (steps - 1 - step))
        up_to = looked_up(values, jnp.minimum(there, values.size - 1)) <= query
        return jnp.where(up_to & (there < values.size), there, place)

    # On a GPU a turn of a loop costs several times what is done in it; on a CPU a loop is as fast, and less to compile.
    unrolled = jax.default_backend() != "cpu"
    return lax.fori_loop(0, steps, nearer, jnp.zeros_like(query), unroll=unrolled)


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
    inside = within(mesh, forest.level, 2 * forest.position[:, None, :] + offsets.T[:, :, None], 2)
    finest = (inside << (mesh.max_level - forest.level)) >> 1
    return find(mesh, keys(mesh, forest), finest)


def within(mesh: Mesh, level, position: Int[Array, "ndim _ patches"], parts: int = 1) -> Int[Array, "ndim _ patches"]:
    """Positions near patches of some levels, counted in so many `parts` of them: those beyond faces of the domain
    wrapped around in periodic dimensions, moved to the nearest inside in others."""
    size = jnp.broadcast_to(parts * np.array(mesh.roots, np.int32)[:, None, None] << level, position.shape)
    wrapped = lax.rem(position + size, size) if any(mesh.domain.periodic) else position
    if all(mesh.domain.periodic):
        return wrapped
    nearest = jnp.maximum(jnp.minimum(position, size - 1), 0)
    return jnp.where(np.reshape(mesh.domain.periodic, (-1, 1, 1)), wrapped, nearest)


def octant(forest: Forest) -> Int[Array, " patches"]:
    """Which child of its parent each patch is, in Morton order."""
    last = forest.position & 1
    return functools.reduce(operator.or_, [bit << d for d, bit in enumerate(last)])


def families(mesh: Mesh, forest: Forest) -> Callable[[Bool[Array, " patches"]], Bool[Array, " patches"]]:
    """What says for which patches all children of their parent are leaves with a mark.

    They are leaves if the first and the last of their slots hold patches of its own level with its parent: in Morton
    order the children between them, each of which is one leaf or several, then take the slots between.
    """
    first = jnp.arange(forest.capacity, dtype=jnp.int32) - octant(forest)
    slots = jnp.minimum(first + np.arange(mesh.children, dtype=np.int32)[:, None], forest.capacity - 1)
    family = jnp.concatenate([forest.level[None], forest.position >> 1])
    same = looked_up(family, slots[:: mesh.children - 1]) == family[:, None]
    complete = same.all((0, 1)) & (forest.level > 0) & forest.active
    return lambda marks: complete & looked_up(marks, slots).all(0)


def balance(
    mesh: Mesh, forest: Forest, around: Int[Array, "halves patches"], target: Int[Array, " patches"]
) -> Int[Array, " patches"]:
    """Raise target levels until leaves that touch (also at edges and corners) differ by one level at most and
    patches coarsen only together with all their siblings.

    `around` is `neighbours(mesh, forest, reach=1)`. The present forest is balanced and targets differ from its
    levels by one at most. Every turn but the last raises some target, so they end, after a few for each level.
    """
    all_siblings = families(mesh, forest)

    def turn(carry):
        target, _ = carry
        raised = jnp.maximum(target, looked_up(target, around).max(0) - 1)
        fewer = raised < forest.level
        new = jnp.where(fewer & ~all_siblings(fewer), forest.level, raised)
        return new, (new != target).any()

    return lax.while_loop(lambda carry: carry[1], turn, (target, jnp.ones((), bool)))[0]


def adapt(mesh: Mesh, forest: Forest, target: Int[Array, " patches"]) -> tuple[Forest, Transition, Int[Array, ""]]:
    """Build the forest in which every leaf has reached its (balanced) target level.

    Morton order makes this a prefix sum: each old leaf is replaced, in place of the sequence, by its children, by
    itself, or (all siblings together) by its parent. Returns the new forest, where its patches come from, and how
    many patches it needs; if that exceeds the capacity, the forest is returned unchanged.

        old     A   B   C   D   E   F           in 2D: B is refined, C to F are merged
        size    1   4   1   0   0   0
        begin   0   1   5   6   6   6           new     A   b   b   b   b   P
    """
    change = jnp.where(forest.active, target - forest.level, 0)
    stays = (forest.active & ((change >= 0) | (octant(forest) == 0))).astype(jnp.int32)
    size = jnp.where(change > 0, mesh.children, stays)
    end = jnp.cumsum(size, dtype=jnp.int32)
    needed = end[-1]
    fits, slot = needed <= forest.capacity, jnp.arange(forest.capacity, dtype=jnp.int32)
    count = jnp.where(fits, needed, forest.count)
    used = slot < count
    begin = end - size
    source = jnp.where(used, jnp.where(fits, last_up_to(begin, slot), slot), 0)

    change = jnp.where(used & fits, looked_up(change, source), 0)
    child = jnp.where(change > 0, slot - looked_up(begin, source), 0)
    old = looked_up(forest.position, source)
    corner = (child >> np.arange(mesh.ndim, dtype=np.int32)[:, None]) & 1
    position = jnp.where(change > 0, 2 * old + corner, old >> (change < 0).astype(jnp.int32))
    level = looked_up(forest.level, source) + change
    new = Forest(jnp.where(used, level, 0), jnp.where(used, position, 0), count)
    return new, Transition(source, child, change), needed


def unchanged(forest: Forest) -> tuple[Forest, Transition, Int[Array, ""]]:
    """What `adapt` gives where every leaf has its target level."""
    slot, nothing = jnp.arange(forest.capacity, dtype=jnp.int32), jnp.zeros(forest.capacity, jnp.int32)
    return forest, Transition(slot, nothing, nothing), forest.count
