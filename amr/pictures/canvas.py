"""What all pictures share: figures that notebooks show, colours and their scales, bars beside the axes.

Figures are not registered with pyplot, so a long run that draws many leaks none; notebooks show them all the same.
"""

import copy
import io
import itertools
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from amr.errors import InvalidSettingError
from amr.field import NO_UNITS, Units
from amr.names import did_you_mean

SOME = 16  # roundings that a sum of some numbers may have
FEW = 2.0  # times as large: within that, a logarithmic scale is as good as linear
MARGIN = 0.05  # of the range of values, above and below a curve
LEVEL_RANGE = (0.0, 0.8)  # of a colour map: the rest is too pale for a line, or too dark for outlines
NORMS = {"linear": Normalize, "log": LogNorm}


class Picture(Figure):
    """A matplotlib figure that notebooks show, also when pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def new_picture(width: float, height: float) -> Picture:
    """An empty picture of so many inches, in which everything finds its place."""
    return Picture(figsize=(width, height), layout="compressed", dpi=150)


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The given axes, or those of a new picture."""
    return new_picture(*size).add_subplot() if ax is None else ax


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to, also where it is a part of another."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def title(ax: Axes, time: float, *more: str, given: str | None = None, units: Units = NO_UNITS) -> None:
    """When (and where) the picture was taken, above its left end, or the given text instead."""
    text = ",  ".join([units.instant(f"t = {time:.4g}"), *more]) if given is None else filled_in(given, time)
    ax.set_title(text, fontsize="medium", loc="left")


def filled_in(text: str, time: float) -> str:
    """A title of people's own, with the time where it says `{time}`; other braces are TeX's."""
    return text.replace("{time}", f"{time:.4g}")


def colour_map(cmap: Any) -> Colormap:
    """A colour map by name, or as it is. Raises `InvalidSettingError` for unknown names."""
    known = matplotlib.colormaps
    if isinstance(cmap, str) and cmap not in known:
        hint = did_you_mean(cmap, known) or "; try 'viridis', 'magma' or 'RdBu_r'"
        raise InvalidSettingError("cmap", f"matplotlib has no colour map {cmap!r}{hint}")
    return known.get_cmap(cmap)


class Colours(NamedTuple):
    """How values are shown: a colour map, `norm`, and given ends of the scale, which replace those of the values.

    `norm` is one of matplotlib's (it keeps the ends that it has), `"linear"` or `"log"`.
    """

    cmap: Any
    norm: Any
    vmin: Any
    vmax: Any

    def scale(self, values: np.ndarray) -> Normalize:
        """The scale for such values. Raises `InvalidSettingError` for unknown ones, and for a logarithmic scale of
        nothing positive."""
        scale = scale_object(self.norm)
        for end, given in zip(("vmin", "vmax"), self[2:], strict=True):
            if given is not None:
                setattr(scale, end, float(given))
        scale.autoscale_None(np.array(data_range(values, self.norm)))  # a centred scale is centred by that
        _widen(scale, rounding(values))
        bottom, top = float(scale.vmin or 0), float(scale.vmax or 0)
        if isinstance(scale, LogNorm) and not bottom > 0:
            given = "" if self.vmin is None else f", got vmin = {self.vmin:g}"
            raise InvalidSettingError("norm", f"a logarithmic scale needs positive values{given}; give a vmin above 0")
        if bottom > top:
            raise InvalidSettingError("vmin", f"{bottom:g} is above the upper end of the scale, {top:g}")
        return scale

    def style(self, values: np.ndarray) -> dict[str, Any]:
        """What an image of such values takes; the ends of the scale are known before it is drawn."""
        return {"cmap": colour_map(self.cmap), "norm": self.scale(values)}

    def set_scale(self, ax: Axes, values: np.ndarray) -> None:
        """The y axis of a chart as a scale of colours would be: linear or logarithmic, with given ends."""
        scale = self.scale(values)
        assert scale.vmin is not None
        assert scale.vmax is not None
        if isinstance(scale, LogNorm):
            ax.set_yscale("log", nonpositive="mask")
        ends = with_margin((scale.vmin, scale.vmax), self.norm)
        whole_ticks(ax.yaxis, scale)
        ax.set_ylim(*(end if given is None else given for end, given in zip(ends, self[2:], strict=True)))


def rounding(values: np.ndarray) -> float:
    """Differences that are nothing but rounding, relative to the values: those of single precision where it holds them
    all, since files may have been rounded to it."""
    with np.errstate(over="ignore"):
        single = np.array_equal(values, values.astype(np.float32), equal_nan=True)
    return SOME * float(np.finfo(np.float32 if single else np.float64).eps)


