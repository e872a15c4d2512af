"""Reconstructions: what each claims of its ends, and of the solutions of advection in one dimension."""

import functools
from typing import ClassVar

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from plain_integrator import step
from problems import four_waves
from schemes import CLAIMS, SCHEMES

import amr
import solvers
from solvers.integrators.explicit import RK4, SSPRK3, SSPRK54
from solvers.schemes.reconstruction import PPM, WENO5, DonorCell, Koren, Upwind5, face_states

all_schemes = pytest.mark.parametrize("scheme", SCHEMES, ids=str)
monotone_schemes = pytest.mark.parametrize("scheme", [c.scheme for c in CLAIMS if c.monotone], ids=str)
VALUES = st.floats(-1, 1) | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1e-3, 1e-9])
CELLS = hnp.arrays(float, (5, 40), elements=VALUES)


def stencil(scheme, cells, dtype=float):
    """The part of five rows of cells that the scheme reads."""
    r = scheme.ghost - 1
    return tuple(jnp.asarray(cells[i], dtype) for i in range(2 - r, 3 + r))


def averages(integral, edges):
    return (integral(edges[1:]) - integral(edges[:-1])) / np.diff(edges)


def close(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


# One cell


@pytest.mark.parametrize("scheme", [c.scheme for c in CLAIMS if c.linear], ids=str)
@given(coefficients=hnp.arrays(float, 5, elements=st.floats(-1, 1)))
def test_polynomials_are_exact_up_to_the_order(scheme, coefficients):
    polynomial = np.polynomial.Polynomial(coefficients[: scheme.order])
    low, high = scheme.ends(stencil(scheme, averages(polynomial.integ(), np.linspace(-2, 3, 6))))
    close(low, polynomial(0.0))
    close(high, polynomial(1.0))


@pytest.mark.parametrize("scheme", [PPM(), WENO5()], ids=str)
def test_limited_schemes_are_exact_on_quadratics(scheme):
    polynomial = np.polynomial.Polynomial((1, -3, 2))
    edges = np.arange(12) - 6
    rows = np.stack([averages(polynomial.integ(), edges[i : i + 8]) for i in range(5)])
    low, high = scheme.ends(stencil(scheme, rows))
    close(low, polynomial(edges[2:9]))
    close(high, polynomial(edges[3:10]))


@all_schemes
def test_values_at_ends_converge_on_monotone_data(scheme):
    def errors(h):
        low, high = scheme.ends(stencil(scheme, averages(np.exp, h * np.linspace(-2.5, 2.5, 6))))
        return np.abs([low - np.exp(-h / 2), high - np.exp(h / 2)])

    orders = np.log2(errors(0.04) / errors(0.02))
    assert (orders > scheme.order - 0.1).all(), orders


def test_weno_keeps_its_order_where_the_first_derivative_vanishes():
    def error(h):
        edges = h * (np.linspace(-1, 1, 21) + np.linspace(-2.5, 2.5, 6)[:, None])  # an extremum in all places of a cell
        rows = np.diff(np.sin(edges) + edges**4 / 12, axis=0) / h
        x = edges[3]
        return np.abs(WENO5().ends(stencil(WENO5(), rows))[1] - (np.cos(x) + x**3 / 3)).max()

    assert np.log2(error(0.05) / error(0.025)) > 4.9


@all_schemes
@given(cells=CELLS)
def test_mirrored_data_give_mirrored_ends(scheme, cells):
    low, high = scheme.ends(stencil(scheme, cells))
    mirrored_low, mirrored_high = scheme.ends(stencil(scheme, cells[::-1]))
    close(low, mirrored_high)
    close(high, mirrored_low)


@all_schemes
@given(cells=CELLS, power=st.integers(-60, 60), sign=st.sampled_from([-1.0, 1.0]))
def test_scaled_data_give_scaled_ends(scheme, cells, power, sign):
    factor = sign * 2.0**power
    for end, scaled in zip(
        scheme.ends(stencil(scheme, cells)), scheme.ends(stencil(scheme, factor * cells)), strict=True
    ):
        close(scaled / factor, end)


@all_schemes
@given(cells=hnp.arrays(int, (5, 40), elements=st.integers(-8, 8)), shift=st.integers(-9, 9))
def test_shifted_data_give_shifted_ends(scheme, cells, shift):
    for end, shifted in zip(
        scheme.ends(stencil(scheme, cells / 8)), scheme.ends(stencil(scheme, cells / 8 + shift)), strict=True
    ):
        close(shifted, end + shift)


@all_schemes
@given(value=st.floats(-(2.0**100), 2.0**100, width=32))
def test_constants_are_exact(scheme, value):
    for dtype in jnp.float32, jnp.float64:
        for end in scheme.ends(stencil(scheme, np.full(5, value), dtype)):
            assert end == jnp.asarray(value, dtype)


@monotone_schemes
@given(cells=CELLS, falling=st.booleans())
def test_ends_of_monotone_data_lie_between_neighbours(scheme, cells, falling):
    rows = np.sort(cells, axis=0)[:: -1 if falling else 1]
    low, high = scheme.ends(stencil(scheme, rows))
    for end, neighbour in (low, rows[1]), (high, rows[3]):
        assert (end >= np.minimum(rows[2], neighbour) - 1e-15).all()
        assert (end <= np.maximum(rows[2], neighbour) + 1e-15).all()


@all_schemes
@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1.0, 1e12])
def test_single_precision_is_kept_at_any_scale(scheme, scale):
    cells = np.random.default_rng(0).choice([0.0, 0.25, 1.0], (5, 1000))
    cells[:, 500:] = np.sin(np.linspace(0, 1, 500) + 0.1 * np.arange(5)[:, None])
    for end, scaled in zip(
        scheme.ends(stencil(scheme, cells)), scheme.ends(stencil(scheme, scale * cells, jnp.float32)), strict=True
    ):
        assert scaled.dtype == jnp.float32
        assert jnp.isfinite(scaled).all()
        if scale > 1e-20:  # squares of differences are normal numbers
            close(np.asarray(scaled, float) / scale, end, 2e-5)


