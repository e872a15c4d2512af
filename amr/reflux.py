"""Coarse-fine faces: the flux of a coarse face is replaced by the mean of the fine fluxes on it.

Both sides then exchange the same amount, so the volume integral changes only at the boundary of the domain
(Berger and Colella, J. Comput. Phys. 82, 1989, section 3). All levels take the same step, so no flux registers are
kept. Only fluxes through the boundary of a patch are concerned: these alone are stored, and what they lack is added to
the outflow of the cells beside them.

The *sides* of a patch are its boundary faces in the order lower and upper end of the first dimension, of the second,
and so on.
"""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .fusion import apart
from .indices import row_major
from .leaves import Leaves
from .mesh import Mesh
from .pool import Layout, Pool, gather, take
from .transfer import restrict

# For each face of the sides, the place of the mean of the fine fluxes on it, or -1 where there are none.
RefluxPlan = Int[Array, "sweeps blocks sides faces lanes"]
Sides = Float[Array, "vars blocks sides faces lanes"]
Means = Float[Array, "vars sweeps blocks coarse lanes"]


def empty_reflux(mesh: Mesh, layout: Layout) -> RefluxPlan:
    """A plan that holds nothing yet."""
    shape = (layout.sweeps, layout.blocks, 2 * mesh.ndim, mesh.patch ** (mesh.ndim - 1), layout.lanes)
    return jnp.full(shape, -1, jnp.int32)


def empty_sides(
    mesh: Mesh, layout: Layout, variables: int, dtype
) -> Float[Array, "vars sweeps blocks sides faces lanes"]:
    """Room for the fluxes through the sides of all patches; none on a single level, where nobody asks for them."""
    faces = mesh.patch ** (mesh.ndim - 1) if mesh.max_level > 0 else 0
    return jnp.zeros((variables, layout.sweeps, layout.blocks, 2 * mesh.ndim, faces, layout.lanes), dtype)


def empty_means(mesh: Mesh, layout: Layout, variables: int, dtype) -> Means:
    """Room for the means of the fluxes through the sides of all patches."""
    rows = 2 * mesh.ndim * (mesh.patch // 2) ** (mesh.ndim - 1)
    return jnp.zeros((variables, layout.sweeps, layout.blocks, rows, layout.lanes), dtype)


def reflux_indices(mesh: Mesh, layout: Layout, reach: int, leaves: Leaves) -> Int[Array, "sides faces patches"]:
    """The plan for some leaves; `leaves.around` has the given reach."""
    ends = [(d, beyond, opposite) for d in range(mesh.ndim) for beyond, opposite in ((reach - 1, 1), (reach + 2, 0))]
    return jnp.stack([_side(mesh, layout, leaves, reach, *end) for end in ends])


def _side(mesh: Mesh, layout: Layout, leaves: Leaves, reach: int, d: int, beyond: int, opposite: int):
    """Indices for one side across dimension d; `beyond` is the number of the half patches behind it, whose patches
    touch it with their lower (`opposite` 0) or upper (1) side."""
    patch, half = mesh.patch, mesh.patch // 2
    count, fewer = patch ** (mesh.ndim - 1), half ** (mesh.ndim - 1)
    others = list(np.array(list(itertools.product(range(patch), repeat=mesh.ndim - 1)), np.int32).reshape(count, -1).T)
    halves = [other // half + reach for other in others]
    halves.insert(d, np.full(count, beyond, np.int32))
    region = row_major(halves, 2 + 2 * reach)
    row = (2 * d + opposite) * fewer + row_major([np.zeros(count, np.int32), *(other % half for other in others)], half)
    column = leaves.around[region]
    place = layout.place(2 * mesh.ndim * fewer, row[:, None], column)
    return jnp.where(leaves.relative[region] > 0, place, -1)


def sides_of(fluxes: tuple[Float[Array, "vars blocks ... lanes"], ...]) -> Sides:
    """The fluxes through the boundaries of patches; `fluxes[d]` has one more face than cells along d."""
    found = []
    for d, flux in enumerate(fluxes):
        for end in (0, flux.shape[2 + d] - 1):
            side = lax.index_in_dim(flux, end, 2 + d, keepdims=False)
            found.append(side.reshape(*side.shape[:2], -1, side.shape[-1]))
    return jnp.stack(found, axis=2)


def means_of(mesh: Mesh, sides: Sides) -> Float[Array, "vars blocks coarse lanes"]:
    """Averages over the `2**(ndim-1)` faces that lie on each face of a coarser patch."""
    faces = sides.reshape(*sides.shape[:3], *(mesh.patch,) * (mesh.ndim - 1), sides.shape[-1])
    means = restrict(faces, skip=3)
    return means.reshape(*means.shape[:2], -1, means.shape[-1])


def refluxed(
    mesh: Mesh, plan: RefluxPlan, valid: Bool[Array, ""], outflow: Pool, sides: Array, means: Means, i: Int[Array, ""]
) -> Float[Array, "vars blocks *cells lanes"]:
    """What leaves the cells of sweep i, with the fluxes through coarse faces replaced by those of the fine ones.

    `outflow`, `sides` and `means` are those of all patches, fluxes counted in cells; `valid` see `amr.fusion`.
    """
    out = take(outflow, i)
    if mesh.max_level == 0:
        return out
    here, own = take(plan, i, axis=0), take(sides, i)
    return add_corrections(mesh, out, apart(valid, lambda: corrections(here, own, means, scale=0.5)))


def corrections(
    plan: Int[Array, "blocks sides faces lanes"], sides: Sides, means: Means, scale: float = 1.0
) -> Float[Array, "vars blocks sides faces lanes"]:
    """What is to be added to the fluxes through the sides of the patches of a sweep.

    Fluxes are per unit area. Where they are counted in cells instead, a fine cell is worth half a coarse one:
    `scale=0.5`.
    """
    fine = gather(means, jnp.maximum(plan, 0))
    return jnp.where(plan >= 0, scale * fine - sides, 0)


def add_corrections(
    mesh: Mesh,
    outflow: Float[Array, "vars blocks *cells lanes"],
    lacking: Sides,
) -> Float[Array, "vars blocks *cells lanes"]:
    """What flows out of each cell (the sum of upper minus lower fluxes) with fluxes at the sides corrected."""
    across = (*outflow.shape[:2], *(mesh.patch,) * (mesh.ndim - 1), outflow.shape[-1])
    for d in range(mesh.ndim):
        for end, sign in ((0, -1), (1, 1)):
            cells = (slice(None),) * (2 + d) + (end * (mesh.patch - 1),)
            outflow = outflow.at[cells].add(sign * lacking[:, :, 2 * d + end].reshape(across))
    return outflow
