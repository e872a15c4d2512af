"""What the laws say about themselves, for random states."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from laws import LAWS, bottom, exchanged, name_of, random_primitive, random_states

from amr.errors import InvalidSettingError
from solvers.equations.acoustics import Acoustics
from solvers.equations.burgers import Burgers
from solvers.equations.euler import Euler
from solvers.equations.shallow_water import ShallowWater
from solvers.equations.transport import Place
from solvers.schemes.riemann import HLL, HLLC, Rusanov

seeds = st.integers(0, 2**32 - 2)
with_every_law = pytest.mark.parametrize(("law", "ndim"), LAWS, ids=[name_of(*case) for case in LAWS])


@with_every_law
@given(seed=seeds)
def test_conserved_and_primitive_are_inverse(law, ndim, seed):
    w = random_primitive(law, seed)
    u = law.conserved(w)
    np.testing.assert_allclose(law.primitive(u), w, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(law.conserved(law.primitive(u)), u, rtol=1e-13, atol=1e-13)
    assert len(law.given) == len(law.names) == len(law.flux(u, 0))
    allowed = law.admissible(u)
    assert allowed is None or bool(jnp.all(allowed))


@eqx.filter_jit
def jacobians(law, u, d: int):
    return jax.vmap(lambda u: jax.jacobian(law.flux)(u, d), 1)(u)


@with_every_law
@given(seed=seeds)
def test_speeds_are_the_extreme_eigenvalues(law, ndim, seed):
    u, n = random_states(law, seed), len(law.names)
    for d in range(ndim):
        slow, fast = law.speeds(u, d)
        waves = np.linalg.eigvals(np.asarray(jacobians(law, u, d))[:, :, :n])
        # A multiple eigenvalue has defective neighbours: it is found to the root of the precision only.
        np.testing.assert_allclose(waves.imag, 0, atol=1e-6)
        np.testing.assert_allclose([slow, fast], [waves.real.min(1), waves.real.max(1)], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(law.max_speed(u, d), np.maximum(np.abs(slow), np.abs(fast)))


@with_every_law
@given(seed=seeds)
def test_all_dimensions_are_alike(law, ndim, seed):
    u = random_states(law, seed)
    for d in range(ndim):
        turned = exchanged(law, law.flux(exchanged(law, u, d), 0), d)
        np.testing.assert_allclose(law.flux(u, d), turned, rtol=1e-13, atol=1e-13)


@with_every_law
def test_precision_is_kept(law, ndim):
    u = random_states(law, 1, dtype=np.float32)
    assert u.dtype == law.primitive(u).dtype == np.float32
    for d in range(ndim):
        given = [law.flux(u, d), law.max_speed(u, d), *law.speeds(u, d)]
        assert all(value.dtype == np.float32 for value in given)


@with_every_law
def test_single_points_and_blocks(law, ndim):
    u = random_states(law, 2, (2, 3, 4))
    for d in range(ndim):
        np.testing.assert_array_equal(law.flux(u, d)[:, 1, 2, 3], law.flux(u[:, 1, 2, 3], d))
        assert law.max_speed(u, d).shape == (2, 3, 4)


@with_every_law
def test_dimensions_are_checked(law, ndim):
    law.check(ndim)
    if not isinstance(law, Burgers):
        with pytest.raises(InvalidSettingError, match=f"the domain has {ndim % 3 + 1}"):
            law.check(ndim % 3 + 1)


@pytest.mark.parametrize(
    ("key", "make"),
    [
        ("names", lambda: Burgers(())),
        ("names", lambda: Burgers(("u", "u"))),
        ("ndim", lambda: Euler(4)),
        ("ndim", lambda: Euler(2.5)),
        ("ndim", lambda: ShallowWater(3)),
        ("gamma", lambda: Euler(1, gamma=1)),
        ("gamma", lambda: Euler(1, gamma=float("nan"))),
        ("gravity", lambda: ShallowWater(1, gravity=0)),
        ("rest_level", lambda: ShallowWater(1, rest_level=float("inf"))),
        ("dry_depth", lambda: ShallowWater(1, dry_depth=-1)),
        ("density", lambda: Acoustics(1, density=0)),
        ("sound_speed", lambda: Acoustics(1, sound_speed=jnp.asarray(-1.0))),
    ],
)
def test_wrong_settings(key, make):
    with pytest.raises(InvalidSettingError) as error:
        make()
    assert error.value.key == key


@pytest.mark.parametrize("make", [lambda x: Euler(2, x), lambda x: ShallowWater(2, x), lambda x: Acoustics(2, x, 2.0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_have_derivatives(make, dtype):
    def total(x):
        law = make(x)
        u = random_states(make(1.5), 3, dtype=dtype)
        return jnp.sum(law.flux(u, 1) ** 2) + jnp.sum(law.max_speed(u, 0))

    x, h = 1.5, 1e-6
    derivative = jax.grad(lambda x: total(x).astype(np.float64))(x)
    if dtype == np.float64:
        np.testing.assert_allclose(derivative, (total(x + h) - total(x - h)) / (2 * h), rtol=1e-6)
    # Given as arrays they do not change the precision either.
    assert total(jnp.asarray(x, np.float64)).dtype == dtype


def test_gas_at_the_edge():
    law = Euler(1)
    u = jnp.array([[1.0, 1.0, -1.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(law.admissible(u), [True, False, False])
    assert bool(jnp.all(jnp.isfinite(law.max_speed(u, 0))))
    assert bool(jnp.all(jnp.isfinite(jax.grad(lambda u: jnp.sum(law.sound_speed(u)))(u))))
    np.testing.assert_allclose(law.pressure(u)[0], 0.4)
    np.testing.assert_allclose(law.sound_speed(u)[0], np.sqrt(1.4 * 0.4))


@pytest.mark.parametrize("bed", [None, bottom])
def test_dry_land_does_not_move(bed):
    law = ShallowWater(2, bottom=bed)
    rows = 3 + (bed is not None)
    u = jnp.zeros((rows, 3)).at[1].set(1e-7).at[0].set(jnp.array([0.0, 1e-9, 1.0]))
    np.testing.assert_array_equal(law.primitive(u)[1], [0, 0, 1e-7])
    np.testing.assert_array_equal(law.flux(u, 0)[0, :2], 0)
    slopes = jax.grad(lambda u: jnp.sum(law.max_speed(u, 0)) + jnp.sum(law.flux(u, 0)))(u)
    assert bool(jnp.all(jnp.isfinite(slopes)))


def place_of(law, x, slopes):
    return Place(x, tuple(jnp.ones(1) for _ in x), jnp.asarray(0.0), slopes, jnp.asarray(0.1))


@given(seed=seeds, ndim=st.integers(1, 2), rest=st.floats(0, 2), dtype=st.sampled_from([np.float32, np.float64]))
def test_a_lake_at_rest_has_neither_flux_nor_source(seed, ndim, rest, dtype):
    rng = np.random.default_rng(seed)
    law = ShallowWater(ndim, bottom=bottom, rest_level=jnp.asarray(rest, dtype))
    bed = jnp.asarray(rng.uniform(-9, -0.1, 16), dtype)
    u = jnp.stack([jnp.full_like(bed, rest), *[jnp.zeros_like(bed)] * ndim, bed])
    slopes = jnp.asarray(rng.normal(size=(1, ndim, 16)), dtype)
    for d in range(ndim):
        np.testing.assert_array_equal(law.flux(u, d), 0)
    np.testing.assert_array_equal(law.source(u, place_of(law, (bed,) * ndim, slopes)), 0)


def test_balanced_form_is_the_physical_one():
    """Fluxes and what the ground pushes together are `-d (h v^2 + g h^2 / 2) / dx - g h db/dx`, to second order."""
    law = ShallowWater(1, gravity=1.7, bottom=bottom, rest_level=0.4)
    x = jnp.linspace(0, 3, 7)

    def state(x):
        return jnp.stack([1 + 0.2 * jnp.cos(3 * x), jnp.sin(2 * x), *law.coefficients(x)])

    def physical(x):
        eta, q, b, _ = state(x)
        return q**2 / (eta - b) + 0.5 * 1.7 * (eta - b) ** 2

    def slope(function):
        return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]

    def pushed(dx):
        ground = [jnp.stack(law.coefficients(x + end * dx / 2)) for end in (-1, 1)]
        above = law.pushes(state(x - dx), state(x), ground[0], 0)[1]
        below = law.pushes(state(x), state(x + dx), ground[1], 0)[0]
        np.testing.assert_array_equal([above[0], below[0]], 0)
        return (below - above)[1] / dx - slope(lambda x: law.flux(state(x), 0)[1])

    expected = -slope(physical) - 1.7 * law.depth(state(x)) * slope(lambda x: law.coefficients(x)[0])
    errors = [np.abs(pushed(dx) - expected).max() for dx in (0.02, 0.01)]
    assert errors[1] < 0.26 * errors[0] < 1e-4
    assert ShallowWater(1).source(state(x)[:2], place_of(law, (x,), jnp.zeros((0, 1, 7)))) is None


@example(seed=153, level=-0.3, land=True, dtype=np.float32)  # ground above the water between two cells under it
@given(
    seed=seeds,
    level=st.sampled_from([-0.3, 0.0, 0.7]),
    land=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_still_water_and_dry_land_are_pushed_nowhere(seed, level, land, dtype):
    """A level surface over any ground, in the cells of a line: between what crosses faces and what the ground pushes
    nothing is left, in a lake at the rest level to the last bit."""
    rng = np.random.default_rng(seed)
    law = ShallowWater(1, bottom=bottom, rest_level=jnp.asarray(level, dtype) if land else None)
    ground = jnp.asarray(rng.uniform(-2, 2, 33), dtype)
    rows = [jnp.maximum(ground, jnp.asarray(level, dtype)), 0 * ground]
    behind = [jnp.minimum(ground, jnp.asarray(level, dtype)), ground] if land else [ground]
    w = jnp.stack([*rows, *behind])
    u, faces = law.conserved(w)[:, ::2], w[2:, 1::2]
    cells = [u[:, k : k + 14] for k in range(4)]
    states = [jnp.concatenate([law.primitive(cell)[:2], faces[:, 1:15]]) for cell in cells[1:3]]
    left, right = law.met(*map(law.conserved, states), cells)
    below, above = law.pushes(*cells[1:3], faces[:, 1:15], 0)
    for solver in (Rusanov(), HLL(), HLLC()):
        flux = solver(law, left, right, 0)
        np.testing.assert_array_equal(flux[0], 0)
        left_over = (below - flux)[1, 1:] - (above - flux)[1, :-1]
        np.testing.assert_allclose(left_over, 0, atol=0 if land else 400 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(law.primitive(u)[0], rows[0][::2])
