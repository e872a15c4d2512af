"""Kinds of pictures as objects: what a movie shows of each of its fields, with one scale of values for all.

Their attributes have the names of the arguments of the functions that draw them.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from matplotlib.figure import Figure

from amr.field import Field, Line, Plane, projection

from .canvas import data_range, with_margin
from .charts import plot_line
from .exact import no_curve
from .plot import plot, plot_levels, plot_plane, plot_slices
from .section import Section, seen_level


@runtime_checkable
class View(Protocol):
    """One kind of picture of a field."""

    def range(self, field: Field) -> tuple[float, float]:
        """The ends that suit the scale of values."""
        ...

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        """The picture, with given ends of the scale; `place`: the axes to draw in, for three slices a part of a figure.

        A view for movies alone needs no `place`.
        """
        ...


@dataclass(frozen=True)
class Values:
    """What `amr.plot.plot` draws: a line in 1D, an image in 2D, in 3D slices. Arguments are those of `plot`."""

    name: str | int = 0
    axis: Any = None
    at: Any = None
    patches: bool = True
    cmap: Any = "viridis"
    norm: Any = None
    title: str | None = None
    fill: bool = True
    contours: Any = None
    vectors: Any = None
    streamlines: Any = None
    exact: Any = None

    def has_three(self, field: Field) -> bool:
        """Whether it shows three slices."""
        return field.mesh.ndim == 3 and self.axis is None and self.at is None

    def range(self, field: Field) -> tuple[float, float]:
        if self.has_three(field):
            return ThreeSlices(self.name, norm=self.norm).range(field)
        index = field.index(self.name)
        if field.mesh.ndim == 1:
            return with_margin(data_range(field.patches().values[:, index], self.norm), self.norm)
        return data_range(Section(field, self.axis, self.at).values(index), self.norm)

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        if not self.has_three(field):
            return plot(field, vmin=vmin, vmax=vmax, ax=place, **vars(self))
        no_curve(self.exact)
        options = {key: value for key, value in vars(self).items() if key not in ("axis", "at", "exact")}
        return ThreeSlices(**options).draw(field, vmin, vmax, place)


@dataclass(frozen=True)
class Levels:
    """What `amr.plot.plot_levels` draws. All fields have the same scale, that of the mesh."""

    axis: Any = None
    at: Any = None
    patches: bool = True
    cmap: Any = "Blues"
    title: str | None = None

    def range(self, field: Field) -> tuple[float, float]:
        return 0.0, float(field.mesh.max_level)

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        return plot_levels(field, ax=place, **vars(self))


@dataclass(frozen=True)
class ThreeSlices:
    """What `amr.plot.plot_slices` draws: the three slices of a field in 3D through the point `at`."""

    name: str | int = 0
    at: Any = None
    patches: bool = True
    cmap: Any = "viridis"
    norm: Any = None
    title: str | None = None
    fill: bool = True
    contours: Any = None
    vectors: Any = None
    streamlines: Any = None

    def range(self, field: Field) -> tuple[float, float]:
        index, point = field.index(self.name), [None] * 3 if self.at is None else self.at
        ends = [data_range(Section(field, d, point[d]).values(index), self.norm) for d in range(3)]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        return plot_slices(field, vmin=vmin, vmax=vmax, figure=place, **vars(self))


@dataclass(frozen=True)
class Projected:
    """What `amr.plot.plot_projection` draws: the integral along `axis`."""

    name: str | int = 0
    axis: Any = "z"
    cmap: Any = "viridis"
    norm: Any = None
    title: str | None = None

    def range(self, field: Field) -> tuple[float, float]:
        plane = self._plane(field)
        ends = data_range(plane.values, self.norm)
        return ends if plane.values.ndim > 1 else with_margin(ends, self.norm)

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        style = {"cmap": self.cmap, "norm": self.norm, "title": self.title}
        return plot_plane(self._plane(field), vmin=vmin, vmax=vmax, ax=place, **style)

    def _plane(self, field: Field) -> Plane:
        return projection(field, self.axis, self.name, seen_level(field.mesh))


@dataclass(frozen=True)
class AlongLine:
    """A variable along a line, given as to `Field.line`: by two points, or all coordinates but one."""

    name: str | int = 0
    start: Any = None
    end: Any = None
    x: Any = None
    y: Any = None
    z: Any = None
    cmap: Any = "viridis"
    norm: Any = None
    title: str | None = None
    exact: Any = None

    def range(self, field: Field) -> tuple[float, float]:
        return with_margin(data_range(self._line(field)[self.name], self.norm), self.norm)

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        style = {"cmap": self.cmap, "norm": self.norm, "title": self.title, "exact": self.exact}
        return plot_line(self._line(field), self.name, vmin=vmin, vmax=vmax, ax=place, **style)

    def _line(self, field: Field) -> Line:
        return field.line(self.start, self.end, x=self.x, y=self.y, z=self.z)


@dataclass(frozen=True)
class Coarsened:
    """A view of a field without leaves finer than a level: see `Field.coarsened`."""

    view: View
    level: Any

    def range(self, field: Field) -> tuple[float, float]:
        return self.view.range(field.coarsened(self.level))

    def draw(self, field: Field, vmin: Any = None, vmax: Any = None, place: Any = None) -> Figure:
        places = () if place is None else (place,)
        return self.view.draw(field.coarsened(self.level), vmin, vmax, *places)
