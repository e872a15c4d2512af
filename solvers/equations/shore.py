"""Where water meets land: the ground at a face as the water in the cells beside it feels it.

In deep water the ground at a face is what is given there. A cell takes it for at most as much higher or lower than its
own ground b as its water is deep, so that a dry cell has its ground everywhere and no water at its faces:

    bed_i = min(max(ground at the face, b_i - h_i), b_i + h_i),      h_i* = eta_i - max(bed, bed_i),
    bed = min(max(bed_left, bed_right), eta_left, eta_right)

These are the hydrostatic reconstruction of Audusse, Bouchut, Bristeau, Klein and Perthame, SIAM J. Sci. Comput. 25
(2004), and the bed of Chen and Noelle, SIAM J. Numer. Anal. 55 (2017), whose thin layers run down steep ground as fast
as they should. Between cells that lie under one level surface the depths h* are the same, and no less than 0.

The ground pushes each cell by g/2 (h_i + h*) (bed - bed_i), h_i being the depth above bed_i, and within the cell by what
keeps a level surface level. All pressures are less that of a depth `rest level - bed`, or four times h* where that is
less: of water at rest nothing is left to the last bit, and in thin layers no small difference of large numbers.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]


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
        beds = tuple(jnp.clip(ground, c.ground - c.depth, c.ground + c.depth) for c in columns)
        low, high = columns
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
