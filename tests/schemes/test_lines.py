"""The method of lines on adaptive meshes: every scheme and every law in whole runs.

Schemes come from `schemes.CLAIMS` and laws from `laws.LAWS`: a new one is tested by its entry there.
"""

import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from daily import daily
from exact_riemann import ExactRiemann
from hypothesis import given, settings, strategies as st
from laws import LAWS, name_of
from problems import SQUARE, disc, error, four_waves, in_calls, swirl_simulation
from schemes import CLAIMS

import amr
import solvers
from amr.errors import InvalidSettingError
from solvers.schemes.limiter import Unlimited

TAU = 2 * jnp.pi
FIVE = (solvers.Upwind5(), solvers.WENO5(), solvers.PPM())


def scheme_name(scheme) -> str:
    limiter = getattr(scheme, "limiter", None)
    return type(scheme).__name__ + (f"-{type(limiter).__name__}" if limiter else "")


# The schemes themselves are tested on bare arrays, in test_reconstruction.py; whole runs with three of them a day.
A_DAY = {"MUSCL-MonotizedCentral", "PPM", "WENO5"}
of_every_scheme = pytest.mark.parametrize(
    "claim",
    daily(CLAIMS, lambda claim: scheme_name(claim.scheme) in A_DAY),
    ids=lambda claim: scheme_name(claim.scheme),
)


def waves(number):
    """So many waves along the diagonal of the unit cube."""

    def wave(*x_and_t):
        *x, t = x_and_t
        product = jnp.sin(TAU * number * (x[0] - t))
        for other in x[1:]:
            product = product * jnp.sin(TAU * number * (other - t))
        return 1 + 0.5 * product

    return wave


def wave_error(scheme, ndim: int, cells: int, patch: int, refined: bool, t_end: float, number=1.0, **options):
    """Norms of the error of waves along the diagonal, optionally with a static fine region in the middle."""
    mesh = amr.Mesh(amr.Domain((0,) * ndim, (1,) * ndim), (cells,) * ndim, patch, int(refined))
    region = amr.Region((0.25,) * ndim, (0.75,) * ndim, 1) if refined else None
    lines = scheme if isinstance(scheme, solvers.MethodOfLines) else solvers.MethodOfLines(scheme)
    equation = solvers.Advection((1.0,) * ndim)
    simulation = solvers.Simulation(mesh, equation, lines, region, buffer=0 if refined else None, **options)
    exact = waves(number)
    solution = simulation.run(lambda *x: exact(*x, jnp.zeros_like(x[0])), t_end, exact=exact)
    assert abs(solution.summary.variables["phi"].integral["relative_change"]) <= 1e-13
    return np.array([error(solution, norm) for norm in ("l1", "linf")])


def wave_orders(scheme, ndim: int, cells: int, patch: int, refined: bool, t_end: float):
    """Orders that follow from two waves and one: as from half the cells and all of them, but by the same program."""
    two, one = (wave_error(scheme, ndim, cells, patch, refined, t_end / n, n) for n in (2.0, 1.0))
    return np.log2(two / one)


@of_every_scheme
@pytest.mark.parametrize("refined", [False, True], ids=["uniform", "refined"])
def test_order_in_one_dimension(claim, refined):
    orders = wave_orders(claim.scheme, 1, 128 if claim.scheme.order < 5 else 64, 8, refined, 1.0)
    # Limiters at extrema come to their order only on finer meshes than these.
    slack = np.array([0.25, 0.5]) if claim.monotone else np.array([0.15, 0.15])
    claimed = np.minimum(claim.orders, 4.8)  # beyond, the time step counts, too
    assert (orders >= claimed - slack).all(), orders


SMOOTH = [claim for claim in CLAIMS if claim.linear or claim.scheme.order > 3]


@pytest.mark.parametrize(
    "claim",
    daily(SMOOTH, lambda claim: scheme_name(claim.scheme) in {"Upwind3", "PPM"}),
    ids=lambda claim: scheme_name(claim.scheme),
)
def test_order_in_two_dimensions_across_levels(claim):
    # On two meshes, since a limiter sees other phases of two waves where the levels meet.
    errors = [wave_error(claim.scheme, 2, n, 8, True, 0.25) for n in (32, 64)]
    orders = np.log2(errors[0] / errors[1])
    assert (orders >= np.minimum(claim.scheme.order, 4.8) - 0.15).all(), orders


