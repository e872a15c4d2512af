"""Cutting arrays of cells and faces along their dimensions.

Functions are written for one patch of any number of dimensions: dimension d is axis d, or axis `skip + d` where other
axes (those of variables) lie before. Further axes behind those of the cells ride along. Axes of length one stand for
values that are the same everywhere, and are left alone.
"""

from collections.abc import Iterable

from jax import lax
from jaxtyping import Array


def others(d: int, dims: Iterable[int]) -> list[int]:
    """All dimensions but d."""
    return [k for k in dims if k != d]


def lower(array: Array, d: int) -> Array:
    """All entries but the last along d."""
    return cut(array, d, 0, 1)


def upper(array: Array, d: int) -> Array:
    """All entries but the first along d."""
    return cut(array, d, 1, 0)


def trim(array: Array, dims: Iterable[int], layers: int = 1) -> Array:
    """Some layers taken off both ends along each of `dims`."""
    start, stop = [0] * array.ndim, list(array.shape)
    for d in dims:
        if array.shape[d] > 1:
            start[d], stop[d] = start[d] + layers, stop[d] - layers
    return array if tuple(stop) == array.shape else lax.slice(array, start, stop)


def cut(array: Array, d: int, first: int, last: int) -> Array:
    """Without the first and last few entries along d."""
    n = array.shape[d]
    return array if n == 1 or first == last == 0 else lax.slice_in_dim(array, first, n - last, axis=d)
