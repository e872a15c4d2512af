"""Functions of position (and time) as cells of a mesh: initial values, exact solutions, equilibria."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.grid import averages
from amr.mesh import Forest
from amr.own import failure

from .given import GivenData
from .problem import Setup


def evaluate(
    setup: Setup, forest: Forest, function: Callable | GivenData, dtype, *time, key: str = "initial"
) -> Float[Array, "vars *cells patches"]:
    """Averages over the cells of all active patches of a function of position (and time), in conserved variables.

    Schemes of second order take the values at cell centres for averages. Errors name the setting `key`.
    """
    mesh, equation = setup.mesh, setup.equation
    if isinstance(function, GivenData):
        return function.cells(mesh, equation, forest, dtype)
    names, shape = equation.given, (*mesh.patch_shape, forest.capacity)

    def conserved(*x):
        values = _called(key, function, x, time)
        several = values if isinstance(values, tuple | list) else (values,)
        if len(several) != len(names):
            given = f"{len(several)} array{'s' if len(several) > 1 else ''}"
            raise InvalidSettingError(key, f"expected one array for each of {', '.join(names)}; got {given}")
        rows = (*several, *equation.coefficients(*x))
        given = jnp.stack([jnp.broadcast_to(jnp.asarray(row, dtype), shape) for row in rows])
        return equation.conserved(equation.sensible(given))[: len(names)]

    return averages(mesh, forest, conserved, len(names), setup.points, dtype)


def _called(key: str, function: Callable, x: tuple[Array, ...], time: tuple):
    try:
        return function(*x, *time)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as error:
        raise InvalidSettingError(key, f"the function {failure(error)}") from error
