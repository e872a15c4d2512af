"""What switches on within a step: no step stays longer than its own signals allow."""

import jax.numpy as jnp
import numpy as np
import pytest
from problems import in_calls

import amr
import solvers

LINE = amr.Mesh(amr.Domain(0.0, 1.0), 64, patch=8)
CHANNEL = amr.Domain(0.0, 1.0, periodic=False)
METHODS = [solvers.ForwardEuler(), solvers.SSPRK2(), solvers.SSPRK3(), solvers.SSPRK54(), solvers.RK4()]


def jump(t):
    return jnp.where(t > 0.5, 1.0, 0.0)


def burst(t):
    """Moves everything by half of the root of pi."""
    return 50 * jnp.exp(-(((t - 0.5) / 0.01) ** 2))


def shock_tube(integrator=None, levels=0, **options):
    """Burgers' equation at rest until 1 comes in from the left at t = 0.5, behind a shock of speed 1/2."""
    integrator = integrator or solvers.SSPRK2()
    scheme = solvers.MethodOfLines(
        solvers.MUSCL() if integrator.order > 1 else solvers.DonorCell(), integrator=integrator
    )
    inflow = amr.Dirichlet(lambda x, t: jump(t) + 0 * x)
    mesh = amr.Mesh(CHANNEL, 64 >> levels, patch=8, max_level=levels)
    refine = amr.Difference(0.02) if levels else None
    return solvers.Simulation(
        mesh, solvers.Burgers(), scheme, refine=refine, boundary=[(inflow, amr.Outflow())], **options
    )


def centre(field) -> float:
    """Of what is one bump in a periodic domain."""
    x, u = (np.arange(64) + 0.5) / 64, np.asarray(field.uniform()).ravel()
    return np.angle((u * np.exp(2j * np.pi * x)).sum()) / (2 * np.pi) % 1


def pulse(x):
    return jnp.exp(-(((x - 0.3) / 0.1) ** 2))


@pytest.mark.parametrize("integrator", METHODS, ids=lambda method: type(method).__name__)
def test_what_comes_in_at_once_keeps_within_its_values(integrator):
    summary = shock_tube(integrator).run(jnp.zeros_like, 0.895).summary
    u = summary.variables["u"]
    assert u.highest <= 1.0 + (0.05 if integrator.order == 4 else 1e-8)  # those do not keep monotone data so
    assert u.lowest >= -1e-12
    assert u.integral["final"] == pytest.approx(0.5 * (0.895 - 0.5), abs=4e-3)  # a cell's width times a step's part
    assert summary.repeated > 0


def test_a_step_taken_again_leaves_no_trace():
    """Records have one row a step, a division into calls changes nothing, and it is told."""
    simulation, told = shock_tube(levels=1, interval=2), []
    steps = solvers.Record(solvers.Integrals(), every_steps=1)
    solution = simulation.run(
        jnp.zeros_like, 0.7, records={"all": steps}, progress=lambda progress: told.append(progress.message)
    )
    record = solution.records["all"]
    assert solution.summary.repeated > 0
    assert sum("taken again" in text for text in told if text) == 1
    assert np.array_equal(record.step, np.arange(solution.summary.steps + 1))
    assert np.all(np.diff(record.time) > 0)
    state, advance = in_calls(simulation, jnp.zeros_like, 0.7)
    while float(state.clock.time) < 0.7:
        state = advance(state, 1)
    assert np.array_equal(
        state.values[..., : int(state.forest.count)], solution.state.values[..., : int(state.forest.count)]
    )


@pytest.mark.parametrize("longest", [None, 1.0])
@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
def test_a_flow_that_switches_on_moves_for_as_long_as_it_is_on(apart, longest):
    if apart:
        flow = solvers.FaceVelocity(jnp.ones_like, amplitude=jump)
    else:
        flow = solvers.FaceVelocity(lambda x, t: jump(t) * jnp.ones_like(x))
    solution = solvers.Simulation(LINE, solvers.Advection(flow), longest=longest).run(pulse, 0.9)
    assert abs(centre(solution.field) - 0.7) < 1 / 64
    assert solution.summary.variables["phi"].max > 0.95


@pytest.mark.parametrize("longest", [None, 1.0])
def test_a_burst_is_not_stepped_over(longest):
    flow = solvers.FaceVelocity(jnp.ones_like, amplitude=burst)
    solution = solvers.Simulation(LINE, solvers.Advection(flow), longest=longest).run(pulse, 0.9)
    moved = 0.5 * np.sqrt(np.pi)
    assert abs(centre(solution.field) - (0.3 + moved) % 1) < 0.3 / 64


def test_what_stays_not_finite_ends_as_before():
    tube = shock_tube()
    wrong = amr.Dirichlet(lambda x, t: jnp.where(t > 0.5, jnp.nan, 0.0) + 0 * x)
    simulation = solvers.Simulation(tube.mesh, solvers.Burgers(), boundary=[(wrong, amr.Outflow())])
    with pytest.raises(solvers.RunError, match="not finite") as caught:
        simulation.run(jnp.zeros_like, 0.9)
    assert np.isfinite(caught.value.field.uniform()).all()
