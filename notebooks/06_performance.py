# %% [markdown]
# # Performance
#
# How fast is it, where does the time go, and what can you change? Numbers here depend on the machine.
#
# JAX runs on what it finds.
#
# Needs Amrax and Jupyter, which `pip install ".[notebooks]"` in a checkout brings.

# %%
import time

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import amr
import solvers

jax.config.update("jax_enable_x64", True)
jax.devices()

# %% [markdown]
# ## Compilation
#
# A run is one compiled program. Compiling takes longer than a small run; a second run of the same simulation has the
# program already, whatever its end time and, as long as it is the same function, its initial condition.


# %%
def swirl(x, y, t):
    return jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi


def blob(x, y):
    return jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)


def simulation(patch=8, dtype="float32", capacity=None):
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (64, 64), patch, max_level=2, capacity=capacity)
    equation = solvers.Advection(solvers.StreamFunction(swirl))
    return solvers.Simulation(mesh, equation, refine=amr.Difference(above=0.02), dtype=dtype)


sim = simulation()
spent = {}
for name in ("first run", "second run"):
    begin = time.perf_counter()
    summary = sim.run(blob, t_end=1.0).summary
    whole = time.perf_counter() - begin
    spent[name] = (
        summary.compile_seconds,
        summary.loop_seconds,
        whole - summary.compile_seconds - summary.loop_seconds,
    )
    print(f"{name}: {whole:.1f} s, of which compilation {summary.compile_seconds:.1f} s")

# %% [markdown]
# Programs can be kept for the next session. The command `amrax run` does so by itself; here it is one line (before
# the first run):
#
#     jax.config.update("jax_compilation_cache_dir", "/tmp/jax_cache")
#
# ## How fast
#
# The measure is cell updates a second: how many cells go one step forward. It does not count compilation. Numbers in
# single precision take half the room, which pays where memory is the limit, and most on GPUs. Larger patches have less
# to do at their edges, but follow the solution less tightly, so that there are more cells.

# %%
choices = {"8, float32": sim, "8, float64": simulation(dtype="float64"), "16, float32": simulation(patch=16)}
runs = {}
for name, choice in choices.items():  # the best of three, since other programs may be running
    runs[name] = min((choice.run(blob, t_end=1.0).summary for _ in range(3)), key=lambda summary: summary.loop_seconds)
for name, summary in runs.items():
    speed = f"{summary.updates_per_second / 1e6:5.1f} million updates/s"
    print(f"{name:12} {speed}, {summary.cells['mean']:6.0f} cells on average, {summary.loop_seconds:.2f} s")

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 2.2), sharey=True, layout="constrained")
axes[0].barh(list(runs), [s.updates_per_second / 1e6 for s in runs.values()])
axes[1].barh(list(runs), [s.loop_seconds for s in runs.values()], color="C1")
axes[0].set(xlabel="million cell updates a second")
axes[0].invert_yaxis()
axes[1].set(xlabel="seconds of the run loop")
plt.show()
# %% [markdown]
# ## Room for patches
#
# Arrays have a fixed size, the *capacity*. Where it is too small, the run makes larger ones, which may cost another
# compilation; the summary then says *grown*. If you know how many patches there will be, give the mesh a `capacity`.
# Here it is too small already for the first mesh.

# %%
line = amr.Mesh(amr.Domain(0, 1), 64, patch=8, max_level=4, capacity=16)
steep = solvers.Simulation(line, solvers.Burgers(), refine=amr.Difference(above=0.01))
summary = steep.run(lambda x: jnp.sin(2 * jnp.pi * x), t_end=0.3).summary
print(f"grown {summary.growths} times to {summary.capacity}, compiled {summary.compilations} times")

# %% [markdown]
# Work follows the patches that there are, so room to spare costs memory and little else.
#
# ## Where time goes
#
# Time steps and regrids are both in the run loop on the device. The rest, on the host, is small: it asks twice a second
# how far the run is, and makes the summary. A regrid is done every few steps (`interval`); fewer regrids need wider
# margins around what is refined.

# %%
figure, ax = plt.subplots(figsize=(8, 1.8), layout="constrained")
left = [0.0, 0.0]
for label, seconds in zip(("compilation", "run loop", "rest"), zip(*spent.values(), strict=True), strict=True):
    ax.barh(list(spent), seconds, left=left, label=label)
    left = [a + b for a, b in zip(left, seconds, strict=True)]
ax.set(xlabel="seconds")
ax.invert_yaxis()
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# [docs/performance.md](../docs/performance.md) has measurements, and how they were made.
