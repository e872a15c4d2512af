"""Filling the ghost cells of patches that lie beyond the faces of the domain."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.mesh import Mesh, along

from .boundary import Beyond, Relation, from_relation
from .conditions import Conditions
from .fusion import apart
from .halo import HaloPlan, window_places
from .leaves import Leaves, over_blocks
from .topology import cell_sizes, coordinates

Ghosted = Float[Array, "vars blocks *ghosted lanes"]


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
    mesh: Mesh,
    leaves: Leaves,
    values: Ghosted,
    ghost: int,
    time,
    conditions: Conditions,
    face: tuple[int, int],
) -> Ghosted:
    """The patches with the ghost cells beyond one face filled."""
    d, end = face
    boundary, variables = conditions.faces[d][end], conditions.variables
    axis, count = 2 + d, len(variables.names)
    old, rest = _split(values, axis, ghost, end)
    inside, _ = _split(rest, axis, ghost, end)
    mirrored = jnp.flip(inside, axis)
    # A mirror turns round the same rows in either kind of variables.
    convert = (_same, _same) if boundary.mirrored else (variables.primitive, variables.conserved)
    known = convert[0](mirrored)
    nearest = convert[0](_split(inside, axis, 1, end)[0])[:count]
    x, dx, distance = over_blocks(functools.partial(_places, mesh, ghost, face, values.dtype), leaves)
    signs, names, points = variables.signs(d), variables.names, variables.points
    beyond = Beyond(known[:count], nearest, x, dx, distance, time, signs, names, points, variables.vectors)
    # Coefficients beyond a wall are mirrored with the rest, those beyond any other face are what they are.
    behind = known[count:] if boundary.mirrored else old[count:]
    new = convert[1](jnp.concatenate([boundary.ghosts(beyond), behind]))
    slab = jnp.where(touches(mesh, leaves, d, end, mesh.ndim), new, old)
    return jnp.concatenate([rest, slab] if end else [slab, rest], axis=axis)


def face_relation(mesh: Mesh, leaves: Leaves, face: tuple[int, int], time, conditions: Conditions, dtype) -> Relation:
    """What the boundary beyond a face of the domain says about values and derivatives on the faces of cells there: see
    `Boundary.relation`; arrays `(vars, blocks, *face, lanes)`, of length one across the face. In patches that do not
    touch it they have no meaning."""
    d, end = face
    inner = jnp.arange(mesh.patch, dtype=dtype) + 0.5
    edge = jnp.full(1, mesh.patch if end else 0, dtype)
    offsets = tuple(edge if k == d else inner for k in range(mesh.ndim))
    x = over_blocks(lambda leaves: coordinates(mesh, leaves, offsets, dtype), leaves)
    shape = (len(conditions.variables.names), leaves.level.shape[0], *map(len, offsets), leaves.level.shape[-1])
    return conditions.relation(d, end, jnp.zeros(shape, dtype), x, time)


def mirror_boundaries(mesh: Mesh, leaves: Leaves, line, d: int, time, conditions: Conditions) -> Array:
    """The cells of a sweep with one layer of ghost cells along d, those beyond faces of the domain replaced by what
    gives the value or derivative that the boundary asks for: shape `(vars, blocks, *cells, lanes)`."""
    if mesh.domain.periodic[d]:
        return line
    axis = 2 + d
    dx = cell_sizes_of_blocks(mesh, leaves, line.dtype)[d]
    for end in (0, 1):
        old, rest = _split(line, axis, 1, end)
        relation = face_relation(mesh, leaves, (d, end), time, conditions, line.dtype)
        new = from_relation(relation, _split(rest, axis, 1, end)[0], dx)
        slab = jnp.where(touches(mesh, leaves, d, end, mesh.ndim), new, old)
        line = jnp.concatenate([rest, slab] if end else [slab, rest], axis=axis)
    return line


def mirror_windows(
    mesh: Mesh,
    leaves: Leaves,
    near: Float[Array, "vars blocks points lanes"],
    plan: HaloPlan,
    time,
    conditions: Conditions,
) -> Float[Array, "vars blocks points lanes"]:
    """The windows that rings are prolonged from (see `fill_ring`), with what gives the value or derivative
    that boundaries ask for beyond faces of the domain: interpolation between levels keeps its order at walls."""
    places = functools.partial(window_places, mesh, ghost=plan.ghost, margin=plan.margin)
    cells = over_blocks(places, leaves)
    sizes = over_blocks(lambda leaves: cell_sizes(mesh, leaves, near.dtype), leaves)
    half = mesh.patch // 2
    for d, pair in enumerate(conditions.faces):
        for end, boundary in enumerate(pair):
            if boundary.periodic or boundary.copied or boundary.mirrored:
                continue  # as mirrored
            layer = cells[:, d] - half + 1 if end else -cells[:, d]
            outside = (layer > 0) & touches(mesh, leaves, d, end, 1)
            x = tuple(
                _clipped(mesh, leaves, cells[:, k], sizes[:, k], k, None if k != d else end) for k in range(mesh.ndim)
            )
            distance = 2 * (2 * jnp.maximum(layer, 1) - 1).astype(near.dtype) * sizes[:, d][:, None]
            near = jnp.where(outside, from_relation(conditions.relation(d, end, near, x, time), near, distance), near)
    return near


def _clipped(mesh: Mesh, leaves: Leaves, cells, size, d: int, end: int | None):
    """Coordinates along dimension d of coarse cells of patches, those beyond the domain moved to its face; of the face
    itself at one `end`."""
    lower, upper = mesh.domain.lower[d], mesh.domain.upper[d]
    if end is not None:
        return jnp.full((1, 1, 1), upper if end else lower, size.dtype)
    corner = mesh.patch * leaves.position[:, d].astype(size.dtype)[:, None]
    x = lower + (corner + 2 * cells.astype(size.dtype) + 1) * size[:, None]
    return x if mesh.domain.periodic[d] else jnp.clip(x, lower, upper)


def touches(mesh: Mesh, leaves: Leaves, d: int, end: int, axes: int) -> Bool[Array, "blocks *ones lanes"]:
    """Which patches of a sweep lie at that face of the domain, with so many axes of length one for their cells."""
    last = (mesh.roots[d] << leaves.level) - 1
    found = leaves.position[:, d] == (last if end else jnp.zeros_like(last))
    return found.reshape(found.shape[0], *(1,) * axes, -1)


def cell_sizes_of_blocks(mesh: Mesh, leaves: Leaves, dtype) -> tuple[Float[Array, "blocks *ones lanes"], ...]:
    """Cell widths of the patches of a sweep, one array a dimension, shaped to go with their cells."""
    sizes = over_blocks(lambda leaves: cell_sizes(mesh, leaves, dtype), leaves)
    return tuple(sizes[:, d].reshape(sizes.shape[0], *(1,) * mesh.ndim, -1) for d in range(mesh.ndim))


def _same(values: Array) -> Array:
    return values


def _split(values: Array, axis: int, layers: int, end: int) -> tuple[Array, Array]:
    """The outermost layers at the lower or upper end, and the rest."""
    n = values.shape[axis]
    first, last = (n - layers, n) if end else (0, layers)
    rest = (0, n - layers) if end else (layers, n)
    return lax.slice_in_dim(values, first, last, axis=axis), lax.slice_in_dim(values, *rest, axis=axis)


def _places(mesh: Mesh, ghost: int, face: tuple[int, int], dtype, leaves: Leaves):
    """Coordinates of the ghost cells beyond a face, their widths, and their distances from it."""
    d, end = face
    layer = jnp.arange(ghost, dtype=dtype) + 0.5
    inner = jnp.arange(-ghost, mesh.patch + ghost, dtype=dtype) + 0.5
    outside = mesh.patch + layer if end else layer - ghost
    offsets = tuple(outside if k == d else inner for k in range(mesh.ndim))
    away = layer if end else layer[::-1]
    sizes = cell_sizes(mesh, leaves, dtype)
    widths = tuple(size.reshape(*(1,) * mesh.ndim, -1) for size in sizes)
    return coordinates(mesh, leaves, offsets, dtype), widths, along(away[:, None] * sizes[d], d, mesh.ndim)
