"""A variable in the plane of a picture as a smooth function: what contours and streamlines are drawn of.

The cells as they are would give them steps, and between levels jumps. So values are taken level by level, from the
coarsest on: what there are no leaves for comes from the level below, by linear interpolation between its cells.
"""

import numpy as np

from amr.field import Field, centres, coarsened
from amr.mesh import locate

from .section import Section, seen_level


def smooth(section: Section, index: int) -> np.ndarray:
    """A variable on a uniform grid in the plane of a picture, at the points of `smooth_sides`, as rows of columns."""
    whole = section.field
    alone = Field(whole.mesh, whole.forest, whole.data[index : index + 1], whole.names[index : index + 1])
    grid, _ = _cells(section, coarsened(alone, 0), 0)
    for level in range(1, _finest(section) + 1):
        values, levels = _cells(section, coarsened(alone, level), level)
        grid = np.where(levels == level, values, _finer(section, grid))
    return grid


def smooth_sides(section: Section) -> list[np.ndarray]:
    """The coordinates of the points of `smooth` along both axes of the picture, evenly spaced."""
    return [centres(section.field.mesh, d, _finest(section)) for d in section.dims]


def to_the_edges(section: Section, grid: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """The same with a row and a column more on each side, on the edges of the domain; the coordinates and the grid."""
    sides = [
        np.concatenate([[low], side, [up]])
        for side, (low, up) in zip(smooth_sides(section), section.extent, strict=True)
    ]
    for axis in (0, 1):
        wide = np.moveaxis(_padded(section, grid, axis), axis, 0)
        ends = (wide[:1] + wide[1:2]) / 2, (wide[-2:-1] + wide[-1:]) / 2
        grid = np.moveaxis(np.concatenate([ends[0], wide[1:-1], ends[1]]), 0, axis)
    return sides, grid


def _finest(section: Section) -> int:
    """The finest level that there is, and whose cells can be seen."""
    return min(seen_level(section.field.mesh), int(np.asarray(section.field.forest.level).max()))


def _cells(section: Section, field: Field, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Values at the cell centres of a level in the plane, and the levels of the leaves there, as rows of columns."""
    mesh, across, data = field.mesh, section.axis, np.asarray(field.data)[0]
    sides = [np.array([section.at]) if d == across else centres(mesh, d, level) for d in range(mesh.ndim)]
    slot, _ = locate(mesh, field.forest, np.ix_(*sides))
    values: np.ndarray = np.zeros(slot.shape)
    for weight, at in _layers(section, level):
        places = [np.array([at]) if d == across else side for d, side in enumerate(sides)]
        of, cell = locate(mesh, field.forest, np.ix_(*places))
        values = values + weight * data[(*cell, of)]
    levels = np.asarray(field.forest.level)[slot]
    if across is not None:
        values, levels = np.squeeze(values, across), np.squeeze(levels, across)
    return values.T, levels.T


def _layers(section: Section, level: int) -> list[tuple[float, float]]:
    """The layers of cells on either side of a slice: their weights in it, and where their centres are."""
    if section.axis is None:
        return [(1.0, 0.0)]
    at = centres(section.field.mesh, section.axis, level)
    upper = int(np.clip(np.searchsorted(at, section.at), 1, max(len(at) - 1, 1)))
    if len(at) == 1:
        return [(1.0, at[0])]
    weight = float(np.clip((section.at - at[upper - 1]) / (at[upper] - at[upper - 1]), 0, 1))
    return [(1 - weight, at[upper - 1]), (weight, at[upper])]


def _finer(section: Section, grid: np.ndarray) -> np.ndarray:
    """A grid with twice the cells along both axes, by linear interpolation between centres."""
    for axis in (0, 1):
        wide = np.moveaxis(_padded(section, grid, axis), axis, 0)
        halves = [(3 * wide[1:-1] + wide[:-2]) / 4, (3 * wide[1:-1] + wide[2:]) / 4]
        grid = np.moveaxis(np.stack(halves, 1).reshape(-1, *wide.shape[1:]), 0, axis)
    return grid


def _padded(section: Section, grid: np.ndarray, axis: int) -> np.ndarray:
    """With a cell more on both sides along an axis: from the other side where it is periodic, or linearly onwards."""
    width = [(1, 1) if k == axis else (0, 0) for k in (0, 1)]
    d = section.dims[1 - axis]  # rows go along the second axis of the picture
    if section.field.mesh.domain.periodic[d]:
        return np.pad(grid, width, mode="wrap")
    if grid.shape[axis] == 1:
        return np.pad(grid, width, mode="edge")
    return np.pad(grid, width, mode="reflect", reflect_type="odd")
