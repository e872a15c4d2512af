"""What a step and a regrid are made of: each part compiled and timed alone, at a state from the middle of a run.

Alone, a part cannot be fused with its neighbours, and its result has to be stored; so the parts need not add up to
the whole.
"""

from __future__ import annotations

import statistics
import time as clock

import jax
import jax.numpy as jnp

from amr.halo import fill_ghosts
from amr.reflux import reflux
from amr.topology import build_topology
from solvers import loop, stepping
from solvers.setup import Setup, State

from .cases import Pool, bump, simulation
from .measures import Measure

ROUNDS = 8  # regrids, with the steps between them, that are timed together

Parts = dict[str, tuple]  # for each part, a function and its arguments

MEASURES = (
    Measure("regrid_over_step", "time, one regrid with new plans / one step", ("<=", 3.0)),
    Measure("regrid_share", "share of the run loop that is not steps (regrid every 4 steps)", ("<=", 0.25)),
    Measure("share_ghosts", "ghost fill alone / whole step"),
    Measure("share_fluxes", "fluxes alone / whole step"),
    Measure("share_reflux", "reflux alone / whole step"),
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
    interval = run.setup.interval
    step = seconds["steps"] / interval
    whole = seconds["regrid"] + seconds["geometry"]
    return {
        "regrid_over_step": whole / step,
        "regrid_share": 1 - interval * step / seconds["round"],
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
    mesh, dtype = setup.mesh, state.u.dtype
    geometry = jax.jit(lambda forest: loop.build_geometry(setup, forest, dtype))(state.forest)
    topology, now, end = geometry.topology, state.clock, jnp.asarray(1e3, dtype)
    step = jax.jit(lambda g, now: stepping.plan_step(setup, g.topology, g.rates, now, end))(geometry, now)

    def ghosts(halo, u):
        return fill_ghosts(mesh, halo, u, setup.scheme.prolongation)

    def fluxes(ghosted, rates, factor, bounds):
        return stepping.transport(setup, ghosted, rates, factor, bounds)

    ghosted = jax.jit(ghosts)(topology.halo, state.u)
    flux_arguments = (ghosted, geometry.rates, step.factor, state.bounds)
    most = jnp.asarray(ROUNDS, jnp.int32)
    return {
        "ghosts": (ghosts, topology.halo, state.u),
        "fluxes": (fluxes, *flux_arguments),
        "reflux": (lambda plan, moved: reflux(plan, moved, 0.5), topology.reflux, jax.jit(fluxes)(*flux_arguments)),
        "steps": (lambda g, state: loop.several_steps(setup, g, state, end), geometry, state),
        "regrid": (lambda g, u, time: loop.regridded(setup, g, u, time), geometry, state.u, now.time),
        "plans": (lambda forest: build_topology(mesh, forest, setup.scheme.ghost), state.forest),
        "rates": (lambda topology: stepping.steady_rates(setup, topology, dtype), topology),
        "geometry": (lambda forest: loop.build_geometry(setup, forest, dtype), state.forest),
        "round": (lambda state: loop.advance(setup, state, end, most), state),
    }


def timed(pieces: Parts, repeats: int, calls: int = 20) -> dict[str, float]:
    """Seconds for each call: medians of `repeats` turns in which every part is called `calls` times."""
    programs = {name: jax.jit(function).lower(*given).compile() for name, (function, *given) in pieces.items()}
    found: dict[str, list[float]] = {name: [] for name in pieces}
    for _ in range(repeats + 1):
        for name, program in programs.items():
            times = 1 if name == "round" else calls
            started = clock.perf_counter()
            for _ in range(times):
                last = program(*pieces[name][1:])
            jax.block_until_ready(last)
            found[name].append((clock.perf_counter() - started) / times)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in found.items()}  # the first turn warms up
    return medians | {"round": medians["round"] / ROUNDS}
