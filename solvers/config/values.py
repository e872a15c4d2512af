"""What stands behind the keys of a config file: numbers, points, names and formulas, each checked by itself."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from .expression import CONSTANTS, FUNCTIONS, parse
from .toml_text import show

COORDINATES = ("x", "y", "z")
RESERVED = frozenset({*COORDINATES, "t", *CONSTANTS, *FUNCTIONS})


def _number(value: Any, info: Any) -> Any:
    """A string is a constant expression in the parameters, such as `"2*pi"`."""
    if not isinstance(value, str):
        return value
    constant = parse(value, (), info.context).constant
    if constant is None or not math.isfinite(constant):
        raise ValueError(f"found {show(value)}, which is {constant}, expected a finite number")
    return constant


def listed(value: Any) -> Any:
    """One thing stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def formula(value: Any) -> Any:
    """Raise `ValueError` unless this may be a formula; it is read later, when its arguments are known."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"found {show(value)}, expected a number, an expression in quotes or 'module:function'")
    if not isinstance(value, str) and not math.isfinite(value):
        raise ValueError(f"found {value}, expected a finite number")
    return value


def _formulas(value: Any) -> Any:
    parts = listed(value)
    if not parts:
        raise ValueError("found nothing, expected numbers, expressions or 'module:function'")
    return [formula(part) for part in parts] if isinstance(value, list | tuple) else formula(value)


def plain(value: Any) -> Any:
    """Raise `ValueError` unless this is one value, as an object of the user's own may be made with."""
    if not isinstance(value, int | float | str):
        raise ValueError(f"found {show(value)}, expected a number, a text, true or false")
    return value


def _or_table_of(check: Callable[[Any], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: _entries(value, check) if isinstance(value, Mapping) else _formulas(value))


def _entries(table: Mapping[str, Any], check: Callable[[Any], Any]) -> dict[str, Any]:
    if not table:
        raise ValueError("found {}, expected numbers, expressions or 'module:function' in it")
    found = {}
    for key, value in table.items():
        try:
            found[key] = check(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    return found


@dataclass(frozen=True, eq=False)
class Also:
    """In the JSON schema: a value may have another form, from which a validator makes the right one.

    **Attributes:** `form`: that other form; `None`: that of the items of a list.
    """

    form: dict[str, Any] | None

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable) -> dict[str, Any]:
        plain = handler(core)
        return {"anyOf": [plain["items"] if self.form is None else self.form, plain]}


TEXT: dict[str, Any] = {"type": "string"}
FORMULA: dict[str, Any] = {"type": ["number", "string"]}
ONE_OR_SEVERAL: dict[str, Any] = {"anyOf": [FORMULA, {"type": "array", "items": FORMULA, "minItems": 1}]}


def _or_by_name(one: dict[str, Any], item: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "object", "additionalProperties": item, "minProperties": 1}]})


Number = Annotated[float, BeforeValidator(_number), Also(TEXT)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
PositiveOrInfinite = Annotated[float, Field(gt=0, allow_inf_nan=True), BeforeValidator(_number), Also(TEXT)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Point = Annotated[tuple[Number, ...], BeforeValidator(listed), Also(None), Field(strict=False)]
Counts = Annotated[tuple[Annotated[int, Field(gt=0)], ...], BeforeValidator(listed), Also(None), Field(strict=False)]
Formula = Annotated[Any, BeforeValidator(formula), WithJsonSchema(FORMULA)]
Formulas = Annotated[Any, BeforeValidator(_formulas), WithJsonSchema(ONE_OR_SEVERAL)]  # one or a list
# One, a list, or a table by names of variables.
Rates = Annotated[Any, _or_table_of(formula), _or_by_name(ONE_OR_SEVERAL, FORMULA)]
# One, a list, or a table of these by directions.
Coefficients = Annotated[Any, _or_table_of(_formulas), _or_by_name(ONE_OR_SEVERAL, ONE_OR_SEVERAL)]

Arguments = dict[str, Annotated[Any, BeforeValidator(plain)]]


def maybe(description: str, **limits: Any) -> Any:
    """A key that may be left out."""
    return Field(default=None, description=description, **limits)


class Table(BaseModel):
    """A table of the config: no unknown keys, no conversions between types, no nan or inf."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
