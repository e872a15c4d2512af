"""Moving data between levels: restriction (averages) and prolongation (conservative linear interpolation)."""

from __future__ import annotations

import abc

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from . import morton


def restrict(fine: Float[Array, "vars *cells patches"]) -> Float[Array, "vars *coarse patches"]:
    """Averages over blocks of `2**ndim` cells: each patch as its parent would see it."""
    for axis in range(1, fine.ndim - 1):
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
    def slope(self, minus: Array, centre: Array, plus: Array, ndim: int) -> Array:
        """The change across a cell in one direction, from its values and the two neighbours' there."""

    def children(self, centre: Array, pairs: list[tuple[Array, Array]]) -> list[Array]:
        """The `2**ndim` values of the children in Morton order; `pairs` holds the neighbours in each dimension."""
        quarters = [0.25 * self.slope(minus, centre, plus, len(pairs)) for minus, plus in pairs]
        return [
            centre + sum(quarter if bit else -quarter for bit, quarter in zip(bits, quarters, strict=True))
            for bits in morton.octants(len(pairs))
        ]


class LimitedLinear(Prolongation):
    """Linear interpolation that makes no new extrema: monotonized-central slopes (van Leer, J. Comput. Phys. 23,
    1977), tightened in 3D so that the corner values, too, stay within the values of the cell and its neighbours."""

    def slope(self, minus, centre, plus, ndim):
        steepest = min(2.0, 4.0 / ndim)
        left, right = centre - minus, plus - centre
        rising = jnp.minimum(0.5 * (left + right), steepest * jnp.minimum(left, right))
        falling = jnp.maximum(0.5 * (left + right), steepest * jnp.maximum(left, right))
        return jnp.maximum(rising, 0) + jnp.minimum(falling, 0)


class Linear(Prolongation):
    """Linear interpolation with central slopes: second order everywhere, makes new extrema at discontinuities."""

    def slope(self, minus, centre, plus, ndim):
        return 0.5 * (plus - minus)


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
