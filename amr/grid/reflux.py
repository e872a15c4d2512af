"""Coarse-fine faces: the flux of a coarse face is replaced by the mean of the fine fluxes on it.

Both sides then exchange the same amount, so the volume integral changes only at the boundary of the domain
(Berger and Colella, J. Comput. Phys. 82, 1989, section 3). All levels take the same step, so no flux registers are
kept. Only fluxes through the boundary of a patch are concerned: these alone are stored, and what they lack is added to
the outflow of the cells beside them.

The *sides* of a patch are its boundary faces in the order lower and upper end of the first dimension, of the second,
and so on.

             side 0
            +------+--+--+
     side 2 |      |  |  |      2D, dimension 0 drawn downwards: the flux through a face of side 3 is the mean of those
            |      +--+--+      through the faces on it, of sides 2 of finer leaves
            |      |  |  |
            +------+--+--+
"""

import functools
import itertools

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from amr.mesh import Mesh, picked, row_major

from .fusion import apart
from .leaves import Leaves, Topology
from .pool import Layout, Pool, gather, take
from .transfer import restrict

Sides = Float[Array, "vars blocks sides faces lanes"]
Means = Float[Array, "vars sweeps blocks coarse lanes"]


def empty_fluxes(mesh: Mesh, layout: Layout, variables: int, dtype) -> tuple[Array, Means]:
    """Room for the fluxes through the sides of all patches, and their means; on a single level, where nobody asks for
    them, for none of the first."""
    fine, half = mesh.patch ** (mesh.ndim - 1), (mesh.patch // 2) ** (mesh.ndim - 1)
    outer, sides = (variables, layout.sweeps, layout.blocks), 2 * mesh.ndim
    means = jnp.zeros((*outer, sides * half, layout.lanes), dtype)
    return jnp.zeros((*outer, sides, fine if mesh.max_level > 0 else 0, layout.lanes), dtype), means


def reflux_indices(mesh: Mesh, topology: Topology, leaves: Leaves) -> Int[Array, "sides faces patches"]:
    """`Topology.reflux` for some leaves."""
    layout, (region, row) = topology.layout, _behind_faces(mesh.ndim, mesh.patch, leaves.reach)
    start = layout.start(2 * mesh.ndim * (mesh.patch // 2) ** (mesh.ndim - 1), picked(leaves.around, region))
    return jnp.where(picked(leaves.relative, region) > 0, start + row[..., None] * layout.lanes, -1)


@functools.cache
def _behind_faces(ndim: int, patch: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """For each face of each side, the number of the half patch (of `forest.half_offsets`) behind it, and among the
    means of a finer leaf there the row of the one on that face."""
    half, faces = patch // 2, np.indices((patch,) * (ndim - 1), np.int32).reshape(ndim - 1, patch ** (ndim - 1))
    regions, rows = [], []
    for d, end in itertools.product(range(ndim), (0, 1)):
        beyond = np.full(faces.shape[1], reach + 2 if end else reach - 1, np.int32)
        regions.append(row_major([*np.insert(faces // half + reach, d, beyond, axis=0)], 2 + 2 * reach))
        # Leaves touch each other with opposite sides.
        rows.append((2 * d + 1 - end) * half ** (ndim - 1) + row_major([0 * beyond, *(faces % half)], half))
    return np.stack(regions), np.stack(rows)


def sides_of(fluxes: tuple[Float[Array, "vars blocks ... lanes"], ...]) -> Sides:
    """The fluxes through the boundaries of patches; `fluxes[d]` has one more face than cells along d."""
    sides = []
    for d, flux in enumerate(fluxes):
        for end in (0, flux.shape[2 + d] - 1):
            side = lax.index_in_dim(flux, end, 2 + d, keepdims=False)
            sides.append(side.reshape(*side.shape[:2], -1, side.shape[-1]))
    return jnp.stack(sides, axis=2)


def means_of(mesh: Mesh, sides: Sides) -> Float[Array, "vars blocks coarse lanes"]:
    """Averages over the `2**(ndim-1)` faces that lie on each face of a coarser patch."""
    faces = sides.reshape(*sides.shape[:3], *(mesh.patch,) * (mesh.ndim - 1), sides.shape[-1])
    means = restrict(faces, skip=3)
    return means.reshape(*means.shape[:2], -1, means.shape[-1])


def refluxed(
    mesh: Mesh, topology: Topology, outflow: Pool, sides: Array, means: Means, i: Int[Array, ""]
) -> Float[Array, "vars blocks *cells lanes"]:
    """What leaves the cells of sweep i, with the fluxes through coarse faces replaced by those of the fine ones.

    `outflow`, `sides` and `means` are those of all patches, fluxes counted in cells.
    """
    out = take(outflow, i)
    if mesh.max_level == 0:
        return out
    here, own = take(topology.reflux, i, axis=0), take(sides, i)
    lacking = apart(topology.valid, lambda: corrections(here, own, means))
    across = (*out.shape[:2], *(mesh.patch,) * (mesh.ndim - 1), out.shape[-1])
    for d, (end, sign) in itertools.product(range(mesh.ndim), ((0, -1), (1, 1))):
        cells = (slice(None),) * (2 + d) + (end * (mesh.patch - 1),)
        out = out.at[cells].add(sign * lacking[:, :, 2 * d + end].reshape(across))
    return out


def corrections(plan: Int[Array, "blocks sides faces lanes"], sides: Sides, means: Means) -> Sides:
    """What is to be added to the fluxes through the sides of the patches of a sweep. Fluxes are counted in cells, and a
    fine cell is worth half a coarse one."""
    fine = gather(means, jnp.maximum(plan, 0))
    return jnp.where(plan >= 0, 0.5 * fine - sides, 0)
