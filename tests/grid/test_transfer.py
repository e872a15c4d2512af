"""Prolongation and restriction of single patches."""

import functools
import itertools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import LIMITED, LIMITED_QUARTIC, QUADRATIC, QUARTIC
from reference import limited_linear, limited_quartic, quadratic, quartic

from amr.grid.transfer import Prolongation, prolong, restrict
from amr.mesh import morton

ALL = [LIMITED, QUADRATIC, QUARTIC, LIMITED_QUARTIC]
REFERENCES = [limited_linear, quadratic, quartic, limited_quartic]
NAMES = [reference.__name__ for reference in REFERENCES]
in_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])
with_every_prolongation = pytest.mark.parametrize("prolongation", ALL, ids=NAMES)
with_every_limited = pytest.mark.parametrize("prolongation", [LIMITED, LIMITED_QUARTIC], ids=[NAMES[0], NAMES[3]])
restrict_jit = jax.jit(restrict)


@functools.partial(jax.jit, static_argnames="prolongation")
def prolong_jit(window, prolongation):
    """Of one patch."""
    return prolong(window[..., None], prolongation)[..., 0]


@st.composite
def windows(draw, ndim: int):
    """Two variables on 6 or 7 cells a side: random, of few values, or bent steeply along all dimensions at once (which
    takes the corners of a cell furthest away)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    shape = (2, *(6, 7, 6)[:ndim])
    kind = draw(st.sampled_from(["any", "few", "steep"]))
    if kind == "any":
        return rng.normal(scale=draw(st.sampled_from([1.0, 1e3])), size=shape)
    if kind == "few":
        return rng.integers(0, 1 + draw(st.integers(1, 4)), shape).astype(float)
    window = np.zeros(shape)
    for axis in range(1, 1 + ndim):
        steps = rng.choice([0.0, 1.0, 4.0], shape[axis])
        window += np.cumsum(steps).reshape([-1 if k == axis else 1 for k in range(1 + ndim)])
    return window * draw(st.sampled_from([-1, 1]))


def inner(window, margin):
    return window[(slice(None), *[slice(margin, -margin)] * (window.ndim - 1))]


def child(fine, corner):
    return fine[(slice(None), *(slice(c, None, 2) for c in corner))]


def nearby(window):
    """The inner cells and their face neighbours, stacked."""
    stack = [inner(window, 1)]
    for axis, shift in itertools.product(range(1, window.ndim), (-1, 1)):
        stack.append(inner(np.roll(window, shift, axis), 1))
    return np.stack(stack)


@in_every_dimension
@pytest.mark.parametrize(("prolongation", "reference"), list(zip(ALL, REFERENCES, strict=True)), ids=NAMES)
@given(data=st.data())
def test_prolongation_equals_the_formula(ndim, prolongation, reference, data):
    window = data.draw(windows(ndim))
    fine = prolong_jit(inner(window, 1) if prolongation.margin == 1 else window, prolongation)
    np.testing.assert_allclose(fine, reference(window), rtol=0, atol=1e-14 * np.abs(window).max())


@in_every_dimension
@with_every_prolongation
@given(data=st.data())
def test_restriction_undoes_prolongation(ndim, prolongation, data):
    """Which is conservation, too: the mean of the children is the value of the parent."""
    window, margin = data.draw(windows(ndim)), prolongation.margin
    fine = prolong_jit(window, prolongation)
    assert fine.shape == (2, *(2 * (n - 2 * margin) for n in window.shape[1:]))
    scale = np.abs(window).max()
    found = restrict_jit(fine[..., None])[..., 0]
    np.testing.assert_allclose(found, inner(window, margin), rtol=0, atol=1e-15 * scale)


@in_every_dimension
@with_every_prolongation
@given(data=st.data())
def test_mirrored_cells_have_mirrored_children(ndim, prolongation, data):
    """Rings are prolonged mirrored."""
    window = data.draw(windows(ndim))
    axes = tuple(data.draw(st.sets(st.integers(1, ndim))))
    mirrored = prolong_jit(np.flip(window, axes), prolongation)
    roundoff = 1e-15 * np.abs(window).max()
    np.testing.assert_allclose(np.flip(mirrored, axes), prolong_jit(window, prolongation), rtol=0, atol=roundoff)


@in_every_dimension
@given(data=st.data())
def test_limited_prolongation_makes_no_new_extrema(ndim, data):
    """Children stay within the values of their parent and its face neighbours."""
    window = data.draw(windows(ndim))
    fine = np.asarray(prolong_jit(window, LIMITED))
    roundoff = 1e-15 * np.abs(window).max()
    low, high = nearby(window).min(0) - roundoff, nearby(window).max(0) + roundoff
    for corner in itertools.product((0, 1), repeat=ndim):
        assert (child(fine, corner) >= low).all()
        assert (child(fine, corner) <= high).all()


@in_every_dimension
@given(data=st.data())
def test_children_of_steps_stay_within_them(ndim, data):
    """Of any pattern of two values: there is no room for extrema that are smooth."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    pattern = rng.random((1, *[7] * ndim)) < data.draw(st.sampled_from([0.1, 0.5, 0.9]))
    low, high = data.draw(st.sampled_from([(0.0, 1.0), (-3.0, 0.1), (1e-3, 1e3)]))
    fine = prolong_jit(np.where(pattern, high, low), LIMITED_QUARTIC)
    assert fine.min() >= low - 1e-15 * (high - low)
    assert fine.max() <= high + 1e-15 * (high - low)


