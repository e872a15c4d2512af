"""What diffusion costs: cycles of multigrid, and super-time-stepping beside explicit steps."""

from __future__ import annotations

import functools
import math
import statistics
import time as clock
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

import amr
import solvers
from solvers.run.summary import Summary

from .cycles import boxes, grid_of, iterated, prepared
from .measures import Measure

FEW, MANY = 2, 12  # the time of a cycle is the slope between so many
PI = jnp.pi


@dataclass(frozen=True)
class Poisson:
    """Poisson's equation on `cells` a side, the middle half of each dimension refined `levels` times."""

    cells: int
    levels: int = 0
    patch: int = 16
    ndim: int = 2

    def cost(self) -> Callable[[], float]:
        """Measures nanoseconds a cell for a V-cycle with its residual."""
        domain = amr.Domain((0,) * self.ndim, (1,) * self.ndim, periodic=False)
        mesh = amr.Mesh(domain, (self.cells,) * self.ndim, self.patch, self.levels)
        system = prepared(solvers.Elliptic(mesh, boundary=amr.Dirichlet(0.0)), _source, boxes(self.ndim, self.levels))
        cells = int(grid_of(system).forest.count) * mesh.cells_per_patch

        def seconds(cycles: int) -> float:
            started = clock.perf_counter()
            jax.block_until_ready(iterated(system, cycles))
            return clock.perf_counter() - started

        for cycles in (FEW, MANY):
            seconds(cycles)  # compiled
        return lambda: 1e9 * (seconds(MANY) - seconds(FEW)) / ((MANY - FEW) * cells)


def _source(*x):
    return functools.reduce(lambda a, b: a * b, (jnp.cos(3 * PI * q) for q in x))


POISSON = {
    "cycle_512": ("512^2", Poisson(512)),
    "cycle_1024": ("1024^2", Poisson(1024)),
    "cycle_512_1": ("512^2 +1", Poisson(512, 1)),
    "cycle_512_2": ("512^2 +2", Poisson(512, 2)),
    "cycle_3d": ("128^3", Poisson(128, patch=16, ndim=3)),
}
QUICK = ("cycle_512", "cycle_512_1")
RATIO = 100.0  # of a step of RKL2 to an explicit one
DIFFUSIVITY, CELLS, END = 0.01, 512, 0.1

MEASURES = (
    *(Measure(key, f"V-cycle, nanoseconds a cell, {text}") for key, (text, _) in POISSON.items()),
    Measure("stabilized_over_explicit", f"speed, RKL2 / explicit steps, steps {RATIO:g} times as long"),
    Measure("stabilized_error", "mean error, RKL2 / explicit steps, of the same"),
)


def measure(keys: set[str], quick: bool, repeats: int, say: Callable[[str], None]) -> dict[str, float]:
    """Values of `MEASURES` by their keys."""
    found = {}
    for key, (text, case) in POISSON.items():
        if key in keys and (key in QUICK or not quick):
            say(f"V-cycles, {text}")
            cost = case.cost()
            found[key] = statistics.median(cost() for _ in range(repeats))
    if keys & {"stabilized_over_explicit", "stabilized_error"}:
        say("super-time-stepping and explicit steps")
        found |= {key: value for key, value in beside_explicit(repeats).items() if key in keys}
    return found


def beside_explicit(repeats: int) -> dict[str, float]:
    """A wave that fades in a periodic square, by RKL2 and by explicit steps in turn."""
    step = RATIO * (1 / CELLS) ** 2 / (4 * DIFFUSIVITY)
    runs = {
        "stabilized": _fading(solvers.RKL2(stages=29), (1 + 1e-6) * END / math.ceil(END / step)),
        "explicit": _fading(solvers.SSPRK2(), None),
    }
    summaries = [{name: run() for name, run in runs.items()} for _ in range(repeats + 1)][1:]
    errors = {name: known.variables["phi"].error or {} for name, known in summaries[0].items()}
    return {
        "stabilized_over_explicit": statistics.median(
            turn["explicit"].loop_seconds / turn["stabilized"].loop_seconds for turn in summaries
        ),
        "stabilized_error": errors["stabilized"]["l1"] / errors["explicit"]["l1"],
    }


def _fading(integrator, longest: float | None) -> Callable[[], Summary]:
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (CELLS, CELLS), 32)
    scheme = solvers.MethodOfLines(integrator=integrator)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(DIFFUSIVITY), scheme, longest=longest)
    return lambda: simulation.run(_wave, END, exact=_wave).summary


def _wave(x, y, t=0.0):
    return 1 + jnp.exp(-8 * PI**2 * DIFFUSIVITY * t) * jnp.sin(2 * PI * x) * jnp.sin(2 * PI * y)
