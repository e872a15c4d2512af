"""Boxes of the domain that hold a level at least, or at most, from one time to another."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from amr.errors import InvalidSettingError

from .indicator import Indicator, PatchView


class Boxed(Indicator):
    """Something that holds in a box of the domain, from the time `begin` until `end`."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    begin: float | None
    end: float | None

    def _settle(self, lower: Any, upper: Any, begin: float | None, end: float | None) -> None:
        self.lower = tuple(float(v) for v in np.atleast_1d(lower))
        self.upper = tuple(float(v) for v in np.atleast_1d(upper))
        self.begin, self.end = begin, end
        if len(self.lower) != len(self.upper):
            raise InvalidSettingError("upper", f"has {len(self.upper)} numbers where lower has {len(self.lower)}")
        for key, time in (("begin", begin), ("end", end)):
            if time is not None and (isinstance(time, bool) or not isinstance(time, float | int) or math.isnan(time)):
                raise InvalidSettingError(key, f"expected a time, got {time!r}")
        if begin is not None and end is not None and not begin < end:
            raise InvalidSettingError("end", f"expected a time after begin={begin:g}, got {end:g}")

    def check(self, ndim, names):
        if len(self.lower) != ndim:
            raise InvalidSettingError("lower", f"has {len(self.lower)} numbers, expected {ndim}, as the domain")

    def held(self, patch: PatchView, reach: float) -> Bool[Array, "..."]:
        """Which cells are in the box at this time; `reach`: how far from their centres they count, in cells."""
        inside = jnp.asarray(True)
        for x, dx, low, high in zip(patch.x, patch.dx, self.lower, self.upper, strict=True):
            inside = inside & (x + reach * dx > low) & (x - reach * dx < high)
        inside = inside if self.begin is None else inside & (patch.time >= self.begin)
        return inside if self.end is None else inside & (patch.time < self.end)


class Region(Boxed):
    """Refine all cells that a box of the domain overlaps to a given level and keep them there.

    **Arguments:**

    - `lower`, `upper`: corners of the box, one number a dimension.
    - `level`: the level the box shall have.
    - `begin`, `end`: from when until when; default: always. It is looked at with each regrid.
    """

    level: int

    def __init__(self, lower, upper, level: int, *, begin: float | None = None, end: float | None = None):
        self._settle(lower, upper, begin, end)
        self.level = level

    def wishes(self, patch):
        inside = self.held(patch, 0.5 - 1e-4)  # a cell that only touches the box, up to rounding, is outside
        return inside & (patch.level < self.level), inside & (patch.level <= self.level)


class AtMost(Boxed):
    """Refine where another indicator wishes it, but not beyond a level in a box of the domain: a sponge, a buoy, a
    corner where nothing of interest happens.

    What is finer beside the box may reach into it: patches are refined as a whole, with a buffer, and neighbours differ
    by one level. A cell belongs to the box if its centre does.

    **Arguments:**

    - `lower`, `upper`, `begin`, `end`: as for `Region`.
    - `level`: the highest level that may be asked for in the box.
    - `indicator`: what asks.
    """

    level: int
    indicator: Indicator

    def __init__(
        self,
        lower,
        upper,
        level: int,
        indicator: Indicator,
        *,
        begin: float | None = None,
        end: float | None = None,
    ):
        self._settle(lower, upper, begin, end)
        self.level, self.indicator = level, indicator
        if isinstance(level, bool) or not isinstance(level, int) or level < 0:
            raise InvalidSettingError("level", f"expected a whole number, 0 or more, got {level!r}")
        if not isinstance(indicator, Indicator):
            raise InvalidSettingError("indicator", f"expected one such as Loehner(), got {indicator!r}")

    def check(self, ndim, names):
        super().check(ndim, names)
        self.indicator.check(ndim, names)

    def wishes(self, patch):
        refine, keep = self.indicator.wishes(patch)
        inside = self.held(patch, 0.0)
        return refine & ~(inside & (patch.level >= self.level)), keep & ~(inside & (patch.level > self.level))
