"""Diffusion in whole runs: methods in time, boundaries, coefficients, coupling with flow and reaction."""

import functools
import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from problems import SQUARE, in_calls

import amr
import solvers
from amr.errors import InvalidSettingError

LINE = amr.Domain(0.0, 1.0)
BOX = amr.Domain((0, 0), (1, 1), periodic=False)
ROD = amr.Domain(0.0, 1.0, periodic=False)
TAU = 2 * math.pi
METHODS = {
    "explicit": lambda: solvers.SSPRK2(),
    "RKL2": lambda: solvers.RKL2(9),
    "SDIRK2": lambda: solvers.SDIRK2(ratio=30.0),
}


def hot_spot(x, y):
    return 1 + jnp.exp(-((x - 0.4) ** 2 + (y - 0.55) ** 2) / 0.005)


def wave(x, t=0.0, diffusivity=0.1, number=1.0):
    """A solution of the diffusion equation on the periodic line: so many waves."""
    return 1 + jnp.sin(TAU * number * x) * jnp.exp(-diffusivity * (TAU * number) ** 2 * t)


def lines(integrator):
    return solvers.MethodOfLines(integrator=integrator)


def wave_error(integrator, diffusivity=0.1, t_end=0.1, number=1.0, **options):
    mesh = amr.Mesh(LINE, 64, patch=16)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(diffusivity), lines(integrator), **options)

    def exact(x, t):
        return wave(x, t, diffusivity, number)

    return simulation.run(lambda x: exact(x, 0.0), t_end, exact=exact).summary.variables["phi"].error


@functools.cache
def error_of_space():
    return wave_error(solvers.RK4(), longest=1e-4)["l1"]


# --- methods in time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_space_is_second_order(name):
    # Two waves and one, each as long as it takes to fade alike: half the cells and all of them, by one program.
    errors = [wave_error(METHODS[name](), t_end=0.1 / n**2, number=n, longest=0.4 / 64 / n)["linf"] for n in (2.0, 1.0)]
    assert math.log2(errors[0] / errors[1]) > 1.9


def test_real_reach_of_tables():
    known = {"ForwardEuler": 2.0, "SSPRK2": 2.0, "SSPRK3": 2.5127, "RK4": 2.7853}
    for name, reach in known.items():
        assert getattr(solvers, name)().real_reach == pytest.approx(reach, abs=2e-3)


def test_real_reach_is_searched_once_for_a_table(monkeypatch):
    known = solvers.integrators.explicit._real_reach(solvers.SSPRK54.stages)
    monkeypatch.setattr(solvers.integrators.explicit, "_amplification", None)  # is not asked for any more
    assert solvers.SSPRK54().real_reach == known == 5.331000000000115  # to the last digit, or results change


def amplification(stages, z):
    """The factor of a step of RKL2 for du/dt = lambda u, stage by stage."""
    method, values = solvers.RKL2(stages), [1.0, None]
    for j in range(1, stages + 1):
        mu, nu, tilde, gamma = (
            float(c) for c in method.coefficients(jnp.asarray(float(j)), jnp.asarray(float(stages)))
        )
        before = values[j - 2] if j > 1 else 0.0
        step = (
            1 + mu * (values[j - 1] - 1) + nu * (before - 1 if j > 1 else 0.0) + tilde * z * values[j - 1] + gamma * z
        )
        values[j:] = [step]
    return values[stages]


@pytest.mark.parametrize("stages", [3, 5, 9, 19])
def test_rkl2_is_stable_as_far_as_it_says_and_second_order(stages):
    reach = solvers.RKL2(stages).reach(stages)
    factors = [amplification(stages, -2 * reach * share) for share in np.linspace(0, 1, 41)]
    assert max(map(abs, factors)) <= 1 + 1e-12
    assert abs(amplification(stages, -3 * reach)) > 1
    assert amplification(stages, -1e-3) == pytest.approx(math.exp(-1e-3), abs=1e-9)


def test_rkl2_takes_as_many_stages_as_needed():
    method = solvers.RKL2(99, safety=1.0)
    for ratio in (0.1, 2.4, 2.6, 10.0, 333.0):
        stages = int(method.needed(jnp.asarray(ratio)))
        assert stages % 2 == 1
        assert stages >= 3
        assert method.reach(stages) >= ratio
        assert stages == 3 or method.reach(stages - 2) < ratio


