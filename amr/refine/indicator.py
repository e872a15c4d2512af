"""What wants resolution: an indicator sees a patch, and says what its cells wish.

A cell may *refine* (wish for the next level) or be *kept* (wish not to fall below its own level). Here is what an
indicator is and how indicators combine; `criteria` has those that compare a number with thresholds.
"""

import abc
import functools
from collections.abc import Callable, Sequence
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from amr.errors import InvalidSettingError
from amr.names import find_variable
from amr.show import text


class PatchView(eqx.Module):
    """One patch as an indicator sees it.

    **Attributes:**

    - `values`: cell values with `ghost` layers around, shape `(vars, *ghosted)`.
    - `x`: coordinates of the cell centres (without ghosts), one array a dimension, broadcastable to `(*cells)`.
    - `dx`: cell widths, shape `(ndim,)`.
    - `level`, `time`: of the patch and of the data.
    - `ghost`: layers of ghost cells in `values`.
    - `names`: of the variables; without them, variables go by their numbers.
    """

    values: Float[Array, " vars *ghosted"]
    x: tuple[Float[Array, "..."], ...]
    dx: Float[Array, " ndim"]
    level: Int[Array, ""]
    time: Float[Array, ""]
    ghost: int = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def ndim(self) -> int:
        return self.values.ndim - 1

    def cells(
        self, variable: int | str = 0, d: int | Sequence[int] | None = None, shift: int | Sequence[int] = 0
    ) -> Float[Array, "*cells"]:
        """The cells of one variable (its name or number), moved by `shift` cells along dimension `d`.

        The neighbours across an edge are moved along two: `patch.cells("density", (0, 1), (1, -1))`.
        """
        by = np.zeros(self.ndim, int)
        by[[] if d is None else np.atleast_1d(d)] = shift
        return self._window(variable, by, by)

    def around(self, variable: int | str, width: int) -> Float[Array, "*wider"]:
        """The cells of one variable with `width` layers of ghost cells on each side."""
        layers = np.full(self.ndim, width)
        return self._window(variable, -layers, layers)

    def _window(self, variable: int | str, low: np.ndarray, high: np.ndarray) -> Array:
        """From the patch's first cell moved by `low` to its last one moved by `high`."""
        reach = int(np.abs([low, high]).max())
        if reach > self.ghost:
            raise InvalidSettingError("refine", f"looks {reach} cells beyond a patch that has {self.ghost} ghost cells")
        values = self.values[find_variable(self.names, variable, self.values.shape[0])]
        return jax.lax.slice(values, (self.ghost + low).tolist(), (values.shape[0] - self.ghost + high).tolist())


class Indicator(eqx.Module):
    """Decides cell by cell where resolution is wanted."""

    def __repr__(self) -> str:
        return text(self)

    def check(self, ndim: int, names: tuple[str, ...]) -> None:
        """Raise `InvalidSettingError` if this indicator does not fit so many dimensions and these variables."""

    @abc.abstractmethod
    def wishes(self, patch: PatchView) -> tuple[Bool[Array, "*cells"], Bool[Array, "*cells"]]:
        """Which cells wish to be refined and which to be kept at their level."""


class Joined(Indicator):
    """Several indicators whose wishes are joined."""

    indicators: tuple[Indicator, ...]
    join: eqx.AbstractClassVar[Callable[..., Array]]

    def __init__(self, *indicators: Indicator):
        self.indicators = indicators
        if not indicators or not all(isinstance(indicator, Indicator) for indicator in indicators):
            raise InvalidSettingError("refine", f"expected one indicator or more, got {indicators}")

    def check(self, ndim, names):
        for indicator in self.indicators:
            indicator.check(ndim, names)

    def wishes(self, patch):
        refine, keep = zip(*(indicator.wishes(patch) for indicator in self.indicators), strict=True)
        return functools.reduce(self.join, refine), functools.reduce(self.join, keep)


class AnyOf(Joined):
    """Refine where any of several indicators wishes it, and keep where any does."""

    join: ClassVar = staticmethod(jnp.logical_or)

    def __init__(self, *indicators: Indicator):
        super().__init__(*indicators)


class AllOf(Joined):
    """Refine only where all of several indicators wish it, and keep only where all do.

    - Only inside of a box, and there at most to level 3: `AllOf(Region(lower, upper, 3), Loehner())`.
    - Only where there is something: `AllOf(Loehner(), Value(above=1e-3))`.
    """

    join: ClassVar = staticmethod(jnp.logical_and)

    def __init__(self, *indicators: Indicator):
        super().__init__(*indicators)


class UpTo(Indicator):
    """Refine where another indicator wishes it, but not beyond a level: `UpTo(2, Gradient(above=1.0))`.

    **Arguments:**

    - `level`: the highest level that this indicator may ask for.
    - `indicator`: what asks.
    """

    level: int
    indicator: Indicator

    def __check_init__(self):
        if not isinstance(self.level, int) or self.level < 0:
            raise InvalidSettingError("level", f"expected a whole number, 0 or more, got {self.level!r}")
        if not isinstance(self.indicator, Indicator):
            raise InvalidSettingError("indicator", f"expected one such as Loehner(), got {self.indicator!r}")

    def check(self, ndim, names):
        self.indicator.check(ndim, names)

    def wishes(self, patch):
        refine, keep = self.indicator.wishes(patch)
        return refine & (patch.level < self.level), keep & (patch.level <= self.level)
