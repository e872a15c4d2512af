"""Pictures of fields with matplotlib: values, patch outlines, levels, slices, projections; `amr.charts` has curves.

An image is resampled to the pixels that can be seen, and all outlines are one `LineCollection`; both take the same time
for ten patches and for ten thousand. To draw into your own figure give `ax`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amr.errors import InvalidSettingError
from amr.field import Field, Plane, coarsened, projection
from amr.names import AXES

from .canvas import (
    Colours,
    Picture,
    axes_of,
    figure_of,
    filled_in,
    level_colours,
    level_line,
    new_picture,
    title as write_title,
)
from .charts import plot_convergence, plot_history, plot_line, plot_profile
from .exact import Beside, no_curve
from .layers import Layers
from .section import INCHES, Rectangle, Section, seen_level

__all__ = [
    "Picture",
    "plot",
    "plot_convergence",
    "plot_history",
    "plot_levels",
    "plot_line",
    "plot_plane",
    "plot_profile",
    "plot_projection",
    "plot_slices",
]


def plot(
    field: Field,
    name: str | int = 0,
    *,
    patches: bool = True,
    ax: Axes | None = None,
    cmap: Any = "viridis",
    norm: Any = None,
    vmin: Any = None,
    vmax: Any = None,
    axis: Any = None,
    at: Any = None,
    level: Any = None,
    log: bool = False,
    title: str | None = None,
    fill: bool = True,
    contours: Any = None,
    vectors: Any = None,
    streamlines: Any = None,
    exact: Any = None,
) -> Figure:
    """Draw one variable: a line in 1D, coloured by level; an image in 2D; in 3D three slices, or one.

    **Arguments:**

    - `name`: the variable, or its number.
    - `patches`: whether to draw the outlines of the patches.
    - `ax`: where to draw (say `plt.gca()`); by default in a new figure.
    - `cmap`: matplotlib's colour map of values, in 1D of levels; `vmin`, `vmax`: the range of values shown.
    - `norm`: the scale of values: `"log"`, `"linear"` or one of matplotlib's, such as `SymLogNorm(1e-3)`.
    - `axis`, `at`: in 3D one slice, perpendicular to this axis (`"x"` or 0, ...; default z), at this coordinate
      (default: the middle). Without either, and without `ax`, there are three through the middle.
    - `level`: show no finer cells than those of this level, but their means; `log`: the same as `norm="log"`.
    - `title`: instead of the time and the place; `{time}` in it becomes the time.
    - `contours`: lines of equal values: how many, evenly spaced on the scale of colours, or at which values.
    - `fill`: whether to colour the plane by values; if not, the contours have the colours.
    - `vectors`, `streamlines`: the two variables that are the components of a flow, `("u", "v")`, drawn as arrows or
      as lines along it; in 3D all three, or for one slice those along its axes. `"momentum"` stands for `momentum_x`,
      `momentum_y`.
    - `exact`: in 1D a curve to compare with: a function of `x`, or of `x` and the time, or an array of values in all
      cells.

    Contours, arrows and streamlines are those of the field made smooth: linear between the centres of cells, also
    between levels.

    Returns the figure; show it with a notebook or save it with `figure.savefig("phi.png")`. Raises
    `InvalidSettingError` for an unknown variable, axis, colour map or norm, a slice outside the domain, and for lines
    or components that cannot be drawn.
    """
    field = field if level is None else coarsened(field, level)
    colours = Colours(cmap, "log" if log and norm is None else norm, vmin, vmax)
    layers, index = Layers(patches, fill, contours, vectors, streamlines), field.index(name)
    if field.mesh.ndim == 1:
        layers.check(field, (0,))
        return _plot_1d(field, index, patches, ax, colours, Beside(title, exact))
    no_curve(exact)
    if field.mesh.ndim == 3 and ax is axis is at is None:
        return _three_slices(field, index, [None] * 3, colours, layers, title)
    section = Section(field, axis, at)
    layers.check(field, section.dims)
    style = colours.style(section.values(index))
    ax = axes_of(ax, section.size())
    drawn = layers.draw([ax], [section], index, style)
    if layers.has_colours:
        section.bar(ax, drawn.shown, field.units.label(field.names[index]))
    write_title(ax, float(field.time), *section.where, *drawn.notes, given=title, units=field.units)
    return figure_of(ax)


def plot_levels(
    field: Field,
    *,
    patches: bool = True,
    ax: Axes | None = None,
    cmap: Any = "Blues",
    axis: Any = None,
    at: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw the refinement level of every leaf, in 3D in one slice. Arguments, result and errors are those of `plot`."""
    if field.mesh.ndim == 1:
        return _plot_levels_1d(field, patches, ax, title)
    section = Section(field, axis, at)
    colours, norm = level_colours(field.mesh.max_level, cmap)
    ax = axes_of(ax, section.size())
    image = section.image(ax, section.levels(), cmap=colours, norm=norm)
    section.bar(ax, image, "level", ticks=range(field.mesh.max_level + 1))
    if patches:
        section.outline(ax, "black")
    write_title(ax, float(field.time), *section.where, given=title, units=field.units)
    return figure_of(ax)


