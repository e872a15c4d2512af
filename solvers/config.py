"""The tables of a config file: which keys there are, what each may be, and what it is when left out.

Each table checks its own values here; whether they fit each other is checked in `solvers.build`, where objects are
made of them. A field's description says what is expected of it and appears in error messages as it stands.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from .expression import CONSTANTS, FUNCTIONS, parse
from .toml_text import alternatives, dumps, show

COORDINATES = ("x", "y", "z")
BOUNDARIES = ("periodic", "outflow")
RESERVED = frozenset({*COORDINATES, "t", *CONSTANTS, *FUNCTIONS})
LIMITERS = Literal["mc", "van_leer", "minmod", "superbee", "none"]
PRECISIONS = Literal["float64", "float32"]


def _number(value: Any, info: Any) -> Any:
    """A string is a constant expression in the parameters, such as `"2*pi"`."""
    if not isinstance(value, str):
        return value
    constant = parse(value, (), info.context).constant
    if constant is None or not math.isfinite(constant):
        raise ValueError(f"found {show(value)}, which is {constant}, expected a finite number")
    return constant


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _boundary(value: Any) -> Any:
    entries = _listed(value)
    for name in [name for entry in entries for name in _listed(entry)]:
        if name not in BOUNDARIES:
            raise ValueError(f"found {show(name)}, expected {alternatives(BOUNDARIES, name)}")
    if any(isinstance(entry, list | tuple) and len(entry) != 2 for entry in entries):
        raise ValueError(f"found {show(value)}, expected one name or a pair [lower, upper] for each dimension")
    return value


def _formula(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"found {show(value)}, expected a number, an expression in quotes or 'module:function'")
    if not isinstance(value, str) and not math.isfinite(value):
        raise ValueError(f"found {value}, expected a finite number")
    return value


def _formulas(value: Any) -> Any:
    parts = _listed(value)
    if not parts:
        raise ValueError("found nothing, expected numbers, expressions or 'module:function'")
    return [_formula(part) for part in parts] if isinstance(value, list | tuple) else _formula(value)


Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Point = Annotated[tuple[Number, ...], BeforeValidator(_listed), Field(strict=False)]
Counts = Annotated[tuple[Annotated[int, Field(gt=0)], ...], BeforeValidator(_listed), Field(strict=False)]
Formula = Annotated[Any, BeforeValidator(_formula)]
Formulas = Annotated[Any, BeforeValidator(_formulas)]


class Table(BaseModel):
    """A table of the config: no unknown keys, no conversions between types, no nan or inf."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class DomainTable(Table):
    """`[domain]`: the physical box."""

    lower: Point = Field(description="one finite number for each dimension, such as [0.0, 0.0]")
    upper: Point = Field(description="one finite number for each dimension, such as [1.0, 1.0]")
    boundary: Annotated[Any, BeforeValidator(_boundary)] = Field(
        default="periodic",
        description='"periodic" or "outflow", or for each dimension one of them or a pair [lower, upper]',
    )


class MeshTable(Table):
    """`[mesh]`: the root grid and how far it may be refined."""

    cells: Counts = Field(description="cells of the root grid, one whole number for each dimension, such as [64, 64]")
    patch: int = Field(default=16, ge=4, description="an even number of cells, at least 4")
    max_level: int = Field(default=0, ge=0, description="a whole number, 0 or more")
    capacity: int | None = Field(default=None, gt=0, description="room for this many patches, a whole number")


class EquationTable(Table):
    """`[equation]`: what is solved."""

    type: Literal["advection"] = Field(default="advection", description='"advection"')
    variable: Name = Field(default="phi", description="a name of letters, digits and underscores")
    velocity: Formulas | None = Field(
        default=None, description="a number or an expression for each dimension, or 'module:function'"
    )
    stream_function: Formula | None = Field(default=None, description="an expression in x, y, t, or 'module:function'")
    potential: Formulas | None = Field(
        default=None, description="three expressions in x, y, z, t, or 'module:function'"
    )

    @model_validator(mode="after")
    def _one_velocity(self) -> EquationTable:
        given = [key for key in ("velocity", "stream_function", "potential") if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"found {found}, expected one of velocity, stream_function and potential")
        return self


