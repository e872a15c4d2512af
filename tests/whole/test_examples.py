"""The examples run as they are and give what they promise."""

import re
import runpy
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sample import colours

import amr
import solvers

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def example(name: str) -> dict:
    """What a script defines, without what it does when it is run."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def changes(solution) -> dict[str, float]:
    """How much of each variable was lost or made, relative to what there was."""
    return {name: abs(variable.integral["relative_change"]) for name, variable in solution.summary.variables.items()}


def test_swirl_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = runpy.run_path(str(EXAMPLES / "advection_swirl.py"), run_name="__main__")
    solution, phi = result["solution"], result["solution"].summary.variables["phi"]
    assert phi.error["l1"] == pytest.approx(1.913e-4, rel=0.01)
    assert (phi.lowest, phi.highest) == (1.0, pytest.approx(1.99924, abs=1e-5))
    assert changes(solution)["phi"] < 1e-14
    assert solution.field.levels(np.array([[0.5, 0.75], [0.1, 0.1]])).tolist() == [2, 1]
    assert colours("advection_swirl.png") > 300
    assert f"phi error     l1 {phi.error['l1']:.3e}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_lid_drives_the_gas_in_a_box(tmp_path):
    """The velocities through the middle are those of Ghia, Ghia and Shin, but for the Mach number and few cells."""
    script = example("lid_driven_cavity")
    field = script["simulation"](cells=16, levels=1).run(script["rest"], t_end=12.0).field
    for direction, known in (("x", script["HEIGHTS"]), ("y", script["PLACES"])):
        at, expected = np.transpose(known)
        points = np.stack([0 * at + 0.5, at] if direction == "x" else [at, 0 * at + 0.5], -1)
        np.testing.assert_allclose(script["velocity"](field, points, direction), expected, rtol=0, atol=0.03)
    script["picture"](field).savefig(tmp_path / "picture.png")
    assert colours(tmp_path / "picture.png") > 300


def test_shear_layers_roll_up(tmp_path):
    script = example("shear_layer")
    solution = script["simulation"](cells=32, levels=0).run(script["layers"], t_end=0.2)
    assert max(changes(solution).values()) <= 1e-13
    momentum = solution.summary.variables["momentum_x"]
    assert (momentum.min, momentum.max) == (pytest.approx(-1.06913, rel=1e-5), pytest.approx(1.06913, rel=1e-5))
    script["picture"](solution.field).savefig(tmp_path / "picture.png")
    assert colours(tmp_path / "picture.png") > 300


@pytest.mark.slow
def test_double_mach_reflection(tmp_path):
    """The places of the shocks, of which theory knows the first one."""
    script = example("double_mach_reflection")
    solution = script["simulation"](cells=16, levels=1).run(script["undisturbed"], t_end=0.2)
    x = np.linspace(0, 4, 801)[:-1] + 1e-6

    def shock(y):  # the last place where gas is denser than that at rest
        return x[solution.field.sample(np.stack([x, 0 * x + y], -1), "density") > 3].max()

    assert shock(0.9) == pytest.approx(1 / 6 + (0.9 + 20 * 0.2) / 3**0.5, abs=0.05)
    assert shock(0.01) == pytest.approx(2.77, abs=0.04)  # the foot of the Mach stem
    assert shock(0.3) == pytest.approx(2.75, abs=0.04)  # which is nearly straight
    density = solution.summary.variables["density"]
    assert density.lowest == pytest.approx(1.4, rel=1e-5)
    assert 17 < density.highest < 24
    script["picture"](solution.field).savefig(tmp_path / "picture.png")


@pytest.mark.slow
def test_kelvin_helmholtz():
    script = example("kelvin_helmholtz")
    sim = script["simulation"](cells=32, levels=1)
    strength = {}

    def measure(field):
        momentum, density = (field.uniform(name) for name in ("momentum_y", "density"))
        strength[round(float(field.time), 3)] = 0.5 * (momentum**2 / density).mean()

    solution = sim.run(script["layers"], t_end=1.0, on_output=measure)
    assert max(changes(solution).values()) <= 1e-13
    assert strength[0.0] == pytest.approx(0.5 * 1.5 * 0.01**2 / 2, rel=0.01)
    assert 8 <= strength[1.0] / strength[0.0] <= 14
    density = solution.summary.variables["density"]
    assert 0.97 <= density.lowest <= density.highest <= 2.06


@pytest.mark.slow
def test_own_equation():
    """Without a planet the gas goes on circling; with one it piles up there."""
    script = example("own_equation")
    sim = script["simulation"](cells=32, levels=1)
    solution = sim.run(script["circling"], t_end=1.5)
    density, angle = solution.summary.variables["density"], 1.5 * 1.25**-0.75
    assert density.highest > 2
    assert solution.field.sample(np.array([np.cos(angle), np.sin(angle)]), "density") > 1.5
    assert solution.field.sample(np.array([-np.cos(angle), -np.sin(angle)]), "density") == pytest.approx(1, abs=0.02)
    assert abs(density.integral["relative_change"]) <= 0.01  # through the boundaries


@pytest.mark.slow
def test_a_lake_rests_until_a_wave_comes():
    script = example("lake")
    sim = script["simulation"](cells=16, levels=1)
    still = sim.run(script["rest"], t_end=0.2)
    assert np.asarray(still.field.forest.level)[: still.field.count].max() == 1
    for name, level in (("eta", 1.0), ("hu", 0.0), ("hv", 0.0)):
        variable = still.summary.variables[name]
        assert (variable.lowest, variable.highest) == (level, level)
    moved = sim.run(script["column"], t_end=0.1)
    assert changes(moved)["eta"] <= 1e-14
    eta = moved.field.uniform("eta")
    assert np.abs(eta - eta[:, ::-1])[: eta.shape[0] // 4].max() <= 0.02  # nearly symmetric as far as the hill is
    assert eta.max() > 1.15


@pytest.mark.slow
def test_gray_scott(tmp_path):
    """Food is eaten, and where there is something that eats the mesh is fine."""
    script = example("gray_scott")
    fields = []
    solution = script["simulation"](cells=32, levels=1).run(
        script["disturbed"], t_end=300.0, outputs=(100.0, 200.0), on_output=fields.append
    )
    food, eater = (solution.summary.variables[name] for name in ("food", "eater"))
    assert food.integral["final"] == pytest.approx(1.378, abs=0.005)
    assert 1.5 < eater.integral["final"] / eater.integral["initial"] < 10
    assert 0.25 < eater.max < 0.45
    places = np.array([[0.6, 0.82], [1.4, 0.9]])  # on a ring, and far from all of them
    assert list(solution.field.levels(places)) == [1, 0]
    script["picture"](fields).savefig(tmp_path / "picture.png")


@pytest.mark.slow
def test_heat_conduction(tmp_path):
    script = example("heat_conduction")
    sim = script["simulation"](cells=32, levels=1)
    solution = sim.run(script["start"], 4.0, exact=script["steady"])
    found = solution.summary.variables["T"]
    assert found.error["l1"] == pytest.approx(2.01e-4, rel=0.05)
    assert 0.3 - 1e-6 <= found.lowest <= found.highest <= 1 + 1e-6
    assert "BackwardEuler" in str(solution.summary)
    script["picture"]([solution.field]).savefig(tmp_path / "picture.png")


def test_poisson(tmp_path):
    script = example("poisson")
    found = script["problem"](cells=32, levels=3).solve(script["density"], refine=amr.Curvature(0.5))
    mean, largest = script["error"](found.field)
    assert mean <= 2.5e-5
    assert largest <= 3.2e-3
    assert int(found.iterations) <= 12
    assert str(found).startswith("solved on")
    script["picture"](found.field).savefig(tmp_path / "picture.png")


@pytest.mark.slow
def test_fit_diffusivity():
    """Without noise Newton's method finds what the picture was made with."""
    script = example("fit_diffusivity")
    measured = jax.jit(script["temperature"], static_argnums=1)(script["TRUE"], 16)
    found = script["fitted"](jnp.log(jnp.array([0.01, 0.01])), measured, steps=5, cells=16)
    np.testing.assert_allclose(found, [0.02, 0.005], rtol=1e-5)


