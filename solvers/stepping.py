"""One step of the whole pool: plan it, move everything through the faces, add up.

A stage is three sweeps over the patches, each of which needs all of the one before: prolonged rings, then what crosses
the faces, then the new values with fluxes corrected where levels meet. A step has one stage or several; the stages
of a Runge-Kutta method are a loop, so that they are compiled once.
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from amr.fusion import apart
from amr.ghosts import fill_boundaries
from amr.halo import Store, cells_part, fill_ring, ghosted_part, put_cells, stored
from amr.leaves import Leaves, over_blocks
from amr.mesh import Mesh
from amr.pool import Pool, layout_of, put, sweep, take
from amr.reflux import Means, add_corrections, corrections, empty_means, means_of, sides_of
from amr.topology import cell_centres, cell_sizes

from .advection import at_once
from .equations import Advection
from .geometry import Geometry, amplitude, sampled, signalled, with_coefficients
from .law import Place
from .samples import Samples
from .setup import Setup
from .slices import lower, trim, upper
from .time_step import Clock, courant_step, land_on, later, trial_step

Scalar = Float[Array, ""]


class Workspace(eqx.Module):
    """What the sweeps of a step read and write, kept from step to step so that nothing is allocated anew.

    **Attributes:**

    - `store`: the cells, their averages, and prolonged rings.
    - `outflow`: what leaves each cell in a step.
    - `sides`, `means`: what crosses the boundaries of patches, and its averages as coarser neighbours need them.
    - `base`, `register`: the cells at the start of a step, and what an integrator puts aside; where it needs them.
    """

    store: Store
    outflow: Pool
    sides: Float[Array, "vars sweeps blocks sides faces lanes"]
    means: Means
    base: Pool | None
    register: Pool | None


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `dt`: its length.
    - `times`: of the state that each stage starts from.
    - `factors`: the step's length, times the flow's amplitude when the stage looks at it.
    - `expands`: whether the flow has a divergence on the mesh, so that values may leave their initial range.
    """

    clock: Clock
    dt: Scalar
    times: Float[Array, " stages"]
    factors: Float[Array, " stages"]
    expands: Bool[Array, ""]


class Stage(eqx.Module):
    """What a stage needs to know, or all stages with one entry for each.

    See `Step` and `solvers.integrator.Stage`; `first` and `last` are 1 or 0.
    """

    dt: Float[Array, "*stages"]
    time: Float[Array, "*stages"]
    factor: Float[Array, "*stages"]
    keep: Float[Array, "*stages"]
    slope: Float[Array, "*stages"]
    saved: Float[Array, "*stages"]
    weight: Float[Array, "*stages"]
    first: Float[Array, "*stages"]
    last: Float[Array, "*stages"]


def workspace(setup: Setup, count, u: Pool) -> Workspace:
    """Room to work on a pool, with its cells in place."""
    mesh, layout, integrator = setup.mesh, layout_of(u), setup.scheme.integrator
    store = stored(mesh, setup.scheme.ghost, count, u)
    faces = mesh.patch ** (mesh.ndim - 1) if mesh.max_level > 0 else 0
    sides = jnp.zeros((u.shape[0], layout.sweeps, layout.blocks, 2 * mesh.ndim, faces, layout.lanes), u.dtype)
    means = empty_means(mesh, layout, u.shape[0], u.dtype)
    base = jnp.zeros_like(u) if len(integrator.stages) > 1 else None
    register = jnp.zeros_like(u) if integrator.uses_register else None
    return Workspace(store, jnp.zeros_like(u), sides, means, base, register)


def plan_step(setup: Setup, geometry: Geometry, store: Store, clock: Clock, stop: Scalar) -> tuple[Step, Geometry]:
    """Choose the next step so that signals keep to the Courant number: those of a flow halfway through it, those of a
    law at its start.

    The flow is looked at halfway through the longest step allowed so far. A step that has to be shorter than this
    by more than second order is one where the flow speeds up within a step, or new levels were just made. Gives back
    the geometry with the samples and signals that were looked at.
    """
    trial = trial_step(setup.cfl, clock)
    cut = land_on(trial, clock.time, stop)
    middle = clock.time + 0.5 * cut
    geometry = signalled(setup, geometry, store, middle if isinstance(setup.equation, Advection) else clock.time)
    rate = geometry.rate * jnp.abs(amplitude(setup, middle))
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock.time, stop), dt)
    after = Clock(later(clock.time, dt, stop), jnp.minimum(trial, limit), rate)
    times, looks = (
        clock.time + dt * jnp.asarray(parts, dt.dtype) for parts in (setup.scheme.integrator.times, setup.scheme.times)
    )
    factors = dt * jnp.stack([amplitude(setup, time) for time in looks])
    return Step(after, dt, times, factors, geometry.expands), geometry


