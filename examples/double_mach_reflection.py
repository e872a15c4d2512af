"""Double Mach reflection of a Mach 10 shock at a wall (Woodward and Colella, J. Comput. Phys. 54, 1984)."""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

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
    mesh = amr.Mesh(amr.Domain((0, 0), (4, 1), periodic=False), (4 * cells, cells), patch=8, max_level=levels)
    # HLL, since the sharper HLLC bends the foot of the Mach stem forwards by a cell.
    scheme = solvers.MethodOfLines(solvers.MUSCL(solvers.MonotizedCentral()), solvers.HLL())
    refine = amr.Difference(0.5, variable="density")
    return solvers.Simulation(mesh, solvers.Euler(2, gamma=1.4), scheme, refine, boundary=sides)


def picture(field):
    """The density with the patches, and 30 of its contour lines near to the Mach stem."""
    figure = plt.figure(figsize=(8.5, 6.2), layout="constrained", dpi=120)
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.75))
    field.plot("density", ax=above)
    above.set_xlim(0, 3.2)
    density = field.uniform("density").T
    x, y = ((np.arange(n) + 0.5) / density.shape[0] for n in density.shape[::-1])
    below.contour(x, y, density, np.linspace(1.5, 22.7, 30), linewidths=0.6, colors="black")
    below.set(xlim=(1.9, 2.9), ylim=(0, 0.5), aspect="equal", xlabel="x", ylabel="y")
    return figure


if __name__ == "__main__":
    solution = simulation().run(undisturbed, t_end=0.2)
    picture(solution.field).savefig("double_mach_reflection.png")
    print(solution.summary)
