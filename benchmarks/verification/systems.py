"""Laws of conservation: shock tubes, a vortex, a lake at rest, constant states."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import amr
import solvers
from solvers import HLLC, MUSCL, WENO5, Euler, MethodOfLines, MonotizedCentral, Unlimited
from solvers.run.simulation import Solution

from . import pictures
from .case import Result, Row, at_least, at_most, case
from .lab import drift, fraction, orders
from .problems import BOX, sod, sod_start, swirl, vortex

GAS = MethodOfLines(MUSCL(MonotizedCentral()), HLLC())
SHARP = MethodOfLines(WENO5(), HLLC(), primitive=True)


def rms_error(solution: Solution) -> float:
    """The root of the sum of the squares of the mean errors of all variables, as Athena++ has it."""
    return float(np.sqrt(sum(v.error["l1"] ** 2 for v in solution.summary.variables.values())))


def tube(cells: int, scheme: MethodOfLines = GAS, axis: int = 0, ndim: int = 1, **options) -> Solution:
    """Sod's tube along one axis, eight cells wide."""
    low, high, size = [0.0] * ndim, [8 / cells] * ndim, [8] * ndim
    low[axis], high[axis], size[axis] = -0.5, 0.5, cells
    domain = amr.Domain(low, high, periodic=[d != axis for d in range(ndim)])
    mesh = amr.Mesh(domain, tuple(size), 8, options.pop("levels", 0))

    def along(values):
        density, speed, pressure = values
        rest = 0 * density
        return (density, *(speed if d == axis else rest for d in range(ndim)), pressure)

    simulation = solvers.Simulation(mesh, Euler(ndim), scheme, **options)
    return simulation.run(lambda *x: along(sod_start(x[axis])), 0.25, exact=lambda *x: along(sod(x[axis], x[-1])))


@case(
    "V21",
    "Sod's shock tube along x, y and z",
    run="Euler equations, MUSCL with MC and HLLC, to t=.25. Along each axis of a domain in three dimensions, eight "
    "cells wide; and in one dimension, also with WENO5 and refined.",
    columns="root of the summed squares of mean errors, with 128 / 256 cells",
    means="Below the bounds that Athena++ sets for itself, and the same along every axis.",
)
def shock_tube() -> Result:
    """Along all axes, and refined in one dimension."""
    solid = [tube(128, axis=axis, ndim=3) for axis in range(3)]
    rows, halved = [], at_most(0.6)
    for name, run in zip("xyz", solid, strict=True):
        rows.append(Row(f"along {name}, 128 cells", (rms_error(run),), (0.011,), "Athena++, at most", at_most(0.011)))
    for name, scheme in (("MUSCL, MC", GAS), ("WENO5", SHARP)):
        runs = [tube(n, scheme) for n in (128, 256)]
        found = tuple(map(rms_error, runs))
        rows.append(Row(f"{name}, one dimension", found, (0.011,), "Athena++, at most", at_most(0.011, 0.011)))
        rows.append(Row(f"{name}: error of 256 over that of 128", (found[1] / found[0],), (0.6,), "Athena++", halved))
    refined = tube(64, levels=2, refine=amr.Difference(0.01))
    rows.append(Row("MUSCL, MC, 64 and 2 levels", (rms_error(refined),)))
    rows.append(Row("of the cells of 256", (fraction(refined),)))
    steps = tuple(float(run.summary.steps) for run in solid)
    rows.append(Row("steps along x / y / z", steps))
    rows.append(Row("largest difference between axes", (_apart(solid),), mark=at_most(1e-12)))
    return Result(rows, {"sod": lambda: pictures.tube(refined.field, lambda x: sod(x, 0.25)[0])})


def _apart(solid: list[Solution]) -> float:
    """The largest difference between the densities of tubes along x, y and z, and of their numbers of steps."""
    lines = [np.moveaxis(run.field.uniform("density"), axis, 0) for axis, run in enumerate(solid)]
    steps = {run.summary.steps for run in solid}
    return max(float(np.abs(line - lines[0]).max()) for line in lines[1:]) + len(steps) - 1


VORTICES = (  # name, scheme, cells
    ("MUSCL, no limiter", MethodOfLines(MUSCL(Unlimited()), HLLC()), (32, 64, 128)),
    ("MUSCL, MC", GAS, (32, 64, 128)),
    ("WENO5", MethodOfLines(WENO5(), HLLC()), (32, 64)),
)


