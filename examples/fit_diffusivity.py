"""How well do two materials conduct? Found from a picture of the temperature, by derivatives of the simulation."""

import jax
import jax.numpy as jnp
import numpy as np

import amr
import solvers

jax.config.update("jax_enable_x64", True)

TRUE = jnp.log(jnp.array([0.02, 0.005]))  # logarithms of the diffusivities on the left and on the right
END, NOISE = 0.5, 1e-3


def layers(logs, x, y):
    """The diffusivity at a point. Logarithms keep it positive, whatever a step of Newton's method makes of them."""
    left, right = jnp.exp(logs)
    return jnp.where(x < 0.5, left, right)


def spot(x, y):
    """The temperature at the start."""
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.03)


def simulation(logs, cells):
    """Two layers in an insulated box, refined in the middle."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (cells, cells), patch=8, max_level=1)
    # Without a buffer the mesh is the same for all diffusivities.
    # JAX must see what it differentiates with respect to: a Partial holds it, a lambda would hide it.
    heat = solvers.Diffusion(jax.tree_util.Partial(layers, logs), names="T", mean=solvers.Harmonic())
    scheme = solvers.MethodOfLines(integrator=solvers.SDIRK2(tolerance=1e-10, ratio=1e3))
    middle = amr.Region((0.3, 0.3), (0.7, 0.7), 1)
    return solvers.Simulation(mesh, heat, scheme, middle, boundary=amr.Wall(), buffer=0, longest=0.025)


def temperature(logs, cells=32):
    """In all cells at the end."""
    sim = simulation(logs, cells)
    state = sim.start(spot, END, capacity=64)
    return sim.advance(state, END).values


def newton_step(logs, measured, cells=32):
    """A better guess by the method of Gauss and Newton, and how far the last one was from what is measured."""

    def wrong(logs):
        return (temperature(logs, cells) - measured).ravel()

    slopes = [jax.jvp(wrong, (logs,), (unit,))[1] for unit in jnp.eye(logs.size)]
    change, *_ = jnp.linalg.lstsq(jnp.stack(slopes, 1), -wrong(logs))
    return logs + change, jnp.sqrt((wrong(logs) ** 2).mean())


def fitted(guess, measured, steps, cells=32):
    """The diffusivities after so many steps."""
    improved = jax.jit(newton_step, static_argnums=2)
    for n in range(steps):
        better, off = improved(guess, measured, cells)
        print(f"{n}: diffusivities {jnp.exp(guess[0]):.5f} and {jnp.exp(guess[1]):.5f}, temperature off by {off:.1e}")
        guess = better
    return jnp.exp(guess)


if __name__ == "__main__":
    exact = jax.jit(temperature)(TRUE)
    measured = exact + NOISE * np.random.default_rng(1).normal(size=exact.shape)
    print("found {:.5f} and {:.5f}".format(*fitted(jnp.log(jnp.array([0.01, 0.01])), measured, steps=5)))
