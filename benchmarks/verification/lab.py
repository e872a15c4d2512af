"""Running a problem, and the numbers that are taken from a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

import amr
import solvers
from solvers.run.simulation import Solution

from .schemes import SCHEMES

NORMS = {"l1": "L1", "l2": "L2", "linf": "Linf"}


def square(cells: int, ndim: int = 1) -> tuple[int, ...]:
    """As many cells along each dimension."""
    return (cells,) * ndim


def advect(
    domain: amr.Domain,
    cells: int,
    velocity,
    scheme: str,
    initial: Callable,
    t_end: float,
    exact: Callable | None,
    *,
    patch: int = 8,
    levels: int = 0,
    refine=None,
    **options,
) -> Solution:
    """Advect a scalar with one of the `SCHEMES`; options are those of a `Simulation`."""
    ndim = len(domain.lower)
    mesh = amr.Mesh(domain, square(cells, ndim), patch, levels)
    simulation = solvers.Simulation(mesh, solvers.Advection(velocity), SCHEMES[scheme], refine, **options)
    return simulation.run(initial, t_end, exact=exact)


def diffuse(
    mesh: amr.Mesh,
    diffusivity,
    integrator,
    initial: Callable,
    t_end: float,
    exact: Callable | None = None,
    *,
    refine=None,
    **options,
) -> Solution:
    """Let a scalar diffuse; options are those of a `Simulation`."""
    scheme = solvers.MethodOfLines(integrator=integrator)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(diffusivity), scheme, refine, **options)
    return simulation.run(initial, t_end, exact=exact)


def wrong_by(field: amr.Field, exact: Callable) -> dict[str, float]:
    """Norms of what a field differs by from a function of position."""
    patches, ndim = field.patches(), field.mesh.ndim
    axes = [[1 + k for k in range(ndim) if k != d] for d in range(ndim)]
    x = [np.expand_dims(patches.centres(d), others) for d, others in enumerate(axes)]
    gap = np.abs(patches.values[:, 0] - np.asarray(exact(*x)))
    volume = np.prod(patches.dx, axis=1).reshape(-1, *(1,) * ndim) / field.mesh.domain.volume
    return {
        "l1": float((volume * gap).sum()),
        "l2": float(np.sqrt((volume * gap**2).sum())),
        "linf": float(gap.max()),
    }


def error(solution: Solution, norm: str = "l1", name: str = "phi") -> float:
    """A norm of the error at the end."""
    found = solution.summary.variables[name].error
    assert found is not None
    return found[norm]


def errors(solutions: Sequence[Solution], norm: str = "l1", factor: float = 1.0) -> tuple[float, ...]:
    """Of several runs. The norms are means: times the volume they are integrals."""
    return tuple(factor * error(solution, norm) for solution in solutions)


def orders(values: Sequence[float]) -> tuple[float, ...]:
    """Of convergence, from errors on meshes of which each is twice as fine as the one before."""
    return tuple(math.log2(coarse / fine) for coarse, fine in pairwise(values))


def drift(solutions: Sequence[Solution]) -> float:
    """The largest relative change of an integral over the run, of all variables and runs."""
    return max(abs(v.integral["relative_change"]) for s in solutions for v in s.summary.variables.values())


def overshoot(solutions: Sequence[Solution], low: float, high: float) -> float:
    """By how much values left a range in the course of the runs."""
    every = [v for solution in solutions for v in solution.summary.variables.values()]
    return max(0.0, *(max(low - v.lowest, v.highest - high) for v in every))


def fraction(solution: Solution) -> float:
    """Mean number of cells over that of a uniform grid of the finest level."""
    return solution.summary.cells["fraction_of_uniform_finest"]
