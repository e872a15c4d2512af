"""Arithmetic whose results do not depend on units, also where squares and products would leave the range of numbers.

Data times a power of two give results times that power, to the last bit.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

Values = Float[Array, "..."]


def smallest(dtype) -> float:
    """Numbers below it count as nothing: about 1e-32 in single and 2e-302 in double precision, where derivatives of
    size one by them are still far from overflow."""
    return float(jnp.finfo(dtype).tiny) * 2**20


def binary_unit(*values: Values) -> tuple[Values, Values]:
    """A power of two of the size of some values together, and its inverse; one where there is nothing.

    Multiplying by either is exact. They are read off the exponent, without a division. Derivatives take them for
    constants, which serves formulas that come out the same in any unit.
    """
    dtype, total = values[0].dtype, functools.reduce(jnp.add, map(jnp.abs, values))
    known, whole = jnp.finfo(dtype), {4: jnp.int32, 8: jnp.int64}[dtype.itemsize]
    one = int(known.maxexp - 1) << known.nmant  # the bits of 1.0: a power of two has nothing but an exponent
    exponent = lax.bitcast_convert_type(total, whole) & ~((1 << known.nmant) - 1)
    exponent = jnp.where(total > smallest(dtype), exponent, one)
    return lax.bitcast_convert_type(exponent, dtype), lax.bitcast_convert_type(2 * one - exponent, dtype)


def in_own_unit(function: Callable[[Values], PyTree], values: Values, axis: int) -> PyTree:
    """`function(values)` of a function that gives twice as much for values twice as large, whatever it does between:
    it gets values of which the largest along an axis is about 1."""
    unit, inverse = binary_unit(jnp.abs(values).max(axis, keepdims=True))
    return jax.tree.map(lambda found: unit * found, function(inverse * values))


def length(*components: Values) -> Values:
    """The root of the sum of squares."""
    unit, inverse = binary_unit(*components)
    return unit * jnp.sqrt(sum(jnp.square(inverse * each) for each in components))


def over_square(values: Values, width: Values | float) -> Values:
    """`values / width**2`, also where a square of the width would be no number. XLA, left to itself, divides once."""
    return lax.optimization_barrier(values / width) / width


@jax.custom_jvp
def quotient(above: Values, below: Values) -> Values:
    """The quotient, 0 where the divisor is. Its derivative is 0 where it would overflow: in flat data."""
    return above / jnp.where(below == 0, jnp.inf, below)


@quotient.defjvp
def _change_of_quotient(values, changes):
    (above, below), (change, of_below) = values, changes
    found = quotient(above, below)
    large = jnp.abs(below) > smallest(below.dtype)
    return found, jnp.where(large, (change - found * of_below) / jnp.where(large, below, 1), 0)
