"""A field on the host: patches, sampling, uniform grids, integrals, against brute force."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import compiled, forest_of, leaves_of, level_maps, on_every_case, on_few_cases, pools, repeated, window
from reference import level_map

import amr


def make(case, forest, u) -> amr.Field:
    return amr.Field(case.mesh, forest, jnp.asarray(u), ("a", "b"))


def finest_cells(case, forest, u) -> np.ndarray:
    """Every leaf cell repeated over the cells of the finest grid that it covers."""
    mesh = case.mesh
    grid = np.full((u.shape[0], *(n * 2**mesh.max_level for n in mesh.cells)), np.nan)
    for slot, level, position in leaves_of(forest):
        factor = 2 ** (mesh.max_level - level)
        grid[(slice(None), *window(position, mesh.patch * factor))] = repeated(u[..., slot], factor, skip=1)
    return grid


def random_points(case, seed: int) -> np.ndarray:
    """Points in and around the domain."""
    lower, lengths = np.asarray(case.mesh.domain.lower), np.asarray(case.mesh.domain.lengths)
    return lower + lengths * np.random.default_rng(seed).uniform(-0.2, 1.2, (5, 8, case.mesh.ndim))


@on_every_case
@given(data=st.data())
def test_uniform_gives_the_finest_grid(case, data):
    forest, u = data.draw(pools(case))
    expected = finest_cells(case, forest, u)
    np.testing.assert_array_equal(make(case, forest, u).uniform("b"), expected[1])


@on_few_cases
@given(seed=st.integers(0, 99))
def test_uniform_on_the_grid_of_the_data(case, seed):
    mesh = case.mesh
    forest = forest_of(mesh, np.ones([n * 2**mesh.max_level for n in mesh.roots], int))
    u = np.random.default_rng(seed).normal(size=(2, *mesh.patch_shape, mesh.capacity))
    coarse = make(case, forest, u).uniform("a", level=1)
    assert coarse.shape == tuple(2 * n for n in mesh.cells)
    np.testing.assert_array_equal(repeated(coarse, 2 ** (mesh.max_level - 1)), finest_cells(case, forest, u)[0])


@on_every_case
@given(data=st.data())
def test_sample_and_levels_look_up_points(case, data):
    mesh = case.mesh
    forest, u = data.draw(pools(case))
    field, points = make(case, forest, u), random_points(case, data.draw(st.integers(0, 999)))
    values, levels = field.sample(points), field.levels(points)
    assert values.shape == levels.shape == points.shape[:-1]
    cells, patches = finest_cells(case, forest, u)[0], level_map(mesh, forest)
    for place in np.ndindex(points.shape[:-1]):
        scaled = (points[place] - mesh.domain.lower) / np.asarray(mesh.domain.lengths)
        if (scaled < 0).any() or (scaled > 1).any():
            assert np.isnan(values[place])
            assert levels[place] == -1
        else:
            cell = tuple((scaled * cells.shape).astype(int))
            assert values[place] == cells[cell]
            assert levels[place] == patches[tuple(c // mesh.patch for c in cell)]


def test_sample_takes_plain_numbers_in_1d_and_corners_of_the_domain():
    mesh = amr.Mesh(amr.Domain(0, 1), 8, patch=4)
    forest = forest_of(mesh, np.zeros(2, int), 2)
    field = amr.Field(mesh, forest, jnp.arange(8.0).reshape(1, 2, 4).swapaxes(1, 2), ("a",))
    points = np.array([0.0, 0.2, 0.9, 1.0, -0.1, np.nan])
    np.testing.assert_array_equal(field.sample(points), [0, 1, 7, 7, np.nan, np.nan])
    assert field.sample(np.array(0.3)) == 2


@on_few_cases
@given(data=st.data())
def test_integral_extrema_and_norms(case, data):
    mesh = case.mesh
    forest, u = data.draw(pools(case))
    run, field, cells = compiled(case), make(case, forest, u), finest_cells(case, forest, u)
    volume = np.prod(mesh.cell_size(mesh.max_level))
    for number, name in enumerate(field.names):
        size = np.abs(cells[number]).sum() * volume
        assert abs(field.integral(name) - cells[number].sum() * volume) <= 1e-14 * size
        assert field.minimum(name) == cells[number].min()
        assert field.maximum(name) == cells[number].max()
    np.testing.assert_allclose(run.integral(forest, u), cells.reshape(2, -1).sum(1) * volume, atol=1e-12)
    norms = run.norms(forest, u)
    absolute = np.abs(cells.reshape(2, -1))
    np.testing.assert_allclose(norms["l1"], absolute.mean(1), rtol=1e-13)
    np.testing.assert_allclose(norms["l2"], np.sqrt((absolute**2).mean(1)), rtol=1e-13)
    np.testing.assert_array_equal(norms["linf"], absolute.max(1))


@on_few_cases
@given(data=st.data())
def test_patches_know_their_place(case, data):
    mesh = case.mesh
    forest, u = data.draw(pools(case))
    field = make(case, forest, u)
    patches = field.patches()
    assert field.count == len(leaves_of(forest)) == len(patches.level)
    assert field.cells == field.count * mesh.patch**mesh.ndim
    for slot, level, position in leaves_of(forest):
        lengths = np.asarray(mesh.domain.lengths) / mesh.roots / 2**level
        np.testing.assert_array_equal(patches.values[slot], u[..., slot])
        np.testing.assert_array_equal((patches.level[slot], *patches.position[slot]), (level, *position))
        np.testing.assert_allclose(patches.lower[slot], mesh.domain.lower + lengths * position, atol=1e-15)
        np.testing.assert_allclose(patches.upper[slot] - patches.lower[slot], lengths, atol=1e-15)
        np.testing.assert_allclose(patches.dx[slot], lengths / mesh.patch)
    np.testing.assert_allclose(patches.upper.max(0), mesh.domain.upper)


@on_few_cases
@given(data=st.data())
def test_equal_points_of_different_levels_have_equal_bits(case, data):
    """Cell widths halve exactly, so that an initial condition is the same function for all patches."""
    mesh = case.mesh
    forest = forest_of(mesh, data.draw(level_maps(case)))
    count, scale = int(forest.count), 0.5 ** np.asarray(forest.level)
    for dtype in (jnp.float32, jnp.float64):
        exact = (np.asarray(mesh.cell_size(0), dtype)[:, None] * scale).astype(dtype)
        np.testing.assert_array_equal(compiled(case).sizes(forest, dtype=dtype)[:, :count], exact[:, :count])


@on_few_cases
@given(data=st.data())
def test_device_and_host_agree_on_cell_centres(case, data):
    forest, u = data.draw(pools(case))
    patches = make(case, forest, u).patches()
    for d, centres in enumerate(compiled(case).centres(forest, dtype=jnp.float64)):
        along = np.asarray(centres).reshape(case.mesh.patch, -1)[:, : int(forest.count)]
        np.testing.assert_allclose(along.T, patches.centres(d), rtol=0, atol=1e-14)


def test_names():
    mesh = amr.Mesh(amr.Domain(0, 1), 8, patch=4)
    field = amr.Field(mesh, forest_of(mesh, np.zeros(2, int), 2), jnp.zeros((2, 4, 2)), ("a", "b"))
    assert field.index("b") == field.index(1) == 1
    for wrong, key in ((lambda: field.index("c"), "variable"), (lambda: field.index(5), "variable")):
        with pytest.raises(amr.InvalidSettingError) as error:
            wrong()
        assert error.value.key == key