@pytest.mark.slow
def test_the_code_of_the_page_on_diffusion_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "diffusion.md").read_text(), re.DOTALL)
    names: dict = {}
    exec("\n".join(blocks), names)
    assert changes(names["solution"])["T"] <= 1e-13
    assert bool(names["found"].converged)
    assert abs(float(names["found"].imbalance[0])) <= 1e-15
    final = jax.jit(names["final"])
    difference = final(jnp.array([0.0201, 0.005])) - final(jnp.array([0.0199, 0.005]))
    np.testing.assert_allclose(names["change"], difference / 2e-4, atol=1e-3)
    room = names["room"]
    for equation in (names["layered"], names["radiating"], names["along_fibres"]):
        if len(equation.names) == 1:
            solvers.Simulation(room.mesh, equation, boundary=room.setup.faces)


def test_the_code_of_the_page_on_equations_runs():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "equations.md").read_text(), re.DOTALL)
    names: dict = {}
    exec("\n".join(blocks), names)
    assert changes(names["solution"])["density"] <= 1e-13
    assert names["jam"].summary.variables["cars"].highest == pytest.approx(0.8166, abs=0.01)
    assert changes(names["stirred"])["density"] <= 1e-13
    assert names["stirred"].summary.variables["momentum_x"].highest == pytest.approx(0.18, abs=0.005)
    wind, given = names["tunnel"], names["rest"]
    wind = solvers.Simulation(wind.mesh, solvers.Euler(2), refine=names["shocks"], boundary=wind.setup.faces)

    def later():
        state = wind.start(lambda x, y: tuple(value + 0 * x for value in given), 0.1, capacity=16)
        return wind.advance(state, 0.1).values

    assert jax.eval_shape(later).shape[:3] == (4, 8, 8)


