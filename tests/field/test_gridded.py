"""Data on uniform grids, brought to others: what is there stays there."""

import itertools
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

import amr
from amr.field.gridded import remapped

sizes = st.integers(1, 9)
ends = st.tuples(st.floats(-3, 3), st.floats(0.1, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def by_overlaps(values, given, wanted, count):
    """The averages by the definition, along the only axis."""
    n = len(values)
    edges, new = np.linspace(*given, n + 1), np.linspace(*wanted, count + 1)
    overlap = np.minimum(edges[1:], new[1:, None]) - np.maximum(edges[:-1], new[:-1, None])
    return np.maximum(overlap, 0) @ values / np.diff(new)


@given(n=sizes, count=sizes, given=ends, part=st.tuples(st.floats(0, 0.45), st.floats(0.55, 1)), fits=st.booleans())
def test_averages_are_those_of_what_is_covered(n, count, given, part, fits):
    values = np.random.default_rng(n).normal(size=n)
    low, high = (0.0, 1.0) if fits else part
    wanted = tuple(given[0] + share * (given[1] - given[0]) for share in (low, high))
    found = remapped(values, 0, given, wanted, count)
    np.testing.assert_allclose(found, by_overlaps(values, given, wanted, count), atol=1e-10)


@given(shape=st.tuples(sizes, sizes), cells=st.tuples(st.integers(1, 3), st.integers(1, 3)), levels=st.integers(0, 2))
def test_integrals_stay_on_all_levels(shape, cells, levels):
    values = np.random.default_rng(1).normal(size=shape)
    mesh = amr.Mesh(amr.Domain((0, -1), (1.5, 2)), [4 * n for n in cells], 4, levels)
    on_mesh = amr.Gridded(values, (0, -1), (1.5, 2)).on(mesh)
    start = 0
    for level in range(levels + 1):
        number = np.prod([4 * n * 2**level for n in cells])
        found = np.asarray(on_mesh.values)[0, start : start + number]
        np.testing.assert_allclose(found.mean(), values.mean(), atol=1e-13)
        start += number
    assert start == on_mesh.values.shape[1]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_as_a_function_it_is_linear_between_centres(ndim):
    lower, upper, cells = (-1.0, 0.0, 2.0)[:ndim], (1.0, 3.0, 4.0)[:ndim], (5, 1, 4)[:ndim]
    sides = [low + (np.arange(n) + 0.5) * (up - low) / n for low, up, n in zip(lower, upper, cells, strict=True)]
    values = 0.5 + sum(
        (d + 1.0) * side.reshape([-1 if k == d else 1 for k in range(ndim)]) for d, side in enumerate(sides)
    )
    grid = amr.Gridded(np.broadcast_to(values, cells), lower, upper)
    points = np.random.default_rng(0).uniform(lower, upper, (50, ndim)).T
    inner = [np.clip(x, side[0], side[-1]) for x, side in zip(points, sides, strict=True)]
    right = 0.5 + sum((d + 1.0) * x for d, x in enumerate(inner))
    np.testing.assert_allclose(grid(*map(jnp.asarray, points)), right, atol=1e-12)


def test_datasets_give_what_they_were_made_of():
    xarray = pytest.importorskip("xarray")
    values = np.random.default_rng(2).normal(size=(3, 4))
    sides = {"x": [0.5, 1.5, 2.5], "y": [-0.75, -0.25, 0.25, 0.75]}
    dataset = xarray.Dataset({"a": (("y", "x"), values.T), "b": (("x", "y"), 2 * values), "c": 1.0}, sides)
    found = amr.Gridded.of_dataset(dataset)
    assert (found.names, found.lower, found.upper) == (("a", "b"), (0, -1), (3, 1))
    np.testing.assert_array_equal(found.values, [values, 2 * values])
    alone = amr.Gridded.of_dataset(dataset["b"])
    np.testing.assert_array_equal(alone.values, [2 * values])
    with pytest.raises(amr.InvalidSettingError, match="evenly spaced, rising cell centres along x"):
        amr.Gridded.of_dataset(dataset.assign_coords(x=[0.5, 1.5, 3.5]))


def test_arrays_of_files(tmp_path):
    one, other = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    np.save(tmp_path / "one.npy", one)
    np.savez(tmp_path / "two.npz", a=one, b=other, lower=[0, 1], upper=[2, 4])
    np.testing.assert_array_equal(amr.Gridded.load(tmp_path / "one.npy", (0, 0), (1, 1)).values[0], one)
    both = amr.Gridded.load(tmp_path / "two.npz", (0, 0), (1, 1))
    assert (both.names, both.lower, both.upper) == (("a", "b"), (0, 1), (2, 4))
    (tmp_path / "bad.npy").write_bytes(b"no array")
    for name in ("bad.npy", "none.npy"):
        with pytest.raises(amr.InvalidSettingError, match=f"{name} cannot be read"):
            amr.Gridded.load(tmp_path / name, (0, 0), (1, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: amr.Gridded({"a": np.ones(3), "b": np.ones(4)}, 0, 1), "arrays of one shape"),
        (lambda: amr.Gridded(np.ones((3, 0)), (0, 0), (1, 1)), "with cells along each axis"),
        (lambda: amr.Gridded({"a": np.array([1, np.nan])}, 0, 1), r"a has nan in cell \[1\]"),
        (lambda: amr.Gridded(np.ones((2, 2)), 0, 1), r"one number for each axis, got lower = \[0.0\]"),
        (lambda: amr.Gridded(np.ones(2), 1, 0), "corners of a box"),
    ],
)
def test_what_is_no_grid_is_told(make, message):
    with pytest.raises(amr.InvalidSettingError, match=message):
        make()


def test_the_finest_levels_may_be_too_many(monkeypatch):
    """Then the finer ones have the averages of the finest that there is."""
    monkeypatch.setattr(sys.modules["amr.field.gridded"], "MOST_CELLS", 100)
    mesh = amr.Mesh(amr.Domain((0, 0), (1, 1)), (8, 8), 8, 2)
    values = np.random.default_rng(0).normal(size=(8, 8))
    on_mesh = amr.Gridded(values, (0, 0), (1, 1)).on(mesh)
    assert on_mesh.levels == 1
    leaves = [(x, y) for y, x in itertools.product(range(4), repeat=2)]
    position = jnp.asarray(np.array(leaves).T, jnp.int32)
    forest = amr.mesh.Forest(jnp.full(16, 2, jnp.int32), position, jnp.asarray(16, jnp.int32))
    found = np.asarray(on_mesh.of_leaves(mesh, forest, jnp.float64))[0]
    whole = np.repeat(np.repeat(values, 4, 0), 4, 1)
    for slot, (x, y) in enumerate(leaves):
        np.testing.assert_array_equal(found[..., slot], whole[8 * x : 8 * x + 8, 8 * y : 8 * y + 8])
