"""ADV2D and ADV3D: a Gaussian in a swirling flow that turns back half-way."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

import amr
import solvers
from solvers.run.simulation import Solution

from . import pictures
from .case import Result, Row, at_most, case
from .lab import advect, drift, error, fraction, overshoot, square
from .problems import SQUARE, bump, deep_swirl, swirl, swirled_bump
from .schemes import SCHEMES

CELLS = (64, 128, 256)
CLAW = "AMRClaw"
PUBLISHED = {  # at t=1, at t=2, whose
    "CTU, no limiter": ((5.56e-3, 1.61e-3, 4.11e-4), (2.71e-3, 4.63e-4, 6.23e-5), "AMRClaw, no limiter"),
    "CTU, MC": ((3.31e-3, 7.70e-4, 1.42e-4), (4.86e-3, 1.22e-3, 2.06e-4), "AMRClaw, MC"),
    "MUSCL, MC": ((), (), ""),
    "Upwind3": ((3.28e-3, 6.12e-4, 9.30e-5), (), "upwind-3, SSPRK3"),
    "PPM": ((), (), ""),
    "Upwind5": ((1.03e-3, 1.26e-4, 2.63e-5), (), "upwind-5, RK4"),
    "WENO5": ((1.03e-3, 1.26e-4, 2.63e-5), (), "upwind-5, RK4"),
}
BASILISK = (3.11e-3, 6.30e-4, 1.19e-4)  # BCG, at t=1: the scheme is CTU's relative
FIFTH = at_most(1.1e-3, 1.4e-4, 2.8e-5)


@functools.cache
def stretched(cells: int, points: int) -> np.ndarray:
    """The exact solution at t=1, averaged over the cells of a uniform grid from `points` Gauss points a dimension."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    if points == 1:
        nodes, weights = np.zeros(1), np.full(1, 2.0)
    known = jax.jit(lambda x, y: swirled_bump(x, y, jnp.asarray(1.0)))
    edge, total = np.arange(cells) + 0.5, np.zeros((cells, cells))
    for (a, p), (b, q) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        x, y = np.meshgrid((edge + 0.5 * a) / cells, (edge + 0.5 * b) / cells, indexing="ij")
        total += 0.25 * p * q * np.asarray(known(x, y))
    return total


@functools.cache
def there_and_back(scheme: str, cells: int) -> tuple[float, float]:
    """The mean error on a uniform grid at t=1, and at t=2 of the same run."""
    fields = []
    mesh = amr.Mesh(SQUARE, square(cells, 2), 32)
    simulation = solvers.Simulation(mesh, solvers.Advection(swirl()), SCHEMES[scheme])
    solution = simulation.run(bump, 2.0, exact=bump, outputs=(1.0,), on_output=fields.append)
    wrong = fields[1].uniform() - stretched(cells, simulation.setup.scheme.points)
    return float(np.abs(wrong).mean()), error(solution)


def stretched_error(solution: Solution, scheme: str) -> float:
    """The mean error of a refined run at t=1, each leaf compared with the uniform grid of its level."""
    points, leaves, n = SCHEMES[scheme].points, solution.field.patches(), solution.field.mesh.patch
    total = 0.0
    for values, level, (i, j), dx in zip(leaves.values, leaves.level, leaves.position * n, leaves.dx, strict=True):
        known = stretched(solution.field.mesh.cells[0] * 2 ** int(level), points)[i : i + n, j : j + n]
        total += float(np.abs(values[0] - known).sum() * dx.prod())
    return total


@case(
    "V1",
    "ADV2D on uniform grids",
    run="A Gaussian on a background of 1 in the swirling flow of the stream function sin²(πx) sin²(πy) cos(πt/2)/π, "
    "on 64², 128² and 256² cells. At t=1 it is stretched most, and compared with the initial condition traced back "
    "along the flow; at t=2 it is back where it was, and dispersion has cancelled in part: look at t=1.",
    columns="mean error with 64² / 128² / 256² cells",
    means="High order pays: on 256² cells a fifth-order scheme has one or two hundredths of the error of CTU. "
    "Errors fall below the published ones of upwind-5, probably since velocity and state are averaged together.",
)
def uniform() -> Result:
    """All schemes, all sizes, both times."""
    found = {scheme: [there_and_back(scheme, n) for n in CELLS] for scheme in PUBLISHED}
    first, last = ({scheme: tuple(pair[i] for pair in pairs) for scheme, pairs in found.items()} for i in (0, 1))
    rows = []
    for scheme, (known, _, code) in PUBLISHED.items():
        fifth = SCHEMES[scheme].points == 3 and SCHEMES[scheme].reconstruction.order == 5
        rows.append(Row(f"{scheme}, t=1", first[scheme], known, code if known else "", FIFTH if fifth else None))
    rows.insert(1, Row("CTU, no limiter, t=1", first["CTU, no limiter"], BASILISK, "Basilisk BCG"))
    for scheme, (_, known, code) in PUBLISHED.items():
        rows.append(Row(f"{scheme}, t=2", last[scheme], known, code if known else ""))
    others = {code: known for known, _, code in PUBLISHED.values() if known} | {"Basilisk BCG": BASILISK}
    return Result(rows, {"swirl": lambda: pictures.convergence(CELLS, first, others, "ADV2D at t=1")})


