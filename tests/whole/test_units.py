"""Whole runs in other units, which are powers of two: the same steps, the same mesh, the same bits.

`Case.run(length, time, amount)` are the powers. Only a length changes a mesh, and thus the program.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

import amr
import solvers


def bump(*x):
    return sum(jnp.exp(-((c - 0.5) ** 2) / 0.01) for c in x)


@dataclasses.dataclass(frozen=True)
class Units:
    """Of length, time, and of density or of the scalar."""

    length: float
    time: float
    amount: float

    @property
    def speed(self):
        return self.length / self.time

    @property
    def energy(self):
        return self.amount * self.speed**2

    def mesh(self, ndim=1, periodic=True):
        sides = (0.0,) * ndim, (self.length,) * ndim
        return amr.Mesh(amr.Domain(*sides, periodic=periodic), (32,) * ndim, 8, 2)

    def steep(self):
        return amr.Gradient(above=2 * (self.amount / self.length))

    def different(self):
        """The same for units in which a gradient may be no number."""
        return amr.Difference(above=0.03 * self.amount)

    def scalar(self, *x):
        return self.amount * bump(*(c / self.length for c in x))


def gas(ndim, scheme=None):
    def problem(units: Units, dtype):
        def initial(*x):
            risen = 1 + bump(*(c / units.length for c in x))
            speeds = tuple(units.speed * (0.5 + 0 * c) for c in x)
            return (units.amount * 0.5 * (1 + risen), *speeds, units.energy * risen)

        sim = solvers.Simulation(units.mesh(ndim), solvers.Euler(ndim), scheme, units.different(), dtype=dtype)
        return sim, initial, 0.1, (units.amount, *(units.amount * units.speed,) * ndim, units.energy)

    return problem


def carried(scheme, indicator=Units.steep, velocity=None):
    def problem(units: Units, dtype):
        flow = (units.speed,) if velocity is None else velocity(units)
        equation = solvers.Advection(flow)
        sim = solvers.Simulation(units.mesh(), equation, scheme, indicator(units), dtype=dtype)
        return sim, units.scalar, 0.2, (units.amount,)

    return problem


def converging(units):
    """A flow in which values leave their initial range."""
    return solvers.FaceVelocity(
        lambda x: (units.speed * (1.5 + jnp.sin(2 * jnp.pi * x / units.length)),), amplitude=jnp.ones_like
    )


def diffusing(integrator):
    def problem(units: Units, dtype):
        equation = solvers.Diffusion(units.length * units.speed)
        scheme = solvers.MethodOfLines(integrator=integrator)
        mesh = units.mesh(periodic=False)
        sim = solvers.Simulation(mesh, equation, scheme, units.steep(), dtype=dtype, longest=2e-3 * units.time)
        return sim, units.scalar, 0.01, (units.amount,)

    return problem


def drained(units: Units, dtype):
    """Shallow water at the edge of a bed that is dry."""
    law = solvers.ShallowWater(1, units.speed**2 / units.length, dry_depth=1e-6 * units.length)

    def initial(x):
        return jnp.where(x < 0.5 * units.length, units.length, 0.0), 0.0 * x

    mesh = units.mesh(periodic=False)
    sim = solvers.Simulation(mesh, law, None, amr.Difference(above=0.1 * units.length), dtype=dtype)
    return sim, initial, 0.1, (units.length, units.length * units.speed)


CASES: dict[str, Callable] = {
    "gas": gas(1),
    "gas-2d": gas(2),
    "gas-weno": gas(1, solvers.MethodOfLines(solvers.WENO5(), solvers.HLL())),
    "gas-ppm": gas(1, solvers.MethodOfLines(solvers.PPM(), solvers.Rusanov())),
    "van-leer": carried(solvers.CTU(solvers.VanLeer()), lambda units: amr.Loehner()),
    "bounded": carried(
        solvers.MethodOfLines(solvers.WENO5(), bounded=True), lambda units: amr.Detail(above=0.01 * units.amount)
    ),
    "converging": carried(solvers.CTU(), velocity=converging),
    "rkl2": diffusing(solvers.RKL2()),
    "sdirk2": diffusing(solvers.SDIRK2()),
    "explicit": diffusing(solvers.SSPRK2()),
    "drained": drained,
}
CGS = (57, 37, -80)  # a parsec is 3e18 cm, an age 1e11 s, and a thin gas has 1e-24 g/cm^3
SINGLE = {
    "gas": [(0, 0, -66), (0, 0, 66), (0, 30, 0), (0, -30, 0)],
    "scalar": [(0, 0, -66), (0, 0, 90), (0, 40, 0), (0, -40, 0)],
}
DOUBLE = {
    "gas": [(0, 0, -700), (0, 0, 700), (0, 300, 0), (0, -300, 0)],
    "scalar": [(0, 0, -820), (0, 0, 820), (0, 700, 0), (0, -700, 0)],
}
OTHER_LENGTHS = {"gas": [CGS, (30, 30, 0)], "scalar": [(30, 30, 0), (-30, -30, 0), (64, 64, -20)]}
DAILY = {("gas", np.float32), ("van-leer", np.float32), ("converging", np.float32), ("sdirk2", np.float32)}


def found(name, dtype, powers):
    units = Units(*(2.0**power for power in powers))
    sim, initial, end, scales = CASES[name](units, dtype)
    solution = sim.run(initial, t_end=end * units.time, exact=lambda *x: initial(*x[:-1]))
    field, summary = solution.field, solution.summary
    data = np.asarray(field.data)[..., : int(field.count)]
    errors = [
        [size / scale for size in v.error.values()] for v, scale in zip(summary.variables.values(), scales, strict=True)
    ]
    values = [row / dtype(scale) for row, scale in zip(data, scales, strict=True)]
    return summary.steps, np.asarray(field.forest.level)[: int(field.count)], np.stack(values), errors


once = functools.cache(found)
"""Of the units of the problem, for all that is compared with it."""


def kind(name):
    return "gas" if name.startswith("gas") or name == "drained" else "scalar"


RUNS = [
    pytest.param(name, dtype, powers, marks=() if (name, dtype) in DAILY and powers[0] == 0 else pytest.mark.slow)
    for name in CASES
    for dtype, sets in ((np.float32, SINGLE), (np.float64, DOUBLE))
    for powers in sets[kind(name)] + OTHER_LENGTHS[kind(name)]
]


@pytest.mark.parametrize(("name", "dtype", "powers"), RUNS)
def test_a_run_in_other_units(name, dtype, powers):
    steps, levels, values, errors = once(name, dtype, (0, 0, 0))
    assert steps > 1
    assert levels.max() == 2
    found_steps, found_levels, found_values, found_errors = found(name, dtype, powers)
    assert found_steps == steps
    np.testing.assert_array_equal(found_levels, levels)
    np.testing.assert_array_equal(found_values, values)
    np.testing.assert_allclose(found_errors, errors, rtol=1e-6)