@pytest.mark.parametrize(
    ("integrator", "order"),
    [
        (solvers.BackwardEuler(ratio=1e9), 1),
        (solvers.CrankNicolson(1e-12, ratio=1e9), 2),
        (solvers.SDIRK2(1e-12, ratio=1e9), 2),
        (solvers.RKL2(99), 1.9),  # its constant is larger where there are fewer stages
    ],
    ids=lambda value: type(value).__name__,
)
def test_order_in_time(integrator, order):
    exact = error_of_space()
    errors = [abs(wave_error(integrator, longest=dt)["l1"] - exact) for dt in (0.01, 0.005)]
    assert math.log2(errors[0] / errors[1]) > order - 0.15


@pytest.mark.parametrize(
    ("cells", "integrator", "options", "published"),
    daily(
        [(64, solvers.SSPRK2(), {}, 5.660e-5), (256, solvers.SDIRK2(ratio=1e9), {"longest": 0.02}, 2.372e-6)],
        lambda cells, *_: cells == 64,
    ),
)
def test_published_errors(cells, integrator, options, published):
    """V15: a Gaussian in a periodic box, the 5-point column and that of SDIRK2 of VERIFICATION.md."""

    def exact(x, y, t, nu=0.01, t0=0.25):
        def line(x):
            return sum(jnp.exp(-((x - 0.5 + k) ** 2) / (4 * nu * (t0 + t))) for k in range(-3, 4))

        return 1 + t0 / (t0 + t) * line(x) * line(y)

    def error():
        mesh = amr.Mesh(SQUARE, (cells, cells))
        simulation = solvers.Simulation(mesh, solvers.Diffusion(0.01), lines(integrator), **options)
        return simulation.run(lambda x, y: exact(x, y, 0.0), 0.5, exact=exact).summary.variables["phi"].error["l1"]

    assert error() == pytest.approx(published, rel=0.03 if cells == 64 else 0.05)


def test_backward_euler_keeps_extrema():
    mesh, walls = amr.Mesh(BOX, (32, 32)), amr.Dirichlet(0.5)
    integrator = solvers.BackwardEuler(1e-12, ratio=1e9)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(1.0), lines(integrator), boundary=walls, longest=0.05)
    step = simulation.run(lambda x, y: jnp.where((x < 0.3) ^ (y > 0.6), 1.0, 0.0), 0.1).summary.variables["phi"]
    assert step.lowest >= -1e-10
    assert step.highest <= 1 + 1e-10


# --- adaptive meshes --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize(
    ("name", "domain"),
    daily(itertools.product(METHODS, [SQUARE, BOX]), lambda name, domain: (name == "RKL2") == (domain == SQUARE)),
    ids=lambda choice: choice if isinstance(choice, str) else "periodic" if choice == SQUARE else "insulated",
)
def test_conservation_with_regridding(name, domain):
    mesh = amr.Mesh(domain, (32, 32), 8, 2)
    refine, walls = amr.Curvature(0.02), None if domain == SQUARE else amr.Neumann(0.0)
    simulation = solvers.Simulation(
        mesh, solvers.Diffusion(0.01), lines(METHODS[name]()), refine, boundary=walls, longest=0.008
    )
    summary = simulation.run(hot_spot, 0.1).summary
    assert abs(summary.variables["phi"].integral["relative_change"]) < 1e-13
    assert summary.compilations == 1
    assert summary.regrids > 1
    assert summary.patches["max"] > summary.patches["mean"]


@pytest.mark.parametrize("name", METHODS)
def test_a_run_divided_into_calls_is_the_same(name):
    mesh = amr.Mesh(SQUARE, (16, 16), 8, 1)
    simulation = solvers.Simulation(
        mesh, solvers.Diffusion(0.01), lines(METHODS[name]()), amr.Curvature(0.02), longest=0.01
    )
    first, advance = in_calls(simulation, hot_spot, 0.2)
    whole, part = advance(first), first
    for _ in range(20):
        part = advance(part, 1)
    assert float(part.clock.time) == 0.2
    assert np.array_equal(whole.values, part.values)


