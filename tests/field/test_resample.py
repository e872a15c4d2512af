"""Fields on other grids: datasets of xarray, meshes without their finest leaves."""

import builtins

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from meshes import leaves_of, on_every_case, pools
from reference import level_map
from sample import random_field

import amr

on_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])


@on_every_dimension
@pytest.mark.parametrize("level", [None, 0, 1, 3])
def test_dataset_is_the_uniform_grid(ndim, level):
    field = random_field(ndim)
    data = field.to_xarray(level)
    assert list(data.data_vars) == ["linear", "noise"]
    assert data["noise"].dims == tuple(reversed("xyz"[:ndim]))
    assert data.attrs["level"] == (2 if level is None else level)
    assert float(data["time"]) == 0.375
    for name in field.names:
        np.testing.assert_array_equal(data[name].values.T, field.uniform(name, level))
    points = np.stack(np.meshgrid(*(data[axis].values for axis in "xyz"[:ndim]), indexing="ij"), axis=-1)
    if level in (None, 3):
        np.testing.assert_array_equal(data["noise"].values.T, field.sample(points, "noise"))
    domain = field.mesh.domain
    for axis, low, up in zip("xyz", domain.lower, domain.upper, strict=False):
        side = data[axis].values
        step = (up - low) / len(side)
        np.testing.assert_allclose(side[[0, -1]], [low + step / 2, up - step / 2])


def test_dataset_of_some_variables():
    assert list(random_field(1).to_xarray(names=["noise"]).data_vars) == ["noise"]
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        random_field(1).to_xarray(names=["nose"])


def test_without_xarray_the_message_tells_what_to_install(monkeypatch):
    original = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "xarray":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"amrax\[xarray\]"):
        random_field(1).to_xarray()


@pytest.mark.parametrize("level", [-1, 1.5, "fine"])
def test_wrong_levels(level):
    for method in (random_field(1).uniform, random_field(1).coarsened, random_field(1).to_xarray):
        with pytest.raises(amr.InvalidSettingError) as error:
            method(level=level)
        assert error.value.key == "level"


@on_every_case
@given(data=st.data())
def test_coarsened_fields_are_means(case, data):
    mesh, (forest, u) = case.mesh, data.draw(pools(case))
    field = amr.Field(mesh, forest, jnp.asarray(u), ("a", "b"), time=0.5, step=3)
    level = data.draw(st.integers(0, mesh.max_level))
    coarse = field.coarsened(level)
    np.testing.assert_array_equal(level_map(mesh, coarse.forest), np.minimum(level_map(mesh, forest), level))
    keys = [amr.mesh.morton.encode(np.array(p) << (mesh.max_level - k)) for _, k, p in leaves_of(coarse.forest)]
    assert keys == sorted(keys)
    size = np.abs(u).max()
    for name in field.names:
        np.testing.assert_allclose(coarse.uniform(name, level), field.uniform(name, level), atol=1e-14 * size)
        volume = mesh.domain.volume
        assert abs(coarse.integral(name) - field.integral(name)) <= 1e-13 * size * volume
    assert (coarse.names, coarse.time, coarse.step) == (field.names, 0.5, 3)
    if level == mesh.max_level:
        np.testing.assert_array_equal(coarse.data, u[..., : field.count])
