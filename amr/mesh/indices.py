"""Small integer arithmetic for index plans.

Numbers here are never negative, so that each division is one operation: Python's `//` and `%` on arrays are ten, for
the sake of signs.
"""

from typing import Any

import numpy as np
from jax import lax
from jaxtyping import Array, Int


def divided(number: Any, size: int) -> tuple[Any, Any]:
    """Quotient and remainder of numbers that are not negative: an array of JAX or NumPy, or one number."""
    if not isinstance(number, Array):
        return number // size, number % size
    if size & (size - 1) == 0:
        return number >> (size.bit_length() - 1), number & (size - 1)
    divisor = np.asarray(size, number.dtype)
    return lax.div(number, divisor), lax.rem(number, divisor)


def row_major(coordinates: list, size: int):
    """The row-major number of integer coordinates, each of which counts to `size`."""
    number = coordinates[0]
    for coordinate in coordinates[1:]:
        number = number * size + coordinate
    return number


def along(values, d: int, ndim: int):
    """Reshape `(.., n, patches)` or `(n,)` so that it varies along spatial axis d of `(*cells, patches)`."""
    values = values if values.ndim > 1 else values[:, None]
    return values.reshape(*(values.shape[-2] if k == d else 1 for k in range(ndim)), values.shape[-1])


def looked_up(values: Array, places: Int[Array, "*shape"]) -> Array:
    """`values[..., places]` for places that are there, without a look whether they are negative."""
    return values.at[..., places].get(mode="promise_in_bounds", wrap_negative_indices=False)


def picked(values: Array, places: Int[Array, "*shape"] | Int[np.ndarray, "*shape"]) -> Array:
    """`values[places]`, likewise."""
    return values.at[places].get(mode="promise_in_bounds", wrap_negative_indices=False)
