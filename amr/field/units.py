"""Units of what a field holds, as texts; numbers are never converted."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amr.errors import InvalidSettingError

BASE = ("length", "time", "mass")
Dimension = Sequence[float | int]  # the powers of length, time and mass


@dataclass(frozen=True, init=False)
class Units:
    """Units of lengths, times and masses, and of variables: `Units(length="cm", time="s", mass="g")`.

    What a law stores and derives follows from the three; other variables have the units that they are given by name:
    `Units(length="km", variables={"T": "K", "smoke": "kg/m**3"})`. Units name what the numbers are, in pictures, files
    and yt, and change none. They are words with `*`, `/`, `**` and brackets, as yt and unyt read them.

    Raises `InvalidSettingError` for texts that are none.
    """

    length: str | None
    time: str | None
    mass: str | None
    variables: tuple[tuple[str, str], ...]
    dimensions: tuple[tuple[str, tuple[float, ...]], ...]

    def __init__(
        self,
        length: str | None = None,
        time: str | None = None,
        mass: str | None = None,
        variables: Mapping[str, str] | None = None,
        dimensions: Mapping[str, Dimension] | None = None,
    ):
        known = dict(variables or {})
        given = {"length": length, "time": time, "mass": mass, **known}
        for key, unit in given.items():
            if unit is not None and not _is_unit(unit):
                expected = 'expected a unit such as "cm", "kg/m**3" or "1/s"'
                raise InvalidSettingError(key, f"{expected}, got {unit!r}")
        powers = {name: tuple(map(float, power)) for name, power in (dimensions or {}).items()}
        for key, value in (("length", length), ("time", time), ("mass", mass)):
            object.__setattr__(self, key, value)
        object.__setattr__(self, "variables", tuple(known.items()))
        object.__setattr__(self, "dimensions", tuple(powers.items()))

    def with_dimensions(self, dimensions: Mapping[str, Dimension]) -> Units:
        """With the dimensions of variables, which those that have no units of their own follow from."""
        return replace_units(self, dimensions=dict(dimensions))

    def of(self, name: str) -> str | None:
        """The unit of a variable, if it is known: "1" has no dimension."""
        own, power = dict(self.variables), dict(self.dimensions)
        return own.get(name) or (self._made(power[name]) if name in power else None)

    def _made(self, power: Dimension) -> str | None:
        """The unit with these powers of the three, if those that it needs are given."""
        needed = [(getattr(self, base), n) for base, n in zip(BASE, power, strict=True) if n]
        if any(unit is None for unit, _ in needed):
            return None
        above, below = ([_power(u, abs(n)) for u, n in needed if (n > 0) == up] for up in (True, False))
        over = "*".join(above) or "1"
        return over if not below else f"{over}/{below[0]}" if len(below) == 1 else f"{over}/({'*'.join(below)})"

    def label(self, name: str) -> str:
        """A variable with its unit, for axes."""
        return _with(name, self.of(name))

    def place(self, name: str) -> str:
        """A coordinate or distance with its unit, for axes."""
        return _with(name, self.length)

    def at(self, place: str) -> str:
        """A coordinate, written out, with its unit."""
        return f"{place} {_pretty(self.length)}" if self.length else place

    def instant(self, time: str) -> str:
        """A time, written out, with its unit."""
        return f"{time} {_pretty(self.time)}" if self.time else time

    def record(self) -> dict[str, Any]:
        """As JSON can say it; empty where nothing is known."""
        base = {key: getattr(self, key) for key in BASE if getattr(self, key)}
        more = {"variables": dict(self.variables), "dimensions": {name: list(p) for name, p in self.dimensions}}
        return base | {key: value for key, value in more.items() if value}

    def __repr__(self) -> str:
        given = {key: value for key, value in self.record().items() if key != "dimensions"}
        return f"Units({', '.join(f'{key}={value!r}' for key, value in given.items())})"


NO_UNITS = Units()


def replace_units(units: Units, **changes: Any) -> Units:
    """Units with some of what they are made of changed."""
    now = {key: getattr(units, key) for key in BASE}
    return Units(**(now | {"variables": dict(units.variables), "dimensions": dict(units.dimensions)} | changes))


def _power(unit: str, n: float) -> str:
    single = unit if unit.isidentifier() else f"({unit})"
    return unit if n == 1 and unit.isidentifier() else single if n == 1 else f"{single}**{n:g}"


def _with(name: str, unit: str | None) -> str:
    return name if unit in (None, "1", "dimensionless") else f"{name} [{_pretty(unit)}]"


def _pretty(unit: str | None) -> str:
    """For pictures: cm**3 as cm^3 in small raised digits."""
    small = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
    parts = (unit or "").split("**")
    raised = [parts[0]]
    for part in parts[1:]:
        digits = part[: len(part) - len(part.lstrip("-0123456789"))]
        rest = part[len(digits) :]
        raised.append(digits.translate(small) + rest if digits and rest[:1] != "." else f"^{part}")
    return "".join(raised).replace("*", "·")


def _is_unit(text: Any) -> bool:
    """Whether a text is made of names, products, quotients and powers."""
    try:
        return isinstance(text, str) and _is_product(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_product(node: ast.AST) -> bool:
    match node:
        case ast.Name() | ast.Constant(value=int() | float()):
            return True
        case ast.BinOp(left, ast.Mult() | ast.Div(), right):
            return _is_product(left) and _is_product(right)
        case ast.BinOp(left, ast.Pow(), ast.Constant() | ast.UnaryOp(operand=ast.Constant())):
            return _is_product(left)
        case ast.BinOp(left, ast.Pow(), ast.BinOp(ast.Constant(), ast.Div(), ast.Constant())):
            return _is_product(left)
    return False