@pytest.mark.parametrize("scheme", [solvers.MUSCL(Unlimited()), solvers.Upwind5()], ids=scheme_name)
def test_order_in_three_dimensions(scheme):
    # Across levels it is that in two dimensions, which three dimensions equal where nothing depends on z.
    orders = wave_orders(scheme, 3, 32, 8, False, 0.1)
    assert (orders >= min(scheme.order, 4.5) - 0.15).all(), orders


def swirl(x, y):
    return jnp.sin(TAU * x) * jnp.sin(TAU * y) / TAU


def test_fourth_order_in_a_flow_that_varies_in_space():
    def run(n):
        mesh = amr.Mesh(SQUARE, (n, n), 16)
        flow = solvers.StreamFunction(swirl, amplitude=jnp.ones_like)
        simulation = solvers.Simulation(mesh, solvers.Advection(flow), solvers.MethodOfLines(solvers.Upwind5()))
        return simulation.run(lambda x, y: jnp.cos(TAU * x) + jnp.sin(TAU * y), 0.2).field.uniform()

    def coarsened(fine):
        return 0.25 * (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2])

    coarse, middle, fine = (run(n) for n in (32, 64, 128))
    first, second = np.abs(coarsened(middle) - coarse).mean(), np.abs(coarsened(fine) - middle).mean()
    assert np.log2(first / second) >= 3.7


@of_every_scheme
def test_single_precision(claim):
    mesh = amr.Mesh(amr.Domain(0, 1), 32, 8, 1)
    lines, refine = solvers.MethodOfLines(claim.scheme), amr.Difference(0.1)

    def run(dtype):
        simulation = solvers.Simulation(mesh, solvers.Advection((1.0,)), lines, refine, dtype=dtype)
        return simulation.run(lambda x: waves(1.0)(x, 0 * x), 0.2)

    single, double = run(jnp.float32), run(jnp.float64)
    assert single.state.u.dtype == jnp.float32
    assert abs(single.summary.variables["phi"].integral["relative_change"]) <= 2e-6
    # At an extremum a limiter may switch by the last bit.
    atol = 1e-3 if claim.monotone else 2e-5
    np.testing.assert_allclose(single.field.uniform(), double.field.uniform(), rtol=0, atol=atol)


def check_bounds(phi):
    assert phi.lowest >= -1e-14
    assert phi.highest <= 1 + 1e-14
    assert abs(phi.integral["relative_change"]) <= 1e-13


@of_every_scheme
def test_bounds_are_kept_and_nothing_is_lost(claim):
    mesh = amr.Mesh(amr.Domain(-1, 1), 64, 8, 1)
    lines = solvers.MethodOfLines(claim.scheme, bounded=True)
    simulation = solvers.Simulation(mesh, solvers.Advection((1.0,)), lines, amr.Difference(0.02), cfl=0.9)
    check_bounds(simulation.run(four_waves, 0.5).summary.variables["phi"])


def test_bounds_of_a_slotted_disc():
    lines = solvers.MethodOfLines(solvers.WENO5(), bounded=True)
    simulation = swirl_simulation(32, 8, 1, amr.Difference(0.02), lines)
    check_bounds(simulation.run(disc, 0.5).summary.variables["phi"])


def constant_state(law):
    """Numbers that make sense for any law."""
    return tuple(1.0 + 0.1 * n for n in range(len(law.given)))


def still_state(law):
    """A state at rest, which no wall disturbs, over a bottom too."""
    moving = {n for vector in law.vectors for n in vector}
    level = law.rest_level if getattr(law, "bottom", None) else 1.3
    return tuple(0.0 if n in moving else level for n in range(len(law.given)))


RIVERS = [(law, ndim, False, False) for law, ndim in LAWS]
BASINS = [(law, ndim, True, ndim == 2) for law, ndim in LAWS if law.vectors and ndim < 3]


