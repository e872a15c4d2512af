"""What the options of `amrax plot` and `amrax movie` ask to see, as a view of `amr.views`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .mistake import Mistake

if TYPE_CHECKING:
    from amr.field import Field
    from amr.pictures import View

# The options that set what the library calls otherwise.
OPTION = {
    "at": "slice",
    "axis": "projection",
    "norm": "log",
    "start": "line",
    "end": "line",
    "path": "output",
}


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

    def __post_init__(self):
        kinds = {"--slice": self.cut, "--projection": self.projection, "--line": self.line}
        given = [option for option, value in kinds.items() if value is not None]
        if len(given) > 1:
            raise Mistake(f"choose one of {' and '.join(given)}")
        if self.levels and (self.projection is not None or self.line is not None):
            raise Mistake(f"{given[0]} shows values, --levels does not; choose one of them")

    def name(self, field: Field) -> str:
        """What to add to the name of a file."""
        if self.levels:
            return "levels"
        variable = field.names[field.index(self._variable)].replace("/", "_")
        if self.projection is not None:
            return f"{variable}_projection_{self.projection}"
        return f"{variable}_line" if self.line is not None else variable

    def view(self, field: Field) -> View:
        """The view of fields like this one."""
        from amr.errors import InvalidSettingError
        from amr.pictures import Coarsened

        view = self._view(field.mesh.ndim)
        if self.level is None:
            return view
        if not 0 <= self.level <= field.mesh.max_level:
            raise InvalidSettingError("level", f"expected 0 to {field.mesh.max_level}, got {self.level}")
        return Coarsened(view, self.level)

    @property
    def _variable(self) -> str | int:
        return 0 if self.variable is None else self.variable

    def _view(self, ndim: int) -> View:
        from amr.pictures import views

        style: dict[str, Any] = {"cmap": self.cmap} if self.cmap else {}
        place = _place(self.cut, ndim)
        if self.levels:
            return views.Levels(**place, patches=self.patches, **style)
        style["norm"] = "log" if self.log else None
        if self.projection is not None:
            return views.Projected(self._variable, self.projection, **style)
        if self.line is not None:
            return views.AlongLine(self._variable, **_line(self.line), **style)
        if ndim == 3 and not place:
            return views.ThreeSlices(self._variable, patches=self.patches, **style)
        return views.Values(self._variable, **place, patches=self.patches, **style)


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
