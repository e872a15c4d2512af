"""Config files of systems of equations, and a user's module beside them, for the tests."""

import pytest

from solvers.config.build import load
from solvers.config.mistakes import ConfigError

GAS = """\
[parameters]
ramp = 0.25
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
boundary = [
  ["wall", "outflow"],
  [
    {type = "split", where = "x < ramp", inside = "symmetry", outside = "wall"},
    {type = "inflow", value = {density = 1.4, velocity_x = "x * t", velocity_y = 0, pressure = "1 + 0.1 * x"}},
  ],
]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
type = "euler"
gamma = 1.4
[initial]
density = "1 + 0.2 * x"
velocity_x = 0
velocity_y = "0.1 * y"
pressure = 1
[scheme]
riemann = "hllc"
[refine]
difference = [{above = 0.02}, {above = 0.1, variable = "energy", up_to = 1}]
loehner = {filter = 0.02}
[time]
end = 0.1
[output]
variable = "energy"
"""
FLAME = """\
[parameters]
k = 0.1
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
boundary = ["periodic", ["outflow", {type = "robin", a = 1, b = "k", value = {u = "0.1*x", v = 0}}]]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
type = "diffusion"
variables = ["u", "v"]
velocity = [1, 0]
diffusivity = ["k * (1 + u**2)", 0.1]
reaction = {u = "u * (1 - v)", v = 0}
[initial]
u = "0.5 - x"
v = "1 + y"
[refine]
gradient = {above = 0.5}
[time]
end = 0.01
step = 0.005
"""
MODULE = """\
import equinox as eqx
import jax.numpy as jnp
import solvers


class Traffic(solvers.ConservationLaw):
    speed: float
    names: tuple = eqx.field(static=True, default=("cars",))

    def flux(self, u, d):
        return self.speed * u * (1 - u)

    def max_speed(self, u, d):
        return jnp.abs(self.speed * (1 - 2 * u[0]))


class Flat(Traffic):
    def flux(self, u, d):
        return u[0]


class Rows(Traffic):
    def flux(self, u, d):
        return [u[0]]


class Wild(Traffic):
    def max_speed(self, u, d):
        return 1 / (u[0] - u[0])


class Broken(Traffic):
    def flux(self, u, d):
        return u.nothing


class Unnamed(Traffic):
    names: tuple = eqx.field(static=True, default=())


class Reserved(Traffic):
    names: tuple = eqx.field(static=True, default=("level",))


def several(ndim, lanes=2):
    return solvers.Burgers(tuple("abc"[:lanes]))


def no_law():
    return 3


def fails():
    raise KeyError("x")


road = Traffic(1.0)
number = 3


def gas(x, y):
    return 1 + x, 0 * x, 0 * x, 1 + 0 * x


def three(x, y):
    return 1 + x, 0 * x, 0 * x


def vacuum(x, y):
    return 1 + x, 0 * x, 0 * x, -1 + 0 * x


def inflow(x, y, t):
    return 1 + x, 0 * x, t + 0 * x, 1 + 0 * x


def turned(mirrored, x, y, t):
    return mirrored[0], -mirrored[1], -mirrored[2], mirrored[3]


def upside_down(mirrored, x, y, t):
    return mirrored[:2]


def ground(x):
    return 0.1 * x


def uneven(x, y):
    return 1 + x


def warming(x, y, t):
    return 1 + t * x, 1 + 0 * y


def cubic(u, x, y, t):
    return 1 + u[0] ** 2


def decay(u, x, y, t):
    return -u


def one_rate(u, x, y, t):
    return -u[0]


def hidden(u):
    return u
"""
NAME = "amrax_test_laws"
ROAD = """\
[domain]
lower = 0
upper = 1
[mesh]
cells = 16
patch = 8
[equation]
type = "amrax_test_laws:Traffic"
arguments = {speed = 2.0}
[initial]
cars = "0.5 + 0.4 * sin(2*pi*x)"
[time]
end = 0.1
"""
VALUES = "density = 1, velocity_x = 0, velocity_y = 0, pressure = 1"
MOVING = VALUES.replace("= 0", "= '0.1 * sin(x*t)'", 1)
SYSTEMS = {
    "advection": ("velocity = 1", 'phi = "sin(2*pi*x)"'),
    "diffusion": ("velocity = 1\ndiffusivity = 0.1", 'phi = "sin(2*pi*x)"'),
    "burgers": ("", 'u = "1 + x"'),
    "acoustics": ("sound_speed = 2", 'p = "x"\nvx = 0'),
    "shallow_water": ('bottom = "0.1 * x"\nrest_level = 0.5', "eta = 0.5\nu = 0"),
    "euler": ("", "density = 1\nvelocity_x = 0.5\npressure = 1"),
}


def line(kind, boundary='"outflow"'):
    """A config in one dimension."""
    settings, initial = SYSTEMS[kind]
    return f"""\
[domain]
lower = 0
upper = 1
boundary = {boundary}
[mesh]
cells = 16
patch = 8
[equation]
type = "{kind}"
{settings}
[initial]
{initial}
[time]
end = 0.01
[output]
"""


def writer(folder):
    """Writes configs into a folder that has the module."""
    (folder / f"{NAME}.py").write_text(MODULE)
    return texts_in(folder)


def texts_in(folder):
    """Writes configs into a folder."""

    def written(text, name="case.toml"):
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def reports(path, *overrides):
    with pytest.raises(ConfigError) as caught:
        load(path, overrides)
    return [report.partition(": ")[2] for report in caught.value.reports]


def face(text):
    """An override of all boundaries by one."""
    return f"domain.boundary={text}"
