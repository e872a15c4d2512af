"""What the mesh functions should give, by brute force on uniform grids over the whole domain, in NumPy."""

import numpy as np
from meshes import balanced_levels, blocks, dilated, finest, leaves_of, padded, repeated, window


def owners(mesh, forest) -> np.ndarray:
    """The slot of the leaf that covers each patch of the finest grid; fails unless exactly one does."""
    slots = np.full(finest(mesh), -1)
    for slot, level, position in leaves_of(forest):
        place = window(position, 2 ** (mesh.max_level - level))
        assert slots[place].size == 2 ** (mesh.ndim * (mesh.max_level - level)), "a leaf beyond the domain"
        assert (slots[place] == -1).all(), "two leaves in one place"
        slots[place] = slot
    assert (slots >= 0).all(), "a place without a leaf"
    return slots


def level_map(mesh, forest) -> np.ndarray:
    return np.asarray(forest.level)[owners(mesh, forest)]


def limited_slopes(centre, pairs):
    """Monotonized central; in 3D shrunk together until the corners of a cell stay within its neighbours' values."""
    slopes = []
    for minus, plus in pairs:
        left, right = centre - minus, plus - centre
        size = np.minimum(np.abs(left + right) / 2, 2 * np.minimum(np.abs(left), np.abs(right)))
        slopes.append(np.where(left * right > 0, np.sign(left) * size, 0))
    if len(pairs) == 3:
        nearby = np.stack([centre, *(value for pair in pairs for value in pair)])
        room = np.minimum(nearby.max(0) - centre, centre - nearby.min(0))
        reach = sum(np.abs(slope) for slope in slopes) / 4
        slopes = [slope * np.minimum(1, room / np.maximum(reach, 1e-300)) for slope in slopes]
    return slopes


def central_slopes(centre, pairs):
    return [(plus - minus) / 2 for minus, plus in pairs]


def prolonged(mesh, coarse: np.ndarray, slopes) -> np.ndarray:
    """Values `(vars, *cells)` of the whole domain on the next finer grid."""
    around = padded(coarse, mesh, 1, skip=1)
    pairs = []
    for axis in range(1, 1 + mesh.ndim):
        minus, plus = [[slice(None), *[slice(1, -1)] * mesh.ndim] for _ in range(2)]
        minus[axis], plus[axis] = slice(None, -2), slice(2, None)
        pairs.append((around[tuple(minus)], around[tuple(plus)]))
    fine = repeated(coarse, 2, skip=1)
    for axis, slope in enumerate(slopes(coarse, pairs), 1):
        shape = [-1 if k == axis else 1 for k in range(fine.ndim)]
        sign = np.where(np.arange(fine.shape[axis]) % 2, 1, -1).reshape(shape)
        fine = fine + sign * repeated(slope / 4, 2, skip=1)
    return fine


def composites(mesh, forest, u: np.ndarray, slopes) -> list:
    """The whole domain on the grid of every level: values of leaves, means of finer ones, prolonged coarser ones."""
    grids = [
        np.full((u.shape[0], *(n * 2**level for n in mesh.cells)), np.nan, u.dtype)
        for level in range(mesh.max_level + 1)
    ]
    for slot, level, position in leaves_of(forest):
        grids[level][(slice(None), *window(position, mesh.patch))] = u[..., slot]
    for level in reversed(range(mesh.max_level)):
        mean = blocks(grids[level + 1], 2, np.mean, skip=1)
        grids[level] = np.where(np.isnan(grids[level]), mean, grids[level])
    for level in range(mesh.max_level):
        fine = prolonged(mesh, grids[level], slopes)
        grids[level + 1] = np.where(np.isnan(grids[level + 1]), fine, grids[level + 1])
    return grids


def cut(mesh, forest, grids: list, ghost: int = 0) -> np.ndarray:
    """Patches of a forest cut out of grids of all levels, shape `(vars, *ghosted, count)`."""
    wide = [padded(grid, mesh, ghost, skip=1) for grid in grids]
    patches = []
    for _, level, position in leaves_of(forest):
        place = tuple(slice(p * mesh.patch, (p + 1) * mesh.patch + 2 * ghost) for p in position)
        patches.append(wide[level][(slice(None), *place)])
    return np.stack(patches, -1)


def cell_levels(mesh, forest) -> list:
    """For the cells of the grid of each level, the (highest) level of the leaves there."""
    levels = repeated(level_map(mesh, forest), mesh.patch)
    return [blocks(levels, 2 ** (mesh.max_level - level), np.max) for level in range(mesh.max_level + 1)]


def regridded_levels(mesh, forest, wishes, buffer) -> np.ndarray:
    """The level map after a regrid: the smallest balanced forest that grants every wish as far as one step goes."""
    wanted = np.zeros([n * 2**mesh.max_level for n in mesh.cells], int)
    for level, cells in np.ndindex(mesh.max_level + 1, mesh.patch // 2 + 1):
        patches = [(slot, place) for slot, own, place in leaves_of(forest) if (own, buffer[slot]) == (level, cells)]
        for wish, next_level in zip(wishes, (level + 1, level), strict=True):
            if patches and next_level <= mesh.max_level:
                marks = np.zeros([n * 2**level for n in mesh.cells], bool)
                for slot, position in patches:
                    marks[window(position, mesh.patch)] = np.asarray(wish)[..., slot]
                near = repeated(dilated(marks, mesh, cells), 2 ** (mesh.max_level - level))
                wanted = np.maximum(wanted, next_level * near)

    refined = [np.zeros([n * 2**level for n in mesh.roots], bool) for level in range(mesh.max_level)]
    for _, level, position in leaves_of(forest):
        target = wanted[window(position, mesh.patch * 2 ** (mesh.max_level - level))].max()
        if target > level:
            refined[level][position] = True
        if target >= level and level > 0:
            refined[level - 1][tuple(p // 2 for p in position)] = True
        if level > 1:  # one step coarser at most
            refined[level - 2][tuple(p // 4 for p in position)] = True
    return balanced_levels(mesh, refined)
