"""Runge-Kutta methods: their tables, their orders, and what the form of the stages keeps exactly."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from plain_integrator import step

from solvers.integrators.explicit import RK4, SSPRK2, SSPRK3, SSPRK54, ForwardEuler, Integrator, Stage

METHODS = (ForwardEuler(), SSPRK2(), SSPRK3(), SSPRK54(), RK4())
all_methods = pytest.mark.parametrize("method", METHODS, ids=str)


def tableau(method):
    """Butcher's A and b, from a step where the changes of the stages are the unit vectors."""
    changes, rows = iter(np.eye(len(method.stages))), []

    def rhs(u, t):
        rows.append(np.asarray(u))
        return jnp.asarray(next(changes))

    weights = step(method, rhs, jnp.zeros(len(method.stages)), 0.0, 1.0)
    return np.array(rows), np.asarray(weights)


def growing(u, t):
    return u * u * jnp.cos(t)  # u = 1 / (1 / u0 - sin t)


@functools.partial(jax.jit, static_argnums=(0, 2))
def integrated(method, u, steps, end):
    dt = end / steps
    return jax.lax.fori_loop(0, steps, lambda i, u: step(method, growing, u, i * dt, dt), u)


@all_methods
def test_order_conditions(method):
    a, b = tableau(method)
    c = a.sum(axis=1)
    conditions = (
        (1, b.sum(), 1),
        (2, b @ c, 1 / 2),
        (3, b @ c**2, 1 / 3),
        (3, b @ a @ c, 1 / 6),
        (4, b @ c**3, 1 / 4),
        (4, b @ (c * (a @ c)), 1 / 8),
        (4, b @ a @ c**2, 1 / 12),
        (4, b @ a @ a @ c, 1 / 24),
    )
    for order, value, expected in conditions:
        assert order > method.order or value == pytest.approx(expected, abs=1e-14)
    assert any(value != pytest.approx(expected) for order, value, expected in conditions) or method.order == 4


@all_methods
def test_times_are_where_the_stages_lie(method):
    a, _ = tableau(method)
    np.testing.assert_allclose(method.times, a.sum(axis=1), rtol=0, atol=1e-15)
    assert method.times[0] == 0
    assert not np.triu(a).any()


@all_methods
def test_observed_order(method):
    def error(steps):
        return abs(integrated(method, jnp.asarray(0.5), steps, 1.5) - 1 / (2 - np.sin(1.5)))

    order = np.log2(error(64) / error(128))
    assert order == pytest.approx(method.order, abs=0.15)


@given(u=st.floats(0.1, 1), t=st.floats(0, 2), dt=st.floats(0.01, 0.5))
def test_textbook_forms(u, t, dt):
    def change(u, c):
        return dt * u * u * np.cos(t + c * dt)

    one = u + change(u, 0)
    assert_step(ForwardEuler(), u, t, dt, one)
    assert_step(SSPRK2(), u, t, dt, 0.5 * (u + one + change(one, 1)))

    two = 3 / 4 * u + 1 / 4 * (one + change(one, 1))
    assert_step(SSPRK3(), u, t, dt, 1 / 3 * u + 2 / 3 * (two + change(two, 0.5)))

    k1 = change(u, 0)
    k2 = change(u + k1 / 2, 0.5)
    k3 = change(u + k2 / 2, 0.5)
    k4 = change(u + k3, 1)
    assert_step(RK4(), u, t, dt, u + (k1 + 2 * k2 + 2 * k3 + k4) / 6)

    assert_step(SSPRK54(), u, t, dt, spiteri_ruuth(u, change, SSPRK54().times))


def spiteri_ruuth(u, change, c):
    """As printed."""
    u1 = u + 0.391752226571890 * change(u, c[0])
    u2 = 0.444370493651235 * u + 0.555629506348765 * u1 + 0.368410593050371 * change(u1, c[1])
    u3 = 0.620101851488403 * u + 0.379898148511597 * u2 + 0.251891774271694 * change(u2, c[2])
    u4 = 0.178079954393132 * u + 0.821920045606868 * u3 + 0.544974750228521 * change(u3, c[3])
    return (
        0.517231671970585 * u2
        + 0.096059710526147 * u3
        + 0.063692468666290 * change(u3, c[3])
        + 0.386708617503269 * u4
        + 0.226007483236906 * change(u4, c[4])
    )


def assert_step(method, u, t, dt, expected):
    np.testing.assert_allclose(step(method, growing, jnp.asarray(u), t, dt), expected, rtol=1e-13)


def test_strong_stability():
    for method in ForwardEuler(), SSPRK2(), SSPRK3():
        assert method.forward_ratio == 1
    assert 1 / SSPRK54().forward_ratio == pytest.approx(1.508180049)
    assert RK4().forward_ratio is None


def test_shares_that_exceed_one_are_no_combination():
    class Extrapolated(Integrator):
        stages = (Stage(1.0, 1.0, saved=0.7), Stage(0.5, 0.5))
        order = 1

    assert Extrapolated().forward_ratio is None


@pytest.mark.parametrize("method", [m for m in METHODS if m.forward_ratio], ids=str)
def test_donor_cell_is_monotone_up_to_the_strong_stability_bound(method):
    u = jnp.asarray(np.repeat([0.0, 1.0, 0.0], 12))
    for _ in range(10):
        u = step(method, lambda u, t: jnp.roll(u, 1) - u, u, 0.0, 1 / method.forward_ratio)
        assert u.min() >= -1e-14
        assert u.max() <= 1 + 1e-14


def test_only_some_need_a_register():
    assert [method.uses_register for method in METHODS] == [False, False, False, True, True]


@all_methods
@given(value=st.floats(-1e30, 1e30))
def test_constants_are_kept_exactly(method, value):
    u = jnp.full(7, value)
    assert (step(method, lambda u, t: jnp.roll(u, 1) - u, u, 0.3, 0.7) == u).all()


@all_methods
def test_conservation(method):
    u = jnp.asarray(np.random.default_rng(0).uniform(0, 1, 64))
    end = step(method, lambda u, t: jnp.roll(u, 1) ** 2 - u**2, u, 0.0, 0.3)
    assert abs(end.sum() - u.sum()) < 2e-14


@all_methods
def test_single_precision_is_kept(method):
    u = step(method, lambda u, t: -u, jnp.ones(3, jnp.float32), jnp.float32(0), jnp.float32(0.1))
    assert u.dtype == jnp.float32


def test_methods_are_static_values():
    assert SSPRK3() == SSPRK3()
    assert SSPRK3() != SSPRK2()
    assert {SSPRK3(), SSPRK3()} == {SSPRK3()}
    assert not jax.tree.leaves(METHODS)
