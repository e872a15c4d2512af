"""The table `[equation]` of a config file, of which there is one kind for each type of equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, model_validator

from amr.errors import InvalidSettingError

from .toml_text import alternatives, show
from .user_function import is_reference
from .values import Arguments, Coefficients, Formula, Formulas, Name, NotNegative, Number, Positive, Rates, Table, maybe

Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
VARIABLES = 'a list of different names, such as ["a", "b"]'
NOT_NEGATIVE = "a finite number of 0 or more"
FLOWS = ("velocity", "stream_function", "potential")
VELOCITIES = "velocity, stream_function and potential"
DIFFUSIVITY = "a number or an expression, a list with one for each variable, or a table such as {x = 1.0, y = 0.1}"


class NamedTable(Table):
    """An equation whose variables may have any names."""

    usual: ClassVar[str]
    type: str
    variable: Name | None = maybe("a name of letters, digits and underscores")
    variables: Names | None = maybe(VARIABLES)

    @model_validator(mode="after")
    def _one_kind_of_names(self) -> NamedTable:
        several = self.variables
        if self.variable is not None and several is not None:
            raise ValueError("found variable and variables, expected one of them")
        if several is not None and len(set(several)) < len(several):
            raise ValueError(f"found variables = {show(list(several))}, expected {VARIABLES}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return self.variables or (self.variable or self.usual,)


class ScalarsTable(NamedTable):
    """Scalars that are carried by a flow, diffuse and react, each as far as it is given."""

    usual: ClassVar[str] = "phi"
    velocity: Formulas | None = maybe("a number or an expression for each dimension, or 'module:function'")
    stream_function: Formula | None = maybe("an expression in x, y, t, or 'module:function'")
    potential: Formulas | None = maybe("three expressions in x, y, z, t, or 'module:function'")
    diffusivity: Coefficients | None = maybe(DIFFUSIVITY)
    mean: Literal["arithmetic", "harmonic"] | None = None
    reaction: Rates | None = maybe("an expression for each variable, such as \"phi*(1 - phi)\", or 'module:function'")
    stiff: bool | None = maybe("true or false")

    @model_validator(mode="after")
    def _one_of_each(self) -> ScalarsTable:
        if len(self.flows) > 1:
            raise ValueError(f"found {' and '.join(self.flows)}, expected one of {VELOCITIES}")
        return self

    @property
    def flows(self) -> list[str]:
        """The keys that give a flow."""
        return [key for key in FLOWS if getattr(self, key) is not None]


class AdvectionTable(ScalarsTable):
    """Scalars in a given flow."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in FLOWS]})

    type: Literal["advection"] = Field(default="advection")

    @model_validator(mode="after")
    def _some_velocity(self) -> AdvectionTable:
        if not self.flows:
            raise ValueError(f"found none, expected one of {VELOCITIES}")
        return self


class DiffusionTable(ScalarsTable):
    """Scalars that diffuse."""

    type: Literal["diffusion"]
    diffusivity: Coefficients = Field(description=DIFFUSIVITY)


class BurgersTable(NamedTable):
    """The Burgers equation."""

    usual: ClassVar[str] = "u"
    type: Literal["burgers"]
    viscosity: NotNegative = Field(default=0.0, description=NOT_NEGATIVE)


class AcousticsTable(Table):
    """Sound in a medium at rest."""

    type: Literal["acoustics"]
    density: Positive = Field(default=1.0, description="a number above 0")
    sound_speed: Positive = Field(default=1.0, description="a number above 0")


class ShallowWaterTable(Table):
    """Shallow water over a given bottom."""

    type: Literal["shallow_water"]
    gravity: Positive = Field(default=9.81, description="a number above 0")
    bottom: Formula | None = maybe("an expression in x, y, or 'module:function'")
    rest_level: Number | None = maybe("a finite number")
    dry_depth: Positive = Field(default=1e-6, description="a number above 0")
    viscosity: NotNegative = Field(default=0.0, description=NOT_NEGATIVE)


class EulerTable(Table):
    """An ideal gas."""

    type: Literal["euler"]
    gamma: Annotated[Number, Field(gt=1)] = Field(default=1.4, description="a number above 1")
    least_density: Positive | None = maybe("a number above 0")
    least_pressure: Positive | None = maybe("a number above 0")


class NavierStokesTable(Table):
    """An ideal gas with friction and conduction of heat."""

    type: Literal["navier_stokes"]
    gamma: Annotated[Number, Field(gt=1)] = Field(default=1.4, description="a number above 1")
    viscosity: NotNegative = Field(description=NOT_NEGATIVE)
    conductivity: NotNegative | None = maybe(NOT_NEGATIVE)
    prandtl: Positive | None = maybe("a number above 0")
    least_density: Positive | None = maybe("a number above 0")
    least_pressure: Positive | None = maybe("a number above 0")

    @model_validator(mode="after")
    def _one_of_both(self) -> NavierStokesTable:
        if self.conductivity is not None and self.prandtl is not None:
            raise ValueError("found conductivity and prandtl, expected one of them")
        return self


class OwnLawTable(Table):
    """A conservation law of the user's own."""

    type: str = Field(description="'module:name' of a conservation law", pattern=":")
    arguments: Arguments = Field(default_factory=dict, description="a table, such as {speed = 2.0}")


AnyEquation = (
    AdvectionTable
    | DiffusionTable
    | BurgersTable
    | AcousticsTable
    | ShallowWaterTable
    | EulerTable
    | NavierStokesTable
    | OwnLawTable
)
OWN = "module:name"  # stands for all laws of the user's own
KINDS: dict[str, type[Table]] = {
    name: kind for kind in get_args(AnyEquation) for name in get_args(kind.model_fields["type"].annotation) or (OWN,)
}


def equation_kind(table: Mapping[str, Any]) -> type[Table]:
    """Which kind of table this is, by its type; raises `InvalidSettingError` if there is no such type."""
    name = table.get("type", "advection")
    kind = KINDS.get(OWN if is_reference(name) else name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidSettingError("type", f"found {show(name)}, expected {alternatives(list(KINDS), name)}")
    return kind
