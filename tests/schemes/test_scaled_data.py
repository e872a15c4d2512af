"""Formulas of schemes give scaled results for scaled data, to the last bit where the factor is a power of two: in
single precision for numbers from 1e-30 to 1e30, in double from 1e-250 to 1e250.

Factors are arguments of one compiled function each.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from laws import PAIRS, name_of, random_primitive
from schemes import SCHEMES

import solvers
from amr.grid import LimitedLinear, LimitedQuartic, Quadratic, Quartic, prolong
from solvers.equations import Acoustics, Euler, ShallowWater
from solvers.schemes.reconstruction import MUSCL, face_states

both_precisions = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHARES = st.floats(-1, 1)
REACH = {np.float32: 97, np.float64: 830}


class Albada(solvers.Limiter):
    """One of a user's own, with squares, as docs/extend.md has it."""

    def __call__(self, left, right):
        agree = left * right > 0
        squares = jnp.where(agree, left**2 + right**2, 1.0)
        return jnp.where(agree, left * right * (left + right) / squares, 0.0)


def close(found, expected):
    """To the last bit, but for what falls below the smallest normal number on the way."""

    def one(found, expected):
        known = np.issubdtype(np.result_type(found), np.floating)
        np.testing.assert_allclose(found, expected, rtol=0, atol=np.finfo(np.result_type(found)).tiny if known else 0)

    jax.tree.map(one, found, expected)


def scaled(function, values, power):
    """Of values times a power of two, and that power times what the function gives for the values themselves."""
    factor = jnp.asarray(2.0**power, values.dtype)
    return function(factor * values), jax.tree.map(lambda found: factor * found, function(values))


@functools.cache
def states_of(scheme):
    return jax.jit(lambda line: face_states(scheme, line, 0))


def rough(dtype, shape, seed=0):
    """Noise, with flat parts and single cells."""
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.uniform(-1, 1, shape) * rng.integers(0, 2, shape), dtype)


@pytest.mark.parametrize("scheme", [*SCHEMES, MUSCL(Albada())], ids=str)
@both_precisions
@given(share=SHARES)
def test_states_on_faces(scheme, dtype, share):
    close(*scaled(states_of(scheme), rough(dtype, (2, 60, 3)), round(share * REACH[dtype])))


@functools.cache
def children_of(prolongation):
    return jax.jit(lambda window: prolong(window, prolongation))


@pytest.mark.parametrize("prolongation", [LimitedLinear(), LimitedQuartic(), Quadratic(), Quartic()], ids=repr)
@both_precisions
@given(share=SHARES)
def test_children(prolongation, dtype, share):
    close(*scaled(children_of(prolongation), rough(dtype, (1, 7, 7, 7, 4)), round(share * REACH[dtype])))


@functools.cache
def carried_by(limiter):
    scheme = solvers.CTU(limiter)
    bounds = (-jnp.ones(1), jnp.ones(1))

    def carried(u):
        courant = tuple(jnp.asarray(np.random.default_rng(d).uniform(-1, 1, s), u.dtype) for d, s in enumerate(SIDES))
        size = jnp.abs(u).max()  # the largest of `rough` numbers is what bounds are in units of
        return scheme.carried(u, courant, True, tuple(size * b.astype(u.dtype) for b in bounds))

    return jax.jit(carried)


SIDES = ((2, 11, 12, 3), (2, 12, 11, 3))


@pytest.mark.parametrize("limiter", [solvers.VanLeer(), solvers.MonotizedCentral(), Albada()], ids=repr)
@both_precisions
@given(share=SHARES)
def test_corner_transport(limiter, dtype, share):
    close(*scaled(carried_by(limiter), rough(dtype, (1, 2, 12, 12, 3)), round(share * REACH[dtype])))


# Laws


def in_units(law, ndim, length, speed, energy):
    """The law in other units of length, speed and pressure, and the units of its primitive and conserved variables."""
    mass = energy / speed / speed
    if isinstance(law, Euler):
        return law, [mass, *[speed] * ndim, energy], [mass, *[mass * speed] * ndim, energy]
    if isinstance(law, Acoustics):
        parts = (law.density * mass, law.sound_speed * speed)
        units = [energy, *[speed] * ndim]
        return eqx.tree_at(lambda law: (law.density, law.sound_speed), law, parts), units, units
    if isinstance(law, ShallowWater):
        parts = (law.gravity * (speed * speed / length), law.rest_level * length, law.dry_depth * length)
        law = eqx.tree_at(lambda law: (law.gravity, law.rest_level, law.dry_depth), law, parts)
        return law, [length, *[speed] * ndim, length], [length, *[length * speed] * ndim]
    return law, [speed] * len(law.names), [speed] * len(law.names)


@functools.cache
def said_by(law, ndim, riemann, dtype):
    """The flux between random states in given units, and the fastest signal, both divided by their own unit."""
    left, right = (np.array(random_primitive(law, seed, (64,), dtype)) for seed in (1, 2))
    if isinstance(law, ShallowWater) and law.bottom:
        right[0] += left[-1] - right[-1]
        right[-1] = left[-1]

    @jax.jit
    def said(length, speed, energy):
        there, given, own = in_units(law, ndim, length, speed, energy)
        sides = [
            there.conserved(jnp.stack([unit * row for unit, row in zip(given, w, strict=False)])) for w in (left, right)
        ]
        flux = riemann(there, *sides, 0) / speed
        flux = jnp.stack([row / unit for row, unit in zip(flux, own, strict=True)])
        return flux, there.max_speed(sides[0], 0) / speed

    return said


@pytest.mark.parametrize(("law", "ndim", "riemann"), PAIRS, ids=[name_of(*pair) for pair in PAIRS])
@both_precisions
@given(shares=st.tuples(SHARES, SHARES, SHARES))
@example(shares=(0.0, -1.0, -1.0))
@example(shares=(0.0, 1.0, -1.0))
def test_laws_and_riemann_solvers(law, ndim, riemann, dtype, shares):
    """Squares of speeds must be numbers, too, and so must densities."""
    reach = np.array([24, 34, 30]) if dtype == np.float32 else np.array([200, 300, 200])
    said, powers = said_by(law, ndim, riemann, dtype), np.round(reach * shares)
    units = [jnp.asarray(2.0**power, dtype) for power in powers]
    for found, expected in zip(said(*units), said(*(jnp.ones((), dtype),) * 3), strict=True):
        close(found, expected)
