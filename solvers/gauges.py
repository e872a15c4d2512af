"""What can be measured of the state of a run, on the device: integrals, extrema, values at points.

A gauge reads a few numbers off the cells of a run; on the host it gives them names.
"""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from amr.forest import Forest, find, keys
from amr.halo import Store, cells_part
from amr.indices import row_major
from amr.pool import arranged, gather, layout_of, listed, take_patches
from amr.topology import cell_centres, cell_sizes

from .derived import known_values
from .setup import Setup
from .totals import Part, extrema, integrals

Numbers = Float[Array, " numbers"]
Columns = dict[str, np.ndarray]


class Scene(eqx.Module):
    """The state as gauges see it: leaves, cells and time."""

    forest: Forest
    store: Store
    time: Float[Array, ""]


class Gauge(eqx.Module):
    """Reads numbers off a state."""

    @abc.abstractmethod
    def size(self, setup: Setup) -> int:
        """How many numbers."""

    @abc.abstractmethod
    def read(self, setup: Setup, scene: Scene) -> Numbers:
        """The numbers, in the precision of the run."""

    @abc.abstractmethod
    def named(self, setup: Setup, rows: np.ndarray) -> Columns:
        """What rows of such numbers, shape `(rows, size)`, say: for each name an array `(rows, ...)` in float64."""


class Whole(Gauge):
    """Two numbers for each variable, from all cells.

    **Attributes:** `names`, `functions`: derived variables, see `solvers.derived`.
    """

    names: eqx.AbstractVar[tuple[str, ...]]
    functions: eqx.AbstractVar[tuple[Callable, ...]]

    def size(self, setup):
        return 2 * len(self.rows(setup))

    def rows(self, setup: Setup) -> tuple[str, ...]:
        """The variables by name."""
        return (*setup.equation.names, *self.names)

    def part(self, setup: Setup, scene: Scene) -> Part | None:
        """What gives these variables for a sweep; `None` where they are those of the run."""
        return functools.partial(_with_derived, setup, scene, self.functions) if self.functions else None


class Totals(Whole):
    """The volume integral of each variable, exact but for the last rounding."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, setup, scene):
        return jnp.concatenate(integrals(setup.mesh, scene.forest, scene.store, self.part(setup, scene)))

    def named(self, setup, rows):
        high, low = np.split(rows.astype(np.float64), 2, axis=1)
        values = (high + low) * math.prod(setup.mesh.cell_size(0))
        return {f"{name}_integral": values[:, i] for i, name in enumerate(self.rows(setup))}


class Range(Whole):
    """The least and the largest value of each variable."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, setup, scene):
        return jnp.concatenate(extrema(setup.mesh, scene.forest, scene.store, self.part(setup, scene)))

    def named(self, setup, rows):
        low, high = np.split(rows.astype(np.float64), 2, axis=1)
        pairs = [((f"{name}_min", low[:, i]), (f"{name}_max", high[:, i])) for i, name in enumerate(self.rows(setup))]
        return {name: values for pair in pairs for name, values in pair}


class Cells(Gauge):
    """The values of the cells that hold some points.

    **Attributes:**

    - `finest`: the cells of the finest level at the points; an argument of the compiled program, since a constant of
      this size would be kept in its text.
    - `shape`: of the points, as people get them.
    - `functions`, `names`: derived variables, see `solvers.derived`.
    """

    finest: Int[Array, "ndim points"]
    shape: tuple[int, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def size(self, setup):
        return self.finest.shape[1] * (len(setup.equation.names) + len(self.names))

    def read(self, setup, scene):
        mesh, forest, store = setup.mesh, scene.forest, scene.store
        slot = find(mesh, keys(mesh, forest), self.finest // mesh.patch)
        cell = (self.finest >> (mesh.max_level - forest.level[slot])) % mesh.patch
        row = row_major(list(cell), mesh.patch)
        values = gather(store, layout_of(store).place(store.shape[3], row, slot))
        centres = _centres(setup, forest, slot, cell, store.dtype)
        known = known_values(setup.equation, values, centres) if self.functions else values
        more = [jnp.asarray(function(known, *centres, scene.time), store.dtype) for function in self.functions]
        rows = [*values, *(jnp.broadcast_to(row, slot.shape) for row in more)]
        return jnp.concatenate(rows)

    def named(self, setup, rows):
        names = (*setup.equation.names, *self.names)
        values = rows.astype(np.float64).reshape(len(rows), len(names), *self.shape)
        return {name: values[:, i] for i, name in enumerate(names)}


def _with_derived(setup: Setup, scene: Scene, functions: tuple[Callable, ...], i: Int[Array, ""]) -> Array:
    """The cells of sweep i with rows for derived variables behind the variables."""
    mesh, layout, forest, dtype = setup.mesh, layout_of(scene.store), scene.forest, scene.store.dtype
    cells = cells_part(mesh, scene.store, i)
    level, position = (take_patches(layout, values, i) for values in (forest.level, forest.position))
    centres = cell_centres(mesh, Forest(level, position, forest.count), dtype)
    known = known_values(setup.equation, listed(cells, leading=1), centres)
    rows = [jnp.asarray(function(known, *centres, scene.time), dtype) for function in functions]
    derived = jnp.stack([jnp.broadcast_to(row, known.shape[1:]) for row in rows])
    return jnp.concatenate([cells, arranged(layout, derived, leading=1)])


def _centres(setup: Setup, forest: Forest, slot, cell, dtype) -> tuple[Array, ...]:
    """Coordinates of the centres of some cells."""
    mesh, sizes = setup.mesh, cell_sizes(setup.mesh, forest, dtype)[:, slot]
    number = (mesh.patch * forest.position[:, slot] + cell).astype(dtype) + jnp.asarray(0.5, dtype)
    return tuple(mesh.domain.lower[d] + number[d] * sizes[d] for d in range(mesh.ndim))
