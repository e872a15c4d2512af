"""Coarse-fine faces: the flux of a coarse face is replaced by the mean of the fine fluxes on it.

Both sides then exchange the same amount, so the volume integral changes only at the boundary of the domain
(Berger and Colella, J. Comput. Phys. 82, 1989, section 3). All levels take the same step, so this is done before
the divergence is taken and no flux registers are kept.
"""

from __future__ import annotations

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from .forest import Forest
from .indices import row_major
from .mesh import Mesh
from .transfer import restrict


class RefluxPlan(eqx.Module):
    """For each dimension and side, where each boundary face of a patch takes its flux from: its place in
    (own faces, faces averaged over `2**(ndim-1)` of the opposite side)."""

    sides: tuple[tuple[Int[Array, "... patches"], Int[Array, "... patches"]], ...]


def build_reflux(mesh: Mesh, forest: Forest, around: Int[Array, "halves patches"], reach: int) -> RefluxPlan:
    """The plan; `around` is `forest.neighbours` with the given reach."""
    return RefluxPlan(
        tuple(
            (_side(mesh, forest, around, reach, d, reach - 1), _side(mesh, forest, around, reach, d, reach + 2))
            for d in range(mesh.ndim)
        )
    )


def _side(mesh: Mesh, forest: Forest, around, reach: int, d: int, beyond: int) -> Int[Array, "*faces patches"]:
    """Indices for the faces at one end of dimension d; `beyond` is the number of the half patches behind them."""
    patch, half, capacity = mesh.patch, mesh.patch // 2, forest.capacity
    count = patch ** (mesh.ndim - 1)
    others = list(np.array(list(itertools.product(range(patch), repeat=mesh.ndim - 1)), np.int32).reshape(count, -1).T)
    halves = [other // half + reach for other in others]
    halves.insert(d, np.full(count, beyond, np.int32))
    owner = around[row_major(halves, 2 + 2 * reach)]

    finer = row_major([np.zeros(count, np.int32), *(other % half for other in others)], half)
    own = np.arange(count, dtype=np.int32)[:, None] * capacity + jnp.arange(capacity, dtype=jnp.int32)
    fine = (count + finer)[:, None] * capacity + owner
    index = jnp.where(forest.level[owner] > forest.level, fine, own)
    return index.reshape(*(patch,) * (mesh.ndim - 1), capacity)


def reflux(
    plan: RefluxPlan, fluxes: tuple[Float[Array, "vars ... patches"], ...], scale: float = 1.0
) -> tuple[Float[Array, "vars ... patches"], ...]:
    """The fluxes through the faces of all patches with those of coarse faces replaced.

    `fluxes[d]` are per unit area in direction d, with one more face than cells along d. Where they are counted in cells
    instead, a fine cell is worth half a coarse one: `scale=0.5`.
    """
    return tuple(
        _corrected(sides, flux, 1 + d, scale) for d, (sides, flux) in enumerate(zip(plan.sides, fluxes, strict=True))
    )


def _corrected(sides, flux: Array, axis: int, scale: float) -> Array:
    lower = jnp.take(flux, 0, axis=axis)
    upper = jnp.take(flux, flux.shape[axis] - 1, axis=axis)
    inner = lax.slice_in_dim(flux, 1, flux.shape[axis] - 1, axis=axis)
    new_lower, new_upper = _pick(lower, scale * upper, sides[0]), _pick(upper, scale * lower, sides[1])
    return jnp.concatenate([jnp.expand_dims(new_lower, axis), inner, jnp.expand_dims(new_upper, axis)], axis=axis)


def _pick(own: Array, opposite: Array, plan: Int[Array, "*faces patches"]) -> Array:
    variables = own.shape[0]
    known = jnp.concatenate([own.reshape(variables, -1), restrict(opposite).reshape(variables, -1)], axis=1)
    return known.at[:, plan].get(mode="promise_in_bounds")