def carried(cells: int, scheme: MethodOfLines, t_end: float = 4.0) -> Solution:
    """The vortex from the middle to (t, t), the half x > 0 refined once."""

    def exact(x, y, t):
        return vortex(*(jnp.mod(q - t + 5, 10) - 5 for q in (x, y)))

    mesh = amr.Mesh(BOX, (cells, cells), 8, 1)
    half = amr.Region((0, -5), (5, 5), 1)
    return solvers.Simulation(mesh, Euler(2), scheme, half, buffer=0).run(vortex, t_end, exact=exact)


@case(
    "vortex",
    "An isentropic vortex through coarse-fine boundaries",
    run="Euler equations on [-5, 5]², gamma 1.4, a vortex of strength 5 in a flow (1, 1), to t=4; the half x > 0 is "
    "refined once all the time, so that the vortex leaves coarse cells and partly comes back into them.",
    columns="mean error of the density with 32² / 64² / 128² cells",
    means="Second order through coarse-fine boundaries (WENO5 too: its fluxes are those of face averages); density, "
    "momentum and energy are kept to rounding.",
)
def isentropic_vortex() -> Result:
    """MUSCL without and with limiter, and WENO5."""
    rows, every = [], []
    for name, scheme, sizes in VORTICES:
        runs = [carried(n, scheme) for n in sizes]
        found = tuple(run.summary.variables["density"].error["l1"] for run in runs)
        rows.append(Row(name, found))
        rows.append(Row(f"{name}: order between sizes", orders(found), mark=at_least(1.9)))
        every += runs
    rows.append(Row("largest relative change of an integral", (drift(every),), mark=at_most(1e-13)))
    return Result(rows, {"vortex": lambda: pictures.field(every[2].field, "density")})


def hump(x, y):
    """A bottom that rises to .8 below the surface."""
    return -2 + 1.2 * jnp.exp(-8 * ((x - 0.5) ** 2 + (y - 0.4) ** 2))


@case(
    "lake",
    "A lake at rest",
    run="Shallow water over a hump between walls, refined around it, to t=.25.",
    columns="number",
    means="Water at rest stays at rest, to the last bit, on a refined mesh too.",
    quick=True,
)
def lake_at_rest() -> Result:
    """The largest speed and change of the surface."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (32, 32), 8, 2)
    law = solvers.ShallowWater(2, bottom=hump)
    region = amr.Region((0.3, 0.3), (0.6, 0.5), 2)
    simulation = solvers.Simulation(mesh, law, MethodOfLines(riemann=HLLC()), region, boundary=amr.Wall())
    solution = simulation.run(lambda x, y: (0 * x, 0 * x, 0 * x), 0.25)
    v = solution.summary.variables
    flow = max(abs(v[name].lowest) + abs(v[name].highest) for name in ("hu", "hv"))
    surface = abs(v["eta"].lowest) + abs(v["eta"].highest)
    rows = [
        Row("largest discharge", (flow,), mark=at_most(0.0)),
        Row("largest elevation of the surface", (surface,), mark=at_most(0.0)),
        Row("steps", (float(solution.summary.steps),)),
    ]
    return Result(rows)


CONSTANTS = (  # name, equation, scheme, given values
    ("ADV2D's flow, CTU, MC", solvers.Advection(swirl()), solvers.CTU(), (1.0,)),
    ("ADV2D's flow, WENO5", solvers.Advection(swirl()), MethodOfLines(WENO5()), (1.0,)),
    ("Euler, MUSCL, HLLC", Euler(2), GAS, (1.0, 0.3, -0.4, 0.7)),
    ("Euler, WENO5, HLLC", Euler(2), SHARP, (1.0, 0.3, -0.4, 0.7)),
)


@case(
    "constants",
    "Constant states",
    run="Constants on a mesh with two coarse-fine boundaries in a flow that depends on time, or as a gas that moves, "
    "to t=.5.",
    columns="largest change of any variable",
    means="Constants stay constant to rounding.",
)
def constant_states() -> Result:
    """For a given flow and for a gas."""
    rows = []
    for name, equation, scheme, values in CONSTANTS:
        mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (32, 32), 8, 2)
        region = amr.Region((0.3, 0.3), (0.6, 0.5), 2)
        simulation = solvers.Simulation(mesh, equation, scheme, region)
        run = simulation.run(lambda x, y, values=values: tuple(v + 0 * x for v in values), 0.5)
        change = max(v.highest - v.lowest for v in run.summary.variables.values())
        rows.append(Row(name, (change,), mark=at_most(1e-13)))
    return Result(rows)


CASES = (shock_tube, isentropic_vortex, lake_at_rest, constant_states)