@pytest.mark.parametrize(
    ("law", "ndim", "walls", "five"),
    daily(RIVERS + BASINS, lambda law, ndim, walls, five: ndim == 2),
    ids=[f"{name_of(law, ndim)}-{'walls' if walls else 'open'}" for law, ndim, walls, _ in RIVERS + BASINS],
)
def test_constant_states_stay(law, ndim, walls, five):
    resting = walls or getattr(law, "bottom", None) is not None
    state = still_state(law) if resting else constant_state(law)
    through = amr.Dirichlet(state)
    sides = [amr.Wall()] * ndim if walls else [(through, amr.Outflow()), amr.Periodic(), amr.Outflow()][:ndim]
    wraps = [not walls and d == 1 for d in range(ndim)]
    mesh = amr.Mesh(amr.Domain((0,) * ndim, (1,) * ndim, periodic=wraps), (16,) * ndim, 8, 1)
    lines = solvers.MethodOfLines(solvers.WENO5() if five else None)
    region = amr.Region((0.1,) * ndim, (0.45,) * ndim, 1)
    simulation = solvers.Simulation(mesh, law, lines, region, boundary=sides)
    solution = simulation.run(lambda *x: tuple(value + 0 * x[0] for value in state), 0.05)
    assert solution.summary.steps > 2
    points = [jnp.full((1,), 0.2) for _ in range(ndim)]
    rows = [jnp.full((1,), value) for value in (*state, *(float(c[0]) for c in law.coefficients(*points)))]
    expected = np.asarray(law.conserved(jnp.stack(rows)))[: len(law.names), 0]
    for n, name in enumerate(law.names):
        assert solution.field.minimum(name) == pytest.approx(expected[n], rel=1e-13, abs=1e-13)
        assert solution.field.maximum(name) == pytest.approx(expected[n], rel=1e-13, abs=1e-13)


