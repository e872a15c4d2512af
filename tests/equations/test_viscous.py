"""Laws that diffuse, against exact solutions: Navier-Stokes, viscous Burgers and shallow water, walls without slip."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from viscous_flows import GAMMA, SLOW, becker, burgers_wave, couette, shear_layer, taylor_green

import amr
import solvers
from amr.errors import InvalidSettingError

TURN = amr.Domain((0, 0), (2 * math.pi,) * 2)
NU = 0.1
MIDDLE = amr.Region((1.7, 1.7), (3.0, 3.0), 1)
METHODS = {
    "explicit": lambda lines: lines(solvers.SSPRK2()),
    "RKL2": lambda lines: lines(solvers.RKL2(9)),
    "SDIRK2": lambda lines: lines(solvers.SDIRK2(1e-10, ratio=30.0)),
    "Strang": lambda lines: solvers.Strang(lines(solvers.SSPRK2()), solvers.RKL2(9)),
}


EVERY = list(itertools.product(METHODS, (0, 1)))


def lines(integrator=None):
    return solvers.MethodOfLines(solvers.MUSCL(solvers.Unlimited()), integrator=integrator)


def wrong_by(field, exact, variable=1):
    """The largest and the mean error of a velocity, in units of `SLOW`."""
    leaves = field.patches()
    x, y = leaves.centres(0)[:, :, None], leaves.centres(1)[:, None, :]
    gap = np.abs(leaves.values[:, variable] / leaves.values[:, 0] - exact(x, y)[variable]) / SLOW
    volume = leaves.dx.prod(1)
    return gap.max(), (gap.mean((1, 2)) * volume).sum() / volume.sum()


def lost(solution) -> float:
    """The largest change of an integral, relative to what there is of the variable."""
    values = solution.summary.variables.values()
    return max(abs(v.integral["final"] - v.integral["initial"]) / max(abs(v.lowest), abs(v.highest), 1) for v in values)


@pytest.mark.parametrize(
    ("method", "levels"), daily(EVERY[:-2], lambda method, levels: levels == 1 and method != "RKL2")
)
def test_the_travelling_wave_of_burgers(method, levels):
    wave, errors = burgers_wave(0.05), []
    for cells in (128, 256):
        mesh = amr.Mesh(amr.Domain(-2, 3, periodic=False), cells, 8, levels)
        law, refine = solvers.Burgers(viscosity=0.05), amr.Region(-0.5, 1.0, 1) if levels else None
        simulation = solvers.Simulation(mesh, law, METHODS[method](lines), refine, boundary=amr.Dirichlet(wave))
        errors.append(simulation.run(wave, 0.5, exact=wave).summary.variables["u"].error["l1"])
    assert math.log2(errors[0] / errors[1]) > 1.8


@pytest.mark.parametrize(("method", "levels"), daily(EVERY, lambda method, levels: (method == "RKL2") == (levels == 0)))
def test_vortices_decay(method, levels):
    """Second order, also for the largest error, through levels that meet; nothing is lost."""
    flow, t_end, errors = taylor_green(NU), 0.5, []
    for cells in (32, 64):
        mesh = amr.Mesh(TURN, (cells, cells), cells // 4, levels)
        law, refine = solvers.NavierStokes(2, viscosity=NU), MIDDLE if levels else None
        solution = solvers.Simulation(mesh, law, METHODS[method](lines), refine).run(flow, t_end)
        assert 16 + 10 * levels <= solution.field.count <= 16 + 30 * levels
        assert lost(solution) <= 1e-13 * (2 * math.pi) ** 2
        errors.append(wrong_by(solution.field, lambda x, y: flow(x, y, t_end)))
    largest, mean = np.log2(np.divide(*errors))
    assert largest > 1.7
    assert mean > 1.8


def test_a_shear_layer_decays_in_three_dimensions():
    flow, t_end = shear_layer(NU), 0.5
    mesh = amr.Mesh(amr.Domain((0,) * 3, (2 * math.pi,) * 3), (16,) * 3, 8)
    law = solvers.NavierStokes(3, viscosity=NU)

    def start(x, y, z):
        density, along, _, pressure = flow(x, y)
        return density + 0 * z, along + 0 * z, 0 * (x + z), 0 * (y + z), pressure + 0 * z

    field = solvers.Simulation(mesh, law, lines()).run(start, t_end).field
    speed = field.uniform("momentum_x") / field.uniform("density")
    y = (np.arange(16) + 0.5) * math.pi / 8
    exact = SLOW * math.exp(-NU * t_end) * np.sin(y)[None, :, None]
    assert np.abs(speed - exact).max() < 5e-3 * SLOW
    assert np.ptp(speed, axis=(0, 2)).max() < 1e-12


@pytest.mark.parametrize("insulated", [False, True])
def test_flow_between_plates_is_heated_by_friction(insulated):
    """From the exact solution for a time in which heat crosses the gap ten times; second order at the walls."""
    law = solvers.NavierStokes(2, viscosity=0.5, conductivity=1.0)
    # An insulated lower plate takes the temperature at which no heat goes through it.
    cold = 1.2 + law.viscosity * 0.04 / 2 if insulated else 1.0
    flow, errors = couette(law.viscosity, 1.0, 0.2, cold, 1.2), []
    lower = solvers.NoSlip() if insulated else solvers.NoSlip(temperature=1.0)
    sides = [amr.Periodic(), (lower, solvers.NoSlip((0.2, 0.0), temperature=1.2))]
    for cells in (8, 16):
        mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=(True, False)), (8, cells), 4)
        scheme = lines(solvers.RKL2(15))
        field = solvers.Simulation(mesh, law, scheme, boundary=sides).run(flow, 1.0).field
        density, momentum = (field.uniform(name)[0] for name in ("density", "momentum_x"))
        y = (np.arange(cells) + 0.5) / cells
        expected = flow(0.0, y)
        gaps = np.abs(1 / density - 1 / np.asarray(expected[0])), np.abs(momentum / density - np.asarray(expected[1]))
        errors.append([gap.max() for gap in gaps])
    assert max(errors[1]) < 2e-3
    assert math.log2(errors[0][0] / errors[1][0]) > 1.6


def test_implicit_steps_where_a_component_of_the_momentum_is_nothing_but_rounding():
    """Gas between plates, one of which is dragged along: what moves across the plates is the heat's, tiny at first."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=(True, False)), (16, 16), 8, 1)
    sides = [amr.Periodic(), (solvers.NoSlip(None, 1.0), solvers.NoSlip((0.2, 0.0), 1.2))]
    law, box = solvers.NavierStokes(2, viscosity=0.05), amr.Region((0.2, 0.2), (0.6, 0.6), 1)
    simulation = solvers.Simulation(mesh, law, lines(solvers.SDIRK2()), box, boundary=sides)
    summary = simulation.run(lambda x, y: (1 + 0 * (x + y), 0 * (x + y), 0 * (x + y), 1 + 0 * (x + y)), 0.05).summary
    assert abs(summary.variables["density"].integral["relative_change"]) < 1e-13
    assert summary.variables["momentum_x"].integral["final"] > 0.001


