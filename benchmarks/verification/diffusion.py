"""V14, V15 and conservation: Gaussians that diffuse, integrated explicitly, by super-time-stepping and implicitly."""

from __future__ import annotations

import math

import amr
from solvers import RKL2, SDIRK2, SSPRK2, BackwardEuler, CrankNicolson
from solvers.run.simulation import Solution

from . import pictures
from .case import Numbers, Result, Row, at_least, at_most, case
from .lab import diffuse, drift, error, errors, fraction, orders, square
from .problems import SQUARE, V14_DIFFUSIVITY, V15_DIFFUSIVITY, spreading, warm_spot

SAME = 1.05  # as good as a published number: at most so many times as large
A_LITTLE = 1 + 1e-6  # sums of steps are rounded


def within(published: Numbers, times: float = SAME):
    """A mark for errors that shall be those that others have."""
    return at_most(*(times * number for number in published))


# --- V14 --------------------------------------------------------------------------------------------------------------

V14_CELLS, V14_END = (64, 128, 256, 512), 2.0
V14_EXACT_IN_TIME = (2.631e-9, 6.577e-10, 1.642e-10, 4.111e-11)
V14_STABILIZED = (4.47e-9, 7.81e-10, 1.72e-10, 4.16e-11)


def on_a_line(cells: int, integrator, longest: float | None = None) -> Solution:
    """One run of V14."""
    mesh = amr.Mesh(amr.Domain(-6, 6, periodic=False), cells, 16)
    return diffuse(mesh, V14_DIFFUSIVITY, integrator, spreading, V14_END, spreading, longest=longest)


def equal_steps(cells: int, integrator: RKL2) -> float:
    """The longest step of equal ones that so many stages allow."""
    longest = integrator.safety * integrator.reach(integrator.stages) * (12 / cells) ** 2 / (2 * V14_DIFFUSIVITY)
    return A_LITTLE * V14_END / math.ceil(V14_END / longest)


@case(
    "V14",
    "A Gaussian on a line, after Athena++",
    run="A Gaussian of amplitude 1e-6 on [-6, 6], diffusivity .25, of age .5, to t=2; zero gradient at both ends. RKL2 "
    "with 5 stages takes equal steps of at most .8 of its longest one.",
    columns="integral of the error with 64 / 128 / 256 / 512 cells",
    means="Explicit steps leave the error of the stencil in space alone, and so does super-time-stepping on fine "
    "meshes.",
    quick=True,
)
def line() -> Result:
    """Errors and orders of two methods."""
    stabilized = RKL2(stages=5, safety=0.8)
    explicit = errors([on_a_line(n, SSPRK2()) for n in V14_CELLS], factor=12)
    fewer = errors([on_a_line(n, stabilized, equal_steps(n, stabilized)) for n in V14_CELLS], factor=12)
    rows = [
        Row("SSPRK2", explicit, V14_EXACT_IN_TIME, "exact in time", within(V14_EXACT_IN_TIME)),
        Row("RKL2, 5 stages", fewer, V14_STABILIZED, "the same method", within(V14_STABILIZED)),
    ]
    for name, found in (("SSPRK2", explicit), ("RKL2, 5 stages", fewer)):
        label = f"{name}: order from 256 to 512 cells"
        rows.append(Row(label, orders(found)[-1:], (1.99,), "Athena++ asks for", at_least(1.99)))
    return Result(rows)


# --- V15 --------------------------------------------------------------------------------------------------------------

V15_CELLS, V15_END = (64, 128, 256, 512), 0.5
FIVE_POINTS = {
    "l1": (5.660e-5, 1.4135e-5, 3.534e-6, 8.83e-7),
    "linf": (8.98e-4, 2.26e-4, 5.65e-5, 1.41e-5),
}
STEPS = (0.02, 0.01, 0.005)
IMPLICIT = {
    "backward Euler": (BackwardEuler(ratio=math.inf), (3.426e-4, 1.747e-4, 8.94e-5)),
    "Crank-Nicolson": (CrankNicolson(ratio=math.inf), (2.72e-6, 2.84e-6, 3.35e-6)),
    "SDIRK2": (SDIRK2(ratio=math.inf), (2.372e-6, 3.18e-6, 3.44e-6)),
}
BASILISK = (7.76e-6, 21800)
BENDS = 0.0012


