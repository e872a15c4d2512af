"""The plane of a picture through a field, cut into the pixels that can be seen, with the patches it meets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from amr.field import Field, slice_position
from amr.mesh import Mesh, locate
from amr.names import AXES, find_axis

from .canvas import colour_bar

PIXELS = 1024  # along the longer side of an image: more than a figure in a paper shows
INCHES = 4.6  # of the longer side of an image
WIDE = 5  # times as wide as high: too low for a bar of colours beside
LABEL = 0.6  # inches that a label has below an image: in pictures side by side, which are smaller, they still fit
NARROW = 0.7  # inches: too narrow for labels side by side


class Rectangle:
    """The part of a plane that an image shows.

    **Attributes:** `extent`, the lower and the upper end along both axes; `labels` of these; `width`, `height`, inches.
    """

    def __init__(self, extent: Sequence[tuple[float, float]], labels: Sequence[str]):
        self.extent, self.labels = extent, labels
        self.fit(INCHES / max(float(up - low) for low, up in extent))
        self.is_wide = self.width > WIDE * self.height  # a bar beside it would be too short for its labels

    def fit(self, scale: float) -> None:
        """Be so many inches large for each unit of length."""
        self.width, self.height = (float(up - low) * scale for low, up in self.extent)

    def size(self) -> tuple[float, float]:
        """Inches of a figure with the image, a bar of colours and labels."""
        if self.is_wide:
            return self.width + 0.9, max(self.height, 0.3) + 1.4
        return max(self.width, 1.0) + 1.9, max(self.height, 1.0) + 0.7

    def image(self, ax: Axes, values: np.ndarray, **style) -> AxesImage:
        """Draw values, shape `(rows, columns)`, with labelled axes of equal scale."""
        self.frame(ax)
        sides = (*self.extent[0], *self.extent[1])
        return ax.imshow(values, origin="lower", extent=sides, aspect="equal", interpolation="nearest", **style)

    def frame(self, ax: Axes) -> None:
        """Labelled axes of equal scale."""
        ax.set(xlabel=self.labels[0], ylabel=self.labels[1], xlim=self.extent[0], ylim=self.extent[1], aspect="equal")
        for axis, inches in ((ax.xaxis, self.width), (ax.yaxis, self.height)):
            stretches = max(2 if inches > LABEL else 1, int(inches / LABEL))
            axis.set_major_locator(MaxNLocator(stretches, steps=[1, 2, 2.5, 5, 10]))
        if self.width < NARROW:
            ax.tick_params(axis="x", labelrotation=90)  # or they lie upon each other

    def bar(self, ax: Axes | list[Axes], image: ScalarMappable, label: str, **options) -> None:
        """A bar of colours beside the image, of equal width whatever the image's shape; below it where that is wide.

        Of several axes side by side this is the last.
        """
        width = None if self.is_wide else 0.04 * max(1, self.height / self.width)
        colour_bar(ax, image, label, width, **options)


class Section(Rectangle):
    """The picture's plane through a field, cut into pixels: the whole field in 2D, a slice in 3D.

    **Attributes:** `dims`, the dimensions along the picture's axes; `sides`, for each dimension of the field the
    coordinates of the pixels' centres (a slice has a single one across); `at`, where the slice is.
    """

    def __init__(self, field: Field, axis: Any = None, at: Any = None):
        self.field, domain = field, field.mesh.domain
        self.axis = find_axis(2 if axis is None else axis) if field.mesh.ndim == 3 else None
        self.dims = [d for d in range(field.mesh.ndim) if d != self.axis]
        super().__init__(
            [(domain.lower[d], domain.upper[d]) for d in self.dims], [field.units.place(AXES[d]) for d in self.dims]
        )
        self.at = 0.0 if self.axis is None else slice_position(field, self.axis, at)
        self.sides = [np.array([self.at]) if d == self.axis else self._pixels(d) for d in range(field.mesh.ndim)]
        self.slot, self.cell = locate(field.mesh, field.forest, np.ix_(*self.sides))

    def _pixels(self, d: int) -> np.ndarray:
        """As many as the finest leaves have cells, so that cells look sharp; no more than can be seen."""
        mesh = self.field.mesh
        longest = max(mesh.domain.lengths[k] for k in self.dims)
        seen = round(PIXELS * mesh.domain.lengths[d] / longest)
        n = min(mesh.cells[d] * 2 ** int(np.asarray(self.field.forest.level).max()), max(seen, 1))
        return mesh.domain.lower[d] + (np.arange(n) + 0.5) * (mesh.domain.lengths[d] / n)

    @property
    def where(self) -> list[str]:
        """What a title says of the place of a slice."""
        return [] if self.axis is None else [self.field.units.at(f"{AXES[self.axis]} = {self.at:.4g}")]

    def values(self, index: int) -> np.ndarray:
        """A variable's values at the pixels, shape `(rows, columns)`."""
        return self.pick(np.asarray(self.field.data)[index])

    def levels(self) -> np.ndarray:
        """The leaves' levels at the pixels, shape `(rows, columns)`."""
        return self.pick(np.broadcast_to(np.asarray(self.field.forest.level), self.field.data.shape[1:]))

    def pick(self, pool: np.ndarray) -> np.ndarray:
        """What a pool of shape `(*cells, capacity)` holds at the pixels, shape `(rows, columns)`."""
        found = pool[(*self.cell, self.slot)]
        return np.squeeze(found, self.axis).T if self.axis is not None else found.T

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


def seen_level(mesh: Mesh) -> int:
    """The finest level whose uniform grid has few enough cells to be seen."""
    level = mesh.max_level
    while level > 0 and max(mesh.cells) * 2**level > 2 * PIXELS:
        level -= 1
    return level
