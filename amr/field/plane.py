"""A field with one dimension less: slices, and integrals along an axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError
from amr.mesh import locate
from amr.names import AXES, find_axis

from .field import Field
from .resample import centres, checked_level, lay_out
from .units import NO_UNITS, Units


@dataclass(frozen=True, eq=False, repr=False)
class Plane:
    """Values of one variable on a uniform grid that lacks a dimension of the field.

    **Attributes:**

    - `label`: what the values are; `name`: the variable.
    - `values`: shape `(n, m)` for a field in 3D, `(n,)` in 2D.
    - `axes`: the dimensions that are left, such as `("x", "y")`; `coordinates`: cell centres along each.
    - `axis`: the dimension across; `at`: where the slice is, None for an integral.
    - `extent`: lower and upper end along each of the axes; `time` of the data; `units`.
    """

    label: str
    name: str
    values: np.ndarray
    axes: tuple[str, ...]
    coordinates: tuple[np.ndarray, ...]
    axis: str
    at: float | None
    extent: tuple[tuple[float, float], ...]
    time: float
    units: Units = NO_UNITS

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.values.shape))
        where = "" if self.at is None else f" at {self.axis} = {self.at:g}"
        low, high = self.values.min(), self.values.max()
        cells = f"{shape} cells over {', '.join(self.axes)}"
        return f"{self.label}{where}, t = {self.time:.6g}: {cells}, {low:g} to {high:g}"

    def integral(self) -> float:
        """The integral over the axes that are left; for a field's projection that of the field."""
        volume = np.prod([np.ptp(side) / len(c) for side, c in zip(self.extent, self.coordinates, strict=True)])
        return float(self.values.sum(dtype=np.float64) * volume)

    def plot(self, **options):
        """A picture: see `amr.plot.plot_plane`."""
        from amr.pictures import plot_plane

        return plot_plane(self, **options)


def slice_at(field: Field, axis: Any, at: Any, name: str | int) -> Plane:
    """A slice of a field in 3D: see `Field.slice`."""
    if field.mesh.ndim != 3:
        advice = {1: "plot the field itself", 2: "take a line, such as field.line(x=0.5)"}[field.mesh.ndim]
        raise InvalidSettingError("axis", f"slices are for 3D, and this field has {field.mesh.ndim}D: {advice}")
    normal = find_axis(axis)
    at = slice_position(field, normal, at)
    sides = [np.array([at]) if d == normal else centres(field.mesh, d, field.mesh.max_level) for d in range(3)]
    slot, cell = locate(field.mesh, field.forest, np.ix_(*sides))
    index = field.index(name)
    values = np.asarray(field.data[index])[(*cell, slot)].squeeze(normal)
    return _plane(field, index, values, normal, field.mesh.max_level, at)


def projection(field: Field, axis: Any, name: str | int, level: Any) -> Plane:
    """The integral along an axis: see `Field.projection`."""
    mesh, leaves, index = field.mesh, field.patches(), field.index(name)
    if mesh.ndim == 1:
        raise InvalidSettingError("axis", "in 1D nothing is left of a projection; use field.integral()")
    normal, level = find_axis(axis, mesh.ndim), checked_level(mesh, level)
    kept = [d for d in range(mesh.ndim) if d != normal]
    width = leaves.dx[:, normal].reshape(-1, *(1,) * len(kept))
    sums = leaves.values[:, index].sum(1 + normal, dtype=np.float64) * width
    grid = np.zeros([mesh.cells[d] * 2**level for d in kept])
    lay_out(grid, sums, leaves.position[:, kept] * mesh.patch, level - leaves.level)
    return _plane(field, index, grid, normal, level, None)


def slice_position(field: Field, axis: int, at: Any) -> float:
    """A coordinate inside the domain, by default the middle. Raises `InvalidSettingError` outside."""
    low, high = field.mesh.domain.lower[axis], field.mesh.domain.upper[axis]
    at = (low + high) / 2 if at is None else float(at)
    if not low <= at <= high:
        raise InvalidSettingError("at", f"{at} is outside the domain, which spans [{low}, {high}] along {AXES[axis]}")
    return at


def _plane(field: Field, index: int, values: np.ndarray, normal: int, level: int, at: float | None) -> Plane:
    """Values on the cells of a level across a dimension: a slice, or without `at` an integral."""
    domain, name = field.mesh.domain, field.names[index]
    kept = [d for d in range(domain.ndim) if d != normal]
    label = name if at is not None else f"integral of {name} along {AXES[normal]}"
    extent = tuple((domain.lower[d], domain.upper[d]) for d in kept)
    coordinates = tuple(centres(field.mesh, d, level) for d in kept)
    axes, time = tuple(AXES[d] for d in kept), float(field.time)
    return Plane(label, name, values, axes, coordinates, AXES[normal], at, extent, time, field.units)
