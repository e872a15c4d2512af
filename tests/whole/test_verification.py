"""The published problems that the code is held against, with the marks of the issue that built them.

Numbers in comments are those of the named codes.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from problems import (
    SQUARE,
    ball,
    bump,
    deformation,
    disc,
    error,
    four_waves,
    rotation,
    swirl_simulation,
    swirled_bump,
)

import amr
import solvers


def test_swirl_with_value_tags_there_and_back():
    simulation = swirl_simulation(refine=amr.Value((1.01, 1.1)))
    solution = simulation.run(bump, 2.0, exact=bump)
    assert error(solution) <= 2.1e-4  # AMReX with the same tags: 3.7e-4
    check_conserved_and_bounded(solution)


@pytest.mark.slow
def test_swirl_with_difference_tags_at_full_stretch():
    solution = swirl_simulation(patch=8, refine=amr.Difference(0.01)).run(bump, 1.0, exact=swirled_bump)
    assert error(solution) <= 1.6e-4  # AMRClaw, .27 of the cells: 1.46e-4
    assert solution.summary.cells["fraction_of_uniform_finest"] <= 0.36
    check_conserved_and_bounded(solution)


@pytest.mark.slow
@pytest.mark.parametrize(("limiter", "mark"), [(solvers.Unlimited(), 1.1e-4), (solvers.MonotizedCentral(), 1.55e-4)])
def test_swirl_uniform_at_full_stretch(limiter, mark):
    # AMRClaw at 256^2: 4.1e-4 without limiter, 1.42e-4 with MC; Basilisk 1.19e-4.
    simulation = swirl_simulation(256, 32, 0, scheme=solvers.CTU(limiter))
    assert error(simulation.run(bump, 1.0, exact=swirled_bump)) <= mark


def pulse(x, y, t=0.0):
    return jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    # AMRClaw, with a limiter that clips less at the smooth extremum: 1.04e-4 and 4.72e-5.
    ("limiter", "mark"),
    [(solvers.Unlimited(), 5.0e-5), (solvers.MonotizedCentral(), 6.0e-5)],
)
def test_diagonal_pulse_with_two_levels(limiter, mark):
    mesh = amr.Mesh(SQUARE, (64, 64), 8, 2)
    scheme = solvers.CTU(limiter)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0, 1.0)), scheme, amr.Difference(0.01))
    assert error(simulation.run(pulse, 1.0, exact=pulse)) <= mark


@pytest.mark.slow
@pytest.mark.parametrize(
    # AMRClaw at 128^2: 3.62e-4 and 1.34e-4.
    ("limiter", "order", "mark"),
    [(solvers.Unlimited(), 1.95, 1.8e-4), (solvers.MonotizedCentral(), 1.85, 2.1e-4)],
)
def test_diagonal_pulse_order_uniform(limiter, order, mark):
    def run(n):
        mesh = amr.Mesh(SQUARE, (n, n), 16)
        simulation = solvers.Simulation(mesh, solvers.Advection((1.0, 1.0)), solvers.CTU(limiter))
        return simulation.run(pulse, 1.0, exact=pulse)

    coarse, fine = error(run(64)), error(run(128))
    assert np.log2(coarse / fine) >= order
    assert fine <= mark


def wave(x, y, t=0.0):
    return 1 + 0.5 * jnp.sin(2 * jnp.pi * x) * jnp.sin(2 * jnp.pi * y)


@pytest.mark.slow
def test_order_across_a_coarse_fine_boundary():
    def run(n):
        mesh = amr.Mesh(SQUARE, (n, n), 8, 1)
        region = amr.Region((0.25, 0.25), (0.75, 0.75), 1)
        equation, scheme = solvers.Advection((1.0, 1.0)), solvers.CTU(solvers.Unlimited())
        return solvers.Simulation(mesh, equation, scheme, region, buffer=0).run(wave, 1.0, exact=wave)

    solutions = [run(n) for n in (32, 64)]
    for norm in ("l1", "linf"):
        coarse, fine = (error(solution, norm) for solution in solutions)
        assert np.log2(coarse / fine) >= 1.95
    for solution in solutions:
        assert abs(solution.summary.variables["phi"].integral["relative_change"]) <= 1e-14
        assert solution.summary.cells["fraction_of_uniform_finest"] == pytest.approx(7 / 16)


@pytest.mark.slow
def test_slotted_disc_with_refinement_is_as_good_as_uniform():
    def run(cells, patch, levels, refine=None):
        mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (cells, cells), patch, levels)
        return solvers.Simulation(mesh, solvers.Advection(rotation()), refine=refine).run(disc, 1.0, exact=disc)

    uniform, adaptive = run(200, 20, 0), run(50, 10, 2, amr.Difference(0.01))
    assert error(adaptive) <= 1.02 * error(uniform)
    phi = adaptive.summary.variables["phi"]
    assert error(adaptive) / phi.integral["initial"] <= 0.225  # AMRClaw .218
    assert phi.lowest >= 0
    assert phi.highest <= 1
    assert adaptive.summary.cells["fraction_of_uniform_finest"] <= 0.35


@pytest.mark.parametrize(
    ("limiter", "published"),
    [
        (solvers.Minmod(), 0.2085),
        (solvers.VanLeer(), 0.1170),
        (solvers.MonotizedCentral(), 0.0917),
        (solvers.Superbee(), 0.0558),
    ],
)
def test_four_waves(limiter, published):
    mesh = amr.Mesh(amr.Domain(-1, 1), 200, 40)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0,)), solvers.CTU(limiter), cfl=0.8)
    solution = simulation.run(four_waves, 8.0, exact=four_waves)
    assert 2 * error(solution) == pytest.approx(published, rel=0.01)  # PyClaw


def test_fourth_power_of_sine_in_one_dimension():
    def profile(x, t=0.0):
        return jnp.sin(jnp.pi * x) ** 4

    def run(n):
        mesh = amr.Mesh(amr.Domain(-1, 1), n, 8)
        return solvers.Simulation(mesh, solvers.Advection((1.0,))).run(profile, 2.0, exact=profile)

    errors = [2 * error(run(n)) for n in (80, 160, 320)]
    assert all(e <= mark for e, mark in zip(errors, (7.46e-3, 1.89e-3, 4.67e-4), strict=True))  # PyClaw, MC
    assert np.log2(errors[1] / errors[2]) >= 1.9


def test_refined_pulse_in_one_dimension():
    def profile(x, t=0.0):
        return jnp.exp(-((x - 0.5) ** 2) / 0.002)

    def run(cells, levels, refine=None):
        mesh = amr.Mesh(amr.Domain(0, 1), cells, 8, levels)
        return solvers.Simulation(mesh, solvers.Advection((1.0,)), refine=refine).run(profile, 1.0, exact=profile)

    adaptive, uniform = run(64, 3, amr.Difference(0.005)), run(512, 0)
    assert error(adaptive) <= 1.1 * error(uniform)
    assert adaptive.summary.cells["fraction_of_uniform_finest"] <= 0.6
    check_conserved_and_bounded(adaptive)


@pytest.mark.slow
@pytest.mark.parametrize("patch", [16, 8])
def test_three_dimensions_equal_two_where_nothing_depends_on_z(patch):
    def flat_potential(x, y, z):
        psi = jnp.sin(jnp.pi * x) ** 2 * jnp.sin(jnp.pi * y) ** 2 / jnp.pi
        return jnp.zeros_like(psi), jnp.zeros_like(psi), -psi

    flow = solvers.VectorPotential(flat_potential, amplitude=lambda t: jnp.cos(jnp.pi * t / 2))
    mesh = amr.Mesh(amr.Domain((0, 0, 0), (1, 1, 1)), (64, 64, patch), patch, 1)
    refine = amr.Difference(0.05)
    solid = solvers.Simulation(mesh, solvers.Advection(flow), refine=refine)
    three = solid.run(lambda x, y, z: bump(x, y) + 0 * z, 0.25)
    two = swirl_simulation(64, patch, 1, refine).run(bump, 0.25)
    assert three.summary.steps == two.summary.steps
    assert 0 < two.summary.cells["fraction_of_uniform_finest"] < 0.9
    flat, deep = two.field.uniform(), three.field.uniform()
    np.testing.assert_allclose(deep, np.broadcast_to(flat[:, :, None], deep.shape), rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("patch", [8, 16])
def test_ball_in_a_deforming_flow(patch):
    mesh = amr.Mesh(amr.Domain((0, 0, 0), (1, 1, 1)), (32, 32, 32), patch, 1)
    simulation = solvers.Simulation(mesh, solvers.Advection(deformation()), refine=amr.Difference(0.05))
    solution = simulation.run(ball, 0.25)
    check_conserved_and_bounded(solution)
    assert solution.field.maximum() > 0.9  # it has not been smeared away
    assert solution.summary.regrids >= 3


def check_conserved_and_bounded(solution):
    phi = solution.summary.variables["phi"]
    assert abs(phi.integral["relative_change"]) <= 1e-13
    first = solution.state.bounds
    assert phi.lowest >= float(first[0][0]) - 1e-13
    assert phi.highest <= float(first[1][0]) + 1e-13
