"""What lies in a picture of a plane, one above the other: colours, outlines, contours, arrows and streamlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from amr.errors import InvalidSettingError
from amr.field import Field
from amr.names import AXES

from .canvas import contrast
from .section import Section
from .smooth import smooth, smooth_sides, to_the_edges

ARROWS = 24  # along the longer side
DENSITY = 1.1  # of streamlines, in matplotlib's measure
OTHER = {"white": "black", "black": "white"}


class Drawn(NamedTuple):
    """What was drawn: what a bar of colours is of, and what a title has to say besides."""

    shown: ScalarMappable
    notes: list[str]


@dataclass(frozen=True)
class Layers:
    """The layers of a picture; the arguments of `amr.plot.plot` of the same names say what each may be."""

    patches: bool = True
    fill: bool = True
    contours: Any = None
    vectors: Any = None
    streamlines: Any = None

    def check(self, field: Field, dims: Sequence[int]) -> None:
        """Whether a picture of these dimensions can have the layers; before anything is drawn.

        Raises `InvalidSettingError` for what cannot be drawn.
        """
        given = {"contours": self.contours, "vectors": self.vectors, "streamlines": self.streamlines}
        over = {key: value for key, value in given.items() if value is not None}
        for key in over if field.mesh.ndim == 1 else ():
            raise InvalidSettingError(key, "is for pictures of a plane, and this field has 1D")
        if self.contours is not None:
            contour_values(self.contours, Normalize(0, 1))
        for key in over.keys() - {"contours"}:
            components(field, key, over[key], dims)
        if not self.fill and not over:
            raise InvalidSettingError("fill", "without colours nothing is to be seen; give contours, say contours=10")

    @property
    def has_colours(self) -> bool:
        """Whether colours mean values, so that a bar has to say which."""
        return self.fill or self.contours is not None

    def draw(self, places: Sequence[Axes], sections: Sequence[Section], index: int, style: dict[str, Any]) -> Drawn:
        """Draw a variable in planes, in the colours of `style`; arrows in all of them have one measure."""
        flows = [] if self.vectors is None else [Arrows(section, self.vectors) for section in sections]
        longest = max((flow.longest for flow in flows), default=0.0)
        for number, (ax, section) in enumerate(zip(places, sections, strict=True)):
            shown, colour = self._draw(ax, section, index, style)
            for flow in flows[number : number + 1]:
                flow.draw(ax, colour, longest)
            ax.set(xlim=section.extent[0], ylim=section.extent[1])
        return Drawn(shown, [f"longest arrow {longest:.3g}"] if flows else [])

    def _draw(self, ax: Axes, section: Section, index: int, style: dict[str, Any]) -> tuple[ScalarMappable, str]:
        """All but the arrows; gives what a bar of colours is of, and what shows on the colours: black or white."""
        shown, colour = ScalarMappable(**style), "black"
        if self.fill:
            shown = image = section.image(ax, section.values(index), **style)
            colour = contrast(image)
        else:
            section.frame(ax)
        if self.patches:
            section.outline(ax, colour)
        if self.contours is not None:
            self._contour(ax, section, index, {"colors": colour} if self.fill else style, style["norm"])
        if self.streamlines is not None:
            self._stream(ax, section, colour)
        return shown, colour

    def _contour(self, ax: Axes, section: Section, index: int, colours: dict[str, Any], norm: Normalize) -> None:
        sides, grid = to_the_edges(section, smooth(section, index))
        levels = contour_values(self.contours, norm)
        with np.errstate(invalid="ignore"):
            met = levels[(levels > np.nanmin(grid)) & (levels < np.nanmax(grid))]  # others make matplotlib complain
        if met.size:
            ax.contour(*sides, grid, levels=met, linewidths=0.9, linestyles="solid", **colours)

    def _stream(self, ax: Axes, section: Section, colour: str) -> None:
        sides, flow = smooth_sides(section), _flow(section, "streamlines", self.streamlines)
        share = np.array([section.width, section.height]) / max(section.width, section.height)
        density = tuple(np.maximum(DENSITY * share, 0.15))
        style: dict[str, Any] = {"density": density, "color": colour, "linewidth": 0.8, "arrowsize": 0.8}
        heads = len(ax.patches)
        lines = ax.streamplot(sides[0], sides[1], flow[0], flow[1], **style).lines
        for part in (lines, *ax.patches[heads:]) if self.fill else ():
            part.set_path_effects([withStroke(linewidth=1.8, foreground=OTHER[colour], alpha=0.35)])


def contour_values(contours: Any, norm: Normalize) -> np.ndarray:
    """The values of contours: those that are given, or so many, evenly spaced on the scale of the colours.

    Raises `InvalidSettingError` for what is neither.
    """
    if isinstance(contours, int | np.integer) and not isinstance(contours, bool) and contours > 0:
        return np.asarray(norm.inverse(np.linspace(0, 1, int(contours) + 2)[1:-1]), float)
    try:
        values = np.unique(np.asarray(contours, float))
    except (TypeError, ValueError):
        values = np.array([np.nan])
    scalar = isinstance(contours, int | np.integer | str)
    if scalar or np.ndim(contours) > 1 or not values.size or not np.isfinite(values).all():
        raise InvalidSettingError("contours", f"expected a number of lines, or their values, got {contours!r}")
    return values


def components(field: Field, key: str, names: Any, dims: Sequence[int]) -> tuple[int, ...]:
    """The numbers of the variables that are the components of a vector along the axes of a picture.

    `names`: one variable a dimension of the field, in 3D also those of the picture's two axes alone; or the vector's
    name, `"momentum"` where `momentum_x` and `momentum_y` are variables. Raises `InvalidSettingError`, named `key`.
    """
    ndim = field.mesh.ndim
    if isinstance(names, str):
        names = _named_components(field, key, names)
    if not isinstance(names, Sequence | np.ndarray) or len(names) not in (2, ndim):
        counts = "two variables" if ndim == 2 else "three variables, or two along the axes of a slice"
        raise InvalidSettingError(key, f"expected {counts}, such as ('u', 'v'), got {names!r}")
    if ndim == 3 and len(names) == 2 and len(dims) == 3:
        raise InvalidSettingError(key, f"three slices need three components, got {names!r}; or choose one slice")
    try:
        found = [field.index(name) for name in names]
    except InvalidSettingError as error:
        raise InvalidSettingError(key, error.message) from error
    return tuple(found[d] for d in dims) if len(found) == ndim else tuple(found)


def _named_components(field: Field, key: str, name: str) -> list[str]:
    """The components of a vector that is given by its name."""
    names = [f"{name}_{axis}" for axis in AXES[: field.mesh.ndim]]
    if not set(names) <= set(field.names):
        raise InvalidSettingError(key, f"expected two variables, such as ('u', 'v'), or a vector's name, got {name!r}")
    return names


def _flow(section: Section, key: str, names: Any) -> list[np.ndarray]:
    """Both components of a vector, smooth, each of shape `(rows, columns)`."""
    return [smooth(section, index) for index in components(section.field, key, names, section.dims)]


class Arrows:
    """The vectors at evenly spaced points of a plane.

    **Attributes:** `points`, the coordinates along both axes; `vectors`, their components; `longest` of them.
    """

    def __init__(self, section: Section, names: Any):
        flow = _flow(section, "vectors", names)
        self.spacing = max(up - low for low, up in section.extent) / ARROWS
        counts = [max(1, round((up - low) / self.spacing)) for low, up in section.extent]
        parts = [(np.arange(n) + 0.5) / n for n in counts]
        self.points = [low + part * (up - low) for (low, up), part in zip(section.extent, parts, strict=True)]
        column, row = ((part * n).astype(int) for part, n in zip(parts, reversed(flow[0].shape), strict=True))
        self.vectors = [component[np.ix_(row, column)] for component in flow]
        lengths = np.hypot(*self.vectors)
        self.longest = float(lengths[np.isfinite(lengths)].max(initial=0.0))

    def draw(self, ax: Axes, colour: str, longest: float) -> None:
        """Arrows in proportion to the vectors; one of length `longest` reaches almost to where the next begins."""
        if not longest > 0:
            return
        scale = longest / (0.9 * self.spacing)
        measure: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": scale, "units": "inches"}
        arrows = ax.quiver(*self.points, *self.vectors, pivot="mid", color=colour, width=0.02, **measure)
        arrows.set_path_effects([withStroke(linewidth=1.2, foreground=OTHER[colour], alpha=0.6)])