def in_a_square(cells: int, integrator, longest: float | None = None, *, patch: int = 32, **refined) -> Solution:
    """One run of V15."""
    mesh = amr.Mesh(SQUARE, square(cells, 2), patch, refined.pop("levels", 0))
    known = {"longest": longest, **refined}
    return diffuse(mesh, V15_DIFFUSIVITY, integrator, warm_spot, V15_END, warm_spot, **known)


def uniform_rows() -> list[Row]:
    """Methods whose errors in time are small."""
    explicit, stabilized = V15_CELLS[:3], V15_CELLS
    runs = {
        "SSPRK2": [in_a_square(n, SSPRK2()) for n in explicit],
        "RKL2, as many steps as cells a side": [in_a_square(n, RKL2(), V15_END / n) for n in stabilized],
    }
    rows = []
    for label, found in runs.items():
        for norm, name in (("l1", "L1"), ("linf", "Linf")):
            known = FIVE_POINTS[norm][: len(found)]
            rows.append(Row(f"{label}: {name}", errors(found, norm), known, "exact in time", within(known, 1.03)))
    return rows


def implicit_rows() -> list[Row]:
    """Long steps."""
    rows = []
    for name, (method, published) in IMPLICIT.items():
        found = errors([in_a_square(256, method, A_LITTLE * step) for step in STEPS])
        rows.append(
            Row(f"{name}, 256², steps of .02 / .01 / .005: L1", found, published, "Basilisk", within(published))
        )
    return rows


@case(
    "V15",
    "A Gaussian in a periodic square",
    run="1 + .25/(.25 + t) exp(-r²/(.04 (.25 + t))) and its images, diffusivity .01, to t=.5. Refined: 32² cells with "
    f"3 levels more in patches of 8², second difference > {BENDS}.",
    columns="error with 64² / 128² / 256² / 512² cells, or as the row says",
    means="Errors are those of the five-point stencil and of the methods in time, and the mesh follows the Gaussian as "
    "it flattens.",
)
def warm() -> Result:
    """Uniform and refined."""
    method, long = IMPLICIT["SDIRK2"][0], A_LITTLE * STEPS[0]
    fine = error(in_a_square(512, method, long))
    adaptive = in_a_square(32, method, long, patch=8, levels=3, refine=amr.Curvature(BENDS))
    found = (error(adaptive), round(adaptive.summary.cells["mean"]))
    rows = [
        *uniform_rows(),
        *implicit_rows(),
        Row("SDIRK2, 512², steps of .02: L1", (fine,), (1.54e-6,), "Basilisk"),
        Row(
            "SDIRK2, 32² and 3 levels, steps of .02: L1, mean cells",
            found,
            BASILISK,
            "Basilisk",
            at_most(7.8e-6, 22000),
        ),
        Row("the same: fraction of the uniform fine grid", (fraction(adaptive),)),
    ]
    return Result(rows, {"warm": lambda: pictures.field(adaptive.field)})


# --- conservation -----------------------------------------------------------------------------------------------------

INSULATED = amr.Domain((0, 0), (1, 1), periodic=False)
METHODS = {"SSPRK2": SSPRK2(), "RKL2": RKL2(), "SDIRK2": SDIRK2()}


def cornered(x, y):
    """The spot of V15 near a corner."""
    return warm_spot(x + 0.35, y + 0.3)


def kept(domain: amr.Domain, method) -> Solution:
    """A spot that spreads on a mesh that follows it."""
    mesh = amr.Mesh(domain, (32, 32), 8, 2)
    refine, step = amr.Curvature(0.004), 0.01 if isinstance(method, RKL2 | SDIRK2) else None
    walls = None if domain == SQUARE else amr.Neumann(0.0)
    options = {"refine": refine, "boundary": walls, "longest": step}
    return diffuse(mesh, V15_DIFFUSIVITY, method, cornered, V15_END, **options)


@case(
    "heat",
    "Nothing is lost while it spreads",
    run="The spot of V15 around (.15, .2) to t=.5 on 32² cells with two levels more (second difference > .004).",
    columns="relative change of the integral in a periodic square / in an insulated one",
    means="Every method ends its step with fluxes, so that it conserves whatever its solver leaves.",
)
def heat() -> Result:
    """Three methods and two kinds of boundaries."""
    rows, regrids = [], []
    for name, method in METHODS.items():
        runs = [kept(domain, method) for domain in (SQUARE, INSULATED)]
        rows.append(Row(name, tuple(drift([run]) for run in runs), mark=at_most(1e-13, 1e-13)))
        regrids += [run.summary.regrids for run in runs]
    return Result([*rows, Row("fewest regrids of a run", (min(regrids),))])


CASES = (line, warm, heat)
