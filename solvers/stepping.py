"""One step of the whole pool: plan it, move everything through the faces, add up."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from amr.halo import fill_ghosts
from amr.reflux import reflux
from amr.topology import Topology, cell_sizes

from .advection import lower, upper
from .setup import Setup
from .time_step import Clock, courant_step, land_on, later, trial_step

Pool = Float[Array, "vars *cells patches"]
Scalar = Float[Array, ""]
Samples = PyTree[Float[Array, "*points patches"]]


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `factor`: the step's length, times the velocity's amplitude halfway through it.
    - `samples`: of the velocity halfway through the step; `None` if those of the regrid serve.
    """

    clock: Clock
    factor: Scalar
    samples: Samples | None


def steady_samples(setup: Setup, topology: Topology, dtype) -> Samples | None:
    """Samples of the velocity that serve until the next regrid, if its time dependence is a mere factor."""
    if setup.equation.velocity.amplitude is None:
        return None
    return _samples(setup, topology, jnp.zeros((), dtype))


def plan_step(setup: Setup, topology: Topology, steady: Samples | None, clock: Clock, stop: Scalar) -> Step:
    """Choose the next step so that the flow halfway through it keeps to the Courant number.

    The flow is looked at halfway through the longest step allowed so far. A step that has to be shorter than this
    by more than second order is one where the flow speeds up within a step, or new levels were just made.
    """
    trial = trial_step(setup.cfl, clock)
    cut = land_on(trial, clock.time, stop)
    middle = clock.time + 0.5 * cut
    samples = _samples(setup, topology, middle) if steady is None else steady
    rate = fastest(setup, topology, samples) * jnp.abs(amplitude(setup, middle))
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock.time, stop), dt)
    after = Clock(later(clock.time, dt, stop), jnp.minimum(trial, limit), rate)
    factor = dt * amplitude(setup, clock.time + 0.5 * dt)
    return Step(after, factor, samples if steady is None else None)


def amplitude(setup: Setup, time: Scalar) -> Scalar:
    """The factor of a velocity's samples that depends on time alone."""
    given = setup.equation.velocity.amplitude
    return jnp.ones_like(time) if given is None else jnp.asarray(given(time), time.dtype)


def patch_rates(setup: Setup, topology: Topology, samples: Samples) -> Float[Array, " patches"]:
    """How many cells the flow crosses per unit of time in each patch, in the fastest direction."""

    def one(samples, dx):
        velocities = setup.equation.velocity.on_faces(samples, dx)
        return jnp.stack([jnp.abs(v).max() / dx[d] for d, v in enumerate(velocities)]).max()

    dx = cell_sizes(setup.mesh, topology.forest, jax.tree.leaves(samples)[0].dtype)
    rates = jax.vmap(one, in_axes=-1, out_axes=-1)(samples, dx)
    return jnp.where(topology.forest.active, rates, 0)


def fastest(setup: Setup, topology: Topology, samples: Samples) -> Scalar:
    """The largest of `patch_rates`."""
    return patch_rates(setup, topology, samples).max()


def take_step(setup: Setup, topology: Topology, u: Pool, bounds, samples: Samples, factor: Scalar) -> Pool:
    """The pool after one step."""
    mesh = setup.mesh
    dx = cell_sizes(mesh, topology.forest, u.dtype)
    ghosted = fill_ghosts(mesh, topology.halo, u, setup.scheme.prolongation)
    moved = transport(setup, ghosted, samples, dx, factor, bounds)
    if mesh.max_level > 0:
        moved = reflux(topology.reflux, moved)
    change = sum((upper(m, 1 + d) - lower(m, 1 + d)) / dx[d] for d, m in enumerate(moved))
    return jnp.where(topology.forest.active, u - change, 0)


def transport(setup: Setup, ghosted, samples: Samples, dx, factor: Scalar, bounds) -> tuple[Array, ...]:
    """What crosses each face during a step, per unit area. The one place that maps a kernel over the pool."""
    velocity = setup.equation.velocity

    def one(ghosted, samples, dx):
        faces = velocity.on_faces(samples, dx)
        courant = tuple(factor / dx[d] * face for d, face in enumerate(faces))
        per_variable = jax.vmap(setup.scheme.transported, in_axes=(0, None, None, 0))
        moved = per_variable(ghosted, courant, velocity.divergence_free, bounds)
        return tuple(m * dx[d] for d, m in enumerate(moved))

    return jax.vmap(one, in_axes=-1, out_axes=-1)(ghosted, samples, dx)


def _samples(setup: Setup, topology: Topology, time: Scalar) -> Samples:
    return setup.equation.velocity.samples(setup.mesh, topology, setup.scheme.ghost, time.dtype, time)
