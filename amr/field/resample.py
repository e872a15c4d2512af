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
    for own in np.unique(patches.level):
        leaves = patches.level == own
        lay_out(grid, values[leaves], patches.position[leaves] * mesh.patch, level - int(own))
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
    forest = Forest(
        jnp.asarray(kept[first], jnp.int32), jnp.asarray(position[first].T, jnp.int32), jnp.int32(len(first))
    )
    return Field(mesh, forest, jnp.asarray(data), field.names, field.time, field.step)


def mean_into(data: np.ndarray, values: np.ndarray, position: np.ndarray, slot: np.ndarray, factor: int) -> None:
    """Add to a pool the patches' means over blocks of `factor` cells a side, at their places in the leaves `slot`."""
    ndim, n = position.shape[1], values.shape[-1]
    index = []
    for d in range(ndim):
        cell = (position[:, d, None] * n + np.arange(n)) // factor % n
        index.append(cell.reshape(len(cell), *(-1 if k == d else 1 for k in range(ndim))))
    slots = slot.reshape(-1, *(1,) * ndim)
    for v in range(len(data)):
        np.add.at(data[v], (*index, slots), values[:, v] / factor**ndim)


def lay_out(grid: np.ndarray, values: np.ndarray, corner: np.ndarray, finer: int) -> None:
    """Add patches of one level to a uniform grid that is `finer` levels finer (or coarser, if negative)."""
    ndim, n = grid.ndim, values.shape[1]
    factor = 2 ** abs(finer)
    for d in range(ndim) if finer > 0 else ():
        values = np.repeat(values, factor, axis=1 + d)
    index = []
    for d in range(ndim):
        cell = corner[:, d, None] + np.arange(n)
        cell = cell // factor if finer < 0 else (corner[:, d, None] * factor + np.arange(n * factor))
        index.append(cell.reshape(len(cell), *(-1 if k == d else 1 for k in range(ndim))))
    weight = 1 / factor**ndim if finer < 0 else 1
    np.add.at(grid, tuple(index), weight * values)
