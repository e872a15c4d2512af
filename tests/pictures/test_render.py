"""Fields in PyVista: the cells, values and levels that it gets, and pictures without a window."""

import builtins

import numpy as np
import pytest
import pyvista
from sample import random_field

import amr
from amr.files import io
from amr.pictures import render

on_every_dimension = pytest.mark.parametrize("ndim", [1, 2, 3])


@on_every_dimension
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_have_the_values_of_the_field(ndim, dtype):
    field = random_field(ndim, dtype=dtype)
    grid = field.to_pyvista()
    points = np.asarray(grid.cell_centers().points)[:, :ndim]
    assert grid.n_cells == field.cells
    assert grid["noise"].dtype == dtype
    np.testing.assert_array_equal(grid["noise"], field.sample(points, "noise"))
    np.testing.assert_array_equal(grid["level"], field.levels(points))
    sizes = grid.compute_cell_sizes()[{1: "Length", 2: "Area", 3: "Volume"}[ndim]]
    np.testing.assert_allclose(sizes.sum(), field.mesh.domain.volume, rtol=1e-6)
    assert grid.field_data["time"] == [0.375]


@on_every_dimension
def test_mesh_is_the_one_of_the_file(ndim, tmp_path):
    field = random_field(ndim)
    io.write(field, tmp_path / "a.vtkhdf")
    written, made = pyvista.read(tmp_path / "a.vtkhdf"), field.to_pyvista()
    np.testing.assert_array_equal(made.points, written.points)
    np.testing.assert_array_equal(made.cell_connectivity, written.cell_connectivity)
    np.testing.assert_array_equal(made.celltypes, written.celltypes)
    for name in ("noise", "linear", "level"):
        np.testing.assert_array_equal(made[name], written[name])


def ball() -> amr.Field:
    field = random_field(3)
    return field.with_variable("r", lambda x, y, z: (((x - 0.4) / 0.6) ** 2 + (y / 2) ** 2 + (z - 2.5) ** 2) ** 0.5)


@pytest.mark.parametrize("scene", [None, render.Contours(0.3), render.Contours((0.2, 0.4)), render.Volume(level=1)])
def test_scenes_show_something(scene, tmp_path):
    picture = render.render(ball(), "r", scene, size=(200, 150), path=tmp_path / "a.png")
    assert picture.size == (200, 150)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    colourful = np.ptp(np.asarray(picture, int), axis=-1) > 30
    assert colourful[:, :160].mean() > 0.02  # beside the bar of colours


def test_planes_show_the_colours_of_the_values():
    field = ball().with_variable("one", lambda: 1.0)
    picture = render.render(field, "one", render.Planes(), size=(200, 150), cmap="Reds", vmin=0, vmax=1)
    deepest = (103, 0, 12)  # the end of Reds
    assert (np.asarray(picture) == deepest).all(-1).mean() > 0.1


def test_surfaces_are_where_the_value_is():
    surface = ball().to_pyvista().clean().cell_data_to_point_data().contour([0.3], scalars="r")
    x, y, z = np.asarray(surface.points).T
    r = np.sqrt(((x - 0.4) / 0.6) ** 2 + (y / 2) ** 2 + (z - 2.5) ** 2)
    np.testing.assert_allclose(r, 0.3, atol=0.07)


def test_wrong_scenes():
    with pytest.raises(amr.InvalidSettingError, match="3D"):
        render.render(random_field(2))
    with pytest.raises(amr.InvalidSettingError, match="no surface"):
        render.render(ball(), "r", render.Contours(9.0))
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'noise'"):
        render.render(ball(), "nois")
    with pytest.raises(amr.InvalidSettingError, match="did you mean 'viridis'"):
        render.render(ball(), cmap="virids")


def test_without_pyvista_the_message_tells_what_to_install(monkeypatch):
    original = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "pyvista":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for wrong in (random_field(1).to_pyvista, lambda: render.render(random_field(3))):
        with pytest.raises(ImportError, match=r"amrax\[pyvista\]"):
            wrong()
