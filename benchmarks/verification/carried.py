"""A wave that is carried and fades: the order of advection with diffusion, for all kinds of integrators."""

from __future__ import annotations

import jax.numpy as jnp

import amr
import solvers
from solvers import CTU, MUSCL, RKL2, SDIRK2, SSPRK2, MethodOfLines, Strang, Unlimited
from solvers.run.simulation import Solution

from .case import Result, Row, at_least, at_most, case
from .lab import drift, errors, orders, square
from .problems import fading_wave

DOMAIN = amr.Domain((-1, -1), (1, 1))
VELOCITY = (1.0, 0.5)
PATCHES = {32: 4, 64: 8, 128: 16}  # cells and patch a side: the same patches, so that errors can be compared
MIDDLE_WIDTH = 2 / 64  # of the cells whose Péclet number is named
END = 0.25
SHARP = MUSCL(Unlimited())
SCHEMES = {
    "SSPRK2": MethodOfLines(SHARP, integrator=SSPRK2()),
    "RKL2": MethodOfLines(SHARP, integrator=RKL2()),
    "SDIRK2": MethodOfLines(SHARP, integrator=SDIRK2()),
    "Strang, CTU and RKL2": Strang(CTU(Unlimited()), RKL2()),
}
STUDIES = (  # scheme, and the Péclet numbers |velocity| h / diffusivity
    ("SSPRK2", (0.1, 1.0, 100.0)),
    ("RKL2", (0.1,)),
    ("SDIRK2", (0.1,)),
    ("Strang, CTU and RKL2", (1.0,)),
)


def diffusivity_of(peclet: float) -> float:
    """The diffusivity of a run, the same on all meshes."""
    return MIDDLE_WIDTH * max(VELOCITY) / peclet


def in_the_middle(diffusivity: float) -> amr.Indicator:
    """The same quarter of the domain all the time."""
    return amr.Region((-0.499, -0.499), (0.499, 0.499), 1)


def on_the_crests(diffusivity: float) -> amr.Indicator:
    """Where the wave is above .9 of its amplitude or below -.9, as it moves and fades."""

    def height(patch: amr.PatchView):
        return jnp.abs(patch.cells(0) - 2) * jnp.exp(2 * diffusivity * jnp.pi**2 * patch.time)

    return amr.Custom(height, above=0.9, below=0.85)


def carried(cells: int, scheme: str, diffusivity: float, refine) -> Solution:
    """One run."""
    mesh = amr.Mesh(DOMAIN, square(cells, 2), PATCHES[cells], 1)
    equation = solvers.Advection(VELOCITY, diffusivity=diffusivity)
    simulation = solvers.Simulation(mesh, equation, SCHEMES[scheme], refine(diffusivity), interval=2, buffer=0)
    exact = fading_wave(diffusivity, VELOCITY)
    return simulation.run(exact, END, exact=exact)


def rows_of(scheme: str, peclet: float) -> tuple[list[Row], list[Solution]]:
    """Errors and orders on meshes that stay and on meshes that follow the wave."""
    rows, everything = [], []
    for kind, refine in (("static", in_the_middle), ("dynamic", on_the_crests)):
        runs = [carried(n, scheme, diffusivity_of(peclet), refine) for n in PATCHES]
        found = {norm: errors(runs, norm) for norm in ("l1", "linf")}
        label, seen = f"{scheme}, Pe {peclet:g}, {kind}", tuple(orders(found[norm])[-1] for norm in found)
        rows += [Row(f"{label}: {name}", found[norm]) for norm, name in (("l1", "L1"), ("linf", "Linf"))]
        rows.append(Row(f"{label}: orders in L1, Linf", seen, mark=at_least(1.9, 1.9)))
        everything += runs
    return rows, everything


@case(
    "advection-diffusion",
    "A wave that is carried and fades",
    run="2 + sin π(x + y - 1.5 t) exp(-2Dπ²t) in the periodic square [-1, 1]², velocity (1, .5), to t=.25; one level "
    "more in [-.5, .5]² or where the wave is beyond .9 of its amplitude. Second order without limiter. Pe "
    "is h/D of the cells of the 64² mesh; the diffusivity D is the same on all three.",
    columns="error with 32² / 64² / 128² cells and one level",
    means="Second order in both norms, whichever of flow and diffusion is stronger, and across levels that move.",
)
def advection_diffusion() -> Result:
    """All kinds of integrators."""
    rows, runs = [], []
    for scheme, numbers in STUDIES:
        for peclet in numbers:
            more, solutions = rows_of(scheme, peclet)
            rows += more
            runs += solutions
    return Result([*rows, Row("largest relative change of the integral", (drift(runs),), mark=at_most(1e-13))])


CASES = (advection_diffusion,)
