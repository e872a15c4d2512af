"""Leaves, their order, their neighbours and their balance, against lookups on the finest grid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, strategies as st
from meshes import (
    CASES,
    Case,
    buffers,
    finest,
    forest_of,
    leaves_of,
    level_maps,
    morton_key,
    on_every_case,
    padded,
    run_regrid,
    wishes,
)
from reference import level_map, owners

from amr.grid.halo import half_reach
from amr.mesh import forest as forests, morton


@functools.cache
def lookups(case: Case):
    mesh = case.mesh
    return (
        jax.jit(lambda forest: forests.neighbours(mesh, forest, half_reach(mesh, case.ghost, case.margin))),
        jax.jit(lambda forest, finest: forests.find(mesh, forests.keys(mesh, forest), finest)),
        jax.jit(lambda forest, wish: forests.families(mesh, forest)(wish)),
    )


def assert_same_forest(found, expected):
    np.testing.assert_array_equal(found.count, expected.count)
    np.testing.assert_array_equal(found.level, expected.level)
    np.testing.assert_array_equal(found.position, expected.position)


def assert_balanced(mesh, levels):
    """No patch of the finest grid differs by two levels from one next to it or diagonal to it."""
    around = padded(levels, mesh, 1)
    for shift in np.ndindex(*[3] * mesh.ndim):
        other = around[tuple(slice(s, s + n) for s, n in zip(shift, levels.shape, strict=True))]
        assert (np.abs(levels - other) <= 1).all()


@on_every_case
def test_root_forest_is_the_canonical_one(case):
    roots = forests.root_forest(case.mesh, case.mesh.capacity)
    assert_same_forest(roots, forest_of(case.mesh, np.zeros(finest(case.mesh), int)))


@on_every_case
@given(data=st.data())
def test_random_regrids_keep_every_invariant(case, data):
    """The leaves tile the domain once, are balanced and in Morton order, and the arrays depend on nothing else."""
    mesh = case.mesh
    forest = forests.root_forest(mesh, mesh.capacity)
    u = np.ones((2, *mesh.patch_shape, mesh.capacity))
    for _ in range(4):
        forest = run_regrid(case, forest, u, data.draw(wishes(case, forest)), data.draw(buffers(case))).forest
        levels = level_map(mesh, forest)
        assert_balanced(mesh, levels)
        corners = [tuple(p << (mesh.max_level - level) for p in position) for _, level, position in leaves_of(forest)]
        order = [morton_key(corner) for corner in corners]
        assert order == sorted(order)
        assert_same_forest(forest, forest_of(mesh, levels))


@on_every_case
@given(data=st.data())
def test_find_gives_the_leaf_that_covers_a_place(case, data):
    forest = forest_of(case.mesh, data.draw(level_maps(case)))
    places = np.indices(finest(case.mesh)).astype(np.int32)
    _, find, _ = lookups(case)
    np.testing.assert_array_equal(find(forest, places), owners(case.mesh, forest))


@on_every_case
@given(data=st.data())
def test_neighbours_are_the_leaves_at_half_patches(case, data):
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    neighbours, _, _ = lookups(case)
    found = np.asarray(neighbours(forest))
    reach = half_reach(mesh, case.ghost, case.margin)
    # On a grid twice as fine as the finest patches, half patches of all levels have whole places.
    slots = owners(mesh, forest)
    for d in range(mesh.ndim):
        slots = slots.repeat(2, axis=d)
    for slot, level, position in leaves_of(forest):
        side = 2 ** (mesh.max_level - level)
        for row, offset in enumerate(np.ndindex(*[2 + 2 * reach] * mesh.ndim)):
            place = [(2 * p + o - reach) * side for p, o in zip(position, offset, strict=True)]
            for d, size in enumerate(slots.shape):
                # Beyond an outflow boundary: the half patch inside next to it.
                inside = place[d] % size if mesh.domain.periodic[d] else min(max(place[d], 0), size - side)
                place[d] = inside
            assert found[row, slot] == slots[tuple(place)]


@on_every_case
@given(data=st.data())
def test_siblings_agree_only_where_all_of_them_are_leaves(case, data):
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    wish = rng.random(mesh.capacity) < 0.9
    leaves = leaves_of(forest)
    groups = {}
    for slot, level, position in leaves:
        groups.setdefault((level, tuple(p // 2 for p in position)), []).append(slot)
    expected = np.zeros(mesh.capacity, bool)
    for (level, _), slots in groups.items():
        expected[slots] = level > 0 and len(slots) == mesh.children and wish[slots].all()
    _, _, siblings_agree = lookups(case)
    np.testing.assert_array_equal(siblings_agree(forest, wish), expected)


@on_every_case
def test_resized_keeps_the_leaves(case):
    roots = forests.root_forest(case.mesh, case.mesh.capacity)
    for capacity in (case.mesh.root_count, case.mesh.capacity + 7):
        expected = forest_of(case.mesh, np.zeros(finest(case.mesh), int), capacity)
        assert_same_forest(roots.resized(capacity), expected)


@given(st.integers(1, 3), st.data())
def test_morton_keys_interleave_bits(ndim, data):
    bits = data.draw(st.integers(1, 30 // ndim))
    position = data.draw(st.tuples(*[st.integers(0, 2**bits - 1)] * ndim))
    key = morton.encode(jnp.asarray(position, jnp.int32))
    assert key.dtype == jnp.int32
    assert key == morton_key(position)
    assert key < morton.NO_KEY


def test_octants_are_in_morton_order():
    for ndim in (1, 2, 3):
        assert [morton_key(octant) for octant in morton.octants(ndim)] == list(range(2**ndim))


def test_cases_cover_what_they_should():
    assert {case.mesh.ndim for case in CASES} == {1, 2, 3}
    assert {case.ghost for case in CASES} == {1, 2, 3}
    assert {periodic for case in CASES for periodic in case.mesh.domain.periodic} == {False, True}
