"""An equation of your own: a cloud of gas of constant temperature falls down in a closed box."""

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)

SOUND, GRAVITY = 1.0, 4.0


class IsothermalGas(solvers.ConservationLaw):
    """`d u/dt + sum_d d flux(u, d)/d x_d = source(u)` for density rho and momentum m, with the pressure c^2 rho."""

    names = ("density", "momentum_x", "momentum_y")  # the rows of u
    vectors = ((1, 2),)  # rows 1 and 2 are the components of a vector: a wall mirrors them

    def flux(self, u, d):  # along dimension d, of all variables: they are carried by the velocity m / rho ...
        rows = list(u * u[1 + d] / u[0])
        rows[1 + d] += SOUND**2 * u[0]  # ... and the pressure pushes
        return jnp.stack(rows)

    def max_speed(self, u, d):  # of any signal along dimension d: it bounds the time step and the fluxes of Rusanov and HLL
        return jnp.abs(u[1 + d] / u[0]) + SOUND

    def source(self, u, place):  # per unit of time and volume; place.x and place.t tell where and when
        return jnp.stack([0 * u[0], 0 * u[0], -GRAVITY * u[0]])


def cloud(x, y):
    """Density and momentum: a cloud in thin gas in which the pressure carries the weight."""
    air = 0.1 * jnp.exp(-GRAVITY / SOUND**2 * y)
    inside = 0.5 - 0.5 * jnp.tanh((jnp.hypot(x - 0.9, y - 0.65) - 0.15) / 0.01)
    return air + inside, 0 * x, 0 * x


def simulation(cells=32, levels=3):
    """So many cells to a unit of length on the root grid, and this many levels above it."""
    box = amr.Domain((0, 0), (2, 1), boundary=amr.Wall())
    mesh = amr.Mesh(box, (2 * cells, cells), patch=8, max_level=levels)
    scheme = solvers.MethodOfLines(solvers.MUSCL(), solvers.HLL())
    return solvers.Simulation(mesh, IsothermalGas(), scheme, amr.Difference(0.08))


if __name__ == "__main__":
    solution = simulation().run(cloud, t_end=0.8)
    solution.plot("density", patches=True).savefig("own_equation.png")
    print(solution.summary)