@in_every_dimension
@with_every_prolongation
@given(data=st.data())
def test_linear_functions_are_exact(ndim, prolongation, data):
    gradient = data.draw(st.tuples(*[st.integers(-4, 4)] * ndim))
    coarse, fine = (sum(g * x for g, x in zip(gradient, axes, strict=True)) for axes in coordinates(ndim))
    found = prolong_jit(coarse[None] + 1.0, prolongation)
    np.testing.assert_array_equal(found, inner(fine[None] + 1.0, 2 * prolongation.margin))


def coordinates(ndim: int) -> tuple:
    """Cell centres of a window of 6 cells a side and of all their children."""
    return tuple(np.stack(np.meshgrid(*[x] * ndim, indexing="ij")) for x in (np.arange(6.0), np.arange(12) / 2 - 0.25))


@in_every_dimension
@with_every_prolongation
def test_constants_are_exact(ndim, prolongation):
    assert (prolong_jit(np.full((1, *[6] * ndim), 0.1), prolongation) == 0.1).all()


@in_every_dimension
@pytest.mark.parametrize(("prolongation", "degree"), [(QUADRATIC, 2), (QUARTIC, 4)], ids=["quadratic", "quartic"])
@given(data=st.data())
def test_polynomials_are_exact(ndim, prolongation, degree, data):
    """Averages of products of powers, each up to the degree: with all cross terms."""
    powers = data.draw(st.tuples(*[st.integers(0, degree)] * ndim))
    coarse, fine = (functools.reduce(np.multiply.outer, [averages(n, p) for p in powers])[None] for n in (6, 12))
    found = prolong_jit(coarse, prolongation)
    np.testing.assert_allclose(found, inner(fine, 2 * prolongation.margin), rtol=0, atol=1e-13)


def averages(cells: int, power: int) -> np.ndarray:
    """Of a power of x over cells that divide (-1, 2)."""
    faces = np.linspace(-1, 2, cells + 1)
    return np.diff(faces ** (power + 1)) / (power + 1) / np.diff(faces)


def waves(cells: int, ndim: int, phase: float) -> np.ndarray:
    """Averages of a product of sine waves over cells of one period."""
    line = np.diff(-np.cos(2 * np.pi * np.arange(cells + 1) / cells + phase)) * cells / (2 * np.pi)
    return functools.reduce(np.multiply.outer, [line] * ndim)[None]


def wave_error(cells: int, ndim: int, phase: float, prolongation) -> float:
    periodic = np.pad(waves(cells, ndim, phase), [(0, 0)] + [(prolongation.margin,) * 2] * ndim, mode="wrap")
    return np.abs(prolong_jit(periodic, prolongation) - waves(2 * cells, ndim, phase)).max()


@in_every_dimension
@pytest.mark.parametrize(
    ("prolongation", "order"), [(QUADRATIC, 2.9), (QUARTIC, 4.8), (LIMITED_QUARTIC, 4.8)], ids=NAMES[1:]
)
def test_order_of_accuracy_with_extrema(ndim, prolongation, order):
    """In the largest error, at waves whose extrema lie anywhere in a cell."""
    for phase in (0.0, 0.1, 0.3, 1.0):
        coarse, fine = (wave_error(cells, ndim, phase, prolongation) for cells in (12, 24))
        assert np.log2(coarse / fine) > order


@in_every_dimension
@pytest.mark.parametrize("cells", [10, 11, 16, 33])
def test_waves_of_ten_cells_are_not_limited(ndim, cells):
    for phase in np.arange(0, 1, 0.05):
        periodic = np.pad(waves(cells, ndim, phase), [(0, 0)] + [(2, 2)] * ndim, mode="wrap")
        found = prolong_jit(periodic, LIMITED_QUARTIC)
        np.testing.assert_allclose(found, prolong_jit(periodic, QUARTIC), rtol=0, atol=1e-15)


@in_every_dimension
@with_every_limited
def test_limited_slopes_vanish_at_extrema(ndim, prolongation):
    """At those of one cell, of which nobody knows how they are shaped."""
    window = np.zeros((1, *[7] * ndim))
    window[(0, *[3] * ndim)] = 1.0
    fine = np.asarray(prolong_jit(window, prolongation))
    corner = [slice(2 * (3 - prolongation.margin), None)] * ndim
    ones = fine[(0, *[slice(s.start, s.start + 2) for s in corner])]
    np.testing.assert_array_equal(ones, 1.0)
    assert fine.max() == 1.0
    assert fine.min() == 0.0


@in_every_dimension
def test_restriction_is_the_mean_of_blocks(ndim):
    fine = np.random.default_rng(0).normal(size=(3, *(4, 6, 8)[:ndim], 5))
    corners = itertools.product((0, 1), repeat=ndim)
    mean = np.mean([fine[(slice(None), *(slice(c, None, 2) for c in corner))] for corner in corners], axis=0)
    np.testing.assert_allclose(restrict_jit(fine), mean, rtol=0, atol=1e-15)


class Known(Prolongation):
    """Children that are there already."""

    parts: list
    margin: ClassVar[int] = 0

    def children(self, window):
        return self.parts


@in_every_dimension
def test_prolonged_children_lie_in_morton_order(ndim):
    fine = np.random.default_rng(0).normal(size=(3, *(4, 6, 8)[:ndim], 5))
    children = [fine[(slice(None), *(slice(c, None, 2) for c in corner))] for corner in morton.octants(ndim)]
    window = jnp.zeros((3, *(1,) * ndim, 5))
    np.testing.assert_array_equal(prolong(window, Known(list(map(jnp.asarray, children)))), fine)
