"""What wants resolution: an indicator gives a number for each cell; thresholds turn numbers into wishes.

A cell may *refine* (wish for the next level) or be *kept* (wish not to fall below its own level). The two thresholds
differ, so that patches do not flicker between levels (hysteresis).
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .errors import InvalidSettingError


class PatchView(eqx.Module):
    """One patch as an indicator sees it.

    **Attributes:**

    - `values`: cell values with `ghost` layers around, shape `(vars, *ghosted)`.
    - `x`: coordinates of the cell centres (without ghosts), one array a dimension, broadcastable to `(*cells)`.
    - `dx`: cell widths, shape `(ndim,)`.
    - `level`, `time`: of the patch and of the data.
    - `ghost`: layers of ghost cells in `values`.
    """

    values: Float[Array, "vars *ghosted"]
    x: tuple[Float[Array, "..."], ...]
    dx: Float[Array, " ndim"]
    level: Int[Array, ""]
    time: Float[Array, ""]
    ghost: int = eqx.field(static=True)

    @property
    def ndim(self) -> int:
        return self.values.ndim - 1

    def cells(self, variable: int = 0, d: int | None = None, shift: int = 0) -> Float[Array, "*cells"]:
        """The cells of one variable (by its number), moved by `shift` cells along dimension `d`."""
        check_variable(variable, self.values.shape[0])
        values = self.values[variable]
        n = values.shape[0] - 2 * self.ghost
        starts = [self.ghost + (shift if k == d else 0) for k in range(self.ndim)]
        return jax.lax.slice(values, starts, [start + n for start in starts])


class Indicator(eqx.Module):
    """Decides cell by cell where resolution is wanted."""

    def check(self, ndim: int, variables: int) -> None:
        """Raise `InvalidSettingError` if this indicator does not fit so many dimensions and variables."""

    @abc.abstractmethod
    def wishes(self, patch: PatchView) -> tuple[Bool[Array, "*cells"], Bool[Array, "*cells"]]:
        """Which cells wish to be refined and which to be kept at their level."""


class Value(Indicator):
    """Refine where a variable exceeds a threshold.

    **Arguments:**

    - `above`: a number, or one for each level that may be refined (the first makes level 1).
    - `below`: patches whose cells are all below this may coarsen; one number or one a level. Default: `above`.
    - `variable`: which variable.
    """

    above: tuple[float, ...]
    below: tuple[float, ...]
    variable: int = eqx.field(static=True)

    def __init__(self, above: float | Sequence[float], below: float | Sequence[float] | None = None, variable: int = 0):
        self.above, self.below = thresholds(above, below, 1.0)
        self.variable = variable

    def check(self, ndim, variables):
        check_variable(self.variable, variables)

    def wishes(self, patch):
        return exceed(patch.cells(self.variable), self.above, self.below, patch.level)


class Difference(Indicator):
    """Refine where a variable changes by more than `above` between the two neighbours of a cell, in any direction.

    This is AMRClaw's `flag2refine`. The change halves with each level, so by default patches may coarsen below
    `above / 2`, where the coarser level would still fall short of `above`.

    **Arguments:** as for `Value`.
    """

    above: tuple[float, ...]
    below: tuple[float, ...]
    variable: int = eqx.field(static=True)

    def __init__(self, above: float | Sequence[float], below: float | Sequence[float] | None = None, variable: int = 0):
        self.above, self.below = thresholds(above, below, 0.5)
        self.variable = variable

    def check(self, ndim, variables):
        check_variable(self.variable, variables)

    def wishes(self, patch):
        changes = [jnp.abs(rise(patch, self.variable, d)) for d in range(patch.ndim)]
        return exceed(jnp.stack(changes).max(0), self.above, self.below, patch.level)


class Gradient(Indicator):
    """Refine where the length of a variable's gradient exceeds `above` (in units of the variable per length).

    **Arguments:** as for `Value`; by default patches may coarsen below `above / 2`.
    """

    above: tuple[float, ...]
    below: tuple[float, ...]
    variable: int = eqx.field(static=True)

    def __init__(self, above: float | Sequence[float], below: float | Sequence[float] | None = None, variable: int = 0):
        self.above, self.below = thresholds(above, below, 0.5)
        self.variable = variable

    def check(self, ndim, variables):
        check_variable(self.variable, variables)

    def wishes(self, patch):
        slopes = [rise(patch, self.variable, d) / (2 * patch.dx[d]) for d in range(patch.ndim)]
        return exceed(jnp.sqrt(sum(slope**2 for slope in slopes)), self.above, self.below, patch.level)


class Region(Indicator):
    """Refine all cells that a box of the domain overlaps to a given level and keep them there.

    **Arguments:**

    - `lower`, `upper`: corners of the box, one number a dimension.
    - `level`: the level the box shall have.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    level: int

    def __init__(self, lower, upper, level: int):
        self.lower = tuple(float(v) for v in np.atleast_1d(lower))
        self.upper = tuple(float(v) for v in np.atleast_1d(upper))
        self.level = level
        if len(self.lower) != len(self.upper):
            raise InvalidSettingError("upper", f"has {len(self.upper)} numbers where lower has {len(self.lower)}")

    def check(self, ndim, variables):
        if len(self.lower) != ndim:
            raise InvalidSettingError("lower", f"has {len(self.lower)} numbers, expected {ndim}, as the domain")

    def wishes(self, patch):
        inside = jnp.asarray(True)
        for x, dx, low, high in zip(patch.x, patch.dx, self.lower, self.upper, strict=True):
            reach = (0.5 - 1e-4) * dx  # a cell that only touches the box, up to rounding, is outside
            inside = inside & (x + reach > low) & (x - reach < high)
        return inside & (patch.level < self.level), inside & (patch.level <= self.level)


