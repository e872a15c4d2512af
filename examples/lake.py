"""A lake over uneven ground: left alone it is at rest, to the last bit; then a column of water falls into it."""

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)


def ground(x, y):
    """A hill, whose top is a fifth below the surface."""
    return 0.8 * jnp.exp(-((x - 1.3) ** 2 + (y - 0.45) ** 2) / 0.06)


def rest(x, y):
    """Elevation of the surface and velocity of water at rest."""
    return 1.0 + 0 * x, 0 * x, 0 * x


def column(x, y):
    """The same with a round column of water that is just let go (a radial dam break)."""
    return jnp.where(jnp.hypot(x - 0.5, y - 0.5) < 0.2, 1.5, 1.0), 0 * x, 0 * x


def simulation(cells=32, levels=3):
    """So many cells to a unit of length on the root grid, and this many levels above it."""
    basin = amr.Domain((0, 0), (2, 1), periodic=False)
    mesh = amr.Mesh(basin, (2 * cells, cells), patch=8, max_level=levels)
    water = solvers.ShallowWater(2, gravity=9.81, bottom=ground, rest_level=1.0)
    scheme = solvers.MethodOfLines(solvers.MUSCL(), solvers.HLLC())
    # The region makes levels meet over the hill also while nothing moves.
    refine = [amr.Difference(0.02, variable="eta"), amr.Region((1.2, 0.0), (1.4, 0.5), 1)]
    return solvers.Simulation(mesh, water, scheme, refine, boundary=amr.Wall())


if __name__ == "__main__":
    sim = simulation()
    lake = sim.run(rest, t_end=1.0).summary.variables
    print(f"at rest: eta from {lake['eta'].lowest} to {lake['eta'].highest}, hu up to {lake['hu'].highest}")
    solution = sim.run(column, t_end=0.25)
    solution.plot("eta", patches=True).savefig("lake.png")
    print(solution.summary)
