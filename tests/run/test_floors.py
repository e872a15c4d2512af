"""Floors of a law: cells that fall below are lifted, and counted."""

import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers


def test_what_is_above_stays_to_the_last_bit():
    law = solvers.Euler(2, least_density=0.1, least_pressure=0.5)
    w = np.random.default_rng(0).uniform(-1, 1, (4, 50))
    w[0], w[-1] = 0.1 + np.abs(w[0]), 0.6 + np.abs(w[-1])
    u = law.conserved(jnp.asarray(w))
    np.testing.assert_array_equal(law.lifted(u), u)
    low = law.conserved(jnp.asarray([[0.05, 2.0, 0.05], [0.4, 0.3, 0.2], [0.1, 0.0, 0.0], [0.7, 0.2, 0.3]]))
    density, *_, pressure = law.primitive(law.lifted(low))
    np.testing.assert_allclose(density, [0.1, 2.0, 0.1], rtol=1e-14)
    np.testing.assert_array_less(0.5 - 1e-14, pressure)
    np.testing.assert_array_equal(law.lifted(low)[1:3], low[1:3])


def apart(law):
    """Gas that leaves a vacuum behind, on an adaptive mesh."""
    mesh = amr.Mesh(amr.Domain(-0.5, 0.5, periodic=False), cells=32, patch=8, max_level=1)
    sim = solvers.Simulation(mesh, law, refine=amr.Loehner(variable="density"), boundary=amr.Outflow())
    return sim.run(lambda x: (1.0 + 0 * x, jnp.where(x < 0, -2.0, 2.0), 0.4 + 0 * x), 0.1)


def test_a_vacuum_is_filled_up_to_the_floors_and_counted():
    plain, floored = apart(solvers.Euler(1)), apart(solvers.Euler(1, least_density=0.1, least_pressure=0.01))
    assert plain.summary.lifted == 0
    assert "floors" not in str(plain.summary)
    assert plain.field.minimum("density") < 0.05
    assert floored.field.minimum("density") >= 0.1
    assert floored.summary.lifted > floored.summary.steps / 2
    assert f"{floored.summary.lifted:,} cells lifted" in str(floored.summary)
    # What was lifted is what was made: no cell loses any.
    assert floored.field.integral("density") > plain.field.integral("density")


@pytest.mark.parametrize("kind", [solvers.Euler, solvers.NavierStokes])
def test_floors_are_numbers_above_zero(kind):
    with pytest.raises(amr.InvalidSettingError, match="least_pressure: expected a finite number above 0, got -1"):
        kind(2, least_pressure=-1.0)
    assert not kind(2).has_floors
    assert kind(2, least_density=1e-3).has_floors
