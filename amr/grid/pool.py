"""How the cells of all patches lie in memory, and how work goes over them.

A pool has the shape `(vars, sweeps, blocks, *cells, lanes)`: slot s of the forest is lane `s % lanes` of block
`s // lanes`. Work is done sweep by sweep (`sweep`), for as many sweeps as hold active patches, so that

- work follows the number of active patches, not the capacity,
- what a sweep computes on the way is small, and stays in the processor's cache,
- kernels see one patch: they are mapped over the blocks of a sweep, and lanes ride along as a last axis.

Lanes are what the compiler makes vectors of: rows of 8 or 16 cells are too short for it. Large patches go without,
since many of them at once would not fit into the cache. On a GPU all patches are one sweep.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.mesh import Mesh, divided, looked_up

Pool = Float[Array, "vars sweeps blocks *cells lanes"]

SWEEP_BYTES = 2**18  # a few arrays of this size fit into the cache, and for smaller ones XLA uses one core only
MOST_LANES = 64
FEWEST_LANES = 16
GPU_LANES = 32


@dataclass(frozen=True)
class Layout:
    """The shape of a pool apart from variables and cells."""

    sweeps: int
    blocks: int
    lanes: int

    @property
    def capacity(self) -> int:
        """Patches in all."""
        return self.sweeps * self.part

    @property
    def part(self) -> int:
        """Patches in a sweep."""
        return self.blocks * self.lanes

    def place(self, rows: int, row, slot):
        """Where a row of the patch in a slot lies in an array `(sweeps, blocks, rows, lanes)` seen as a long one."""
        return self.start(rows, slot) + row * self.lanes

    def start(self, rows: int, slot):
        """The place of the first row."""
        block, lane = divided(slot, self.lanes)
        return block * (rows * self.lanes) + lane


# What other wings call it: they know how many patches it has room for, and hand it on.
Room = Layout


def room_for(mesh: Mesh, capacity: int, dtype) -> Layout:
    """A layout for at least `capacity` patches of such numbers, for the kind of device that JAX uses by default."""
    on_cpu = jax.default_backend() == "cpu"
    size = mesh.cells_per_patch * jnp.dtype(dtype).itemsize
    lanes = _cpu_lanes(size) if on_cpu else GPU_LANES
    columns = math.ceil(capacity / lanes)
    sweeps = max(1, round(columns * lanes * size / SWEEP_BYTES)) if on_cpu else 1
    return Layout(sweeps, math.ceil(columns / sweeps), lanes)


def _cpu_lanes(patch_bytes: int) -> int:
    """As many as fit into a sweep, or none."""
    most = min(MOST_LANES, SWEEP_BYTES // patch_bytes)
    return most if most >= FEWEST_LANES else 1


def room_of(pool: Pool) -> Layout:
    """The layout of a pool."""
    return Layout(pool.shape[1], pool.shape[2], pool.shape[-1])


def to_pool(layout: Layout, values: Float[Array, "vars *cells patches"]) -> Pool:
    """From arrays with the patches last."""
    apart = values.reshape(*values.shape[:-1], layout.sweeps, layout.blocks, layout.lanes)
    return jnp.moveaxis(apart, (-3, -2), (1, 2))


def blank_pool(mesh: Mesh, room: Room, variables: int, dtype) -> Pool:
    """Zeros in all cells."""
    return jnp.zeros((variables, room.sweeps, room.blocks, *mesh.patch_shape, room.lanes), dtype)


def from_pool(pool: Pool) -> Float[Array, "vars *cells patches"]:
    """To arrays with the patches last."""
    together = jnp.moveaxis(pool, (1, 2), (-3, -2))
    return together.reshape(*together.shape[:-3], -1)


def from_pool_on_host(pool: np.ndarray) -> np.ndarray:
    """`from_pool` in NumPy: on the host each of its operations by itself would be compiled."""
    together = np.moveaxis(pool, (1, 2), (-3, -2))
    return together.reshape(*together.shape[:-3], -1)


def arranged(layout: Layout, values: Array, leading: int = 0) -> Array:
    """The values of one sweep, `(.., patches)`, as they lie in a pool: `(*leading, blocks, .., lanes)`."""
    apart = values.reshape(*values.shape[:-1], layout.blocks, layout.lanes)
    return jnp.moveaxis(apart, -2, leading)


def listed(part: Array, leading: int = 0) -> Array:
    """The reverse of `arranged`."""
    together = jnp.moveaxis(part, leading, -2)
    return together.reshape(*together.shape[:-2], -1)


def take(pool: Array, i: Int[Array, ""], axis: int = 1) -> Array:
    """What belongs to sweep i; `axis` is that of the sweeps."""
    return lax.dynamic_index_in_dim(pool, i, axis, keepdims=False, allow_negative_indices=False)


def put(pool: Array, part: Array, i: Int[Array, ""], axis: int = 1) -> Array:
    """The pool with the values of sweep i replaced."""
    return lax.dynamic_update_index_in_dim(pool, part, i, axis, allow_negative_indices=False)


def rows_at(store: Array, i: Int[Array, ""], first: int, count: int) -> Array:
    """Some rows of the patches of sweep i, of arrays `(vars, sweeps, blocks, rows, lanes)`."""
    variables, _, blocks, _, lanes = store.shape
    start, size = _start(i, first), (variables, 1, blocks, count, lanes)
    return lax.dynamic_slice(store, start, size, allow_negative_indices=False).squeeze(1)


def put_rows(store: Array, rows: Float[Array, "vars blocks rows lanes"], i: Int[Array, ""], first: int = 0) -> Array:
    """The array `(vars, sweeps, blocks, rows, lanes)` with some rows of sweep i, from the row `first` on, replaced."""
    return lax.dynamic_update_slice(store, rows[:, None], _start(i, first), allow_negative_indices=False)


def _start(i: Int[Array, ""], first: int) -> tuple:
    return np.int32(0), i, np.int32(0), np.int32(first), np.int32(0)


def gather(pool: Array, places: Int[Array, "*shape"]) -> Array:
    """Values at some places (see `Layout.place`) of `(vars, sweeps, blocks, rows, lanes)`, shape `(vars, *shape)`."""
    return looked_up(pool.reshape(pool.shape[0], -1), places)


def take_patches(layout: Layout, values: Array, i: Int[Array, ""]) -> Array:
    """Of values with the patches last, those of sweep i."""
    return lax.dynamic_slice_in_dim(values, i * layout.part, layout.part, axis=-1, allow_negative_indices=False)


def put_patches(layout: Layout, values: Array, part: Array, i: Int[Array, ""]) -> Array:
    """Values with the patches last, with those of sweep i replaced."""
    return lax.dynamic_update_slice_in_dim(values, part, i * layout.part, axis=-1, allow_negative_indices=False)


def sweep(
    layout: Layout,
    count: Int[Array, ""],
    body: Callable,
    carry,
    needed: Bool[Array, ""] | None = None,
    useful: Bool[Array, ""] | None = None,
):
    """`body(i, carry)` for each sweep i that holds any of the first `count` patches; for none unless `needed`.

    What is only `useful` may be done in vain as well: where there is one sweep, as on a GPU, a loop would cost more.
    """
    if layout.sweeps == 1 and needed is None:
        return body(jnp.zeros((), jnp.int32), carry)
    needed = useful if needed is None else needed
    many, _ = divided(count + (layout.part - 1), layout.part)
    many = many if needed is None else jnp.where(needed, many, 0)
    return lax.fori_loop(jnp.zeros((), jnp.int32), _same_for_all(many), body, carry)


def active(layout: Layout, count: Int[Array, ""], ndim: int) -> Bool[Array, "sweeps blocks *ones lanes"]:
    """Which slots of a pool hold a patch, shaped to go with its cells."""
    slot = jnp.arange(layout.capacity, dtype=jnp.int32)
    return (slot < count).reshape(layout.sweeps, layout.blocks, *(1,) * ndim, layout.lanes)


@jax.custom_batching.custom_vmap
def _same_for_all(number: Int[Array, ""]) -> Int[Array, ""]:
    """Under `vmap` the members of an ensemble do as many sweeps as the largest of them needs: a loop whose length
    differed between members would turn every slice of the pool into a gather."""
    return number


@_same_for_all.def_vmap
def _largest(axis_size, in_batched, number):
    return number.max(), False
