"""A field on other grids: uniform ones of any level, xarray's datasets, and meshes without the finest leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from amr.errors import InvalidSettingError
from amr.mesh import Forest, Mesh, encode
from amr.names import AXES

from .field import Field

if TYPE_CHECKING:
    import xarray


def uniform(field: Field, name: str | int = 0, level: Any = None) -> np.ndarray:
    """A variable on a uniform grid with the cells of a level: see `Field.uniform`."""
    mesh, patches = field.mesh, field.patches()
    level = checked_level(mesh, level)
    values = patches.values[:, field.index(name)]
    grid = np.zeros([n * 2**level for n in mesh.cells], np.result_type(values, np.float32))
    lay_out(grid, values, patches.position * mesh.patch, level - patches.level)
    return grid


def checked_level(mesh: Mesh, level: Any) -> int:
    """A level as a number, by default the finest. Raises `InvalidSettingError` for what is none."""
    if level is None:
        return mesh.max_level
    if not isinstance(level, int | np.integer) or level < 0:
        raise InvalidSettingError("level", f"expected a whole number from 0 (the root grid) on, got {level!r}")
    return int(level)


def centres(mesh: Mesh, d: int, level: int) -> np.ndarray:
    """Cell centres along dimension d of the uniform grid of a level."""
    n = mesh.cells[d] * 2**level
    return mesh.domain.lower[d] + (np.arange(n) + 0.5) * (mesh.domain.lengths[d] / n)


def to_xarray(field: Field, level: Any = None, names: Sequence[str | int] | None = None) -> xarray.Dataset:
    """Variables on the uniform grid of a level as a dataset: see `Field.to_xarray`."""
    try:
        import xarray
    except ImportError as error:
        raise ImportError("to_xarray needs xarray: pip install 'amrax[xarray]'") from error
    level, mesh = checked_level(field.mesh, level), field.mesh
    chosen = [field.names[field.index(name)] for name in (field.names if names is None else names)]
    axes = AXES[: mesh.ndim]
    sides = {axis: (axis, centres(mesh, d, level), {"description": "cell centres"}) for d, axis in enumerate(axes)}
    # z, y, x, as usual for datasets: xarray draws the last dimension to the right.
    dims = tuple(reversed(axes))
    values = {name: (dims, uniform(field, name, level).T, {"long_name": name}) for name in chosen}
    attributes = {"step": int(field.step), "level": level, "max_level": mesh.max_level, "patches": field.count}
    return xarray.Dataset(values, sides | {"time": float(field.time)}, attributes | {"source": "Amrax"})


def coarsened(field: Field, level: Any) -> Field:
    """The field without leaves finer than a level: see `Field.coarsened`."""
    mesh, leaves = field.mesh, field.patches()
    level = checked_level(mesh, level)
    kept = np.minimum(leaves.level, level)
    factor = 2 ** (leaves.level - kept)
    position = leaves.position // factor[:, None]
    keys = encode(position.T.astype(np.int64) << (mesh.max_level - kept))
    _, first, target = np.unique(keys, return_index=True, return_inverse=True)
    data = np.zeros((len(field.names), *mesh.patch_shape, len(first)), leaves.values.dtype)
    for own in np.unique(factor):
        mean_into(data, leaves.values[factor == own], leaves.position[factor == own], target[factor == own], int(own))
    places = (jnp.asarray(numbers, jnp.int32) for numbers in (kept[first], position[first].T, len(first)))
    return Field(mesh, Forest(*places), jnp.asarray(data), field.names, field.time, field.step, field.units)


def mean_into(data: np.ndarray, values: np.ndarray, position: np.ndarray, slot: np.ndarray, factor: int) -> None:
    """Add to a pool the patches' means over blocks of `factor` cells a side, at their places in the leaves `slot`."""
    ndim, n = position.shape[1], values.shape[-1]
    index = _crossed([(corner[:, None] * n + np.arange(n)) // factor % n for corner in position.T])
    slots = slot.reshape(-1, *(1,) * ndim)
    for v in range(len(data)):
        np.add.at(data[v], (*index, slots), values[:, v] / factor**ndim)


def lay_out(grid: np.ndarray, values: np.ndarray, corner: np.ndarray, finer: np.ndarray) -> None:
    """Add patches to a uniform grid that is `finer` levels finer than each of them (or coarser, if negative)."""
    for levels in np.unique(finer)[::-1].tolist():  # from coarse patches to fine ones
        some, up, down = finer == levels, 2 ** max(levels, 0), 2 ** max(-levels, 0)
        part, cells = values[some], np.arange(values.shape[1] * up)
        for d in range(grid.ndim) if up > 1 else ():
            part = np.repeat(part, up, axis=1 + d)
        index = _crossed([(first[:, None] * up + cells) // down for first in corner[some].T])
        np.add.at(grid, index, part / down**grid.ndim)


def _crossed(cells: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Numbers of cells along each dimension, shape `(patches, n)`, as an index of all cells of the patches."""
    return tuple(c.reshape(len(c), *(-1 if k == d else 1 for k in range(len(cells)))) for d, c in enumerate(cells))
