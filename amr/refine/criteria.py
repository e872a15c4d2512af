"""Indicators that give a number for every cell, which is compared with two thresholds: they differ, so that patches do
not flicker between levels (hysteresis).

Which number? `Value` where the quantity itself says where to look, `Difference` and `Gradient` for fronts, `Curvature`
and `Detail` for the error of interpolation in units of the variable, `Loehner` where no scale is known.
"""

import abc
import itertools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import halved, length, restrict, threes
from amr.names import find_variable

from .indicator import Indicator, PatchView

Levels = float | Sequence[float]  # a number, or one for each level


class Threshold(Indicator):
    """Refine where a number exceeds a threshold.

    By default patches may coarsen below `ratio * above`, where `ratio` is how much the number falls from one level to
    the next in smooth data. Then what has coarsened does not wish to be refined again.
    """

    above: Levels
    below: Levels | None = None
    ratio: eqx.AbstractClassVar[float]

    def _settle(self):
        """One number a level."""
        for key in ("above", "below"):
            _expect_numbers(key, getattr(self, key))
        above = self.above = _per_level(self.above, 1)
        if not above:
            raise InvalidSettingError("above", "expected a number, or one for each level that may be refined")
        default = [self.ratio * value for value in above]
        below = self.below = _per_level(default if self.below is None else self.below, len(above))
        if len(below) != len(above):
            raise InvalidSettingError("below", f"has {len(below)} numbers where above has {len(above)}")
        if any(low > high for low, high in zip(below, above, strict=True)):
            raise InvalidSettingError("below", f"expected at most above={list(above)}, got {list(below)}")

    def wishes(self, patch):
        number, last = self.number(patch), len(self.above) - 1  # which holds for all levels beyond
        up = jnp.asarray(self.above, number.dtype)[jnp.clip(patch.level, 0, last)]
        down = jnp.asarray(self.below, number.dtype)[jnp.clip(patch.level - 1, 0, last)]
        refine = number > up
        return refine, refine | (number > down)

    @abc.abstractmethod
    def number(self, patch: PatchView) -> Float[Array, "*cells"]:
        """What is compared with the thresholds: those of the next level to refine, of its own to be kept."""


def _expect_numbers(key: str, value: Any) -> None:
    parts = [value] if np.ndim(value) == 0 else list(value)
    if any(isinstance(part, str) or callable(part) for part in parts):
        advice = "; variables go by name, as in variable='density'" if isinstance(value, str) else ""
        raise InvalidSettingError(key, f"expected a number, or one for each level, got {value!r}{advice}")


def _per_level(value: Any, count: int) -> tuple[float, ...]:
    return (value,) * count if np.ndim(value) == 0 else tuple(value)


class Custom(Threshold):
    """Refine where a function of your own exceeds a threshold.

    **Arguments:**

    - `function`: takes a `PatchView`, gives a number for each cell, shape `(*cells)`, in traceable JAX.
    - `above`, `below`: as for `Value`; by default patches may coarsen below `above / 2`.
    """

    function: Callable = eqx.field(init=False)  # not after those that may be left out, but before them
    ratio: ClassVar[float] = 0.5

    def __init__(self, function: Callable, above: Levels, below: Levels | None = None):
        self.function, self.above, self.below = function, above, below
        self._settle()

    def number(self, patch):
        return self.function(patch)


class OfVariable(Threshold):
    """Refine where a number made of one variable exceeds a threshold."""

    variable: int | str = eqx.field(static=True, default=0)

    def __post_init__(self):  # an `__init__` type checkers would look for in each kind anew
        self._settle()

    def check(self, ndim, names):
        find_variable(names, self.variable)


class Value(OfVariable):
    """Refine where a variable exceeds `above`.

    **Arguments:**

    - `above`: a number, or one for each level that may be refined (the first makes level 1; later levels use the last).
    - `below`: patches whose cells are all below this may coarsen; one number or one a level. Default: `above`.
    - `variable`: which variable, its name or its number.
    """

    ratio: ClassVar[float] = 1.0

    def number(self, patch):
        return patch.cells(self.variable)


class Difference(OfVariable):
    """Refine where a variable changes by more than `above` between the two neighbours of a cell, in any direction.

    This is AMRClaw's `flag2refine`. The change halves with each level, so by default patches may coarsen below
    `above / 2`, where the coarser level would still fall short of `above`. Sensible: 0.02 to 0.1 of the range of the
    variable.

    **Arguments:** as for `Value`.
    """

    ratio: ClassVar[float] = 0.5

    def number(self, patch):
        rises = [jnp.abs(rise(patch, self.variable, d)) for d in range(patch.ndim)]
        return jnp.stack(rises).max(0)


class Gradient(OfVariable):
    """Refine where the length of a variable's gradient exceeds `above` (in units of the variable per length).

    Where data are smooth this number is the same on every level: give thresholds that rise with the level, or the
    finest level follows all that is steep.

    **Arguments:** as for `Value`; by default patches may coarsen below `above / 2`.
    """

    ratio: ClassVar[float] = 0.5

    def number(self, patch):
        return length(*(rise(patch, self.variable, d) / (2 * patch.dx[d]) for d in range(patch.ndim)))