@pytest.mark.parametrize(
    "equation",
    [
        solvers.Diffusion(solvers.NonlinearDiffusivity(lambda u, x, y, t: 0.02 * u[0] ** 2)),
        solvers.Diffusion(0.01, reaction=lambda u, x, y, t: 20 * u * (1 - u)),
        solvers.Diffusion(solvers.VariableDiffusivity(lambda x, y, t: 0.02 * (1 + jnp.sin(20 * t)) + 1e-3, False)),
    ],
    ids=["of_solution", "reacting", "unsteady"],
)
def test_a_run_divided_into_calls_is_the_same_where_signals_depend_on_the_state(equation):
    mesh = amr.Mesh(SQUARE, (32, 32), 8, 1)
    simulation = solvers.Simulation(mesh, equation, lines(solvers.RKL2(9)), amr.Curvature(0.02), longest=0.001)
    first, advance = in_calls(simulation, hot_spot, 0.03)
    whole, part = advance(first), first
    while float(part.clock.time) < 0.03:
        part = advance(part, 1)
    assert int(whole.forest.count) > 16
    assert np.array_equal(whole.values, part.values)


@pytest.mark.slow
def test_ensemble_equals_its_members():
    mesh = amr.Mesh(SQUARE, (16, 16), 8, 1)

    def end(diffusivity, integrator):
        simulation = solvers.Simulation(
            mesh, solvers.Diffusion(diffusivity), lines(integrator), amr.Region((0.3, 0.3), (0.6, 0.6), 1), longest=0.01
        )
        return simulation.advance(simulation.start(hot_spot, 0.02, capacity=16), 0.02).values

    for integrator in (solvers.RKL2(9), solvers.SDIRK2(1e-12)):
        members = jnp.asarray([0.01, 0.05])
        one = eqx.filter_jit(lambda d, i=integrator: end(d, i))
        together = eqx.filter_jit(jax.vmap(lambda d, i=integrator: end(d, i)))(members)
        for n, diffusivity in enumerate(members):
            np.testing.assert_allclose(together[n], one(diffusivity), rtol=1e-10)


@pytest.mark.parametrize("nonlinear", daily([False, True], (False).__eq__))
def test_derivative_through_an_implicit_step(nonlinear):
    mesh = amr.Mesh(SQUARE, (16, 16), 8, 1)
    integrator = solvers.SDIRK2(1e-12, ratio=1e9)

    def squared(diffusivity):
        given = diffusivity
        if nonlinear:
            function = jax.tree_util.Partial(lambda d, u, x, y, t: d * u[0] ** 2, diffusivity)
            given = solvers.NonlinearDiffusivity(function)
        refine = amr.Region((0.3, 0.3), (0.6, 0.6), 1)
        simulation = solvers.Simulation(mesh, solvers.Diffusion(given), lines(integrator), refine, longest=0.01)
        state = simulation.advance(simulation.start(hot_spot, 0.01, capacity=32), 0.01)
        return (state.values**2).sum()

    both = jax.jit(lambda d: jax.jvp(squared, (d,), (1.0,)))
    _, slope = both(0.1)
    quotient = (both(0.1 + 1e-5)[0] - both(0.1 - 1e-5)[0]) / 2e-5
    assert float(slope) == pytest.approx(float(quotient), rel=1e-6)


@pytest.mark.parametrize("name", daily(METHODS, "SDIRK2".__eq__))
def test_single_precision(name):
    mesh = amr.Mesh(SQUARE, (16, 16), 8, 1)
    simulation = solvers.Simulation(
        mesh, solvers.Diffusion(0.01), lines(METHODS[name]()), amr.Curvature(0.02), dtype="float32", longest=0.02
    )
    if name == "SDIRK2":
        simulation = solvers.Simulation(
            mesh, solvers.Diffusion(0.01), lines(solvers.SDIRK2(1e-5)), amr.Curvature(0.02), dtype="float32"
        )
    solution = simulation.run(hot_spot, 0.1)
    assert solution.field.data.dtype == jnp.float32
    assert abs(solution.summary.variables["phi"].integral["relative_change"]) < 1e-5


