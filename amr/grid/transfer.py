"""Moving data between levels: restriction (averages) and prolongation (conservative interpolation).

A window is a box of cells of several patches: shape `(vars, *coarse, lanes)`, the patches last.
"""

import abc
import functools
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .slices import cut, trim

Window = Float[Array, "vars *coarse lanes"]


def restrict(fine: Float[Array, "..."], skip: int = 1, face: int | None = None) -> Float[Array, "..."]:
    """Averages over blocks of `2**ndim` cells, each patch as its parent would see it; or, across dimension `face`, over
    the faces that lie on one of the parent. The first `skip` axes and the last one are not those of cells."""
    for axis in range(skip, fine.ndim - 1):
        first = every_other(fine, axis, 0)
        fine = first if axis - skip == face else 0.5 * (first + every_other(fine, axis, 1))
    return fine


def every_other(array: Array, axis: int, start: int) -> Array:
    """Every second entry along an axis, from `start` on."""
    return lax.slice_in_dim(array, start, array.shape[axis], 2, axis)


class Prolongation(eqx.Module):
    """Gives the values of the children of cells from those around them.

    The mean of the children of a cell must be its value: then mass is conserved and restriction undoes prolongation.
    It must treat both directions of each dimension alike (ghost cells are prolonged from mirrored cells).

    **Attributes:**

    - `margin`: how many layers of cells around a cell are read, 1 or 2.
    - `consistent`: whether differences between levels are those of second derivatives, as diffusion needs.
    """

    margin: eqx.AbstractClassVar[int]
    consistent: ClassVar[bool] = True

    @abc.abstractmethod
    def children(self, window: Window) -> list[Array]:
        """The values of the `2**ndim` children, in Morton order, of all cells but the `margin` outermost layers."""


class LimitedLinear(Prolongation):
    """Linear interpolation that makes no new extrema: monotonized-central slopes (van Leer, J. Comput. Phys. 23,
    1977). In three dimensions these alone could take the corners of a cell beyond its neighbours; then all slopes
    of the cell shrink by the same factor (Barth and Jespersen, AIAA 89-0366, 1989)."""

    margin: ClassVar[int] = 1
    consistent: ClassVar[bool] = False

    def children(self, window):
        centre, pairs = trimmed(window, 1), face_neighbours(window)
        quarters = [0.25 * slope for slope in self._slopes(centre, pairs)]
        # The changes of children at the upper end of the first dimension; those opposite to them change by as much.
        changes = [quarters[0]]
        for quarter in quarters[1:]:
            changes = [change - quarter for change in changes] + [change + quarter for change in changes]
        pairs = zip(reversed(changes), changes, strict=True)
        return [child for down, up in pairs for child in (centre - down, centre + up)]

    def _slopes(self, centre: Array, pairs: list[tuple[Array, ...]]) -> list[Array]:
        """The change across a cell in each dimension."""
        slopes = [monotonized_central(centre - minus, plus - centre) for minus, plus in pairs]
        if len(pairs) < 3:
            return slopes
        highest = functools.reduce(jnp.maximum, [jnp.maximum(*pair) for pair in pairs], centre)
        lowest = functools.reduce(jnp.minimum, [jnp.minimum(*pair) for pair in pairs], centre)
        reach = 0.25 * functools.reduce(jnp.add, map(jnp.abs, slopes))
        factor = shrinking(reach, jnp.minimum(highest - centre, centre - lowest))
        return [factor * slope for slope in slopes]


class Quadratic(Prolongation):
    """Interpolation by the polynomial of degree two in each dimension that has the given cell averages, with all cross
    terms: third order, makes new extrema at discontinuities."""

    margin: ClassVar[int] = 1

    def children(self, window):
        return split(window, 1, lambda at: (at(1) - at(-1)) / 8)


class Quartic(Prolongation):
    """Interpolation by the polynomial of degree four in each dimension that has the given cell averages, with all cross
    terms: fifth order, makes new extrema at discontinuities (Harten, Commun. Pure Appl. Math. 48, 1995; Bihari and
    Harten, SIAM J. Sci. Comput. 18, 1997)."""

    margin: ClassVar[int] = 2

    def children(self, window):
        return split(window, 2, lambda at: (22 * (at(1) - at(-1)) - 3 * (at(2) - at(-2))) / 128)


class LimitedQuartic(Prolongation):
    """`Quartic` whose children stay, but for smooth extrema, within the values of the cell and all its neighbours,
    corners included. Where they would not, all of them move towards the cell's value by the same factor.

    A parabola with second difference k in each dimension has children up to sum |k|/8 beyond these values. So above a
    maximum there is room for CURVATURE_ROOM times |k|, below a minimum likewise, k being the smallest of the second
    differences at the cell and its two neighbours, or zero if their signs differ. With 1/4 in place of 1/8, no sine
    wave of ten or more cells is limited, and the order is that of `Quartic`. Data that take two values only, such as a
    step, get no room at all: there the sign of a second difference follows from the cell's own value, so three of one
    sign belong to three equal cells, and that of the one in the middle is zero.
    """

    margin: ClassVar[int] = 2

    def children(self, window):
        centre = trimmed(window, 2)
        changes = [child - centre for child in Quartic().children(window)]
        above, below = _rooms(window)
        rise, fall = functools.reduce(jnp.maximum, changes), -functools.reduce(jnp.minimum, changes)
        factor = jnp.minimum(shrinking(rise, above), shrinking(fall, below))
        return [centre + factor * change for change in changes]


