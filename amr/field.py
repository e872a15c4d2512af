"""A field on a mesh as a person handles it: the pool's data with the leaves they belong to, names and time."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from . import diagnostics
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
        if isinstance(name, int):
            return name
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
        from . import forest as forests

        mesh = self.mesh
        points = np.asarray(points, np.float64)
        points = points[..., None] if mesh.ndim == 1 and points.shape[-1:] != (1,) else points
        fine = (points - mesh.domain.lower) / np.asarray(mesh.cell_size(mesh.max_level))
        size = np.asarray(mesh.cells) * 2**mesh.max_level
        inside = ((fine >= 0) & (fine <= size)).all(-1)
        cell = np.clip(np.nan_to_num(fine), 0, size - 1).astype(np.int64)
        keys = forests.keys(mesh, self.forest)
        slot = np.asarray(forests.find(mesh, keys, jnp.asarray(np.moveaxis(cell // mesh.patch, -1, 0), jnp.int32)))
        level = np.asarray(self.forest.level)[slot]
        local = (cell >> (mesh.max_level - level)[..., None]) % mesh.patch
        return np.where(inside, slot, -1), local

    def uniform(self, name: str | int = 0, level: int | None = None) -> np.ndarray:
        """A variable on a uniform grid with the cells of a level (default: the finest), axes in the order x, y, z.

        Each point takes the value of the leaf cell that holds its centre.
        """
        level = self.mesh.max_level if level is None else level
        sides = [
            low + (np.arange(n * 2**level) + 0.5) * dx
            for low, n, dx in zip(self.mesh.domain.lower, self.mesh.cells, self.mesh.cell_size(level), strict=True)
        ]
        return self.sample(np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1), name)

    def plot(self, name: str | int = 0, **options):
        """A picture of a variable: see `amr.plot.plot`."""
        from .plot import plot

        return plot(self, name, **options)

    def save(self, path, **options) -> None:
        """Write the field to an HDF5 file that yt, ParaView and PyVista open: see `amr.io.write`."""
        from .io import write

        write(self, path, **options)


def named(names: Sequence[str], count: int) -> tuple[str, ...]:
    """Check that there is one name for each variable."""
    if len(names) != count:
        raise InvalidSettingError("names", f"expected {count}, got {list(names)}")
    return tuple(names)
