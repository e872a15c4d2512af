"""Files of earlier versions are read, and their runs go on."""

from pathlib import Path

import jax.numpy as jnp
import pytest

import amr
import solvers
from amr.errors import InvalidSettingError
from amr.files.info import file_info

# Written at 64b1066, when boundaries belonged to the domain: shallow water between a wall and given values.
OLD = Path(__file__).parents[1] / "data" / "written_before_boundaries_moved.vtkhdf"


def water(*faces):
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 16, 8, 1)
    law = solvers.ShallowWater(1, gravity=1.0)
    return solvers.Simulation(mesh, law, refine=amr.Difference(0.05), boundary=[faces])


def test_a_run_goes_on_as_the_version_did_that_wrote_it():
    solution = water(amr.Wall(), amr.Dirichlet((1.0, 0.0))).resume(OLD, 0.2)
    assert solution.summary.steps == 18
    expected = {"eta": 1.1144107926923696, "hu": 0.0011744779281583038}
    for name, integral in expected.items():
        assert solution.field.integral(name) == pytest.approx(integral, rel=1e-13)
    assert solution.field.maximum("eta") == pytest.approx(1.223463255202136, rel=1e-13)
    assert solution.field.minimum("hu") == pytest.approx(-0.2590152923864356, rel=1e-13)


def test_its_boundaries_are_told_and_must_be_those_of_the_run():
    assert file_info(OLD).boundaries == (("wall", "dirichlet"),)
    assert amr.read(OLD).mesh.domain == amr.Domain(0, 1, periodic=False)
    with pytest.raises(InvalidSettingError, match="the run has Wall, Outflow, the file Wall, Dirichlet"):
        water(amr.Wall(), amr.Outflow()).resume(OLD, 0.2)


def test_its_field_is_whole():
    field = amr.read(OLD)
    assert field.names == ("eta", "hu")
    assert field.time == pytest.approx(0.1)
    assert bool(jnp.isfinite(field.data).all())