GAS = ExactRiemann((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 1.4)


def shock_tube(axis: int, ndim: int, cells: int = 128, levels: int = 0, refine=None, scheme=None):
    """Sod's problem along one dimension: the solution, and the density along it with its error."""
    shape, upper = [16] * ndim, [16 / cells] * ndim
    shape[axis], upper[axis] = cells, 1.0
    domain = amr.Domain([0] * ndim, upper, periodic=[d != axis for d in range(ndim)])
    mesh = amr.Mesh(domain, shape, 16, levels)

    def initial(*x):
        left = x[axis] < 0.5
        still = (jnp.zeros_like(x[axis]),) * ndim
        return jnp.where(left, 1.0, 0.125), *still, jnp.where(left, 1.0, 0.1)

    lines = solvers.MethodOfLines(riemann=solvers.HLLC()) if scheme is None else scheme
    solution = solvers.Simulation(mesh, solvers.Euler(ndim), lines, refine).run(initial, 0.2)
    density = np.moveaxis(solution.field.uniform("density"), axis, 0).reshape(cells * 2**levels, -1)
    x = (np.arange(len(density)) + 0.5) / len(density)
    return solution, density, np.abs(density[:, 0] - GAS((x - 0.5) / 0.2)[0]).mean()


def test_shock_tubes_along_all_dimensions_are_equal():
    first, along, _ = shock_tube(0, 2)
    second, across, _ = shock_tube(1, 2)
    assert first.summary.steps == second.summary.steps
    np.testing.assert_allclose(along, across, rtol=0, atol=1e-14)
    assert np.ptp(along, axis=1).max() <= 1e-13


@pytest.mark.parametrize("reconstruction", [solvers.MUSCL(), solvers.PPM(), solvers.WENO5()], ids=scheme_name)
@pytest.mark.parametrize(
    "riemann",
    daily([solvers.Rusanov(), solvers.HLL(), solvers.HLLC()], lambda riemann: isinstance(riemann, solvers.HLLC)),
    ids=lambda riemann: type(riemann).__name__,
)
def test_shock_tube(reconstruction, riemann):
    scheme = solvers.MethodOfLines(reconstruction, riemann)
    coarse, fine = (shock_tube(0, 1, n, scheme=scheme)[2] for n in (128, 256))
    assert coarse <= 0.011  # Athena++
    assert fine <= 0.6 * coarse


def test_refined_shock_tube_is_as_good_as_a_uniform_one():
    refined, _, adaptive = shock_tube(0, 1, 64, 2, amr.Loehner(0.3, variable="density"))
    _, _, uniform = shock_tube(0, 1, 256)
    assert adaptive <= 1.1 * uniform
    assert refined.summary.cells["fraction_of_uniform_finest"] <= 0.8
    for name in ("density", "energy"):
        assert abs(refined.summary.variables[name].integral["relative_change"]) <= 1e-13


def vortex(x, y, t=0.0):
    """An isentropic vortex in a diagonal flow (Shu, ICASE 97-65, 1997), as density, velocity, pressure."""
    gamma, dx, dy = 1.4, (x - t + 5) % 10 - 5, (y - t + 5) % 10 - 5
    swirl = 5 / TAU * jnp.exp(0.5 * (1 - dx**2 - dy**2))
    temperature = 1 - (gamma - 1) / (2 * gamma) * swirl**2
    density = temperature ** (1 / (gamma - 1))
    return density, 1 - dy * swirl, 1 + dx * swirl, density * temperature


def test_vortex_through_coarse_fine_boundaries():
    def run(n):
        mesh = amr.Mesh(amr.Domain((-5, -5), (5, 5)), (n, n), 8, 1)
        scheme = solvers.MethodOfLines(solvers.MUSCL(Unlimited()), solvers.HLLC())
        region = amr.Region((-2.5, -2.5), (2.5, 2.5), 1)
        return solvers.Simulation(mesh, solvers.Euler(2), scheme, region, buffer=0).run(vortex, 2.0, exact=vortex)

    solutions = [run(n) for n in (32, 64)]
    coarse, fine = (error(solution, "l1", "density") for solution in solutions)
    assert np.log2(coarse / fine) >= 1.9
    for solution in solutions:
        for variable in solution.summary.variables.values():
            assert abs(variable.integral["relative_change"]) <= 1e-13


@pytest.mark.slow
def test_three_dimensions_equal_two_where_nothing_depends_on_z():
    def blast(x, y, *z):
        inside = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.05
        still = (jnp.zeros_like(x + sum(z)),) * (2 + len(z))
        return jnp.where(inside, 1.0, 0.5) + still[0], *still, jnp.where(inside, 2.0, 0.5) + still[0]

    def run(ndim):
        shape, upper = [32, 32, 8][:ndim], [1, 1, 0.25][:ndim]
        sides = [amr.Wall(), amr.Outflow(), amr.Periodic()][:ndim]
        mesh = amr.Mesh(amr.Domain([0] * ndim, upper, periodic=[False, False, True][:ndim]), shape, 8, 1)
        lines = solvers.MethodOfLines(riemann=solvers.HLLC())
        refine = amr.Difference(0.1)
        # Signals along z shorten a step: all are as short as they may be in three dimensions.
        return solvers.Simulation(mesh, solvers.Euler(ndim), lines, refine, boundary=sides, longest=1e-3).run(
            blast, 0.1
        )

    flat, deep = run(2), run(3)
    assert flat.summary.steps == deep.summary.steps
    for name in flat.field.names:
        two, three = flat.field.uniform(name), deep.field.uniform(name)
        np.testing.assert_allclose(three, np.broadcast_to(two[..., None], three.shape), rtol=0, atol=1e-12)


def test_everything_refined_equals_the_uniform_grid():
    def run(cells, level):
        mesh = amr.Mesh(amr.Domain((-5, -5), (5, 5)), (cells, cells), 16, level)
        everywhere = amr.Region((-9, -9), (9, 9), 1) if level else None
        scheme = solvers.MethodOfLines(solvers.WENO5())
        return solvers.Simulation(mesh, solvers.Euler(2), scheme, everywhere).run(vortex, 0.2).field.uniform("energy")

    np.testing.assert_allclose(run(32, 1), run(64, 0), rtol=0, atol=1e-13)


class Traffic(solvers.ConservationLaw):
    """A law of one's own in a few lines: cars per length on a road (Lighthill and Whitham, 1955)."""

    names = ("cars",)

    def flux(self, u, d):
        return u * (1 - u)

    def max_speed(self, u, d):
        return jnp.abs(1 - 2 * u[0])


class Decay(solvers.ConservationLaw):
    """Transport with a source that depends on where and when."""

    names = ("a", "b")
    rate: jax.Array

    def flux(self, u, d):
        return u

    def max_speed(self, u, d):
        return jnp.ones_like(u[0])

    def source(self, u, place):
        return jnp.stack([-self.rate * u[0], 2 * place.t + 0 * place.x[0] * u[1]])


class OneRow(Traffic):
    """A flux without the row of the second variable."""

    names = ("cars", "lorries")

    def flux(self, u, d):
        return u[:1]


class Tuple(Traffic):
    """A flux that is no array."""

    def flux(self, u, d):
        return (u[0],)


class Turned(Traffic):
    """Components of a vector that do not exist."""

    vectors = ((7,),)


def test_a_law_of_ones_own():
    mesh = amr.Mesh(amr.Domain(-1, 1, periodic=False), 64, 8, 2)
    simulation = solvers.Simulation(mesh, Traffic(), refine=amr.Difference(0.02))
    solution = simulation.run(lambda x: jnp.where(x < 0, 0.9, 0.1), 0.5)
    # The queue dissolves in a fan between x = -0.4 and 0.4, in which cars = (1 - x / t) / 2.
    x = np.linspace(-0.35, 0.35, 71)
    np.testing.assert_allclose(solution.field.sample(x), 0.5 * (1 - x / 0.5), rtol=0, atol=0.01)


def test_sources():
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (16, 16), 8, 1)
    law = Decay(jnp.asarray(1.5))
    simulation = solvers.Simulation(mesh, law, refine=amr.Region((0, 0), (0.5, 0.5), 1), cfl=0.1)
    ones = simulation.run(lambda x, y: (jnp.ones_like(x), 0 * x), 0.7)
    assert ones.field.maximum("a") == pytest.approx(np.exp(-1.05), rel=1e-4)
    assert ones.field.maximum("b") == pytest.approx(0.49, rel=1e-12)  # Runge-Kutta integrates 2 t exactly


