"""Data on a uniform grid, brought to other grids so that their integrals stay, or looked up at points."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from amr.errors import InvalidSettingError
from amr.mesh import Forest, Mesh
from amr.names import AXES

from .field import Field
from .resample import uniform

MOST_CELLS = 2**24  # of a uniform grid that is made of a field, or that a mesh looks data up in
NEAR = 1e-9  # of the length of a domain


class Gridded(eqx.Module):
    """Averages of variables over the cells of a uniform grid, such as measured or computed elsewhere.

    `Simulation.run(Gridded(..), t_end)` begins with it: the average in each cell of the mesh is that of the cells it
    covers, in proportion, so that integrals stay (first order where cells are cut, exact where grids fit). Where a
    function of position is asked for, `Gridded` of one variable is one: linear between the centres of cells along each
    dimension, beyond the outermost centres constant.

    **Arguments:**

    - `values`: an array `(*cells)` with the axes in the order x, y, z, or a dictionary with one for each variable.
    - `lower`, `upper`: corners of the grid, one number a dimension.

    Raises `InvalidSettingError` where these do not go together, or values are not finite.
    """

    values: Float[Array, " vars *cells"]
    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)  # none of a single array

    def __init__(self, values: Any, lower: Any, upper: Any):
        named = values if isinstance(values, dict) else {"": values}
        arrays = {name: np.asarray(array, np.float64) for name, array in named.items()}
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) != 1 or not all(shapes.copy().pop()):
            found = ", ".join(map(str, shapes)) or "none"
            raise InvalidSettingError("values", f"expected arrays of one shape with cells along each axis, got {found}")
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                where = np.argwhere(~np.isfinite(array))[0].tolist()
                text = f"{name or 'the array'} has {array[tuple(where)]} in cell {where}; fill what is missing first"
                raise InvalidSettingError("values", text)
        self.lower, self.upper = (tuple(map(float, np.atleast_1d(corner))) for corner in (lower, upper))
        ndim = len(shapes.copy().pop())
        if not len(self.lower) == len(self.upper) == ndim or not np.less(self.lower, self.upper).all():
            corners = f"got lower = {list(self.lower)}, upper = {list(self.upper)} for {ndim} axes"
            raise InvalidSettingError("upper", f"expected corners of a box, one number for each axis, {corners}")
        self.names = tuple(name for name in arrays if name)
        self.values = jnp.asarray(np.stack(list(arrays.values())))

    @classmethod
    def of_field(cls, field: Field) -> Gridded:
        """The cells of a field, on the uniform grid of its finest level (or one with at most 16 million cells)."""
        mesh = field.mesh
        level = mesh.max_level
        while level and math.prod(mesh.cells) * 2 ** (mesh.ndim * level) > MOST_CELLS:
            level -= 1
        values = {name: uniform(field, name, level) for name in field.names}
        return cls(values, mesh.domain.lower, mesh.domain.upper)

    @classmethod
    def of_dataset(cls, dataset: Any) -> Gridded:
        """An xarray `Dataset` (or `DataArray` with a name) on evenly spaced cell centres `x`, `y`, `z`."""
        dataset = dataset if hasattr(dataset, "data_vars") else dataset.to_dataset()
        axes = [axis for axis in AXES if axis in dataset.dims]
        corners = [_corners(axis, np.asarray(dataset[axis], np.float64)) for axis in axes]
        arrays = {str(name): np.asarray(v.transpose(*axes)) for name, v in dataset.data_vars.items() if v.ndim}
        return cls(arrays, *zip(*corners, strict=True))

    @classmethod
    def load(cls, path: str | os.PathLike, lower: Any, upper: Any) -> Gridded:
        """From a file of NumPy's: `*.npy` with one array, or `*.npz` with arrays by name, among which there may be
        `lower` and `upper` in the place of those given here. Raises `InvalidSettingError` for what cannot be read."""
        try:
            found = np.load(path, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return cls(found, lower, upper)
            arrays = {name: found[name] for name in found.files}
        except (OSError, ValueError) as error:
            raise InvalidSettingError("values", f"{path} cannot be read: {error}") from error
        return cls(arrays, arrays.pop("lower", lower), arrays.pop("upper", upper))

    # As a function it is known by being the same object, like any other.
    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def cells(self) -> tuple[int, ...]:
        """How many there are along each axis."""
        return self.values.shape[1:]

    def __call__(self, *x: Any) -> Array:
        """The (first) variable at points."""
        if len(x) < len(self.cells):
            raise InvalidSettingError("values", f"has {len(self.cells)} axes and was asked for a point in {len(x)}")
        grid, share, index = self.values[0], [], []
        for d, n in enumerate(self.cells):
            at = jnp.asarray(x[d])
            place = (at - self.lower[d]) * (n / (self.upper[d] - self.lower[d])) - 0.5
            place = jnp.clip(place, 0, n - 1)
            first = jnp.clip(jnp.floor(place).astype(jnp.int32), 0, max(n - 2, 0))
            index.append(first)
            share.append(jnp.asarray(place - first.astype(place.dtype), grid.dtype))
        return _between(grid, index, share).astype(jnp.result_type(*x))

    def on(self, mesh: Mesh) -> GriddedLevels:
        """The averages over the cells of all levels of a mesh. Raises `InvalidSettingError` where the grid does not
        cover the domain."""
        domain = mesh.domain
        if mesh.ndim != len(self.cells):
            raise InvalidSettingError("initial", f"has {len(self.cells)} dimensions, the domain has {mesh.ndim}")
        slack = NEAR * np.array(domain.lengths)
        if (np.array(self.lower) > domain.lower + slack).any() or (np.array(self.upper) < domain.upper - slack).any():
            have, need = (f"{list(low)} to {list(up)}" for low, up in ((self.lower, self.upper), _ends(mesh)))
            raise InvalidSettingError("initial", f"covers {have}, expected all of the domain, {need}")
        levels = []
        for level in range(mesh.max_level + 1):
            if level and math.prod(mesh.cells) * 2 ** (mesh.ndim * level) > MOST_CELLS:
                break
            grid = np.asarray(self.values, np.float64)
            for d, n in enumerate(mesh.cells):
                grid = remapped(grid, 1 + d, (self.lower[d], self.upper[d]), _ends(mesh, d), n * 2**level)
            levels.append(grid.reshape(len(grid), -1))
        return GriddedLevels(jnp.asarray(np.concatenate(levels, axis=1)), self.names, len(levels))


class GriddedLevels(eqx.Module):
    """Averages over the cells of the levels of a mesh, the finest ones apart where these would be too many.

    **Attributes:** `values`: level by level, row-major, shape `(vars, cells)`; `names`; `levels`: how many.
    """

    values: Float[Array, "vars cells"]
    names: tuple[str, ...] = eqx.field(static=True)
    levels: int = eqx.field(static=True)

    def of_leaves(self, mesh: Mesh, forest: Forest, dtype) -> Float[Array, "vars *cells patches"]:
        """The cells of all patches of a forest; zero in empty slots."""
        level = jnp.minimum(forest.level, self.levels - 1)
        beyond = forest.level - level
        sizes = [math.prod(mesh.cells) * 2 ** (mesh.ndim * k) for k in range(self.levels)]
        place = jnp.asarray(np.concatenate([[0], np.cumsum(sizes)[:-1]]), jnp.int32)[level]
        number = jnp.zeros((1,) * mesh.ndim + (1,), jnp.int32)
        for d in range(mesh.ndim):
            cells = np.arange(mesh.patch, dtype=np.int32).reshape([-1 if k == d else 1 for k in range(mesh.ndim + 1)])
            along = (forest.position[d] * mesh.patch + cells) >> beyond
            number = number * (mesh.cells[d] << level) + along
        return jnp.where(forest.active, jnp.asarray(self.values, dtype)[:, place + number], 0)


def remapped(values: np.ndarray, axis: int, given: tuple, wanted: tuple, count: int) -> np.ndarray:
    """Averages over so many equal cells between the ends `wanted`, of averages over the cells between those `given`."""
    n = values.shape[axis]
    ratio = (wanted[1] - wanted[0]) / count / ((given[1] - given[0]) / n)  # the cells wanted, in those given
    start = (wanted[0] - given[0]) / (given[1] - given[0]) * n
    values, first = np.moveaxis(values, axis, -1), round(start)
    fits = abs(start - first) < NEAR * n
    wide, narrow = round(ratio), round(1 / ratio)
    if fits and wide >= 1 and abs(ratio - wide) * count < NEAR * n:
        part = values[..., first : first + wide * count]
        new = part.reshape(*part.shape[:-1], count, wide).mean(-1)
    elif fits and narrow >= 1 and abs(1 / ratio - narrow) * n < NEAR * count and count % narrow == 0:
        new = np.repeat(values[..., first : first + count // narrow], narrow, axis=-1)
    else:
        total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
        place = np.clip(start + ratio * np.arange(count + 1), 0, n)
        cell = np.minimum(place.astype(int), n - 1)
        new = np.diff(total[..., cell] + (place - cell) * values[..., cell]) / ratio
    return np.moveaxis(new, -1, axis)


def _between(grid: Array, index: Sequence[Array], share: Sequence[Array]) -> Array:
    """Linear along each axis, `share` of the way from one cell to the next."""

    def along(d: int, cells: tuple) -> Array:
        if d == len(index):
            return grid[cells]
        low = along(d + 1, (*cells, index[d]))
        if grid.shape[d] == 1:
            return low
        return low + share[d] * (along(d + 1, (*cells, index[d] + 1)) - low)

    return along(0, ())


def _corners(axis: str, centres: np.ndarray) -> tuple[float, float]:
    """The ends of a grid with these cell centres along an axis."""
    steps = np.diff(centres)
    if len(steps) == 0 or not (steps > 0).all() or np.ptp(steps) > 1e-6 * steps.mean():
        raise InvalidSettingError("values", f"expected two or more evenly spaced, rising cell centres along {axis}")
    half = 0.5 * (centres[-1] - centres[0]) / len(steps)
    return float(centres[0] - half), float(centres[-1] + half)


def _ends(mesh: Mesh, d: int | None = None) -> tuple:
    """Of the domain, along one dimension."""
    domain = mesh.domain
    return (domain.lower, domain.upper) if d is None else (domain.lower[d], domain.upper[d])