ADAPTIVE = (  # label, scheme, indicator, patch, published error, code
    ("CTU, MC; difference > .01", "CTU, MC", amr.Difference(0.01), 8, 1.46e-4, CLAW + ", MC"),
    ("CTU, no limiter; difference > .01", "CTU, no limiter", amr.Difference(0.01), 8, 4.17e-4, CLAW + ", no limiter"),
    ("Upwind5; difference > .01", "Upwind5", amr.Difference(0.01), 8, None, ""),
    ("Upwind5; detail > .0003", "Upwind5", amr.Detail(0.0003), 8, None, ""),
    ("WENO5; detail > .0003", "WENO5", amr.Detail(0.0003), 8, None, ""),
)


@case(
    "V2",
    "ADV2D with refinement",
    run="The same from 64² cells with two levels more, in patches of 8², to t=1; and to t=2 in patches of 16² with "
    "AMReX's tags (value above 1.01, 1.1, 1.5). The second number is the mean number of cells over that of the "
    "uniform grid of the finest level.",
    columns="mean error / fraction of cells",
    means="With a third to two fifths of its cells, a refined run comes close to the error of the uniform fine grid.",
)
def adaptive() -> Result:
    """AMRClaw's tags and others to t=1, AMReX's to t=2."""
    solutions, rows = [], []
    for label, scheme, refine, patch, published, code in ADAPTIVE:
        solution = advect(SQUARE, 64, swirl(), scheme, bump, 1.0, None, patch=patch, levels=2, refine=refine)
        solutions.append(solution)
        mark = at_most(4e-5, 0.45) if "5" in scheme else None
        known = () if published is None else (published,)
        numbers = (stretched_error(solution, scheme), fraction(solution))
        rows.append(Row(label, numbers, known, code, mark))
    for levels, published in ((1, 9.7e-4), (2, 3.7e-4), (3, 2.7e-4)):
        tags = amr.Value((1.01, 1.1, 1.5)[:levels])
        solution = advect(SQUARE, 64, swirl(), "CTU, MC", bump, 2.0, bump, patch=16, levels=levels, refine=tags)
        solutions.append(solution)
        numbers = (error(solution), fraction(solution))
        rows.append(Row(f"CTU, MC; values, {levels} levels, t=2", numbers, (published,), "AMReX Advection_AmrCore"))
    limited = [s for s, (_, scheme, *_) in zip(solutions, ADAPTIVE, strict=False) if "MC" in scheme] + solutions[-3:]
    rows.append(Row("largest relative change of mass, all runs", (drift(solutions),), mark=at_most(1e-13)))
    rows.append(Row("largest overshoot, CTU with MC", (overshoot(limited, 1, 2),), mark=at_most(1e-13)))
    return Result(rows, {"swirl_refined": lambda: pictures.field(solutions[3].field)})


@case(
    "ADV3D",
    "The same flow in three dimensions",
    run="ADV2D's flow in x and y, at rest along z, from 32³ cells with one level more in patches of 8³, to t=1 "
    "(difference > .05); and the same in two dimensions.",
    columns="mean error at t=1, in 3D / in 2D",
    means="Three dimensions give what two do.",
)
def deep() -> Result:
    """CTU and Upwind5, with the run in two dimensions beside."""
    rows, solutions = [], []
    for scheme in ("CTU, MC", "Upwind5"):
        options = {"patch": 8, "levels": 1, "refine": amr.Difference(0.05)}
        two = advect(SQUARE, 32, swirl(), scheme, bump, 1.0, swirled_bump, **options)
        three = advect(
            amr.Domain((0, 0, 0), (1, 1, 1)),
            32,
            deep_swirl(),
            scheme,
            lambda x, y, z: bump(x, y) + 0 * z,
            1.0,
            lambda x, y, z, t: swirled_bump(x, y, t) + 0 * z,
            **options,
        )
        solutions += [two, three]
        rows.append(Row(scheme, (error(three), error(two))))
        rows.append(Row(f"{scheme}: largest difference", (_apart(two, three),), mark=at_most(1e-12)))
    rows.append(Row("largest relative change of mass", (drift(solutions),), mark=at_most(1e-13)))
    return Result(rows)


def _apart(two, three) -> float:
    """Between the fields in two dimensions and three."""
    flat, solid = two.field.uniform(), three.field.uniform()
    return float(np.abs(solid - flat[:, :, None]).max())


CASES = (uniform, adaptive, deep)
