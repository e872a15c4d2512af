# %% [markdown]
# # Your own equation
#
# Amrax solves systems of conservation laws, `d u/dt + d f(u)/dx = source(u)`. A law of your own is a class with three
# things: the names of its variables, the flux, and the speed of the fastest signal.
#
# Here are cars on a road. The denser they are, the slower they drive: their speed is `1 - u`.
#
# Needs Amrax and Jupyter, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import amr
import solvers


class Traffic(solvers.ConservationLaw):
    names = ("cars",)

    def flux(self, u, d):  # along dimension d; u has one row for each variable
        return u * (1 - u)

    def max_speed(self, u, d):
        return jnp.abs(1 - 2 * u[0])


# %%
mesh = amr.Mesh(amr.Domain(0, 4, periodic=False), cells=64, patch=8, max_level=3)
sim = solvers.Simulation(mesh, Traffic(), refine=amr.Difference(above=0.02))
crowd = lambda x: 0.1 + 0.8 * jnp.exp(-(((x - 1.5) / 0.3) ** 2))
fields = []
sim.run(crowd, t_end=1.0, outputs=[0.5], on_output=fields.append)

figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for field in fields:
    field.plot("cars", ax=ax, patches=field is fields[-1], vmin=0, vmax=1)
ax.set_title("t = 0, 0.5 and 1", loc="left")
plt.show()

# %% [markdown]
# Cars run into the end of the jam, where a shock forms, and leave it at its front. Colors tell the level of the mesh,
# grey lines the edges of patches at the end: it is fine where there is something to see.
#
# ## An indicator of your own
#
# An indicator says which cells wish to be refined. `amr.Custom` makes one of a function that gives a number for each
# cell of a patch, which is compared with a threshold. This one is the curvature, but only of the left half of the
# road.


# %%
def bend(patch):
    (x,) = patch.x
    curvature = jnp.abs(patch.cells("cars", 0, 1) - 2 * patch.cells("cars") + patch.cells("cars", 0, -1))
    return jnp.where(x < 2.0, curvature, 0.0)


looking_left = solvers.Simulation(mesh, Traffic(), refine=amr.Custom(bend, above=0.01))
looking_left.run(crowd, t_end=1.0).plot("cars")

# %% [markdown]
# ## A flow of your own
#
# `Advection` takes any function of position and time as its velocity, one component a dimension. A stream function
# gives a flow without divergence exactly, so that constants stay constant.

# %%
square = amr.Mesh(amr.Domain((-1, -1), (1, 1), periodic=False), cells=(32, 32), patch=8, max_level=2)
turning = solvers.StreamFunction(lambda x, y, t: -0.5 * (x**2 + y**2))
turned = solvers.Simulation(square, solvers.Advection(turning, names="ink"), refine=amr.Difference(0.05))
star = lambda x, y: jnp.where(jnp.hypot(x - 0.4, y) < 0.3 + 0.1 * jnp.cos(5 * jnp.arctan2(y, x - 0.4)), 1.0, 0.0)
turned.run(star, t_end=jnp.pi / 2).plot("ink")

# %% [markdown]
# ## Derivatives of a run
#
# `sim.start` and `sim.advance` are functions of JAX. So a run can be differentiated (forward), compiled, and mapped
# over many cases. `capacity` is the room for patches.
#
# How does the jam depend on how dense it was at the start?


# %%
def at_the_end(density):
    state = sim.start(lambda x: 0.1 + density * jnp.exp(-(((x - 1.5) / 0.3) ** 2)), 0.5, capacity=64)
    return sim.field(sim.advance(state, 0.5))


field, change = jax.jit(lambda density: jax.jvp(at_the_end, (density,), (1.0,)))(0.8)

figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 4), sharex=True, layout="constrained")
field.plot("cars", ax=above)
leaves = field.patches()
below.plot(leaves.centres(0).ravel(), change.data[0, :, : field.count].T.ravel())
below.set(xlabel="x", ylabel="change of cars per\nchange of density")
plt.show()
# %% [markdown]
# A shock moves when the jam changes, so the derivative has a peak there.
#
# Many runs at once are one call of `jax.vmap`. Each has a mesh of its own.

# %%
densities = jnp.linspace(0.2, 0.8, 4)
ensemble = jax.jit(jax.vmap(at_the_end))(densities)
for number, density in enumerate(densities):
    one = jax.tree.map(lambda array, n=number: array[n], ensemble)
    print(f"density {density:.1f}: {one.count} patches, densest {one.maximum('cars'):.3f}")