def effective_bounds(setup: Setup, bounds, expands: Bool[Array, ""]):
    """The bounds to keep: none where the flow expands, or where other values may come in from outside."""
    expands = expands | setup.open
    huge = jnp.asarray(jnp.finfo(bounds[0].dtype).max ** 0.5, bounds[0].dtype)
    return jnp.where(expands, -huge, bounds[0]), jnp.where(expands, huge, bounds[1])


def take_step(setup: Setup, geometry: Geometry, work: Workspace, bounds, step: Step) -> Workspace:
    """One step."""
    table = stages_of(setup, step)
    if len(setup.scheme.integrator.stages) == 1:
        stage = jax.tree.map(lambda column: column[0], table)
        planned = setup.steady or setup.scheme.times == (0.5,)  # for when samples were taken with the plan
        known = geometry if planned else sampled(setup, geometry, stage.time)
        return take_stage(setup, known, work, bounds, stage)
    valid = geometry.topology.leaves.valid

    def one(k, work):
        # Kept apart: read at a place that the compiler does not know, numbers would keep it from making vectors.
        stage = apart(valid, lambda: jax.tree.map(lambda column: column[k], table))
        known = geometry if setup.steady else sampled(setup, geometry, stage.time)
        return take_stage(setup, known, work, bounds, stage)

    return lax.fori_loop(0, len(setup.scheme.integrator.stages), one, work)


def stages_of(setup: Setup, step: Step) -> Stage:
    """All stages of a step: each number is an array with one entry for each."""
    stages = setup.scheme.integrator.stages
    count, dtype = len(stages), step.dt.dtype
    columns = [jnp.asarray([getattr(s, key) for s in stages], dtype) for key in ("keep", "slope", "saved", "weight")]
    number = jnp.arange(count)
    ends = [(number == end).astype(dtype) for end in (0, count - 1)]
    return Stage(jnp.broadcast_to(step.dt, (count,)), step.times, step.factors, *columns, *ends)


def take_stage(setup: Setup, geometry: Geometry, work: Workspace, bounds, stage: Stage) -> Workspace:
    """One evaluation of all fluxes, and what follows from it."""
    topology, layout = geometry.topology, geometry.topology.layout
    count, prolongation = topology.forest.count, setup.prolongation
    store = fill_ring(setup.mesh, layout, count, topology.halo, work.store, prolongation)
    work = eqx.tree_at(lambda work: work.store, work, store)
    work = sweep(layout, count, lambda i, work: moved(setup, geometry, work, bounds, stage, i), work)
    return sweep(layout, count, lambda i, work: updated(setup, geometry, work, stage, i), work)


def moved(setup: Setup, geometry: Geometry, work: Workspace, bounds, stage: Stage, i) -> Workspace:
    """What leaves the cells of sweep i through faces of their own, and what crosses the boundaries of its patches."""
    topology, apart_ = geometry.topology, functools.partial(apart, geometry.topology.leaves.valid)
    leaves = topology.part(i)
    # A slice at a place that the compiler does not know would keep it from making vectors of what it is fused with.
    samples = apart_(lambda: scaled(geometry.samples_of(i), stage.factor))
    ghosted = ghosted_cells(setup, geometry, work.store, stage.time, samples, i)
    out, sides, means = fluxes_of(setup, ghosted, samples, bounds, apart_)
    made = _sources(setup, leaves, ghosted, samples, stage)
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
    return fill_boundaries(setup.mesh, topology.part(i), extended, topology.ghost, time, setup.variables)


def scaled(samples: Samples, factor: Scalar) -> Samples:
    """Samples with rates turned into Courant numbers."""
    return Samples(tuple(factor * rate for rate in samples.rates), samples.cells, samples.faces)


