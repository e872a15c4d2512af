"""The layout of pools, and the sweeps over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from problems import bump, swirl_simulation

import amr
from amr.grid.pool import (
    Layout,
    arranged,
    from_pool,
    listed,
    put_patches,
    room_for,
    room_of,
    sweep,
    take_patches,
    to_pool,
)
from solvers.run import loop

layouts = st.builds(Layout, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))


@given(layout=layouts, variables=st.integers(1, 3), cells=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_slots_are_lanes_of_blocks_of_sweeps(layout, variables, cells):
    shape = (variables, *cells, layout.capacity)
    values = np.arange(np.prod(shape)).reshape(shape)
    pool = to_pool(layout, jnp.asarray(values, jnp.float64))
    assert room_of(pool) == layout
    for slot in range(layout.capacity):
        block, lane = divmod(slot, layout.lanes)
        i, block = divmod(block, layout.blocks)
        np.testing.assert_array_equal(pool[:, i, block, ..., lane], values[..., slot])
    np.testing.assert_array_equal(from_pool(pool), values)


@given(layout=layouts, data=st.data())
def test_a_sweep_has_its_own_patches(layout, data):
    i = data.draw(st.integers(0, layout.sweeps - 1))
    values = np.random.default_rng(0).normal(size=(3, layout.capacity))
    part = arranged(layout, take_patches(layout, jnp.asarray(values), jnp.int32(i)))
    assert part.shape == (layout.blocks, 3, layout.lanes)
    np.testing.assert_array_equal(listed(part), values[:, i * layout.part : (i + 1) * layout.part])
    back = put_patches(layout, jnp.zeros_like(values), listed(part), jnp.int32(i))
    np.testing.assert_array_equal(back[:, i * layout.part : (i + 1) * layout.part], listed(part))
    assert np.count_nonzero(back) == part.size


def visited(layout, count, needed=None):
    """How often each sweep is done."""
    times = jnp.zeros(layout.sweeps, jnp.int32)
    return sweep(layout, count, lambda i, times: times.at[i].add(1), times, needed)


@given(layout=layouts, data=st.data())
def test_work_follows_the_active_patches(layout, data):
    count = data.draw(st.integers(1, layout.capacity))
    wanted = np.arange(layout.sweeps) * layout.part < count
    np.testing.assert_array_equal(visited(layout, jnp.int32(count)), wanted)
    np.testing.assert_array_equal(visited(layout, jnp.int32(count), jnp.asarray(True)), wanted)
    assert not visited(layout, jnp.int32(count), jnp.asarray(False)).any()


def test_members_of_an_ensemble_do_as_many_sweeps_as_the_largest():
    layout = Layout(5, 2, 1)
    counts = jnp.asarray([1, 7, 4], jnp.int32)
    times = jax.vmap(lambda count: visited(layout, count))(counts)
    np.testing.assert_array_equal(times, [[1, 1, 1, 1, 0]] * 3)
    program = str(jax.make_jaxpr(jax.vmap(lambda count: visited(layout, count)))(counts))
    assert "gather" not in program


@given(
    ndim=st.integers(1, 3),
    patch=st.sampled_from([4, 8, 16, 32]),
    roots=st.integers(1, 4),
    capacity=st.integers(1, 5000),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_a_layout_has_room_and_wastes_little(ndim, patch, roots, capacity, dtype):
    mesh = amr.Mesh(amr.Domain((0,) * ndim, (1,) * ndim), (roots * patch,) * ndim, patch)
    layout = room_for(mesh, capacity, dtype)
    assert capacity <= layout.capacity < capacity + layout.part + layout.sweeps * layout.lanes
    assert layout.sweeps == 1 or layout.part * mesh.cells_per_patch * jnp.dtype(dtype).itemsize <= 2**19


@pytest.mark.slow
@pytest.mark.parametrize("levels", [0, 2])
def test_how_the_pool_lies_in_memory_does_not_matter(levels, monkeypatch):
    """The same run in one sweep and in many, with lanes and without."""
    fields = []
    for layout in (Layout(1, 150, 1), Layout(15, 5, 2), Layout(4, 3, 16)):
        monkeypatch.setattr(loop, "room_for", lambda *_, layout=layout: layout)
        refine = amr.Difference(0.05) if levels else None
        simulation = swirl_simulation(32, 8, levels, refine)
        state = jax.jit(lambda s=simulation: s.advance(s.start(bump, 1.0, capacity=150), 0.2))()
        assert room_of(state.u) == layout
        assert not bool(state.overflow)
        fields.append(simulation.field(state).uniform())
    np.testing.assert_allclose(fields[1], fields[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(fields[2], fields[0], rtol=0, atol=1e-14)
