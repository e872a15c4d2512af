"""What keeps cells within bounds, but the sums of patches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from amr.grid.totals import shared_nearby

SIDE = 8


@pytest.fixture(scope="module")
def shared():
    return jax.jit(lambda cells: shared_nearby(cells, jnp.zeros(()), jnp.ones(())))


def patches(*values):
    """Patches of one variable, the lanes last."""
    return jnp.asarray(np.stack(values, -1)[None, None])


@given(place=st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)), upwards=st.booleans())
def test_an_excess_goes_to_neighbours_alone(shared, place, upwards):
    rng = np.random.default_rng(0)
    cells, other = rng.integers(0, 2, (2, SIDE, SIDE)) * 1.0
    cells[place] = 1 + 1e-8 if upwards else -1e-8
    near = tuple(slice(max(n - 1, 0), n + 2) for n in place)
    cells[near] = np.where(cells[near] == 0, 0.25, cells[near])
    cells[near] = np.where(cells[near] == 1, 0.75, cells[near])
    found = np.asarray(shared(patches(cells, other)))[0, 0]
    assert found.min() >= 0
    assert found.max() <= 1
    np.testing.assert_allclose(found[..., 0].sum(), cells.sum(), rtol=1e-15)
    np.testing.assert_array_equal(found[..., 1], other)
    changed = found[..., 0] != cells
    assert changed[near].sum() == changed.sum() > 1


def test_an_excess_that_neighbours_have_no_room_for_goes_further(shared):
    cells = np.ones((SIDE, SIDE))
    cells[0, 0], cells[7, 6], cells[3, 3] = 1.5, 0.25, -1e-3
    found = np.asarray(shared(patches(cells)))[0, 0, ..., 0]
    assert found.min() >= -1e-15
    assert found.max() <= 1 + 1e-15
    assert found.sum() == pytest.approx(cells.sum(), rel=1e-15)


def test_a_patch_without_room_keeps_its_excess(shared):
    cells = np.full((SIDE, SIDE), 1.0)
    cells[2, 5] = 1.25
    assert np.asarray(shared(patches(cells))).sum() == cells.sum()