def test_an_own_indicator_and_an_own_limiter_as_the_docs_show_them():
    class Steep(amr.Indicator):
        def wishes(self, patch):
            curvature = abs(patch.cells(0, 0, 1) - 2 * patch.cells() + patch.cells(0, 0, -1))
            return curvature > 0.01, curvature > 0.003

    class Mean(solvers.schemes.limiter.Limiter):
        def __call__(self, left, right):
            return jnp.where(left * right > 0, 0.5 * (left + right), 0.0)

    mesh = amr.Mesh(amr.Domain(0, 1), 64, 8, 2)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0,)), solvers.CTU(Mean()), Steep())

    def profile(x, t=0.0):
        return jnp.exp(-((x - 0.5) ** 2) / 0.005)

    solution = sim.run(profile, 1.0, exact=profile)
    assert solution.summary.variables["phi"].error["l1"] < 2e-3
    assert 1 <= np.asarray(solution.field.forest.level).max() <= 2


class Source(solvers.Term):
    def made(self, here):
        return jnp.ones_like(here.u[:, :, here.part.ghost : -here.part.ghost])


class Filling(solvers.Equation):
    place: str = eqx.field(static=True)
    names = ("level",)

    @property
    def terms(self):
        return solvers.Terms(**{self.place: Source()})


@pytest.mark.parametrize("place", ["transport", "diffusion", "reaction"])
def test_an_own_term_may_stand_in_any_place(place):
    sim = solvers.Simulation(amr.Mesh(amr.Domain(0, 1), 16, 8), Filling(place), longest=0.1)
    found = sim.run(jnp.cos, 0.25).field
    np.testing.assert_allclose(found.sample(np.array([0.5])), np.cos(0.5 + 1 / 32) + 0.25, atol=1e-12)


def test_the_ensemble_of_the_docs():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (32, 32), 8, 1)
    sim = solvers.Simulation(mesh, solvers.Advection((1.0, 0.5)), refine=amr.Difference(0.05))

    def final(width):
        state = sim.start(lambda x, y: jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / width), 0.1, capacity=64)
        return sim.advance(state, 0.1).values

    widths = jnp.array([0.005, 0.01, 0.02])
    ensemble = jax.jit(jax.vmap(final))(widths)
    assert ensemble.shape == (3, 1, 8, 8, 64)
    alone = jax.jit(final)
    for member, width in zip(ensemble, widths, strict=True):
        np.testing.assert_allclose(member, alone(width), rtol=0, atol=1e-12)
    highest = np.asarray(ensemble.max((1, 2, 3, 4)))  # the narrower, the more is worn off
    assert 0.8 < highest[0] < highest[1] < highest[2] < 1


@pytest.mark.parametrize("name", ["io", "plot", "read"])
def test_files_and_pictures_are_there_without_importing_them(name):
    assert hasattr(amr, name)
