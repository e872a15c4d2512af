"""Problems of the verification list, set up once for all tests."""

import jax.numpy as jnp

import amr
import solvers
from benchmarks.tracing_back import traced_back
from solvers.run.driver import Wishes

PI = jnp.pi
SQUARE = amr.Domain((0, 0), (1, 1))


def bump(x, y, t=0.0):
    """ADV2D's initial condition, which is its solution at t=2 as well."""
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)


def swirl():
    """ADV2D's flow, with time apart."""
    return solvers.StreamFunction(
        lambda x, y: jnp.sin(PI * x) ** 2 * jnp.sin(PI * y) ** 2 / PI, amplitude=lambda t: jnp.cos(PI * t / 2)
    )


def swirl_velocity(x, y, t):
    """The same flow as a velocity."""
    turn = jnp.cos(PI * t / 2)
    return (
        -(jnp.sin(PI * x) ** 2) * jnp.sin(2 * PI * y) * turn,
        jnp.sin(2 * PI * x) * jnp.sin(PI * y) ** 2 * turn,
    )


swirled_bump = traced_back(swirl_velocity, bump)


def swirl_simulation(cells=64, patch=16, levels=2, refine=None, scheme=None, capacity=None, **options):
    """ADV2D."""
    mesh = amr.Mesh(SQUARE, (cells, cells), patch, levels, capacity)
    return solvers.Simulation(mesh, solvers.Advection(swirl()), scheme, refine, **options)


def disc(x, y, t=0.0):
    """Zalesak's slotted disc."""
    inside = (x - 0.5) ** 2 + (y - 0.75) ** 2 < 0.15**2
    return jnp.where(inside & ~((jnp.abs(x - 0.5) < 0.025) & (y < 0.85)), 1.0, 0.0)


def rotation():
    """One turn of the unit square around its centre in a unit of time."""
    return solvers.StreamFunction(lambda x, y: -PI * ((x - 0.5) ** 2 + (y - 0.5) ** 2), amplitude=jnp.ones_like)


def four_waves(x, t=0.0):
    """Jiang and Shu's Gaussian, square, triangle and half ellipse on [-1, 1] (J. Comput. Phys. 126, 1996)."""
    a, z, delta, alpha, beta = 0.5, -0.7, 0.005, 10.0, jnp.log(2) / (36 * 0.005**2)

    def gauss(centre):
        return jnp.exp(-beta * (x - centre) ** 2)

    def ellipse(centre):
        return jnp.sqrt(jnp.maximum(1 - alpha**2 * (x - centre) ** 2, 0))

    def smoothed(shape, centre):
        return (shape(centre - delta) + shape(centre + delta) + 4 * shape(centre)) / 6

    waves = jnp.where((x >= -0.8) & (x <= -0.6), smoothed(gauss, z), 0.0)
    waves = jnp.where((x >= -0.4) & (x <= -0.2), 1.0, waves)
    waves = jnp.where((x >= 0) & (x <= 0.2), 1 - jnp.abs(10 * (x - 0.1)), waves)
    return jnp.where((x >= 0.4) & (x <= 0.6), smoothed(ellipse, a), waves)


def deformation():
    """LeVeque's three-dimensional deformation flow (SIAM J. Numer. Anal. 33, 1996, section 9.4) as a potential.

    u = 2 sin^2(pi x) sin(2 pi y) sin(2 pi z), v and w = - the like with y or z squared; time apart.
    """

    def square(q):
        return jnp.sin(PI * q) ** 2

    def double(q):
        return jnp.sin(2 * PI * q)

    def potential(x, y, z):
        along_y = -square(x) * double(y) * square(z) / PI
        along_z = square(x) * square(y) * double(z) / PI
        return jnp.zeros_like(along_y), along_y, along_z

    return solvers.VectorPotential(potential, amplitude=lambda t: jnp.cos(PI * t / 3))


def ball(x, y, z, t=0.0):
    """A ball of ones, to be deformed."""
    return jnp.where((x - 0.35) ** 2 + (y - 0.35) ** 2 + (z - 0.35) ** 2 < 0.15**2, 1.0, 0.0)


def error(solution, norm="l1", name="phi"):
    """A norm of the error that the summary tells."""
    return solution.summary.variables[name].error[norm]


def in_calls(simulation, initial, t_end):
    """The first state of a run, and `advance(state, rounds, stop)`: the program of whole runs, called by hand. With
    `Simulation.start` another large program would be compiled."""
    run = simulation.prepared(0.0, t_end, Wishes())
    first = run.first_state(initial)
    run.account.begin(run.field(first))
    return first, lambda state, rounds=10**6, stop=t_end: run.slice_(state, stop, rounds)
