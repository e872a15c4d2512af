"""One step: plan it, and take it in one stage or several.

The stages of a Runge-Kutta method are a loop, so that they are compiled once.
"""

from __future__ import annotations

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from amr.fusion import apart
from amr.halo import Store, cells_of

from .equations import Advection
from .geometry import Geometry, amplitude, sampled, signalled
from .implicit import Implicit
from .implicit_step import implicit_step
from .integrator import Integrator
from .reacting import reacted
from .setup import Setup
from .splitting import Strang
from .stabilized import RKL2
from .stages import ALL, Moment, Parts, Stage, Workspace, take_stage, with_cells
from .time_step import Clock, courant_step, land_on, later, trial_step

Scalar = Float[Array, ""]
Method = Integrator | RKL2 | Implicit
FLOW = Parts(True, False, False)
DIFFUSION = Parts(False, True, False)


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `begin`: the time before it; `dt`: its length.
    - `times`: of the state that each stage starts from.
    - `factors`: the step's length, times the flow's amplitude when the stage looks at it.
    - `expands`: whether the flow has a divergence on the mesh, so that values may leave their initial range.
    - `spread`: the rate of diffusion, see `solvers.geometry`.
    """

    clock: Clock
    begin: Scalar
    dt: Scalar
    times: Float[Array, " stages"]
    factors: Float[Array, " stages"]
    expands: Bool[Array, ""]
    spread: Scalar


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
    spread = _largest_spread(setup, geometry, clock.time, clock.time + cut)
    rate = setup.limited(geometry.rate * jnp.abs(amplitude(setup, middle)), spread, geometry.reaction)
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock.time, stop), dt)
    after = Clock(later(clock.time, dt, stop), jnp.minimum(trial, limit), rate)
    times, looks = (
        clock.time + dt * jnp.asarray(parts, dt.dtype) for parts in (setup.scheme.integrator.times, setup.scheme.times)
    )
    factors = dt * jnp.stack([amplitude(setup, time) for time in looks])
    return Step(after, clock.time, dt, times, factors, geometry.expands, spread), geometry


def _largest_spread(setup: Setup, geometry: Geometry, begin: Scalar, end: Scalar) -> Scalar:
    """The rate of diffusion in the middle of a step, or at its ends where it changes with time and is larger there."""
    if setup.steady or not setup.diffuses:
        return geometry.spread
    return functools.reduce(jnp.maximum, [sampled(setup, geometry, t).spread for t in (begin, end)], geometry.spread)


def effective_bounds(setup: Setup, bounds, expands: Bool[Array, ""]):
    """The bounds to keep: none where the flow expands, or where values may leave their initial range otherwise."""
    expands = expands | (not setup.bounded)
    huge = jnp.asarray(jnp.finfo(bounds[0].dtype).max ** 0.5, bounds[0].dtype)
    return jnp.where(expands, -huge, bounds[0]), jnp.where(expands, huge, bounds[1])


def take_step(setup: Setup, geometry: Geometry, work: Workspace, bounds, step: Step) -> Workspace:
    """One step."""
    if isinstance(setup.scheme, Strang):
        return split_step(setup, setup.scheme, geometry, work, bounds, step)
    return integrated(setup, setup.scheme.integrator, geometry, work, bounds, step)


def integrated(
    setup: Setup, integrator: Method, geometry: Geometry, work: Workspace, bounds, step: Step, parts: Parts = ALL
) -> Workspace:
    """One step of some parts of the equation."""
    if isinstance(integrator, Implicit):
        return implicit_step(setup, integrator, geometry, work, bounds, step.begin, step.dt, parts)
    if isinstance(integrator, RKL2):
        return super_step(setup, integrator, geometry, work, bounds, step, parts)
    return table_step(setup, integrator, geometry, work, bounds, step, parts)


def split_step(setup: Setup, scheme: Strang, geometry: Geometry, work: Workspace, bounds, step: Step) -> Workspace:
    """One step of Strang's splitting. Where equations could not be solved the cells stay as they were."""
    mesh, count = setup.mesh, geometry.topology.forest.count
    middle, half = step.begin + 0.5 * step.dt, 0.5 * step.dt
    before = cells_of(mesh, work.store, count)
    work = reacted(setup, geometry, work, step.begin, half)
    work = _diffused(setup, scheme.diffusion, geometry, work, bounds, step, step.begin, half)
    if isinstance(setup.equation, Advection) and setup.equation.flows:
        work = table_step(setup, scheme.integrator, geometry, work, bounds, step, FLOW)
    work = _diffused(setup, scheme.diffusion, geometry, work, bounds, step, middle, half)
    work = reacted(setup, geometry, work, middle, half)
    if not isinstance(scheme.diffusion, Implicit):
        return work
    after = jnp.where(work.effort.failed, before, cells_of(mesh, work.store, count))
    return with_cells(setup, geometry, work, after)


