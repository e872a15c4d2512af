"""A field along a straight line: the cells that it crosses, or evenly spaced points."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from amr.errors import InvalidSettingError
from amr.mesh import locate, point_in
from amr.names import AXES, find_variable

from .field import Field
from .units import NO_UNITS, Units

SHORTEST = 1e-12  # of a line's length, from rounding: what one through a corner crosses of a cell next to it


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """A field's values along a straight line, in the order from its start to its end; `line["phi"]` gives a variable.

    **Attributes:**

    - `names`: one a variable; `values`: shape `(vars, n)`.
    - `distance` from the start, shape `(n,)`; `points`, shape `(n, ndim)`: the middles of the stretches within the
      cells, or where samples were asked for, those.
    - `lengths`: of the stretches, shape `(n,)`; they sum to the length of the line.
    - `levels` of the cells, shape `(n,)`; `max_level` of the mesh; `time` of the data.
    - `start`, `end`: the two points, shape `(ndim,)`; `units`.
    """

    names: tuple[str, ...]
    values: np.ndarray
    distance: np.ndarray
    points: np.ndarray
    lengths: np.ndarray
    levels: np.ndarray
    max_level: int
    time: float
    start: np.ndarray
    end: np.ndarray
    units: Units = NO_UNITS

    def __getitem__(self, name: str | int) -> np.ndarray:
        return self.values[find_variable(self.names, name)]

    def __len__(self) -> int:
        return len(self.distance)

    def __repr__(self) -> str:
        start, end = (", ".join(f"{x:.6g}" for x in point) for point in (self.start, self.end))
        levels = f"levels {self.levels.min()}-{self.levels.max()}"
        return f"Line of {len(self)} points from ({start}) to ({end}), {levels}: {', '.join(self.names)}"

    @property
    def along(self) -> int | None:
        """The dimension that the line runs along, or None where it is slanted."""
        moving = np.flatnonzero(self.start != self.end)
        return int(moving[0]) if len(moving) == 1 else None

    def integral(self, name: str | int = 0) -> float:
        """The integral of a variable over the line's length; exact for the field, which is constant in each cell."""
        return float(self[name].astype(np.float64) @ self.lengths)

    def to_csv(self, path: str | os.PathLike, names: Sequence[str | int] | None = None) -> None:
        """Write the numbers as CSV, a row a point: `x`, `y`, .., distance, length of the stretch, level, variables.

        `names`: which variables, by default all. Numbers have all their digits: whoever reads them gets the same bits.
        """
        from amr.files import write_whole

        variables = [find_variable(self.names, name) for name in (self.names if names is None else names)]
        columns: dict[str, np.ndarray] = dict(zip(AXES, self.points.T, strict=False))
        columns |= {"distance": self.distance, "length": self.lengths, "level": self.levels}
        columns |= {self.names[number]: self.values[number] for number in variables}
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*([str(value) for value in column] for column in columns.values()), strict=True))
        write_whole(Path(path), text.getvalue())

    def plot(self, name: str | int = 0, **options):
        """A picture of a variable: see `amr.charts.plot_line`."""
        from amr.pictures import plot_line

        return plot_line(self, name, **options)


def line(field: Field, start: Any, end: Any, samples: Any, fixed: dict[str, Any]) -> Line:
    """The field along a line: see `Field.line`."""
    start, end = _ends(field, start, end, fixed)
    if samples is None:
        cuts = _between_cells(field, start, end, _crossings(field, start, end))
        place, weight = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    else:
        place, weight = _even(samples)
    points = start + place[:, None] * (end - start)
    slot, cell = locate(field.mesh, field.forest, tuple(points.T))
    length = float(np.linalg.norm(end - start))
    levels, max_level = np.asarray(field.forest.level)[slot], field.mesh.max_level
    values = np.stack([variable[(*cell, slot)] for variable in np.asarray(field.data)])
    distance, lengths, time = place * length, weight * length, float(field.time)
    return Line(field.names, values, distance, points, lengths, levels, max_level, time, start, end, field.units)


def _ends(field: Field, start: Any, end: Any, fixed: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The two points of the line, however it was given."""
    domain, axes = field.mesh.domain, AXES[: field.mesh.ndim]
    given = {axis: value for axis, value in fixed.items() if value is not None}
    if start is None and end is None:
        if len(given) != len(axes) - 1 or not set(given) <= set(axes):
            example = ", ".join(f"{axis}=0.5" for axis in axes[1:])
            message = f"fix all coordinates but one ({example or 'none in 1D'}), or give a start and an end"
            raise InvalidSettingError("line", message)
        pair = [[given.get(axis, side[d]) for d, axis in enumerate(axes)] for side in (domain.lower, domain.upper)]
        return point_in(field.mesh, "line", pair[0]), point_in(field.mesh, "line", pair[1])
    if given or start is None or end is None:
        raise InvalidSettingError("line", "give a start and an end, or fix all coordinates but one, not both")
    start, end = point_in(field.mesh, "start", start), point_in(field.mesh, "end", end)
    if (np.abs(end - start) <= SHORTEST * np.asarray(field.mesh.domain.lengths)).all():
        raise InvalidSettingError("end", f"expected another point than the start, got {end.tolist()}")
    return start, end


def _crossings(field: Field, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Where the line, from 0 to 1, crosses faces of the finest leaves' grid."""
    mesh, cuts = field.mesh, [np.array([0.0, 1.0])]
    finest = int(np.asarray(field.forest.level)[: field.count].max())
    for d in np.flatnonzero(start != end):
        faces = mesh.domain.lower[d] + np.arange(mesh.cells[d] * 2**finest + 1) * mesh.cell_size(finest)[d]
        cuts.append((faces - start[d]) / (end[d] - start[d]))
    place = np.unique(np.clip(np.concatenate(cuts), 0, 1))
    place = place[np.append(True, np.diff(place) > SHORTEST)]
    place[-1] = 1
    return place


def _between_cells(field: Field, start: np.ndarray, end: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Those of the cuts where one cell ends and another begins."""
    middles = (cuts[1:] + cuts[:-1]) / 2
    points = start + middles[:, None] * (end - start)
    slot, cell = locate(field.mesh, field.forest, tuple(points.T))
    changes = np.diff(np.stack([slot, *cell]), axis=1).any(0)
    return cuts[np.concatenate([[True], changes, [True]])]


def _even(samples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Evenly spaced points from 0 to 1, and their weights in the trapezoidal rule."""
    if not isinstance(samples, int | np.integer) or samples < 2:
        raise InvalidSettingError("samples", f"expected a whole number of points, at least 2, got {samples!r}")
    weight = np.full(samples, 1 / (samples - 1))
    weight[[0, -1]] /= 2
    return np.linspace(0, 1, samples), weight