@all_schemes
@given(cells=CELLS)
@settings(max_examples=3)
def test_derivatives_are_finite(scheme, cells):
    def total(rows):
        low, high = scheme.ends(rows)
        return (low + high).sum()

    for scale in 0.0, 1e-12, 1.0:
        for dtype in jnp.float32, jnp.float64:
            rows = stencil(scheme, scale * cells, dtype)
            assert all(jnp.isfinite(each).all() for each in jax.grad(total)(rows))


LINES = {
    "nothing": np.zeros(5),
    "constant": np.ones(5),
    "tiny": np.full(5, 1e-30),
    "step": np.array([0.0, 0.0, 0.0, 1.0, 1.0]),
    "corner": np.array([1.0, 1.0, 1.0, 1.5, 2.0]),
    "slope": np.arange(5.0),
}


@all_schemes
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_changes_along_a_direction(scheme, line, dtype):
    """All cells raised alike raise the ends by as much, also where data are flat; other changes are finite, and those
    that the backward derivatives tell."""
    rows = stencil(scheme, LINES[line][:, None], dtype)
    alike, tilt = ([jnp.full_like(row, value(k)) for k, row in enumerate(rows)] for value in (lambda k: 1.0, float))
    for change in jax.jvp(scheme.ends, (rows,), (tuple(alike),))[1]:
        close(change, 1.0, 1e-5)
    changes = jax.jvp(scheme.ends, (rows,), (tuple(tilt),))[1]
    for n, change in enumerate(changes):
        back = jax.grad(lambda rows, n=n: scheme.ends(rows)[n].sum())(rows)
        assert jnp.isfinite(change).all()
        close(change, sum((row * part).sum() for row, part in zip(back, tilt, strict=True)), 1e-4)


# Lines of cells