@pytest.mark.parametrize(
    ("reconstruction", "riemann", "walls"),
    [
        (solvers.MUSCL(), solvers.HLLC(), solvers.NoSlip((0.0, 0.0), temperature=2.0)),
        (solvers.WENO5(), solvers.Rusanov(), amr.Split(lambda x, y, t: x < 0.5, solvers.NoSlip(None, 2.0), amr.Wall())),
    ],
)
def test_no_mass_crosses_a_wall_at_a_temperature(reconstruction, riemann, walls):
    """And heat does: the gas between such walls warms up."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), 8, 1)
    middle = amr.Region((0.3, 0.0), (0.7, 0.4), 1)
    scheme = solvers.MethodOfLines(reconstruction, riemann)
    simulation = solvers.Simulation(mesh, solvers.NavierStokes(2, viscosity=0.02), scheme, middle, boundary=walls)
    found = simulation.run(lambda x, y: (1 + 0.1 * x, 0.1 * y, 0.1 * x, 1 + 0 * x), 0.1).summary.variables
    assert abs(found["density"].integral["relative_change"]) < 1e-13
    assert found["energy"].integral["relative_change"] > 0.02


def test_a_viscous_shock_followed_by_refinement():
    """Becker's exact profile at Mach 2, Prandtl number 3/4: second order on a mesh that follows it."""
    viscosity, errors = 0.02, []
    wave = becker(viscosity, mach=2.0, speed=-0.5)
    law = solvers.NavierStokes(1, GAMMA, viscosity, prandtl=0.75)
    ends = [(amr.Dirichlet(wave), amr.Dirichlet(wave))]
    for cells, above in ((128, 0.1), (256, 0.05)):
        mesh = amr.Mesh(amr.Domain(-1, 1, periodic=False), cells, 8, 1)
        simulation = solvers.Simulation(mesh, law, lines(), amr.Difference(above, variable="density"), boundary=ends)
        solution = simulation.run(wave, 0.6, exact=wave)
        assert solution.summary.regrids > 3
        assert 0.05 < solution.summary.cells["fraction_of_uniform_finest"] < 0.75
        errors.append(solution.summary.variables["density"].error["l1"])
    assert errors[1] < 2e-3
    assert math.log2(errors[0] / errors[1]) > 1.7


