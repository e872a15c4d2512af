"""A field on a mesh as a person handles it: the pool's data with the leaves they belong to, names and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from amr.mesh import Forest, Mesh, locate
from amr.names import find_variable

from .units import NO_UNITS, Units

if TYPE_CHECKING:
    from .line import Line
    from .plane import Plane
    from .profile import Profile


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
    - `units`: of the numbers, see `Units`.
    """

    mesh: Mesh = eqx.field(static=True)
    forest: Forest
    data: Float[Array, "vars *cells patches"]
    names: tuple[str, ...] = eqx.field(static=True)
    time: Float[Array, ""] | float = 0.0
    step: int = 0
    units: Units = eqx.field(static=True, default=NO_UNITS)

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
        return find_variable(self.names, name)

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
        return float(self._leaves_of(name).min())

    def maximum(self, name: str | int = 0) -> float:
        return float(self._leaves_of(name).max())

    def _leaves_of(self, name: str | int) -> np.ndarray:
        """A variable in the leaves, on the host, shape `(*cells, patches)`."""
        return np.asarray(self.data)[self.index(name), ..., : self.count]

    def sample(self, points: ArrayLike, name: str | int = 0) -> np.ndarray:
        """Values of the cells that contain the points (piecewise constant), NaN outside the domain.

        `points` has shape `(..., ndim)` (in 1D also `(...)`).
        """
        slot, cell = self.locate(points)
        inside = slot >= 0
        values = np.asarray(self.data)[self.index(name)]
        found = values[(*np.where(inside, np.moveaxis(cell, -1, 0), 0), np.where(inside, slot, 0))]
        return np.where(inside, found, np.nan)

    def levels(self, points: ArrayLike) -> np.ndarray:
        """Levels of the leaves that contain the points, -1 outside the domain."""
        slot, _ = self.locate(points)
        return np.where(slot >= 0, np.asarray(self.forest.level)[slot], -1)

    def locate(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """For each point, the slot of its leaf (-1 outside the domain) and its cell there, shape `(..., ndim)`."""
        at = np.asarray(points, np.float64)
        at = at[..., None] if self.mesh.ndim == 1 and at.shape[-1:] != (1,) else at
        slot, cell = locate(self.mesh, self.forest, tuple(at.reshape(-1, self.mesh.ndim).T))
        return slot.reshape(at.shape[:-1]), np.stack(cell, axis=-1).reshape(at.shape)

    def with_units(self, units: Units) -> Field:
        """The field with other units of the same numbers."""
        return Field(self.mesh, self.forest, self.data, self.names, self.time, self.step, units)

    def with_variable(self, name: str, values: Any) -> Field:
        """The field with one more variable, the last; one of the same name is replaced.

        **Arguments:**

        - `values`: a function of variables, coordinates (`x`, `y`, `z`) and time (`t`), which it asks for by the
          names of its arguments: `field.with_variable("speed", lambda momentum, density: momentum / density)`. It
          gets NumPy arrays that broadcast to `(*cells, patches)`. Or an array of that shape, or of the pool's.

        Raises `InvalidSettingError` for an argument that is none of these and for arrays of other shapes.
        """
        from .derived import with_variable

        return with_variable(self, name, values)

    def uniform(self, name: str | int = 0, level: Any = None) -> np.ndarray:
        """A variable on a uniform grid with the cells of a level (default: the finest), axes in the order x, y, z.

        Cells of coarser leaves are repeated, those of finer leaves averaged: the integral is that of the field.
        """
        from .resample import uniform

        return uniform(self, name, level)

    def to_xarray(self, level: Any = None, names: Sequence[str | int] | None = None):
        """All variables, or those named, on the uniform grid of a level as an `xarray.Dataset`.

        The values are those of `uniform`, over the cell centres `z`, `y`, `x` in that order, so that
        `dataset.phi.plot()` draws x to the right; `time` is a scalar coordinate. Raises `ImportError` without xarray
        (`pip install 'amrax[xarray]'`).
        """
        from .resample import to_xarray

        return to_xarray(self, level, names)

    def coarsened(self, level: Any) -> Field:
        """The field without leaves finer than `level`: their means take their place, so integrals stay."""
        from .resample import coarsened

        return coarsened(self, level)

    def line(
        self, start: Any = None, end: Any = None, *, x: Any = None, y: Any = None, z: Any = None, samples: Any = None
    ) -> Line:
        """The field along a straight line: a `Line` of distances, points, values and levels.

        **Arguments:**

        - `start`, `end`: two points of the domain, each of `ndim` coordinates.
        - `x`, `y`, `z`: instead of these, all coordinates but one: `field.line(y=0.5)` runs along x from one end of
          the domain to the other. In 1D `field.line()` is the whole field.
        - `samples`: how many points to take, evenly spaced with both ends; by default each cell that the line crosses
          comes once, with the length of the stretch within it. A line on a face sees the upper cells.

        Raises `InvalidSettingError` for points outside the domain.
        """
        from .line import line

        return line(self, start, end, samples, {"x": x, "y": y, "z": z})

    def slice(self, axis: Any = "z", at: Any = None, name: str | int = 0) -> Plane:
        """A variable of a field in 3D on a plane, as a `Plane`: an array with coordinates.

        The plane is perpendicular to `axis` (`"x"` or 0, ...) at the coordinate `at` (default: the middle). It has the
        cells of the finest level. Raises `InvalidSettingError` in 1D and 2D, and outside the domain.
        """
        from .plane import slice_at

        return slice_at(self, axis, at, name)

    def projection(self, axis: Any = "z", name: str | int = 0, level: Any = None) -> Plane:
        """The integral of a variable along an axis, as a `Plane`: a function of the axes that are left.

        It is exact for the field, which is constant in each cell; at a `level` coarser than the finest, the mean over
        the cells of that level. The integral of the projection is that of the field. For 2D and 3D.
        """
        from .plane import projection

        return projection(self, axis, name, level)

    def profile(self, x: Any, y: Any = None, *, bins: Any = 64, weight: Any = None) -> Profile:
        """Weighted means of one quantity in bins of another, as a `Profile`.

        **Arguments:**

        - `x`, `y`: variables by name, coordinates (`"x"`), functions as for `with_variable`, or `amr.profile.Radius`.
          Without `y` the result is a histogram: how much volume (or weight) each bin has.
        - `bins`: a number of equal bins over all values of `x`, or edges in rising order (cells outside are left out).
        - `weight`: cells count by their volume times this quantity (say the density), by default by volume alone.
        """
        from .profile import profile as made

        return made(self, x, y, bins, weight)

    def plot(self, name: str | int = 0, **options):
        """A picture of a variable: see `amr.plot.plot`."""
        from amr.pictures import plot

        return plot.plot(self, name, **options)

    def to_pyvista(self):
        """All leaf cells as a `pyvista.UnstructuredGrid`: see `amr.render.to_pyvista`."""
        from amr.pictures import to_pyvista

        return to_pyvista(self)

    def save(self, path, **options) -> None:
        """Write the field to an HDF5 file that yt, ParaView and PyVista open: see `amr.io.write`."""
        from amr.files import write

        write(self, path, **options)

    def __repr__(self) -> str:
        from .describe import text

        return text(self)

    def _repr_html_(self) -> str | None:
        from .describe import html

        return html(self)
