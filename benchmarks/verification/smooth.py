"""V3, V4, V5: smooth pulses that drift through a periodic square."""

from __future__ import annotations

import amr
from solvers.run.simulation import Solution

from . import pictures
from .case import Result, Row, at_most, case
from .lab import advect, drift, error, errors, fraction
from .problems import BOX, SQUARE, drifted, pulse, raised_pulse, wide_pulse

DIAGONAL = (1.0, 1.0)
CELLS = (64, 128, 256)
V3_PUBLISHED = {
    "CTU, no limiter": ((1.45e-3, 3.62e-4, 9.04e-5), 1.04e-4, "AMRClaw, no limiter"),
    "CTU, MC": ((5.16e-4, 1.34e-4, 3.45e-5), 4.72e-5, "AMRClaw, MC"),
    "PPM": ((), None, ""),
    "Upwind5": ((), None, ""),
}


@case(
    "V3",
    "A Gaussian along the diagonal",
    run="exp(-r²/.01) in the middle of the unit square, velocity (1, 1), to t=1; uniform grids, and 64² cells with two "
    "levels more in patches of 8² (difference > .01).",
    columns="mean error with 64² / 128² / 256² cells, or refined",
    means="A smooth pulse shows what a limiter costs at its top.",
)
def diagonal() -> Result:
    """Uniform and refined."""
    rows = []
    for scheme, (known, refined, code) in V3_PUBLISHED.items():
        exact = drifted(pulse, SQUARE, DIAGONAL)
        runs = [advect(SQUARE, n, DIAGONAL, scheme, pulse, 1.0, exact, patch=32) for n in CELLS]
        rows.append(Row(f"{scheme}, uniform", errors(runs), known, code))
        tags = amr.Difference(0.01)
        adaptive = advect(SQUARE, 64, DIAGONAL, scheme, pulse, 1.0, exact, levels=2, refine=tags)
        rows.append(Row(f"{scheme}, 64² and 2 levels", (error(adaptive),), () if refined is None else (refined,), code))
    return Result(rows)


V4_VELOCITY = (0.2, -0.7)
V4_RUNS = (  # label, scheme, root cells, patch, levels
    ("Upwind5, 64² and 2 levels", "Upwind5", 64, 8, 2),
    ("Upwind5, 48² and 2 levels", "Upwind5", 48, 8, 2),
    ("WENO5, 48² and 2 levels", "WENO5", 48, 8, 2),
    ("PPM, 64² and 2 levels", "PPM", 64, 8, 2),
    ("CTU, MC, 64² and 2 levels", "CTU, MC", 64, 8, 2),
    ("CTU, no limiter, 64² and 2 levels", "CTU, no limiter", 64, 8, 2),
    ("CTU, MC, uniform 256²", "CTU, MC", 256, 32, 0),
)
# Trixi's tags ask for the children of each element that holds a value above .1 (and .6). A convex set of area A and
# perimeter P meets about A/h² + 2P/(pi h) + 1 elements of width h: 29 of the 16² first ones, 27 of their children; so
# there are 16² + 3 (29 + 27) = 424 elements of 4² nodes, besides those of the 2:1 balance.
TRIXI_UNKNOWNS = 6784
CLAW = {"CTU, MC": ((7.0e-4, 1.28e-2), "AMRClaw, MC"), "CTU, no limiter": ((1.02e-3, 1.22e-2), "AMRClaw, no limiter")}


def travelled(scheme: str, cells: int, patch: int, levels: int) -> Solution:
    """One run of V4."""
    exact = drifted(wide_pulse, BOX, V4_VELOCITY)
    refine = amr.Value(above=(0.1, 0.6)) if levels else None
    return advect(BOX, cells, V4_VELOCITY, scheme, wide_pulse, 10.0, exact, patch=patch, levels=levels, refine=refine)


def v4_row(label: str, scheme: str, levels: int, solution: Solution) -> Row:
    """With the numbers of Trixi.jl beside those of high order, of AMRClaw beside the others."""
    numbers = (error(solution, "l2"), error(solution, "linf"), round(solution.summary.cells["mean"]))
    if "CTU" not in scheme:
        mark = at_most(4.9e-5, 4.526e-4, TRIXI_UNKNOWNS) if "48" in label else None
        return Row(label, numbers, (4.913e-5, 4.526e-4, TRIXI_UNKNOWNS), "Trixi.jl, DG p=3", mark)
    known, code = CLAW[scheme] if levels else ((2.05e-4,), "AMRClaw, MC")
    return Row(label, numbers, known, code)


@case(
    "V4",
    "A Gaussian that carries its patches along",
    run="exp(-r²) on [-5, 5]², velocity (.2, -.7), to t=10; values above .1 ask for level 1, above .6 for level 2. "
    f"Patches of 8² cells. Trixi.jl's number of unknowns is our estimate from its tags: {TRIXI_UNKNOWNS}.",
    columns="RMS error / Linf error / mean number of cells",
    means="High order finite volumes reach the error of a DG method of degree 3 with fewer unknowns.",
)
def travelling() -> Result:
    """Trixi's tags at its resolution, and with fewer cells."""
    runs = {label: travelled(scheme, *choice) for label, scheme, *choice in V4_RUNS}
    rows = [v4_row(label, scheme, levels, runs[label]) for label, scheme, _, _, levels in V4_RUNS]
    first, second, *_ = runs.values()
    rows.append(Row("Upwind5, 64²: seconds of the run loop", (round(first.summary.loop_seconds, 2),)))
    rows.append(Row("Upwind5, 48²: seconds of the run loop", (round(second.summary.loop_seconds, 2),)))
    rows.append(Row("Upwind5, 64²: fraction of the uniform fine grid", (fraction(first),)))
    rows.append(Row("largest relative change of mass, all runs", (drift(list(runs.values())),), mark=at_most(1e-13)))
    return Result(rows, {"pulse": lambda: pictures.field(first.field)})


V5_CELLS = (16, 32, 64, 128, 256)
PYRO = (2.732e-2, 4.572e-3, 3.805e-4, 2.425e-5, 1.523e-6)


@case(
    "V5",
    "Fourth order, after pyro",
    run="1 + exp(-60 r²) in the unit square, velocity (1, 1), to t=1; cfl 1 (over both dimensions; pyro's .5 in each).",
    columns="RMS error with 16² / 32² / 64² / 128² / 256² cells",
    means="Fifth-order schemes and PPM (in smooth waves the same as `Upwind5`) stay below pyro's fourth-order one.",
)
def fourth_order() -> Result:
    """High orders beside pyro's."""
    rows, exact = [], drifted(raised_pulse, SQUARE, DIAGONAL)
    for scheme in ("PPM", "Upwind5", "WENO5"):
        options = {"patch": 8, "cfl": 1.0}
        runs = [advect(SQUARE, n, DIAGONAL, scheme, raised_pulse, 1.0, exact, **options) for n in V5_CELLS]
        mark = at_most(*(1.2 * number for number in PYRO[2:]))
        rows.append(Row(scheme, errors(runs, "l2"), PYRO, "pyro advection_fv4", mark))
    return Result(rows)


CASES = (diagonal, travelling, fourth_order)
