"""Variables that are not solved for but follow from those that are: pressure, speed, Mach number and the like."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.field import Field
from amr.grid import cell_centres

from .terms import Equation

AXES = ("_x", "_y", "_z")


def known_names(equation: Equation) -> tuple[str, ...]:
    """The variables, and the given ones where those are others: what derived variables are functions of."""
    names = tuple(equation.names)
    return (*names, *(name for name in equation.given if name not in names))


@dataclass(frozen=True)
class Derived:
    """Derived variables of an equation.

    **Attributes:** `functions`: for each name a function `(u, x, .., t)`; `u` has a row for each of `known_names`.
    """

    equation: Equation
    functions: dict[str, Callable]

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.functions)

    def added_to(self, field: Field) -> Field:
        """The field with the derived variables behind its own."""
        if not self.functions:
            return field
        time = jnp.asarray(field.time, field.data.dtype)
        rows = _rows(self.equation, tuple(self.functions.values()), field, time)
        data = jnp.concatenate([field.data, rows])
        names = (*field.names, *self.functions)
        return Field(field.mesh, field.forest, data, names, field.time, field.step, field.units)


@eqx.filter_jit
def _rows(equation, functions: tuple[Callable, ...], field: Field, time: Float[Array, ""]) -> Array:
    """One row a function, shape `(functions, *cells, capacity)`; zeros in empty slots."""
    u, x = field.data, cell_centres(field.mesh, field.forest, field.data.dtype)
    known = known_values(equation, u, x)
    rows = [jnp.broadcast_to(jnp.asarray(function(known, *x, time), u.dtype), u.shape[1:]) for function in functions]
    return jnp.where(field.forest.active, jnp.stack(rows), 0)


def known_values(equation: Equation, u: Array, x: tuple[Array, ...]) -> Array:
    """A row for each of `known_names`."""
    behind = [jnp.broadcast_to(jnp.asarray(row, u.dtype), u.shape[1:]) for row in equation.coefficients(*x)]
    given = equation.primitive(jnp.stack([*u, *behind]))
    more = [given[n] for n, name in enumerate(equation.given) if name not in equation.names]
    return jnp.stack([*u, *more])


def vectors_in(names: tuple[str, ...], ndim: int) -> dict[str, tuple[str, ...]]:
    """Vectors by their names: `momentum_x` and `momentum_y` are, in two dimensions, the components of `momentum`."""
    stems = [name.removesuffix("_x") for name in names if name.endswith("_x")]
    found = {stem: tuple(stem + axis for axis in AXES[:ndim]) for stem in stems}
    whole = {stem: parts for stem, parts in found.items() if stem and set(parts) <= set(names) and stem not in names}
    return whole if ndim > 1 else {}
