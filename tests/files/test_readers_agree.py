"""One dump, looked at by yt, by PyVista and by our own pictures: they show the same values."""

import matplotlib as mpl
import numpy as np
import pytest
import pyvista
import yt
from sample import random_field

import amr
from amr.files import io
from amr.pictures.plot import plot

mpl.use("agg")
yt.set_log_level("error")
COUNT = 1000


@pytest.fixture(scope="module", params=[2, 3], ids=["2D", "3D"])
def dump(request, tmp_path_factory):
    """A field with values that nothing else has, and its file."""
    field = random_field(request.param, seed=4)
    path = tmp_path_factory.mktemp("dump") / "run_0000.vtkhdf"
    io.write(field, path)
    return field, path


def points_in(field, seed=0):
    """Random points of the domain, in 3D of the middle plane across z, which is what pictures show."""
    domain, rng = field.mesh.domain, np.random.default_rng(seed)
    points = np.asarray(domain.lower) + rng.random((COUNT, domain.ndim)) * np.asarray(domain.lengths)
    if domain.ndim == 3:
        # A hair above the middle: in it lie faces of cells, where each reader may take either side.
        points[:, 2] = domain.lower[2] + 0.501 * domain.lengths[2]
    return points


def pixel_values(image, corner, lengths, points):
    """What the image, of shape `(rows, columns)`, shows at points of its plane."""
    place = (points[:, :2] - corner) / lengths * np.asarray(image.shape[::-1])
    column, row = place.astype(int).T
    return np.asarray(image)[row, column]


def from_our_picture(field, path, points):
    read = amr.read(path)
    at = {"axis": "z", "at": points[0, 2]} if read.mesh.ndim == 3 else {}
    image = plot(read, "noise", **at).axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    return pixel_values(image.get_array(), (left, bottom), (right - left, top - bottom), points)


def from_yt(field, path, points):
    ds = yt.load(str(path))
    z = points[0, 2] if field.mesh.ndim == 3 else 0.0
    # A buffer whose pixels are finer than all cells, so that the pixel of a point lies in the point's cell.
    shape = [n * 2**field.mesh.max_level for n in field.mesh.cells[:2]]
    lower, lengths = np.asarray(field.mesh.domain.lower)[:2], np.asarray(field.mesh.domain.lengths)[:2]
    bounds = (lower[0], lower[0] + lengths[0], lower[1], lower[1] + lengths[1])
    picture = yt.SlicePlot(ds, "z", "noise", center=[*(lower + lengths / 2), z])
    buffer = yt.FixedResolutionBuffer(picture.data_source, bounds, tuple(shape), periodic=False)
    return pixel_values(np.asarray(buffer["noise"]), lower, lengths, points)


def from_pyvista(field, path, points):
    whole = np.zeros((len(points), 3))
    whole[:, : field.mesh.ndim] = points
    mesh = pyvista.read(path)
    return np.asarray(mesh["noise"])[mesh.find_containing_cell(whole)]


@pytest.mark.parametrize("reader", [from_our_picture, from_yt, from_pyvista])
def test_readers_agree_at_random_points(dump, reader):
    field, path = dump
    points = points_in(field)
    # yt's pixels are means over what they cover, each of one cell only here, and such a mean is rounded.
    tolerance = 1e-13 if reader is from_yt else 0
    np.testing.assert_allclose(reader(field, path, points), field.sample(points, "noise"), rtol=tolerance)