def plot_slices(
    field: Field,
    name: str | int = 0,
    *,
    at: Any = None,
    patches: bool = True,
    cmap: Any = "viridis",
    norm: Any = None,
    vmin: Any = None,
    vmax: Any = None,
    title: str | None = None,
    fill: bool = True,
    contours: Any = None,
    vectors: Any = None,
    streamlines: Any = None,
    figure: Any = None,
) -> Figure:
    """Draw the three slices of a field in 3D through one point side by side, with one scale of colours.

    `at` is the point (default: the middle of the domain); `figure` one to draw in, or a part of one. The other
    arguments, result and errors are those of `plot`.
    """
    if field.mesh.ndim != 3:
        raise InvalidSettingError("field", f"three slices need a field in 3D, this is {field.mesh.ndim}D; use plot")
    index, point = field.index(name), [None] * 3 if at is None else np.atleast_1d(at).tolist()
    if len(point) != 3:
        raise InvalidSettingError("at", f"expected the three coordinates of a point, got {at!r}")
    layers = Layers(patches, fill, contours, vectors, streamlines)
    return _three_slices(field, index, point, Colours(cmap, norm, vmin, vmax), layers, title, figure)


def _three_slices(
    field: Field, index: int, point: list, colours: Colours, layers: Layers, title: str | None, figure: Any = None
) -> Figure:
    layers.check(field, (0, 1, 2))
    sections = [Section(field, axis, point[axis]) for axis in range(3)]
    style = colours.style(np.concatenate([section.values(index).ravel() for section in sections]))
    size = slices_size(sections)
    figure = new_picture(*size) if figure is None else figure
    row = list(figure.subplots(1, 3, width_ratios=[np.ptp(section.extent[0]) for section in sections]))
    drawn = layers.draw(row, sections, index, style)
    for ax, section in zip(row, sections, strict=True):
        ax.set_title(*section.where, fontsize="medium", loc="left")
    if layers.has_colours:
        sections[-1].bar(row, drawn.shown, field.units.label(field.names[index]))
    time = float(field.time)
    text = (
        ",  ".join([field.units.instant(f"t = {time:.4g}"), *drawn.notes]) if title is None else filled_in(title, time)
    )
    figure.suptitle(text, fontsize="medium", x=0.01, ha="left")
    return figure_of(row[0])


def slices_size(sections: Sequence[Section]) -> tuple[float, float]:
    """Inches of a picture of slices side by side, in one measure, with their labels and one bar of colours."""
    scale = 0.8 * INCHES / max(sections[0].field.mesh.domain.lengths)
    for section in sections:
        section.fit(scale)
    below = 0.9 if sections[-1].is_wide else 0.0
    width = sum(max(section.width, 1.0) + 0.6 for section in sections) + 0.9
    return width, max(section.height for section in sections) + 1.0 + below


