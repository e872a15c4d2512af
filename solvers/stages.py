"""One stage of a step for the whole pool: move everything through the faces, add up.

A stage is three sweeps over the patches, each of which needs all of the one before: prolonged rings, then what crosses
the faces, then the new values with fluxes corrected where levels meet.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from amr.fusion import apart
from amr.ghosts import cell_sizes_of_blocks, fill_boundaries, mirror_windows
from amr.halo import Store, cells_part, fill_ring, ghosted_part, put_cells, stored
from amr.leaves import Leaves, over_blocks
from amr.mesh import Mesh
from amr.pool import Pool, layout_of, put, sweep, take
from amr.reflux import Means, empty_means, empty_sides, means_of, refluxed, sides_of
from amr.topology import cell_centres

from .advection import at_once
from .diffusion import diffusive_fluxes, lines_of, outflow
from .equations import Advection
from .geometry import Geometry, with_coefficients
from .law import Place
from .samples import Samples
from .setup import Setup
from .slices import lower, trim, upper

Scalar = Float[Array, ""]


class Parts(NamedTuple):
    """Which parts of an equation a stage looks at."""

    flow: bool = True
    diffusion: bool = True
    reaction: bool = True


ALL = Parts()


class Effort(eqx.Module):
    """What it took to integrate diffusion.

    **Attributes:**

    - `total`, `most`: stages of stabilized methods or cycles of multigrid, in all and in one step or one stage.
    - `failed`: whether equations could not be solved.
    """

    total: Int[Array, ""]
    most: Int[Array, ""]
    failed: Bool[Array, ""]

    @classmethod
    def none(cls) -> Effort:
        """Nothing done so far."""
        zero = jnp.zeros((), jnp.int32)
        return cls(zero, zero, jnp.zeros((), bool))

    def after(self, used: Int[Array, ""], failed=False) -> Effort:
        """With some more."""
        return Effort(self.total + used, jnp.maximum(self.most, used), self.failed | failed)


class Workspace(eqx.Module):
    """What the sweeps of a step read and write, kept from step to step so that nothing is allocated anew.

    **Attributes:**

    - `store`: the cells, their averages, and prolonged rings.
    - `outflow`: what leaves each cell in a step.
    - `sides`, `means`: what crosses the boundaries of patches, and its averages as coarser neighbours need them.
    - `base`, `previous`, `register`: the cells at the start of a step, how far they had moved from there a stage
      before, and what an integrator puts aside; where it needs them.
    - `effort`: what it took so far.
    """

    store: Store
    outflow: Pool
    sides: Float[Array, "vars sweeps blocks sides faces lanes"]
    means: Means
    base: Pool | None
    previous: Pool | None
    effort: Effort
    register: Pool | None


class Moment(eqx.Module):
    """When fluxes are evaluated, or when by all stages with one entry for each.

    **Attributes:** see `solvers.stepping.Step`

    - `dt`: for how long they flow; `time`: of the state.
    - `factor`: that time, multiplied by the flow's amplitude.
    """

    dt: Float[Array, "*stages"]
    time: Float[Array, "*stages"]
    factor: Float[Array, "*stages"]


class Stage(eqx.Module):
    """What a stage needs to know, or all stages with one entry for each.

    See `solvers.integrator.Stage`. `back` is the factor of `previous`, `added` that of the register; `first` is 1 or 0.
    """

    moment: Moment
    keep: Float[Array, "*stages"]
    slope: Float[Array, "*stages"]
    saved: Float[Array, "*stages"]
    weight: Float[Array, "*stages"]
    back: Float[Array, "*stages"]
    added: Float[Array, "*stages"]
    first: Float[Array, "*stages"]


def workspace(setup: Setup, count, u: Pool) -> Workspace:
    """Room to work on a pool, with its cells in place."""
    mesh, layout = setup.mesh, layout_of(u)
    store = stored(mesh, setup.scheme.ghost, count, u)
    sides, means = (empty(mesh, layout, u.shape[0], u.dtype) for empty in (empty_sides, empty_means))
    base, previous, register = (jnp.zeros_like(u) if needed else None for needed in setup.rooms)
    return Workspace(store, jnp.zeros_like(u), sides, means, base, previous, Effort.none(), register)


def take_stage(
    setup: Setup, geometry: Geometry, work: Workspace, bounds, stage: Stage, parts: Parts = ALL
) -> Workspace:
    """One evaluation of all fluxes, and what follows from it."""
    topology = geometry.topology
    work = _through_faces(setup, geometry, work, bounds, stage.moment, parts)
    one = functools.partial(updated, setup, geometry, stage=stage)
    return sweep(topology.layout, topology.forest.count, lambda i, work: one(work=work, i=i), work)


def evaluate(setup: Setup, geometry: Geometry, work: Workspace, bounds, moment: Moment, parts: Parts) -> Workspace:
    """One evaluation of all fluxes: what leaves each cell in the time `moment.dt` is put into `work.outflow`."""
    topology = geometry.topology
    work = _through_faces(setup, geometry, work, bounds, moment, parts)

    def one(i, work):
        return eqx.tree_at(lambda work: work.outflow, work, put(work.outflow, _left(setup, geometry, work, i), i))

    return sweep(topology.layout, topology.forest.count, one, work)


def _through_faces(
    setup: Setup, geometry: Geometry, work: Workspace, bounds, moment: Moment, parts: Parts
) -> Workspace:
    layout, count = geometry.topology.layout, geometry.topology.forest.count
    work = with_store(work, with_rings(setup, geometry, work.store, moment.time))
    return sweep(layout, count, lambda i, work: moved(setup, geometry, work, bounds, moment, parts, i), work)


def with_rings(
    setup: Setup, geometry: Geometry, store: Store, time: Scalar, useful: Bool[Array, ""] | None = None
) -> Store:
    """The store with the rings of all patches prolonged (if that is `useful`)."""
    mesh, topology = setup.mesh, geometry.topology
    plan, conditions = topology.halo, setup.conditions

    def beyond(near, i):
        leaves = topology.part(i)
        return apart(plan.valid, lambda: mirror_windows(mesh, leaves, near, plan, time, conditions))

    asked = beyond if setup.diffuses and not conditions.copied else None
    return fill_ring(mesh, topology.layout, topology.forest.count, plan, store, setup.prolongation, asked, useful)


def moved(setup: Setup, geometry: Geometry, work: Workspace, bounds, moment: Moment, parts: Parts, i) -> Workspace:
    """What leaves the cells of sweep i through faces of their own, and what crosses the boundaries of its patches."""
    topology, apart_ = geometry.topology, functools.partial(apart, geometry.topology.leaves.valid)
    leaves = topology.part(i)
    # A slice at a place that the compiler does not know would keep it from making vectors of what it is fused with.
    samples = apart_(lambda: scaled(geometry.samples_of(i), moment.factor))
    ghosted = ghosted_cells(setup, geometry, work.store, moment.time, samples, i)
    out, sides, means = fluxes_of(setup, leaves, ghosted, samples, bounds, moment, parts, apart_)
    made = _sources(setup, leaves, ghosted, samples, moment) if parts.reaction else None
    out = out if made is None else apart_(lambda: out - made)
    if sides is None or means is None:
        return eqx.tree_at(lambda work: work.outflow, work, put(work.outflow, out, i))
    new = (put(work.outflow, out, i), put(work.sides, sides, i), put(work.means, means, i))
    return eqx.tree_at(lambda work: (work.outflow, work.sides, work.means), work, new)


def ghosted_cells(setup: Setup, geometry: Geometry, store: Store, time: Scalar, samples: Samples, i) -> Array:
    """The patches of sweep i with all ghost cells, and rows for the coefficients of a law behind the variables."""
    topology, valid = geometry.topology, geometry.topology.leaves.valid
    ghosted = ghosted_part(topology.halo, store, i)
    extended = ghosted if samples.cells is None else apart(valid, lambda: with_coefficients(ghosted, samples))
    return fill_boundaries(setup.mesh, topology.part(i), extended, topology.ghost, time, setup.conditions)


def scaled(samples: Samples, factor: Scalar) -> Samples:
    """Samples with rates turned into Courant numbers."""
    return dataclasses.replace(samples, rates=tuple(factor * rate for rate in samples.rates))


def fluxes_of(
    setup: Setup, leaves: Leaves, ghosted, samples: Samples, bounds, moment: Moment, parts: Parts, store
) -> tuple[Array, Array | None, Array | None]:
    """What leaves each cell of the patches of a sweep; with levels also what crosses their sides, and its averages."""
    mesh, equation = setup.mesh, setup.equation
    flows = parts.flow and (not isinstance(equation, Advection) or equation.flows)
    diffuses = parts.diffusion and setup.diffuses

    def crossing(staged):
        found = [setup.scheme.transported(equation, ghosted, samples, bounds, staged)] if flows else []
        if diffuses:
            found.append(store(lambda: _diffusing(setup, leaves, ghosted, samples, moment)))
        found = found or [_nothing(mesh, ghosted)]
        return tuple(functools.reduce(jnp.add, each) for each in zip(*found, strict=True))

    if mesh.max_level == 0:
        # Nothing else reads the fluxes, and one fused loop that keeps none of them was measured to be faster.
        staged = store if mesh.ndim > 2 or len(setup.scheme.times) > 1 else at_once
        return store(lambda: outflow(crossing(staged))), None, None
    fluxes = store(lambda: crossing(store))
    out, sides = store(lambda: outflow(fluxes)), store(lambda: sides_of(fluxes))
    return out, sides, store(lambda: means_of(mesh, sides))


def _nothing(mesh: Mesh, ghosted: Array) -> tuple[Array, ...]:
    """No flux through any face."""
    faces = [tuple(mesh.patch + (k == d) for k in range(mesh.ndim)) for d in range(mesh.ndim)]
    return tuple(jnp.zeros((*ghosted.shape[:2], *shape, ghosted.shape[-1]), ghosted.dtype) for shape in faces)


def _diffusing(setup: Setup, leaves: Leaves, ghosted, samples: Samples, moment: Moment) -> tuple[Array, ...]:
    """What diffuses through each face."""
    assert isinstance(setup.equation, Advection)
    assert setup.equation.diffusing is not None
    mesh, diffusing = setup.mesh, setup.equation.diffusing
    lines = lines_of(mesh, leaves, ghosted, setup.scheme.ghost, moment.time, setup.conditions)
    faces = samples.diffusivity
    if faces is None:
        faces = diffusing.on_faces(mesh, leaves, lines, moment.time, ghosted.dtype)
    return diffusive_fluxes(mesh, leaves, lines, faces, moment.dt)


def _sources(setup: Setup, leaves: Leaves, ghosted, samples: Samples, moment: Moment) -> Array | None:
    """What a law's source adds to the cells of a sweep in a step; `None` without one."""
    law, mesh, ghost = setup.equation, setup.mesh, setup.scheme.ghost
    if isinstance(law, Advection) and law.reaction is None:
        return None

    def compute():
        cells = trim(ghosted, range(2, 2 + mesh.ndim), ghost)
        x = over_blocks(lambda leaves: cell_centres(mesh, leaves, ghosted.dtype), leaves)
        if isinstance(law, Advection):
            return None if law.reaction is None else law.reaction(cells, x, moment.time)
        widths = cell_sizes_of_blocks(mesh, leaves, ghosted.dtype)
        return law.source(cells, Place(x, widths, moment.time, _slopes(samples, widths, cells)))

    if jax.eval_shape(compute) is None:
        return None
    return apart(leaves.valid, lambda: moment.dt * jnp.asarray(compute(), ghosted.dtype))


