"""Movies: how many pictures, of which size, for how long, in the same colours."""

import builtins
import shutil
import subprocess

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sample import random_field

import amr
from amr.files import dumps, io
from amr.pictures import movie, views


def moment(number: int, ndim: int = 2) -> amr.Field:
    """The same mesh at other times with other ranges of values."""
    field = random_field(ndim)
    return amr.Field(field.mesh, field.forest, field.data * (1 + number), field.names, float(number), number)


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"run_{number:04d}.vtkhdf" for number in range(3)]
    for number, path in enumerate(paths):
        io.write(moment(number), path)
    return paths


def recorded(monkeypatch) -> list:
    """The figures of a movie, as they are drawn."""
    figures, original = [], movie.pixels

    def pixels(figure, dpi):
        figures.append(figure)
        return original(figure, dpi)

    monkeypatch.setattr(movie, "pixels", pixels)
    return figures


def test_gif_has_a_picture_a_file(files, tmp_path):
    seen = []
    path = movie.movie(files, tmp_path / "a" / "run.gif", "noise", fps=4, dpi=40, on_frame=lambda *n: seen.append(n))
    with Image.open(path) as gif:
        assert gif.n_frames == 3
        assert gif.info["loop"] == 0
        durations = [gif.seek(number) or gif.info["duration"] for number in range(3)]
    assert durations == [250, 250, 250]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert sorted(p.name for p in path.parent.iterdir()) == ["run.gif"]


@pytest.mark.parametrize("view", [None, views.Projected("noise", "x"), views.AlongLine("noise", x=0.3), views.Levels()])
def test_scale_is_that_of_all_pictures(files, monkeypatch, tmp_path, view):
    figures = recorded(monkeypatch)
    movie.movie(files, tmp_path / "run.gif", "noise", dpi=30, view=view)
    limits = [fig.axes[0].images[0].get_clim() if fig.axes[0].images else fig.axes[0].get_ylim() for fig in figures]
    assert len(set(limits)) == 1
    if view is None:
        fields = [moment(number) for number in range(3)]
        assert limits[0] == (min(f.minimum("noise") for f in fields), max(f.maximum("noise") for f in fields))


def test_curves_fit_into_their_range(monkeypatch, tmp_path):
    figures, fields = recorded(monkeypatch), [moment(number, 1) for number in range(3)]
    movie.movie(fields, tmp_path / "run.gif", "noise", dpi=30)
    low, high = figures[0].axes[0].get_ylim()
    assert low < min(f.minimum("noise") for f in fields)
    assert high > max(f.maximum("noise") for f in fields)


def test_given_ends_count(monkeypatch, tmp_path):
    figures = recorded(monkeypatch)
    movie.movie([moment(0), moment(1)], tmp_path / "run.gif", dpi=30, vmin=-1, cmap="magma", patches=False)
    images = [figure.axes[0].images[0] for figure in figures]
    assert {image.get_clim() for image in images} == {(-1, moment(1).maximum())}
    assert {image.cmap.name for image in images} == {"magma"}


def test_same_values_have_the_same_colours(monkeypatch, tmp_path):
    """A cell that does not change looks the same in all pictures, whatever the others do."""
    field, figures = random_field(2), recorded(monkeypatch)
    fields = []
    for number in range(3):
        made = field.with_variable("half", lambda x, n=number: np.where(x < 0.4, 0.5, n / 2))
        fields.append(amr.Field(made.mesh, made.forest, made.data, made.names, float(number), number))
    path = movie.movie(fields, tmp_path / "a.gif", "half", dpi=50, patches=False)
    with Image.open(path) as gif:
        frames = [np.asarray((gif.seek(number), gif.convert("RGB"))[1]).astype(int) for number in range(3)]
    where = figures[-1].axes[0].transData.transform([(0.3, 0), (0.6, 0)]).astype(int)
    left, right = (np.array([frame[-1 - y, x] for frame in frames]) for x, y in where)
    assert (left == left[0]).all()
    assert (frames[0][0, 0] == 255).all()
    np.testing.assert_allclose(left[0], (33, 145, 140), atol=12)  # the middle of viridis
    np.testing.assert_allclose(right, [(68, 1, 84), (33, 145, 140), (253, 231, 37)], atol=12)


def test_frames_are_even_and_equal(files):
    frames = movie.Frames(files, views.Values(), 0.0, 1.0, 33, None)
    shapes = {frame.shape for frame in frames}
    assert len(shapes) == 1
    assert all(side % 2 == 0 for side in shapes.pop()[:2])


def test_fields_of_other_domains_do_not_fit(tmp_path):
    mesh = amr.Mesh(amr.Domain((0, 0), (3, 1)), (8, 4), patch=4)
    other = amr.Field(mesh, amr.mesh.forest.root_forest(mesh, 2), jnp.ones((1, 4, 4, 2)), ("linear",))
    with pytest.raises(amr.InvalidSettingError, match="same domain"):
        movie.movie([moment(0), other], tmp_path / "a.gif", dpi=30)
    assert not list(tmp_path.iterdir())


def test_mp4_plays(files, tmp_path):
    exe = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    path = movie.movie(files, tmp_path / "run.mp4", dpi=41, fps=5)
    told = subprocess.run([exe, "-i", path, "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    assert "h264" in told
    assert "5 fps" in told
    assert "frame=    3" in told


def test_mp4_without_ffmpeg_tells_what_to_install(files, tmp_path, monkeypatch):
    original = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "imageio_ffmpeg":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ImportError, match=r"amrax\[movie\].*\.gif"):
        movie.movie(files, tmp_path / "run.mp4")


def test_files_are_never_all_in_memory(files, monkeypatch, tmp_path):
    """Two passes, one file after the other."""
    read, original = [], dumps.read
    monkeypatch.setattr(dumps, "read", lambda path, **options: read.append(path) or original(path, **options))
    movie.movie(files, tmp_path / "a.gif", dpi=30, vmin=0, vmax=1)
    given = len(read)
    movie.movie(files, tmp_path / "a.gif", dpi=30)
    assert len(read) - given == given + 3


def test_rounded_files_are_good_enough(tmp_path):
    field = random_field(2)
    io.write(field, tmp_path / "a.vtkhdf", precision="float32")
    np.testing.assert_array_equal(dumps.load(tmp_path / "a.vtkhdf").data, np.asarray(field.data, np.float32))


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_derived_variables_of_a_file_are_there(tmp_path, ndim):
    field = random_field(ndim)
    made = field.with_variable("double", lambda noise: 2 * noise)
    vectors = {"pair": ("noise", "double")}
    io.write(field, tmp_path / "a.vtkhdf", derived={"double": made.data[2]}, vectors=vectors)
    found = dumps.load(tmp_path / "a.vtkhdf")
    assert found.names == ("linear", "noise", "double")
    np.testing.assert_array_equal(found.data, made.data)


@pytest.mark.parametrize(
    ("change", "key"),
    [({"path": "a.avi"}, "path"), ({"fields": []}, "fields"), ({"fps": 0}, "fps"), ({"dpi": 0}, "dpi")],
)
def test_wrong_movies(tmp_path, monkeypatch, change, key):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(amr.InvalidSettingError) as error:
        movie.movie(**{"fields": [moment(0)], "path": "a.gif"} | change)
    assert error.value.key == key
    with pytest.raises(io.FileError):
        movie.movie([tmp_path / "none.vtkhdf"], "a.gif")
