# %% [markdown]
# # Quick start
#
# Amrax solves partial differential equations on a mesh that is fine where the solution asks for it and coarse
# elsewhere. Here a swirling flow carries a blob, and the mesh follows it.
#
# The first run of a program compiles it, which takes some seconds. After that it runs at once.
#
# Needs Amrax and Jupyter, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import jax.numpy as jnp

import amr
import solvers

mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), cells=(32, 32), patch=8, max_level=2)
swirl = solvers.StreamFunction(lambda x, y, t: jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi)
sim = solvers.Simulation(mesh, solvers.Advection(swirl), refine=amr.Difference(above=0.02))
blob = lambda x, y: jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)
sim.run(blob, t_end=1.0).plot("phi")

# %% [markdown]
# Each square is a *patch* of 8 x 8 cells. Where the neighbours of a cell differ by more than 0.02, patches are
# replaced by four smaller ones, at most twice.
#
# ## What was chosen
#
# A simulation shows all its choices, also those that were made for you.

# %%
sim

# %% [markdown]
# ## What happened
#
# A run gives a solution. In a notebook it shows its summary and a picture. The row `phi integral` says how much there
# is in the box, and that nothing was lost but by rounding. (JAX starts with single precision.)

# %%
solution = sim.run(blob, t_end=0.5)
solution

# %% [markdown]
# ## Ask it
#
# `solution.field` is the solution at the end.

# %%
field = solution.field
print(f"{field.count} patches with {field.cells} cells")
print(f"total {field.integral('phi'):.6f}, largest {field.maximum('phi'):.4f}")
print(f"at the point (0.75, 0.45) {field.sample([0.75, 0.45], 'phi'):.4f}")

# %%
field.line(y=0.75).plot("phi")

# %% [markdown]
# ## Change it
#
# Choices are objects. To change one, make another simulation. Here is one with a sharper limiter, which smears out
# less.

# %%
scheme = solvers.CTU(limiter=solvers.Superbee())
sharper = solvers.Simulation(mesh, solvers.Advection(swirl), scheme, refine=amr.Difference(above=0.02))
for name, choice in {"default": sim, "superbee": sharper}.items():
    print(f"{name}: largest value {choice.run(blob, t_end=1.0).field.maximum():.4f}, where it was 1 at the start")

# %% [markdown]
# ## A movie
#
# `outputs` are times that the run meets exactly. `on_output` is called with the field at each of them, at the start
# and at the end.

# %%
from IPython.display import Image

from amr.movie import movie

fields = []
sim.run(blob, t_end=1.0, outputs=[0.25, 0.5, 0.75], on_output=fields.append)
Image(movie(fields, "swirl.gif", "phi", fps=3, dpi=36))

# %% [markdown]
# The next notebook solves [an equation of your own](02_your_own_equation.ipynb).
