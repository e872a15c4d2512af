"""A Mach 10 shock meets a wall at 60 degrees and is reflected twice (Woodward and Colella, J. Comput. Phys. 54, 1984)."""

import argparse

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)

RAMP = 1 / 6  # where the wall begins
BEFORE = (1.4, 0.0, 0.0, 1.0)  # density, velocity and pressure of the gas at rest, in which sound has speed 1
BEHIND = (8.0, 8.25 * 3**0.5 / 2, -8.25 / 2, 116.5)  # of the gas behind the shock


def undisturbed(x, y, t=0.0):
    """The shock on its way, as if there were no wall: what holds at the start, and at the top at all times."""
    behind = x < RAMP + (y + 20 * t) / 3**0.5
    return tuple(jnp.where(behind, *pair) for pair in zip(BEHIND, BEFORE, strict=True))


def simulation(cells=32, levels=3):
    """So many cells to a unit of length on the root grid, and this many levels above it."""
    wall = amr.Split(where=lambda x, y, t: x < RAMP, inside=amr.Dirichlet(BEHIND), outside=amr.Wall())
    sides = [(amr.Dirichlet(BEHIND), amr.Outflow()), (wall, amr.Dirichlet(undisturbed))]
    mesh = amr.Mesh(amr.Domain((0, 0), (4, 1), boundary=sides), (4 * cells, cells), patch=8, max_level=levels)
    scheme = solvers.MethodOfLines(solvers.MUSCL(solvers.MonotizedCentral()), solvers.HLL())
    return solvers.Simulation(mesh, solvers.Euler(2, gamma=1.4), scheme, amr.Difference(1.0, variable="density"))


if __name__ == "__main__":
    sim = simulation()
