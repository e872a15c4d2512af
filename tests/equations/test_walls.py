"""Walls in the way of a given flow: nothing goes through them, whatever the flow says there."""

import math

import jax.numpy as jnp
import pytest

import amr
import solvers

SCHEMES = {
    "ctu": None,
    "muscl": solvers.MethodOfLines(solvers.MUSCL()),
    "weno5": solvers.MethodOfLines(solvers.WENO5()),
    "bounded": solvers.MethodOfLines(solvers.MUSCL(), bounded=True),
}


def bump(x, y):
    return jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("velocity", [(1.0, -0.5), solvers.FaceVelocity(lambda x, y, t: (1 + y, x - 1))], ids=str)
def test_nothing_goes_through_a_wall(scheme, velocity):
    """The flow presses all there is into a corner, on both levels."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), 8, 1)
    equation = solvers.Advection(velocity)
    simulation = solvers.Simulation(mesh, equation, SCHEMES[scheme], amr.Difference(0.2), boundary=amr.Wall())
    phi = simulation.run(bump, 1.5).summary.variables["phi"]
    assert abs(phi.integral["relative_change"]) < 1e-13
    assert phi.highest > 2


def test_what_leaves_by_an_opening_leaves():
    """Walls above and below, and open ends: what a flow along them carries goes on as without walls."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), 8, 1)
    simulation = solvers.Simulation(
        mesh, solvers.Advection((1.0, 0.0)), refine=amr.Difference(0.2), boundary=[amr.Outflow(), amr.Wall()]
    )
    assert simulation.run(bump, 1.2).summary.variables["phi"].integral["final"] < 1e-6


def test_flow_against_a_wall_and_diffusion_away_from_it_balance():
    """The steady profile exp(v x / D), second order."""
    speed, diffusivity, errors = 1.0, 0.2, []

    def steady(x, t=0.0):
        return jnp.exp(x * speed / diffusivity) * (speed / diffusivity) / math.expm1(speed / diffusivity)

    for cells in (32, 64):
        mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), cells, 8)
        equation = solvers.Advection((speed,), diffusivity=diffusivity)
        run = solvers.Simulation(mesh, equation, boundary=amr.Wall()).run(lambda x: 1 + 0 * x, 4.0, exact=steady)
        phi = run.summary.variables["phi"]
        assert abs(phi.integral["relative_change"]) < 1e-12
        errors.append(phi.error["l1"])
    assert math.log2(errors[0] / errors[1]) > 1.8