CURVATURE_ROOM = 1 / 4  # see LimitedQuartic


def _rooms(window: Window) -> tuple[Array, Array]:
    """How far the children of the inner cells of a window with a margin of 2 may rise above their parent, and fall
    below it."""
    centre, near = trimmed(window, 2), trimmed(window, 1)
    highest = lowest = near
    above = below = jnp.zeros_like(centre)
    for d in range(window.ndim - 2):
        highest = functools.reduce(jnp.maximum, threes(highest, 1 + d))
        lowest = functools.reduce(jnp.minimum, threes(lowest, 1 + d))
        line = trimmed(window, 2, but=d)
        before, own, behind = threes(line, 1 + d)
        seconds = threes(before - 2 * own + behind, 1 + d)
        above = above - jnp.minimum(functools.reduce(jnp.maximum, seconds), 0)
        below = below + jnp.maximum(functools.reduce(jnp.minimum, seconds), 0)
    return highest - centre + CURVATURE_ROOM * above, centre - lowest + CURVATURE_ROOM * below


def shrinking(change: Array, room: Array) -> Array:
    """The factor, at most 1, that takes a change back to the room there is."""
    beyond = change > room
    return jnp.where(beyond, room / jnp.where(beyond, change, 1), 1)


def split(window: Window, margin: int, change: Callable[[Callable[[int], Array]], Array]) -> list[Array]:
    """Cells halved along one dimension after the other: the two parts of a cell are the cell minus and plus a change
    that is computed from the cells `at(-margin)` to `at(margin)` cells further."""
    parts = [window]
    for d in range(window.ndim - 2):
        changes = [change(functools.partial(shifted, part, d, margin=margin)) for part in parts]
        cells = [shifted(part, d, 0, margin) for part in parts]
        pairs = list(zip(cells, changes, strict=True))
        parts = [cell - by for cell, by in pairs] + [cell + by for cell, by in pairs]
    return parts


def shifted(window: Array, d: int, by: int, margin: int) -> Array:
    """For all cells but `margin` at both ends of dimension d, the value `by` cells further."""
    return cut(window, 1 + d, margin + by, margin - by)


def trimmed(window: Array, layers: int, but: int | None = None) -> Array:
    """A window without its outermost layers (in all dimensions but one)."""
    return trim(window, [1 + d for d in range(window.ndim - 2) if d != but], layers)


def face_neighbours(window: Window) -> list[tuple[Array, ...]]:
    """Of all cells but the outermost layer, the neighbours below and above in each dimension."""
    first, last = np.array([0, *[1] * (window.ndim - 2), 0]), np.array(window.shape)
    steps = np.eye(window.ndim, dtype=int)[1:-1]
    return [tuple(lax.slice(window, first + by, last - first + by) for by in (-step, step)) for step in steps]


def monotonized_central(left: Array, right: Array) -> Array:
    """Central differences, at most twice the smaller difference; zero where they differ in sign."""
    central = 0.5 * (left + right)
    rising = jnp.minimum(central, 2 * jnp.minimum(left, right))
    falling = jnp.maximum(central, 2 * jnp.maximum(left, right))
    return jnp.maximum(rising, 0) + jnp.minimum(falling, 0)


def prolong(window: Window, prolongation: Prolongation) -> Float[Array, "vars *fine lanes"]:
    """The children, each in its place, of all cells of a window but its margin."""
    children = prolongation.children(window)
    for d in reversed(range(window.ndim - 2)):
        half = len(children) // 2
        children = [paired(children[i], children[i + half], 1 + d) for i in range(half)]
    return children[0]


def paired(first: Array, second: Array, axis: int) -> Array:
    """The first and second children of cells along an axis, in turn."""
    pair = jnp.stack([first, second], axis=axis + 1)
    return pair.reshape(*first.shape[:axis], 2 * first.shape[axis], *first.shape[axis + 1 :])


def threes(values: Array, axis: int) -> tuple[Array, Array, Array]:
    """Of all cells but the outermost along an axis the cells before, themselves, and the cells behind."""
    return cut(values, axis, 0, 2), cut(values, axis, 1, 1), cut(values, axis, 2, 0)


def halved(below: Array, own: Array, above: Array, axis: int) -> Array:
    """Cells half as long along an axis, linearly between the centres of the coarse ones: 3/4 of their own and 1/4 of
    the neighbour nearby."""
    return paired(0.75 * own + 0.25 * below, 0.75 * own + 0.25 * above, axis)
