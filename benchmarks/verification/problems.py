"""Initial conditions, flows and exact solutions of the problems."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

import amr
import solvers
from benchmarks.tracing_back import traced_back

PI = jnp.pi
SQUARE = amr.Domain((0, 0), (1, 1))


def drifted(profile: Callable, domain: amr.Domain, velocity: tuple[float, ...]) -> Callable:
    """The exact solution of advection by a constant velocity in a periodic domain."""

    def exact(*arguments):
        *x, t = arguments
        sides = zip(x, velocity, domain.lower, domain.lengths, strict=True)
        return profile(*(low + jnp.mod(q - v * t - low, length) for q, v, low, length in sides))

    return exact


# --- ADV2D ------------------------------------------------------------------------------------------------------------


def bump(x, y, t=0.0):
    """The initial condition, which is the solution at t=2 as well."""
    return 1 + jnp.exp(-((x - 0.5) ** 2 + (y - 0.75) ** 2) / 0.01)


def stream(x, y):
    """The stream function, time apart."""
    return jnp.sin(PI * x) ** 2 * jnp.sin(PI * y) ** 2 / PI


def swirl_amplitude(t):
    """How the flow turns back."""
    return jnp.cos(PI * t / 2)


def swirl() -> solvers.StreamFunction:
    """The flow."""
    return solvers.StreamFunction(stream, amplitude=swirl_amplitude)


def deep_swirl() -> solvers.VectorPotential:
    """The same flow in three dimensions, at rest along z."""

    def potential(x, y, z):
        along_z = -stream(x, y) + 0 * z
        return jnp.zeros_like(along_z), jnp.zeros_like(along_z), along_z

    return solvers.VectorPotential(potential, amplitude=swirl_amplitude)


def swirl_velocity(x, y, t):
    """The same flow as a velocity."""
    turn = swirl_amplitude(t)
    return (
        -(jnp.sin(PI * x) ** 2) * jnp.sin(2 * PI * y) * turn,
        jnp.sin(2 * PI * x) * jnp.sin(PI * y) ** 2 * turn,
    )


swirled_bump = traced_back(swirl_velocity, bump, steps=100)


# --- shapes that drift or turn ----------------------------------------------------------------------------------------


def pulse(x, y):
    """V3: a Gaussian in the middle of the unit square."""
    return jnp.exp(-((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.01)


def wide_pulse(x, y):
    """V4: a Gaussian around the origin."""
    return jnp.exp(-(x**2 + y**2))


def raised_pulse(x, y):
    """V5: a Gaussian above one."""
    return 1 + jnp.exp(-60 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))


def wave(*x):
    """V7, in any number of dimensions: a product of sines."""
    product = 1.0
    for q in x:
        product = product * jnp.sin(2 * PI * q)
    return 1 + 0.5 * product


def disc(x, y, t=0.0):
    """V8: Zalesak's slotted disc."""
    inside = (x - 0.5) ** 2 + (y - 0.75) ** 2 < 0.15**2
    return jnp.where(inside & ~((jnp.abs(x - 0.5) < 0.025) & (y < 0.85)), 1.0, 0.0)


def rotation() -> solvers.StreamFunction:
    """One turn of the unit square around its centre in a unit of time."""
    return solvers.StreamFunction(lambda x, y: -PI * ((x - 0.5) ** 2 + (y - 0.5) ** 2), amplitude=jnp.ones_like)


def four_waves(x, t=0.0):
    """V11: Jiang and Shu's Gaussian, square, triangle and half ellipse on [-1, 1] (J. Comput. Phys. 126, 1996)."""
    a, z, delta, alpha, beta = 0.5, -0.7, 0.005, 10.0, jnp.log(2) / (36 * 0.005**2)

    def smoothed(shape, centre):
        return (shape(centre - delta) + shape(centre + delta) + 4 * shape(centre)) / 6

    gauss = smoothed(lambda c: jnp.exp(-beta * (x - c) ** 2), z)
    ellipse = smoothed(lambda c: jnp.sqrt(jnp.maximum(1 - alpha**2 * (x - c) ** 2, 0)), a)
    waves = jnp.where((x >= -0.8) & (x <= -0.6), gauss, 0.0)
    waves = jnp.where((x >= -0.4) & (x <= -0.2), 1.0, waves)
    waves = jnp.where((x >= 0) & (x <= 0.2), 1 - jnp.abs(10 * (x - 0.1)), waves)
    return jnp.where((x >= 0.4) & (x <= 0.6), ellipse, waves)


def sine_to_the_fourth(x, t=0.0):
    """V12, on [-1, 1]: back where it was at t=2."""
    return jnp.sin(PI * x) ** 4


