"""Curves with matplotlib: line-outs, profiles, convergence, the history of a run. Figures are as in `amr.plot`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from amr.errors import InvalidSettingError
from amr.field import Line, Profile
from amr.files import History, read_history
from amr.names import AXES, did_you_mean, find_variable

from .canvas import Colours, axes_of, figure_of, level_line, new_picture, title as write_title
from .exact import Beside

MARKERS = "osD^vP*X"
NOTHING = 1e-12  # a relative change that is rounding
ALMOST = 1e-4  # a relative change that the labels of an axis do not show


def plot_line(
    line: Line,
    name: str | int = 0,
    *,
    ax: Axes | None = None,
    cmap: Any = "viridis",
    norm: Any = None,
    vmin: Any = None,
    vmax: Any = None,
    title: str | None = None,
    exact: Any = None,
) -> Figure:
    """Draw a variable along a line, coloured by level: over a coordinate, or the distance where the line is slanted.

    Arguments, result and errors are those of `amr.plot.plot`; `exact` is a function of all coordinates (and the time),
    or an array of values at the points of the line.
    """
    index, along = find_variable(line.names, name), line.along
    known = Beside(title, exact).curve(line.points, (line.start, line.end), line.time)
    ax = axes_of(ax, (6.4, 3.6))
    x = line.distance if along is None else line.points[:, along]
    level_line(ax, x, line.values[index], line.levels, line.max_level, cmap)
    values = line.values[index]
    Colours(cmap, norm, vmin, vmax).set_scale(ax, values if known is None else np.append(values, known.values))
    if known is not None:
        known.draw(ax, np.linalg.norm(known.points - line.start, axis=1) if along is None else known.points[:, along])
    units = line.units
    ax.set(xlabel=units.place("distance" if along is None else AXES[along]), ylabel=units.label(line.names[index]))
    ends = ["(" + ", ".join(f"{c:.4g}" for c in point) + ")" for point in (line.start, line.end)]
    fixed = [f"{AXES[d]} = {c:.4g}" for d, c in enumerate(line.start) if d != along]
    where = [f"from {ends[0]} to {ends[1]}"] if along is None else fixed
    write_title(ax, line.time, *where, given=title, units=units)
    return figure_of(ax)


def plot_profile(profile: Profile, *, ax: Axes | None = None, log: bool = False, spread: bool = True) -> Figure:
    """Draw a profile with a band of one standard deviation around the means, or a histogram as bars.

    `log` makes the vertical axis logarithmic; `spread` tells whether to draw the band.
    """
    ax = axes_of(ax, (6.4, 3.6))
    histogram = profile.spread is None
    base = 0 if histogram else None
    colour = ax.stairs(profile.values, profile.edges, fill=histogram, linewidth=1.6, baseline=base).get_edgecolor()
    if spread and profile.spread is not None:
        low, high = profile.values - profile.spread, profile.values + profile.spread
        ax.stairs(high, profile.edges, baseline=low, fill=True, alpha=0.2, linewidth=0, color=colour)
    ax.set(xlabel=profile.x_label, ylabel=profile.label, xlim=profile.edges[[0, -1]])
    if log:
        ax.set_yscale("log")
    write_title(ax, profile.time)
    return figure_of(ax)


def measured_orders(cells: Any, errors: Any) -> np.ndarray:
    """The order of convergence between each number of cells (in one dimension) and the next, shape `(n - 1,)`."""
    cells, errors = np.asarray(cells, np.float64), np.asarray(errors, np.float64)
    return -np.diff(np.log(errors)) / np.diff(np.log(cells))


def plot_convergence(
    cells: Sequence[int] | np.ndarray,
    errors: Mapping[str, Any],
    *,
    orders: Sequence[float | int] = (),
    ax: Axes | None = None,
) -> Figure:
    """Draw errors against cells with the order measured between each two points, and lines of reference orders.

    **Arguments:**

    - `cells`: in one dimension, say `(32, 64, 128)`; `errors`: for each label one error a number of cells.
    - `orders`: slopes to draw for reference, say `(1, 2)`; by default the whole number next to each measured one.

    Raises `InvalidSettingError` where numbers do not match or an error is not positive.
    """
    ax = axes_of(ax, (5.2, 4.2))
    x = np.asarray(cells, np.float64)
    for number, (label, series) in enumerate(errors.items()):
        y = np.asarray(series, np.float64)
        if y.shape != x.shape or not (y > 0).all():
            raise InvalidSettingError("errors", f"{label!r} needs {len(x)} positive numbers, got {y.tolist()}")
        ax.loglog(x, y, marker=MARKERS[number % len(MARKERS)], label=label, linewidth=1.4)
        _write_orders(ax, x, y, ax.lines[-1].get_color())
    if len(x) > 1:
        _reference_lines(ax, x, list(errors.values()), orders)
    ax.set_xticks(x)
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
    ax.set(xlabel="cells in one dimension", ylabel="error")
    ax.grid(alpha=0.3, linewidth=0.6)
    ax.legend(fontsize="small")
    return figure_of(ax)


def _write_orders(ax: Axes, x: np.ndarray, y: np.ndarray, colour) -> None:
    """The measured order beside the middle of each piece."""
    for k, order in enumerate(measured_orders(x, y)):
        middle = (np.sqrt(x[k] * x[k + 1]), np.sqrt(y[k] * y[k + 1]))
        style = {"textcoords": "offset points", "fontsize": "x-small", "color": colour}
        ax.annotate(f"{order:.2f}", middle, (4, 4), **style)


def _reference_lines(ax: Axes, x: np.ndarray, series: list, orders: Sequence[float | int]) -> None:
    """Grey lines of given slopes, each below the curve whose slope is closest."""
    slopes = [measured_orders(x, y)[-1] for y in series]
    for number, order in enumerate(orders or sorted({max(1, round(float(slope))) for slope in slopes})):
        y = np.asarray(series[int(np.argmin([abs(slope - order) for slope in slopes]))], np.float64)
        reference = 0.6 * (y * x**order).min() / x**order
        dash = ("--", ":", "-.")[number % 3]
        ax.loglog(x, reference, dash, color="0.5", linewidth=1, zorder=0, label=f"order {order:g}")


def plot_history(record: Any, names: Sequence[str] | None = None, *, against: str | None = None) -> Figure:
    """Draw the columns of a record, one panel each, over time.

    **Arguments:**

    - `record`: a CSV or JSON-lines file, or a mapping from names to arrays.
    - `names`: which columns, by default all that hold numbers.
    - `against`: the column to draw them over, by default `time` or `t`, or else the number of the row.

    Raises `InvalidSettingError` for columns that are not there, and files that hold no record.
    """
    history = record if isinstance(record, History) else read_history(record)
    x_name, x = history.abscissa(against)
    chosen = [name for name in history.columns if name not in (x_name, "step")] if names is None else list(names)
    if not chosen:
        there = ", ".join(history.columns)
        what = "" if isinstance(record, History) else f"{record} "
        advice = "rows of many numbers, as of a line or a slice, are for scripts: see docs/output.md"
        raise InvalidSettingError("record", f"{what}has no columns of numbers but {there}; {advice}")
    for name in chosen:
        if name not in history.columns:
            known = f"; there are {', '.join(history.columns)}"
            raise InvalidSettingError("names", f"no column {name!r}{did_you_mean(name, history.columns) or known}")
    figure = new_picture(6.4, 1.0 + 1.5 * len(chosen))
    panels = figure.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0]
    for number, (ax, name) in enumerate(zip(panels, chosen, strict=True)):
        values, label = _changes(history.columns[name], name)
        ax.plot(x, values, color=f"C{number % 10}", linewidth=1.4)
        ax.set_title(label, fontsize="medium", loc="left")
        ax.margins(x=0)
        _no_closer_than(ax, NOTHING * np.nanmax(np.abs(history.columns[name])))
        ax.grid(alpha=0.3, linewidth=0.6)
    panels[-1].set_xlabel(x_name)
    return figure


def _no_closer_than(ax: Axes, span: float) -> None:
    """Widen the range of values where it would show nothing but rounding."""
    low, high = ax.get_ylim()
    if high - low < span:
        middle = (low + high) / 2
        ax.set_ylim(middle - span / 2, middle + span / 2)


def _changes(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """A column that hardly changes as its differences from the first value, or no axis could tell them."""
    first = values[0]
    if not 0 < np.nanmax(np.abs(values - first)) < ALMOST * abs(first):
        return values, name
    return values - first, f"{name} - {first:.10g}"
