"""Filling the ghost cells of patches that lie beyond the faces of the domain."""

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from amr.mesh import Mesh

from .boundary import Beyond, from_relation
from .conditions import Conditions, Variables
from .fusion import apart
from .halo import window_places
from .leaves import Leaves, Topology, at_face, over_blocks
from .slices import cut
from .topology import cell_sizes, coordinates

Ghosted = Float[Array, "vars blocks *ghosted lanes"]
Windows = Float[Array, "vars blocks points lanes"]


def fill_boundaries(mesh: Mesh, leaves: Leaves, ghosted: Ghosted, ghost: int, time, conditions: Conditions) -> Array:
    """The patches of a sweep with the ghost cells beyond the faces of the domain filled.

    `ghosted` has the cells next to a face there already, `(vars, blocks, *ghosted, lanes)`, and behind the variables
    the rows that conversions between stored and given variables need.
    """
    for d, pair in enumerate(conditions.faces):
        for end, boundary in enumerate(pair):
            if not (boundary.periodic or boundary.copied):
                fill = functools.partial(_filled, mesh, leaves, ghosted, ghost, time, conditions, (d, end))
                ghosted = apart(leaves.valid, fill)
    return ghosted


def _filled(
    mesh: Mesh, leaves: Leaves, values: Ghosted, ghost: int, time, conditions: Conditions, face: tuple[int, int]
) -> Ghosted:
    """The patches with the ghost cells beyond one face filled.

    2 1 0|0 1 2 ..      ghost cells beyond a lower face, with the numbers of the cells that `mirrored` has there
    """
    (d, end), dtype = face, values.dtype
    boundary, variables = conditions.faces[d][end], conditions.variables
    axis, count = 2 + d, len(variables.names)
    old, rest = _split(values, axis, ghost, end)
    inside, _ = _split(rest, axis, ghost, end)
    # A mirror turns round the same rows in either kind of variables.
    convert = Variables(variables.names) if boundary.mirrored else variables
    mirrored = convert.primitive(jnp.flip(inside, axis))
    nearest = convert.primitive(_split(inside, axis, 1, end)[0])[:count]
    layer, inner = np.arange(ghost, dtype=dtype) + 0.5, np.arange(-ghost, mesh.patch + ghost, dtype=dtype) + 0.5
    outside = mesh.patch + layer if end else layer - ghost
    offsets = tuple(outside if k == d else inner for k in range(mesh.ndim))
    x = over_blocks(functools.partial(coordinates, mesh, offsets=offsets, dtype=dtype), leaves)
    dx = cell_sizes_of_blocks(mesh, leaves, dtype)
    distance = dx[d] * (layer if end else layer[::-1]).reshape(-1, *(1,) * (mesh.ndim - d))
    beyond = Beyond(mirrored[:count], nearest, x, dx, distance, time, *variables.at_face(d, end, variables.points))
    # Coefficients beyond a wall are mirrored with the rest, those beyond any other face are what they are.
    behind = mirrored[count:] if boundary.mirrored else old[count:]
    new = convert.conserved(jnp.concatenate([boundary.ghosts(beyond), behind]))
    if boundary.mirrored and variables.beyond_wall is not None:
        step, outward = 2 * beyond.outward * distance, beyond.outward * distance
        face = tuple(x - outward if k == d else x for k, x in enumerate(x))
        new = variables.conserved(variables.beyond_wall(variables.primitive(new), d, step, face, dx, time))
    slab = jnp.where(touches(mesh, leaves, d, end, mesh.ndim), new, old)
    return jnp.concatenate([rest, slab] if end else [slab, rest], axis=axis)


