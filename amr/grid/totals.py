"""Numbers about all cells of a run: extrema and integrals, sweep by sweep on the device."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .halo import Store, cells_part
from .pool import active, arranged, listed, room_of, sweep, take, take_patches
from .topology import cell_centres

PerVariable = Float[Array, " names"]
Extrema = tuple[PerVariable, PerVariable]
Pair = tuple[Array, Array]
# Rows made of the cells of some patches, `(vars, *cells, patches)`, and of the coordinates of their centres.
Rows = Callable[[Array, tuple[Array, ...]], Float[Array, "rows *cells patches"]]


def extrema(mesh: Mesh, forest: Forest, store: Store, more: Rows | None = None) -> Extrema:
    """The least and largest value of each variable, and of each row that `more` makes of them."""
    layout, part = room_of(store), _with_rows(mesh, forest, store, more)
    names = jax.eval_shape(part, forest.count).shape[0]
    used = active(layout, forest.count, mesh.ndim)
    inner = tuple(range(1, mesh.ndim + 3))

    def one(i, found):
        cells = part(i)
        mask = take(used, i, axis=0)
        low = jnp.where(mask, cells, jnp.inf).min(inner)
        high = jnp.where(mask, cells, -jnp.inf).max(inner)
        return jnp.minimum(found[0], low), jnp.maximum(found[1], high)

    nothing = jnp.full(names, jnp.inf, store.dtype)
    return sweep(layout, forest.count, one, (nothing, -nothing))


def integrals(mesh: Mesh, forest: Forest, store: Store, more: Rows | None = None) -> tuple[PerVariable, PerVariable]:
    """The integral of each variable, and row of `more`, in units of the volume of a root cell, as a sum of two numbers:
    the second has what the first lost in rounding, so that together they have twice the digits.

    The volumes of cells are powers of two in this unit, and weighting with them is exact.
    """
    layout, part = room_of(store), _with_rows(mesh, forest, store, more)
    names = jax.eval_shape(part, forest.count).shape[0]
    weight = jnp.where(forest.active, jnp.exp2((-mesh.ndim * forest.level).astype(store.dtype)), 0)

    def one(i, sums):
        share = arranged(layout, take_patches(layout, weight, i))
        share = share.reshape(share.shape[0], *(1,) * mesh.ndim, share.shape[1])
        cells = part(i)
        cells = jnp.where(share > 0, cells * share, 0)  # empty slots may hold anything
        return _folded((cells, jnp.zeros_like(cells)), sums)

    shape = (names, layout.blocks, *mesh.patch_shape[1:], layout.lanes)
    nothing = jnp.zeros(shape, store.dtype)
    sums = sweep(layout, forest.count, one, (nothing, nothing))
    for _ in range(mesh.ndim - 1):
        sums = _folded(sums)
    zero = jnp.zeros((), store.dtype)
    return lax.reduce(sums, (zero, zero), _added, (1, 2))


def _with_rows(mesh: Mesh, forest: Forest, store: Store, more: Rows | None) -> Callable:
    """The cells of a sweep with rows of one's own behind the variables."""
    layout = room_of(store)

    def part(i):
        cells = cells_part(mesh, store, i)
        if more is None:
            return cells
        level, position = (take_patches(layout, values, i) for values in (forest.level, forest.position))
        centres = cell_centres(mesh, Forest(level, position, forest.count), store.dtype)
        return jnp.concatenate([cells, arranged(layout, more(listed(cells, leading=1), centres), leading=1)])

    return part


def _folded(sums: Pair, begin: Pair | None = None) -> Pair:
    """Sums over the first axis of cells. Written out, it is done with vectors: four times as fast as a reduction."""
    rows = [(sums[0][:, :, k], sums[1][:, :, k]) for k in range(sums[0].shape[2])]
    return functools.reduce(_added, rows if begin is None else [begin, *rows])


def _added(one: Pair, other: Pair) -> Pair:
    """The sum of two sums with the rounding error of their first numbers kept (Knuth's two-sum)."""
    total = one[0] + other[0]
    back = total - one[0]
    lost = (one[0] - (total - back)) + (other[0] - back)
    return total, one[1] + other[1] + lost
