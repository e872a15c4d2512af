"""The levels of a forest as whole grids, against brute force on the grid of each level."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import CASES, blocks, case, forest_of, leaves_of, level_maps, morton_key, on_three_cases_a_day
from reference import owners

from amr.errors import InvalidSettingError
from amr.grid import hierarchy
from amr.grid.hierarchy import COARSER, OUTSIDE
from amr.grid.pool import Layout, to_pool
from amr.mesh.forest import root_positions
from amr.mesh.mesh import Mesh

FLAT = [case("1d-flat", 4, (3,), 0, True, ghost=1, lanes=2), case("2d-flat", 4, (2, 3), 0, False, ghost=1, sweeps=2)]


def of_all_sweeps(nodes, part):
    return jnp.moveaxis(jax.lax.map(part, jnp.arange(nodes.layout.sweeps, dtype=jnp.int32)), 0, 1)


@functools.cache
def compiled(case) -> SimpleNamespace:
    mesh = case.mesh

    def filled(nodes, pool):
        """A store with the cells of the nodes, and nothing in the edges."""
        values = hierarchy.to_nodes(mesh, nodes, pool)
        store = jnp.zeros((*values.shape[:3], hierarchy.node_rows(mesh), values.shape[-1]), values.dtype)
        rows = values.reshape(*values.shape[:3], -1, values.shape[-1])
        return jax.lax.dynamic_update_slice(store, rows, (0,) * 5)

    def back(nodes, pool, count):
        return hierarchy.to_leaves(mesh, nodes, filled(nodes, pool), count, case.layout)

    def prolonged(nodes, pool):
        """The rows of all sweeps."""
        store, nothing = filled(nodes, pool), (None,) * mesh.ndim
        return of_all_sweeps(nodes, lambda i: hierarchy.prolonged(mesh, nodes, store, nothing, i))

    def ghosts(nodes, pool):
        store = filled(nodes, pool)
        return of_all_sweeps(nodes, lambda i: hierarchy.ghost_cells(nodes, store, i))

    return SimpleNamespace(
        build=jax.jit(lambda forest: hierarchy.build_nodes(mesh, forest, case.layout)),
        to_nodes=jax.jit(functools.partial(hierarchy.to_nodes, mesh), static_argnums=2),
        back=jax.jit(back),
        prolonged=jax.jit(prolonged),
        ghosts=jax.jit(ghosts),
    )


def grids(mesh, forest) -> list[np.ndarray]:
    """For each level the slots of the nodes, -1 where there are none, from nothing but the leaves."""
    level = np.asarray(forest.level)[owners(mesh, forest)]
    return [blocks(level, 2 ** (mesh.max_level - n), np.min) >= n for n in range(mesh.max_level + 1)]


def slots_of(mesh, nodes) -> list[dict]:
    """For each level, the slot of the node at each position, from where the levels begin."""
    found = []
    part, first = nodes.layout.part, np.asarray(nodes.first)
    leaf, child = np.asarray(nodes.leaf), np.asarray(nodes.child)
    for level in range(mesh.max_level + 1):
        slots = range(first[level] * part, first[level + 1] * part)
        used = [slot for slot in slots if leaf[slot] >= 0 or child[slot] >= 0]
        assert used == list(range(slots[0], slots[0] + len(used))) if used else True, "nodes have gaps"
        assert (np.asarray(nodes.level)[used] == level).all()
        found.append({tuple(map(int, np.asarray(nodes.position)[:, slot])): slot for slot in used})
        assert len(found[-1]) == len(used), "two nodes in one place"
    return found


def flattened(pool) -> np.ndarray:
    """Values of each slot, `(slots, vars, rest..)`."""
    pool = np.asarray(pool)
    moved = np.moveaxis(pool, [1, 2, -1], [0, 1, 2])
    return moved.reshape(-1, *moved.shape[3:])


def centres(mesh, level, position, cells) -> list[np.ndarray]:
    """Coordinates of cells of a patch, given by numbers along each dimension that may lie beyond it."""
    sizes = mesh.cell_size(level)
    return [
        lower + size * (mesh.patch * p + np.asarray(c) + 0.5)
        for lower, size, p, c in zip(mesh.domain.lower, sizes, position, cells, strict=True)
    ]


def linear(x: list[np.ndarray]) -> np.ndarray:
    total = np.array(0.7)
    for d, line in enumerate(x):
        total = np.add.outer(total, (d + 1.3) * line)
    return total


def linear_pool(case, forest):
    """A linear function of position on all leaves, garbage elsewhere."""
    mesh = case.mesh
    u = np.full((1, *mesh.patch_shape, case.layout.capacity), np.nan)
    for slot, level, position in leaves_of(forest):
        u[0, ..., slot] = linear(centres(mesh, level, position, [np.arange(mesh.patch)] * mesh.ndim))
    return to_pool(case.layout, jnp.asarray(u))


@on_three_cases_a_day
@given(data=st.data())
def test_nodes_are_the_leaves_and_their_ancestors(case, data):
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes = compiled(case).build(forest)
    assert int(nodes.first[-1]) <= nodes.layout.sweeps
    slots, leaf, child = slots_of(mesh, nodes), np.asarray(nodes.leaf), np.asarray(nodes.child)
    for level, exists in enumerate(grids(mesh, forest)):
        assert set(slots[level]) == set(map(tuple, np.argwhere(exists).tolist()))
        assert list(slots[level]) == sorted(slots[level], key=morton_key)
    leaves = {(level, position): slot for slot, level, position in leaves_of(forest)}
    for level, found in enumerate(slots):
        for position, slot in found.items():
            assert leaf[slot] == leaves.get((level, position), -1)
            if leaf[slot] >= 0:
                assert int(nodes.of_leaf[leaf[slot]]) == slot
                assert child[slot] == -1
                continue
            for number in range(mesh.children):
                corner = tuple(2 * p + (number >> d & 1) for d, p in enumerate(position))
                assert slots[level + 1][corner] == child[slot] + number


@on_three_cases_a_day
@given(data=st.data())
def test_neighbours(case, data):
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes = compiled(case).build(forest)
    slots, leaf = slots_of(mesh, nodes), np.asarray(nodes.leaf)
    for level, found in enumerate(slots):
        for position, slot in found.items():
            for side in range(2 * mesh.ndim):
                d, end = divmod(side, 2)
                there = list(position)
                there[d] += 2 * end - 1
                size = mesh.roots[d] << level
                if mesh.domain.periodic[d]:
                    there[d] %= size
                outside = not 0 <= there[d] < size
                expected = OUTSIDE if outside else found.get(tuple(there), COARSER)
                assert int(nodes.neighbour[side, slot]) == expected
                mixed = expected >= 0 and (leaf[expected] >= 0) != (leaf[slot] >= 0)
                assert bool(nodes.beside[side, slot]) == mixed


@on_three_cases_a_day
@given(data=st.data())
def test_linear_functions_are_averaged_exactly(case, data):
    """On all ancestors; and leaves get their values back."""
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes, u = run.build(forest), linear_pool(case, forest)
    found = flattened(run.to_nodes(nodes, u, None))
    for level, places in enumerate(slots_of(mesh, nodes)):
        for position, slot in places.items():
            expected = linear(centres(mesh, level, position, [np.arange(mesh.patch)] * mesh.ndim))
            np.testing.assert_allclose(found[slot, 0], expected, rtol=0, atol=1e-12)
    count = int(forest.count)
    again = flattened(run.back(nodes, u, forest.count))
    np.testing.assert_array_equal(again[:count], flattened(u)[:count])


@on_three_cases_a_day
@given(data=st.data())
def test_faces_are_averaged_exactly(case, data):
    """A linear function on faces of all nodes, and one with a step across faces along them."""
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes, d = run.build(forest), data.draw(st.integers(0, mesh.ndim - 1))
    cells = [np.arange(mesh.patch + 1) - 0.5 if k == d else np.arange(mesh.patch) for k in range(mesh.ndim)]
    u = np.full((1, *map(len, cells), case.layout.capacity), np.nan)
    for slot, level, position in leaves_of(forest):
        u[0, ..., slot] = linear(centres(mesh, level, position, cells))
    found = flattened(run.to_nodes(nodes, to_pool(case.layout, jnp.asarray(u)), d))
    for level, places in enumerate(slots_of(mesh, nodes)):
        for position, slot in places.items():
            expected = linear(centres(mesh, level, position, cells))
            np.testing.assert_allclose(found[slot, 0], expected, rtol=0, atol=1e-12)


def near_boundary(mesh, level, position, reach: int) -> bool:
    """Whether cells up to `reach` of the next coarser level around a patch leave the domain (or wrap)."""
    width = 2 * reach / mesh.patch
    sizes = [n << level for n in mesh.roots]
    return any(p - width < 0 or p + 1 + width > size for p, size in zip(position, sizes, strict=True))


@on_three_cases_a_day
@given(data=st.data())
def test_linear_functions_are_interpolated_exactly(case, data):
    """Cells and edges, inside the domain."""
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes, u = run.build(forest), linear_pool(case, forest)
    found = flattened(run.prolonged(nodes, u))
    inner = np.arange(mesh.patch)
    for level, places in enumerate(slots_of(mesh, nodes)):
        for position, slot in places.items():
            if level == 0 or near_boundary(mesh, level, position, hierarchy.MARGIN):
                continue
            expected = [linear(centres(mesh, level, position, [inner] * mesh.ndim)).ravel()]
            for d in range(mesh.ndim):
                for beyond in (-1, mesh.patch):
                    cells = [np.array([beyond]) if k == d else inner for k in range(mesh.ndim)]
                    expected.append(linear(centres(mesh, level, position, cells)).ravel())
            np.testing.assert_allclose(found[slot, 0], np.concatenate(expected), rtol=0, atol=1e-12)


@on_three_cases_a_day
@given(data=st.data())
def test_windows_wrap_and_mirror(case, data):
    """Constants are interpolated as such everywhere; edges are zero outside of the domain alone."""
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes = run.build(forest)
    found = flattened(run.prolonged(nodes, jnp.full_like(linear_pool(case, forest), 3.0)))
    faces = mesh.patch ** (mesh.ndim - 1)
    for level, places in enumerate(slots_of(mesh, nodes)):
        for slot in places.values() if level > 0 else ():
            outside = np.repeat(np.asarray(nodes.neighbour)[:, slot] == OUTSIDE, faces)
            np.testing.assert_allclose(found[slot, 0, : mesh.cells_per_patch], 3.0, rtol=1e-14)
            np.testing.assert_allclose(found[slot, 0, mesh.cells_per_patch :], np.where(outside, 0, 3.0), rtol=1e-14)


@on_three_cases_a_day
@given(data=st.data())
def test_ghost_cells_are_those_of_neighbours(case, data):
    mesh, run = case.mesh, compiled(case)
    forest = forest_of(mesh, data.draw(level_maps(case)))
    nodes = run.build(forest)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    u = to_pool(case.layout, jnp.asarray(rng.normal(size=(2, *mesh.patch_shape, case.layout.capacity))))
    values, found = flattened(run.to_nodes(nodes, u, None)), flattened(run.ghosts(nodes, u))
    for places in slots_of(mesh, nodes):
        for slot in places.values():
            for side in range(2 * mesh.ndim):
                d, end = divmod(side, 2)
                other = int(nodes.neighbour[side, slot])
                layer = values[other].take(0 if end else mesh.patch - 1, axis=1 + d).reshape(2, -1)
                np.testing.assert_array_equal(found[slot, :, side], layer if other >= 0 else 0 * layer)


@pytest.mark.parametrize("case", [*FLAT, *CASES], ids=str)
@pytest.mark.parametrize("face", [None, 0, -1])
def test_the_root_grid_as_one_array(case, face):
    mesh = case.mesh
    face = mesh.ndim - 1 if face == -1 else face
    cells = [np.arange(mesh.patch + (k == face)) - 0.5 * (k == face) for k in range(mesh.ndim)]
    positions = root_positions(mesh)
    u = np.full((1, *map(len, cells), case.layout.capacity), np.nan)
    for slot in range(mesh.root_count):
        u[0, ..., slot] = linear(centres(mesh, 0, positions[:, slot], cells))
    pool = to_pool(case.layout, jnp.asarray(u))
    dense = jax.jit(lambda pool: hierarchy.to_dense(mesh, pool, face))(pool)
    whole = [np.arange(n + (k == face)) - 0.5 * (k == face) for k, n in enumerate(mesh.cells)]
    np.testing.assert_allclose(dense[0], linear(centres(mesh, 0, (0,) * mesh.ndim, whole)), rtol=0, atol=1e-13)
    if face is None:
        back = flattened(jax.jit(lambda dense: hierarchy.from_dense(mesh, dense, case.layout))(dense))
        np.testing.assert_array_equal(back[: mesh.root_count], flattened(pool)[: mesh.root_count])


def test_what_is_outside_of_the_forest_does_not_matter():
    """The same forest in a larger pool gives the same nodes."""
    chosen = next(c for c in CASES if c.name == "2d-outflow")
    levels = np.zeros([n * 4 for n in chosen.mesh.roots], int)
    levels[:4, :4] = 1
    forest = forest_of(chosen.mesh, levels)
    layout = Layout(1, chosen.layout.capacity + 7, 1)
    build = jax.jit(functools.partial(hierarchy.build_nodes, chosen.mesh), static_argnums=1)
    small, large = build(forest, chosen.layout), build(forest.resized(layout.capacity), layout)
    for level in range(chosen.mesh.max_level + 1):
        starts = [int(n.first[level]) * n.layout.part for n in (small, large)]
        count = len(slots_of(chosen.mesh, small)[level])
        for name in ("leaf", "level"):
            first, second = (
                np.asarray(getattr(n, name))[start : start + count]
                for n, start in zip((small, large), starts, strict=True)
            )
            np.testing.assert_array_equal(first, second)


def test_too_many_patches():
    chosen = next(c for c in CASES if c.name == "2d-outflow")
    mesh = Mesh(chosen.mesh.domain, (2048, 2048), 1024, 2)
    with pytest.raises(InvalidSettingError, match="too many"):
        hierarchy.node_layout(mesh, Layout(64, 1, 64))
