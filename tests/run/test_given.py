"""Runs that begin with data: fields of other meshes, arrays, and functions of position that are data."""

import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers

BOX = amr.Domain((0, 0), (1, 1))


@pytest.fixture(scope="module")
def gas():
    """A gas on a mesh with levels, and what makes another of its kind."""

    def simulation(cells, patch, levels):
        mesh = amr.Mesh(BOX, (cells, cells), patch, levels)
        refine = amr.Difference(0.05, variable="density") if levels else None
        return solvers.Simulation(mesh, solvers.Euler(2), refine=refine)

    def blob(x, y):
        near = jnp.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.02)
        return 1 + near, 0.3 + 0 * x, 0.1 * near, 1 + 0.5 * near

    return simulation(16, 8, 1).run(blob, 0.02), simulation


@pytest.mark.parametrize(("cells", "patch", "levels"), [(16, 8, 1), (24, 8, 1), (40, 8, 0)])
def test_a_field_goes_to_another_mesh_without_loss(gas, cells, patch, levels):
    solution, simulation = gas
    other = simulation(cells, patch, levels).run(solution, 0.0).field
    for name in other.names:
        assert other.integral(name) == pytest.approx(solution.field.integral(name), rel=1e-13, abs=1e-15)
    assert other.maximum("density") > 1.5
    if (cells, patch, levels) == (16, 8, 1) and other.count == solution.field.count:
        np.testing.assert_array_equal(other.patches().values, solution.field.patches().values)


def test_given_variables_make_conserved_ones(gas):
    solution, simulation = gas
    law, field = solvers.Euler(2), solution.field
    given = dict(
        zip(law.given, np.asarray(law.primitive(jnp.asarray([field.uniform(n, 1) for n in field.names]))), strict=True)
    )
    begun = simulation(32, 8, 0).run(given, 0.0).field
    for name in field.names:
        np.testing.assert_allclose(begun.uniform(name, 0), field.uniform(name, 1), atol=1e-13)


def test_single_precision_begins_with_data_too():
    mesh = amr.Mesh(BOX, (24, 24), 8, 1)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 0.0)), refine=amr.Value(0.5), dtype="float32")
    values = np.random.default_rng(0).uniform(size=(17, 19))
    field = sim.run(values, 0.0).field
    assert str(field.data.dtype) == "float32"
    assert field.integral() == pytest.approx(values.mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones((8, 8)), "is one array, expected a dictionary with one for each of density, velocity_x"),
        (
            {"density": np.ones((8, 8))},
            "has density, expected density, momentum_x, momentum_y, energy or density, ",
        ),
        ("blob.vtkhdf", "expected a function of position, or data, got 'blob.vtkhdf'; to go on from a file use"),
        (amr.Gridded({n: np.ones(8) for n in solvers.Euler(2).given}, 0, 1), "has 1 dimensions, the domain has 2"),
        (
            amr.Gridded({n: np.ones((8, 8)) for n in solvers.Euler(2).given}, (0, 0), (1, 0.9)),
            r"covers \[0.0, 0.0\] to \[1.0, 0.9\], expected all of the domain, \[0.0, 0.0\] to \[1.0, 1.0\]",
        ),
    ],
)
def test_what_does_not_fit_is_told(gas, given, message):
    with pytest.raises(amr.InvalidSettingError, match=message):
        gas[1](16, 8, 0).run(given, 0.1)


def test_a_lake_over_measured_ground_rests_to_the_last_bit():
    """Ground of a coarser grid than the mesh, an island among it, dry where the surface is said to be below it."""
    x = (np.arange(12) + 0.5) / 12
    ground = -1 + 1.4 * np.exp(-((x[:, None] - 0.5) ** 2 + (x - 0.5) ** 2) / 0.03)
    law = solvers.ShallowWater(2, bottom=amr.Gridded(ground, (0, 0), (1, 1)), rest_level=0.0)
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1), periodic=False), (16, 16), 8, 1)
    refine = amr.Region((0.0, 0.0), (0.4, 0.4), 1)
    sim = solvers.Simulation(mesh, law, refine=refine, boundary=amr.Wall())
    field = sim.run(lambda x, y: (0 * x, 0 * x, 0 * x), 0.05).field
    assert all(field.minimum(name) == field.maximum(name) == 0 for name in ("hu", "hv"))
