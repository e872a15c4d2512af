"""What the options of `amrax plot` and `amrax movie` ask to see, as a view of `amr.views`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .mistake import Mistake

if TYPE_CHECKING:
    from amr.field import Field, Line
    from amr.pictures import View

# The options that set what the library calls otherwise.
OPTION = {
    "at": "slice",
    "axis": "projection",
    "norm": "log",
    "start": "line",
    "end": "line",
    "path": "output",
    "fill": "no-fill",
}
IN_PLANES = ("contours", "vectors", "streamlines")  # options of what lies over colours


def option_of(key: str) -> str:
    """The option behind a setting of the library's."""
    return f"--{OPTION.get(key, key)}"


@dataclass(frozen=True)
class Shown:
    """The choice of a picture, as the options give it. Raises `Mistake` for those that contradict each other."""

    variable: str | None
    level: int | None
    levels: bool
    cut: str | None
    projection: str | None
    line: str | None
    cmap: str | None
    log: bool
    patches: bool
    title: str | None = None
    fill: bool = True
    contours: str | None = None
    vectors: str | None = None
    streamlines: str | None = None

    def __post_init__(self):
        kinds = {"--slice": self.cut, "--projection": self.projection, "--line": self.line}
        given = [option for option, value in kinds.items() if value is not None]
        if len(given) > 1:
            raise Mistake(f"choose one of {' and '.join(given)}")
        if self.levels and (self.projection is not None or self.line is not None):
            raise Mistake(f"{given[0]} shows values, --levels does not; choose one of them")
        over = [f"--{option}" for option in IN_PLANES if getattr(self, option) is not None]
        over += [] if self.fill else ["--no-fill"]
        others = {"--levels": self.levels, "--line": self.line is not None, "--projection": self.projection is not None}
        for option in (option for option, chosen in others.items() if chosen and over):
            raise Mistake(f"{over[0]} is for values in a plane, and not for {option}; choose one of them")
        self._over()  # what is wrong in these is told before anything is read

    def shows_curve(self, ndim: int) -> bool:
        """Whether the picture is a curve of values."""
        return self.line is not None or (ndim == 1 and not self.levels)

    def name(self, field: Field) -> str:
        """What to add to the name of a file."""
        if self.levels:
            return "levels"
        variable = field.names[field.index(self._variable)].replace("/", "_")
        if self.projection is not None:
            return f"{variable}_projection_{self.projection}"
        return f"{variable}_line" if self.line is not None else variable

    def variable_in(self, field: Field) -> str:
        """The name of the variable."""
        return field.names[field.index(self._variable)]

    def line_in(self, field: Field) -> Line:
        """The line through a field; in 1D all of it."""
        if self.line is None and field.mesh.ndim > 1:
            raise Mistake("--csv: writes the numbers along a line; give --line y=0.5, or two points, 0,0.5:1,0.5")
        return field.line(**_line(self.line)) if self.line is not None else field.line()

    def view(self, field: Field, exact: Callable | None = None) -> View:
        """The view of fields like this one, with the exact solution if it is a curve."""
        from amr.errors import InvalidSettingError
        from amr.pictures import Coarsened

        view = self._view(field.mesh.ndim, exact)
        if self.level is None:
            return view
        if not 0 <= self.level <= field.mesh.max_level:
            raise InvalidSettingError("level", f"expected 0 to {field.mesh.max_level}, got {self.level}")
        return Coarsened(view, self.level)

    @property
    def _variable(self) -> str | int:
        return 0 if self.variable is None else self.variable

    def _over(self) -> dict[str, Any]:
        """What lies over the colours, or takes their place."""
        flows = {key: _components(key, getattr(self, key)) for key in ("vectors", "streamlines")}
        return {"fill": self.fill, "contours": _contours(self.contours), **flows}

    def _view(self, ndim: int, exact: Callable | None) -> View:
        from amr.pictures import views

        style: dict[str, Any] = {"title": self.title, **({"cmap": self.cmap} if self.cmap else {})}
        place = _place(self.cut, ndim)
        if self.levels:
            return views.Levels(**place, patches=self.patches, **style)
        style["norm"] = "log" if self.log else None
        if self.projection is not None:
            return views.Projected(self._variable, self.projection, **style)
        if self.line is not None:
            return views.AlongLine(self._variable, **_line(self.line), exact=exact, **style)
        return views.Values(self._variable, **place, patches=self.patches, exact=exact, **self._over(), **style)


def _contours(text: str | None) -> int | list[float] | None:
    """Lines of equal values: how many, `10`, or at which values, `0.1,0.5`; `0` is a value."""
    if text is None or (text.isdecimal() and int(text) > 0):
        return None if text is None else int(text)
    try:
        return [float(value) for value in text.split(",")]
    except ValueError:
        message = f"--contours: expected a number of lines, such as 10, or values, such as 0.1,0.5, got {text!r}"
        raise Mistake(message) from None


def _components(option: str, text: str | None) -> str | tuple[str, ...] | None:
    """The components of a vector, `u,v`, or its name."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise Mistake(f"--{option}: expected the components of a flow, such as u,v, got {text!r}")
    return names if len(names) > 1 else names[0]


def _place(text: str | None, ndim: int) -> dict[str, Any]:
    """Where to slice: `x=0.3`, or `x` for the middle."""
    if text is None:
        return {}
    if ndim != 3:
        instead = "; try --line y=0.5" if ndim == 2 else ""
        raise Mistake(f"--slice: is for fields in 3D, and this one has {ndim}D{instead}")
    axis, equals, value = text.partition("=")
    if axis not in ("x", "y", "z"):
        raise Mistake(f"--slice: expected something like x=0.3, got {text!r}")
    return {"axis": axis, "at": _number("slice", value, text) if equals else None}


def _line(text: str) -> dict[str, Any]:
    """A line: `y=0.5`, `y=0.5,z=0.2`, or two points, `0,0.5:1,0.5`."""
    mistake = Mistake(f"--line: expected y=0.5, or two points such as 0,0.5:1,0.5, got {text!r}")
    if "=" not in text:
        points = [[_number("line", x, text) for x in point.split(",")] for point in text.split(":")]
        if len(points) != 2:
            raise mistake
        return {"start": points[0], "end": points[1]}
    pairs = [part.partition("=")[::2] for part in text.split(",")]
    if not {axis.strip() for axis, _ in pairs} <= {"x", "y", "z"}:
        raise mistake
    return {axis.strip(): _number("line", value, text) for axis, value in pairs}


def _number(option: str, value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Mistake(f"--{option}: {value!r} in {text!r} is not a number") from None