# --- gases ------------------------------------------------------------------------------------------------------------

GAMMA = 1.4
LEFT, RIGHT = (1.0, 0.0, 1.0), (0.125, 0.0, 0.1)  # Sod's density, velocity, pressure


def sod_start(x):
    """Density, velocity and pressure at the start."""
    return tuple(jnp.where(x < 0, a, b) for a, b in zip(LEFT, RIGHT, strict=True))


def _shock_speed_up(pressure: float) -> float:
    """The velocity behind a shock into the right state (Toro, 3rd ed., eq. 4.6)."""
    density, _, ahead = RIGHT
    a, b = 2 / ((GAMMA + 1) * density), (GAMMA - 1) / (GAMMA + 1) * ahead
    return (pressure - ahead) * np.sqrt(a / (pressure + b))


def _fan_speed_up(pressure: float) -> float:
    """The velocity behind a rarefaction into the left state (Toro, eq. 4.7)."""
    sound = np.sqrt(GAMMA * LEFT[2] / LEFT[0])
    return 2 * sound / (GAMMA - 1) * (1 - (pressure / LEFT[2]) ** ((GAMMA - 1) / (2 * GAMMA)))


def _between() -> float:
    """The pressure between both waves, by bisection."""
    low, high = RIGHT[2], LEFT[2]
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _shock_speed_up(middle) < _fan_speed_up(middle) else (low, middle)
    return low


def sod(x, t):
    """Sod's tube: a fan, a contact and a shock (Toro, section 4.5), for t > 0."""
    pressure, weight = _between(), (GAMMA - 1) / (GAMMA + 1)
    speed, sound, ratio = _shock_speed_up(pressure), np.sqrt(GAMMA), pressure / RIGHT[2]
    front = np.sqrt(GAMMA * RIGHT[2] / RIGHT[0] * ((GAMMA + 1) / (2 * GAMMA) * ratio + (GAMMA - 1) / (2 * GAMMA)))
    squeezed = RIGHT[0] * (ratio + weight) / (weight * ratio + 1)
    tail = speed - sound * pressure ** ((GAMMA - 1) / (2 * GAMMA))
    xi = x / t
    inside = jnp.clip(xi, -sound, tail)
    local = (2 - (GAMMA - 1) * inside / sound) / (GAMMA + 1)  # the speed of sound, relative to that ahead of the fan
    power = 2 / (GAMMA - 1)
    fan = local**power, 2 / (GAMMA + 1) * (sound + inside), local ** (GAMMA * power)
    behind = (squeezed, speed, pressure)
    pick = zip(fan, behind, RIGHT, strict=True)
    return tuple(jnp.where(xi < speed, a, jnp.where(xi < front, b, c)) for a, b, c in pick)


BOX = amr.Domain((-5, -5), (5, 5))


def vortex(x, y, strength: float = 5.0):
    """Shu's isentropic vortex around the origin, in a gas that moves with (1, 1): density, velocity, pressure."""
    factor = strength / (2 * PI) * jnp.exp(0.5 * (1 - x**2 - y**2))
    temperature = 1 - (GAMMA - 1) / (2 * GAMMA) * factor**2
    density = temperature ** (1 / (GAMMA - 1))
    return density, 1 - factor * y, 1 + factor * x, density * temperature


# --- what diffuses ----------------------------------------------------------------------------------------------------

V14_DIFFUSIVITY, V14_AGE = 0.25, 0.5
V15_DIFFUSIVITY, V15_AGE = 0.01, 0.25


def spreading(x, t=0.0):
    """V14: a Gaussian of integral 1e-6, on a line."""
    spread = 4 * V14_DIFFUSIVITY * (V14_AGE + t)
    return 1e-6 * jnp.exp(-(x**2) / spread) / jnp.sqrt(PI * spread)


def warm_spot(x, y, t=0.0):
    """V15: a Gaussian and its periodic images in the unit square."""

    def along(x):
        spread = 4 * V15_DIFFUSIVITY * (V15_AGE + t)
        return sum(jnp.exp(-((x - 0.5 + k) ** 2) / spread) for k in range(-3, 4))

    return 1 + V15_AGE / (V15_AGE + t) * along(x) * along(y)


def fading_wave(diffusivity: float, velocity: tuple[float, float]) -> Callable:
    """A wave of wavelength 2 along each dimension, which is carried and fades, above a mean of 2."""

    def exact(x, y, t=0.0):
        phase = PI * (x + y - sum(velocity) * t)
        return 2 + jnp.sin(phase) * jnp.exp(-2 * diffusivity * PI**2 * t)

    return exact
