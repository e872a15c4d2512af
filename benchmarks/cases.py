"""The runs that are timed, each by a name. All go through `Simulation.run`, as a user's would."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import jax.numpy as jnp

import amr
import solvers
from solvers.run.summary import Summary

from . import uniform

TAGS = (1.01, 1.1, 1.5)  # values above which a cell is refined once, twice, three times; AMReX has the same
PI = jnp.pi


def bump(x, y, z=0.0):
    """The initial condition; in three dimensions a column."""
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01) + 0 * z


def stream(x, y):
    """The stream function, time apart."""
    return jnp.sin(PI * x) ** 2 * jnp.sin(PI * y) ** 2 / PI


def swirl(ndim: int):
    """The flow: the same in two dimensions and three."""
    if ndim == 2:
        return solvers.StreamFunction(stream, amplitude=lambda t: jnp.cos(PI * t / 2))

    def potential(x, y, z):
        along_z = -stream(x, y) + 0 * z
        return jnp.zeros_like(along_z), jnp.zeros_like(along_z), along_z

    return solvers.VectorPotential(potential, amplitude=lambda t: jnp.cos(PI * t / 2))


@dataclass(frozen=True)
class Pool:
    """ADV2D or ADV3D (shared/VERIFICATION.md) on a root grid of `cells` a side, refined `levels` times."""

    cells: int
    patch: int
    levels: int = 0
    t_end: float = 2.0
    dtype: str = "float64"
    ndim: int = 2
    capacity: int | None = None

    def summary(self) -> Summary:
        """Run it."""
        return simulation(self).run(bump, self.t_end).summary

    def cost(self) -> float:
        """Nanoseconds for each cell update."""
        return 1e9 / self.summary().updates_per_second


@functools.cache
def simulation(case: Pool) -> solvers.Simulation:
    """Kept, so that a repeated run is not compiled again."""
    domain = amr.Domain((0,) * case.ndim, (1,) * case.ndim)
    mesh = amr.Mesh(domain, (case.cells,) * case.ndim, case.patch, case.levels, case.capacity)
    refine = amr.Value(TAGS[: case.levels]) if case.levels else None
    return solvers.Simulation(mesh, solvers.Advection(swirl(case.ndim)), refine=refine, dtype=case.dtype)


@functools.cache
def tight_capacity(case: Pool) -> int:
    """The least pool that a run needs."""
    return int(case.summary().patches["max"])


@dataclass(frozen=True)
class Room:
    """A run in a pool of `times` the capacity that it needs."""

    case: Pool
    times: float

    def cost(self) -> float:
        """Nanoseconds for each cell update."""
        return replace(self.case, capacity=int(self.times * tight_capacity(self.case))).cost()


@dataclass(frozen=True)
class Uniform:
    """The hand-written uniform-grid code."""

    cells: int
    t_end: float
    dtype: str = "float64"

    def cost(self) -> float:
        """Nanoseconds for each cell update."""
        result = uniform.run(self.cells, self.t_end, self.dtype)
        return 1e9 * result.seconds / (result.steps * self.cells**2)


@dataclass(frozen=True)
class Gas:
    """Shear layers that roll up, in gas (Euler in 2D, MUSCL and HLLC), on a root grid of `cells` a side, refined
    `levels` times where the density varies."""

    cells: int
    levels: int
    t_end: float
    patch: int = 16

    def cost(self) -> float:
        """Nanoseconds for each cell update."""
        return 1e9 / gas_simulation(self).run(layers, self.t_end).summary.updates_per_second


def layers(x, y):
    """Density, velocity and pressure at the start."""
    inside = jnp.where(jnp.abs(y - 0.5) < 0.25, 1.0, -1.0)
    return 1.5 + 0.5 * inside, 0.5 * inside, 0.01 * jnp.sin(4 * PI * x), 2.5 + 0 * x * y


@functools.cache
def gas_simulation(case: Gas) -> solvers.Simulation:
    """Kept, so that a repeated run is not compiled again."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (case.cells,) * 2, case.patch, case.levels)
    refine = amr.Difference(0.1, variable="density") if case.levels else None
    return solvers.Simulation(mesh, solvers.Euler(2), refine=refine, dtype="float64")


Case = Pool | Room | Uniform | Gas


def cases(quick: bool) -> dict[str, Case]:
    """All runs by name. Quick ones end earlier where that does not change what a step costs."""
    short, spun, deep = (0.1, 1.0, 0.05) if quick else (0.2, 2.0, 0.2)
    adv2d = {f"adv2d_{n}": Pool(64, 16, n, spun if n == 3 else 2.0) for n in (1, 2, 3)}
    finest = adv2d["adv2d_3"]
    return {
        "uniform": Uniform(512, short),
        "uniform_float32": Uniform(512, short, "float32"),
        **{f"pool_{patch}": Pool(512, patch, t_end=short) for patch in (8, 16, 32)},
        "pool_16_float32": Pool(512, 16, t_end=short, dtype="float32"),
        **adv2d,
        "pool_256": Pool(256, 16, t_end=0.5),
        "adv2d_3_patch_8": replace(finest, patch=8),
        "adv2d_3_patch_32": replace(finest, patch=32),
        "adv2d_3_float32": replace(finest, dtype="float32"),
        "adv2d_2_tight": Room(adv2d["adv2d_2"], 1),
        "adv2d_2_loose": Room(adv2d["adv2d_2"], 2),
        "adv3d_1": Pool(64, 16, 1, deep, ndim=3),
        "gas2d": Gas(256, 0, 0.05),
        "gas2d_2": Gas(64, 2, 0.1),
        **_many_patches(quick),
    }


def _many_patches(quick: bool) -> dict[str, Case]:
    """Patches of 8^2 cells, refined once, on ever larger root grids; the number is about that of patches."""
    roots = {"2k": 256, "20k": 800} if quick else {"2k": 256, "20k": 800, "200k": 2560}
    steps = {"2k": 64, "20k": 16, "200k": 8}
    return {f"patches_{k}": Pool(n, 8, 1, t_end=steps[k] * 0.9 / (2 * n)) for k, n in roots.items()}
