"""The rival: a uniform-grid code for ADV2D, written by hand for this one problem as fast as JAX lets it be.

It has the scheme of `solvers.CTU` (corner transport upwind, monotized-central slopes, fluxes clipped to the bounds of
the initial values) and its time steps, but nothing else: one array, a ghost layer by concatenation, rates of the flow
stored once, and the scalars of a step computed one step ahead. The pool of patches without refinement does the same
arithmetic and is compared with it. Storing any of the stages in between (tried with branches that XLA cannot see
through, as `optimization_barrier` is dropped on the CPU) gains nothing here.
"""

from __future__ import annotations

import functools
import time as clock
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from solvers.run.clock import FIRST, Clock, courant_step, first_clock, land_on, later, trial_step
from solvers.run.compiling import compiled
from solvers.schemes.ctu import THIN

CFL = 0.9
GHOST = 2


class Result(NamedTuple):
    """What a run gives: the field at the end, its steps, the seconds they took."""

    field: jax.Array
    steps: int
    seconds: float


def run(n: int, t_end: float, dtype="float64") -> Result:
    """ADV2D on `n` x `n` cells."""
    program, arguments = _compiled(n, jnp.dtype(dtype), t_end)
    started = clock.perf_counter()
    u, steps = jax.block_until_ready(program(*arguments))
    return Result(u, int(steps), clock.perf_counter() - started)


@functools.cache
def _compiled(n: int, dtype, t_end: float):
    x = (jnp.arange(n, dtype=dtype) + 0.5) / n
    u = 1 + jnp.exp(-((x[:, None] - 0.5) ** 2 + (x - 0.75) ** 2) / 0.01)
    rates = _rates(n, dtype)
    arguments = (u, rates, jnp.asarray(t_end, dtype))
    return compiled(jax.jit(_advance), *arguments), arguments


def _rates(n: int, dtype):
    """Cells that the flow, its amplitude apart, crosses per unit of time at the faces between ghosted cells."""
    node = jnp.arange(-GHOST, n + GHOST + 1, dtype=dtype) / n
    psi = jnp.sin(jnp.pi * node[:, None]) ** 2 * jnp.sin(jnp.pi * node) ** 2 / jnp.pi
    return -(psi[1:-1, 1:] - psi[1:-1, :-1]) * n * n, (psi[1:, 1:-1] - psi[:-1, 1:-1]) * n * n


def _amplitude(time):
    return jnp.cos(jnp.pi * time / 2)


def _advance(u, rates, t_end):
    """All steps from time 0 to `t_end`."""
    bounds = u.min(), u.max()
    fastest = jnp.maximum(abs(rates[0]).max(), abs(rates[1]).max())
    start = jnp.zeros_like(t_end)
    first = fastest * jnp.maximum(_amplitude(start), jnp.abs(_amplitude(FIRST * t_end)))
    now = first_clock(CFL, start, t_end, first)

    def one(carry):
        u, _, (now, factor), steps = carry
        return _step(u, rates, factor, bounds), now, _planned(fastest, now, t_end), steps + 1

    carry = (u, now, _planned(fastest, now, t_end), jnp.zeros((), jnp.int32))
    u, _, _, steps = lax.while_loop(lambda carry: carry[1].time < t_end, one, carry)
    return u, steps


def _planned(fastest, now: Clock, t_end):
    """The clock after the next step and the factor that turns rates into Courant numbers during it."""
    from solvers.run.clock import Instant  # not above: earlier commits have none, with which this one is compared

    trial, stop = trial_step(CFL, now), Instant.of(t_end)
    cut = land_on(trial, now, stop)
    rate = fastest * jnp.abs(_amplitude(now.time + 0.5 * cut))
    limit = courant_step(CFL, rate)
    dt = jnp.minimum(cut, limit)
    dt = jnp.where(dt < cut, land_on(dt, now, stop), dt)
    time, rest = later(now, dt, stop)
    after = Clock(time, jnp.minimum(trial, limit), rate, rest)
    return after, dt * _amplitude(now.time + 0.5 * dt)


def _step(u, rates, factor, bounds):
    """One step: `a` and `b` are the Courant numbers at faces along x and y, `f` and `g` what crosses those faces."""
    u = lax.optimization_barrier(_ghosted(u))
    a, b = factor * rates[0], factor * rates[1]
    monotone = _monotone(u, a, b)
    f, g = _transport(u[1:-1, 1:-1], *_slopes(u), a[1:-1, 1:-1], b[1:-1, 1:-1])
    f, g = _clipped(a, b, *monotone, f, g, *_room(u, a, b, *monotone, bounds))
    return u[2:-2, 2:-2] - (f[1:] - f[:-1]) - (g[:, 1:] - g[:, :-1])


def _ghosted(u):
    u = jnp.concatenate([u[-GHOST:], u, u[:GHOST]], axis=0)
    return jnp.concatenate([u[:, -GHOST:], u, u[:, :GHOST]], axis=1)


