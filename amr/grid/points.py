"""Values at single points of a run, on the device: those of the cells that hold them, or interpolated."""

import itertools
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from amr.mesh import Forest, Mesh, find, keys, row_major

from .halo import Store
from .pool import gather, room_of
from .topology import cell_sizes


class CellsAt(NamedTuple):
    """The cells that hold some points: their `values`, `(vars, points)`, and the coordinates of their centres."""

    values: Float[Array, "vars points"]
    centres: tuple[Float[Array, " points"], ...]


class _Cells(NamedTuple):
    """Some cells: the `slot` of each in the pool, how many levels there are beyond its own, and its `number` there."""

    slot: Int[Array, " points"]
    beyond: Int[Array, " points"]
    number: Int[Array, "ndim points"]


def cells_at(mesh: Mesh, forest: Forest, store: Store, finest: Int[Array, "ndim points"]) -> CellsAt:
    """The cells that hold some points, each given by the cell of the finest level that it lies in."""
    cells = _found(mesh, forest, finest)
    sizes = cell_sizes(mesh, forest, store.dtype)[:, cells.slot]
    number = cells.number.astype(store.dtype) + jnp.asarray(0.5, store.dtype)
    centres = tuple(mesh.domain.lower[d] + number[d] * sizes[d] for d in range(mesh.ndim))
    return CellsAt(_values(mesh, store, cells), centres)


def values_at(
    mesh: Mesh,
    forest: Forest,
    store: Store,
    finest: Int[Array, "ndim points"],
    within: Float[Array, "ndim points"],
) -> Float[Array, "vars points"]:
    """Values at points, interpolated from the centres of the cells around: linearly in each coordinate where these are
    of one level, else by the plane through the cell that holds the point and one next to it along each coordinate.
    Both are exact for linear data. Beyond the domain there is nothing: there the inner cells are continued.

    A point is given by its cell of the finest level, and by where it lies within that, from 0 to 1.
    """
    own = _found(mesh, forest, finest)
    # Places are told from the centre of the cell that holds the point, in its widths.
    width = (1 << own.beyond).astype(within.dtype)
    place = ((finest - (own.number << own.beyond)).astype(within.dtype) + within) / width - 0.5
    first, last = own.number << own.beyond, (own.number + 1) << own.beyond
    most = jnp.asarray(mesh.cells, jnp.int32)[:, None] << mesh.max_level
    open_ = ~jnp.asarray(mesh.domain.periodic)[:, None]
    up = jnp.where(open_ & (first == 0), True, jnp.where(open_ & (last == most), False, place >= 0))
    beside = jnp.where(up, last, first - 1)
    corners = {
        corner: _found(mesh, forest, jnp.where(jnp.asarray(corner)[:, None], beside % most, finest))
        for corner in itertools.product((False, True), repeat=mesh.ndim)
    }
    values = {corner: _values(mesh, store, cells) for corner, cells in corners.items()}
    level = jnp.stack([cells.beyond == own.beyond for cells in corners.values()]).all(0)
    linear = _multilinear(values, jnp.where(up, place, -place))
    turned = beside - beside % most  # by the turns of a periodic domain
    offsets = [_offset(own, corners[corner], turned, corner).astype(place.dtype) for corner in _along_each(mesh.ndim)]
    plane = _plane([values[corner] for corner in _along_each(mesh.ndim)], values[(False,) * mesh.ndim], offsets, place)
    return jnp.where(level, linear, plane)


def _along_each(ndim: int) -> list[tuple[bool, ...]]:
    """The corners one step away along each coordinate."""
    return [tuple(e == d for e in range(ndim)) for d in range(ndim)]


def _found(mesh: Mesh, forest: Forest, finest: Int[Array, "ndim points"]) -> _Cells:
    slot = find(mesh, keys(mesh, forest), finest // mesh.patch)
    beyond = mesh.max_level - forest.level[slot]
    return _Cells(slot, beyond, finest >> beyond)


def _values(mesh: Mesh, store: Store, cells: _Cells) -> Float[Array, "vars points"]:
    row = row_major(list(cells.number % mesh.patch), mesh.patch)
    return gather(store, room_of(store).place(store.shape[3], row, cells.slot))


def _offset(own: _Cells, other: _Cells, turned: Array, corner: tuple[bool, ...]) -> Float[Array, "ndim points"]:
    """From the centre of a cell to that of another, in widths of the first."""
    moved = (other.number << other.beyond) + jnp.where(jnp.asarray(corner)[:, None], turned, 0)
    # Twice the centres are whole numbers of finest cells.
    twice = (2 * moved + (1 << other.beyond)) - (2 * (own.number << own.beyond) + (1 << own.beyond))
    return twice.astype(float) / (2 << own.beyond).astype(float)


def _multilinear(
    values: dict[tuple[bool, ...], Array], share: Float[Array, "ndim points"]
) -> Float[Array, "vars points"]:
    """Interpolated between corners, `share` of the way from the first to the last."""
    for d in reversed(range(len(share))):
        starts = [corner for corner in values if len(corner) == d + 1 and not corner[d]]
        values = {c[:d]: values[c] + share[d] * (values[(*c[:d], True)] - values[c]) for c in starts}
    return values[()]


def _plane(
    beside: list[Float[Array, "vars points"]],
    value: Float[Array, "vars points"],
    offsets: list[Float[Array, "ndim points"]],
    place: Float[Array, "ndim points"],
) -> Float[Array, "vars points"]:
    """The plane through a cell and one beside it along each coordinate, at a place."""
    rows = [[*offset, other - value] for offset, other in zip(offsets, beside, strict=True)]
    # Each lies farther along its own coordinate than along all others, so nothing has to be exchanged.
    for d, row in enumerate(rows):
        row = rows[d] = [part / row[d] for part in row]
        for e, other in enumerate(rows):
            if e != d:
                factor = other[d]
                rows[e] = [part - factor * taken for part, taken in zip(other, row, strict=True)]
    return value + sum(row[-1] * place[d] for d, row in enumerate(rows))