class Custom(Indicator):
    """Refine where a function of your own exceeds a threshold.

    **Arguments:**

    - `function`: takes a `PatchView`, gives a number for each cell, shape `(*cells)`, in traceable JAX.
    - `above`, `below`: as for `Value`; by default patches may coarsen below `above / 2`.
    """

    function: Callable
    above: tuple[float, ...]
    below: tuple[float, ...]

    def __init__(
        self, function: Callable, above: float | Sequence[float], below: float | Sequence[float] | None = None
    ):
        self.function = function
        self.above, self.below = thresholds(above, below, 0.5)

    def wishes(self, patch):
        return exceed(self.function(patch), self.above, self.below, patch.level)


class AnyOf(Indicator):
    """Refine where any of several indicators wishes it."""

    indicators: tuple[Indicator, ...]

    def __init__(self, *indicators: Indicator):
        self.indicators = indicators
        if not indicators or not all(isinstance(indicator, Indicator) for indicator in indicators):
            raise InvalidSettingError("refine", f"expected one indicator or more, got {indicators}")

    def check(self, ndim, variables):
        for indicator in self.indicators:
            indicator.check(ndim, variables)

    def wishes(self, patch):
        pairs = [indicator.wishes(patch) for indicator in self.indicators]
        refine, keep = pairs[0]
        for more_refine, more_keep in pairs[1:]:
            refine, keep = refine | more_refine, keep | more_keep
        return refine, keep


def check_variable(variable: int, variables: int) -> None:
    """Raise `InvalidSettingError` if there is no variable of that number."""
    if not 0 <= variable < variables:
        raise InvalidSettingError("variable", f"expected a number from 0 to {variables - 1}, got {variable}")


def thresholds(above, below, ratio: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both thresholds as tuples of the same length; `below` defaults to `ratio * above`."""
    above = (above,) if np.ndim(above) == 0 else tuple(above)
    if not above:
        raise InvalidSettingError("above", "expected a number, or one for each level that may be refined")
    if below is None:
        below = tuple(ratio * value for value in above)
    below = (below,) * len(above) if np.ndim(below) == 0 else tuple(below)
    if len(below) != len(above):
        raise InvalidSettingError("below", f"has {len(below)} numbers where above has {len(above)}")
    if any(low > high for low, high in zip(below, above, strict=True)):
        raise InvalidSettingError("below", f"expected at most above={list(above)}, got {list(below)}")
    return above, below


def rise(patch: PatchView, variable: int, d: int) -> Float[Array, "*cells"]:
    """The value at the neighbour above minus that at the neighbour below, in direction d."""
    return patch.cells(variable, d, 1) - patch.cells(variable, d, -1)


def exceed(number, above: tuple[float, ...], below: tuple[float, ...], level):
    """Compare with the thresholds of the next level (to refine) and of this one (to be kept).

    Levels beyond the last threshold use the last one.
    """
    last = len(above) - 1
    up = jnp.asarray(above, number.dtype)[jnp.clip(level, 0, last)]
    down = jnp.asarray(below, number.dtype)[jnp.clip(level - 1, 0, last)]
    refine = number > up
    return refine, refine | (number > down)