def test_derivatives_and_ensembles():
    """The end of an adaptive run, as a function of the gas and the strength of a blast."""
    mesh = amr.Mesh(amr.Domain(0, 1, periodic=False), 32, 8, 1)

    def energy(gamma, strength):
        def blast(x):
            pressure = 1 + strength * jnp.exp(-(((x - 0.3) / 0.1) ** 2))
            return jnp.ones_like(x), 0 * x, pressure

        law, refine = solvers.Euler(1, gamma), amr.Difference(0.05)
        simulation = solvers.Simulation(mesh, law, refine=refine, boundary=amr.Wall())
        state = simulation.start(blast, 0.1, capacity=16)
        return simulation.advance(state, 0.1).values[0, :, 2].sum()

    at, to = (jnp.asarray(1.4), jnp.asarray(1.0)), (jnp.asarray(0.3), jnp.asarray(1.0))
    both = jax.jit(lambda *at: jax.jvp(energy, at, to))
    value, slope = both(*at)
    near = [both(*(a + h * b for a, b in zip(at, to, strict=True)))[0] for h in (-1e-5, 1e-5)]
    assert float(slope) == pytest.approx(float(near[1] - near[0]) / 2e-5, rel=1e-4)
    several = jax.jit(jax.vmap(energy))(jnp.array([1.4, 1.3]), jnp.array([1.0, 2.0]))
    assert float(several[0]) == pytest.approx(float(value), rel=1e-12)


def test_where_a_run_is_divided_into_calls_does_not_matter():
    mesh = amr.Mesh(amr.Domain((-5, -5), (5, 5), periodic=False), (32, 32), 8, 1)
    simulation = solvers.Simulation(mesh, solvers.Euler(2), refine=amr.Difference(0.02))
    first, advance = in_calls(simulation, vortex, 1.0)
    whole, parts = advance(first, 6), first
    for rounds in (1, 2, 1, 2):
        parts = advance(parts, rounds)
    assert 16 < int(whole.forest.count) < 64
    assert int(whole.forest.count) == int(parts.forest.count)
    np.testing.assert_array_equal(whole.values, parts.values)


@pytest.mark.usefixtures("no_programs")
def test_one_compilation_serves_a_run():
    solution, _, _ = shock_tube(0, 1, 64, 2, amr.Difference(0.05))
    assert solution.summary.regrids > 10
    assert solution.summary.compilations - solution.summary.growths == 1


@settings(max_examples=5)
@given(
    five=st.sampled_from(FIVE),
    integrator=st.sampled_from([solvers.SSPRK2(), solvers.SSPRK3(), solvers.SSPRK54(), solvers.RK4()]),
)
def test_any_integrator_goes_with_any_reconstruction(five, integrator):
    lines = solvers.MethodOfLines(five, integrator=integrator)
    errors = wave_error(lines, 1, 32, 16, False, 0.25, cfl=0.1)
    assert errors[1] <= 2e-3