def fluxes_of(setup: Setup, ghosted, samples: Samples, bounds, store) -> tuple[Array, Array | None, Array | None]:
    """What leaves each cell of the patches of a sweep; with levels also what crosses their sides, and its averages."""
    mesh = setup.mesh
    if mesh.max_level == 0:
        # Nothing else reads the fluxes, and one fused loop that keeps none of them was measured to be faster.
        staged = store if mesh.ndim > 2 or len(setup.scheme.times) > 1 else at_once
        out = store(lambda: outflow(setup.scheme.transported(setup.equation, ghosted, samples, bounds, staged)))
        return out, None, None
    fluxes = store(lambda: setup.scheme.transported(setup.equation, ghosted, samples, bounds, store))
    out, sides = store(lambda: outflow(fluxes)), store(lambda: sides_of(fluxes))
    return out, sides, store(lambda: means_of(mesh, sides))


def _sources(setup: Setup, leaves: Leaves, ghosted, samples: Samples, stage: Stage) -> Array | None:
    """What a law's source adds to the cells of a sweep in a step; `None` without one."""
    law, mesh, ghost = setup.equation, setup.mesh, setup.scheme.ghost
    if isinstance(law, Advection):
        return None

    def compute():
        cells = trim(ghosted, range(2, 2 + mesh.ndim), ghost)
        x = over_blocks(lambda leaves: cell_centres(mesh, leaves, ghosted.dtype), leaves)
        dx = over_blocks(lambda leaves: cell_sizes(mesh, leaves, ghosted.dtype), leaves)
        widths = tuple(dx[:, d].reshape(dx.shape[0], *(1,) * mesh.ndim, -1) for d in range(mesh.ndim))
        return law.source(cells, Place(x, widths, stage.time, _slopes(samples, widths, cells)))

    if jax.eval_shape(compute) is None:
        return None
    return apart(leaves.valid, lambda: stage.dt * jnp.asarray(compute(), ghosted.dtype))


def _slopes(samples: Samples, dx, cells) -> Float[Array, "coefficients ndim ..."]:
    """Derivatives of the coefficients along each dimension."""
    if samples.faces is None:
        return jnp.zeros((0, len(dx), *cells.shape[1:]), cells.dtype)
    changes = [
        (upper(jnp.moveaxis(face, 1, 0), 2 + d) - lower(jnp.moveaxis(face, 1, 0), 2 + d)) / dx[d]
        for d, face in enumerate(samples.faces)
    ]
    return jnp.stack(changes, axis=1)


def updated(setup: Setup, geometry: Geometry, work: Workspace, stage: Stage, i: Int[Array, ""]) -> Workspace:
    """New values in the cells of sweep i."""
    mesh, topology = setup.mesh, geometry.topology
    out = take(work.outflow, i)
    if mesh.max_level > 0:
        plan, sides = take(topology.reflux, i, axis=0), take(work.sides, i)
        wrong = apart(topology.leaves.valid, lambda: corrections(plan, sides, work.means, scale=0.5))
        out = add_corrections(mesh, out, wrong)
    pool = work.base
    if pool is None:
        new = apart(topology.leaves.valid, lambda: cells_part(mesh, work.store, i) - out)
        return eqx.tree_at(lambda work: work.store, work, put_cells(mesh, work.store, new, i))
    new, base, register = apart(topology.leaves.valid, lambda: combined(mesh, work, stage, out, i))
    work = eqx.tree_at(lambda work: work.store, work, put_cells(mesh, work.store, new, i))
    work = eqx.tree_at(lambda work: work.base, work, put(pool, base, i))
    if register is not None and work.register is not None:
        work = eqx.tree_at(lambda work: work.register, work, put(work.register, register, i))
    return work


def combined(mesh: Mesh, work: Workspace, stage: Stage, out: Array, i) -> tuple[Array, Array, Array | None]:
    """The cells after a stage of a Runge-Kutta method, those at the start of the step, and what was put aside."""
    cells = cells_part(mesh, work.store, i)
    assert work.base is not None
    base = jnp.where(stage.first > 0, cells, take(work.base, i))
    moved = cells - base
    new = base + (stage.keep * moved - stage.slope * out)
    if work.register is None:
        return new, base, None
    before = jnp.where(stage.first > 0, 0, take(work.register, i))
    register = before + (stage.saved * moved - stage.weight * out)
    return new + stage.last * register, base, register


def outflow(fluxes: tuple[Array, ...]) -> Float[Array, "vars blocks *cells lanes"]:
    """What leaves each cell through all of its faces."""
    return functools.reduce(jnp.add, [upper(flux, 2 + d) - lower(flux, 2 + d) for d, flux in enumerate(fluxes)])
