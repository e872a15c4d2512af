"""Pictures of fields with matplotlib: values, patch outlines, levels.

An image is resampled to the pixels that can be seen, and all outlines are one `LineCollection`; both take the same time
for ten patches and for ten thousand. Figures are not registered with pyplot, so a long run that draws many leaks none;
notebooks show them all the same. To draw into your own figure give `ax`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from .errors import InvalidSettingError
from .field import Field

AXES = "xyz"
LEVEL_RANGE = (0.0, 0.8)  # of a colour map: the rest is too pale for a line, or too dark for outlines
PIXELS = 1024  # along the longer side of an image: more than a figure in a paper shows


class Picture(Figure):
    """A matplotlib figure that notebooks show, also when pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def plot(
    field: Field,
    name: str | int = 0,
    *,
    patches: bool = True,
    ax: Axes | None = None,
    cmap: Any = "viridis",
    vmin: float | None = None,
    vmax: float | None = None,
    axis: int | str = 2,
    at: float | None = None,
) -> Figure:
    """Draw one variable: a line in 1D, coloured by level; an image in 2D; a slice in 3D.

    **Arguments:**

    - `name`: the variable, or its number.
    - `patches`: whether to draw the outlines of the patches.
    - `ax`: where to draw (say `plt.gca()`); by default in a new figure.
    - `cmap`: matplotlib's colour map of values, in 1D of levels; `vmin`, `vmax`: the range of values shown.
    - `axis`, `at`: in 3D, slice perpendicular to this axis (`"x"` or 0, ...), at this coordinate (default: the middle).

    Returns the figure; show it with a notebook or save it with `figure.savefig("phi.png")`. Raises
    `InvalidSettingError` for an unknown variable or axis and a slice outside the domain.
    """
    index = field.index(name)
    label = field.names[index]
    section = Section(field, axis, at) if field.mesh.ndim > 1 else None
    if section is None:
        ax = _axes(ax, (6.4, 3.6))
        _line(ax, field, np.asarray(field.data[index]), cmap)
        _edges(ax, field, patches)
        ax.set(ylim=(vmin, vmax), ylabel=label)
    else:
        ax = _axes(ax, section.figure_size())
        image = section.image(ax, section.values(index), cmap=cmap, vmin=vmin, vmax=vmax)
        section.colour_bar(ax, image, label)
        if patches:
            section.outline(ax, _contrast(image))
    _title(ax, field, section)
    return _figure(ax)


def plot_levels(
    field: Field,
    *,
    patches: bool = True,
    ax: Axes | None = None,
    cmap: Any = "Blues",
    axis: int | str = 2,
    at: float | None = None,
) -> Figure:
    """Draw the refinement level of every leaf. Arguments, result and errors are those of `plot`."""
    levels = np.broadcast_to(np.asarray(field.forest.level), field.data.shape[1:])
    section = Section(field, axis, at) if field.mesh.ndim > 1 else None
    if section is None:
        ax = _axes(ax, (6.4, 2.4))
        leaves = field.patches()
        ax.stairs(leaves.level, [*leaves.lower[:, 0], field.mesh.domain.upper[0]], baseline=None, linewidth=1.6)
        ax.set(ylabel="level", yticks=range(field.mesh.max_level + 1))
        _edges(ax, field, patches)
    else:
        ax = _axes(ax, section.figure_size())
        colours, norm = _level_colours(field.mesh.max_level, cmap)
        image = section.image(ax, section.pick(levels), cmap=colours, norm=norm)
        section.colour_bar(ax, image, "level", ticks=range(field.mesh.max_level + 1))
        if patches:
            section.outline(ax, "black")
    _title(ax, field, section)
    return _figure(ax)


