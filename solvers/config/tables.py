"""The tables of a config file: which keys there are, what each may be, and what it is when left out.

Each table checks its own values here; whether they fit each other is checked in `build`, where objects are made
of them. A field's description says what is expected of it and appears in error messages as it stands.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, field_serializer, model_validator

from solvers.choices import CHOICES

from .equation_tables import AnyEquation
from .record_tables import RecordTables
from .toml_text import alternatives, dumps, show
from .user_function import is_reference
from .values import (
    Also,
    Arguments,
    Counts,
    Formula,
    Name,
    Number,
    Point,
    Positive,
    PositiveOrInfinite,
    Table,
    listed,
    maybe,
)


def choice(kind: str, *more: str) -> Any:
    """What may be chosen: something of `solvers.choices`, or `more`, or one's own as `"module:name"`."""
    known = (*more, *CHOICES[kind])

    def check(value: Any) -> Any:
        if not is_reference(value) and value not in known:
            raise ValueError(f"found {show(value)}, expected {alternatives([*known, 'module:name'], value)}")
        return value

    schema = WithJsonSchema({"anyOf": [{"enum": list(known)}, {"type": "string", "pattern": ":"}]})
    told = ", ".join(f'"{name}"' for name in known) + " or your own as 'module:name'"
    return Annotated[str | None, BeforeValidator(check), schema, Field(description=told)]


Limiter: Any = choice("limiter")
Reconstruction: Any = choice("reconstruction")
Riemann: Any = choice("riemann")
Integrator: Any = choice("integrator")
Diffusion: Any = choice("diffusion", "auto", "explicit")
COUPLINGS = Literal["unsplit", "strang"]
PRECISIONS = Literal["float64", "float32"]
ABOVE = "a number, or one for each level that may be refined"
BELOW = "a number, or one for each level, at most above"


class DomainTable(Table):
    """`[domain]`: the physical box, and what happens at its faces."""

    lower: Point = Field(description="one finite number for each dimension, such as [0.0, 0.0]")
    upper: Point = Field(description="one finite number for each dimension, such as [1.0, 1.0]")
    boundary: Any = "periodic"


class MeshTable(Table):
    """`[mesh]`: the root grid and how far it may be refined."""

    cells: Counts = Field(description="cells of the root grid, one whole number for each dimension, such as [64, 64]")
    patch: int = Field(
        default=16, ge=4, description="an even number of cells, at least 4", json_schema_extra={"multipleOf": 2}
    )
    max_level: int = Field(default=0, ge=0, description="a whole number, 0 or more")
    capacity: int | None = maybe("room for this many patches, a whole number", gt=0)


class SchemeTable(Table):
    """`[scheme]`: how it is solved."""

    method: Literal["ctu", "lines"] | None = None
    reconstruction: Reconstruction = None
    limiter: Limiter = None
    riemann: Riemann = None
    integrator: Integrator = None
    bounded: bool | None = maybe("true or false")
    primitive: bool | None = maybe("true or false")
    diffusion: Diffusion = None
    coupling: COUPLINGS | None = None
    stages: int | None = maybe("at most this many stages, a whole number, 3 or more", ge=3)
    tolerance: Positive | None = maybe("a small number above 0, such as 1e-8", le=1)
    iterations: int | None = maybe("at most this many cycles, a whole number, 1 or more", ge=1)
    ratio: PositiveOrInfinite | None = maybe("the longest step over an explicit one, a number above 0")
    precision: PRECISIONS = "float64"


class Limited(Table):
    """What asks for resolution up to a level."""

    up_to: int | None = maybe("the highest level that this may ask for, 1 or more", ge=1)


class FunctionThresholds(Limited):
    """When to refine and when to coarsen by a function of the user's own, one number or one for each level."""

    name: str = Field(description="'module:function', of one patch")
    above: Point = Field(description=ABOVE)
    below: Point | None = maybe(BELOW)


class Thresholds(Limited):
    """When to refine and when to coarsen, one number or one for each level."""

    above: Point = Field(description=ABOVE)
    below: Point | None = maybe(BELOW)
    variable: Name | None = maybe("the name of a variable")


class LoehnerThresholds(Thresholds):
    """Thresholds of Löhner's estimator, which has no unit."""

    above: Point = Field(default=(0.8,), description=ABOVE)
    filter: Number = Field(default=0.01, ge=0, description="0 or a small number such as 0.01")


class OwnIndicator(Limited):
    """An indicator of the user's own."""

    type: str = Field(description="'module:name' of an indicator", pattern=":")
    arguments: Arguments = Field(default_factory=dict, description="a table, such as {share = 0.1}")


class RegionTable(Table):
    """A box with a level that it has at least, or at most."""

    lower: Point = Field(description="one number for each dimension")
    upper: Point = Field(description="one number for each dimension")
    level: int | None = maybe("a whole number from 1 to mesh.max_level", ge=1)
    up_to: int | None = maybe("a whole number, 0 or more", ge=0)
    begin: Number | None = maybe("a time")
    end: Number | None = maybe("a time after begin")

    @model_validator(mode="after")
    def _makes_sense(self) -> "RegionTable":
        if self.level is None and self.up_to is None:
            raise ValueError("asks for nothing, expected level = 1 (at least) or up_to = 1 (at most), or both")
        if self.level is not None and self.up_to is not None and self.up_to < self.level:
            raise ValueError(f"found level = {self.level} and up_to = {self.up_to}, expected up_to not below level")
        return self