def test_viscosity_spreads_the_velocity_of_shallow_water():
    """Slow water between parallel currents: velocity diffuses; a lake over uneven ground stays at rest."""

    def currents(x, y):
        return 1 + 0 * (x + y), 1e-4 * jnp.sin(y) + 0 * x, 0 * (x + y)

    mesh = amr.Mesh(TURN, (16, 16), 8, 1)
    law = solvers.ShallowWater(2, gravity=1.0, viscosity=NU)
    field = solvers.Simulation(mesh, law, lines(), MIDDLE).run(currents, 1.0).field
    assert field.maximum("hu") == pytest.approx(1e-4 * math.exp(-NU), rel=0.01)
    uneven = solvers.ShallowWater(2, bottom=lambda x, y: -2 + 0.3 * jnp.sin(x), viscosity=NU)
    lake = solvers.Simulation(mesh, uneven, lines(), MIDDLE).run(lambda x, y: (0 * x, 0 * x, 0 * x), 0.2).summary
    assert max(max(abs(v.lowest), abs(v.highest)) for v in lake.variables.values()) == 0


def test_derivatives_with_respect_to_viscosity_and_walls():
    """Of the momentum between plates, against differences."""
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=(True, False)), (8, 8), 4)

    @jax.jit
    def momentum(viscosity, speed):
        sides = [None, (solvers.NoSlip(), solvers.NoSlip((speed, 0.0)))]
        simulation = solvers.Simulation(mesh, solvers.NavierStokes(2, viscosity=viscosity), lines(), boundary=sides)
        state = simulation.start(lambda x, y: (1 + 0 * x, 0.1 * y + 0 * x, 0 * x, 1 + 0 * x), 0.1, capacity=4)
        return simulation.advance(state, 0.1).values[1].sum()

    at, step = (0.2, 0.3), 1e-5
    slopes = jax.jit(jax.jacfwd(momentum, (0, 1)))(*at)
    for n, slope in enumerate(slopes):
        low, high = ([value + sign * step * (k == n) for k, value in enumerate(at)] for sign in (-1, 1))
        assert float(slope) == pytest.approx((float(momentum(*high)) - float(momentum(*low))) / (2 * step), rel=1e-4)


def test_choices_that_do_not_fit():
    with pytest.raises(InvalidSettingError, match="either conductivity or prandtl"):
        solvers.NavierStokes(2, viscosity=0.1, conductivity=0.1, prandtl=0.7)
    with pytest.raises(InvalidSettingError, match="0 or more"):
        solvers.NavierStokes(2, viscosity=-0.1)
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (8, 8), 4)
    water = solvers.ShallowWater(2, viscosity=0.1)
    with pytest.raises(InvalidSettingError, match="needs density and pressure"):
        solvers.Simulation(mesh, water, boundary=solvers.NoSlip(temperature=1.0))
    with pytest.raises(InvalidSettingError, match="CTU solves Advection"):
        solvers.Simulation(mesh, water, solvers.Strang())
    with pytest.raises(InvalidSettingError, match="nothing diffuses here"):
        solvers.Simulation(mesh, solvers.Euler(2), lines(solvers.RKL2()))
