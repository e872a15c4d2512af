"""The examples run as they are and give what they promise."""

import os
import runpy
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_swirl_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = runpy.run_path(str(EXAMPLES / "advection_swirl.py"), run_name="__main__")
    assert result["solution"].summary.variables["phi"].error["l1"] <= 2.0e-4
    assert os.path.getsize("advection_swirl.png") > 10_000
    assert "phi error" in capsys.readouterr().out


def test_an_own_indicator_and_an_own_limiter_as_the_docs_show_them():
    class Steep(amr.Indicator):
        def wishes(self, patch):
            curvature = abs(patch.cells(0, 0, 1) - 2 * patch.cells() + patch.cells(0, 0, -1))
            return curvature > 0.01, curvature > 0.003

    class Mean(solvers.limiter.Limiter):
        def __call__(self, left, right):
            return jnp.where(left * right > 0, 0.5 * (left + right), 0.0)

    mesh = amr.Mesh(amr.Domain(0, 1), 64, 8, 2)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0,)), solvers.CTU(Mean()), Steep())

    def profile(x, t=0.0):
        return jnp.exp(-((x - 0.5) ** 2) / 0.005)

    solution = sim.run(profile, 1.0, exact=profile)
    assert solution.summary.variables["phi"].error["l1"] < 2e-3
    assert 1 <= np.asarray(solution.field.forest.level).max() <= 2


def test_the_ensemble_of_the_docs():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (32, 32), 8, 1)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 0.5)), refine=amr.Difference(0.05))

    def final(width):
        state = sim.start(lambda x, y: jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / width), 0.1, capacity=64)
        return sim.advance(state, 0.1).values

    ensemble = jax.jit(jax.vmap(final))(jnp.array([0.005, 0.01, 0.02]))
    assert ensemble.shape == (3, 1, 8, 8, 64)
    assert bool(jnp.isfinite(ensemble).all())


@pytest.mark.parametrize("name", ["io", "plot", "read"])
def test_files_and_pictures_are_there_without_importing_them(name):
    assert hasattr(amr, name)
