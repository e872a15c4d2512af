"""V8, V11, V12: discontinuities and kinks, in two dimensions and in one."""

from __future__ import annotations

import amr
from solvers.run.simulation import Solution

from . import pictures
from .case import Result, Row, at_most, case
from .lab import advect, errors, fraction, orders, overshoot
from .problems import disc, four_waves, rotation, sine_to_the_fourth

PLATE = amr.Domain((0, 0), (1, 1), periodic=False)
ZALESAK = {"CTU, MC": (0.383, 0.218), "CTU, superbee": (0.244, 0.112)}
BOUNDED = ("WENO5, bounded", "Upwind5, bounded")


def turned(scheme: str, cells: int, patch: int, levels: int = 0) -> Solution:
    """One turn of Zalesak's disc."""
    refine = amr.Difference(0.01) if levels else None
    return advect(PLATE, cells, rotation(), scheme, disc, 1.0, disc, patch=patch, levels=levels, refine=refine)


def over_mass(*solutions: Solution) -> tuple[float, ...]:
    """The integral of the error over that of the disc."""
    masses = (solution.summary.variables["phi"].integral["initial"] for solution in solutions)
    return tuple(wrong / mass for wrong, mass in zip(errors(solutions), masses, strict=True))


@case(
    "V8",
    "Zalesak's slotted disc",
    run="One turn around the centre of the unit square, in 100² and 200² cells and in 50² cells with two levels more "
    "(patches of 10², difference > .01).",
    columns="L1 error over mass, with 100² / 200² cells; refined: error / fraction of cells",
    means="Refined is as good as uniform; with limiter or clipped fluxes no value leaves [0, 1].",
)
def zalesak() -> Result:
    """Limiters, bounded high order, and refinement."""
    rows, kept, shown = [], [], {}
    for scheme in (*ZALESAK, *BOUNDED):
        runs = [turned(scheme, 100, 10), turned(scheme, 200, 20)]
        adaptive = turned(scheme, 50, 10, 2)
        kept += [*runs, adaptive]
        shown[scheme] = adaptive.field
        known, code = ZALESAK.get(scheme, ()), "AMRClaw" if scheme in ZALESAK else ""
        rows.append(Row(scheme, over_mass(*runs), known, code))
        refined = (*over_mass(adaptive), fraction(adaptive))
        rows.append(Row(f"{scheme}, 50² and 2 levels", refined, known[1:], f"{code}, refined" if code else ""))
    rows.append(Row("largest overshoot of all runs", (overshoot(kept, 0, 1),), mark=at_most(1e-13)))
    names = {"CTU, MC": "CTU with MC", "WENO5, bounded": "WENO5, bounded"}
    return Result(rows, {"zalesak": lambda: pictures.discs({names[s]: shown[s] for s in names})})


LINE = amr.Domain(-1, 1)
JIANG_SHU = {
    "CTU, minmod": 0.2085,
    "CTU, van Leer": 0.1170,
    "CTU, MC": 0.0917,
    "CTU, superbee": 0.0558,
    "WENO5": 0.0897,
}


@case(
    "V11",
    "Jiang and Shu's four waves",
    run="A Gaussian, a square, a triangle and half an ellipse on [-1, 1], 200 cells, velocity 1, to t=8; "
    "Courant number .8.",
    columns="integral of the error",
    means="With the same limiters ours are PyClaw's numbers; the weights of WENO-Z smear less than those of 1996.",
    quick=True,
)
def jiang_shu() -> Result:
    """Limiters and high orders."""
    rows, shown = [], {}
    for scheme in (*JIANG_SHU, "PPM", "Koren"):
        run = advect(LINE, 200, (1.0,), scheme, four_waves, 8.0, four_waves, patch=40, cfl=0.8)
        known = JIANG_SHU.get(scheme)
        mark = None if known is None else at_most(0.09 if scheme == "WENO5" else 1.01 * known)
        rows.append(Row(scheme, errors([run], factor=2), (known,) if known else (), "PyClaw" if known else "", mark))
        shown[scheme] = run.field
    chosen = ("CTU, MC", "CTU, superbee", "WENO5")
    return Result(rows, {"four_waves": lambda: pictures.lines({s: shown[s] for s in chosen}, four_waves)})


SINE_CELLS = (40, 80, 160, 320)
SINE = {"CTU, MC": (2.75e-2, 7.46e-3, 1.89e-3, 4.67e-4), "WENO5": (1.48e-2, 1.77e-3, 1.20e-4, 9.3e-6)}


@case(
    "V12",
    "The fourth power of a sine",
    run="sin⁴(πx) on [-1, 1], velocity 1, to t=2.",
    columns="integral of the error with 40 / 80 / 160 / 320 cells",
    means="Errors are below PyClaw's with the same kind of scheme.",
    quick=True,
)
def sine() -> Result:
    """Second and fifth order."""
    rows = []
    for scheme, known in SINE.items():
        args = ((1.0,), scheme, sine_to_the_fourth, 2.0, sine_to_the_fourth)
        found = errors([advect(LINE, n, *args) for n in SINE_CELLS], factor=2)
        rows.append(Row(scheme, found, known, "PyClaw", at_most(*(1.05 * number for number in known))))
        rows.append(Row(f"{scheme}: order between sizes", orders(found), orders(known), "PyClaw"))
    return Result(rows)


CASES = (zalesak, jiang_shu, sine)
