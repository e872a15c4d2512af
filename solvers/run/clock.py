"""Choosing the time step on the device."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from amr.grid import added

Scalar = Float[Array, ""]

GROWTH = 1.25  # a step is at most this much longer than the one before
STRETCH = 1e-6  # of a step at most, to meet a time
FIRST = 0.01  # a flow that starts from rest is looked at after this part of the run


class Instant(eqx.Module):
    """A time to be met, to twice the precision of the data: `time`, and the `rest` that it lacks by rounding."""

    time: Scalar
    rest: Scalar

    @classmethod
    def of(cls, time: Scalar) -> "Instant":
        """One that the data's precision can say."""
        return cls(time, jnp.zeros_like(time))

    @classmethod
    def put(cls, time: float, dtype: np.dtype) -> "Instant":
        """One that the host knows in double precision, for the device."""
        rounded = np.asarray(time, dtype)
        return cls(*jax.device_put((rounded, np.asarray(time - float(rounded), dtype))))


class Clock(eqx.Module):
    """Where a run is in time.

    **Attributes:**

    - `time`: of the data.
    - `dt`: the step that the Courant number and the step before allowed, before it was cut to meet an output time.
    - `rate`: what limits the step, such as how many cells the fastest signal crosses per unit of time: that of a given
      flow halfway through the last step, that of a law in the state before it.
    - `rest`: what `time` lacks by rounding: in single precision a clock without it is wrong by cells after some
      thousand steps, since all that moves has moved for the sum of the steps.
    """

    time: Scalar
    dt: Scalar
    rate: Scalar
    rest: Scalar

    def before(self, stop: Instant) -> Bool[Array, ""]:
        """Whether `stop` is still to come."""
        return self.left(stop) > 0

    def left(self, stop: Instant) -> Scalar:
        """The time to `stop`."""
        return (stop.time - self.time) + (stop.rest - self.rest)


def courant_step(cfl: float, rate: Scalar) -> Scalar:
    """The step in which a signal that crosses `rate` cells per unit of time crosses `cfl` cells."""
    return cfl / jnp.maximum(rate, jnp.finfo(rate.dtype).tiny * 1e6)


def first_clock(cfl: float, time: Scalar, span: Scalar, rate: Scalar) -> Clock:
    """The clock of a run of length `span` whose fastest signal crosses `rate` cells per unit of time at the start."""
    most = jnp.where(span > 0, span, jnp.inf)
    dt = jnp.where(rate > 0, jnp.minimum(courant_step(cfl, rate), most), jnp.where(span > 0, FIRST * span, 1))
    return Clock(time, dt, rate, jnp.zeros_like(time))


def trial_step(cfl: float, clock: Clock) -> Scalar:
    """The next step as far as the present rate and the step before allow."""
    return jnp.minimum(GROWTH * clock.dt, courant_step(cfl, clock.rate))


def land_on(dt: Scalar, clock: Clock, stop: Instant) -> Scalar:
    """Shorten a step so that the run meets `stop` exactly, without a tiny last step. A step that lacks no more than
    rounding is made longer instead, or a run of 0.01 would take 0.01, 0.005, 0.005 in the place of 0.01, 0.01."""
    left = clock.left(stop)
    rounding = jnp.minimum(4 * jnp.finfo(dt.dtype).eps * jnp.abs(stop.time), STRETCH * dt)
    return jnp.where(dt >= left - rounding, left, jnp.where(2 * dt > left, 0.5 * left, dt))


def later(clock: Clock, dt: Scalar, stop: Instant) -> tuple[Scalar, Scalar]:
    """The time after a step and what it lacks; exactly `stop` if the step was cut to meet it."""
    time, rest = added((clock.time, clock.rest), (dt, jnp.zeros_like(dt)))
    both = time + rest
    landed = dt >= clock.left(stop)
    return jnp.where(landed, stop.time, both), jnp.where(landed, stop.rest, rest - (both - time))
