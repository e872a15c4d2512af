"""What can be measured of the state of a run, on the device: integrals, extrema, values at points.

A gauge reads a few numbers off the cells of a run; on the host it gives them names.
"""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from amr.grid import MoreRows, Store, cells_at, extrema, integrals, values_at
from amr.mesh import Forest
from solvers.equations import known_values

from .subject import Subject

Numbers = Float[Array, " numbers"]
Columns = dict[str, np.ndarray]


class Snapshot(eqx.Module):
    """The state as gauges see it: leaves, cells and time."""

    forest: Forest
    store: Store
    time: Float[Array, ""]


class Gauge(eqx.Module):
    """Reads numbers off a state."""

    @abc.abstractmethod
    def size(self, subject: Subject) -> int:
        """How many numbers."""

    @abc.abstractmethod
    def read(self, subject: Subject, scene: Snapshot) -> Numbers:
        """The numbers, in the precision of the run."""

    @abc.abstractmethod
    def named(self, subject: Subject, rows: np.ndarray) -> Columns:
        """What rows of such numbers, shape `(rows, size)`, say: for each name an array `(rows, ...)` in float64."""


class Whole(Gauge):
    """Two numbers for each variable, from all cells.

    **Attributes:** `names`, `functions`: derived variables, see `solvers.equations.derived`.
    """

    names: eqx.AbstractVar[tuple[str, ...]]
    functions: eqx.AbstractVar[tuple[Callable, ...]]

    def size(self, subject):
        return 2 * len(self.rows(subject))

    def rows(self, subject: Subject) -> tuple[str, ...]:
        """The variables by name."""
        return (*subject.equation.names, *self.names)

    def more(self, subject: Subject, scene: Snapshot) -> MoreRows | None:
        """What makes the derived ones."""
        if not self.functions:
            return None
        return lambda cells, x: jnp.stack(_derived(subject, scene, self.functions, cells, x))


class Totals(Whole):
    """The volume integral of each variable, exact but for the last rounding."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, subject, scene):
        return jnp.concatenate(integrals(subject.mesh, scene.forest, scene.store, self.more(subject, scene)))

    def named(self, subject, rows):
        high, low = np.split(rows.astype(np.float64), 2, axis=1)
        values = (high + low) * math.prod(subject.mesh.cell_size(0))
        return {f"{name}_integral": values[:, i] for i, name in enumerate(self.rows(subject))}


class Range(Whole):
    """The least and the largest value of each variable."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, subject, scene):
        return jnp.concatenate(extrema(subject.mesh, scene.forest, scene.store, self.more(subject, scene)))

    def named(self, subject, rows):
        low, high = np.split(rows.astype(np.float64), 2, axis=1)
        pairs = [((f"{name}_min", low[:, i]), (f"{name}_max", high[:, i])) for i, name in enumerate(self.rows(subject))]
        return {name: values for pair in pairs for name, values in pair}


class PointGauge(Gauge):
    """The values of the cells that hold some points, or interpolated between cells.

    **Attributes:**

    - `finest`: the cells of the finest level at the points; an argument of the compiled program, since a constant of
      this size would be kept in its text.
    - `shape`: of the points, as people get them.
    - `functions`, `names`: derived variables, see `solvers.equations.derived`.
    - `within`: where in these cells the points lie, from 0 to 1, and `places`: their coordinates; `None`: values of
      cells are not interpolated.
    """

    finest: Int[Array, "ndim points"]
    shape: tuple[int, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()
    within: Float[Array, "ndim points"] | None = None
    places: Float[Array, "ndim points"] | None = None

    def size(self, subject):
        return self.finest.shape[1] * (len(subject.equation.names) + len(self.names))

    def read(self, subject, scene):
        mesh, forest, store, dtype = subject.mesh, scene.forest, scene.store, scene.store.dtype
        if self.within is None or self.places is None:
            values, centres = cells_at(mesh, forest, store, self.finest)
        else:
            values = values_at(mesh, forest, store, self.finest, self.within.astype(dtype))
            centres = tuple(self.places.astype(dtype))
        rows = _derived(subject, scene, self.functions, values, centres) if self.functions else []
        return jnp.concatenate([*values, *rows])

    def named(self, subject, rows):
        names = (*subject.equation.names, *self.names)
        values = rows.astype(np.float64).reshape(len(rows), len(names), *self.shape)
        return {name: values[:, i] for i, name in enumerate(names)}


def _derived(
    subject: Subject, scene: Snapshot, functions: tuple[Callable, ...], values: Array, centres: tuple[Array, ...]
) -> list[Array]:
    """Derived variables of some cells."""
    known = known_values(subject.equation, values, centres)
    rows = [jnp.asarray(function(known, *centres, scene.time), values.dtype) for function in functions]
    return [jnp.broadcast_to(row, values.shape[1:]) for row in rows]
