"""The program that runs on the device: regrid, take a few steps, and again, without a word to the host.

    while time < stop and the pool is large enough:
        regrid -> forest, plans, rates of the flow
        repeat `interval` times: step

Plans and rates do not change inside the inner loop. The scalars of a step are computed one step ahead and carried:
computed inside the step, XLA would recompute them for every element of the fused kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from amr import diagnostics
from amr.errors import InvalidSettingError
from amr.forest import Forest
from amr.halo import fill_ghosts
from amr.mesh import Mesh
from amr.regrid import Regridded, regrid, wishes_of
from amr.topology import Topology, build_topology, cell_centres

from .bounds import clip_and_assure_sum
from .setup import Setup, State
from .stepping import (
    Rates,
    amplitude,
    effective_bounds,
    fastest,
    flow_rates,
    patch_rates,
    plan_step,
    steady_rates,
    take_step,
)
from .time_step import FIRST, first_clock

Scalar = Float[Array, ""]
Count = Int[Array, ""]


class Tally(eqx.Module):
    """What was done.

    **Attributes:**

    - `steps`, `rounds`: how many steps, and how many times a few steps on one mesh.
    - `patch_steps`: active patches summed over the steps; `most_patches`: at once.
    - `lowest`, `highest`: extrema of each variable, looked at before every regrid.
    """

    steps: Count
    rounds: Count
    patch_steps: Count
    most_patches: Count
    lowest: Float[Array, " vars"]
    highest: Float[Array, " vars"]


def start(setup: Setup, initial: Callable, forest: Forest, time: Scalar, end: Scalar) -> State:
    """Put the initial condition on a forest and refine it, level by level, as far as it asks for.

    `initial(x, ..)` gives the values at cell centres: one array, or one for each variable.
    """

    def refined(carry):
        forest, u, _ = carry
        done = regridded(setup, build_geometry(setup, forest, time.dtype), u, time)
        return done.forest, evaluate(setup, done.forest, initial, time.dtype), done.needed

    forest, u, needed = forest, evaluate(setup, forest, initial, time.dtype), forest.count
    if setup.adaptive:
        # Once more than there are levels: coarse data may ask for patches that finer data give back.
        forest, u, needed = lax.fori_loop(0, setup.mesh.max_level + 1, lambda _, c: refined(c), (forest, u, needed))
    topology = build_topology(setup.mesh, forest, setup.scheme.ghost)
    rate = jnp.maximum(_rate(setup, topology, time), _rate(setup, topology, time + FIRST * (end - time)))
    bounds = (diagnostics.minimum(forest, u), diagnostics.maximum(forest, u))
    return State(forest, u, first_clock(setup.cfl, time, end - time, rate), bounds, needed)


def advance(setup: Setup, state: State, stop: Scalar, most_rounds: Count) -> tuple[State, Tally]:
    """Go on to the time `stop`, or until the pool is too small, or for a number of rounds.

    Where a run is divided into calls does not change its result: every call ends where a regrid would follow.
    """

    def unfinished(carry):
        state, _, tally = carry
        return (state.clock.time < stop) & ~state.overflow & (tally.rounds < most_rounds)

    def round_(carry):
        state, geometry, tally = carry
        if setup.adaptive:
            state, geometry = adapted(setup, state, geometry)
        state, steps = several_steps(setup, geometry, state, stop)
        return state, geometry, _counted(tally, state, steps)

    first = (state, build_geometry(setup, state.forest, state.u.dtype), _blank(state))
    state, _, tally = lax.while_loop(unfinished, round_, first)
    return state, tally


class Geometry(eqx.Module):
    """What stays the same until the next regrid: plans, and rates of the flow where time enters as a factor only."""

    topology: Topology
    rates: Rates | None


def build_geometry(setup: Setup, forest: Forest, dtype) -> Geometry:
    """Plans and rates for a forest."""
    topology = build_topology(setup.mesh, forest, setup.scheme.ghost)
    return Geometry(topology, steady_rates(setup, topology, dtype))


def adapted(setup: Setup, state: State, geometry: Geometry) -> tuple[State, Geometry]:
    """The state on a mesh that follows the solution, and what belongs to that mesh."""
    done = regridded(setup, geometry, state.u, state.clock.time)
    geometry = lax.cond(done.changed, lambda: build_geometry(setup, done.forest, done.u.dtype), lambda: geometry)
    return State(done.forest, done.u, state.clock, state.bounds, done.needed), geometry


def _blank(state: State) -> Tally:
    zero = jnp.zeros((), jnp.int32)
    lowest, highest = diagnostics.minimum(state.forest, state.u), diagnostics.maximum(state.forest, state.u)
    return Tally(zero, zero, zero, state.forest.count, lowest, highest)


def _counted(tally: Tally, state: State, steps: Count) -> Tally:
    count = state.forest.count
    return Tally(
        tally.steps + steps,
        tally.rounds + 1,
        tally.patch_steps + steps * count,
        jnp.maximum(tally.most_patches, count),
        jnp.minimum(tally.lowest, diagnostics.minimum(state.forest, state.u)),
        jnp.maximum(tally.highest, diagnostics.maximum(state.forest, state.u)),
    )


def several_steps(setup: Setup, geometry: Geometry, state: State, stop: Scalar) -> tuple[State, Count]:
    """Up to `interval` steps on one mesh, as long as `stop` is not reached and the last regrid found room."""
    topology, steady = geometry.topology, geometry.rates

    def more(carry):
        _, clock, _, steps = carry
        return (steps < setup.interval) & (clock.time < stop) & ~state.overflow

    def one(carry):
        u, _, step, steps = carry
        rates = step.rates if steady is None else steady
        u = take_step(setup, topology, u, effective_bounds(state.bounds, step.expands), rates, step.factor)
        return u, step.clock, plan_step(setup, topology, steady, step.clock, stop), steps + 1

    step = plan_step(setup, topology, steady, state.clock, stop)
    u, clock, step, steps = lax.while_loop(more, one, (state.u, state.clock, step, jnp.zeros((), jnp.int32)))
    if setup.mesh.max_level > 0 and setup.scheme.bounded:
        u = clip_and_assure_sum(setup.mesh, state.forest, u, effective_bounds(state.bounds, step.expands))
    return State(state.forest, u, clock, state.bounds, state.needed), steps


def regridded(setup: Setup, geometry: Geometry, u, time: Scalar) -> Regridded:
    """Refine and coarsen once, as the indicator wishes."""
    mesh, scheme, topology = setup.mesh, setup.scheme, geometry.topology
    assert setup.refine is not None
    ghosted = fill_ghosts(mesh, topology.halo, u, scheme.prolongation)
    wishes = wishes_of(mesh, topology.forest, setup.refine, ghosted, time)
    return regrid(mesh, topology, u, ghosted, wishes, scheme.prolongation, buffer_cells(setup, geometry))


def buffer_cells(setup: Setup, geometry: Geometry) -> Int[Array, " patches"]:
    """How many cells the flow can cross in each patch before the next regrid.

    The fastest patch moves by `cfl` cells a step; the others by less, in proportion, if the shape of the flow stays.
    """
    topology, steady = geometry.topology, geometry.rates
    if setup.buffer is not None:
        return jnp.full(topology.forest.capacity, setup.buffer, jnp.int32)
    if steady is None:
        return jnp.full(topology.forest.capacity, math.ceil(setup.cfl * setup.interval), jnp.int32)
    rates = patch_rates(topology, steady)
    share = jnp.where(rates.max() > 0, rates / jnp.where(rates.max() > 0, rates.max(), 1), 0)
    return jnp.ceil(setup.cfl * setup.interval * share).astype(jnp.int32)


def evaluate(setup: Setup, forest: Forest, function: Callable, dtype, *time) -> Float[Array, "vars *cells patches"]:
    """A function of position (and time) at the cell centres of all active patches."""
    mesh: Mesh = setup.mesh
    values = function(*cell_centres(mesh, forest, dtype), *time)
    several = values if isinstance(values, tuple | list) else (values,)
    names = setup.equation.names
    if len(several) != len(names):
        given = f"{len(several)} array{'s' if len(several) > 1 else ''}"
        raise InvalidSettingError("initial", f"expected one array for each of {', '.join(names)}; got {given}")
    shape = (*mesh.patch_shape, forest.capacity)
    u = jnp.stack([jnp.broadcast_to(jnp.asarray(value, dtype), shape) for value in several])
    return jnp.where(forest.active, u, 0)


def _rate(setup: Setup, topology: Topology, time: Scalar) -> Scalar:
    """The rate of the fastest signal at one time."""
    return fastest(topology, flow_rates(setup, topology, time)) * jnp.abs(amplitude(setup, time))
