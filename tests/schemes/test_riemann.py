"""Numerical fluxes: consistency, symmetry, the waves they keep, and convergence to exact solutions."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact_riemann import TORO, ExactRiemann
from hypothesis import given, strategies as st
from laws import FITS, LAWS, PAIRS, SOLVERS, bottom, mirrored, name_of, random_sides, random_states

from amr.errors import InvalidSettingError
from solvers.equations.acoustics import Acoustics
from solvers.equations.euler import Euler
from solvers.equations.law import ConservationLaw
from solvers.equations.shallow_water import ShallowWater
from solvers.schemes.riemann import HLL, HLLC, Rusanov, Upwind

seeds = st.integers(0, 2**32 - 2)
with_every_pair = pytest.mark.parametrize(("law", "ndim", "solver"), PAIRS, ids=[name_of(*pair) for pair in PAIRS])
with_both = pytest.mark.parametrize("solver", [HLL(), HLLC()], ids=["HLL", "HLLC"])


@eqx.filter_jit
def compiled(solver, law, left, right, d: int):
    return solver(law, left, right, d)


@with_every_pair
@given(seed=seeds)
def test_equal_states_have_the_flux_of_the_law(law, ndim, solver, seed):
    solver.check(law)
    u = random_states(law, seed)
    for d in range(ndim):
        flux = solver(law, u, u, d)
        assert flux.shape == (len(law.names), *u.shape[1:])
        if isinstance(solver, HLLC | Rusanov):
            np.testing.assert_array_equal(flux, law.flux(u, d))
        np.testing.assert_allclose(flux, law.flux(u, d), rtol=1e-13, atol=1e-13)


@with_every_pair
@given(seed=seeds)
def test_both_sides_are_alike(law, ndim, solver, seed):
    """Through a mirror: what flows right flows left. Burgers' equation has no mirror image without a change of sign."""
    left, right = random_sides(law, seed)
    sign = -1 if law.vectors else 1
    for d in range(ndim):
        image = (mirrored(law, u, d) if law.vectors else -u for u in (right, left))
        flux, other = solver(law, left, right, d), solver(law, *image, d)
        np.testing.assert_allclose(flux, sign * mirrored(law, other, d), rtol=1e-12, atol=1e-12)


@with_every_pair
def test_precision_is_kept(law, ndim, solver):
    left, right = random_sides(law, 5, dtype=np.float32)
    for d in range(ndim):
        flux = solver(law, left, right, d)
        assert flux.dtype == np.float32
        np.testing.assert_allclose(flux, solver(law, *random_sides(law, 5), d), rtol=1e-3, atol=1e-3)


@with_every_pair
def test_derivatives_are_finite(law, ndim, solver):
    u = random_states(law, 6).at[: len(law.names), 0].set(0) if not isinstance(law, Euler) else random_states(law, 6)
    for sides in ((u, u), random_sides(law, 6)):
        slopes = jax.grad(lambda sides: jnp.sum(solver(law, *sides, ndim - 1)))(sides)
        assert all(bool(jnp.all(jnp.isfinite(slope))) for slope in slopes)
        change = jax.jvp(lambda *sides: solver(law, *sides, ndim - 1), sides, jax.tree.map(jnp.ones_like, sides))[1]
        assert bool(jnp.all(jnp.isfinite(change)))
        back = sum(float(slope.sum()) for slope in slopes)
        assert float(change.sum()) == pytest.approx(back, rel=1e-6, abs=1e-6 * float(abs(change).sum()))


def test_a_solver_that_does_not_fit_is_named():
    misfits = [(law, solver) for law, _ in LAWS for solver in SOLVERS if type(solver) not in FITS[type(law)]]
    for law, solver in misfits:
        with pytest.raises(InvalidSettingError, match="take HLL or Rusanov") as error:
            solver.check(law)
        assert error.value.key == "riemann"


def test_a_law_of_ones_own_needs_little():
    class Traffic(ConservationLaw):
        names: tuple[str, ...] = eqx.field(default=("cars",), static=True)

        def flux(self, u, d):
            return u * (1 - u)

        def max_speed(self, u, d):
            return jnp.abs(1 - 2 * u[0])

    left, right = jnp.array([[0.2, 0.9]]), jnp.array([[0.4, 0.3]])
    for solver in (Rusanov(), HLL()):
        np.testing.assert_allclose(solver(Traffic(), left, left, 0), Traffic().flux(left, 0))
        assert solver(Traffic(), left, right, 0).shape == (1, 2)


