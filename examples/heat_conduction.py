"""Heat runs into a cold gas whose conductivity is the third power of its temperature, as that by radiation is.

What remains in the end is known: the fourth power of the temperature falls evenly from the hot wall to the cold one.
"""

import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import amr
import solvers

jax.config.update("jax_enable_x64", True)

HOT, COLD = 1.0, 0.3


def conductivity(u, x, t):
    """A function of the variables (one row each), position and time."""
    return u[0] ** 3


def steady(x, t=0.0):
    """Where nothing changes any more."""
    return (HOT**4 + (COLD**4 - HOT**4) * x) ** 0.25


def start(x):
    """Cold, but for a layer at the hot wall: a jump would be hard on Newton's method."""
    return COLD + (HOT - COLD) * jnp.exp(-((x / 0.1) ** 2))


def simulation(cells=32, levels=3):
    """So many cells on the root grid, and this many levels above it."""
    walls = [(amr.Dirichlet(HOT), amr.Dirichlet(COLD))]
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), cells, patch=8, max_level=levels)
    heat = solvers.Diffusion(solvers.NonlinearDiffusivity(conductivity), names="T")
    # Implicit steps may be long; how long, is said by `longest`.
    scheme = solvers.MethodOfLines(integrator=solvers.BackwardEuler(tolerance=1e-8, ratio=math.inf))
    return solvers.Simulation(mesh, heat, scheme, amr.Difference(0.03), boundary=walls, longest=0.01)


def picture(fields):
    """The temperature at several times with the mesh of the last one, and what it tends to."""
    figure = plt.figure(figsize=(7.2, 3.8), layout="constrained", dpi=120)
    ax = figure.subplots()
    for field in fields:
        field.plot("T", ax=ax, patches=field is fields[-1])
    x = np.linspace(0, 1, 500)
    ax.plot(x, steady(x), "k:", linewidth=1.2, label="steady")
    ax.set_title("", loc="left")
    ax.legend()
    return figure


if __name__ == "__main__":
    fields: list[amr.Field] = []
    sim = simulation()
    solution = sim.run(start, 4.0, exact=steady, outputs=(0.04, 0.2, 0.6), on_output=fields.append)
    picture(fields[1:]).savefig("heat_conduction.png")
    print(solution.summary)