def _slopes(samples: Samples, dx, cells) -> Float[Array, "coefficients ndim ..."]:
    """Derivatives of the coefficients along each dimension."""
    if samples.faces is None:
        return jnp.zeros((0, len(dx), *cells.shape[1:]), cells.dtype)
    faces = [jnp.moveaxis(face, 1, 0) for face in samples.faces]
    changes = [(upper(face, 2 + d) - lower(face, 2 + d)) / dx[d] for d, face in enumerate(faces)]
    return jnp.stack(changes, axis=1)


def _left(setup: Setup, geometry: Geometry, work: Workspace, i: Int[Array, ""]) -> Array:
    """What leaves the cells of sweep i."""
    topology = geometry.topology
    return refluxed(setup.mesh, topology.reflux, topology.leaves.valid, work.outflow, work.sides, work.means, i)


def updated(setup: Setup, geometry: Geometry, work: Workspace, stage: Stage, i: Int[Array, ""]) -> Workspace:
    """New values in the cells of sweep i."""
    mesh, topology = setup.mesh, geometry.topology
    out, pool = _left(setup, geometry, work, i), work.base
    if pool is None:
        new = apart(topology.leaves.valid, lambda: cells_part(mesh, work.store, i) - out)
        return eqx.tree_at(lambda work: work.store, work, put_cells(mesh, work.store, new, i))
    new, aside = apart(topology.leaves.valid, lambda: combined(mesh, work, stage, out, i))
    work = eqx.tree_at(lambda work: work.store, work, put_cells(mesh, work.store, new, i))
    for name, part in aside.items():
        work = eqx.tree_at(operator.attrgetter(name), work, put(getattr(work, name), part, i))
    return work