@with_both
@pytest.mark.parametrize("law", [Euler(2), ShallowWater(2)], ids=["euler", "shallow-water"])
@given(seed=seeds, sign=st.sampled_from([-1, 1]))
def test_faster_than_sound_the_flux_is_upwind(law, solver, seed, sign):
    left, right = (law.primitive(u).at[1].set(sign * 40 + k) for k, u in enumerate(random_sides(law, seed)))
    left, right = law.conserved(left), law.conserved(right)
    np.testing.assert_array_equal(solver(law, left, right, 0), law.flux(left if sign > 0 else right, 0))


@given(seed=seeds, d=st.integers(0, 2))
def test_contacts_at_rest_stay_sharp(seed, d):
    """Any density and any sliding along the contact."""
    rng, law = np.random.default_rng(seed), Euler(3)
    w = rng.uniform(0.1, 2, (2, 5, 16))
    w[:, 1 + d], w[:, -1] = 0, 0.5
    left, right = law.conserved(jnp.asarray(w[0])), law.conserved(jnp.asarray(w[1]))
    expected = np.zeros((5, 16))
    expected[1 + d] = 0.5
    np.testing.assert_allclose(HLLC()(law, left, right, d), expected, atol=1e-14)


def test_contacts_without_sliding_are_kept_to_the_last_bit():
    law = Euler(1, gamma=1.3)
    left, right = (law.conserved(jnp.array([[rho], [0.0], [0.7]])) for rho in (3.1, 0.2))
    np.testing.assert_array_equal(HLLC()(law, left, right, 0)[:, 0], [0, law.pressure(left)[0], 0])


@given(seed=seeds, d=st.integers(0, 1))
def test_sliding_water_stays_sharp(seed, d):
    rng, law = np.random.default_rng(seed), ShallowWater(2)
    u = jnp.zeros((2, 3, 16)).at[:, 0].set(rng.uniform(0.1, 2, 16)).at[:, 2 - d].set(rng.normal(size=(2, 16)))
    flux = HLLC()(law, u[0], u[1], d)
    np.testing.assert_array_equal(flux, law.flux(u[0], d) * (jnp.arange(3) == 1 + d)[:, None].astype(u.dtype))


@pytest.mark.parametrize("solver", [Rusanov(), HLL(), HLLC()], ids=lambda solver: type(solver).__name__)
@given(seed=seeds, rest=st.floats(-0.05, 2), dtype=st.sampled_from([np.float32, np.float64]))
def test_a_lake_at_rest_stays_so(solver, seed, rest, dtype):
    law = ShallowWater(2, bottom=bottom, rest_level=jnp.asarray(rest, dtype))
    bed = jnp.asarray(np.random.default_rng(seed).uniform(-9, -0.1, 16), dtype)
    u = jnp.stack([jnp.full_like(bed, rest), 0 * bed, 0 * bed, bed])
    for d in range(2):
        np.testing.assert_array_equal(compiled(solver, law, u, u, d), 0)


@given(seed=seeds, ndim=st.integers(1, 3))
def test_upwind_takes_each_wave_from_where_it_comes(seed, ndim):
    law = Acoustics(ndim, 0.6, 1.7)
    left, right = random_sides(law, seed)
    for d in range(ndim):
        matrix = np.asarray(jax.jacobian(law.flux)(left[:, 0], d))
        speeds, waves = np.linalg.eig(matrix)
        rightwards = (waves * np.maximum(speeds, 0)) @ np.linalg.inv(waves)
        expected = rightwards @ np.asarray(left) + (matrix - rightwards) @ np.asarray(right)
        np.testing.assert_allclose(Upwind()(law, left, right, d), expected, atol=1e-12)


def godunov(law, solver, u, dx: float, t_end: float, cfl: float = 0.9):
    """First-order scheme in 1D with constant states beyond both ends."""

    def advance(carry):
        u, t = carry
        dt = jnp.minimum(cfl * dx / jnp.max(law.max_speed(u, 0)), t_end - t)
        wide = jnp.concatenate([u[:, :1], u, u[:, -1:]], axis=1)
        flux = solver(law, wide[:, :-1], wide[:, 1:], 0)
        return u.at[: len(law.names)].add(-dt / dx * (flux[:, 1:] - flux[:, :-1])), t + dt

    return jax.jit(lambda u: jax.lax.while_loop(lambda c: c[1] < t_end, advance, (u, jnp.asarray(0.0)))[0])(u)


