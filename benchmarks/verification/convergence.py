"""Orders of convergence of all schemes, on uniform grids and across a coarse-fine boundary (V7)."""

from __future__ import annotations

import amr
from solvers.run.simulation import Solution

from . import pictures
from .case import Numbers, Result, Row, at_least, at_most, case
from .lab import advect, drift, errors, orders
from .problems import drifted, wave

# The order that each has to show in both norms: a little less than its docstring promises.
PROMISED = {
    "CTU, no limiter": 1.9,
    "MUSCL, no limiter": 1.9,
    "Upwind3": 2.9,
    "PPM": 2.9,
    "Upwind5": 4.0,
    "WENO5": 4.0,
}
AMRCLAW = {"l1": (2.21e-3, 5.11e-4, 1.26e-4), "linf": (4.58e-3, 1.04e-3, 2.67e-4)}
MIDDLE = {1: (0.25, 0.75), 2: (0.25, 0.75), 3: (1 / 3, 2 / 3)}  # the part of each dimension that is refined


def waves(ndim: int, cells: int, scheme: str, refined: bool, t_end: float) -> Solution:
    """1 + .5 sin 2 pi x sin 2 pi y .. along the diagonal, the middle of the domain refined once or not."""
    domain, velocity = amr.Domain((0,) * ndim, (1,) * ndim), (1.0,) * ndim
    low, high = MIDDLE[ndim]
    static = {"levels": 1, "refine": amr.Region((low,) * ndim, (high,) * ndim, 1), "buffer": 0}
    exact = drifted(wave, domain, velocity)
    return advect(domain, cells, velocity, scheme, wave, t_end, exact, **(static if refined else {}))


def rows_of(label: str, runs: list[Solution], promised: float, published: dict[str, Numbers]) -> list[Row]:
    """Errors in both norms, and the order between the two finest meshes."""
    found = {norm: errors(runs, norm) for norm in ("l1", "linf")}
    rows = [
        Row(f"{label}: {name}", found[norm], published.get(norm, ()), "AMRClaw, no limiter" if published else "")
        for norm, name in (("l1", "L1"), ("linf", "Linf"))
    ]
    seen = tuple(orders(found[norm])[-1] for norm in found)
    return [*rows, Row(f"{label}: orders in L1, Linf", seen, mark=at_least(promised, promised))]


def study(ndim: int, cells: Numbers, schemes, refined: bool, t_end: float) -> tuple[list[Row], dict[str, Numbers]]:
    """All rows of some schemes on one kind of mesh, and the errors in L1."""
    rows, found, everything = [], {}, []
    for scheme in schemes:
        runs = [waves(ndim, n, scheme, refined, t_end) for n in cells]
        known = AMRCLAW if scheme == "CTU, no limiter" and ndim == 2 and refined else {}
        rows += rows_of(scheme + (", refined" if refined else ""), runs, PROMISED[scheme], known)
        found[scheme] = errors(runs)
        everything += runs
    if refined:
        rows.append(Row("largest relative change of mass", (drift(everything),), mark=at_most(1e-13)))
    return rows, found


@case(
    "orders-1d",
    "Order in one dimension",
    run="1 + .5 sin 2πx, velocity 1, to t=1; uniform grids, and [.25, .75] refined once all the time.",
    columns="error with 64 / 128 cells",
    means="Every scheme converges with its order, and a coarse-fine boundary takes nothing from it.",
)
def one_dimension() -> Result:
    """All schemes."""
    sizes = (64, 128)
    uniform, refined = (study(1, sizes, PROMISED, kind, 1.0)[0] for kind in (False, True))
    return Result(uniform + refined)


@case(
    "V7",
    "Order in two dimensions and across a coarse-fine boundary",
    run="1 + .5 sin 2πx sin 2πy, velocity (1, 1), to t=1; uniform grids, and the square [.25, .75]² refined once all "
    "the time.",
    columns="error with 32² / 64² / 128² cells",
    means="The order of each scheme survives a coarse-fine boundary in both norms, and mass is kept to rounding. CTU "
    "lies above AMRClaw, whose levels take steps of their own: with one step for all, coarse cells see half the "
    "Courant number and twice the error.",
)
def two_dimensions() -> Result:
    """All schemes."""
    sizes = (32, 64, 128)
    uniform, _ = study(2, sizes, PROMISED, False, 1.0)
    refined, found = study(2, sizes, PROMISED, True, 1.0)
    others = {"AMRClaw, no limiter": AMRCLAW["l1"]}
    title = "V7: across a coarse-fine boundary"
    return Result(uniform + refined, {"coarse_fine": lambda: pictures.convergence(sizes, found, others, title)})


@case(
    "orders-3d",
    "Order in three dimensions",
    run="1 + .5 sin 2πx sin 2πy sin 2πz, velocity (1, 1, 1), to t=.25; uniform grids, and the cube [1/3, 2/3]³ refined "
    "once all the time.",
    columns="error with 24³ / 48³ cells",
    means="As in two dimensions.",
)
def three_dimensions() -> Result:
    """One scheme of each order."""
    schemes, sizes = ("CTU, no limiter", "Upwind3", "PPM", "Upwind5"), (24, 48)
    uniform, refined = (study(3, sizes, schemes, kind, 0.25)[0] for kind in (False, True))
    return Result(uniform + refined)


CASES = (one_dimension, two_dimensions, three_dimensions)
