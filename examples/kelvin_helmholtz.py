"""Two layers of gas slide past each other and roll up (McNally, Lyra and Passy, Astrophys. J. Suppl. 201, 2012)."""

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)


def layers(x, y):
    """Density, velocity and pressure: a heavy layer between light ones, with smooth edges 1/40 thick."""
    edge = jnp.abs(y - 0.5) - 0.25
    fade = 0.5 * jnp.exp(-jnp.abs(edge) / 0.025)
    light = jnp.where(edge < 0, fade, 1 - fade)
    return 2 - light, light - 0.5, 0.01 * jnp.sin(4 * jnp.pi * x), 2.5 + 0 * x


def simulation(cells=64, levels=2):
    """So many cells in each direction on the root grid, and this many levels above it."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=True), (cells, cells), patch=8, max_level=levels)
    scheme = solvers.MethodOfLines(solvers.PPM(), solvers.HLLC())
    return solvers.Simulation(mesh, solvers.Euler(2, gamma=5 / 3), scheme, amr.Difference(0.04, variable="density"))


if __name__ == "__main__":
    solution = simulation().run(layers, t_end=2.0)
    solution.plot("density", patches=True).savefig("kelvin_helmholtz.png")
    print(solution.summary)
