# %% [markdown]
# # Refinement and accuracy
#
# What does an adaptive mesh save, and what does it cost? A narrow pulse travels once around a periodic line. The
# exact solution is where it began, so the error is known. We compare uniform grids with adaptive meshes whose finest
# cells are as small.
#
# Needs Amrax and Jupyter, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import amr
import solvers
from amr.plot import plot_convergence

jax.config.update("jax_enable_x64", True)  # errors far below single precision


def pulse(x, t=0.0):
    return jnp.exp(-((((x - t) % 1.0 - 0.5) / 0.02) ** 2))


def run(cells, levels=0, above=1e-4):
    mesh = amr.Mesh(amr.Domain(0, 1), cells, patch=8, max_level=levels)
    scheme = solvers.CTU(solvers.Unlimited())
    sim = solvers.Simulation(mesh, solvers.Advection(1.0), scheme, amr.Value(above))
    return sim.run(pulse, t_end=1.0, exact=pulse)


uniform = [run(cells) for cells in (256, 512, 1024)]
adaptive = [run(64, levels) for levels in (2, 3, 4)]
adaptive[-1].plot()

# %% [markdown]
# ## The same accuracy
#
# The scheme is of second order: half as wide cells, a quarter of the error. The adaptive meshes have the error of the
# uniform grids of their finest cells, so that the two curves lie on each other.


# %%
def error(solution):
    return solution.summary.variables["phi"].error["l1"]


plot_convergence(
    (256, 512, 1024),
    {"uniform": [error(s) for s in uniform], "adaptive, from 64 cells": [error(s) for s in adaptive]},
)

# %% [markdown]
# ## For less
#
# They have fewer cells, and so fewer cells to update. `summary.cells` has the mean number over the run.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for label, runs in {"uniform": uniform, "adaptive": adaptive}.items():
    axes[0].loglog([s.summary.cells["mean"] for s in runs], [error(s) for s in runs], "o-", label=label)
    axes[1].loglog([s.summary.cell_updates for s in runs], [error(s) for s in runs], "o-", label=label)
axes[0].set(xlabel="cells on average", ylabel="mean error")
axes[0].xaxis.set_minor_locator(plt.NullLocator())
axes[0].set_xticks([128, 256, 512, 1024], labels=[128, 256, 512, 1024])
axes[1].set(xlabel="cell updates")
axes[0].legend()
plt.show()

# %% [markdown]
# ## In two dimensions
#
# In one dimension these runs take milliseconds, and what they save is hardly felt. In two dimensions it is: a blob
# that is small in both directions leaves nearly all of the square to coarse cells. Time is that of the run loop
# alone, without compilation.


# %%
def blob(x, y, t=0.0):
    return pulse(x, t) * pulse(y, t)


def run_2d(cells, levels):
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (cells, cells), patch=16, max_level=levels)
    scheme = solvers.CTU(solvers.Unlimited())
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 1.0)), scheme, amr.Value(1e-4))
    return sim.run(blob, t_end=0.25, exact=blob)


for name, solution in {"uniform": run_2d(512, 0), "adaptive": run_2d(64, 3)}.items():
    summary = solution.summary
    updates = f"{summary.cell_updates / 1e6:5.1f} million cell updates"
    print(f"{name:8}  error {error(solution):.2e}  {updates}  {summary.loop_seconds:.2f} s")

# %%
solution.plot()

# %% [markdown]
# ## What it costs
#
# What a threshold leaves on coarse cells is an error that finer cells elsewhere do not mend. With a threshold of 0.1
# the tails of the pulse are coarse.

# %%
for above in (1e-4, 0.1):
    solution = run(64, 3, above)
    print(f"above {above:6}: error {error(solution):.2e} with {solution.summary.cells['mean']:.0f} cells on average")