def plot_projection(field: Field, name: str | int = 0, axis: Any = "z", **options) -> Figure:
    """Draw the integral of a variable along an axis: an image in 3D, a curve in 2D.

    `options`, result and errors are those of `plot_plane`.
    """
    return plot_plane(projection(field, axis, name, seen_level(field.mesh)), **options)


def plot_plane(
    plane: Plane,
    *,
    ax: Axes | None = None,
    cmap: Any = "viridis",
    norm: Any = None,
    vmin: Any = None,
    vmax: Any = None,
    title: str | None = None,
) -> Figure:
    """Draw a slice or projection, as `Field.slice` and `Field.projection` give it. Arguments are those of `plot`."""
    colours = Colours(cmap, norm, vmin, vmax)
    where = [] if plane.at is None else [plane.units.at(f"{plane.axis} = {plane.at:.4g}")]
    axes = [plane.units.place(axis) for axis in plane.axes]
    label = plane.label if plane.at is None else plane.units.label(plane.label)
    if plane.values.ndim == 1:
        ax = axes_of(ax, (6.4, 3.6))
        ax.plot(plane.coordinates[0], plane.values)
        ax.set(xlabel=axes[0], ylabel=label, xlim=plane.extent[0])
        colours.set_scale(ax, plane.values)
    else:
        shown = Rectangle(plane.extent, axes)
        ax = axes_of(ax, shown.size())
        shown.bar(ax, shown.image(ax, plane.values.T, **colours.style(plane.values)), label)
    write_title(ax, plane.time, *where, given=title, units=plane.units)
    return figure_of(ax)


def _plot_1d(field: Field, index: int, patches: bool, ax: Axes | None, colours: Colours, beside: Beside) -> Figure:
    leaves, mesh = field.patches(), field.mesh
    values, level = leaves.values[:, index].ravel(), np.repeat(leaves.level, mesh.patch)
    x, ends = leaves.centres(0).ravel(), (mesh.domain.lower, mesh.domain.upper)
    known = beside.curve(x[:, None], ends, float(field.time))
    ax = axes_of(ax, (6.4, 3.6))
    level_line(ax, x, values, level, mesh.max_level, colours.cmap)
    _edges(ax, field, patches)
    colours.set_scale(ax, values if known is None else np.append(values, known.values))
    ax.set(ylabel=field.units.label(field.names[index]))
    if known is not None:
        known.draw(ax, known.points[:, 0])
    write_title(ax, float(field.time), given=beside.title, units=field.units)
    return figure_of(ax)


def _plot_levels_1d(field: Field, patches: bool, ax: Axes | None, title: str | None) -> Figure:
    leaves, mesh = field.patches(), field.mesh
    ax = axes_of(ax, (6.4, 2.4))
    ax.stairs(leaves.level, [*leaves.lower[:, 0], mesh.domain.upper[0]], baseline=None, linewidth=1.6)
    ax.set(ylabel="level", yticks=range(mesh.max_level + 1), ylim=(-0.2, mesh.max_level + 0.2))
    _edges(ax, field, patches)
    write_title(ax, float(field.time), given=title, units=field.units)
    return figure_of(ax)


def _edges(ax: Axes, field: Field, patches: bool) -> None:
    """The x axis of a plot in 1D, with marks at the edges of the patches."""
    if patches:
        edges = field.patches().lower[1:, 0]
        ax.vlines(edges, 0, 1, transform=ax.get_xaxis_transform(), colors="0.85", linewidths=0.6, zorder=0)
    ax.set(xlim=(field.mesh.domain.lower[0], field.mesh.domain.upper[0]), xlabel=field.units.place(AXES[0]))
