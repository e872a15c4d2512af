"""Equilibria: gas held down by its weight rests on any mesh, and waves on it are those without the option."""

import jax.numpy as jnp
import numpy as np
import pytest
from problems import in_calls

import amr
import solvers
from amr.errors import InvalidSettingError
from solvers.config.build import load

SCHEMES = [solvers.MethodOfLines(), solvers.MethodOfLines(solvers.WENO5(), solvers.HLLC())]


class HeavyGas(solvers.Euler):
    def source(self, u, place):
        rest = [0 * u[0]] * (self.ndim - 1)
        return jnp.stack([0 * u[0], -u[0], *rest, -u[1]])


def still(x, *y):
    density = jnp.exp(-x) + sum(0 * other for other in y)
    return density, *(0 * density for _ in range(1 + len(y))), density


def air(cells=32, levels=1, scheme=None, keep=still, refine=None, ndim=1):
    mesh = amr.Mesh(amr.Domain((0,) * ndim, (1,) * ndim, periodic=False), (cells,) * ndim, 8, levels)
    refine = (refine or amr.Region(0.1, 0.4, 1)) if levels else None
    return solvers.Simulation(mesh, HeavyGas(ndim), scheme, refine, boundary=amr.Wall(), equilibrium=keep)


def fastest(field) -> float:
    return float(np.abs(field.uniform("momentum_x")).max())


@pytest.mark.parametrize("scheme", SCHEMES, ids=["muscl", "weno5"])
def test_gas_at_rest_stays_at_rest_across_levels(scheme):
    solution = air(scheme=scheme).run(still, 0.5)
    assert 4 < solution.summary.patches["mean"] < 8
    assert fastest(solution.field) < 1e-14
    assert fastest(air(scheme=scheme, keep=None).run(still, 0.5).field) > 1e-6


def test_gas_at_rest_in_two_dimensions():
    solution = air(16, refine=amr.Region((0.1, 0.1), (0.4, 0.4), 1), ndim=2).run(still, 0.2)
    assert solution.summary.patches["mean"] > 4
    assert fastest(solution.field) < 1e-14


@pytest.mark.parametrize("scheme", SCHEMES, ids=["muscl", "weno5"])
def test_without_it_gas_drifts_at_second_order_beside_walls_too(scheme):
    drifts = [fastest(air(cells, 0, scheme, keep=None).run(still, 2.0).field) for cells in (32, 64)]
    assert drifts[0] < 1e-4
    assert np.log2(drifts[0] / drifts[1]) > 1.8


CLOSED = [
    solvers.MethodOfLines(solvers.DonorCell()),
    solvers.MethodOfLines(),
    solvers.MethodOfLines(solvers.PPM(), solvers.HLL()),
]


@pytest.mark.parametrize("keep", [None, still], ids=["", "equilibrium"])
@pytest.mark.parametrize("scheme", CLOSED, ids=["donor-cell", "muscl", "ppm"])
def test_no_gas_goes_through_a_wall_that_bears_its_weight(scheme, keep):
    """Falling gas, and gas at rest that the scheme does not keep so; across levels too."""

    def falling(x):
        density, _, pressure = still(x)
        return density, 0.1 * jnp.sin(3 * x), pressure

    density = air(scheme=scheme, keep=keep).run(falling, 0.5).summary.variables["density"]
    assert abs(density.integral["relative_change"]) < 1e-14


@pytest.mark.parametrize("law", [HeavyGas(1), HeavyGas(2)], ids=["1d", "2d"])
def test_the_pressure_at_a_wall_bears_the_weight(law):
    """On bare arrays: in gas at rest pressure alone changes, by weight times distance; none along the wall."""
    rng = np.random.default_rng(0)
    w = 1 + jnp.asarray(rng.random((len(law.names), 5)))
    x = (jnp.zeros(5),) * law.ndim
    beyond = law.beyond_wall(w, 0, jnp.full(5, -0.1), x, x, jnp.zeros(()))
    np.testing.assert_allclose(beyond[:-1], w[:-1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(beyond[-1], w[-1] + 0.1 * w[0], rtol=1e-14)
    if law.ndim == 2:
        np.testing.assert_array_equal(law.beyond_wall(w, 1, jnp.full(5, -0.1), x, x, jnp.zeros(())), w)
    thin = law.beyond_wall(w, 0, jnp.full(5, 100.0), x, x, jnp.zeros(()))  # the pressure would be negative
    np.testing.assert_array_equal(thin, w)


def wave(size):
    def initial(x):
        density, velocity, pressure = still(x)
        return density, velocity, pressure * (1 + size * jnp.exp(-(((x - 0.5) / 0.04) ** 2)))

    return initial


def test_meshes_that_move_keep_it_too():
    """A wave that is followed leaves nothing behind: without it, what is refined and coarsened is not at rest."""
    follow = amr.Difference(1e-7, variable="momentum_x")
    simulation = air(refine=follow)
    solution = simulation.run(wave(1e-6), 0.1)
    assert solution.summary.growths == 0
    assert 4 < solution.summary.patches["mean"] < 8
    u = np.asarray(solution.field.uniform("momentum_x"))
    assert np.abs(u[:8]).max() < 1e-9  # where no more than its numerical tail has been
    assert 1e-7 < np.abs(u).max() < 1e-6
    state, advance = in_calls(simulation, wave(1e-6), 0.1)
    while float(state.clock.time) < 0.1:
        state = advance(state, 1)
    assert np.array_equal(state.values[..., :8], solution.state.values[..., :8])


def test_large_waves_are_those_without_it():
    """To the error of the scheme, which falls by four."""
    apart = []
    for cells in (32, 64):
        both = [air(cells, 0, keep=keep).run(wave(0.1), 0.1).field.uniform("density") for keep in (still, None)]
        apart.append(np.abs(np.subtract(*both)).mean())
    assert apart[1] < apart[0] / 3 < 1e-4


def test_what_cannot_be_kept_is_refused():
    with pytest.raises(InvalidSettingError, match="needs all terms in one explicit step") as caught:
        solvers.Simulation(
            amr.Mesh(amr.Domain(0, 1), 16, patch=8),
            solvers.Advection(1.0, diffusivity=0.1),
            solvers.Strang(),
            equilibrium=jnp.ones_like,
        )
    assert caught.value.key == "equilibrium"
    with pytest.raises(InvalidSettingError, match="expected one array for each of density") as caught:
        air(levels=0, keep=lambda x: x).run(still, 0.1)
    assert caught.value.key == "equilibrium"


def test_a_config_keeps_it_as_python_does(tmp_path):
    (tmp_path / "heavy.py").write_text(
        "import jax.numpy as jnp\nimport solvers\n\n\nclass HeavyGas(solvers.Euler):\n"
        "    def source(self, u, place):\n        return jnp.stack([0 * u[0], -u[0], -u[1]])\n"
    )
    values = 'density = "exp(-x)"\nvelocity_x = "0"\npressure = "exp(-x)"\n'
    (tmp_path / "air.toml").write_text(
        '[domain]\nlower = 0.0\nupper = 1.0\nboundary = "wall"\n[mesh]\ncells = 32\npatch = 8\n'
        '[equation]\ntype = "heavy:HeavyGas"\n[time]\nend = 0.5\n'
        f"[initial]\n{values}[equilibrium]\n{values}"
    )
    case = load(tmp_path / "air.toml")
    solution = case.simulation.run(case.initial, case.config.time.end)
    assert fastest(solution.field) < 1e-14
    assert "[equilibrium]" in case.config.to_toml()
