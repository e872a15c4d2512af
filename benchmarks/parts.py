"""What a step and a regrid are made of: each part compiled and timed alone, at a state from the middle of a run.

Alone, a part cannot be fused with its neighbours, and its result has to be stored; so the parts need not add up to
the whole.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
import time as clock

import jax
import jax.numpy as jnp
from jax import lax

from amr.grid.pool import room_of
from amr.grid.topology import rebuilt
from solvers.run import loop, sampled, stepping
from solvers.run.clock import Instant
from solvers.run.compiling import compiled
from solvers.run.evolution import GridEvolution
from solvers.run.problem import Setup, State

from .cases import Pool, bump, simulation
from .measures import Measure

ROUNDS = 8  # regrids, with the steps between them, that are timed together
CALLS = 20  # of a part in one program, so that what it changes stays where it lies, as in a run

Parts = dict[str, tuple]  # for each part, a function from a state to the next, that state, and what else it reads

MEASURES = (
    Measure("regrid_over_step", "time, one regrid with new plans / one step", ("<=", 3.0)),
    Measure("regrid_share", "share of the run loop that is not steps (regrid every 4 steps)", ("<=", 0.25)),
    Measure("share_ghosts", "ghost fill / whole step"),
    Measure("share_fluxes", "fluxes / whole step"),
    Measure("share_reflux", "reflux and update / whole step"),
    Measure("share_plans", "neighbours and index plans / whole regrid"),
    Measure("share_rates", "rates of the flow / whole regrid"),
    Measure("milliseconds_step", "one step, milliseconds"),
    Measure("milliseconds_regrid", "one regrid with new plans, milliseconds"),
)


def measure(case: Pool, middle: float, repeats: int) -> dict[str, float]:
    """Values of `MEASURES` for a run stopped at time `middle`."""
    run = simulation(case)
    state = run.run(bump, middle).state
    seconds = timed(parts(run.setup, state), repeats)
    step, whole = seconds["step"], seconds["regrid"] + seconds["plans"] + seconds["rates"]
    return {
        "regrid_over_step": whole / step,
        "regrid_share": 1 - run.setup.interval * step / seconds["round"],
        "share_ghosts": seconds["ghosts"] / step,
        "share_fluxes": seconds["fluxes"] / step,
        "share_reflux": seconds["reflux"] / step,
        "share_plans": seconds["plans"] / whole,
        "share_rates": seconds["rates"] / whole,
        "milliseconds_step": 1e3 * step,
        "milliseconds_regrid": 1e3 * whole,
    }


def parts(setup: Setup, state: State) -> Parts:
    """The parts of the run loop, ready to be timed."""
    mesh, layout, now = setup.mesh, room_of(state.u), state.clock
    empty = functools.partial(sampled.blank, setup, state.forest, layout, now.time)
    yes = jnp.ones((), bool)
    known = jax.jit(lambda: sampled.adapted(setup, empty(), state.forest, now.time, yes))()
    space = jax.jit(lambda: loop.workspace(setup, known, state.u))()
    end, most = Instant.put(1e3, now.time.dtype), jnp.asarray(ROUNDS, jnp.int32)
    step = jax.jit(lambda known, store: stepping.plan_step(setup, known, store, now, end)[0])(known, space.work.store)
    ghosted = jnp.zeros((state.u.shape[0], *known.topology.fill.shape), state.u.dtype)

    def evolving(known):
        return GridEvolution.whole(setup, known, state.bounds, step.spread)

    def moment(known):
        moments = evolving(known).moments(setup.integrator.times, step.begin, step.dt)
        return jax.tree.map(lambda column: column[0], moments)

    def ghosts(carry, known):
        (store, pool), grid = carry, setup.grid(known.topology)
        store = grid.rings(store, now.time)
        return store, grid.map(lambda part: grid.ghosted(part, store, now.time, lambda u: u), pool)

    def fluxes(carry, known, ghosted):
        grid = setup.grid(known.topology)

        def one(part, carry):
            # A factor that depends on what came before: else the compiler would do all of it only once.
            when = moment(known)
            when = dataclasses.replace(when, factor=when.factor + 0 * carry[0].ravel()[0])
            kernel, calm = evolving(known).kernels(when)(part), jnp.zeros((), bool)
            found = grid.moved(part, part.take(ghosted), kernel, calm)
            return tuple(grid.put(old, new, part) for old, new in zip(carry, found, strict=True))

        return grid.fold(one, carry)

    def update(space, known):
        weights = jax.tree.map(lambda column: column[0], setup.integrator.weights(now.dt.dtype))
        work, aside = setup.grid(known.topology).updated(space.work, weights.update, space.aside)
        return dataclasses.replace(space, work=work, aside=aside)

    def one_step(carry, known):
        space, now, count = carry
        step, known = stepping.plan_step(setup, known, space.work.store, now, end)
        return setup.integrator.step(evolving(known), space, step.begin, step.dt), step.clock, count + 1

    def regrid(work, known):
        return loop.regridded(setup, known, work, now.time)[1]

    def plans(topology, forest):
        return rebuilt(mesh, topology, forest, forest.count > 0)

    ghosted = jax.jit(ghosts)((space.work.store, ghosted), known)[1]
    work = space.work
    return {
        "ghosts": (ghosts, (work.store, ghosted), known),
        "fluxes": (fluxes, (work.outflow, work.sides, work.means), known, ghosted),
        "reflux": (update, space, known),
        "step": (one_step, (space, now, jnp.zeros((), jnp.int32)), known),
        "regrid": (regrid, work, known),
        "plans": (plans, known.topology, state.forest),
        "rates": (lambda known, time: sampled.sampled(setup, known, time), known, now.time),
        "round": (lambda state, *end: loop.advance(setup, state, Instant(*end), most)[0], state, end.time, end.rest),
    }


def timed(pieces: Parts, repeats: int) -> dict[str, float]:
    """Seconds for each call: medians of `repeats` turns in which every part is called `CALLS` times."""
    programs = {name: program(*piece, times=1 if name == "round" else CALLS) for name, piece in pieces.items()}
    found: dict[str, list[float]] = {name: [] for name in pieces}
    for _ in range(repeats + 1):
        for name, run in programs.items():
            started = clock.perf_counter()
            jax.block_until_ready(run(*pieces[name][1:]))
            found[name].append((clock.perf_counter() - started) / (ROUNDS if name == "round" else CALLS))
    return {name: statistics.median(seconds[1:]) for name, seconds in found.items()}  # the first turn warms up


def program(function, *given, times: int):
    """Compiled: a function applied to a state several times."""

    def repeated(state, *more):
        return lax.fori_loop(0, times, lambda _, state: function(state, *more), state)

    return compiled(jax.jit(repeated), *given)
