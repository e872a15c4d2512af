# %% [markdown]
# # Diffusion
#
# Heat spreads: `d T/dt = d/dx (D d T/dx)`. An explicit step must be shorter than about `dx**2 / 2 D`, which is very
# short on a fine mesh. Two remedies are there to choose from: stabilized steps (RKL2), which do some dozens of cheap
# stages, and implicit steps, which solve a system of equations. With none chosen, Amrax decides by the step that you
# allow.
#
# Needs Amrax and Jupyter, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import math

import jax.numpy as jnp
import matplotlib.pyplot as plt

import amr
import solvers

spot = lambda x, t=0.0: (1 + 40 * t) ** -0.5 * jnp.exp(-((x - 0.5) ** 2) / (0.01 * (1 + 40 * t)))  # the exact solution
mesh = amr.Mesh(amr.Domain(-1, 2, periodic=False), cells=192, patch=8, max_level=2)
heat = solvers.Diffusion(0.1, names="T")
sim = solvers.Simulation(mesh, heat, refine=amr.Curvature(0.001), boundary=amr.Wall(), longest=0.001)
solution = sim.run(spot, t_end=0.02, exact=spot)
solution.plot("T")

# %% [markdown]
# The row `diffusion` of the summary says what was chosen and why, and `T error` how far it is from the exact
# solution.

# %%
solution.summary

# %% [markdown]
# ## Three ways to do it
#
# An integrator in `MethodOfLines` chooses the way. `longest` limits the step; without it, steps are as long as the
# method is stable (or `ratio` times an explicit one, if it is implicit).

# %%
summaries = {"stabilized": solution.summary}
for name, integrator, longest in (("explicit", solvers.SSPRK2(), None), ("implicit", solvers.SDIRK2(), 0.001)):
    scheme = solvers.MethodOfLines(integrator=integrator)
    sim = solvers.Simulation(mesh, heat, scheme, refine=amr.Curvature(0.001), longest=longest)
    summaries[name] = sim.run(spot, t_end=0.02, exact=spot).summary
for name, summary in summaries.items():
    print(f"{name:10}  {summary.steps:4} steps, error {summary.variables['T'].error['l1']:.1e}")

# %% [markdown]
# All errors are alike, but the explicit method needs many more steps. Which way is the fastest depends on how much
# longer than explicit ones the steps may be: [docs/diffusion.md](../docs/diffusion.md) tells more.
#
# ## A nonlinear equation
#
# The diffusivity may depend on the solution. With `D = u`, what spreads has a sharp front: gas in a porous rock does
# so. The exact solution (Barenblatt) is known.


# %%
def barenblatt(x, t=0.0):
    s = (0.1 + t) ** (1 / 3)
    return jnp.maximum(1 - x**2 / (6 * s**2), 0) / s


rock = amr.Mesh(amr.Domain(-3, 3, periodic=False), cells=48, patch=8, max_level=2)
porous = solvers.Diffusion(solvers.NonlinearDiffusivity(lambda u, x, t: u[0]), names="gas")
scheme = solvers.MethodOfLines(integrator=solvers.RKL2())
sim = solvers.Simulation(rock, porous, scheme, refine=amr.Difference(0.05), boundary=amr.Wall(), longest=0.01)
fields = []
sim.run(barenblatt, t_end=1.0, outputs=[0.1, 0.4], on_output=fields.append)

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for field in fields:
    field.plot("gas", ax=ax, patches=field is fields[-1], vmin=0, vmax=2.2)
x = jnp.linspace(-3, 3, 300)
ax.plot(x, barenblatt(x, 1.0), "k:", label="exact at t = 1")
ax.set_title("t = 0, 0.1, 0.4 and 1", loc="left")
ax.legend()
plt.show()
# %% [markdown]
# ## What remains in the end
#
# Where sources and diffusion are in balance, nothing changes any more. `Elliptic` solves that equation at once, `-div
# grad u = source`, by multigrid on an adaptive mesh. Here are two charges of opposite sign in a grounded box.

# %%
box = amr.Mesh(amr.Domain((-1, -1), (1, 1), periodic=False), cells=(32, 32), patch=8, max_level=3)
charge = lambda x, y, at: jnp.exp(-((x - at) ** 2 + y**2) / 0.05**2) / (math.pi * 0.05**2)
found = solvers.Elliptic(box, names="potential", boundary=amr.Dirichlet(0.0)).solve(
    lambda x, y: charge(x, y, -0.4) - charge(x, y, 0.4), refine=amr.Difference(5.0), tolerance=1e-4
)
print(found)
found.plot("potential", cmap="RdBu_r")
