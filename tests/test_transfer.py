"""Prolongation and restriction of single patches."""

import functools
import itertools

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from meshes import LIMITED, LINEAR

from amr import morton
from amr.transfer import assemble, interleave, prolong, restrict

in_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])
with_every_prolongation = pytest.mark.parametrize("prolongation", [LIMITED, LINEAR], ids=["limited", "linear"])
prolong_jit, restrict_jit = jax.jit(prolong), jax.jit(restrict)


@st.composite
def windows(draw, ndim: int):
    """Two variables on 4 or 5 cells a side: random, or bent steeply along all dimensions at once (which takes the
    corners of a cell furthest away)."""
    shape = (2, *(4, 5, 4)[:ndim])
    if draw(st.booleans()):
        numbers = st.one_of(st.integers(-2, 2).map(float), st.floats(-1e3, 1e3))
        return draw(arrays.arrays(np.float64, shape, elements=numbers))
    window = np.zeros(shape)
    for axis in range(1, 1 + ndim):
        steps = draw(arrays.arrays(np.float64, shape[axis], elements=st.sampled_from([0.0, 1.0, 4.0])))
        window += np.cumsum(steps).reshape([-1 if k == axis else 1 for k in range(1 + ndim)])
    return window * draw(st.sampled_from([-1, 1]))


def inner(window):
    return window[(slice(None), *[slice(1, -1)] * (window.ndim - 1))]


def nearby(window):
    """The inner cells and their face neighbours, stacked."""
    stack = [inner(window)]
    for axis, shift in itertools.product(range(1, window.ndim), (-1, 1)):
        stack.append(inner(np.roll(window, shift, axis)))
    return np.stack(stack)


@in_every_dimension
@with_every_prolongation
@given(data=st.data())
def test_restriction_undoes_prolongation(ndim, prolongation, data):
    """Which is conservation, too: the mean of the children is the value of the parent."""
    window = data.draw(windows(ndim))
    fine = prolong_jit(window, prolongation)
    assert fine.shape == (2, *(2 * (n - 2) for n in window.shape[1:]))
    scale = np.abs(window).max()
    np.testing.assert_allclose(restrict_jit(fine[..., None])[..., 0], inner(window), rtol=0, atol=1e-15 * scale)


@in_every_dimension
@given(data=st.data())
def test_limited_prolongation_makes_no_new_extrema(ndim, data):
    """Children stay within the values of their parent and its face neighbours."""
    window = data.draw(windows(ndim))
    fine = np.asarray(prolong_jit(window, LIMITED))
    roundoff = 1e-15 * np.abs(window).max()
    low, high = nearby(window).min(0) - roundoff, nearby(window).max(0) + roundoff
    for corner in itertools.product((0, 1), repeat=ndim):
        child = fine[(slice(None), *(slice(c, None, 2) for c in corner))]
        assert (child >= low).all()
        assert (child <= high).all()


@in_every_dimension
@with_every_prolongation
@given(data=st.data())
def test_linear_functions_and_constants_are_exact(ndim, prolongation, data):
    gradient = data.draw(st.tuples(*[st.integers(-4, 4)] * ndim))
    coarse, fine = (sum(g * x for g, x in zip(gradient, axes, strict=True)) for axes in coordinates(ndim))
    np.testing.assert_array_equal(prolong_jit(coarse[None] + 1.0, prolongation), fine[None] + 1.0)


def coordinates(ndim: int) -> tuple:
    """Cell centres of a window of 4 cells a side and of the children of its inner cells."""
    return tuple(np.stack(np.meshgrid(*[x] * ndim, indexing="ij")) for x in (np.arange(4.0), 0.75 + np.arange(4) / 2))


@in_every_dimension
def test_limited_slopes_vanish_at_extrema(ndim):
    window = np.zeros((1, *[5] * ndim))
    window[(0, *[2] * ndim)] = 1.0
    fine = np.asarray(prolong_jit(window, LIMITED))
    np.testing.assert_array_equal(np.unique(fine), [0.0, 1.0])
    assert fine.sum() == 2**ndim


@in_every_dimension
def test_restriction_is_the_mean_of_blocks(ndim):
    fine = np.random.default_rng(0).normal(size=(3, *(4, 6, 8)[:ndim], 5))
    corners = itertools.product((0, 1), repeat=ndim)
    mean = np.mean([fine[(slice(None), *(slice(c, None, 2) for c in corner))] for corner in corners], axis=0)
    np.testing.assert_allclose(restrict_jit(fine), mean, rtol=0, atol=1e-15)


@in_every_dimension
def test_interleave_puts_children_in_morton_order(ndim):
    fine = np.random.default_rng(0).normal(size=(3, *(4, 6, 8)[:ndim]))
    children = [fine[(slice(None), *(slice(c, None, 2) for c in corner))] for corner in morton.octants(ndim)]
    np.testing.assert_array_equal(jax.jit(functools.partial(interleave, ndim=ndim))(children), fine)


@in_every_dimension
def test_assemble_puts_octants_in_morton_order(ndim):
    whole = np.random.default_rng(0).normal(size=(2, *[6] * ndim, 3))
    octants = [whole[(slice(None), *(slice(3 * c, 3 * c + 3) for c in corner))] for corner in morton.octants(ndim)]
    np.testing.assert_array_equal(jax.jit(assemble)(octants), whole)
