"""Two thin shear layers in a viscous gas roll up (after Brown and Minion, J. Comput. Phys. 122, 1995)."""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import amr
import solvers

jax.config.update("jax_enable_x64", True)
MACH, VISCOSITY, THIN = 0.15, 1e-4, 80


def layers(x, y):
    """Density, velocity and pressure; a slow disturbance makes the layers bend."""
    along = jnp.where(y < 0.5, jnp.tanh(THIN * (y - 0.25)), jnp.tanh(THIN * (0.75 - y)))
    rest = 0 * (x + y)
    return 1 + rest, along + rest, 0.05 * jnp.sin(2 * jnp.pi * (x + 0.25)) + rest, 1 / (1.4 * MACH**2) + rest


def simulation(cells=64, levels=2):
    """So many cells in each direction on the root grid, and this many levels above it."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (cells, cells), patch=8, max_level=levels)
    gas = solvers.NavierStokes(2, viscosity=VISCOSITY)
    return solvers.Simulation(mesh, gas, refine=amr.Difference(0.1, variable="momentum_x"))


def picture(field):
    """The vorticity, and the patches."""
    u, v = (field.uniform(f"momentum_{x}") / field.uniform("density") for x in "xy")
    size = 1 / u.shape[0]
    vorticity = (np.roll(v, -1, 0) - np.roll(v, 1, 0) - np.roll(u, -1, 1) + np.roll(u, 1, 1)) / (2 * size)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", dpi=120)
    left.imshow(vorticity.T, origin="lower", extent=(0, 1, 0, 1), cmap="RdBu_r", vmin=-60, vmax=60)
    left.set_title("vorticity")
    field.plot("momentum_x", ax=right, patches=True)
    return figure


if __name__ == "__main__":
    solution = simulation().run(layers, t_end=1.0)
    picture(solution.field).savefig("shear_layer.png")
    print(solution.summary)
