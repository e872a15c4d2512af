"""The potential of two charges: Poisson's equation on a mesh that is fine where the charges are."""

import math

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import amr
import solvers

jax.config.update("jax_enable_x64", True)

CHARGES = ((-0.3, -0.1, 1.0, 0.05), (0.35, 0.15, -1.0, 0.02))  # where, how much, how wide


def density(x, y):
    """Of both charges, which fade as the fourth power of the distance."""
    return sum(q * w**2 / math.pi / ((x - a) ** 2 + (y - b) ** 2 + w**2) ** 2 for a, b, q, w in CHARGES)


def potential(x, y, t=0.0):
    """The exact solution of `-div grad potential = density` in open space."""
    return sum(-q / (4 * math.pi) * jnp.log((x - a) ** 2 + (y - b) ** 2 + w**2) for a, b, q, w in CHARGES)


def problem(cells=32, levels=5):
    """So many cells in each direction on the root grid, and this many levels above it."""
    box = amr.Domain((-1, -1), (1, 1), periodic=False)
    mesh = amr.Mesh(box, (cells, cells), patch=8, max_level=levels)
    return solvers.Elliptic(mesh, names="potential", boundary=amr.Dirichlet(potential))


def error(field):
    """The mean and the largest one."""
    leaves = field.patches()
    gap = np.abs(leaves.values[:, 0] - potential(leaves.centres(0)[:, :, None], leaves.centres(1)[:, None, :]))
    volumes = leaves.dx.prod(1)
    return volumes @ gap.mean((1, 2)) / volumes.sum(), gap.max()


def picture(field):
    """The potential with the patches and contour lines: all of it, and what is around the narrow charge."""
    figure = plt.figure(figsize=(10.5, 4.4), layout="constrained", dpi=120)
    leaves = field.patches()
    x, y = np.broadcast_arrays(leaves.centres(0)[:, :, None], leaves.centres(1)[:, None, :])
    for ax, window in zip(figure.subplots(1, 2), ((-1, 1, -1, 1), (0.2, 0.5, 0.0, 0.3)), strict=True):
        field.plot("potential", ax=ax, cmap="RdBu_r", vmin=-0.6, vmax=0.6)
        lines = np.linspace(-0.6, 0.6, 25)
        ax.tricontour(x.ravel(), y.ravel(), leaves.values.ravel(), lines, colors="black", linewidths=0.8)
        ax.set(xlim=window[:2], ylim=window[2:], ylabel="")
        ax.set_title("", loc="left")
        ax.locator_params(nbins=5)
    return figure


if __name__ == "__main__":
    found = problem().solve(density, refine=amr.Curvature(0.5))
    picture(found.field).savefig("poisson.png")
    print(found)  # cells, cycles of multigrid, residual
    print("error: {:.1e} in the mean, {:.1e} at most".format(*error(found.field)))