class Curvature(OfVariable):
    """Refine where a variable bends by more than `above`, in any direction: `|u[i+1] - 2 u[i] + u[i-1]|`.

    The second difference is not divided by the cell widths: it has the unit of the variable, and is eight times the
    error of linear interpolation between cells. In smooth data it falls by four with each level. The second difference
    of averages over two cells is a weighted mean of those before, times four, so by default patches may coarsen below
    `above / 4`, where the coarser level falls short of `above`. Sensible: 0.01 to 0.1 of the range of the variable.

    **Arguments:** as for `Value`.
    """

    ratio: ClassVar[float] = 0.25

    def number(self, patch):
        bends = [jnp.abs(bend(patch, self.variable, d)) for d in range(patch.ndim)]
        return jnp.stack(bends).max(0)


class Detail(OfVariable):
    """Refine where a variable differs by more than `above` from what a mesh twice as coarse would know of it.

    The detail is `|u - P R u|`: averages over `2**ndim` cells (R), interpolated back linearly (P: weights 3/4 and 1/4
    in each dimension). It is the wavelet coefficient of multiresolution methods (Harten, Comm. Pure Appl. Math. 48,
    1995) with the interpolation of Basilisk's `adapt_wavelet` (van Hooft et al., Boundary-Layer Meteorol. 167, 2018),
    and an estimate of the error of the data in units of the variable. It vanishes for data linear in each coordinate.

    In smooth data the detail falls by four with each level, so by default patches may coarsen below `above / 4`: a
    larger value would take refinements back at the next regrid. Sensible: 1e-3 to 1e-2 of the range of the variable.

    **Arguments:** as for `Value`. Reads two layers of ghost cells.
    """

    ratio: ClassVar[float] = 0.25

    def number(self, patch):
        coarse = restrict(patch.around(self.variable, 2)[..., None], skip=0)[..., 0]
        for d in range(patch.ndim):
            coarse = halved(*threes(coarse, d), d)
        return jnp.abs(patch.cells(self.variable) - coarse)


class Loehner(OfVariable):
    """Refine where second differences of a variable are large compared to first differences.

    The estimator of Löhner (Comput. Methods Appl. Mech. Eng. 61, 1987), in one dimension

        E = |u[i+1] - 2 u[i] + u[i-1]| / (|u[i+1] - u[i]| + |u[i] - u[i-1]| + filter (|u[i+1]| + 2 |u[i]| + |u[i-1]|)),

    in several the root of the sum of the squares of the numerators of all second differences, mixed ones included, over
    that of the denominators, as in PARAMESH and FLASH (Fryxell et al., Astrophys. J. Suppl. 131, 2000). Unlike there,
    all of it is made of next neighbours, widths of cells do not enter, and of the two bounds that first differences set
    to a mixed one the smaller counts: jumps along the grid are as clear in three dimensions as in one.

    E lies between 0 and 1, is nearly 1 at jumps, and has no unit: one threshold fits all variables and scales. For that
    it also sees the faintest trace in front of nothing; `AllOf(Loehner(), Value(above=1e-3))` does not.

    **Arguments:** as for `Value`, and

    - `above`, `below`: 0.8 (less refines more), and a quarter of it: with each level E falls by two to four where data
      are smooth.
    - `filter`: ripples smaller than about this fraction of the variable itself are left alone.
    """

    above: Levels = 0.8
    filter: float = 0.01
    ratio: ClassVar[float] = 0.25

    def __post_init__(self):
        super().__post_init__()
        if self.filter < 0:
            raise InvalidSettingError("filter", f"expected 0 or a small number such as 0.01, got {self.filter}")

    def number(self, patch):
        pairs = itertools.combinations_with_replacement(range(patch.ndim), 2)
        bends, most = map(jnp.stack, zip(*(self.terms(patch, d, e) for d, e in pairs), strict=True))
        # Numbers up to 1 have squares that neither overflow nor vanish; where all are 0, so is E.
        largest = most.max(0)
        scale = jnp.where(largest > 0, largest, 1)
        return jnp.sqrt(((bends / scale) ** 2).sum(0) / jnp.maximum(((most / scale) ** 2).sum(0), 1))

    def terms(self, patch: PatchView, d: int, e: int) -> tuple[Array, Array]:
        """The second difference in directions d and e, and the most that it could be, with the filter."""
        if d == e:
            low, centre, high = (patch.cells(self.variable, d, shift) for shift in (-1, 0, 1))
            change, most = bend(patch, self.variable, d), total(high - centre, centre - low)
            size = total(low, 2 * centre, high)
        else:
            # A quarter, times the root of two: mixed differences count twice.
            ends = itertools.product((-1, 1), repeat=2)
            low, left, right, high = (2**-1.5 * patch.cells(self.variable, (d, e), end) for end in ends)
            change = (high - right) - (left - low)
            along_e, along_d = (high - right, left - low), (high - left, right - low)
            most = jnp.minimum(total(*along_e), total(*along_d))
            size = total(low, left, right, high)
        return change, most + jnp.asarray(self.filter, size.dtype) * size


def rise(patch: PatchView, variable: int | str, d: int) -> Float[Array, "*cells"]:
    """The value at the neighbour above minus that at the neighbour below, in direction d."""
    return patch.cells(variable, d, 1) - patch.cells(variable, d, -1)


def bend(patch: PatchView, variable: int | str, d: int) -> Float[Array, "*cells"]:
    """The second difference in direction d."""
    return patch.cells(variable, d, 1) - 2 * patch.cells(variable) + patch.cells(variable, d, -1)


def total(*arrays: Array) -> Array:
    """The sum of absolute values."""
    return jnp.abs(jnp.stack(arrays)).sum(0)
