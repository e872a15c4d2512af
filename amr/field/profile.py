"""Means and histograms of a field's cells by another variable, a coordinate or a distance."""

import functools
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError
from amr.names import AXES

from .derived import cell_positions, evaluate
from .field import Field


@dataclass(frozen=True)
class Radius:
    """The distance from a point, to make a profile against: `field.profile(Radius((0.5, 0.5)), "phi")`.

    **Arguments:** `centre`: one coordinate a dimension (in 1D a plain number).
    """

    centre: Any

    def __call__(self, *x: np.ndarray) -> np.ndarray:
        centre = np.atleast_1d(self.centre)
        if len(centre) != len(x):
            raise InvalidSettingError("centre", f"expected {len(x)} coordinates, got {self.centre}")
        return functools.reduce(np.hypot, [xd - cd for xd, cd in zip(x, centre, strict=True)], np.zeros(()))

    def __str__(self) -> str:
        return f"distance from ({', '.join(f'{c:g}' for c in np.atleast_1d(self.centre))})"


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """What the cells hold in each bin of some quantity.

    **Attributes:**

    - `edges`: of the bins, shape `(n + 1,)`; `centres`, shape `(n,)`.
    - `values`: weighted means of the variable in each bin, NaN in empty ones; for a histogram, the weights themselves.
    - `spread`: weighted standard deviations, shape `(n,)`; None for a histogram.
    - `weight`: the sum of weights in each bin, shape `(n,)`.
    - `x_label`, `label`: what is along the axes; `time` of the data.
    """

    edges: np.ndarray
    values: np.ndarray
    spread: np.ndarray | None
    weight: np.ndarray
    x_label: str
    label: str
    time: float

    @property
    def centres(self) -> np.ndarray:
        return (self.edges[1:] + self.edges[:-1]) / 2

    def __repr__(self) -> str:
        low, high = self.edges[0], self.edges[-1]
        filled = np.count_nonzero(self.weight)
        bins = f"{len(self.values)} bins, {filled} filled"
        return f"{self.label} against {self.x_label}: {bins}, from {low:g} to {high:g}"

    def plot(self, **options):
        """A picture: see `amr.charts.plot_profile`."""
        from amr.pictures import plot_profile

        return plot_profile(self, **options)


def profile(field: Field, x: Any, y: Any, bins: Any, weight: Any) -> Profile:
    """Means of cells in bins: see `Field.profile`."""
    along, x_label = _quantity(field, x)
    mass, mass_label = _weights(field, weight)
    edges = _edges(along, bins)
    inside = (along >= edges[0]) & (along <= edges[-1])
    number = np.clip(np.searchsorted(edges, along[inside], side="right") - 1, 0, len(edges) - 2)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(number, values, minlength=len(edges) - 1)

    sums = total(mass[inside])
    if y is None:
        return Profile(edges, sums, None, sums, x_label, mass_label, float(field.time))
    values, label = _quantity(field, y)
    values = values[inside]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total(values * mass[inside]) / sums
        spread = np.sqrt(total((values - mean[number]) ** 2 * mass[inside]) / sums)
    return Profile(edges, mean, spread, sums, x_label, label, float(field.time))


def _quantity(field: Field, what: Any) -> tuple[np.ndarray, str]:
    """Values of all cells in float64, in one row, and what to call them."""
    if callable(what):
        values = evaluate(field, what) if _takes_names(what) else what(*cell_positions(field))
        label = str(what) if isinstance(what, Radius) else _function_label(what)
    elif isinstance(what, str) and what not in field.names and what in tuple(AXES[: field.mesh.ndim]):
        values, label = cell_positions(field)[AXES.index(what)], what
    else:
        number = field.index(what)
        values, label = np.asarray(field.data[number])[..., : field.count], field.names[number]
    shape = (*field.mesh.patch_shape, field.count)
    return np.broadcast_to(np.asarray(values, np.float64), shape).ravel(), label


def _function_label(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return f"f({', '.join(inspect.signature(function).parameters)})" if name == "<lambda>" else name


def _takes_names(function: Any) -> bool:
    """Whether a function names its arguments, rather than taking all positions."""
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_POSITIONAL not in kinds


def _weights(field: Field, weight: Any) -> tuple[np.ndarray, str]:
    volume = np.broadcast_to(field.patches().dx.prod(1), (*field.mesh.patch_shape, field.count)).ravel()
    if weight is None:
        return volume, "volume"
    values, label = _quantity(field, weight)
    return values * volume, f"{label} x volume"


def _edges(values: np.ndarray, bins: Any) -> np.ndarray:
    """Edges of bins: those given, or a number of equal ones that hold all values."""
    if isinstance(bins, Sequence | np.ndarray) and not isinstance(bins, str):
        edges = np.asarray(bins, np.float64)
        if edges.ndim == 1 and len(edges) > 1 and (np.diff(edges) > 0).all():
            return edges
    elif isinstance(bins, int | np.integer) and bins >= 1:
        return np.histogram_bin_edges(values[np.isfinite(values)], int(bins))
    raise InvalidSettingError("bins", f"expected a number of bins, or their edges in rising order, got {bins!r}")
