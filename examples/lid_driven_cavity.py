"""Gas in a box whose lid moves, at a Reynolds number of 100 (Ghia, Ghia and Shin, J. Comput. Phys. 48, 1982)."""

import jax
import matplotlib.pyplot as plt
import numpy as np

import amr
import solvers

jax.config.update("jax_enable_x64", True)
MACH, REYNOLDS = 0.15, 100
# Velocities along the lines through the middle, from their tables I and II: along x at heights y, along y at places x.
HEIGHTS = ((0.0547, -0.03717), (0.1719, -0.10150), (0.4531, -0.21090), (0.7344, 0.00332), (0.9531, 0.68717))
PLACES = ((0.0625, 0.09233), (0.2344, 0.17527), (0.5, 0.05454), (0.8047, -0.24533), (0.9453, -0.10313))


def rest(x, y):
    """Density, velocity and pressure."""
    still = 0 * (x + y)
    return 1 + still, still, still, 1 / (1.4 * MACH**2) + still


def simulation(cells=32, levels=1):
    """So many cells in each direction on the root grid, and this many levels above it."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (cells, cells), patch=8, max_level=levels)
    gas = solvers.NavierStokes(2, viscosity=1 / REYNOLDS)
    wall, lid = solvers.NoSlip(temperature=1 / (1.4 * MACH**2)), solvers.NoSlip((1.0, 0.0), 1 / (1.4 * MACH**2))
    return solvers.Simulation(
        mesh, gas, refine=amr.Difference(0.06, variable="momentum_x"), boundary=[(wall, wall), (wall, lid)]
    )


def velocity(field, points, direction):
    """Of the gas at points, along x or y."""
    return field.sample(points, f"momentum_{direction}") / field.sample(points, "density")


def picture(field):
    """The velocity through the middle with theirs, and the flow with the patches."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", dpi=120)
    line = np.linspace(0.002, 0.998, 250)
    for direction, known, at in (("x", HEIGHTS, [0 * line + 0.5, line]), ("y", PLACES, [line, 0 * line + 0.5])):
        (drawn,) = left.plot(line, velocity(field, np.stack(at, -1), direction), label=f"velocity along {direction}")
        left.plot(*np.transpose(known), "o", color=drawn.get_color())
    left.set(xlabel="y, or x", title="through the middle; dots: Ghia, Ghia and Shin")
    left.legend()
    field.plot("momentum_x", ax=right, patches=True)
    centres = np.linspace(0.02, 0.98, 60)
    x, y = np.meshgrid(centres, centres)
    points = np.stack([x, y], -1)
    right.streamplot(x, y, velocity(field, points, "x"), velocity(field, points, "y"), color="w", linewidth=0.6)
    return figure


if __name__ == "__main__":
    solution = simulation().run(rest, t_end=20.0)
    picture(solution.field).savefig("lid_driven_cavity.png")
    print(solution.summary)