def _diffused(
    setup: Setup, integrator: Method, geometry: Geometry, work: Workspace, bounds, step: Step, begin, dt
) -> Workspace:
    """After a part of a step of diffusion alone."""
    if not setup.diffuses:
        return work
    times = begin + dt * jnp.asarray(integrator.times, dt.dtype)
    part = Step(step.clock, begin, dt, times, jnp.broadcast_to(dt, times.shape), step.expands, step.spread)
    return integrated(setup, integrator, geometry, work, bounds, part, DIFFUSION)


def table_step(
    setup: Setup, integrator: Integrator, geometry: Geometry, work: Workspace, bounds, step: Step, parts: Parts = ALL
) -> Workspace:
    """One step of a Runge-Kutta method with a table."""
    table = stages_of(integrator, step)
    if len(integrator.stages) == 1:
        stage = jax.tree.map(lambda column: column[0], table)
        planned = setup.steady or setup.scheme.times == (0.5,)  # for when samples were taken with the plan
        known = geometry if planned else sampled(setup, geometry, stage.moment.time)
        return take_stage(setup, known, work, bounds, stage, parts)
    valid = geometry.topology.leaves.valid

    def one(k, work):
        # Kept apart: read at a place that the compiler does not know, numbers would keep it from making vectors.
        stage = apart(valid, lambda: jax.tree.map(lambda column: column[k], table))
        known = geometry if setup.steady else sampled(setup, geometry, stage.moment.time)
        return take_stage(setup, known, work, bounds, stage, parts)

    return lax.fori_loop(0, len(integrator.stages), one, work)


def stages_of(integrator: Integrator, step: Step) -> Stage:
    """All stages of a step: each number is an array with one entry for each."""
    stages = integrator.stages
    count, dtype = len(stages), step.dt.dtype
    keep, slope, saved, weight = (
        jnp.asarray([getattr(s, key) for s in stages], dtype) for key in ("keep", "slope", "saved", "weight")
    )
    number = jnp.arange(count)
    first, last = ((number == end).astype(dtype) for end in (0, count - 1))
    nothing = jnp.zeros(count, dtype)
    moments = Moment(jnp.broadcast_to(step.dt, (count,)), step.times, step.factors)
    return Stage(moments, keep, slope, saved, weight, nothing, last, first)


def super_step(
    setup: Setup, integrator: RKL2, geometry: Geometry, work: Workspace, bounds, step: Step, parts: Parts = ALL
) -> Workspace:
    """One step of a stabilized method, of as many stages as diffusion asks for. What leaves the cells in the first
    stage is put aside in the register, with the opposite sign."""
    valid, one = geometry.topology.leaves.valid, jnp.ones_like(step.dt)
    stages = integrator.needed(step.dt * step.spread)

    def stage_of(k):
        j, count = (k + 1).astype(step.dt.dtype), stages.astype(step.dt.dtype)
        mu, nu, tilde, gamma = integrator.coefficients(j, count)
        time = step.begin + step.dt * integrator.time(j - 1, count)
        first = jnp.where(k == 0, one, 0)
        moment = Moment(step.dt, time, step.dt * amplitude(setup, time))
        return Stage(moment, mu, tilde, 0 * one, first, nu, gamma, first)

    def take(k, work):
        stage = apart(valid, lambda: stage_of(k))
        known = geometry if setup.steady else sampled(setup, geometry, stage.moment.time)
        return take_stage(setup, known, work, bounds, stage, parts)

    work = lax.fori_loop(jnp.zeros_like(stages), stages, take, work)
    return eqx.tree_at(lambda work: work.effort, work, work.effort.after(stages))
