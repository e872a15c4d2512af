"""Several variables, or several times, in one picture: panels with axes in common."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amr.errors import InvalidSettingError
from amr.field import Field
from amr.files import load

from .canvas import new_picture
from .movie import shared_range
from .views import Coarsened, ThreeSlices, Values, View

SCALE = 0.75  # of a panel, in proportion to a picture of its own
CURVE = (6.4, 2.5)  # inches of a panel with a curve in it
WIDEST = 4.8  # inches of a panel that has a neighbour
BAR = 0.9  # inches of a bar of colours with its labels
WIDE = 2  # times as wide as high: such panels lie one below the other
HIGH = 5  # of these at most


def plot_panels(
    fields: Any, names: Any = 0, *, columns: int | None = None, title: str | None = None, **options
) -> Figure:
    """Draw several variables or several times side by side, in panels with axes in common.

    **Arguments:**

    - `fields`: a field or the file of one, or several of them; all times of a variable have one range of values.
    - `names`: a variable, or several. Several times and variables make a table: a row a variable, a column a time.
    - `columns`: how many panels lie side by side, where there is but one time or one variable.
    - `title`: of all panels together; `options` are those of `plot` that `amr.views.Values` has, and `vmin`, `vmax`.

    Returns the figure. Raises `InvalidSettingError` as `plot` does, and for fields of different dimensions.
    """
    ends = options.pop("vmin", None), options.pop("vmax", None)
    several: list = [names] if isinstance(names, str | int | np.integer) else list(names)
    if not several:
        raise InvalidSettingError("names", "expected at least one variable, got none")
    views = [Values(name, **options) for name in several]
    return draw_panels(fields, views, columns=columns, title=title, ends=[ends] * len(views))


def draw_panels(
    fields: Any,
    views: Sequence[View],
    *,
    columns: int | None = None,
    title: str | None = None,
    ends: Sequence[tuple[Any, Any]] = (),
) -> Figure:
    """The same with views of `amr.views`: a row a view, a column a field; `ends` of the values of each view."""
    found = [load(field) for field in (fields if isinstance(fields, list | tuple) else [fields])]
    if not found or len({field.mesh.ndim for field in found}) > 1:
        raise InvalidSettingError("fields", "expected one or more fields of as many dimensions")
    if columns is not None and (not isinstance(columns, int) or columns < 1):
        raise InvalidSettingError("columns", f"expected a number of panels, got {columns!r}")
    given = ends or [(None, None)] * len(views)
    if len(found) > 1:
        given = [shared_range(found, view, *pair) for view, pair in zip(views, given, strict=True)]
    panels = [Panel(field, view, *between) for view, between in zip(views, given, strict=True) for field in found]
    if any(panel.is_row for panel in panels):
        figure = _rows(panels)
    else:
        figure = _table(panels, Arrangement.of(panels[0], len(found), len(views), columns))
    if title is not None:
        figure.suptitle(title, fontsize="large")
    return figure


@dataclass(frozen=True)
class Panel:
    """What one panel shows: a view of a field, with the ends of its scale."""

    field: Field
    view: View
    vmin: Any
    vmax: Any

    @property
    def is_row(self) -> bool:
        """Whether the panel is a row of panels itself."""
        view = self.view.view if isinstance(self.view, Coarsened) else self.view
        return isinstance(view, ThreeSlices) or (isinstance(view, Values) and view.has_three(self.field))

    def draw(self, place: Any = None) -> Figure:
        """Draw it, where it is told to or alone."""
        return self.view.draw(self.field, self.vmin, self.vmax, place)


@dataclass(frozen=True)
class Arrangement:
    """How panels lie.

    **Attributes:** `count` of panels, and `columns`; `inches` of a panel; `has_curves`: whether these are curves;
    `is_crossed`: whether rows are variables and columns times; `is_one_view`: whether all show the same of different
    fields.
    """

    count: int
    columns: int
    inches: tuple[float, float]
    has_curves: bool
    is_crossed: bool
    is_one_view: bool

    @staticmethod
    def of(first: Panel, fields: int, views: int, columns: int | None) -> "Arrangement":
        """The table of so many fields and views; one of them alone may have several rows."""
        alone = first.draw()  # tells what it is, and how large
        curves, count = not any(ax.images or ax.get_aspect() == 1 for ax in alone.axes), fields * views
        crossed = fields > 1 and views > 1
        inches = CURVE if curves else tuple(float(side) * SCALE for side in alone.get_size_inches())
        columns = fields if crossed else min(columns or _columns(count, inches[0] > WIDE * inches[1]), count)
        return Arrangement(count, columns, (inches[0], inches[1]), curves, crossed, views == 1)

    @property
    def rows(self) -> int:
        """How many rows there are; the last may have room left."""
        return math.ceil(self.count / self.columns)

    @property
    def has_bars_at_the_end(self) -> bool:
        """Whether all panels of a row have one scale of colours."""
        return self.is_one_view or self.is_crossed or self.has_curves

    @property
    def has_y_in_common(self) -> bool:
        """Whether the y axes of a row have the same scale."""
        return self.is_one_view or self.is_crossed or not self.has_curves

    def size(self) -> tuple[float, float]:
        """Inches of the picture."""
        width, height = self.inches if self.columns == 1 else (min(self.inches[0], WIDEST), self.inches[1])
        spared = BAR * (self.columns - 1) if self.has_bars_at_the_end and not self.has_curves else 0.0
        return width * self.columns - spared, height * self.rows + 0.3

    def subplots(self, figure: Figure) -> list[Axes]:
        """The axes of all panels, row by row."""
        y: Any = True if self.is_one_view or not self.has_curves else "row" if self.is_crossed else False
        places = list(figure.subplots(self.rows, self.columns, sharex=True, sharey=y, squeeze=False).ravel())
        for ax in places[self.count :]:
            ax.remove()
        return places[: self.count]

    def spare(self, ax: Axes, number: int) -> None:
        """Leave out of a panel what a neighbour says: labels of axes in common, bars of the same colours, the time,
        the legend."""
        row, column = divmod(number, self.columns)
        is_lowest = number + self.columns >= self.count
        ax.tick_params(labelbottom=is_lowest)
        if not is_lowest:
            ax.set_xlabel("")
        if column > 0 and self.has_y_in_common:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
        if column + 1 < self.columns and self.has_bars_at_the_end:
            for bar in list(ax.child_axes):
                bar.remove()
        if number > 0 and (legend := ax.get_legend()) is not None:
            legend.remove()
        if (row > 0) if self.is_crossed else (number > 0 and not self.is_one_view):
            ax.set_title("", loc="left")


def _columns(count: int, wide: bool) -> int:
    """How many panels look well beside each other."""
    if wide:
        return math.ceil(count / HIGH)
    return count if count <= 3 else math.ceil(math.sqrt(count))


def _table(panels: Sequence[Panel], layout: Arrangement) -> Figure:
    """Panels in rows and columns."""
    figure = new_picture(*layout.size())
    places = layout.subplots(figure)
    for panel, ax in zip(panels, places, strict=True):
        panel.draw(ax)
    for number, ax in enumerate(places):
        layout.spare(ax, number)
    return figure


def _rows(panels: Sequence[Panel]) -> Figure:
    """Panels that are rows of slices, one below the other."""
    width, height = (float(inches) for inches in panels[0].draw().get_size_inches())
    figure = new_picture(width, height * len(panels))
    parts = figure.subfigures(len(panels), 1, squeeze=False).ravel()
    for panel, part in zip(panels, parts, strict=True):
        panel.draw(part)
    return figure
