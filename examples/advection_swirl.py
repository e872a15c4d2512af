"""A Gaussian in a swirling flow that turns back: after t=2 it should be where it started."""

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)

domain = amr.Domain(lower=(0, 0), upper=(1, 1), periodic=True)
mesh = amr.Mesh(domain, cells=(64, 64), patch=16, max_level=2)
swirl = solvers.StreamFunction(
    lambda x, y: jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi,
    amplitude=lambda t: jnp.cos(jnp.pi * t / 2),
)
equation = solvers.Advection(velocity=swirl)
sim = solvers.Simulation(mesh, equation, refine=amr.Difference(above=0.01))


def bump(x, y, t=0.0):
    """The initial condition, and the exact solution at t=2."""
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)


if __name__ == "__main__":
    solution = sim.run(bump, t_end=2.0, exact=bump)
    solution.plot("phi", patches=True).savefig("advection_swirl.png")
    print(solution.summary)  # steps, cells/s, mass error, extrema