def test_unsolved_equations_stop_the_run():
    mesh = amr.Mesh(SQUARE, (32, 32), 8)
    integrator = solvers.SDIRK2(tolerance=1e-14, iterations=1, ratio=1e4)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(0.01), lines(integrator))
    with pytest.raises(solvers.RunError, match=r"SDIRK2 were not solved .* 1 iterations.*longest") as caught:
        simulation.run(hot_spot, 0.5)
    x = (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(caught.value.field.uniform(), hot_spot(x[:, None], x[None, :]), rtol=1e-14)


# --- boundaries and coefficients --------------------------------------------------------------------------------------


def relaxed(domain, diffusivity, cells=32, mean=None, initial=lambda x: 0 * x, t_end=120.0, boundary=None):
    """The steady state that a run on the line ends in."""
    mesh = amr.Mesh(domain, cells, 8)
    equation, scheme = solvers.Diffusion(diffusivity, "u", mean=mean), lines(solvers.BackwardEuler(1e-13, ratio=1e12))
    simulation = solvers.Simulation(mesh, equation, scheme, boundary=boundary, longest=10.0)
    return simulation.run(initial, t_end).field.uniform()


def test_layers_of_materials_are_exact_with_the_harmonic_mean():
    ends = [(amr.Dirichlet(0.0), amr.Dirichlet(1.0))]
    x = (np.arange(32) + 0.5) / 32
    u = relaxed(ROD, lambda x: jnp.where(x < 0.5, 1.0, 10.0), mean=solvers.Harmonic(), boundary=ends)
    exact = np.where(x < 0.5, 20 / 11 * x, 10 / 11 + 2 / 11 * (x - 0.5))
    np.testing.assert_allclose(u, exact, atol=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "slope", "value"),
    [
        (amr.Dirichlet(2.0), amr.Neumann(-3.0), -3.0, 2.0),
        (amr.Robin(2.0, 1.0, 5.0), amr.Dirichlet(1.0), -1.0, 2.0),  # 2 u - du/dx = 5 at x = 0
        (amr.Dirichlet(1.0), amr.Robin(1.0, 1.0, 3.0), 1.0, 1.0),
        (amr.Dirichlet(1.5), amr.Outflow(), 0.0, 1.5),
    ],
)
def test_linear_profiles_are_exact(low, high, slope, value):
    u = relaxed(ROD, 1.0, boundary=[(low, high)])
    x = (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(u, value + slope * x, atol=1e-9)


def test_boundary_values_in_time():
    """A solution that comes in through the boundaries alone: exp(-t) sin(x) with D = 1 on a part of its period."""

    def exact(x, t):
        return jnp.exp(-t) * jnp.sin(x)

    errors = []
    for cells in (16, 32):
        sides = (amr.Dirichlet(exact), amr.Neumann(lambda x, t: jnp.exp(-t) * jnp.cos(x)))
        mesh, scheme = amr.Mesh(amr.Domain(0.5, 2.5, periodic=False), cells, 8), lines(solvers.SDIRK2(1e-11))
        simulation = solvers.Simulation(mesh, solvers.Diffusion(1.0), scheme, boundary=[sides], longest=1 / cells)
        solution = simulation.run(lambda x: exact(x, 0.0), 1.0, exact=exact)
        errors.append(solution.summary.variables["phi"].error["linf"])
    assert math.log2(errors[0] / errors[1]) > 1.9


def test_levels_that_meet_a_wall_keep_the_order():
    """A refined box at a wall with given values: the points where its sides meet the wall are second order too."""

    def exact(x, y, *t):
        return jnp.sin(3 * x + 0.5) * jnp.cos(2 * y + 0.3)

    walls = [(amr.Dirichlet(exact), amr.Neumann(lambda x, y, t: 3 * jnp.cos(3 * x + 0.5) * jnp.cos(2 * y + 0.3)))]
    walls.append((amr.Robin(1.0, 0.0, exact), amr.Dirichlet(exact)))
    errors = []
    for cells in (16, 32):
        mesh = amr.Mesh(BOX, (cells, cells), 4, 1)
        refine = amr.AnyOf(amr.Region((0.0, 0.26), (0.49, 0.74), 1), amr.Region((0.76, 0.6), (1.0, 1.0), 1))
        found = solvers.Elliptic(mesh, boundary=walls).solve(lambda x, y: 13 * exact(x, y), refine=refine)
        assert bool(found.converged)
        errors.append(largest_error(found.field, exact))
    assert math.log2(errors[0] / errors[1]) > 1.85


def largest_error(field, exact):
    patches = field.patches()
    x, y = (patches.centres(d) for d in range(2))
    return np.abs(patches.values[:, 0] - exact(x[:, :, None], y[:, None, :])).max()


def test_diagonal_tensor_and_several_variables():
    def exact(x, y, t):
        fade = [jnp.exp(-(TAU**2) * d * t) for d in (0.1, 0.02)]
        return (jnp.sin(TAU * x) * fade[0], jnp.sin(TAU * y) * fade[1])

    diffusivity = solvers.Diagonal(0.1, lambda x, y: 0.02 + 0 * x)
    mesh = amr.Mesh(SQUARE, (64, 64))
    simulation = solvers.Simulation(
        mesh, solvers.Diffusion(diffusivity, ("a", "b")), lines(solvers.RKL2()), longest=2e-3
    )
    found = simulation.run(lambda x, y: exact(x, y, 0.0), 0.2, exact=exact).summary.variables
    assert found["a"].error["linf"] < 2e-3
    assert found["b"].error["linf"] < 2e-3


def test_diffusivity_of_the_solution_and_of_time():
    """For D = u a ramp travels: u = 1 + x + t has u_t = (u u_x)_x. For D = t / 10 a wave fades as exp(-t^2)."""

    def ramp(x, t):
        return 1 + x + t  # u_t = (u u_x)_x: 1 = (u)_x = 1

    def exact_in_time(x, t):
        return 1 + jnp.sin(TAU * x) * jnp.exp(-(TAU**2) * 0.05 * t**2)

    nonlinear = solvers.NonlinearDiffusivity(lambda u, x, t: u[0])
    for integrator in (solvers.RKL2(9), solvers.SDIRK2(1e-11, ratio=200.0)):
        simulation = solvers.Simulation(
            amr.Mesh(ROD, 16, 8), solvers.Diffusion(nonlinear), lines(integrator), boundary=amr.Dirichlet(ramp)
        )
        error = simulation.run(lambda x: ramp(x, 0.0), 0.2, exact=ramp).summary.variables["phi"].error
        assert error["linf"] < 5e-4  # one half of a cell at each wall is taken for a whole one
        growing = solvers.VariableDiffusivity(lambda x, t: 0.1 * t + 0 * x, steady=False)
        simulation = solvers.Simulation(
            amr.Mesh(LINE, 64, 16), solvers.Diffusion(growing), lines(integrator), longest=0.01
        )
        error = simulation.run(lambda x: exact_in_time(x, 0.0), 0.5, exact=exact_in_time).summary.variables["phi"].error
        assert error["linf"] < 2e-3


# --- flow and reaction ------------------------------------------------------------------------------------------------

COUPLED = {
    "explicit": lambda: lines(solvers.SSPRK2()),
    "RKL2": lambda: lines(solvers.RKL2()),
    "IMEX": lambda: lines(solvers.SDIRK2(1e-11, ratio=1e9)),
    "IMEX-CN": lambda: lines(solvers.CrankNicolson(1e-11, ratio=1e9)),
    "Strang": lambda: solvers.Strang(solvers.CTU(solvers.schemes.limiter.Unlimited())),
    "Strang-implicit": lambda: solvers.Strang(
        solvers.CTU(solvers.schemes.limiter.Unlimited()), solvers.SDIRK2(1e-11, ratio=1e9)
    ),
}


@pytest.mark.parametrize("name", daily(COUPLED, {"explicit", "IMEX", "Strang"}.__contains__))
def test_flow_diffusion_and_reaction_are_second_order(name):
    """A wave that is carried, spreads and decays."""
    speed, diffusivity, decay = 1.0, 0.02, 0.5

    def exact(x, t):
        return jnp.exp(-decay * t) * (2 + jnp.sin(TAU * (x - speed * t)) * jnp.exp(-diffusivity * TAU**2 * t))

    equation = solvers.Diffusion(diffusivity, velocity=(speed,), reaction=lambda u, x, t: -decay * u)
    scheme = COUPLED[name]()
    if isinstance(scheme, solvers.MethodOfLines):
        scheme = solvers.MethodOfLines(solvers.MUSCL(solvers.schemes.limiter.Unlimited()), integrator=scheme.integrator)
    errors = []
    for cells in (64, 128):
        simulation = solvers.Simulation(amr.Mesh(LINE, cells, 16), equation, scheme, longest=0.4 / cells)
        solution = simulation.run(lambda x: exact(x, 0.0), 0.5, exact=exact)
        errors.append(solution.summary.variables["phi"].error["l1"])
    assert math.log2(errors[0] / errors[1]) > 1.8


def test_stiff_reactions():
    """du/dt = -1000 (u - cos t) is followed with steps that no explicit method survives."""
    reaction = solvers.Reaction(lambda u, x, t: -1e3 * (u - jnp.cos(t)), stiff=True)
    equation = solvers.Diffusion(0.01, reaction=reaction)
    simulation = solvers.Simulation(amr.Mesh(LINE, 16, 8), equation, solvers.Strang(), longest=0.05)
    found = simulation.run(lambda x: 1 + 0 * x, 1.0).summary.variables["phi"]
    assert found.min == pytest.approx(math.cos(1.0), abs=2e-3)
    assert found.max == pytest.approx(found.min, abs=1e-9)


@pytest.mark.parametrize("scheme", [None, solvers.Strang()], ids=["unsplit", "Strang"])
def test_fast_reactions_limit_the_step(scheme):
    """Where they are explicit: -100 (u - cos t) ends near cos t without a word about the step."""
    equation = solvers.Advection((1.0,), reaction=lambda u, x, t: -100 * (u - jnp.cos(t)))
    simulation = solvers.Simulation(amr.Mesh(LINE, 16, 8), equation, scheme)
    summary = simulation.run(lambda x: 1 + 0 * x, 1.0).summary
    assert summary.variables["phi"].min == pytest.approx(math.cos(1.0) + 0.01 * math.sin(1.0), abs=1e-3)
    assert summary.steps > 60


def test_walls_of_high_diffusivity_limit_the_step():
    """Marshak's wave: what diffuses into a cold domain does so by the diffusivity of the wall."""
    walls = [(amr.Dirichlet(1.0), amr.Neumann(0.0))]
    equation = solvers.Diffusion(solvers.NonlinearDiffusivity(lambda u, x, t: u[0] ** 2))
    for integrator in (solvers.SSPRK2(), solvers.RKL2(9)):
        simulation = solvers.Simulation(amr.Mesh(ROD, 32, 8), equation, lines(integrator), boundary=walls)
        found = simulation.run(lambda x: 1e-3 + 0 * x, 0.05).summary.variables["phi"]
        assert found.lowest >= 0
        assert found.highest <= 1


def test_parts_of_a_tensor_may_be_constant():
    """One that is constant beside one that is not, in more than one sweep of the pool."""
    diffusivity = solvers.Diagonal(lambda x, y: 0.02 * (1 + 0 * x), 0.02)
    mesh, same = amr.Mesh(SQUARE, (64, 64), 16, 1), solvers.Diffusion(0.02)
    ends = []
    for equation in (solvers.Diffusion(diffusivity), same):
        simulation = solvers.Simulation(
            mesh, equation, lines(solvers.SDIRK2(1e-12)), amr.Region((0.3, 0.3), (0.9, 0.9), 1), longest=0.01
        )
        ends.append(simulation.run(hot_spot, 0.02).field.uniform())
    np.testing.assert_allclose(*ends, atol=1e-10)


def test_boundaries_by_variable():
    """A variable with values of its own at a wall beside the rest with one entry for each."""
    wall = amr.ByVariable({"a": amr.Dirichlet(2.0)}, rest=amr.Neumann((0.0, 0.0)))
    scheme = lines(solvers.BackwardEuler(1e-12, ratio=1e12))
    mesh, sides = amr.Mesh(ROD, 16, 8), [(wall, amr.Outflow())]
    simulation = solvers.Simulation(mesh, solvers.Diffusion(1.0, ("a", "b")), scheme, boundary=sides, longest=10.0)
    found = simulation.run(lambda x: (0 * x, x), 120.0).summary.variables
    assert found["a"].min == pytest.approx(2.0, abs=1e-9)
    assert found["b"].min == pytest.approx(0.5, abs=1e-9)


def test_long_steps_in_single_precision():
    """Rounding limits how well equations can be solved, not whether they are."""
    integrator = solvers.SDIRK2(ratio=1e9)
    mesh = amr.Mesh(LINE, 1024, 16)
    simulation = solvers.Simulation(mesh, solvers.Diffusion(1.0), lines(integrator), longest=0.005, dtype="float32")
    solution = simulation.run(lambda x: wave(x), 0.05, exact=lambda x, t: wave(x, t, 1.0))
    assert solution.summary.variables["phi"].error["linf"] < 2e-2


def test_coupled_reactions_solve_a_system_in_each_cell():
    """Two species that turn into each other: stiff, the sum stays and the ratio is that of the rates."""
    reaction = solvers.Reaction(lambda u, x, t: (-900 * u[0] + 100 * u[1], 900 * u[0] - 100 * u[1]), stiff=True)
    equation = solvers.Diffusion((0.1, 0.2), ("a", "b"), reaction=reaction)
    simulation = solvers.Simulation(amr.Mesh(LINE, 16, 8), equation, solvers.Strang(), longest=0.02)
    found = simulation.run(lambda x: (1 + 0 * x, 1 + 0 * x), 0.2).summary.variables
    assert found["a"].max == pytest.approx(0.2, abs=1e-6)
    assert found["b"].max == pytest.approx(1.8, abs=1e-6)


# --- choice and mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("diffusivity", "options", "kind"),
    [
        (0.01, {}, solvers.RKL2),
        (1e-5, {"velocity": (1.0, 0.5)}, solvers.SSPRK2),
        (0.05, {"velocity": (1.0, 0.5)}, solvers.RKL2),
        (1e3, {"velocity": (1.0, 0.5)}, solvers.SDIRK2),
        (lambda x, y: 0.05 * (1 + x), {"velocity": lambda x, y, t: (1 + 0 * x, 0 * x)}, solvers.RKL2),
    ],
)
def test_the_integrator_follows_from_the_ratio_of_steps(diffusivity, options, kind):
    equation = solvers.Diffusion(diffusivity, **options)
    simulation = solvers.Simulation(amr.Mesh(SQUARE, (32, 32), 16), equation)
    assert isinstance(simulation.setup.scheme.integrator, kind)
    assert simulation.setup.why


