"""Exact solutions of viscous flows."""

import jax.numpy as jnp
import numpy as np

GAMMA = 1.4
SLOW = 1e-3  # velocity in units of the speed of sound, so that flows are nearly incompressible


def burgers_wave(viscosity: float):
    """The travelling wave of the viscous Burgers equation from 1 to 0, which moves with the speed 1/2."""

    def wave(x, t=0.0):
        return 0.5 - 0.5 * jnp.tanh((x - 0.5 * t) / (4 * viscosity))

    return wave


def taylor_green(viscosity: float):
    """Vortices that decay where they are (Taylor and Green, Proc. R. Soc. A 158, 1937), in the box [0, 2 pi]^2;
    primitive variables of a gas with density and speed of sound 1."""

    def flow(x, y, t=0.0):
        speed = SLOW * jnp.exp(-2 * viscosity * t)
        pressure = 1 / GAMMA + 0.25 * speed**2 * (jnp.cos(2 * x) + jnp.cos(2 * y))
        return 1 + 0 * (x + y), speed * jnp.sin(x) * jnp.cos(y), -speed * jnp.cos(x) * jnp.sin(y), pressure

    return flow


def shear_layer(viscosity: float):
    """Layers that slide past each other, in the box [0, 2 pi]^2."""

    def flow(x, y, t=0.0):
        rest = 0 * (x + y)
        return 1 + rest, SLOW * jnp.exp(-viscosity * t) * jnp.sin(y) + rest, rest, 1 / GAMMA + rest

    return flow


def couette(viscosity: float, conductivity: float, speed: float, cold: float, hot: float):
    """Gas between a cold plate at rest at y = 0 and a hot one that moves at y = 1, heated by friction: constant
    pressure 1, velocity linear, `T = cold + (hot - cold) y + viscosity speed^2 / (2 conductivity) y (1 - y)`."""

    def flow(x, y):
        temperature = cold + (hot - cold) * y + viscosity * speed**2 / (2 * conductivity) * y * (1 - y)
        rest = 0 * (x + y)
        return 1 / temperature + rest, speed * y + rest, rest, 1 + rest

    return flow


def becker(viscosity: float, mach: float, speed: float, samples: int = 20_000):
    """A shock with friction and a Prandtl number of 3/4 (Becker, Z. Phys. 8, 1922; Morduchow and Libby, J. Aeronaut.
    Sci. 16, 1949), moving with `speed` into gas of density 1 and pressure 1 / gamma that comes from the left.

    The total enthalpy is the same everywhere, and with the velocities a before and b behind the shock
    `v dv/dx = 3 m (gamma + 1) / (8 gamma viscosity) (v - a) (v - b)`, m being the flow of mass.
    """
    before, flow = mach, mach
    behind = mach * ((GAMMA - 1) * mach**2 + 2) / ((GAMMA + 1) * mach**2)
    enthalpy = 1 / (GAMMA - 1) + 0.5 * mach**2
    rate = 3 * flow * (GAMMA + 1) / (8 * GAMMA * viscosity)
    share = 1 / (1 + np.exp(np.linspace(-32, 32, samples)))  # of the way from behind to before
    v = behind + (before - behind) * share
    x = (before * np.log(before - v) - behind * np.log(v - behind)) / (before - behind) / rate
    x -= np.interp(0.5, 1 - share, x)

    def wave(at, t=0.0):
        here = jnp.interp(at - speed * t, x, v)
        pressure = flow / here * (GAMMA - 1) / GAMMA * (enthalpy - 0.5 * here**2)
        return flow / here, here + speed, pressure

    return wave
