"""Runs that begin with data: fields, arrays, datasets."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.field import Field, Gridded, GriddedLevels
from amr.grid import cell_centres
from amr.mesh import Forest, Mesh
from solvers.equations import Equation


class GivenData(eqx.Module):
    """Averages over the cells of all levels, in the order of the equation.

    **Attributes:** `levels`; `stored`: whether they are conserved variables, rather than those that are given.
    """

    levels: GriddedLevels
    stored: bool = eqx.field(static=True)

    def cells(self, mesh: Mesh, equation: Equation, forest: Forest, dtype) -> Float[Array, "vars *cells patches"]:
        """Conserved variables in the cells of all patches of a forest."""
        rows = self.levels.of_leaves(mesh, forest, dtype)
        if self.stored:
            return rows
        shape = rows.shape[1:]
        coefficients = equation.coefficients(*cell_centres(mesh, forest, dtype))
        behind = [jnp.broadcast_to(jnp.asarray(row, dtype), shape)[None] for row in coefficients]
        conserved = equation.conserved(equation.sensible(jnp.concatenate([rows, *behind])))[: len(equation.names)]
        return jnp.where(forest.active, conserved, 0)


def as_initial(mesh: Mesh, equation: Equation, given: Any) -> Any:
    """What a run begins with: functions as they are, data brought to the mesh.

    Raises `InvalidSettingError` for data that lack a variable or do not cover the domain.
    """
    data = _gridded(mesh, given)
    return given if data is None else matched(mesh, equation, data)


def matched(mesh: Mesh, equation: Equation, data: Gridded) -> GivenData:
    """Data with the variables of an equation: those that it stores, or those that people give."""
    names, stored = data.names, tuple(equation.names)
    if not names:
        if len(equation.given) > 1:
            text = f"is one array, expected a dictionary with one for each of {', '.join(equation.given)}"
            raise InvalidSettingError("initial", text)
        names = equation.given
    for wanted in (stored, tuple(equation.given)):
        if set(wanted) <= set(names):
            rows = jnp.asarray([names.index(name) for name in wanted])
            chosen = eqx.tree_at(lambda data: data.values, data, data.values[rows])
            return GivenData(chosen.on(mesh), wanted == stored)
    either = " or ".join(", ".join(wanted) for wanted in dict.fromkeys((stored, tuple(equation.given))))
    raise InvalidSettingError("initial", f"has {', '.join(names)}, expected {either}")


def _gridded(mesh: Mesh, given: Any) -> Gridded | None:
    """Data on a uniform grid; `None` for a function."""
    if isinstance(given, Gridded):
        return given
    if isinstance(given, Field):
        return Gridded.of_field(given)
    if isinstance(given, np.ndarray | jax.Array | dict):
        return Gridded(given, mesh.domain.lower, mesh.domain.upper)
    return Gridded.of_dataset(given) if hasattr(given, "dims") and hasattr(given, "coords") else None
