"""Runs as a whole: compilation, growth, restarts from a state, precision, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import SQUARE, bump, deformation, disc, in_calls, swirl, swirl_simulation

import amr
import solvers
from amr.errors import InvalidSettingError


@pytest.mark.usefixtures("no_programs")
def test_one_compilation_serves_many_regrids(compiled):
    during = []
    simulation = swirl_simulation(32, 8, 2, amr.Difference(0.02), interval=1, capacity=400)
    solution = simulation.run(bump, 2.0, progress=lambda p: during.append((p.step, len(compiled))))
    summary = solution.summary
    assert summary.regrids > 100
    assert summary.growths == 0
    assert summary.compilations == 1
    # Nothing at all is compiled after the first steps.
    later = [count for step, count in during if step > 0]
    assert len(later) > 2
    assert set(later) == {later[0]}


def test_a_pool_that_is_too_small_grows_and_gives_the_same_field():
    refine = amr.Difference(0.02)
    grown = swirl_simulation(32, 8, 2, refine, capacity=16).run(bump, 0.5)
    ample = swirl_simulation(32, 8, 2, refine, capacity=grown.summary.capacity).run(bump, 0.5)  # by its last program
    assert grown.summary.growths >= 1
    assert ample.summary.growths == 0
    assert grown.summary.capacity > 16
    assert grown.summary.steps == ample.summary.steps
    np.testing.assert_allclose(grown.field.uniform(), ample.field.uniform(), rtol=0, atol=1e-12)


@pytest.mark.usefixtures("no_programs")
def test_growth_during_the_run_is_reported():
    messages = []

    def front(x, y):
        return jnp.where(x < 0.1, 1.0, 0.0)

    def spread(x, y, t):
        return (jnp.where(x > 0.05, 1.0, 0.0) * (0.5 + y), 0 * x)

    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (32, 32), 8, 2, capacity=100)
    simulation = solvers.Simulation(mesh, solvers.Advection(spread), refine=amr.Difference(0.01))
    solution = simulation.run(front, 0.6, progress=lambda p: messages.append(p.message))
    told = [message for message in messages if message and "too small" in message]
    assert "128 patches" in told[0]  # 100, in whole sweeps
    assert len(told) == solution.summary.growths >= 1
    assert solution.summary.compilations >= 2


def test_everything_refined_equals_the_uniform_grid():
    everywhere = amr.Region((-1, -1), (2, 2), 1)
    adaptive = swirl_simulation(32, 8, 1, everywhere).run(bump, 0.5)
    uniform = swirl_simulation(64, 8, 0).run(bump, 0.5)
    assert adaptive.summary.cells["fraction_of_uniform_finest"] == 1
    np.testing.assert_allclose(adaptive.field.uniform(), uniform.field.uniform(), rtol=0, atol=1e-14)


def test_patch_size_does_not_matter_on_a_uniform_grid():
    fields = [swirl_simulation(64, patch, 0).run(bump, 0.5).field.uniform() for patch in (8, 32)]
    np.testing.assert_allclose(*fields, rtol=0, atol=1e-14)


@pytest.mark.parametrize("scheme", [solvers.CTU(solvers.Unlimited()), solvers.CTU(bounded=False)])
def test_a_constant_stays_constant_in_two_dimensions(scheme):
    refine = amr.Region((0.2, 0.3), (0.6, 0.7), 2)
    phi = swirl_simulation(32, 8, 2, refine, scheme).run(lambda x, y: 1 + 0 * x, 2.0).summary.variables["phi"]
    assert max(1 - phi.lowest, phi.highest - 1) <= 1e-13


def test_a_constant_stays_constant_in_three_dimensions():
    mesh = amr.Mesh(amr.Domain((0, 0, 0), (1, 1, 1)), (16, 16, 16), 8, 1)
    refine = amr.Region((0.6, 0.6, 0.6), (0.9, 0.9, 0.9), 1)
    scheme = solvers.CTU(solvers.Unlimited())
    simulation = solvers.Simulation(mesh, solvers.Advection(deformation()), scheme, refine)
    phi = simulation.run(lambda x, y, z: 1 + 0 * x, 0.5).summary.variables["phi"]
    assert max(1 - phi.lowest, phi.highest - 1) <= 1e-13


def test_single_precision_throughout():
    solution = swirl_simulation(32, 8, 2, amr.Difference(0.02), dtype="float32").run(bump, 1.0)
    floats = [leaf for leaf in jax.tree.leaves(solution.state) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    assert {leaf.dtype for leaf in floats} == {jnp.dtype("float32")}
    phi = solution.summary.variables["phi"]
    assert abs(phi.integral["relative_change"]) <= 1e-6
    assert phi.lowest >= 1
    assert phi.highest <= 2


def test_no_double_precision_hides_in_a_single_precision_program():
    simulation = swirl_simulation(32, 8, 2, amr.Difference(0.02), dtype="float32")
    state = jax.eval_shape(lambda: simulation.start(bump, 1.0, capacity=200))
    text = jax.jit(lambda s: simulation.advance(s, 1.0)).lower(state).as_text()
    assert "xf32>" in text
    assert "xf64>" not in text  # scalar constants aside, which are converted at once


def test_stopping_on_the_way_at_a_regrid_changes_nothing():
    simulation = swirl_simulation(32, 8, 2, amr.Difference(0.02))
    first, advance = in_calls(simulation, bump, 1.0)
    whole, part = advance(first, stop=0.5), first
    while float(part.clock.time) < 0.5:
        part = advance(part, 3, stop=0.5)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(part), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_start_is_the_first_state_of_a_run():
    simulation = swirl_simulation(32, 8, 2, amr.Difference(0.02))
    first, _ = in_calls(simulation, bump, 1.0)
    state = jax.jit(lambda: simulation.start(bump, 1.0, capacity=first.capacity))()
    assert int(state.forest.count) > 16
    for a, b in zip(jax.tree.leaves((first.forest, first.u)), jax.tree.leaves((state.forest, state.u)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(state.clock.dt) == pytest.approx(float(first.clock.dt), rel=1e-14)


def test_an_ensemble_under_vmap_equals_single_runs():
    simulation = swirl_simulation(32, 8, 1, amr.Difference(0.02), capacity=64)

    def hill(width):
        return lambda x, y: jnp.exp(-((x - 0.5) ** 2 + (y - 0.6) ** 2) / width)

    def final(width):
        state = simulation.advance(simulation.start(hill(width), 0.1, capacity=64), 0.1)
        return state.forest.count, state.values

    widths = jnp.array([0.005, 0.02])
    counts, fields = jax.jit(jax.vmap(final))(widths)
    assert counts[0] != counts[1]
    for i, width in enumerate(widths):
        first, advance = in_calls(simulation, hill(width), 0.1)
        state = advance(first)
        assert state.forest.count == counts[i]
        np.testing.assert_allclose(state.values, fields[i], rtol=0, atol=1e-13)


def test_forward_derivative_through_a_run_with_regridding():
    simulation = swirl_simulation(32, 8, 1, amr.Difference(0.05), scheme=solvers.CTU(solvers.Unlimited()))

    def mean_square(height):
        state = simulation.start(lambda x, y: 1 + height * (bump(x, y) - 1), 0.1, capacity=64)
        state = simulation.advance(state, 0.1)
        return amr.grid.totals.integral(simulation.mesh, state.forest, state.values**2)[0]

    both = jax.jit(lambda h: jax.jvp(mean_square, (h,), (jnp.ones_like(h),)))
    _, derivative = both(jnp.float64(1.0))
    step = 1e-5
    difference = (both(jnp.float64(1 + step))[0] - both(jnp.float64(1 - step))[0]) / (2 * step)
    assert float(derivative) == pytest.approx(float(difference), rel=1e-6)


def test_outputs_are_met_exactly_and_in_order():
    times = []
    simulation = swirl_simulation(32, 8, 0)
    simulation.run(bump, 0.3, outputs=[0.2, 0.1, 0.2, 5.0], on_output=lambda field: times.append(field.time))
    assert times == [0.0, 0.1, 0.2, 0.3]


def test_flow_that_starts_from_rest_and_stops_again():
    flow = solvers.StreamFunction(lambda x, y, t: swirl().function(x, y) * jnp.sin(jnp.pi * t))
    mesh = amr.Mesh(SQUARE, (32, 32), 8)
    solution = solvers.Simulation(mesh, solvers.Advection(flow)).run(bump, 2.0, exact=bump)
    assert solution.summary.variables["phi"].error["l1"] < 0.02
    assert 20 < solution.summary.steps < 400


def test_time_in_the_function_or_apart_is_the_same():
    apart = swirl_simulation(32, 8, 0).run(bump, 0.5)
    flow = solvers.StreamFunction(lambda x, y, t: swirl().function(x, y) * jnp.cos(jnp.pi * t / 2))
    mesh = amr.Mesh(SQUARE, (32, 32), 8)
    together = solvers.Simulation(mesh, solvers.Advection(flow)).run(bump, 0.5)
    assert together.summary.steps == apart.summary.steps
    np.testing.assert_allclose(together.field.uniform(), apart.field.uniform(), rtol=0, atol=1e-9)


def test_several_scalars_move_independently():
    mesh = amr.Mesh(SQUARE, (32, 32), 8, 1)
    equation = solvers.Advection(swirl(), names=("a", "b"))
    refine = amr.AnyOf(amr.Difference(0.05, variable=0), amr.Difference(0.05, variable=1))
    both = solvers.Simulation(mesh, equation, refine=refine).run(lambda x, y: (bump(x, y), bump(y, x)), 0.3)
    assert set(both.summary.variables) == {"a", "b"}
    for variable in both.summary.variables.values():
        assert abs(variable.integral["relative_change"]) <= 1e-13


def test_a_run_that_blows_up_stops_with_its_last_good_field():
    def runaway(x, y, t):
        return jnp.where(t < 0.1, 1.0, jnp.nan) + 0 * x, 0 * y

    mesh = amr.Mesh(SQUARE, (32, 32), 8)
    with pytest.raises(solvers.RunError, match="not finite") as caught:
        solvers.Simulation(mesh, solvers.Advection(runaway)).run(bump, 1.0)
    assert np.isfinite(caught.value.field.uniform()).all()


def test_an_initial_condition_that_is_not_finite_is_refused():
    with pytest.raises(solvers.RunError, match="initial condition"):
        swirl_simulation(32, 8, 0).run(lambda x, y: jnp.log(x - 0.5) + 0 * y, 1.0)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"cfl": -0.5}, "cfl"),
        ({"cfl": 1.5}, "cfl"),
        ({"cfl": float("nan")}, "cfl"),
        ({"interval": 0}, "interval"),
        ({"interval": 9, "refine": amr.Difference(0.1)}, "interval"),
        ({"buffer": 5}, "buffer"),
        ({"dtype": "int32"}, "dtype"),
        ({"dtype": "flaot"}, "dtype"),
        ({"refine": amr.Value(1.0, variable=3)}, "variable"),
        ({"refine": amr.Region(0.1, 0.2, 1)}, "lower"),
        ({"refine": []}, "refine"),
        ({"capacity": 3}, "capacity"),
    ],
)
def test_wrong_choices_name_themselves(options, key):
    with pytest.raises(InvalidSettingError) as caught:
        swirl_simulation(32, 8, 1, **options)
    assert caught.value.key == key


def test_a_stream_function_needs_two_dimensions():
    mesh = amr.Mesh(amr.Domain(0, 1), 32, 8)
    with pytest.raises(InvalidSettingError, match="two dimensions"):
        solvers.Simulation(mesh, solvers.Advection(swirl()))


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: solvers.Advection((1.0,), names=("a", "a")), "names"),
        (lambda: swirl_simulation(32, 8, 0).run(bump, float("inf")), "end"),
        (lambda: swirl_simulation(32, 8, 0).run(bump, -1.0), "end"),
        (lambda: swirl_simulation(32, 8, 0).run(lambda x, y: (x, y), 1.0), "initial"),
        (lambda: solvers.Simulation(amr.Mesh(SQUARE, (32, 32), 8), solvers.Advection((float("nan"), 0.0))), "velocity"),
        (lambda: solvers.Simulation(amr.Mesh(SQUARE, (32, 32), 8), solvers.Advection(np.ones(3))), "velocity"),
        (lambda: amr.Value([]), "above"),
    ],
)
def test_wrong_arguments_name_themselves(make, key):
    with pytest.raises(InvalidSettingError) as caught:
        make()
    assert caught.value.key == key


def test_steps_that_are_lost_in_the_rounding_of_time_count():
    """And a run whose steps are so short that it would never end is ended."""
    mesh = amr.Mesh(amr.Domain(0, 1), 1024, 32)
    simulation = solvers.Simulation(mesh, solvers.Advection((50.0,)), dtype="float32")
    summary = simulation.run(lambda x: 1 + 0 * x, 1000.03, t_start=1000.0).summary
    assert summary.steps == pytest.approx(float(np.float32(1000.03) - 1000) * 50 * 1024 / simulation.setup.cfl, abs=2)
    hopeless = solvers.Simulation(mesh, solvers.Advection((1e12,)), dtype="float32")
    with pytest.raises(solvers.RunError, match=r"time stands still at t=1000 with steps of .* it would never end"):
        hopeless.run(lambda x: 1 + 0 * x, 1000.03, t_start=1000.0)


def test_a_run_of_no_length_can_be_continued():
    simulation = swirl_simulation(32, 8, 0)
    solution = simulation.run(bump, 0.0)
    assert solution.summary.steps == 0
    state = jax.jit(lambda state: simulation.advance(state, 0.05))(solution.state)
    assert float(state.clock.time) == 0.05


def test_a_region_between_cell_centres_is_refined():
    mesh = amr.Mesh(amr.Domain(0, 1), 32, 8, 2)
    simulation = solvers.Simulation(mesh, solvers.Advection((0.0,)), refine=amr.Region(0.505, 0.509, 2))
    field = simulation.run(lambda x: x, 0.0).field
    assert field.levels(np.array([0.507])) == [2]


def test_a_flow_that_starts_suddenly_has_a_buffer_from_the_start():
    def late(x, t):
        return (jnp.where(t > 0, 1.0, 0.0) + 0 * x,)

    def front(x):
        return jnp.where((x > 0.3) & (x < 0.49), 1.0, 0.0)

    mesh = amr.Mesh(amr.Domain(0, 1), 32, 8, 1)
    simulation = solvers.Simulation(mesh, solvers.Advection(late), refine=amr.Value(0.5))
    state, _ = in_calls(simulation, front, 1.0)
    assert simulation.field(state).levels(np.array([0.52])) == [1]


@pytest.mark.parametrize("levels", [0, 2])
def test_one_dimension_constant_refined_and_grown(levels):
    mesh = amr.Mesh(amr.Domain(0, 1), 512, 8, levels, capacity=64)
    refine = amr.Region(0.2, 0.6, 2) if levels else None
    simulation = solvers.Simulation(mesh, solvers.Advection((-1.0,)), solvers.CTU(bounded=False), refine)
    solution = simulation.run(lambda x: 1 + 0 * x, 0.1)
    phi = solution.summary.variables["phi"]
    assert max(1 - phi.lowest, phi.highest - 1) <= 1e-13
    assert solution.summary.growths == (1 if levels else 0)


def test_one_dimension_everything_refined_equals_the_uniform_grid():
    def run(cells, levels, refine=None):
        mesh = amr.Mesh(amr.Domain(0, 1), cells, 8, levels)
        simulation = solvers.Simulation(mesh, solvers.Advection((1.0,)), refine=refine)
        return simulation.run(lambda x: jnp.exp(-((x - 0.5) ** 2) / 0.01), 0.5).field.uniform()

    np.testing.assert_allclose(run(32, 1, amr.Region(-1, 2, 1)), run(64, 0), rtol=0, atol=1e-14)


def test_a_rotation_given_by_components_keeps_the_bounds():
    def turn(x, y, t):
        return np.pi * (1 - 2 * y) + 0 * x, np.pi * (2 * x - 1) + 0 * y

    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (32, 32), 8, 1)
    simulation = solvers.Simulation(mesh, solvers.Advection(turn), refine=amr.Difference(0.05))
    phi = simulation.run(disc, 0.25).summary.variables["phi"]
    assert phi.lowest >= 0
    assert phi.highest <= 1


def test_a_flow_that_converges_may_raise_the_maximum():
    def together(x, t):
        return (0.1 * jnp.sin(2 * jnp.pi * x),)

    mesh = amr.Mesh(amr.Domain(0, 1), 64, 8)
    phi = solvers.Simulation(mesh, solvers.Advection(together)).run(lambda x: 1 + 0 * x, 1.0).summary.variables["phi"]
    assert phi.max > 1.5
    assert phi.min > 0
    assert abs(phi.integral["relative_change"]) <= 1e-13
