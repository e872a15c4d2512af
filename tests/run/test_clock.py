"""The clock of a run on bare numbers: it agrees with the sum of the steps, and meets the times that it is to meet."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from jax import lax

from solvers.run.clock import Clock, Instant, land_on, later

BOTH = pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])


def clock(time, dt):
    return Clock(time, dt, jnp.ones_like(dt), jnp.zeros_like(dt))


@functools.partial(jax.jit, static_argnums=0)
def summed(steps: int, start, dt, stop):
    """Time and rest after so many steps of one length."""

    def one(_, now):
        time, rest = later(now, dt, Instant.of(stop))
        return Clock(time, dt, now.rate, rest)

    return lax.fori_loop(0, steps, one, clock(start, dt))


@jax.jit
def steps_to(stops, dt):
    """How many steps it takes to meet one time after the other, and the longest of them."""

    def to(carry, stop):
        def one(carry):
            now, steps, most = carry
            step = land_on(dt, now, Instant.of(stop))
            time, rest = later(now, step, Instant.of(stop))
            return Clock(time, dt, now.rate, rest), steps + 1, jnp.maximum(most, step)

        carry = lax.while_loop(lambda carry: carry[0].time < stop, one, carry)
        return carry, carry[0].time

    start = (clock(jnp.zeros_like(dt), dt), 0, jnp.zeros_like(dt))
    (_, steps, most), met = lax.scan(to, start, stops)
    return steps, most, met


@BOTH
@pytest.mark.parametrize("start", [0.0, 1e4, -7.0])
def test_a_million_steps_are_as_long_as_their_sum(dtype, start):
    steps, dt = 1_000_000, jnp.asarray(0.0171715, dtype)
    far = jnp.asarray(1e9, dtype)
    now = summed(steps, jnp.asarray(start, dtype), dt, far)
    exact = np.longdouble(start) + steps * np.longdouble(np.asarray(dt))
    lacks = exact - (np.longdouble(np.asarray(now.time)) + np.longdouble(np.asarray(now.rest)))
    # Steps are known to a rounding of their own, whatever the time is.
    assert abs(lacks) < steps * 1e-3 * np.finfo(dtype).eps * float(dt)
    assert abs(float(now.rest)) <= np.spacing(np.asarray(now.time))


@given(per_output=st.integers(1, 40), outputs=st.integers(1, 12), unit=st.sampled_from([0.1, 0.3, 1 / 3, 1e-3, 7.0]))
def test_equal_steps_between_outputs_are_taken_as_they_are(per_output, outputs, unit):
    """A step of 0.01 and outputs every 0.1: ten steps for each, whatever either is rounded to."""
    stops = jnp.asarray([unit * k for k in range(1, 13)]).at[outputs:].set(unit * outputs)
    dt = jnp.asarray(unit / per_output)
    steps, most, met = steps_to(stops, dt)
    assert int(steps) == per_output * outputs
    assert float(most) <= float(dt) * (1 + 1e-6)
    assert (met == stops).all()


@BOTH
def test_a_step_is_never_stretched_by_more_than_a_millionth(dtype):
    """In single precision a rounding of the time may be a good part of a step."""
    now = clock(jnp.asarray(1000.0, dtype), jnp.asarray(1e-3, dtype))
    for left in (1.5e-3, 1.0001e-3, 2e-3, 0.5e-3):
        step = land_on(now.dt, now, Instant.of(now.time + jnp.asarray(left, dtype)))
        assert float(step) <= float(now.dt) * (1 + 2e-6)


@BOTH
@pytest.mark.parametrize("start", [0.0, 1e4, 1e6])
def test_a_run_is_as_long_as_from_its_start_to_its_end(dtype, start):
    """Also where single precision can say neither."""
    start, length, dt = start + 0.3, 1.1, jnp.asarray(0.0171715, dtype)
    begin, stop = (Instant.put(time, np.dtype(dtype)) for time in (start, start + length))
    now, moved = Clock(begin.time, dt, jnp.ones_like(dt), begin.rest), np.longdouble(0)
    while now.before(stop):
        step = land_on(dt, now, stop)
        moved += np.longdouble(np.asarray(step))
        time, rest = later(now, step, stop)
        now = Clock(time, dt, now.rate, rest)
    known = np.finfo(dtype).eps if dtype == jnp.float32 else 2 * np.spacing(start)
    assert abs(moved - length) < 4 * max(known, np.spacing(start + length))
    assert (now.time, now.rest) == (stop.time, stop.rest)
