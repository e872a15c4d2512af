"""Where water meets land: the ground at a face as the water in the cells beside it feels it.

In deep water the ground at a face is what is given there. A cell takes it for at most as much higher or lower than its
own ground b as its water is deep, so that a dry cell has its ground everywhere and no water at its faces:

    bed_i = min(max(ground at the face, b_i - h_i), b_i + h_i),      h_i* = eta_i - max(bed, bed_i),
    bed = min(max(bed_left, bed_right), eta_left, eta_right)

These are the hydrostatic reconstruction of Audusse, Bouchut, Bristeau, Klein and Perthame, SIAM J. Sci. Comput. 25
(2004), and the bed of Chen and Noelle, SIAM J. Numer. Anal. 55 (2017), whose thin layers run down steep ground as fast
as they should. Between cells that lie under one level surface the depths h* are the same, and no less than 0.

The ground pushes each cell by g/2 (h_i + h*) (bed - bed_i), h_i being the depth above bed_i, and within the cell by
what keeps a level surface level. All pressures are less that of a depth `rest level - bed`, or four times h* where that
is less: of water at rest nothing is left to the last bit, and in thin layers no small difference of large numbers.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Shaped

Values = Float[Array, "..."]
Axes = tuple[int, ...]


class Column(NamedTuple):
    """The water of a cell: its depth, and the elevations of its surface and of its ground."""

    depth: Values
    surface: Values
    ground: Values


class Shore(NamedTuple):
    """A face between two cells.

    **Attributes:**

    - `bed`: the bed between them; `beds`: what each of them takes the ground there for.
    - `datum`: a bed for both in the place of these, where depths are counted from: at most four times as far below
      the rest level as the water is deep, and not above it.
    - `rest`: the rest level.
    """

    bed: Values
    beds: tuple[Values, Values]
    datum: Values
    rest: Values

    @classmethod
    def between(cls, columns: tuple[Column, Column], ground: Values, rest: Values) -> "Shore":
        """Of the cells below and above faces with a ground."""
        low, high = columns
        beds = _taken(low, ground), _taken(high, ground)
        bed = jnp.minimum(jnp.maximum(*beds), jnp.minimum(low.surface, high.surface))
        depths = [c.surface - jnp.maximum(bed, own) for c, own in zip(columns, beds, strict=True)]
        return cls(bed, beds, jnp.clip(bed, rest - 4 * jnp.maximum(*depths), rest), rest)

    def above(self, surface: Values, side: int) -> tuple[Values, Values]:
        """A depth at the face, and the elevation of a surface so far above the datum."""
        bed = jnp.maximum(self.bed, self.beds[side])
        surface = jnp.maximum(surface, bed)
        depth = surface - bed
        return depth, jnp.where(bed == self.datum, surface, self.datum + depth)

    def push(self, surface: Values, side: int) -> Values:
        """What the ground pushes the cell of a side with a level surface upwards along the dimension, over g, and less
        what it does so at every face of the cell."""
        depth, level = self.above(surface, side)
        pressure = (level - self.rest) * (depth + (self.rest - self.datum))
        return 0.5 * (pressure + (surface - self.beds[side] + depth) * (surface - self.bed - depth))


def _taken(column: Column, ground: Values) -> Values:
    # The surface, not ground + depth, which may be rounded above it.
    return jnp.clip(ground, column.ground - column.depth, column.surface)


def shared(
    depths: tuple[Values, Values], speeds: list[Values], still: Array, axes: Axes
) -> tuple[Values, list[Values], Array, Array]:
    """How the children of coarser cells share their water where interpolation of the surface says what cannot be.

    `depths` are those of the parents, and of the children by interpolation, negative where the ground is higher. Where
    one is, or where the parent is dry (unless that is `still`), the children have as much as their parent together.
    They have its `speeds` there, and where one of them is less than a quarter as deep. Gives depths, momenta, and where
    each of both is to be taken.
    """
    parent, children = depths
    there = jnp.maximum(children, 0)
    mean, least = united(there, axes, lambda a, b: 0.5 * (a + b)), united(children, axes, jnp.minimum)
    poor = (least < 0) | ((parent <= 0) & ~still)
    share = jnp.where(poor, parent / jnp.where(mean > 0, mean, 1), 1)
    spare = jnp.where(poor & (mean <= 0), parent, 0)
    depth = there * doubled(share, axes) + doubled(spare, axes)
    shallow = poor | (least < 0.25 * parent)
    momenta = [depth * doubled(speed, axes) for speed in speeds]
    return depth, momenta, doubled(poor, axes), doubled(shallow, axes)


def repaid(depth: Values, axes: Axes) -> Values:
    """Depths of the cells of patches of which some are negative: what those lack comes from the other children of their
    parent, if they have enough, or else from all cells of the patch."""
    there = jnp.maximum(depth, 0)
    had, own = (united(part, axes, jnp.add) for part in (there, depth))
    depth = _lowered(depth, *(doubled(part, axes) for part in (had, own)))
    return _lowered(depth, *(jnp.sum(part, axes, keepdims=True) for part in (jnp.maximum(depth, 0), depth)))


def _lowered(depth: Values, had: Values, own: Values) -> Values:
    """Depths made positive, for sums over positive and over all depths of the cells that share."""
    lacking = (own > 0) & (own < had)
    return jnp.where(lacking, jnp.maximum(depth, 0) * (own / jnp.where(lacking, had, 1)), depth)


def united(values: Values, axes: Axes, both: Callable[[Values, Values], Values]) -> Values:
    """Of pairs of cells along some axes one."""
    for axis in axes:
        first, second = (lax.slice_in_dim(values, start, None, 2, axis) for start in (0, 1))
        values = both(first, second)
    return values


def doubled(values: Shaped[Array, "..."], axes: Axes) -> Array:
    """For both cells of each pair what is known of the pair."""
    for axis in axes:
        shape = (*values.shape[:axis], 2 * values.shape[axis], *values.shape[axis + 1 :])
        values = jnp.stack([values, values], axis + 1).reshape(shape)
    return values
