"""What a scheme needs to know of the places of cells and faces, sampled once a regrid."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from amr.fusion import apart
from amr.leaves import Leaves
from amr.mesh import Mesh
from amr.topology import cell_sizes

from .diffusion import Faces
from .law import ConservationLaw
from .velocity import Velocity, filled, points_inside

Coefficients = Float[Array, "coefficients ..."]


class Samples(eqx.Module):
    """Of the patches of a block, the last axis being theirs, or of several blocks.

    **Attributes:**

    - `rates`: for each dimension, the factor that turns what is upwinded on a face into cells per unit of time: the
      normal velocity over the cell width for a given flow, one over the cell width for a law. On the faces between
      the cells of ghosted patches; axes of length one stand for values that are the same everywhere.
    - `cells`, `faces`: coefficients of a law at the centres of the ghosted cells, and on the faces of the inner cells
      across each dimension; `None` without any.
    - `diffusivity`: on all faces of the cells, see `solvers.diffusion`; `None` where nothing diffuses, or where it
      depends on the solution.
    """

    rates: tuple[Float[Array, "..."], ...]
    cells: Coefficients | None = None
    faces: tuple[Coefficients, ...] | None = None
    diffusivity: Faces | None = None


def flow_samples(velocity: Velocity, mesh: Mesh, leaves: Leaves, ghost: int, time) -> Samples:
    """Of a given flow, its amplitude apart."""
    values = apart(leaves.valid, lambda: velocity.samples(mesh, leaves, ghost, time.dtype, time))
    dx = cell_sizes(mesh, leaves, time.dtype)
    return Samples(tuple(v / dx[d] for d, v in enumerate(velocity.on_faces(values, dx))))


def law_samples(law: ConservationLaw, mesh: Mesh, leaves: Leaves, ghost: int, time) -> Samples:
    """Of a law: sizes of cells, and its coefficients."""
    dx = cell_sizes(mesh, leaves, time.dtype)
    rates = tuple((1 / size).reshape(*(1,) * mesh.ndim, -1) for size in dx)
    if not law.has_coefficients(mesh.ndim):
        return Samples(rates)
    centres = jnp.arange(-ghost, mesh.patch + ghost, dtype=time.dtype) + 0.5
    inner, nodes = centres[ghost:-ghost], jnp.arange(mesh.patch + 1, dtype=time.dtype)
    across = [tuple(nodes if k == d else inner for k in range(mesh.ndim)) for d in range(mesh.ndim)]
    cells, *faces = (
        _coefficients(law, mesh, leaves, offsets, time.dtype) for offsets in [(centres,) * mesh.ndim, *across]
    )
    return Samples(rates, cells, tuple(faces))


def _coefficients(law: ConservationLaw, mesh: Mesh, leaves: Leaves, offsets, dtype) -> Coefficients:
    """The coefficients at some points of all patches."""
    x = points_inside(mesh, leaves, offsets, dtype)
    found = apart(leaves.valid, lambda: law.coefficients(*x))
    return jnp.stack([filled(value, offsets, leaves, dtype) for value in found])