def centres(cells: int, lower: float, upper: float):
    dx = (upper - lower) / cells
    return lower + dx * (np.arange(cells) + 0.5), dx


def gas_error(problem: str, solver, cells: int, t_end: float) -> float:
    """L1 error of the density relative to its mean, on [-1/2, 1/2]."""
    law, (left, right, *_) = Euler(1), TORO[problem]
    x, dx = centres(cells, -0.5, 0.5)
    w = jnp.asarray(np.where(x < 0, np.array(left)[:, None], np.array(right)[:, None]))
    u = godunov(law, solver, law.conserved(w), dx, t_end)
    assert bool(jnp.all(law.admissible(u)))
    exact = ExactRiemann(left, right)(x / t_end)[0]
    return float(np.mean(np.abs(u[0] - exact)) / np.mean(exact))


@pytest.mark.parametrize("problem", TORO)
def test_exact_solution_is_that_of_toro(problem):
    left, right, pressure, velocity = TORO[problem]
    exact = ExactRiemann(left, right)
    np.testing.assert_allclose(
        [exact.pressure, exact.velocity], [pressure, velocity], rtol=3e-3 if problem == "123" else 1e-5, atol=1e-9
    )
    # Far away the states are as given, and across the contact pressure and velocity are continuous.
    np.testing.assert_allclose(np.array(exact([-1e3, 1e3])).T, [left, right], rtol=1e-14)
    beside = np.array(exact(exact.velocity + np.array([-1e-9, 1e-9])))
    np.testing.assert_allclose(beside[1:, 0], beside[1:, 1], rtol=1e-6, atol=1e-6)


def test_exact_solution_of_a_vacuum_is_refused():
    with pytest.raises(ValueError, match="vacuum"):
        ExactRiemann((1, -10, 1), (1, 10, 1))


def test_sod_converges_with_every_solver():
    errors = {type(s): [gas_error("sod", s, n, 0.2) for n in (100, 400)] for s in (Rusanov(), HLL(), HLLC())}
    for coarse, fine in errors.values():
        assert fine < 0.5 * coarse < 0.03
    assert errors[HLLC][1] < errors[HLL][1] < errors[Rusanov][1]


@with_both
@pytest.mark.parametrize(
    ("problem", "t_end", "most"),
    [("123", 0.15, 0.08), ("blast", 0.012, 0.25), ("blast-from-right", 0.035, 0.25), ("collision", 0.02, 0.1)],
)
def test_hard_problems_of_toro(solver, problem, t_end, most):
    assert gas_error(problem, solver, 400, t_end) < most


@with_both
def test_dam_break_over_dry_land(solver):
    """Ritter's solution: `h = (2 c - x/t)^2 / (9 g)` for -c < x/t < 2 c, with c the speed of waves behind the dam."""
    law, t_end = ShallowWater(1, gravity=1.0), 0.25
    errors = []
    for cells in (200, 800):
        x, dx = centres(cells, -1, 1)
        u = godunov(law, solver, jnp.stack([jnp.asarray(np.where(x < 0, 1.0, 0.0)), jnp.zeros(cells)]), dx, t_end, 0.45)
        assert bool(jnp.all(law.depth(u) >= 0))
        exact = (2 - np.clip(x / t_end, -1, 2)) ** 2 / 9
        errors.append(float(np.mean(np.abs(u[0] - exact))))
    assert errors[1] < 0.5 * errors[0] < 0.02


def test_sound_crosses_one_cell_a_step_unharmed():
    """At a Courant number of 1 the upwind scheme is exact: both simple waves move on by a cell a step."""
    law, solver = Acoustics(1, density=2.0, sound_speed=0.5), Upwind()
    rng = np.random.default_rng(0)
    to_right, to_left = rng.normal(size=(2, 40))
    u = jnp.asarray(np.stack([to_right + to_left, to_right - to_left]))  # the impedance is 1
    moved = godunov(law, solver, u, dx=0.5, t_end=5.0, cfl=1.0)
    expected = np.stack([to_right[5:25] + to_left[15:35], to_right[5:25] - to_left[15:35]])
    np.testing.assert_allclose(moved[:, 10:30], np.roll(expected, 0, 1), atol=1e-12)
