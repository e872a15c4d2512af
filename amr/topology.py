"""Everything that follows from a forest and stays the same until the next regrid."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from . import forest as forests
from .forest import Forest
from .fusion import apart
from .halo import HaloPlan, build_plan, half_reach
from .mesh import Mesh
from .reflux import RefluxPlan, build_reflux


class Topology(eqx.Module):
    """A forest with its neighbours and the plans made from them.

    **Attributes:**

    - `forest`: the leaves.
    - `around`: `forest.neighbours` with the reach that the halo needs.
    - `halo`, `reflux`: the index plans.
    - `reach`: that reach, in half patches.
    """

    forest: Forest
    around: Int[Array, "halves patches"]
    halo: HaloPlan
    reflux: RefluxPlan
    reach: int = eqx.field(static=True)


def build_topology(mesh: Mesh, forest: Forest, ghost: int) -> Topology:
    """Neighbours and plans for `ghost` layers of ghost cells."""
    reach = half_reach(mesh, ghost)
    around = apart(forest.count > 0, lambda: forests.neighbours(mesh, forest, reach))
    return Topology(
        forest, around, build_plan(mesh, forest, around, ghost), build_reflux(mesh, forest, around, reach), reach
    )


def cell_sizes(mesh: Mesh, forest: Forest, dtype) -> Float[Array, "ndim patches"]:
    """Cell widths of every patch."""
    sizes = np.array([mesh.cell_size(level) for level in range(mesh.max_level + 1)])
    return jnp.asarray(sizes.T, dtype)[:, forest.level]


def coordinates(
    mesh: Mesh, forest: Forest, offsets: tuple[Float[Array, " _"], ...], dtype
) -> tuple[Float[Array, "..."], ...]:
    """Coordinates of points of every patch.

    `offsets[d]` are positions along dimension d in cells from the patch's lower corner (0 the corner, 0.5 the first
    cell centre). Each result is shaped to broadcast over `(*cells, patches)`. Equal points of different patches
    and levels get equal bits, because cell widths of different levels differ by powers of two.
    """
    sizes = cell_sizes(mesh, forest, dtype)
    points = []
    for d, offset in enumerate(offsets):
        cells = mesh.patch * forest.position[d].astype(dtype) + jnp.asarray(offset, dtype)[:, None]
        points.append((mesh.domain.lower[d] + cells * sizes[d]).reshape(*_shape_along(d, mesh.ndim, cells.shape)))
    return tuple(points)


def _shape_along(d: int, ndim: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(shape[0] if k == d else 1 for k in range(ndim)), shape[-1])


def cell_centres(mesh: Mesh, forest: Forest, dtype, ghost: int = 0) -> tuple[Float[Array, "..."], ...]:
    """Coordinates of the cell centres, with `ghost` layers around each patch."""
    offset = jnp.arange(-ghost, mesh.patch + ghost, dtype=dtype) + 0.5
    return coordinates(mesh, forest, (offset,) * mesh.ndim, dtype)
