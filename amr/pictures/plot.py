"""Pictures of fields with matplotlib: values, patch outlines, levels, slices, projections; `amr.charts` has curves.

An image is resampled to the pixels that can be seen, and all outlines are one `LineCollection`; both take the same time
for ten patches and for ten thousand. To draw into your own figure give `ax`.
"""

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
    contrast,
    figure_of,
    level_colours,
    level_line,
    new_picture,
    title,
)
from .charts import plot_convergence, plot_history, plot_line, plot_profile
from .section import Rectangle, Section, seen_level

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
    axis: Any = 2,
    at: Any = None,
    level: Any = None,
    log: bool = False,
) -> Figure:
    """Draw one variable: a line in 1D, coloured by level; an image in 2D; a slice in 3D.

    **Arguments:**

    - `name`: the variable, or its number.
    - `patches`: whether to draw the outlines of the patches.
    - `ax`: where to draw (say `plt.gca()`); by default in a new figure.
    - `cmap`: matplotlib's colour map of values, in 1D of levels; `vmin`, `vmax`: the range of values shown.
    - `norm`: the scale of values: `"log"`, `"linear"` or one of matplotlib's, such as `SymLogNorm(1e-3)`.
    - `axis`, `at`: in 3D, slice perpendicular to this axis (`"x"` or 0, ...), at this coordinate (default: the middle).
    - `level`: show no finer cells than those of this level, but their means; `log`: the same as `norm="log"`.

    Returns the figure; show it with a notebook or save it with `figure.savefig("phi.png")`. Raises
    `InvalidSettingError` for an unknown variable, axis, colour map or norm and a slice outside the domain.
    """
    field = field if level is None else coarsened(field, level)
    colours = Colours(cmap, "log" if log and norm is None else norm, vmin, vmax)
    index = field.index(name)
    if field.mesh.ndim == 1:
        return _plot_1d(field, index, patches, ax, colours)
    section = Section(field, axis, at)
    values = section.values(index)
    style = colours.style(values)
    ax = axes_of(ax, section.size())
    image = section.image(ax, values, **style)
    section.bar(ax, image, field.names[index])
    if patches:
        section.outline(ax, contrast(image))
    title(ax, float(field.time), *section.where)
    return figure_of(ax)


def plot_levels(
    field: Field,
    *,
    patches: bool = True,
    ax: Axes | None = None,
    cmap: Any = "Blues",
    axis: Any = 2,
    at: Any = None,
) -> Figure:
    """Draw the refinement level of every leaf. Arguments, result and errors are those of `plot`."""
    if field.mesh.ndim == 1:
        return _plot_levels_1d(field, patches, ax)
    section = Section(field, axis, at)
    colours, norm = level_colours(field.mesh.max_level, cmap)
    ax = axes_of(ax, section.size())
    image = section.image(ax, section.levels(), cmap=colours, norm=norm)
    section.bar(ax, image, "level", ticks=range(field.mesh.max_level + 1))
    if patches:
        section.outline(ax, "black")
    title(ax, float(field.time), *section.where)
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
) -> Figure:
    """Draw the three slices of a field in 3D through one point side by side, with one scale of colours.

    `at` is the point (default: the middle of the domain); the other arguments, result and errors are those of `plot`.
    """
    if field.mesh.ndim != 3:
        raise InvalidSettingError("field", f"three slices need a field in 3D, this is {field.mesh.ndim}D; use plot")
    index, point = field.index(name), [None] * 3 if at is None else np.atleast_1d(at).tolist()
    if len(point) != 3:
        raise InvalidSettingError("at", f"expected the three coordinates of a point, got {at!r}")
    sections = [Section(field, axis, point[axis]) for axis in range(3)]
    values = [section.values(index) for section in sections]
    style = Colours(cmap, norm, vmin, vmax).style(np.concatenate([v.ravel() for v in values]))
    widths, heights = zip(*(section.size() for section in sections), strict=True)
    figure = new_picture(0.8 * (sum(widths) - 2.4), 0.8 * max(heights))
    row = figure.subplots(1, 3, width_ratios=[np.ptp(section.extent[0]) for section in sections])
    for ax, section, part in zip(row, sections, values, strict=True):
        image = section.image(ax, part, **style)
        if patches:
            section.outline(ax, contrast(image))
        ax.set_title(*section.where, fontsize="medium", loc="left")
    sections[-1].bar(row[-1], image, field.names[index])
    figure.suptitle(f"t = {float(field.time):.4g}", fontsize="medium", x=0.01, ha="left")
    return figure


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
) -> Figure:
    """Draw a slice or projection, as `Field.slice` and `Field.projection` give it. Arguments are those of `plot`."""
    colours = Colours(cmap, norm, vmin, vmax)
    where = [] if plane.at is None else [f"{plane.axis} = {plane.at:.4g}"]
    if plane.values.ndim == 1:
        ax = axes_of(ax, (6.4, 3.6))
        ax.plot(plane.coordinates[0], plane.values)
        ax.set(xlabel=plane.axes[0], ylabel=plane.label, xlim=plane.extent[0])
        colours.set_scale(ax, plane.values)
    else:
        shown = Rectangle(plane.extent, plane.axes)
        ax = axes_of(ax, shown.size())
        shown.bar(ax, shown.image(ax, plane.values.T, **colours.style(plane.values)), plane.label)
    title(ax, plane.time, *where)
    return figure_of(ax)


def _plot_1d(field: Field, index: int, patches: bool, ax: Axes | None, colours: Colours) -> Figure:
    leaves, mesh = field.patches(), field.mesh
    ax = axes_of(ax, (6.4, 3.6))
    values, level = leaves.values[:, index].ravel(), np.repeat(leaves.level, mesh.patch)
    level_line(ax, leaves.centres(0).ravel(), values, level, mesh.max_level, colours.cmap)
    _edges(ax, field, patches)
    colours.set_scale(ax, values)
    ax.set(ylabel=field.names[index])
    title(ax, float(field.time))
    return figure_of(ax)


def _plot_levels_1d(field: Field, patches: bool, ax: Axes | None) -> Figure:
    leaves, mesh = field.patches(), field.mesh
    ax = axes_of(ax, (6.4, 2.4))
    ax.stairs(leaves.level, [*leaves.lower[:, 0], mesh.domain.upper[0]], baseline=None, linewidth=1.6)
    ax.set(ylabel="level", yticks=range(mesh.max_level + 1), ylim=(-0.2, mesh.max_level + 0.2))
    _edges(ax, field, patches)
    title(ax, float(field.time))
    return figure_of(ax)


def _edges(ax: Axes, field: Field, patches: bool) -> None:
    """The x axis of a plot in 1D, with marks at the edges of the patches."""
    if patches:
        edges = field.patches().lower[1:, 0]
        ax.vlines(edges, 0, 1, transform=ax.get_xaxis_transform(), colors="0.85", linewidths=0.6, zorder=0)
    ax.set(xlim=(field.mesh.domain.lower[0], field.mesh.domain.upper[0]), xlabel=AXES[0])
