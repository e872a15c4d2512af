"""Arithmetic that does not depend on units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from amr.grid.scale import binary_unit, in_own_unit, length, over_square, quotient, smallest

both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])
REACH = {np.float32: 100, np.float64: 830}  # 2**100 is 1e30, 2**830 is 1e250


@both_precisions
@given(values=st.lists(st.floats(0.1, 10), min_size=1, max_size=5), share=st.floats(-1, 1))
def test_a_unit_is_a_power_of_two_with_its_inverse(dtype, values, share):
    power = int(share * REACH[dtype])
    scaled = [jnp.asarray(v * 2.0**power, dtype) for v in values]
    unit, inverse = binary_unit(*scaled)
    assert np.frexp(unit)[0] == 0.5  # nothing but an exponent
    assert unit * inverse == 1
    assert 1 <= sum(float(inverse * v) for v in scaled) <= 2 * (1 + 1e-6)


@both_precisions
def test_nothing_has_the_unit_one(dtype):
    assert binary_unit(jnp.zeros((), dtype)) == (1, 1)
    _, slope = jax.jvp(lambda v: length(v, v + 1), (jnp.zeros((), dtype),), (jnp.ones((), dtype),))
    assert slope == pytest.approx(1)


@both_precisions
@given(power=st.integers(-99, 99))
def test_lengths_scale(dtype, power):
    power = power * REACH[dtype] // 100
    x, y = (jnp.asarray(v, dtype) for v in (0.3, -1.7))
    assert length(x * 2.0**power, y * 2.0**power) == length(x, y) * 2.0**power
    assert float(length(x, y)) == pytest.approx(np.hypot(0.3, 1.7))


def test_the_square_of_a_width_is_never_made():
    value, width = jnp.asarray([1e20, 3e-25], np.float32), jnp.asarray([1e25, 1e-24], np.float32)
    np.testing.assert_allclose(jax.jit(over_square)(value, width), [1e-30, 3e23], rtol=1e-6)
    np.testing.assert_allclose(jax.jit(lambda v: over_square(v, 1e25))(value[0]), 1e-30, rtol=1e-6)  # a known width


@both_precisions
def test_quotients_have_finite_derivatives(dtype):
    none, one = jnp.zeros((), dtype), jnp.ones((), dtype)
    assert jax.jvp(quotient, (none, none), (one, one)) == (0, 0)
    small = jnp.asarray(4 * smallest(dtype), dtype)
    assert jax.jvp(quotient, (small, small), (one, one)) == (1, 0)
    assert jnp.isfinite(jax.grad(quotient)(none, small))


@both_precisions
def test_products_in_their_own_unit(dtype):
    """A formula that would overflow, or vanish, by itself: here of each line along the second axis."""
    values = jnp.asarray(np.random.default_rng(0).uniform(1, 2, (3, 8)), dtype)
    sizes = jnp.asarray(2.0 ** np.array([[-REACH[dtype]], [0], [REACH[dtype] - 9]]), dtype)

    def cubic(values):
        return values**3 / jnp.square(values[:, ::-1])

    np.testing.assert_array_equal(in_own_unit(cubic, sizes * values, 1), sizes * cubic(values))