def _monotone(u, a, b):
    """First-order transport through all faces with neighbours on both sides of them: the mean over both orders."""
    f_first, g_last = _in_turn(u, a, b, _along_x, _along_y)
    g_first, f_last = _in_turn(u, b, a, _along_y, _along_x)
    return 0.5 * (f_first[:, 1:-1] + f_last), 0.5 * (g_first[1:-1] + g_last)


def _in_turn(u, a, b, first, second):
    """Upwind transport in one direction and, of what is left and with its density, in the other."""
    below, above, inner = first(u)
    flux = a * jnp.where(a > 0, below, above)
    lower, upper, _ = first(flux)
    slower, faster, _ = first(a)
    density = jnp.maximum(1 - (faster - slower), THIN)
    left = (inner - (upper - lower)) / density
    below, above, _ = second(left)
    across = first(b)[2]
    return flux, across * jnp.where(across > 0, below, above)


def _along_x(v):
    return v[:-1], v[1:], v[1:-1]


def _along_y(v):
    return v[:, :-1], v[:, 1:], v[:, 1:-1]


def _into_x(u, state, a):
    """Half of what a step's flow along x takes from the cells, but for the divergence of the flow."""
    middle = u[1:-1]
    return 0.5 * (a[1:] * (state[1:] - middle) - a[:-1] * (state[:-1] - middle))


def _into_y(u, state, b):
    middle = u[:, 1:-1]
    return 0.5 * (b[:, 1:] * (state[:, 1:] - middle) - b[:, :-1] * (state[:, :-1] - middle))


def _slopes(u):
    inner = u[1:-1, 1:-1]
    along_x = _limited(inner - u[:-2, 1:-1], u[2:, 1:-1] - inner)
    return along_x, _limited(inner - u[1:-1, :-2], u[1:-1, 2:] - inner)


def _limited(left, right):
    """Monotized central."""
    central = 0.5 * (left + right)
    rising = jnp.minimum(central, 2 * jnp.minimum(left, right))
    falling = jnp.maximum(central, 2 * jnp.maximum(left, right))
    return jnp.maximum(rising, 0) + jnp.minimum(falling, 0)


def _transport(u, slope_x, slope_y, a, b):
    """Second-order transport through all faces with neighbours on both sides of them."""
    across_x = _traced(u[:-1], u[1:], slope_x[:-1], slope_x[1:], a)
    across_y = _traced(u[:, :-1], u[:, 1:], slope_y[:, :-1], slope_y[:, 1:], b)
    for_x, for_y = u[:, 1:-1] - _into_y(u, across_y, b), u[1:-1] - _into_x(u, across_x, a)
    a, b, slope_x, slope_y = a[:, 1:-1], b[1:-1], slope_x[:, 1:-1], slope_y[1:-1]
    f = a * _traced(for_x[:-1], for_x[1:], slope_x[:-1], slope_x[1:], a)
    g = b * _traced(for_y[:, :-1], for_y[:, 1:], slope_y[:, :-1], slope_y[:, 1:], b)
    return f, g


def _traced(low, high, slope_low, slope_high, courant):
    """The upwind state of a face, half a step on."""
    from_low = low + 0.5 * (1 - courant) * slope_low
    return jnp.where(courant > 0, from_low, high - 0.5 * (1 + courant) * slope_high)


def _room(u, a, b, f, g, bounds):
    """How much each cell may gain and lose beyond the monotone transports, for a face's Courant number of one."""
    monotone = u[1:-1, 1:-1] - (f[1:] - f[:-1]) - (g[:, 1:] - g[:, :-1])
    a, b = jnp.abs(a[:, 1:-1]), jnp.abs(b[1:-1])
    share = 1 / jnp.maximum(a[:-1] + a[1:] + b[:, :-1] + b[:, 1:], jnp.finfo(u.dtype).tiny)
    return share * (bounds[1] - monotone), share * (bounds[0] - monotone)


def _clipped(a, b, low_f, low_g, f, g, above, below):
    """Transports moved towards the monotone ones where a cell would leave the bounds."""
    up, down = above[:, 1:-1], below[:, 1:-1]
    f = _between(f, low_f[1:-1, 1:-1], a[1:-1, 2:-2], (up[:-1], down[:-1]), (up[1:], down[1:]))
    up, down = above[1:-1], below[1:-1]
    return f, _between(g, low_g[1:-1, 1:-1], b[2:-2, 1:-1], (up[:, :-1], down[:, :-1]), (up[:, 1:], down[:, 1:]))


def _between(flux, safe, courant, lower, upper):
    speed = jnp.abs(courant)
    most = speed * jnp.minimum(upper[0], -lower[1])
    least = speed * jnp.maximum(upper[1], -lower[0])
    return safe + jnp.clip(flux - safe, least, most)
