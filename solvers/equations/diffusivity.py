"""How fast scalars diffuse: the coefficient D in `div(D grad u)`, and its means on faces."""

import abc
import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.own import shapes_of

Values = Float[Array, "rows ..."]  # one row for each variable, or one for all of them


class Diffusivity(eqx.Module):
    """The coefficient of diffusion, in units of length squared per time: a number of 0 or more in every point.

    **Attributes:**

    - `constant`: whether it is the same everywhere and always; `steady`: whether it depends on position alone.
    - `of_solution`: whether it depends on the variables.
    """

    @property
    def constant(self) -> bool:
        return False

    @property
    def steady(self) -> bool:
        return True

    @property
    def of_solution(self) -> bool:
        return False

    @abc.abstractmethod
    def at(self, u: Array, x: tuple[Array, ...], t: Array, d: int) -> Values:
        """For diffusion along dimension d, in points with the variables `u` at `x`."""

    def check(self, ndim: int, names: tuple[str, ...]) -> None:
        """Raise `InvalidSettingError` if it fits neither the domain nor the variables."""
        return  # most fit all


class ConstantDiffusivity(Diffusivity):
    """One number for all variables, or one for each."""

    values: tuple[Any, ...]

    def __init__(self, values):
        parts = tuple(values) if isinstance(values, Sequence | np.ndarray) else (values,)
        self.values = tuple(not_negative("diffusivity", part) for part in parts)

    @property
    def constant(self):
        return True

    def at(self, u, x, t, d):
        return jnp.stack([jnp.asarray(value, u.dtype) for value in self.values]).reshape(-1, *(1,) * (u.ndim - 1))

    def check(self, ndim, names):
        _check_rows(len(self.values), names)


class VariableDiffusivity(Diffusivity):
    """A function of position, and of time where it is not steady.

    **Arguments:**

    - `function(x, ..)`, or `function(x, .., t)` with `steady=False`: the value in a point, for all variables, or a
      tuple with one for each.
    """

    function: Callable
    is_steady: bool = eqx.field(static=True)

    def __init__(self, function: Callable, steady: bool = True):
        _expect_function(function)
        self.function, self.is_steady = function, steady

    @property
    def steady(self):
        return self.is_steady

    def at(self, u, x, t, d):
        return _rows(self.function(*x) if self.is_steady else self.function(*x, t), u)

    def check(self, ndim, names):
        points = (jax.ShapeDtypeStruct((2,), jnp.zeros(()).dtype),) * ndim
        time = () if self.is_steady else (jax.ShapeDtypeStruct((), jnp.zeros(()).dtype),)
        _check_rows(_traced_rows(self.function, *points, *time), names)


class NonlinearDiffusivity(Diffusivity):
    """A function of the variables, of position and of time.

    **Arguments:**

    - `function(u, x, .., t)`: `u` has one row for each variable; gives the value in a point, for all variables, or a
      tuple with one for each.
    """

    function: Callable

    def __init__(self, function: Callable):
        _expect_function(function)
        self.function = function

    @property
    def steady(self):
        return False

    @property
    def of_solution(self):
        return True

    def at(self, u, x, t, d):
        return _rows(self.function(u, *x, t), u)

    def check(self, ndim, names):
        dtype = jnp.zeros(()).dtype
        point, time = jax.ShapeDtypeStruct((2,), dtype), jax.ShapeDtypeStruct((), dtype)
        u = jax.ShapeDtypeStruct((len(names), 2), dtype)
        _check_rows(_traced_rows(self.function, u, *(point,) * ndim, time, points=u.ndim), names)


class Diagonal(Diffusivity):
    """A diagonal tensor: a diffusivity for each dimension, given as whatever `diffusivity` accepts."""

    parts: tuple[Diffusivity, ...]

    def __init__(self, *parts):
        self.parts = tuple(diffusivity_of(part) for part in parts)

    @property
    def constant(self):
        return all(part.constant for part in self.parts)

    @property
    def steady(self):
        return all(part.steady for part in self.parts)

    @property
    def of_solution(self):
        return any(part.of_solution for part in self.parts)

    def at(self, u, x, t, d):
        return self.parts[d].at(u, x, t, d)

    def check(self, ndim, names):
        if len(self.parts) != ndim:
            raise InvalidSettingError("diffusivity", f"Diagonal has {len(self.parts)} parts, the domain {ndim}")
        for part in self.parts:
            part.check(ndim, names)


def diffusivity_of(given: Any) -> Diffusivity:
    """A number, one for each variable, or a function of position make a diffusivity."""
    if isinstance(given, Diffusivity):
        return given
    return VariableDiffusivity(given) if callable(given) else ConstantDiffusivity(given)


class Mean(eqx.Module):
    """The coefficient on a face from those of the cells beside it."""

    @abc.abstractmethod
    def __call__(self, left: Array, right: Array) -> Array: ...


class Arithmetic(Mean):
    """The mean: second order where the coefficient is smooth."""

    def __call__(self, left, right):
        return 0.5 * (left + right)


class Harmonic(Mean):
    """The reciprocal of the mean reciprocal: the flux through layers of different materials whose boundaries are faces
    is exact in one dimension (Patankar, Numerical Heat Transfer and Fluid Flow, 1980, section 4.2)."""

    def __call__(self, left, right):
        total = left + right
        return jnp.where(total > 0, 2 * left * right / jnp.where(total > 0, total, 1), 0)


def not_negative(key: str, value: Any) -> Any:
    """Checked; what JAX traces is taken as it is."""
    if isinstance(value, jax.core.Tracer):
        return value
    good = jnp.ndim(value) == 0 and not isinstance(value, str | bool)
    if not good or not 0 <= float(value) < math.inf:
        raise InvalidSettingError(key, f"expected a finite number of 0 or more, got {value!r}")
    return value if isinstance(value, jax.Array) else float(value)


def _expect_function(function: Any) -> None:
    if not callable(function):
        raise InvalidSettingError("diffusivity", f"expected a function, got {function!r}")


def _rows(found: Any, u: Array) -> Array:
    several = found if isinstance(found, tuple | list) or jnp.ndim(found) == u.ndim else (found,)
    return jnp.stack([jnp.broadcast_to(jnp.asarray(value, u.dtype), u.shape[1:]) for value in several])


def _traced_rows(function: Callable, *arguments, points: int = 2) -> int:
    """How many values a user's function gives; an array of as many axes as `points` has a row for each."""
    found = shapes_of("diffusivity", "the function", function, *arguments)
    return len(found) if isinstance(found, tuple | list) else found.shape[0] if found.ndim == points else 1


def _check_rows(count: int, names: tuple[str, ...]) -> None:
    if count not in (1, len(names)):
        raise InvalidSettingError("diffusivity", f"found {count} values, expected one, or one each of {len(names)}")