class Section:
    """The picture's plane through a field, cut into pixels: the whole field in 2D, a slice in 3D.

    **Attributes:** `dims`, the dimensions along the picture's axes; `sides`, for each dimension of the field the
    coordinates of the pixels' centres (a slice has a single one across); `at`, where the slice is.
    """

    def __init__(self, field: Field, axis: int | str, at: float | None):
        self.field = field
        self.axis = _slice_axis(axis) if field.mesh.ndim == 3 else None
        self.dims = [d for d in range(field.mesh.ndim) if d != self.axis]
        self.at = _slice_position(field, self.axis, at)
        self.sides = [np.array([self.at]) if d == self.axis else self._pixels(d) for d in range(field.mesh.ndim)]
        self.slot, self.cell = locate(field, self.sides)

    def _pixels(self, d: int) -> np.ndarray:
        """As many as the finest leaves have cells, so that cells look sharp; no more than can be seen."""
        mesh = self.field.mesh
        longest = max(mesh.domain.lengths[k] for k in self.dims)
        seen = round(PIXELS * mesh.domain.lengths[d] / longest)
        n = min(mesh.cells[d] * 2 ** int(self.field.forest.level.max()), max(seen, 1))
        return mesh.domain.lower[d] + (np.arange(n) + 0.5) * (mesh.domain.lengths[d] / n)

    def values(self, index: int) -> np.ndarray:
        """A variable's values at the pixels, shape `(rows, columns)`."""
        return self.pick(np.asarray(self.field.data[index]))

    def pick(self, pool: np.ndarray) -> np.ndarray:
        """What a pool of shape `(*cells, capacity)` holds at the pixels, shape `(rows, columns)`."""
        found = pool[(*self.cell, self.slot)]
        return np.squeeze(found, self.axis).T if self.axis is not None else found.T

    def figure_size(self) -> tuple[float, float]:
        """Inches that suit the picture's shape."""
        width, height = (self.field.mesh.domain.lengths[d] for d in self.dims)
        scale = 4.6 / max(width, height)
        return max(width * scale, 1.0) + 1.9, max(height * scale, 1.0) + 0.7

    def image(self, ax: Axes, values: np.ndarray, **style) -> AxesImage:
        """Draw values at the pixels, with labelled axes of equal scale."""
        domain = self.field.mesh.domain
        (left, right), (bottom, top) = ((domain.lower[d], domain.upper[d]) for d in self.dims)
        extent = (left, right, bottom, top)
        ax.set(xlabel=AXES[self.dims[0]], ylabel=AXES[self.dims[1]])
        return ax.imshow(values, origin="lower", extent=extent, aspect="equal", interpolation="nearest", **style)

    def colour_bar(self, ax: Axes, image: AxesImage, label: str, **options) -> None:
        """A bar beside the image, of equal width whatever the image's shape."""
        width, height = (self.field.mesh.domain.lengths[d] for d in self.dims)
        _colour_bar(ax, image, label, 0.04 * max(1, height / width), **options)

    def outline(self, ax: Axes, colour: str) -> None:
        """Draw the edges of the patches that the plane cuts, each edge once: a patch draws its two lower ones."""
        patches = self.field.patches()
        shown = np.unique(self.slot)
        (x0, y0), (x1, y1) = (corner[shown][:, self.dims].T for corner in (patches.lower, patches.upper))
        corner, left, bottom = (np.stack(point, -1) for point in ((x0, y0), (x0, y1), (x1, y0)))
        segments = np.concatenate([np.stack([corner, left], 1), np.stack([corner, bottom], 1)])
        width = float(np.clip(12 / np.sqrt(len(shown)), 0.2, 0.8))
        lines = LineCollection(list(segments), linewidths=width, colors=colour, alpha=0.5)
        ax.add_collection(lines, autolim=False)