def combined(mesh: Mesh, work: Workspace, stage: Stage, out: Array, i) -> tuple[Array, dict[str, Array]]:
    """The cells after a stage of a Runge-Kutta method, and what is kept for the next, by the name of its pool."""
    cells = cells_part(mesh, work.store, i)
    assert work.base is not None
    base = jnp.where(stage.first > 0, cells, take(work.base, i))
    moved = cells - base
    new = base + (stage.keep * moved - stage.slope * out)
    aside = {"base": base}
    if work.previous is not None:
        new = new + jnp.where(stage.first > 0, 0, stage.back * take(work.previous, i))
        aside["previous"] = moved
    if work.register is not None:
        before = jnp.where(stage.first > 0, 0, take(work.register, i))
        aside["register"] = before + (stage.saved * moved - stage.weight * out)
        new = new + stage.added * aside["register"]
    return new, aside


def with_cells(setup: Setup, geometry: Geometry, work: Workspace, u: Pool) -> Workspace:
    """The workspace with other values in the cells."""
    topology = geometry.topology

    def one(i, store):
        return put_cells(setup.mesh, store, take(u, i), i)

    return with_store(work, sweep(topology.layout, topology.forest.count, one, work.store))


def with_store(work: Workspace, store: Store) -> Workspace:
    """The workspace with another store."""
    return eqx.tree_at(lambda work: work.store, work, store)