@pytest.mark.parametrize("scheme", [DonorCell(), Koren(), WENO5()], ids=str)
@pytest.mark.parametrize("d", [0, 1])
def test_faces_of_a_patch(scheme, d):
    ghost = scheme.ghost
    patch = np.random.default_rng(1).normal(size=(2, 9, 10, 3))
    left, right = face_states(scheme, jnp.asarray(patch), d)
    cells = np.moveaxis(patch, 1 + d, 0)
    faces = len(cells) - 2 * ghost + 1
    assert left.shape[1 + d] == right.shape[1 + d] == faces
    for face in range(faces):
        below = ghost + face - 1
        for got, cell, end in (left, below, 1), (right, below + 1, 0):
            rows = tuple(jnp.asarray(row) for row in cells[cell - ghost + 1 : cell + ghost])
            np.testing.assert_array_equal(np.moveaxis(got, 1 + d, 0)[face], scheme.ends(rows)[end])


def test_too_few_cells_are_refused():
    with pytest.raises(ValueError, match="axis 1 has 6 cells, of which 6 would be the ghost cells that WENO5 needs"):
        face_states(WENO5(), jnp.zeros((1, 6)), 0)


# Advection to the right in a periodic interval, by the method of lines


def transport(scheme, dx, u, t):
    left, _ = face_states(scheme, jnp.pad(u, scheme.ghost, mode="wrap"), 0, skip=0)
    return (left[:-1] - left[1:]) / dx


@functools.partial(jax.jit, static_argnums=(0, 1))
def advance(scheme, integrator, u, dx, dt, steps):
    rhs = functools.partial(transport, scheme, dx)
    return jax.lax.fori_loop(0, steps, lambda _, u: step(integrator, rhs, u, 0.0, dt), u)


def advected(scheme, integrator, u, length, time, courant):
    dx = length / len(u)
    steps = round(np.ceil(time / (courant * dx)))
    dx, dt = (jnp.asarray(value, u.dtype) for value in (dx, time / steps))
    return advance(scheme, integrator, u, dx, dt, steps)


def centres(cells):
    return jnp.asarray((np.arange(cells) + 0.5) * (2 / cells) - 1)


def sine_errors(scheme, cells):
    """L1 and largest error of a sine wave after a period, with an integrator of fourth order."""
    edges = np.linspace(0, 1, cells + 1)
    u = jnp.asarray(averages(lambda x: -np.cos(2 * np.pi * x) / (2 * np.pi), edges))
    error = jnp.abs(advected(scheme, SSPRK54(), u, 1.0, 1.0, 0.4 if scheme.order < 5 else 0.2) - u)
    return np.array([error.mean(), error.max()])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.scheme))
def test_order_for_a_sine_wave(claim):
    cells = 128 if claim.scheme.order < 3 else 64
    orders = np.log2(sine_errors(claim.scheme, cells) / sine_errors(claim.scheme, 2 * cells))
    assert (orders > np.array(claim.orders) - 0.1).all(), orders


def test_classical_integrator_reaches_fourth_order_too():
    def error(cells):
        u = jnp.asarray(averages(lambda x: -np.cos(2 * np.pi * x) / (2 * np.pi), np.linspace(0, 1, cells + 1)))
        return jnp.abs(advected(WENO5(), RK4(), u, 1.0, 1.0, 0.4) - u).max()

    assert np.log2(error(32) / error(64)) > 4


def test_single_precision_runs():
    u = jnp.asarray(four_waves(centres(50)), jnp.float32)
    for scheme in PPM(), WENO5():
        end = advected(scheme, SSPRK3(), u, 2.0, 2.0, 0.4)
        assert end.dtype == jnp.float32
        exact = advected(scheme, SSPRK3(), jnp.asarray(u, jnp.float64), 2.0, 2.0, 0.4)
        close(np.asarray(end, float), exact, 2e-4)


@monotone_schemes
@given(levels=hnp.arrays(float, 4, elements=st.floats(-1, 1)), courant=st.floats(0.05, 0.33))
@example(levels=np.array([0.0, 1.0, 1.0, 1.0]), courant=0.12109375)
@settings(max_examples=5)
def test_discontinuities_make_no_new_extrema(scheme, levels, courant):
    # Limiters that keep smooth extrema take the ends of tails for such, now and then: 1e-8 in the example.
    least = 1e-7 if isinstance(scheme, PPM) else 1e-10
    u = jnp.asarray(np.repeat(levels, 10))
    end = advance(scheme, SSPRK3(), u, jnp.asarray(1.0), jnp.asarray(courant), 20)
    assert end.min() >= u.min() - least
    assert end.max() <= u.max() + least
    assert jnp.abs(end.sum() - u.sum()) < 1e-12


