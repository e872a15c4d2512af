"""One step is planned before it is taken, so that numbers which all cells read are known then, and looked at after."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from amr.errors import InvalidSettingError
from amr.grid import Pool, Store
from solvers.integrators import Evolution, Stepper, Workspace

from .clock import GROWTH, Clock, Instant, courant_step, land_on, later, trial_step
from .evolution import GridEvolution
from .problem import Setup
from .sampled import Sampled, sampled, signalled

Scalar = Float[Array, ""]
Flag = Bool[Array, ""]

SLACK = 1.25  # signals may become so much faster than planned before a step was too long
PULSE = 2.0  # so many times within it, of a given flow: one that turns round is no fault of its middle
LOOKS = 64  # how often the amplitude of a flow is looked at within a step
SHORTER, SHORTEST = 0.5, 0.05  # of a step that was too long, when it is tried again
TRIES = 12  # a step is shortened so often at most


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


def plan_step(setup: Setup, known: Sampled, store: Store, clock: Clock, stop: Instant) -> tuple[Step, Sampled]:
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
    if setup.pulsed:
        limit = jnp.minimum(limit, _before_it_pulses(setup, clock.time, jnp.minimum(cut, limit), known.rate))
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, clock, stop), dt)
    time, rest = later(clock, dt, stop)
    after = Clock(time, jnp.minimum(trial, limit), rate, rest)
    return Step(after, clock.time, dt, known.expands, spread), known


def _before_it_pulses(setup: Setup, time: Scalar, dt: Scalar, rate: Scalar) -> Scalar:
    """How much of a step may be taken where the amplitude of a flow, which signals of the `rate` are multiplied by,
    grows beyond what the middle of the step let expect; infinite if it does not."""
    ends = dt * jnp.arange(1, LOOKS + 1, dtype=dt.dtype) / LOOKS
    most = rate * lax.cummax(jnp.abs(jax.vmap(setup.amplitude)(time + ends)))
    fine = ends * most <= PULSE * setup.cfl
    first = jnp.argmin(fine)
    allowed = jnp.clip(courant_step(setup.cfl, most[first]), ends[first] - dt / LOOKS, ends[first])
    return jnp.where(fine.all(), jnp.inf, allowed)


class Tries(eqx.Module):
    """How often a step was taken again since signals had become too fast for it.

    **Attributes:** `now`: the present one; `total`: all; `pending`: whether the step that comes is none, before a
    shorter one is planned.
    """

    now: Int[Array, ""]
    total: Int[Array, ""]
    pending: Flag

    @classmethod
    def begun(cls, total: Int[Array, ""]) -> "Tries":
        """None at present."""
        return cls(jnp.zeros((), jnp.int32), total, jnp.zeros((), bool))


def cells_before(evolution: GridEvolution, space: Workspace) -> Pool | None:
    """The cells before a step, if they are asked for afterwards and the stepper does not put them aside."""
    setup = evolution.setup
    return None if setup.signals_known or setup.integrator.start else evolution.cells(space)


def looked_back(
    evolution: GridEvolution,
    space: Workspace,
    cells: Pool | None,
    step: Step,
    clocks: tuple[Clock, Clock, Clock],
    tries: Tries,
) -> tuple[Workspace, Clock, Flag, Tries]:
    """The workspace and the clock after a step, and whether it was too long for signals that became faster in it, or
    not finite: then the workspace is that before it, from `cells`, and the clock such that a shorter one follows.

    `clocks`: before the step, after it, and after the next as it was planned, whose rate is that of the state now.
    """
    setup, (before, after, next_) = evolution.setup, clocks
    fine = (step.dt * next_.rate <= SLACK * setup.cfl) | (step.dt == 0)
    short = step.dt <= jnp.finfo(step.dt.dtype).eps ** 0.5 * jnp.abs(before.time)
    hopeless = (tries.now >= TRIES) | (short & ~jnp.isfinite(next_.rate)) | space.effort.failed
    fine = fine | hopeless

    def restored(carry):
        space, _ = carry
        start = space.aside[setup.integrator.start] if cells is None else cells
        return evolution.with_cells(space, start), jnp.zeros((), bool)

    # At most once: a conditional would copy the store in either case.
    space, _ = lax.while_loop(lambda carry: carry[1], restored, (space, ~fine))
    part = jnp.clip(setup.cfl / (step.dt * next_.rate), SHORTEST, SHORTER)
    part = jnp.where(jnp.isfinite(next_.rate), part, SHORTER)
    again = Clock(before.time, part * step.dt / GROWTH, before.rate, before.rest)
    clock = jax.tree.map(functools.partial(jnp.where, fine), after, again)
    now = jnp.where(fine, jnp.where(step.dt > 0, jnp.zeros_like(tries.now), tries.now), tries.now + 1)
    return space, clock, ~fine, Tries(now, tries.total + (~fine).astype(jnp.int32), ~fine)


def nothing_yet(step: Step, clock: Clock) -> Step:
    """A step of no length, like another one, after which a step is planned anew."""
    return Step(clock, clock.time, jnp.zeros_like(step.dt), step.expands, step.spread)


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