def test_the_summary_says_why_an_integrator_was_chosen():
    simulation = solvers.Simulation(amr.Mesh(SQUARE, (32, 32), 16), solvers.Diffusion(0.01))
    summary = simulation.run(hot_spot, 0.01).summary
    assert summary.diffusion.method == "RKL2"
    assert "chosen" in str(summary)
    assert summary.to_dict()["diffusion"]["why"]


def test_mistakes():
    mesh = amr.Mesh(SQUARE, (16, 16), 8)
    walls, mirror = amr.Mesh(BOX, (16, 16), 8), amr.GhostFunction(lambda m, x, y, t: m)
    heat = solvers.Diffusion(1.0)
    still = solvers.Advection((1.0, 0.0))
    lake = solvers.ShallowWater(2, bottom=lambda x, y: 0.1 * x, viscosity=0.01)
    for make, message in (
        (lambda: solvers.Simulation(mesh, lake, lines(solvers.SDIRK2())), "without coefficients of position"),
        (lambda: solvers.Simulation(mesh, lake, solvers.Strang(lines(solvers.SSPRK2()), solvers.SDIRK2())), "SDIRK2"),
        (lambda: solvers.Simulation(walls, heat, boundary=mirror), "says nothing about the flux"),
        (lambda: solvers.Simulation(mesh, heat, solvers.CTU()), "does nothing else"),
        (lambda: solvers.Simulation(mesh, still, lines(solvers.RKL2())), "nothing diffuses"),
        (lambda: solvers.Simulation(mesh, still, lines(solvers.SDIRK2())), "nothing diffuses"),
        (lambda: solvers.Simulation(mesh, still, solvers.Strang()), "there are none"),
        (lambda: solvers.Simulation(mesh, heat, longest=0.0), "above 0"),
        (lambda: solvers.Simulation(mesh, solvers.Diffusion((1.0, 2.0))), "found 2 values"),
        (lambda: solvers.Simulation(mesh, solvers.Diffusion(solvers.Diagonal(1.0))), "has 1 parts"),
        (lambda: solvers.Simulation(mesh, solvers.Diffusion(1.0, reaction=lambda u, x, y, t: (u[0], u[0]))), "2 rates"),
        (lambda: solvers.Diffusion(-1.0), "0 or more"),
        (lambda: solvers.RKL2(stages=2), "3 or more"),
        (lambda: solvers.SDIRK2(tolerance=0.0), "above 0"),
        (lambda: amr.Robin(1.0, -1.0), "same sign"),
        (lambda: amr.Robin(0.0, 0.0), "not both 0"),
    ):
        with pytest.raises(InvalidSettingError, match=message):
            make()