def locate(field: Field, sides: Sequence[np.ndarray]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """The leaves, and the cells in them, that hold the points of a tensor grid inside the domain.

    `sides[d]` are the points' coordinates along dimension d. Returns slots, shape `(len(sides[0]), ...)`, and one
    array of cell numbers a dimension, which broadcasts over that shape. Up to rounding, a point on a face belongs to
    the upper cell.
    """
    mesh, count = field.mesh, field.count
    level = np.asarray(field.forest.level)[:count]
    position = np.asarray(field.forest.position)[:, :count]
    fine = [
        np.clip((side - low) / dx, 0, n * 2**mesh.max_level - 1).astype(np.int64)
        for side, low, dx, n in zip(sides, mesh.domain.lower, mesh.cell_size(mesh.max_level), mesh.cells, strict=True)
    ]
    # A Morton key is a sum over dimensions, so the keys of a grid of points are an outer sum of a few.
    finest = position.astype(np.int64) << (mesh.max_level - level)
    corners = sum(_key_part(mesh, d, finest[d]) for d in range(mesh.ndim))
    queries = sum(np.ix_(*(_key_part(mesh, d, cells // mesh.patch) for d, cells in enumerate(fine))))
    slot = np.searchsorted(corners, queries, side="right") - 1
    shift = mesh.max_level - level[slot]
    return slot, tuple((cells >> shift) % mesh.patch for cells in np.ix_(*fine))


def _key_part(mesh, d: int, position: np.ndarray) -> np.ndarray:
    """What one coordinate adds to a Morton key."""
    return sum(((position >> bit) & 1) << (bit * mesh.ndim + d) for bit in range(mesh.key_bits))


def _slice_axis(axis: int | str) -> int:
    number = AXES.find(axis) if isinstance(axis, str) and len(axis) == 1 else axis
    if number not in (0, 1, 2):
        raise InvalidSettingError("axis", f"expected 0, 1, 2 or 'x', 'y', 'z', got {axis!r}")
    return int(number)


def _slice_position(field: Field, axis: int | None, at: float | None) -> float:
    if axis is None:
        return 0.0
    low, high = field.mesh.domain.lower[axis], field.mesh.domain.upper[axis]
    at = (low + high) / 2 if at is None else float(at)
    if not low <= at <= high:
        raise InvalidSettingError("at", f"{at} is outside the domain, which spans [{low}, {high}] along {AXES[axis]}")
    return at


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return Picture(figsize=size, layout="constrained", dpi=150).add_subplot() if ax is None else ax


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _title(ax: Axes, field: Field, section: Section | None) -> None:
    text = f"t = {float(field.time):.4g}"
    if section is not None and section.axis is not None:
        text += f",  {AXES[section.axis]} = {section.at:.4g}"
    ax.set_title(text, fontsize="medium", loc="left")


def _colour_bar(ax: Axes, mappable, label: str, width: float, **options) -> None:
    """A bar exactly as high as the axes, in any layout; `width` in axes widths."""
    bar = _figure(ax).colorbar(mappable, cax=ax.inset_axes((1 + width, 0, width, 1)), label=label, **options)
    bar.minorticks_off()


def _contrast(image: AxesImage) -> str:
    """White or black, whichever shows on most of an image."""
    values: np.ma.MaskedArray = np.ma.asarray(image.get_array())[::8, ::8]
    luminance = np.asarray(image.cmap(image.norm(values)))[..., :3] @ np.array([0.299, 0.587, 0.114])
    return "white" if np.median(luminance) < 0.5 else "black"


def _level_colours(max_level: int, cmap: Any) -> tuple[ListedColormap, BoundaryNorm]:
    """One colour a level; the same level gets the same colour in every picture of a run."""
    colours = matplotlib.colormaps.get_cmap(cmap)(np.linspace(*LEVEL_RANGE, max_level + 1))
    return ListedColormap(list(colours)), BoundaryNorm(np.arange(max_level + 2) - 0.5, max_level + 1)


def _line(ax: Axes, field: Field, pool: np.ndarray, cmap: Any) -> None:
    """A line through the cell centres, each patch in the colour of its level."""
    leaves = field.patches()
    x, y = leaves.centres(0), pool[:, : field.count].T
    # Each piece goes on to the first cell of the next patch, or there would be gaps.
    pieces = np.stack([np.concatenate([a, np.append(a[1:, 0], a[-1, -1])[:, None]], 1) for a in (x, y)], axis=-1)
    colours, norm = _level_colours(field.mesh.max_level, cmap)
    ax.add_collection(
        LineCollection(list(pieces), colors=colours(norm(leaves.level)), linewidths=1.6, capstyle="round")
    )
    ax.autoscale_view()
    levels = ScalarMappable(norm, colours)
    _colour_bar(ax, levels, "level", 0.025, ticks=range(field.mesh.max_level + 1))


def _edges(ax: Axes, field: Field, patches: bool) -> None:
    """The x axis of a plot in 1D, with marks at the edges of the patches."""
    if patches:
        edges = field.patches().lower[1:, 0]
        ax.vlines(edges, 0, 1, transform=ax.get_xaxis_transform(), colors="0.85", linewidths=0.6, zorder=0)
    ax.set(xlim=(field.mesh.domain.lower[0], field.mesh.domain.upper[0]), xlabel="x")
