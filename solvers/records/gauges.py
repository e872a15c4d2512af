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

from amr.grid import (
    Rows,
    Store,
    arranged,
    cell_centres,
    cell_sizes,
    cells_part,
    extrema,
    gather,
    integrals,
    layout_of,
    listed,
    take_patches,
)
from amr.mesh import Forest, find, keys, row_major
from solvers.equations import known_values

from .subject import Subject

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
    def size(self, subject: Subject) -> int:
        """How many numbers."""

    @abc.abstractmethod
    def read(self, subject: Subject, scene: Scene) -> Numbers:
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

    def part(self, subject: Subject, scene: Scene) -> Rows | None:
        """What gives these variables for a sweep; `None` where they are those of the run."""
        return functools.partial(_with_derived, subject, scene, self.functions) if self.functions else None


class Totals(Whole):
    """The volume integral of each variable, exact but for the last rounding."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, subject, scene):
        return jnp.concatenate(integrals(subject.mesh, scene.forest, scene.store, self.part(subject, scene)))

    def named(self, subject, rows):
        high, low = np.split(rows.astype(np.float64), 2, axis=1)
        values = (high + low) * math.prod(subject.mesh.cell_size(0))
        return {f"{name}_integral": values[:, i] for i, name in enumerate(self.rows(subject))}


class Range(Whole):
    """The least and the largest value of each variable."""

    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def read(self, subject, scene):
        return jnp.concatenate(extrema(subject.mesh, scene.forest, scene.store, self.part(subject, scene)))

    def named(self, subject, rows):
        low, high = np.split(rows.astype(np.float64), 2, axis=1)
        pairs = [((f"{name}_min", low[:, i]), (f"{name}_max", high[:, i])) for i, name in enumerate(self.rows(subject))]
        return {name: values for pair in pairs for name, values in pair}


class Cells(Gauge):
    """The values of the cells that hold some points.

    **Attributes:**

    - `finest`: the cells of the finest level at the points; an argument of the compiled program, since a constant of
      this size would be kept in its text.
    - `shape`: of the points, as people get them.
    - `functions`, `names`: derived variables, see `solvers.equations.derived`.
    """

    finest: Int[Array, "ndim points"]
    shape: tuple[int, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True, default=())
    functions: tuple[Callable, ...] = ()

    def size(self, subject):
        return self.finest.shape[1] * (len(subject.equation.names) + len(self.names))

    def read(self, subject, scene):
        mesh, forest, store = subject.mesh, scene.forest, scene.store
        slot = find(mesh, keys(mesh, forest), self.finest // mesh.patch)
        cell = (self.finest >> (mesh.max_level - forest.level[slot])) % mesh.patch
        row = row_major(list(cell), mesh.patch)
        values = gather(store, layout_of(store).place(store.shape[3], row, slot))
        centres = _centres(subject, forest, slot, cell, store.dtype)
        known = known_values(subject.equation, values, centres) if self.functions else values
        more = [jnp.asarray(function(known, *centres, scene.time), store.dtype) for function in self.functions]
        rows = [*values, *(jnp.broadcast_to(row, slot.shape) for row in more)]
        return jnp.concatenate(rows)

    def named(self, subject, rows):
        names = (*subject.equation.names, *self.names)
        values = rows.astype(np.float64).reshape(len(rows), len(names), *self.shape)
        return {name: values[:, i] for i, name in enumerate(names)}


def _with_derived(subject: Subject, scene: Scene, functions: tuple[Callable, ...], i: Int[Array, ""]) -> Array:
    """The cells of sweep i with rows for derived variables behind the variables."""
    mesh, layout, forest, dtype = subject.mesh, layout_of(scene.store), scene.forest, scene.store.dtype
    cells = cells_part(mesh, scene.store, i)
    level, position = (take_patches(layout, values, i) for values in (forest.level, forest.position))
    centres = cell_centres(mesh, Forest(level, position, forest.count), dtype)
    known = known_values(subject.equation, listed(cells, leading=1), centres)
    rows = [jnp.asarray(function(known, *centres, scene.time), dtype) for function in functions]
    derived = jnp.stack([jnp.broadcast_to(row, known.shape[1:]) for row in rows])
    return jnp.concatenate([cells, arranged(layout, derived, leading=1)])


def _centres(subject: Subject, forest: Forest, slot, cell, dtype) -> tuple[Array, ...]:
    """Coordinates of the centres of some cells."""
    mesh, sizes = subject.mesh, cell_sizes(subject.mesh, forest, dtype)[:, slot]
    number = (mesh.patch * forest.position[:, slot] + cell).astype(dtype) + jnp.asarray(0.5, dtype)
    return tuple(mesh.domain.lower[d] + number[d] * sizes[d] for d in range(mesh.ndim))
