"""V16 and V19: Poisson's equation on composite grids, and how fast cycles of multigrid converge."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import amr
import solvers
from benchmarks.cycles import boxes, field_of, iterated, prepared

from . import pictures
from .case import Numbers, Result, Row, at_least, at_most, case
from .lab import orders, square, wrong_by
from .problems import PI

UNIT = amr.Domain((0, 0), (1, 1), periodic=False)
GROUNDED = amr.Dirichlet(0.0)
TOUCHING = 1e-3  # boxes end a little inside of the cells that they shall refine


def product(shape: Callable, waves: int) -> tuple[Callable, Callable]:
    """A solution that is a product of sines or cosines, and its source."""

    def solution(*x):
        return jnp.prod(jnp.stack(jnp.broadcast_arrays(*(shape(waves * PI * q) for q in x))), axis=0)

    def source(*x):
        return len(x) * (waves * PI) ** 2 * solution(*x)

    return solution, source


# --- V16 --------------------------------------------------------------------------------------------------------------

V16_CELLS = (16, 32, 64, 128, 256)
V16_PATCH = {16: 4, 32: 4, 64: 8, 128: 16, 256: 32}  # eight a side, so that level 1 lies around level 2 alike on all
V16_SOLUTION, V16_SOURCE = product(jnp.sin, 2)
ONE_LEVEL = {
    "l1": (6.98e-3, 1.75e-3, 4.39e-4, 1.10e-4, 2.75e-5),
    "linf": (1.91e-2, 5.14e-3, 1.33e-3, 3.38e-4, 8.51e-5),
}
UNREFINED = {"l1": (5.32e-3, 2.03e-5)}  # of the first mesh and of the last


def inner_square(levels: int) -> amr.Indicator | None:
    """The middle of the unit square, refined so many times."""
    low, high = (0.25 + TOUCHING,) * 2, (0.75 - TOUCHING,) * 2
    return amr.AnyOf(*(amr.Region(low, high, level + 1) for level in range(levels))) if levels else None


def solved(cells: int, levels: int) -> solvers.Equilibrium:
    """One mesh of V16."""
    mesh = amr.Mesh(UNIT, square(cells, 2), V16_PATCH[cells], levels)
    return solvers.Elliptic(mesh, boundary=GROUNDED).solve(V16_SOURCE, refine=inner_square(levels))


def v16_rows(levels: int, cells: Numbers) -> tuple[list[Row], list[solvers.Equilibrium]]:
    """Errors, orders and counts for so many levels."""
    label = ("no level", "one level", "two levels, from 32² on")[levels]
    found = [solved(n, levels) for n in cells]
    gaps = [wrong_by(each.field, V16_SOLUTION) for each in found]
    rows, seen = [], ()
    for norm, name in (("l1", "L1"), ("linf", "Linf")):
        ours = tuple(gap[norm] for gap in gaps)
        known = ONE_LEVEL[norm][-len(cells) :] if levels else UNREFINED.get(norm, ())
        seen += orders(ours)[-1:]
        if levels:
            rows.append(Row(f"{label}: {name}", ours, known, "Basilisk, one level", at_most(*known)))
        elif known:
            ends = (ours[0], ours[-1])
            rows.append(Row(f"{label}: {name}, first and last mesh", ends, known, "Basilisk", _about(known)))
        else:
            rows.append(Row(f"{label}: {name}", ours))
    rows.append(Row(f"{label}: orders in L1, Linf", seen, mark=at_least(1.9, 1.9)))
    rows.append(Row(f"{label}: cycles", tuple(int(each.iterations) for each in found)))
    return rows, found


def _about(published: Numbers):
    return at_most(*(1.05 * number for number in published))


@case(
    "V16",
    "Poisson's equation across levels",
    run="sin 2πx sin 2πy in the unit square, zero on its faces; [.25, .75]² refined once or twice. Solved to a "
    "relative residual of 1e-9.",
    columns="error on 16² / 32² / 64² / 128² / 256² cells and what is refined of them",
    means="A refined square lowers the mean error below that of the base grid (Basilisk's rises above it) and keeps "
    "the order.",
)
def poisson() -> Result:
    """No level, one and two."""
    none, one = (v16_rows(levels, V16_CELLS)[0] for levels in (0, 1))
    two, found = v16_rows(2, V16_CELLS[1:])
    return Result([*none, *one, *two], {"poisson": lambda: pictures.field(found[1].field)})


# --- V19 --------------------------------------------------------------------------------------------------------------

V19_SOLUTION, V19_SOURCE = product(jnp.cos, 3)
CYCLES = 9
WITHIN = 0.25  # half the side of the part that is refined
BASILISK_CYCLES = 10.0
BASILISK_GAP = 2.82374e-5
SINGLE = (  # dimensions, cells a side, levels, patch, and the least factor
    (2, 512, 0, 16, 8.0),
    (2, 256, 1, 16, 6.0),
    (2, 128, 2, 16, 6.0),
    (3, 64, 0, 8, 8.0),
    (3, 32, 1, 8, 6.0),
)
COUNTED = ((64, 0), (128, 0), (256, 0), (512, 0), (64, 1), (64, 2), (64, 3))


def centred(ndim: int, cells: int, patch: int, levels: int) -> amr.Mesh:
    """A mesh of V19."""
    domain = amr.Domain((-0.5,) * ndim, (0.5,) * ndim, periodic=False)
    return amr.Mesh(domain, square(cells, ndim), patch, levels)


def named(ndim: int, cells: int, levels: int) -> str:
    """A mesh in words."""
    return f"{cells}{'²³'[ndim - 2]}" + (f" and {levels} level{'s' * (levels > 1)}" if levels else "")


def single_rows() -> list[Row]:
    """What single cycles leave, one after the other from zero."""
    rows = []
    for ndim, cells, levels, patch, least in SINGLE:
        problem = solvers.Elliptic(centred(ndim, cells, patch, levels), boundary=GROUNDED)
        system = prepared(problem, V19_SOURCE, boxes(ndim, levels, -WITHIN, WITHIN))
        u, left = iterated(system, CYCLES)
        factors = np.asarray(left[:-1] / left[1:])
        label, mean = named(ndim, cells, levels), float((left[0] / left[-1]) ** (1 / CYCLES))
        known, code = ((BASILISK_CYCLES,), "Basilisk") if cells == 512 else ((), "")
        rows.append(Row(f"{label}: mean factor", (mean,), known, code, at_least(least)))
        rows.append(Row(f"{label}: factors of {CYCLES} cycles", tuple(map(float, factors))))
        if cells == 512:
            gap = wrong_by(field_of(system, u), V19_SOLUTION)["linf"]
            mark = at_most(1.0001 * BASILISK_GAP)
            rows.append(Row(f"{label}: Linf error", (gap,), (BASILISK_GAP,), "Basilisk", mark))
    return rows


def count_rows() -> list[Row]:
    """Cycles to a residual of 1e-9, by resolution and by levels."""
    counts = {}
    for cells, levels in COUNTED:
        problem = solvers.Elliptic(centred(2, cells, 16, levels), boundary=GROUNDED)
        found = problem.solve(V19_SOURCE, refine=boxes(2, levels, -WITHIN, WITHIN))
        counts[cells, levels] = int(found.iterations)
    by_cells = tuple(counts[n, 0] for n in (64, 128, 256, 512))
    by_levels = tuple(counts[64, n] for n in (0, 1, 2, 3))
    return [
        Row("cycles to 1e-9, 64² / 128² / 256² / 512²", by_cells, (12, 14), "Basilisk, least and most"),
        Row("more of them with 512² than with 64²", (by_cells[-1] - by_cells[0],), mark=at_most(1)),
        Row("cycles to 1e-9, 64² and 0 / 1 / 2 / 3 levels", by_levels),
        Row("more of them with 3 levels than with one", (by_levels[3] - by_levels[1],), mark=at_most(1)),
    ]


class Inclusion(eqx.Module):
    """A diffusivity of `contrast` in a disc of radius .3 and of 1 around it, with an edge of some width."""

    contrast: Float[Array, ""]
    width: Float[Array, ""]

    def __call__(self, x, y):
        r = jnp.sqrt((x + 0.03) ** 2 + (y - 0.02) ** 2)
        return self.contrast ** (0.5 * (1 + jnp.tanh((0.3 - r) / self.width)))


def variable_rows() -> list[Row]:
    """By how much a cycle of the Krylov method reduces the residual, where the diffusivity varies."""
    rows = []
    for cells, levels in ((256, 0), (64, 2)):
        mesh, refine = centred(2, cells, 16, levels), boxes(2, levels, -WITHIN, WITHIN)
        for edge, width in (("smooth", 0.1), ("sharp", 1e-6)):
            found = []
            for contrast in (10.0, 1000.0):
                inclusion = Inclusion(jnp.asarray(contrast), jnp.asarray(width))
                problem = solvers.Elliptic(mesh, inclusion, boundary=GROUNDED)
                solution = problem.solve(V19_SOURCE, refine=refine)
                found.append(float(solution.residual) ** (-1 / int(solution.iterations)))
            label = f"{named(2, cells, levels)}, {edge} disc of 10 / 1000 times the diffusivity: factor"
            rows.append(Row(label, tuple(found), mark=at_least(4, 4)))
    return rows


@case(
    "V19",
    "What a cycle of multigrid leaves",
    run="cos 3πx cos 3πy in [-.5, .5]², zero on its faces; the middle half of each dimension is refined, and the "
    "middle half of that again. V-cycles one after the other from zero. Cycles are counted, and factors where "
    "the diffusivity varies taken, with the Krylov method on top of them.",
    columns="by how much a cycle reduces the residual (root mean square), or as the row says",
    means="The number of cycles depends neither on resolution nor on the number of levels.",
)
def cycles() -> Result:
    """Single cycles, counts, and variable coefficients."""
    return Result([*single_rows(), *count_rows(), *variable_rows()])


CASES = (poisson, cycles)