def mirror_boundaries(mesh: Mesh, leaves: Leaves, line, d: int, time, conditions: Conditions) -> Array:
    """The cells of a sweep with one layer of ghost cells along d, those beyond faces of the domain replaced by what
    gives the value or derivative that the boundary asks for: shape `(vars, blocks, *cells, lanes)`."""
    if mesh.domain.periodic[d]:
        return line
    axis, dtype = 2 + d, line.dtype
    dx, inner = cell_sizes_of_blocks(mesh, leaves, dtype)[d], np.arange(mesh.patch, dtype=dtype) + 0.5
    for end in (0, 1):
        old, rest = _split(line, axis, 1, end)
        nearest, edge = _split(rest, axis, 1, end)[0], np.full(1, end * mesh.patch, dtype)
        offsets = tuple(edge if k == d else inner for k in range(mesh.ndim))
        x = over_blocks(functools.partial(coordinates, mesh, offsets=offsets, dtype=dtype), leaves)
        new = from_relation(conditions.relation(d, end, nearest, x, time), nearest, dx)
        slab = jnp.where(touches(mesh, leaves, d, end, mesh.ndim), new, old)
        line = jnp.concatenate([rest, slab] if end else [slab, rest], axis=axis)
    return line


def mirror_windows(
    mesh: Mesh, leaves: Leaves, near: Windows, topology: Topology, time, conditions: Conditions
) -> Windows:
    """The windows that rings are prolonged from (see `fill_ring`), with what gives the value or derivative
    that boundaries ask for beyond faces of the domain: interpolation between levels keeps its order at walls."""
    domain, dtype, half = mesh.domain, near.dtype, mesh.patch // 2
    cells = over_blocks(functools.partial(window_places, mesh, ghost=topology.ghost, margin=topology.margin), leaves)
    sizes = over_blocks(functools.partial(cell_sizes, mesh, dtype=dtype), leaves)[:, :, None]
    corners = mesh.patch * leaves.position.astype(dtype)[:, :, None]
    x = np.array(domain.lower, dtype)[:, None, None] + (corners + 2 * cells.astype(dtype) + 1) * sizes
    # Coordinates of those beyond faces are moved onto them.
    ends = zip(domain.periodic, domain.lower, domain.upper, strict=True)
    centres = [x[:, d] if wraps else jnp.clip(x[:, d], low, high) for d, (wraps, low, high) in enumerate(ends)]
    for d, pair in enumerate(conditions.faces):
        for end, boundary in enumerate(pair):
            if boundary.periodic or boundary.copied or boundary.mirrored:
                continue  # as mirrored
            layer = cells[:, d] - half + 1 if end else -cells[:, d]
            outside = (layer > 0) & touches(mesh, leaves, d, end, 1)
            face = jnp.full((1, 1, 1), (domain.lower, domain.upper)[end][d], dtype)
            relation = conditions.relation(d, end, near, (*centres[:d], face, *centres[d + 1 :]), time)
            distance = 2 * (2 * jnp.maximum(layer, 1) - 1).astype(dtype) * sizes[:, d]
            near = jnp.where(outside, from_relation(relation, near, distance), near)
    return near


def touches(mesh: Mesh, leaves: Leaves, d: int, end: int, axes: int) -> Bool[Array, "blocks *ones lanes"]:
    """Which patches of a sweep lie at that face of the domain, with so many axes of length one for their cells."""
    return at_face(mesh, leaves, d, end).reshape(leaves.level.shape[0], *(1,) * axes, -1)


def cell_sizes_of_blocks(mesh: Mesh, leaves: Leaves, dtype) -> tuple[Float[Array, "blocks *ones lanes"], ...]:
    """Cell widths of the patches of a sweep, one array a dimension, shaped to go with their cells."""
    sizes = over_blocks(lambda leaves: cell_sizes(mesh, leaves, dtype), leaves)
    return tuple(sizes[:, d].reshape(sizes.shape[0], *(1,) * mesh.ndim, -1) for d in range(mesh.ndim))


def _split(values: Array, axis: int, layers: int, end: int) -> tuple[Array, Array]:
    """The outermost layers at the lower or upper end, and the rest."""
    inner = values.shape[axis] - layers
    outermost, rest = ((inner, 0), (0, layers)) if end else ((0, inner), (layers, 0))
    return cut(values, axis, *outermost), cut(values, axis, *rest)
