"""Numbers about all cells: extrema, integrals and norms; and what keeps cells within bounds, but the integral.

A run sums sweep by sweep, from its store; the rest takes plain arrays `(vars, *cells, patches)`.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from amr.mesh import Forest, Mesh

from .halo import Store, cells_part, put_cells
from .leaves import per_patch
from .pool import active, arranged, listed, room_of, sweep, take, take_patches
from .scale import binary_unit, quotient
from .topology import cell_centres, cell_sizes, relative_volumes

Plain = Float[Array, "vars *cells patches"]
PerVariable = Float[Array, " names"]
Extrema = tuple[PerVariable, PerVariable]
Pair = tuple[Array, Array]
# Rows made of the cells of some patches, `(vars, *cells, patches)`, and of the coordinates of their centres.
MoreRows = Callable[[Array, tuple[Array, ...]], Float[Array, "rows *cells patches"]]


def extrema(mesh: Mesh, forest: Forest, store: Store, more: MoreRows | None = None) -> Extrema:
    """The least and largest value of each variable, and of each row that `more` makes of them."""
    part = _with_rows(mesh, forest, store, more)
    used, inner = active(room_of(store), forest.count, mesh.ndim), tuple(range(1, mesh.ndim + 3))

    def extended(i, so_far):
        cells, mask = part(i), take(used, i, axis=0)
        low = jnp.where(mask, cells, jnp.inf).min(inner)
        high = jnp.where(mask, cells, -jnp.inf).max(inner)
        return jnp.minimum(so_far[0], low), jnp.maximum(so_far[1], high)

    nothing = jnp.full(jax.eval_shape(part, forest.count).shape[0], jnp.inf, store.dtype)
    return sweep(room_of(store), forest.count, extended, (nothing, -nothing))


def integrals(
    mesh: Mesh, forest: Forest, store: Store, more: MoreRows | None = None
) -> tuple[PerVariable, PerVariable]:
    """The integral of each variable, and row of `more`, in units of the volume of a root cell, as a sum of two numbers:
    the second has what the first lost in rounding, so that together they have twice the digits.

    The volumes of cells are powers of two in this unit, and weighting with them is exact.
    """
    layout, part = room_of(store), _with_rows(mesh, forest, store, more)
    weight = relative_volumes(mesh, forest, store.dtype)

    def summed(i, sums):
        share, cells = per_patch(layout, weight, i, mesh.ndim), part(i)
        cells = jnp.where(share > 0, cells * share, 0)  # empty slots may hold anything
        return _folded((cells, jnp.zeros_like(cells)), sums)

    names = jax.eval_shape(part, forest.count).shape[0]
    nothing = jnp.zeros((names, layout.blocks, *mesh.patch_shape[1:], layout.lanes), store.dtype)
    sums = sweep(layout, forest.count, summed, (nothing, nothing))
    for _ in range(mesh.ndim - 1):
        sums = _folded(sums)
    zero = jnp.zeros((), store.dtype)
    return lax.reduce(sums, (zero, zero), added, (1, 2))


def _with_rows(mesh: Mesh, forest: Forest, store: Store, more: MoreRows | None) -> Callable:
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
    return functools.reduce(added, rows if begin is None else [begin, *rows])


def added(one: Pair, other: Pair) -> Pair:
    """The sum of two sums, each a number and what it lacks by rounding, with the rounding error of the first numbers
    kept: the two-sum of Knuth, The Art of Computer Programming 2, section 4.2.2."""
    total = one[0] + other[0]
    back = total - one[0]
    lost = (one[0] - (total - back)) + (other[0] - back)
    return total, one[1] + other[1] + lost


def integral(mesh: Mesh, forest: Forest, u: Plain) -> PerVariable:
    """The volume integral of each variable."""
    volume = cell_sizes(mesh, forest, u.dtype).prod(0)
    return jnp.where(forest.active, u.sum(tuple(range(1, u.ndim - 1))) * volume, 0).sum(-1)


def norms(mesh: Mesh, forest: Forest, difference: Plain) -> dict[str, PerVariable]:
    """Volume-weighted mean (l1), root mean square (l2) and largest value (linf) of the absolute values."""
    size, inner = jnp.abs(difference), tuple(range(1, difference.ndim))
    share = relative_volumes(mesh, forest, size.dtype) / math.prod(mesh.cells)
    largest = jnp.where(forest.active, size, -jnp.inf).max(inner)
    unit, inverse = binary_unit(largest)

    def mean(values):
        return jnp.where(forest.active, values.sum(inner[:-1]) * share, 0).sum(-1)

    squares = jnp.square(inverse.reshape(-1, *(1,) * len(inner)) * size)
    return {"l1": mean(size), "l2": unit * jnp.sqrt(mean(squares)), "linf": largest}


def clip_and_assure_sum(mesh: Mesh, forest: Forest, store: Store, bounds: Extrema) -> Store:
    """Clip cells to bounds and take the difference from (or give it to) cells nearby in proportion to their room, see
    `shared_nearby`; from all of them what a patch has no room for.

    A scheme keeps every cell within bounds as long as its fluxes are its own. A coarse cell beside a finer leaf gets
    fluxes that were limited with the finer cells in view, and may slip past a bound by a tiny amount.

    The integral stays what it was, to roundoff ("clip and assured sum": Bradley, Bosler, Guba, Taylor, Barnett, SIAM
    J. Sci. Comput. 41, 2019). Cells are changed where they lie in the store, and their averages with them.
    """
    layout = room_of(store)
    volumes = relative_volumes(mesh, forest, store.dtype)
    low, high = (bound.reshape(-1, *(1,) * (mesh.ndim + 2)) for bound in bounds)
    rounding = 8 * jnp.finfo(store.dtype).eps * jnp.maximum(jnp.abs(low), jnp.abs(high))

    def summed(i, carry):
        store, totals = carry
        cells, volume = cells_part(mesh, store, i), per_patch(layout, volumes, i, mesh.ndim)
        cells = shared_nearby(cells, low, high, rounding)
        clipped = jnp.clip(cells, low, high)
        beyond = cells - clipped
        parts = (jnp.where(jnp.abs(beyond) > rounding, beyond, 0), high - clipped, clipped - low)
        used = (jnp.where(volume > 0, part * volume, 0) for part in parts)
        totals = tuple(total + part.sum(tuple(range(1, part.ndim))) for total, part in zip(totals, used, strict=True))
        return put_cells(mesh, store, cells, i), totals

    nothing = jnp.zeros(store.shape[0], store.dtype)
    store, totals = sweep(layout, forest.count, summed, (store, (nothing, nothing, nothing)))
    lost, above, below = (total.reshape(low.shape) for total in totals)
    room = jnp.where(lost > 0, above, below)
    share = lost / jnp.where(room > 0, room, 1)

    def mended(i, store):
        clipped = jnp.clip(cells_part(mesh, store, i), low, high)
        return put_cells(mesh, store, clipped + share * jnp.where(lost > 0, high - clipped, clipped - low), i)

    return sweep(layout, forest.count, mended, store)


def shared_nearby(
    cells: Float[Array, "vars blocks *cells lanes"], low: Array, high: Array, rounding: Array | float = 0.0
) -> Float[Array, "vars blocks *cells lanes"]:
    """Cells whose excess over bounds is shared among their neighbours in the patch in proportion to the room that these
    have; what these have too much then among cells at most 2 apart, 4, and so on. Sums of patches stay what they were,
    and cells within bounds, but for `rounding`, where a patch has room for all."""
    side = cells.shape[2]

    places = np.arange(side, dtype=np.int32)
    apart = np.abs(np.subtract.outer(places, places))

    def around(values, reach):
        """The sum over all cells at most so far away along each dimension."""
        near = (apart <= reach).astype(values.dtype)
        for axis in range(2, values.ndim - 1):
            values = jnp.moveaxis(jnp.tensordot(near, values, (1, axis), precision=lax.Precision.HIGHEST), 0, axis)
        return values

    def more(carry):
        reach, cells = carry
        return (reach < 2 * side) & (jnp.abs(cells - jnp.clip(cells, low, high)) > rounding).any()

    def once(carry):
        reach, cells = carry
        clipped = jnp.clip(cells, low, high)
        shared, beyond = clipped, cells - clipped
        for excess, room in ((jnp.maximum(beyond, 0), high - clipped), (jnp.minimum(beyond, 0), clipped - low)):
            there = around(room, reach)
            shared = shared + room * around(quotient(excess, there), reach) + jnp.where(there == 0, excess, 0)
        return 2 * reach, shared

    return lax.while_loop(more, once, (jnp.ones((), jnp.int32), cells))[1]
