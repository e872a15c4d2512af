"""Limiters: the change across a cell from the differences to its two neighbours.

Each is symmetric, so that slope limiting and flux limiting with the upwind ratio are the same thing. Formulas with min
and max alone are cheapest in a fused kernel.
"""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.grid import binary_unit, monotonized_central

Differences = Float[Array, "..."]


class Limiter(eqx.Module):
    """Gives the limited slope of a cell from `left = u[i] - u[i-1]` and `right = u[i+1] - u[i]`.

    **Attributes:** `limited`: whether it makes no new extrema; interpolation between levels then makes none either;
    `plain`: as that of a `Reconstruction`.
    """

    limited: ClassVar[bool] = True
    plain: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, left: Differences, right: Differences) -> Differences:
        """The slope, in units of u per cell."""


def minmod(*values: Float[Array, "..."]) -> Float[Array, "..."]:
    """The value nearest to zero where all have the same sign, else zero."""
    least = most = values[0]
    for value in values[1:]:
        least, most = jnp.minimum(least, value), jnp.maximum(most, value)
    return jnp.maximum(least, 0) + jnp.minimum(most, 0)


class Unlimited(Limiter):
    """Central differences: second order everywhere, oscillates at discontinuities (Fromm)."""

    plain: ClassVar[bool] = True
    limited: ClassVar[bool] = False

    def __call__(self, left, right):
        return 0.5 * (left + right)


class Minmod(Limiter):
    """The smaller of both differences where they agree in sign: the most diffusive of all second-order limiters."""

    plain: ClassVar[bool] = True

    def __call__(self, left, right):
        return minmod(left, right)


class MonotizedCentral(Limiter):
    """Central differences, at most twice the smaller difference (van Leer, J. Comput. Phys. 23, 1977)."""

    plain: ClassVar[bool] = True

    def __call__(self, left, right):
        return monotonized_central(left, right)


class VanLeer(Limiter):
    """The harmonic mean of both differences where they agree in sign (van Leer, J. Comput. Phys. 14, 1974)."""

    plain: ClassVar[bool] = True

    def __call__(self, left, right):
        unit, inverse = binary_unit(left, right)
        left, right = inverse * left, inverse * right
        product = left * right
        agree = product > 0
        return unit * jnp.where(agree, 2 * product / jnp.where(agree, left + right, 1), 0)


class Superbee(Limiter):
    """The steepest second-order limiter; sharpens contacts and squares off smooth waves (Roe, 1985)."""

    plain: ClassVar[bool] = True

    def __call__(self, left, right):
        rising = jnp.maximum(jnp.minimum(2 * left, right), jnp.minimum(left, 2 * right))
        falling = jnp.minimum(jnp.maximum(2 * left, right), jnp.maximum(left, 2 * right))
        return jnp.maximum(rising, 0) + jnp.minimum(falling, 0)
