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


def faces(around: np.ndarray) -> tuple[np.ndarray, list]:
    """Of an array `(vars, *cells)` with two more layers of cells, the cells, and their neighbours in each dimension."""

    def moved(axis, by):
        inner = [slice(2, -2)] * (around.ndim - 1)
        return np.roll(around, -by, axis)[(slice(None), *inner)]

    return moved(1, 0), [(moved(axis, -1), moved(axis, 1)) for axis in range(1, around.ndim)]


def limited_linear(around: np.ndarray) -> np.ndarray:
    """Monotonized central slopes; in 3D shrunk together until the corners of a cell stay within its neighbours' values.

    Like all of these: from an array `(vars, *cells)` with two more layers of cells to one of the next finer grid.
    """
    centre, pairs = faces(around)
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
    fine = repeated(centre, 2, skip=1)
    for axis, slope in enumerate(slopes, 1):
        shape = [-1 if k == axis else 1 for k in range(fine.ndim)]
        sign = np.where(np.arange(fine.shape[axis]) % 2, 1, -1).reshape(shape)
        fine = fine + sign * repeated(slope / 4, 2, skip=1)
    return fine


def polynomial(around: np.ndarray, margin: int) -> np.ndarray:
    """In each dimension, the averages over both halves of a cell of the polynomial that has the given averages over
    the cells up to `margin` further, from the linear equations that say so."""
    degrees = np.arange(2 * margin + 1)

    def averages(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        powers = degrees + 1
        return (right[:, None] ** powers - left[:, None] ** powers) / powers / (right - left)[:, None]

    cells = np.arange(-margin, margin + 1.0)
    halves = averages(np.array([-0.5, 0.0]), np.array([0.0, 0.5]))
    weights = np.linalg.solve(averages(cells - 0.5, cells + 0.5).T, halves.T)
    for axis in range(1, around.ndim):
        near = np.lib.stride_tricks.sliding_window_view(np.moveaxis(around, axis, -1), 5, -1)
        both = near[..., 2 - margin : 3 + margin] @ weights
        around = np.moveaxis(both.reshape(*both.shape[:-2], -1), -1, axis)
    return around


def quadratic(around: np.ndarray) -> np.ndarray:
    return polynomial(around, 1)


def quartic(around: np.ndarray) -> np.ndarray:
    return polynomial(around, 2)


def limited_quartic(around: np.ndarray) -> np.ndarray:
    """The deviations of `quartic` shrunk to the values nearby, which are widened where the curvature keeps its sign."""
    ndim = around.ndim - 1
    axes = tuple(range(1, 1 + ndim))
    near = np.lib.stride_tricks.sliding_window_view(around, (5,) * ndim, axes)
    middle = near[(..., *[slice(1, 4)] * ndim)]
    inner = tuple(range(-ndim, 0))
    low, high = middle.min(inner), middle.max(inner)
    for axis in inner:
        line = near[(..., *[slice(None) if k == axis else 2 for k in inner])]
        second = np.diff(line, 2)
        low = low - np.clip(second.min(-1), 0, None) / 4
        high = high - np.clip(second.max(-1), None, 0) / 4
    centre = faces(around)[0]
    change = quartic(around) - repeated(centre, 2, skip=1)
    factor = np.ones_like(centre)
    for size, room in ((blocks(change, 2, np.max, 1), high - centre), (blocks(-change, 2, np.max, 1), centre - low)):
        factor = np.minimum(factor, np.where(size > room, room / np.maximum(size, 1e-300), 1))
    return repeated(centre, 2, skip=1) + repeated(factor, 2, skip=1) * change


def composites(mesh, forest, u: np.ndarray, refine) -> list:
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
        fine = refine(padded(grids[level], mesh, 2, skip=1))
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
