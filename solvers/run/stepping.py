"""One step is planned before it is taken, so that numbers which all cells read are known then."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from amr.errors import InvalidSettingError
from amr.grid import Store
from solvers.integrators import Evolution, Stepper, Workspace

from .clock import Clock, courant_step, land_on, later, trial_step
from .problem import Setup
from .sampled import Sampled, sampled, signalled

Scalar = Float[Array, ""]


class Step(eqx.Module):
    """One step as planned.

    **Attributes:**

    - `clock`: how the clock stands after the step.
    - `begin`: the time before it; `dt`: its length.
    - `expands`: whether the flow has a divergence on the mesh, so that values may leave their initial range.
    - `spread`: the rate of diffusion, see `solvers.run.sampled`.
    """

    clock: Clock
    begin: Scalar
    dt: Scalar
    expands: Bool[Array, ""]
    spread: Scalar


def plan_step(setup: Setup, known: Sampled, store: Store, clock: Clock, stop: Scalar) -> tuple[Step, Sampled]:
    """Choose the next step so that signals keep to the Courant number: those of a flow halfway through it, those of a
    law at its start.

    The flow is looked at halfway through the longest step allowed so far. A step that has to be shorter than this
    by more than second order is one where the flow speeds up within a step, or new levels were just made. Gives back
    the samples and signals that were looked at.
    """
    trial = trial_step(setup.cfl, clock)
    cut = land_on(trial, clock, stop)
    middle = clock.time + 0.5 * cut
    known = signalled(setup, known, store, middle if setup.equation.ahead else clock.time)
    spread = _largest_spread(setup, known, clock.time, clock.time + cut)
    rate = setup.limited(known.rate * jnp.abs(setup.amplitude(middle)), spread, known.reaction)
    limit = courant_step(setup.cfl, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock, stop), dt)
    time, rest = later(clock, dt, stop)
    after = Clock(time, jnp.minimum(trial, limit), rate, rest)
    return Step(after, clock.time, dt, known.expands, spread), known


def stepped(integrator: Stepper, evolution: Evolution, space: Workspace, step: Step) -> Workspace:
    """The workspace after a step. Raises `InvalidSettingError` where an integrator gives something else."""
    after = integrator.step(evolution, space, step.begin, step.dt)
    if _shapes(after) != _shapes(space):
        kind = type(integrator).__name__
        raise InvalidSettingError("integrator", f"{kind}.step has to give the workspace that it got, with other cells")
    return after


def _shapes(tree: PyTree) -> tuple:
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]


def _largest_spread(setup: Setup, known: Sampled, begin: Scalar, end: Scalar) -> Scalar:
    """The rate of diffusion in the middle of a step, or at its ends where it changes with time and is larger there."""
    if setup.steady or not setup.diffuses:
        return known.spread
    return functools.reduce(jnp.maximum, [sampled(setup, known, t).spread for t in (begin, end)], known.spread)


def effective_bounds(setup: Setup, bounds, expands: Bool[Array, ""]):
    """The bounds to keep: none where the flow expands, or where values may leave their initial range otherwise."""
    expands = expands | (not setup.bounded)
    known = jnp.finfo(bounds[0].dtype)
    huge = jnp.asarray(float(known.max) * float(known.eps) / 4, known.dtype)  # what is divided by `eps` stays finite
    return jnp.where(expands, -huge, bounds[0]), jnp.where(expands, huge, bounds[1])
