"""Moving data between levels: restriction (averages) and prolongation (conservative linear interpolation)."""

from __future__ import annotations

import abc
import functools

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from . import morton


def restrict(fine: Float[Array, "..."], skip: int = 1) -> Float[Array, "..."]:
    """Averages over blocks of `2**ndim` cells: each patch as its parent would see it.

    The first `skip` axes and the last one are not those of cells.
    """
    for axis in range(skip, fine.ndim - 1):
        fine = 0.5 * (every_other(fine, axis, 0) + every_other(fine, axis, 1))
    return fine


def every_other(array: Array, axis: int, start: int) -> Array:
    """Every second entry along an axis, from `start` on."""
    return lax.slice_in_dim(array, start, array.shape[axis], 2, axis)


class Prolongation(eqx.Module):
    """Gives the values of the children of a cell from the cell and its face neighbours.

    Children of a cell of value `c` have `c + sum_d (+-1/4) slope_d`: their mean is `c`, so mass is conserved and
    restriction undoes prolongation.
    """

    @abc.abstractmethod
    def slopes(self, centre: Array, pairs: list[tuple[Array, Array]]) -> list[Array]:
        """The change across a cell in each dimension; `pairs` holds the neighbours below and above in each."""

    def children(self, centre: Array, pairs: list[tuple[Array, Array]]) -> list[Array]:
        """The values of the `2**ndim` children in Morton order."""
        quarters = [0.25 * slope for slope in self.slopes(centre, pairs)]
        return [
            centre + sum(quarter if bit else -quarter for bit, quarter in zip(bits, quarters, strict=True))
            for bits in morton.octants(len(pairs))
        ]


class LimitedLinear(Prolongation):
    """Linear interpolation that makes no new extrema: monotonized-central slopes (van Leer, J. Comput. Phys. 23,
    1977). In three dimensions these alone could take the corners of a cell beyond its neighbours; then all slopes
    of the cell shrink by the same factor (Barth and Jespersen, AIAA 89-0366, 1989)."""

    def slopes(self, centre, pairs):
        slopes = [monotonized_central(centre - minus, plus - centre) for minus, plus in pairs]
        if len(pairs) < 3:
            return slopes
        highest = functools.reduce(jnp.maximum, [jnp.maximum(*pair) for pair in pairs], centre)
        lowest = functools.reduce(jnp.minimum, [jnp.minimum(*pair) for pair in pairs], centre)
        reach = 0.25 * sum(jnp.abs(slope) for slope in slopes)
        room = jnp.minimum(highest - centre, centre - lowest)
        factor = jnp.where(reach > room, room / jnp.where(reach > room, reach, 1), 1)
        return [factor * slope for slope in slopes]


class Linear(Prolongation):
    """Linear interpolation with central slopes: second order everywhere, makes new extrema at discontinuities."""

    def slopes(self, centre, pairs):
        return [0.5 * (plus - minus) for minus, plus in pairs]


def monotonized_central(left: Array, right: Array) -> Array:
    """Central differences, at most twice the smaller difference; zero where they differ in sign."""
    central = 0.5 * (left + right)
    rising = jnp.minimum(central, 2 * jnp.minimum(left, right))
    falling = jnp.maximum(central, 2 * jnp.maximum(left, right))
    return jnp.maximum(rising, 0) + jnp.minimum(falling, 0)


def prolong(window: Float[Array, "vars *coarse"], prolongation: Prolongation) -> Float[Array, "vars *fine"]:
    """The children of all cells of a window but its outermost layer."""
    ndim = window.ndim - 1
    inner = tuple(slice(1, -1) for _ in range(ndim))

    def shifted(d: int, by: int) -> Array:
        index = tuple(slice(1 + by, window.shape[1 + d] - 1 + by) if k == d else inner[k] for k in range(ndim))
        return window[(slice(None), *index)]

    neighbours = [(shifted(d, -1), shifted(d, 1)) for d in range(ndim)]
    children = prolongation.children(window[(slice(None), *inner)], neighbours)
    return interleave(children, ndim)


def interleave(children: list[Array], ndim: int) -> Array:
    """Arrays `(vars, *coarse)` of the children in Morton order to one array `(vars, *fine)`."""
    for d in reversed(range(ndim)):
        half = len(children) // 2
        axis = d + 2
        pairs = [jnp.stack([children[i], children[i + half]], axis=axis) for i in range(half)]
        children = [
            pair.reshape(*pair.shape[: axis - 1], 2 * pair.shape[axis - 1], *pair.shape[axis + 1 :]) for pair in pairs
        ]
    return children[0]


def assemble(octants: list[Float[Array, "vars *coarse patches"]]) -> Float[Array, "vars *cells patches"]:
    """Put the restricted children, in Morton order, into their places of the parent patch."""
    ndim = octants[0].ndim - 2
    half = octants[0].shape[1]
    parent = jnp.zeros((octants[0].shape[0], *[2 * half] * ndim, octants[0].shape[-1]), octants[0].dtype)
    for corner, octant in zip(morton.octants(ndim), octants, strict=True):
        parent = lax.dynamic_update_slice(parent, octant, (0, *(half * int(c) for c in corner), 0))
    return parent
