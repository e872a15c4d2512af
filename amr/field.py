"""A field on a mesh as a person handles it: the pool's data with the leaves they belong to, names and time."""

from __future__ import annotations

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from . import diagnostics, morton
from .errors import InvalidSettingError
from .forest import Forest
from .mesh import Mesh


class Patches(eqx.Module):
    """The leaf patches alone, as NumPy arrays with the patch index first, in Morton order.

    **Attributes:**

    - `values`: shape `(patches, vars, *cells)`, the cell axes in the order x, y, z.
    - `level`: shape `(patches,)`; `position`: integer position on the patch's own level, shape `(patches, ndim)`.
    - `lower`, `upper`: corners, shape `(patches, ndim)`; `dx`: cell widths, shape `(patches, ndim)`.
    """

    values: np.ndarray
    level: np.ndarray
    position: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    dx: np.ndarray

    def centres(self, d: int) -> np.ndarray:
        """Cell-centre coordinates along dimension d, shape `(patches, n)`."""
        n = self.values.shape[2 + d]
        return self.lower[:, d, None] + (np.arange(n) + 0.5) * self.dx[:, d, None]


class Field(eqx.Module):
    """Cell values of one or more variables on an adaptive mesh at one time.

    **Attributes:**

    - `mesh`: the `Mesh`; `forest`: its leaves.
    - `data`: the pool, shape `(vars, *cells, capacity)`; empty slots hold zeros.
    - `names`: one a variable; `time`: of the data; `step`: how many steps led to it.
    """

    mesh: Mesh = eqx.field(static=True)
    forest: Forest
    data: Float[Array, "vars *cells patches"]
    names: tuple[str, ...] = eqx.field(static=True)
    time: Float[Array, ""] | float = 0.0
    step: int = 0

    @property
    def count(self) -> int:
        """How many leaf patches there are."""
        return int(self.forest.count)

    @property
    def cells(self) -> int:
        """How many cells the leaves have."""
        return self.count * self.mesh.cells_per_patch

    def index(self, name: str | int = 0) -> int:
        """The number of a variable, by its name."""
        if isinstance(name, int | np.integer) and not 0 <= name < len(self.names):
            raise InvalidSettingError("variable", f"no variable {name} here; there are {len(self.names)}")
        if isinstance(name, int | np.integer):
            return int(name)
        if name not in self.names:
            raise InvalidSettingError("variable", f"no variable {name!r} here; there are {', '.join(self.names)}")
        return self.names.index(name)

    def patches(self) -> Patches:
        """The leaves on the host."""
        n = self.count
        # Cut on the host: JAX would compile a slice for every new number of patches.
        level = np.asarray(self.forest.level)[:n]
        position = np.asarray(self.forest.position)[:, :n].T
        values = np.moveaxis(np.asarray(self.data)[..., :n], -1, 0)
        dx = np.asarray(self.mesh.cell_size(0)) / 2.0 ** level[:, None]
        lower = np.asarray(self.mesh.domain.lower) + position * self.mesh.patch * dx
        return Patches(values, level, position, lower, lower + self.mesh.patch * dx, dx)

    def integral(self, name: str | int = 0) -> float:
        """The volume integral of a variable, summed in float64."""
        patches = self.patches()
        sums = patches.values[:, self.index(name)].reshape(self.count, -1).sum(1, dtype=np.float64)
        return float(sums @ patches.dx.prod(1))

    def minimum(self, name: str | int = 0) -> float:
        return float(diagnostics.minimum(self.forest, self.data)[self.index(name)])

    def maximum(self, name: str | int = 0) -> float:
        return float(diagnostics.maximum(self.forest, self.data)[self.index(name)])

    def sample(self, points: np.ndarray, name: str | int = 0) -> np.ndarray:
        """Values of the cells that contain the points (piecewise constant), NaN outside the domain.

        `points` has shape `(..., ndim)` (in 1D also `(...)`).
        """
        slot, cell = self.locate(points)
        inside = slot >= 0
        values = np.asarray(self.data[self.index(name)])
        found = values[(*np.where(inside, np.moveaxis(cell, -1, 0), 0), np.where(inside, slot, 0))]
        return np.where(inside, found, np.nan)

    def levels(self, points: np.ndarray) -> np.ndarray:
        """Levels of the leaves that contain the points, -1 outside the domain."""
        slot, _ = self.locate(points)
        return np.where(slot >= 0, np.asarray(self.forest.level)[slot], -1)

    def locate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each point, the slot of its leaf (-1 outside the domain) and its cell there, shape `(..., ndim)`."""
        mesh = self.mesh
        points = np.asarray(points, np.float64)
        points = points[..., None] if mesh.ndim == 1 and points.shape[-1:] != (1,) else points
        fine = (points - mesh.domain.lower) / np.asarray(mesh.cell_size(mesh.max_level))
        size = np.asarray(mesh.cells) * 2**mesh.max_level
        inside = ((fine >= 0) & (fine <= size)).all(-1)
        cell = np.clip(np.nan_to_num(fine), 0, size - 1).astype(np.int64)
        level, position = np.asarray(self.forest.level)[: self.count], np.asarray(self.forest.position)[:, : self.count]
        keys = morton.encode(position.astype(np.int64) << (mesh.max_level - level), mesh.key_bits)
        query = morton.encode(np.moveaxis(cell // mesh.patch, -1, 0), mesh.key_bits)
        slot = np.searchsorted(keys, query, side="right") - 1
        local = (cell >> (mesh.max_level - level[slot])[..., None]) % mesh.patch
        return np.where(inside, slot, -1), local

    def uniform(self, name: str | int = 0, level: int | None = None) -> np.ndarray:
        """A variable on a uniform grid with the cells of a level (default: the finest), axes in the order x, y, z.

        Cells of coarser leaves are repeated, those of finer leaves averaged: the integral is that of the field.
        """
        mesh, patches = self.mesh, self.patches()
        level = mesh.max_level if level is None else level
        values = patches.values[:, self.index(name)]
        grid = np.zeros([n * 2**level for n in mesh.cells], np.result_type(values, np.float32))
        for own in np.unique(patches.level):
            leaves = patches.level == own
            _lay_out(grid, values[leaves], patches.position[leaves] * mesh.patch, level - int(own))
        return grid

    def plot(self, name: str | int = 0, **options):
        """A picture of a variable: see `amr.plot.plot`."""
        from .plot import plot

        return plot(self, name, **options)

    def save(self, path, **options) -> None:
        """Write the field to an HDF5 file that yt, ParaView and PyVista open: see `amr.io.write`."""
        from .io import write

        write(self, path, **options)


def _lay_out(grid: np.ndarray, values: np.ndarray, corner: np.ndarray, finer: int) -> None:
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