def test_weno_transports_four_waves_as_published():
    """PyClaw's WENO5 has .0897 (Jiang and Shu's weights); donor cell shows that the problem is hard."""
    u = four_waves(centres(200))

    def error(scheme):
        return 0.01 * jnp.abs(advected(scheme, SSPRK3(), u, 2.0, 8.0, 0.4) - u).sum()

    assert error(WENO5()) == pytest.approx(0.0631, abs=0.001)
    assert error(PPM()) == pytest.approx(0.0667, abs=0.001)
    assert error(DonorCell()) > 0.6


@pytest.mark.parametrize(
    ("cells", "published", "measured"), [(40, 1.48e-2, 7.33e-3), (80, 1.77e-3, 5.32e-4), (160, 1.20e-4, 5.20e-5)]
)
def test_weno_transports_a_wave_with_flat_minima(cells, published, measured):
    """sin^4 has critical points of third order. Published: PyClaw, Jiang and Shu's weights."""
    u = jnp.sin(jnp.pi * centres(cells)) ** 4

    def error(scheme):
        return 2 / cells * jnp.abs(advected(scheme, SSPRK3(), u, 2.0, 2.0, 0.4) - u).sum()

    assert error(WENO5()) == pytest.approx(measured, rel=0.01)
    assert error(WENO5()) < published
    assert error(Upwind5()) < 2 * error(WENO5())


class OwnFromm(solvers.Reconstruction):
    """What `MUSCL(Unlimited())` is, written by a user."""

    ghost: ClassVar[int] = 2
    order: ClassVar[int] = 2

    @property
    def limited(self):
        return False

    def ends(self, stencil):
        below, u, above = stencil
        return u - 0.25 * (above - below), u + 0.25 * (above - below)


def test_a_reconstruction_says_itself_whether_it_is_limited():
    """Interpolation between levels follows from that, whoever wrote it."""
    for claim in CLAIMS:
        assert claim.scheme.limited == (claim.monotone or not claim.linear)
    twins = solvers.MethodOfLines(OwnFromm()), solvers.MethodOfLines(solvers.MUSCL(solvers.Unlimited()))
    assert type(twins[0].prolongation) is type(twins[1].prolongation) is amr.Quadratic


# Advection from an inflow on the left to an open end on the right


def wave(length, cells, t):
    """Averages of sin(t - x) over cells from 0 to a length, with as many to the left as any scheme needs."""
    edges = jnp.arange(-3.0, cells + 1) * (length / cells)
    return jnp.diff(jnp.cos(t - edges)) * (cells / length)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def through(scheme, length, cells):
    """What is left of the wave after a time of 1, cell by cell, and its error."""
    dx, steps = length / cells, round(1.6 * cells / length)

    def rhs(u, t):
        line = jnp.concatenate([wave(length, cells, t)[3 - scheme.ghost : 3], u, jnp.full(scheme.ghost, u[-1])])
        left, _ = face_states(scheme, line, 0, skip=0)
        return (left[:-1] - left[1:]) / dx

    def one(k, u):
        return step(SSPRK54(), rhs, u, k.astype(float) / steps, 1 / steps)

    end = jax.lax.fori_loop(0, steps, one, wave(length, cells, 0.0)[3:])
    return end, end - wave(length, cells, 1.0)[3:]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.scheme))
def test_second_order_up_to_an_open_end(claim):
    coarse, fine = (jnp.abs(through(claim.scheme, 4.0, cells)[1]).mean() for cells in (64, 128))
    assert jnp.log2(coarse / fine) > min(claim.orders[0], 2) - 0.05


@all_schemes
def test_nothing_travels_against_the_flow(scheme):
    """What an open end does wrong stays there: 16 cells upstream the wave is that of a domain without an end nearby."""
    change = jnp.abs(through(scheme, 4.0, 64)[0] - through(scheme, 8.0, 128)[0][:64])
    assert change[:-16].max() < 1e-3 * max(change.max(), 0.01)