@pytest.mark.parametrize(
    ("make", "key", "message"),
    [
        (lambda: solvers.Simulation(line(), solvers.Euler(2)), "type", "was made for ndim=2, the domain has 1"),
        (lambda: solvers.Simulation(line(), solvers.Burgers(), solvers.CTU()), "scheme", "take solvers.MethodOfLines"),
        (
            lambda: solvers.Simulation(line(), solvers.Burgers(), solvers.MethodOfLines(riemann=solvers.HLLC())),
            "riemann",
            "HLLC needs a law with a contact wave",
        ),
        (lambda: solvers.MethodOfLines(bounded=True, integrator=solvers.RK4()), "bounded", "RK4 keeps no bounds"),
        (
            lambda: solvers.Simulation(line(), solvers.Burgers(), solvers.MethodOfLines(bounded=True)),
            "bounded",
            "not those of a law",
        ),
        (
            lambda: solvers.Simulation(line(4), solvers.Burgers(), solvers.MethodOfLines(solvers.WENO5())),
            "patch",
            "use at least 8",
        ),
        (
            lambda: solvers.Simulation(line(), OneRow()),
            "type",
            "flux gives an array of shape",
        ),
        (lambda: solvers.Simulation(line(), Tuple()), "type", "flux gives tuple, no array"),
        (lambda: solvers.Simulation(line(), Turned()), "type", "vectors has \\(7,\\)"),
        (lambda: type("Nameless", (Traffic,), {"names": ()})(), "names", 'such as names = \\("u",\\)'),
        (lambda: solvers.Euler(2, gamma=0.9), "gamma", "above 1"),
    ],
)
def test_choices_that_do_not_fit(make, key, message):
    with pytest.raises(InvalidSettingError, match=message) as caught:
        make()
    assert caught.value.key == key


MISTAKES = """
import amr, solvers
mesh, through = amr.Mesh(amr.Domain(0, 1), 32, 8), amr.Outflow()
box = amr.Mesh(amr.Domain(0, 1, periodic=False), 32, 8)
def at(boundary): return solvers.Simulation(box, solvers.Burgers(), boundary=boundary)
for make in (
    lambda: solvers.Simulation(mesh, solvers.Burgers),
    lambda: solvers.Simulation(mesh, solvers.Burgers(), solvers.WENO5()),
    lambda: solvers.Simulation(mesh, solvers.Burgers(), cfl="fast"),
    lambda: solvers.Simulation(mesh, solvers.ShallowWater(1, bottom=0.1)),
    lambda: solvers.MethodOfLines(solvers.WENO5),
    lambda: solvers.MethodOfLines(integrator=solvers.SSPRK3),
    lambda: at(amr.ByVariable({"u": 1.0})),
    lambda: at(amr.ByVariable([through])),
    lambda: solvers.Simulation(at(amr.Split(0.5, through, through)), solvers.Burgers()),
    lambda: solvers.Simulation(at(amr.GhostFunction(3)), solvers.Burgers()),
):
    try:
        make()
    except amr.InvalidSettingError as error:
        print(error)
"""


def test_mistakes_of_type():
    """In a process of its own, without the type checker of the tests, which would see them first."""
    done = subprocess.run([sys.executable, "-c", MISTAKES], capture_output=True, text=True, check=True)
    found = done.stdout.splitlines()
    starts = [
        "equation: expected",
        "scheme: expected",
        "cfl: expected a number",
        "type: ShallowWater.coefficients fails",
    ]
    starts += ["reconstruction: expected"]
    starts += ["integrator: expected", "boundary: u: expected a boundary", "boundary: expected a dict"]
    starts += ["boundary: where: expected a function", "boundary: function: expected a function"]
    assert len(found) == len(starts)
    assert all(line.startswith(start) for line, start in zip(found, starts, strict=True)), found


def line(patch=8):
    return amr.Mesh(amr.Domain(0, 1), 32, patch, 1)


def test_everything_is_a_pytree():
    simulation = solvers.Simulation(line(), solvers.Euler(1), solvers.MethodOfLines(solvers.WENO5()))
    arrays, static = eqx.partition(simulation, eqx.is_array)
    assert eqx.combine(arrays, static).setup.equation == simulation.setup.equation
    assert hash(eqx.filter(simulation, eqx.is_array, inverse=True).setup.mesh)
