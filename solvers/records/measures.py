"""What people ask to be recorded: integrals, extrema, values at points, along lines and on planes."""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.field import centres
from amr.mesh import Mesh, finest_cell, point_in
from amr.names import AXES, find_axis
from solvers.equations import Derived

from .gauges import Gauge, PointGauge, Range, Totals

MOST_POINTS = 2**22


class Measure(abc.ABC):
    """Something that can be read off the state of a run."""

    @abc.abstractmethod
    def gauge(self, mesh: Mesh, derived: Derived) -> Gauge:
        """What reads it. Raises `InvalidSettingError` where it does not fit the mesh."""


@dataclass(frozen=True)
class Integrals(Measure):
    """The volume integral of each variable, `phi_integral`: summed with twice the digits of the run's precision."""

    def gauge(self, mesh, derived):
        return Totals(tuple(derived.names), tuple(derived.functions.values()))


@dataclass(frozen=True)
class Extrema(Measure):
    """The least and the largest value of each variable, `phi_min` and `phi_max`."""

    def gauge(self, mesh, derived):
        return Range(tuple(derived.names), tuple(derived.functions.values()))


class Places(Measure):
    """Values of the cells that hold given points: each variable by its name. A point on a face is in the upper cell.

    Where `interpolate` is set, values at the points themselves: see `amr.grid.values_at`."""

    interpolate: bool = False

    @abc.abstractmethod
    def points(self, mesh: Mesh) -> np.ndarray:
        """The points, shape `(..., ndim)`. Raises `InvalidSettingError` where they do not fit the mesh."""

    def gauge(self, mesh, derived):
        points = self.points(mesh)
        cells = [finest_cell(mesh, d, x) for d, x in enumerate(points.reshape(-1, mesh.ndim).T)]
        if max(map(np.max, cells)) >= 2**31:
            raise InvalidSettingError("points", "the finest level has too many cells to be numbered; use fewer levels")
        names, functions = tuple(derived.names), tuple(derived.functions.values())
        finest, shape = jnp.asarray(np.stack(cells), jnp.int32), points.shape[:-1]
        if not self.interpolate:
            return PointGauge(finest, shape, names, functions)
        places = points.reshape(-1, mesh.ndim).T
        low, size = np.array([mesh.domain.lower, mesh.cell_size(mesh.max_level)])[..., None]
        within = jnp.asarray(np.clip((places - low) / size - np.stack(cells), 0, 1))
        return PointGauge(finest, shape, names, functions, within, jnp.asarray(places))


class Points(Places):
    """Probes.

    **Arguments:**

    - `points`: one or more, each with a coordinate for each dimension (in 1D plain numbers will do).
    - `interpolate`: between the centres of cells, exact for linear data, instead of the value of the cell.
    """

    def __init__(self, points: Any, *, interpolate: bool = False):
        self.given, self.interpolate = points, interpolate

    def points(self, mesh):
        several = self.given if isinstance(self.given, Sequence | np.ndarray) else [self.given]
        if len(several) and mesh.ndim > 1 and not isinstance(several[0], Sequence | np.ndarray):
            several = [several]
        if not len(several):
            raise InvalidSettingError("points", "expected at least one point, got none")
        return np.stack([point_in(mesh, "points", point) for point in several])

    def __repr__(self) -> str:
        return f"Points({self.given!r}{', interpolate=True' if self.interpolate else ''})"


@dataclass(frozen=True)
class Line(Places):
    """Points along a straight line.

    **Arguments:** `start`, `end`: its ends, a coordinate for each dimension; `count`: how many points, evenly spaced
    with both ends, at least 2; `interpolate`: as for `Points`.
    """

    start: Any
    end: Any
    count: int = 256
    interpolate: bool = field(default=False, kw_only=True)

    def points(self, mesh):
        start, end = point_in(mesh, "start", self.start), point_in(mesh, "end", self.end)
        if not isinstance(self.count, int | np.integer) or not 2 <= self.count <= MOST_POINTS:
            raise InvalidSettingError("count", f"expected 2 or more points, got {self.count!r}")
        if (start == end).all():
            raise InvalidSettingError("end", f"expected another point than the start, got {end.tolist()}")
        # In this form both ends are met exactly.
        place = np.linspace(0, 1, self.count)[:, None]
        return start * (1 - place) + end * place


@dataclass(frozen=True)
class Slice(Places):
    """The cells of a level on a line across a domain in 2D, or on a plane through one in 3D.

    Where the mesh is coarser cells are repeated; where it is finer the cell at the centre stands for the others.

    **Arguments:** `axis`: perpendicular to it, `"x"` or 0; `at`: where along that axis; `level`: whose cells, default
    the finest.
    """

    axis: Any
    at: float
    level: int | None = None

    def points(self, mesh):
        if mesh.ndim == 1:
            raise InvalidSettingError("axis", "slices are for 2D and 3D; record points, or a line")
        axis = find_axis(self.axis, mesh.ndim)
        low, high = mesh.domain.lower[axis], mesh.domain.upper[axis]
        if isinstance(self.at, bool) or not isinstance(self.at, float | int) or not low <= self.at <= high:
            where = f"expected a coordinate in the domain, from {low:g} to {high:g} along {AXES[axis]}"
            raise InvalidSettingError("at", f"{where}, got {self.at!r}")
        level = mesh.max_level if self.level is None else self.level
        if not isinstance(level, int) or not 0 <= level <= mesh.max_level:
            raise InvalidSettingError("level", f"expected a whole number from 0 to {mesh.max_level}, got {level!r}")
        number = math.prod(mesh.cells[d] * 2**level for d in range(mesh.ndim) if d != axis)
        if number > MOST_POINTS:
            raise InvalidSettingError("level", f"{number} cells at level {level} are too many; choose a lower level")
        sides = [np.array([self.at]) if d == axis else centres(mesh, d, level) for d in range(mesh.ndim)]
        return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).squeeze(axis)
