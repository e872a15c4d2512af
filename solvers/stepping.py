"""One step of the whole pool: plan it, move everything through the faces, add up."""

from __future__ import annotations

import functools

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from amr.fusion import apart
from amr.halo import fill_ghosts
from amr.reflux import reflux
from amr.topology import Topology, cell_sizes

from .advection import Store, at_once, lower, others, trim, upper
from .setup import Setup
from .time_step import Clock, courant_step, land_on, later, trial_step

Pool = Float[Array, "vars *cells patches"]
Scalar = Float[Array, ""]
# For each dimension, how many cells the flow crosses per unit of time at the faces of all patches. Axes of faces of
# length one stand for a flow that is the same everywhere.
Rates = tuple[Float[Array, "..."], ...]


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `factor`: the step's length, times the velocity's amplitude halfway through it.
    - `rates`: of the flow halfway through the step; `None` if those of the regrid serve.
    - `expands`: whether the flow has a divergence on the mesh, so that values may leave their initial range.
    """

    clock: Clock
    factor: Scalar
    rates: Rates | None
    expands: Bool[Array, ""]


def steady_rates(setup: Setup, topology: Topology, dtype) -> Rates | None:
    """Rates of the flow that serve until the next regrid, if its time dependence is a mere factor."""
    if setup.equation.velocity.amplitude is None:
        return None
    return flow_rates(setup, topology, jnp.zeros((), dtype))


def flow_rates(setup: Setup, topology: Topology, time: Scalar) -> Rates:
    """Rates of the flow at a time, its amplitude apart: entry d is `(*faces, patches)`."""
    velocity, mesh = setup.equation.velocity, setup.mesh
    always, ghost = topology.forest.count > 0, setup.scheme.ghost
    samples = apart(always, lambda: velocity.samples(mesh, topology, ghost, time.dtype, time))
    dx = cell_sizes(mesh, topology.forest, time.dtype)
    return tuple(v / dx[d] for d, v in enumerate(velocity.on_faces(samples, dx)))


def plan_step(setup: Setup, topology: Topology, steady: Rates | None, clock: Clock, stop: Scalar) -> Step:
    """Choose the next step so that the flow halfway through it keeps to the Courant number.

    The flow is looked at halfway through the longest step allowed so far. A step that has to be shorter than this
    by more than second order is one where the flow speeds up within a step, or new levels were just made.
    """
    trial = trial_step(setup.cfl, clock)
    cut = land_on(trial, clock.time, stop)
    middle = clock.time + 0.5 * cut
    rates = flow_rates(setup, topology, middle) if steady is None else steady
    rate = fastest(topology, rates) * jnp.abs(amplitude(setup, middle))
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock.time, stop), dt)
    after = Clock(later(clock.time, dt, stop), jnp.minimum(trial, limit), rate)
    factor = dt * amplitude(setup, clock.time + 0.5 * dt)
    return Step(after, factor, rates if steady is None else None, expands(setup, topology, rates))


def amplitude(setup: Setup, time: Scalar) -> Scalar:
    """The factor of a velocity's samples that depends on time alone."""
    given = setup.equation.velocity.amplitude
    return jnp.ones_like(time) if given is None else jnp.asarray(given(time), time.dtype)


def expands(setup: Setup, topology: Topology, rates: Rates) -> Bool[Array, ""]:
    """Whether the flow has a divergence, beyond roundoff, in the cells of any patch."""
    if setup.equation.velocity.divergence_free or not setup.scheme.bounded:
        return jnp.zeros((), bool)
    dims = range(setup.mesh.ndim)
    faces = [trim(rate, others(d, dims)) for d, rate in enumerate(rates)]
    divergence = sum(upper(face, d) - lower(face, d) for d, face in enumerate(faces))
    for _ in range(1, setup.scheme.ghost):
        divergence = trim(divergence, dims)
    largest = jnp.where(topology.forest.active, jnp.abs(divergence), 0).max()
    return largest > 1e4 * jnp.finfo(largest.dtype).eps * fastest(topology, rates)


def effective_bounds(bounds, expands: Bool[Array, ""]):
    """The bounds to keep: none where the flow expands."""
    huge = jnp.asarray(jnp.finfo(bounds[0].dtype).max ** 0.5, bounds[0].dtype)
    return jnp.where(expands, -huge, bounds[0]), jnp.where(expands, huge, bounds[1])


def patch_rates(topology: Topology, rates: Rates) -> Float[Array, " patches"]:
    """How many cells the flow crosses per unit of time in each patch, in the fastest direction."""
    fastest_in = [jnp.abs(rate).max(tuple(range(rate.ndim - 1))) for rate in rates]
    return jnp.where(topology.forest.active, jnp.stack(fastest_in).max(0), 0)


def fastest(topology: Topology, rates: Rates) -> Scalar:
    """The largest of `patch_rates`."""
    return patch_rates(topology, rates).max()


def take_step(setup: Setup, topology: Topology, u: Pool, bounds, rates: Rates, factor: Scalar) -> Pool:
    """The pool after one step."""
    mesh = setup.mesh
    ghosted = fill_ghosts(mesh, topology.halo, u, setup.scheme.prolongation)
    if mesh.max_level == 0 and mesh.ndim < 3:
        # From ghosts to update in one fused loop: measured twice as fast as in stages, where nothing else reads fluxes.
        moved = transport(setup, ghosted, rates, factor, bounds)
    else:
        store = functools.partial(apart, topology.halo.valid)
        moved = store(lambda: transport(setup, ghosted, rates, factor, bounds, store))
    if mesh.max_level > 0:
        moved = reflux(topology.reflux, moved, scale=0.5)
    change = sum(upper(m, 1 + d) - lower(m, 1 + d) for d, m in enumerate(moved))
    return jnp.where(topology.forest.active, u - change, 0)


def transport(setup: Setup, ghosted, rates: Rates, factor: Scalar, bounds, store: Store = at_once) -> tuple[Array, ...]:
    """What crosses each face during a step, in units of a cell.

    The kernel is written for one patch and one variable. It gets the whole pool, whose last axis rides along: `vmap`
    would move that axis to the front wherever arrays of different rank meet, and transpose the pool with it.
    """
    courant = tuple(factor * rate for rate in rates)
    divergence_free = setup.equation.velocity.divergence_free
    moved = [
        setup.scheme.transported(phi, courant, divergence_free, (low, high), store)
        for phi, low, high in zip(ghosted, *bounds, strict=True)
    ]
    return tuple(jnp.stack(parts) for parts in zip(*moved, strict=True))