def _widen(scale: Normalize, least: float) -> None:
    """Where the values of a scale differ by rounding alone, give it room around them: they shall have one colour."""
    if scale.vmin is None or scale.vmax is None or isinstance(scale, BoundaryNorm):
        return
    low, high = float(scale.vmin), float(scale.vmax)
    if 0 <= high - low <= least * max(abs(low), abs(high)):
        low, high = with_margin(((low + high) / 2,) * 2, scale)
        scale.vmin, scale.vmax = low, high + (high - low) / 256  # the middle is then within a colour, not between two


def scale_object(norm: Any) -> Normalize:
    """A scale of one's own to fill in, from one of matplotlib's or a name."""
    if norm is None or (isinstance(norm, str) and norm in NORMS):
        return NORMS[norm or "linear"]()
    if not isinstance(norm, Normalize):
        raise InvalidSettingError("norm", f"expected 'log', 'linear' or a norm of matplotlib's, got {norm!r}")
    return copy.copy(norm)


def data_range(values: np.ndarray, norm: Any = None) -> tuple[float, float]:
    """The least and largest value that a scale can show: finite, and for a logarithmic scale positive."""
    shown = values[np.isfinite(values)]
    if isinstance(scale_object(norm), LogNorm):
        shown = shown[shown > 0]
    if not shown.size:
        return (0.0, 0.0)
    return float(shown.min()), float(shown.max())


def colour_bar(ax: Axes | list[Axes], mappable, label: str, width: float | None, **options) -> None:
    """A bar exactly as high as the axes, in any layout; `width` in axes widths. Without it, a bar below all axes."""
    axes = ax if isinstance(ax, list) else [ax]
    figure = figure_of(axes[0])
    if width is None:
        bar = figure.colorbar(mappable, ax=axes, label=label, location="bottom", aspect=40, **options)
    else:
        bar = figure.colorbar(mappable, cax=axes[-1].inset_axes((1 + width, 0, width, 1)), label=label, **options)
    if not isinstance(mappable.norm, LogNorm):
        bar.minorticks_off()
    whole_ticks(bar.long_axis, mappable.norm)


def whole_ticks(axis: Axis, scale: Normalize) -> None:
    """Ticks that say what they are: 1.0000001, not 1e-7 with + 1 in another place, nor powers of ten that are equal."""
    if isinstance(scale, LogNorm) and scale.vmin and scale.vmax and scale.vmax < FEW * scale.vmin:
        axis.set_major_locator(MaxNLocator(7))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(ScalarFormatter())
    formatter = axis.get_major_formatter()
    if isinstance(formatter, ScalarFormatter):
        formatter.set_useOffset(False)


def contrast(image: AxesImage) -> str:
    """White or black, whichever shows on most of an image."""
    values: np.ma.MaskedArray = np.ma.asarray(image.get_array())[::8, ::8]
    luminance = np.asarray(image.cmap(image.norm(values)))[..., :3] @ np.array([0.299, 0.587, 0.114])
    return "white" if np.median(luminance) < 0.5 else "black"


def level_colours(max_level: int, cmap: Any) -> tuple[ListedColormap, BoundaryNorm]:
    """One colour a level; the same level gets the same colour in every picture of a run."""
    colours = colour_map(cmap)(np.linspace(*LEVEL_RANGE, max_level + 1))
    return ListedColormap(list(colours)), BoundaryNorm(np.arange(max_level + 2) - 0.5, max_level + 1)


def level_line(ax: Axes, x: np.ndarray, y: np.ndarray, level: np.ndarray, max_level: int, cmap: Any) -> None:
    """A line through points, each stretch of one level in that level's colour, with a bar that tells which."""
    ends = [0, *np.flatnonzero(np.diff(level)) + 1, len(x)]
    # Each piece goes on to the first point of the next, or there would be gaps.
    pieces = [np.stack([x, y], -1)[start : stop + 1] for start, stop in itertools.pairwise(ends)]
    colours, norm = level_colours(max_level, cmap)
    ax.add_collection(LineCollection(pieces, colors=colours(norm(level[ends[:-1]])), linewidths=1.6, capstyle="round"))
    ax.autoscale_view()
    colour_bar(ax, ScalarMappable(norm, colours), "level", 0.025, ticks=range(max_level + 1))


def with_margin(ends: tuple[float, float], norm: Any = None) -> tuple[float, float]:
    """A range of values with room above and below, as it looks on the scale that is used."""
    log = isinstance(scale_object(norm), LogNorm) and ends[0] > 0
    low, high = np.log(ends) if log else ends
    room = MARGIN * (high - low) or MARGIN * abs(high) or MARGIN
    low, high = low - room, high + room
    return (float(np.exp(low)), float(np.exp(high))) if log else (float(low), float(high))