class SchemeTable(Table):
    """`[scheme]`: how it is solved."""

    limiter: LIMITERS = Field(default="mc", description='"mc", "van_leer", "minmod", "superbee" or "none"')
    bounded: bool | None = Field(default=None, description="true or false")
    precision: PRECISIONS = Field(default="float64", description='"float64" or "float32"')


class Thresholds(Table):
    """When to refine and when to coarsen, one number or one for each level."""

    above: Point = Field(description="a number, or one for each level that may be refined")
    below: Point | None = Field(default=None, description="a number, or one for each level, at most above")
    variable: Name | None = Field(default=None, description="the name of a variable")


class FunctionThresholds(Table):
    """Thresholds of a user's own indicator."""

    name: str = Field(description="'module:function', of one patch")
    above: Point = Field(description="a number, or one for each level that may be refined")
    below: Point | None = Field(default=None, description="a number, or one for each level, at most above")


class RegionTable(Table):
    """A box with a level."""

    lower: Point = Field(description="one number for each dimension")
    upper: Point = Field(description="one number for each dimension")
    level: int = Field(ge=1, description="a whole number from 1 to mesh.max_level")


class RefineTable(Table):
    """`[refine]`: what gets resolution; a cell is refined where any of these wishes it."""

    value: Thresholds | None = Field(default=None, description="a table, such as {above = 0.5}")
    difference: Thresholds | None = Field(default=None, description="a table, such as {above = 0.1}")
    gradient: Thresholds | None = Field(default=None, description="a table, such as {above = 1.0}")
    function: FunctionThresholds | None = Field(
        default=None, description="a table, such as {name = 'my:indicator', above = 1}"
    )
    regions: Annotated[tuple[RegionTable, ...], Field(strict=False)] = Field(
        default=(), description="a list of tables, such as [{lower = [0.2, 0.2], upper = [0.4, 0.4], level = 1}]"
    )
    interval: int | None = Field(default=None, ge=1, description="steps between two regrids, 1 or more")
    buffer: int | None = Field(default=None, ge=0, description="cells around what is refined, from 0 to mesh.patch / 2")

    @property
    def empty(self) -> bool:
        return not (self.value or self.difference or self.gradient or self.function or self.regions)


class TimeTable(Table):
    """`[time]`: how long and in what steps."""

    end: Positive = Field(description="the end time, a number above 0")
    cfl: Positive = Field(default=0.9, le=1, description="a number above 0 and at most 1")


class OutputTable(Table):
    """`[output]`: what is left behind, and where."""

    directory: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None, description="the path of a folder"
    )
    name: Annotated[str, StringConstraints(pattern=r"^[^/\\\x00]+$")] | None = Field(
        default=None, description="what the names of the files begin with"
    )
    every: Positive | None = Field(default=None, description="the time between two dumps, a number above 0")
    picture: bool = Field(default=True, description="true or false")
    precision: PRECISIONS | None = Field(default=None, description='"float64" or "float32"')


Parameters = dict[Name, Number]
Formulae = dict[str, Formula]


class Config(Table):
    """A whole config file."""

    domain: DomainTable = Field(description="a table with lower and upper")
    mesh: MeshTable = Field(description="a table with cells")
    equation: EquationTable = Field(description="a table with velocity, stream_function or potential")
    parameters: Parameters = Field(default_factory=dict, description="names of your own with a finite number each")
    initial: Formulae = Field(description='a table with an expression for each variable, such as phi = "exp(-x**2)"')
    exact: Formulae = Field(default_factory=dict, description="a table with an expression in x, .., t for a variable")
    scheme: SchemeTable = Field(default=SchemeTable(), description="a table")
    refine: RefineTable = Field(default=RefineTable(), description="a table")
    time: TimeTable = Field(description="a table with end")
    output: OutputTable = Field(default=OutputTable(), description="a table")

    def to_toml(self) -> str:
        """The config with everything it left open, as a text that can be run again."""
        return dumps(_filled(self.model_dump(exclude_none=True)))


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    """Without the optional tables and lists that hold nothing."""
    tables = {key: {k: v for k, v in table.items() if v != ()} for key, table in data.items()}
    return {key: table for key, table in tables.items() if table}
