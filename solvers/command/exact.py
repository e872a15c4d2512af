"""The exact solution of the config that a run kept, as what pictures lay over curves."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amr.field import Field
    from solvers.config import Case

TIME = re.compile(r"\bt\b")


@dataclass(frozen=True)
class ExactSolution:
    """The exact solution of a case, variable by variable."""

    case: Case

    def of(self, name: str) -> Callable | None:
        """A variable, stored or derived, as a function of the coordinates and the time; None if it follows from nothing
        that is known."""
        equation, derived = self.case.simulation.setup.equation, self.case.derived
        if name not in (*equation.names, *derived.names):
            return None

        def values(*x_and_time):
            import jax.numpy as jnp

            from solvers.equations import known_values

            x, time = tuple(map(jnp.asarray, x_and_time[:-1])), x_and_time[-1]
            given = self.case.exact(*x, time)
            rows = (*(given if isinstance(given, tuple | list) else (given,)), *equation.coefficients(*x))
            count = len(equation.names)
            stored = equation.conserved(jnp.stack([jnp.broadcast_to(row, x[0].shape) for row in rows]))[:count]
            if name in equation.names:
                return stored[equation.names.index(name)]
            return derived.functions[name](known_values(equation, stored, x), *x, time)

        return values


def exact_solution(file: Path, fields: list[Field]) -> tuple[ExactSolution | None, str]:
    """The exact solution that belongs to a file, if its config has one that holds at the times of the fields, and a
    remark where it has but cannot be used."""
    from solvers.config import ConfigError, load

    text = _config_of(file)
    tables = {} if text is None else tomllib.loads(text)
    end = tables.get("time", {}).get("end", math.nan)
    if not all(holds(tables.get("exact", {}), end, float(field.time)) for field in fields):
        return None, ""
    try:
        case = load(file.parent / "config.toml", text=text, begun=True)
    except ConfigError as error:
        return None, f"{file}: without the exact solution of its config: {str(error).splitlines()[0]}"
    return ExactSolution(case), ""


def holds(formulas: Mapping[str, str], end: float, time: float) -> bool:
    """Whether formulas are the exact solution at a time: without `t` in them, as of a flow that returns, at the end."""
    changes = any(TIME.search(text) or ":" in text for text in formulas.values())
    return bool(formulas) and (changes or math.isclose(time, end, rel_tol=1e-9))


def _config_of(file: Path) -> str | None:
    """The config that is kept in a dump, or else beside it."""
    import amr.io

    beside = file.parent / "config.toml"
    found = amr.io.read_config(file)
    return beside.read_text(encoding="utf-8") if found is None and beside.is_file() else found
