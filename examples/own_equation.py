"""An equation of your own: gas that circles a star, and the spiral waves that a planet stirs up in it."""

import jax
import jax.numpy as jnp

import amr
import solvers

jax.config.update("jax_enable_x64", True)

SOUND, STAR, PLANET = 0.15, 0.5, 0.004  # speed of sound, radius of a soft star of mass 1, mass of a planet at r = 1


class Disc(solvers.ConservationLaw):
    """`d u/dt + sum_d d flux(u, d)/d x_d = source(u)`: gas of pressure c^2 rho in a field of gravity."""

    names = ("density", "momentum_x", "momentum_y")  # the rows of u

    def flux(self, u, d):  # along dimension d: the velocity momentum / density carries all, and the pressure pushes
        rows = list(u * (u[1 + d] / u[0]))
        rows[1 + d] += SOUND**2 * u[0]
        return jnp.stack(rows)

    def max_speed(self, u, d):  # of any signal along dimension d: for the length of steps, and for Riemann solvers
        return jnp.abs(u[1 + d] / u[0]) + SOUND

    def source(self, u, place):  # what is produced per time and volume, here by forces; place tells where and when
        return jnp.stack([0 * u[0], *(u[0] * force for force in gravity(*place.x, place.t))])


def angular_speed(x, y):
    """At which gravity of the star holds what circles it."""
    return (x**2 + y**2 + STAR**2) ** -0.75


def gravity(x, y, t):
    """The acceleration by the star and by the planet."""
    angle = angular_speed(1, 0) * t
    x_off, y_off = x - jnp.cos(angle), y - jnp.sin(angle)
    star, planet = angular_speed(x, y) ** 2, PLANET * (x_off**2 + y_off**2 + 0.06**2) ** -1.5
    return -x * star - x_off * planet, -y * star - y_off * planet


def circling(x, y, t=0.0):
    """Density and momentum of gas that circles the star alone."""
    return 1 + 0 * x, -y * angular_speed(x, y), x * angular_speed(x, y)


def simulation(cells=64, levels=2):
    """So many cells in each direction on the root grid, and this many levels above it."""
    box = amr.Domain((-2, -2), (2, 2), periodic=False)
    mesh = amr.Mesh(box, (cells, cells), patch=8, max_level=levels)
    scheme = solvers.MethodOfLines(solvers.MUSCL(), solvers.HLL())
    refine = amr.Difference(0.08, variable="density")
    return solvers.Simulation(mesh, Disc(), scheme, refine, boundary=amr.Dirichlet(circling))


if __name__ == "__main__":
    solution = simulation().run(circling, t_end=10.0)
    solution.plot("density", patches=True, vmin=0.5, vmax=2.0).savefig("own_equation.png")
    print(solution.summary)
