"""Rings that break into worms and spots: two substances that diffuse and react, fed better to the right.

The model is that of Gray and Scott (Chem. Eng. Sci. 38, 1983), the patterns are those of Pearson (Science 261, 1993).
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import amr
import solvers

jax.config.update("jax_enable_x64", True)


def reaction(u, x, y, t):
    """The rates of both: where they meet, food becomes eater; food comes in, and both are washed out."""
    food, eater = u
    feed, kill = 0.022 + 0.016 * x, 0.06
    eaten = food * eater**2
    return feed * (1 - food) - eaten, eaten - (feed + kill) * eater


def disturbed(x, y):
    """Food everywhere, and a few places where there is something that eats it."""
    places = ((0.25, 0.35), (0.6, 0.7), (1.1, 0.4), (0.8, 0.25))
    there = sum(jnp.exp(-((x - a) ** 2 + 1.2 * (y - b) ** 2) / 0.002) for a, b in places)
    return 1 - 0.5 * there, 0.3 * there


def simulation(cells=64, levels=2):
    """So many cells to a unit of length on the root grid, and this many levels above it."""
    dish = amr.Domain((0, 0), (1.5, 1), periodic=False)
    mesh = amr.Mesh(dish, (3 * cells // 2, cells), patch=8, max_level=levels)
    equation = solvers.Diffusion((2e-5, 1e-5), names=("food", "eater"), reaction=reaction)
    # A reaction does not limit the step by itself; `longest` does.
    refine = amr.Gradient(0.5, variable="eater")
    return solvers.Simulation(mesh, equation, refine=refine, boundary=amr.Wall(), longest=1.0)


def picture(fields):
    """What eats, with the patches, at several times."""
    figure = plt.figure(figsize=(9.5, 6.0), layout="constrained", dpi=120)
    figure.get_layout_engine().set(rect=(0, 0, 0.97, 1))
    for ax, field in zip(figure.subplots(2, 2).flat, fields, strict=True):
        field.plot("eater", ax=ax, vmin=0.0, vmax=0.4)
        ax.set(xlabel="", ylabel="")
    return figure


if __name__ == "__main__":
    fields: list[amr.Field] = []
    solution = simulation().run(disturbed, t_end=3000.0, outputs=(500.0, 1500.0), on_output=fields.append)
    picture(fields).savefig("gray_scott.png")
    print(solution.summary)