T = TypeVar("T")
OneOrMore = Annotated[tuple[T, ...], BeforeValidator(listed), Also(None), Field(strict=False)]
ON_VARIABLE = tuple(CHOICES["indicator"])
INDICATORS = (*ON_VARIABLE, "function", "own")


def _some(example: str) -> Any:
    return Field(default=(), description=f"a table, such as {example}, or a list of them")


class RefineTable(Table):
    """`[refine]`: what gets resolution; a cell is refined where any of these wishes it."""

    value: OneOrMore[Thresholds] = _some("{above = 0.5}")
    difference: OneOrMore[Thresholds] = _some("{above = 0.1}")
    gradient: OneOrMore[Thresholds] = _some("{above = 1.0}")
    curvature: OneOrMore[Thresholds] = _some("{above = 0.05}")
    detail: OneOrMore[Thresholds] = _some("{above = 0.01}")
    loehner: OneOrMore[LoehnerThresholds] = _some("{above = 0.8}")
    function: OneOrMore[FunctionThresholds] = _some("{name = 'my:indicator', above = 1}")
    own: OneOrMore[OwnIndicator] = _some("{type = 'my:Indicator', arguments = {share = 0.1}}")
    regions: Annotated[tuple[RegionTable, ...], Field(strict=False)] = Field(
        default=(), description="a list of tables, such as [{lower = [0.2, 0.2], upper = [0.4, 0.4], level = 1}]"
    )
    interval: int | None = maybe("steps between two regrids, 1 or more", ge=1)
    buffer: int | None = maybe("cells around what is refined, from 0 to mesh.patch / 2", ge=0)

    @property
    def empty(self) -> bool:
        return not any(getattr(self, key) for key in INDICATORS) and all(box.level is None for box in self.regions)

    @field_serializer(*INDICATORS, mode="wrap")
    def _one_as_a_table(self, tables: Any, plain: Callable) -> Any:
        found = plain(tables)
        return found[0] if len(found) == 1 else found


class TimeTable(Table):
    """`[time]`: how long and in what steps."""

    end: Positive = Field(description="the end time, a number above 0")
    cfl: Positive | None = maybe("a number above 0 and at most 1", le=1)
    step: Positive | None = maybe("the longest step, a number above 0")
    max_steps: int | None = maybe("at most this many steps, a whole number, 1 or more", ge=1)
    max_minutes: Positive | None = maybe("at most this many minutes on the clock, a number above 0")


Formulae = dict[str, Formula]
UnitTexts = dict[Name, str]


class OutputTable(Table):
    """`[output]`: what is left behind, and where."""

    directory: Annotated[str, StringConstraints(min_length=1)] | None = maybe("the path of a folder")
    name: Annotated[str, StringConstraints(pattern=r"^[^/\\\x00]+$")] | None = maybe(
        "what the names of the files begin with"
    )
    every: Positive | None = maybe("the time between two dumps, a number above 0")
    every_steps: int | None = maybe("steps between two dumps, a whole number, 1 or more", ge=1)
    derived: dict[Name, Formula] = Field(
        default_factory=dict,
        description='a table with an expression for each name, such as {speed = "sqrt(u**2 + v**2)"}',
    )
    picture: bool = Field(default=True, description="true or false")
    variable: Name | None = maybe("the name of the variable in the picture")
    precision: PRECISIONS | None = None
    compression: int = Field(default=1, ge=0, le=9, description="a whole number from 0 (none) to 9 (the most)")


class CheckpointTable(Table):
    """`[checkpoint]`: files to resume from, besides the dumps."""

    every: Positive | None = maybe("the time between two checkpoints, a number above 0")
    every_steps: int | None = maybe("steps between two checkpoints, a whole number, 1 or more", ge=1)
    every_minutes: Positive | None = maybe("minutes on the clock between two checkpoints, a number above 0")
    keep: int = Field(default=2, ge=1, description="how many of the newest to keep, a whole number, 1 or more")


Parameters = dict[Name, Number]


class Config(Table):
    """A whole config file."""

    domain: DomainTable = Field(description="a table with lower and upper")
    mesh: MeshTable = Field(description="a table with cells")
    equation: AnyEquation = Field(description="a table with type and what belongs to it")
    parameters: Parameters = Field(default_factory=dict, description="names of your own with a finite number each")
    initial: Formulae = Field(description='a table with an expression for each variable, such as phi = "exp(-x**2)"')
    exact: Formulae = Field(default_factory=dict, description="a table with an expression in x, .., t for a variable")
    equilibrium: Formulae = Field(default_factory=dict, description="a table with an expression for each variable")
    units: UnitTexts = Field(default_factory=dict, description='a table such as {length = "cm", time = "s", T = "K"}')
    scheme: SchemeTable = Field(default=SchemeTable(), description="a table")
    refine: RefineTable = Field(default=RefineTable(), description="a table")
    time: TimeTable = Field(description="a table with end")
    output: OutputTable = Field(default=OutputTable(), description="a table")
    checkpoint: CheckpointTable = Field(default=CheckpointTable(), description="a table")
    record: RecordTables = Field(default_factory=dict, description="tables, such as [record.totals]")

    def to_toml(self) -> str:
        """The config with everything it left open, as a text that can be run again."""
        return dumps(_filled(self.model_dump(exclude_none=True)))


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    """Without the optional tables and lists that hold nothing."""
    tables = {key: {k: v for k, v in table.items() if v not in ((), {})} for key, table in data.items()}
    return {key: table for key, table in tables.items() if table}
