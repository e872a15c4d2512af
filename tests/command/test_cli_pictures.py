"""`amrax plot` and `amrax movie`: what they write, and what they say of mistakes."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from PIL import Image
from sample import random_field

import amr
from amr.files import io
from solvers.command.folder import RunFolder
from solvers.command.pictures import movie, plot
from solvers.config import load


def moment(number: int, ndim: int) -> amr.Field:
    field = random_field(ndim)
    return amr.Field(field.mesh, field.forest, field.data * (1 + number), field.names, float(number), number)


@pytest.fixture
def folder(tmp_path):
    """Dumps of three runs: run1_0000.vtkhdf, ..., run3_0001.vtkhdf."""
    for ndim in (1, 2, 3):
        for number in range(2):
            io.write(moment(number, ndim), tmp_path / f"run{ndim}_{number:04d}.vtkhdf")
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def call(command, *arguments):
        return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)

    return call


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved, instead of files."""
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, dpi: saved.append(figure))
    return saved


def image_of(figure):
    return figure.axes[0].images[0]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_picture_lies_beside_its_file(run, folder, ndim):
    found = run(plot, folder / f"run{ndim}_0001.vtkhdf", "--dpi", 40)
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout == f"{folder / f'run{ndim}_0001_linear.png'}\n"
    with Image.open(folder / f"run{ndim}_0001_linear.png") as picture:
        assert picture.size[0] > 100


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["run2_0000.vtkhdf", "-V", "noise"], "run2_0000_noise.png"),
        (["run2_0000.vtkhdf", "--levels", "-V", "noise", "-V", "linear"], "run2_0000_levels.png"),
        (["run2_0000.vtkhdf", "--projection", "x"], "run2_0000_linear_projection_x.png"),
        (["run2_0000.vtkhdf", "--line", "y=0.5"], "run2_0000_linear_line.png"),
        (["run2_0000.vtkhdf", "-o", "new/a.pdf"], "new/a.pdf"),
        (["run2_0000.vtkhdf", "-o", "new"], "new/run2_0000_linear.png"),
        (["run2_0000.vtkhdf", "-V", "noise", "-V", "linear"], "run2_0000_noise_linear.png"),
        (["run1_0000.vtkhdf", "run1_0001.vtkhdf", "--together"], "run1_0000_to_run1_0001_linear.png"),
        (["run2_0000.vtkhdf", "run2_0001.vtkhdf", "--together", "-o", "a.pdf"], "a.pdf"),
    ],
)
def test_names_of_pictures(run, folder, arguments, name):
    found = run(plot, *arguments, "--dpi", 30)
    assert found.exit_code == 0, found.stderr
    assert found.stdout == f"{name}\n"
    assert (folder / name).exists()


def test_options_choose_what_is_drawn(run, figures):
    field = moment(0, 3)

    def drawn(*options) -> Figure:
        found = run(plot, *options)
        assert found.exit_code == 0, found.stderr
        return figures[-1]

    assert len([ax for ax in drawn("run3_0000.vtkhdf").axes if ax.images]) >= 3
    cut = field.slice("x", 0.3, "noise")
    figure = drawn("run3_0000.vtkhdf", "--slice", "x=0.3", "-V", "noise", "--cmap", "magma", "--vmin", -1, "--vmax", 2)
    np.testing.assert_array_equal(image_of(figure).get_array(), cut.values.T)
    assert (image_of(figure).get_clim(), image_of(figure).cmap.name) == ((-1, 2), "magma")
    assert len(figure.axes[0].collections) == 1
    assert not drawn("run3_0000.vtkhdf", "--slice", "x", "--no-patches").axes[0].collections
    projected = image_of(drawn("run3_0000.vtkhdf", "--projection", "y", "-V", "noise"))
    np.testing.assert_array_equal(projected.get_array(), field.projection("y", "noise").values.T)
    assert drawn("run2_0000.vtkhdf", "--log", "--vmin", 0.1).axes[0].images[0].norm.__class__.__name__ == "LogNorm"
    assert drawn("run3_0000.vtkhdf", "--line", "y=0.5, z=2.5").axes[0].get_xlabel() == "x"
    slanted = drawn("run2_0000.vtkhdf", "--line", "0.1,-1:0.7,0.5")
    assert slanted.axes[0].get_title(loc="left").endswith("from (0.1, -1) to (0.7, 0.5)")
    assert image_of(drawn("run2_0000.vtkhdf", "--levels")).get_array().max() == 2
    coarse = image_of(drawn("run2_0000.vtkhdf", "--level", 0, "-V", "noise")).get_array()
    np.testing.assert_allclose(coarse, moment(0, 2).uniform("noise", 0).T, atol=1e-14)


def test_titles_contours_and_flows_are_drawn(run, figures):
    flow = ("--contours", "-1,0", "--vectors", "linear,noise", "--streamlines", "linear,noise", "--title", "At {time}")
    assert run(plot, "run2_0001.vtkhdf", "--no-fill", *flow).exit_code == 0
    (ax,) = figures[-1].axes
    assert ax.get_title(loc="left") == "At 1"
    assert not ax.images
    (lines,) = (part for part in ax.collections if isinstance(part, QuadContourSet))
    assert list(lines.levels) == [-1.0, 0.0]
    assert [isinstance(part, Quiver) for part in ax.collections].count(True) == 1
    assert run(plot, "run3_0001.vtkhdf", "--vectors", "linear,noise,noise", "--contours", 3).exit_code == 0
    assert len([ax for ax in figures[-1].axes if ax.images]) == 3


def test_panels(run, figures):
    several = ("-V", "linear", "-V", "noise", "--title", "both", "--cmap", "magma")
    assert run(plot, "run2_0000.vtkhdf", *several).exit_code == 0
    assert [ax.images[0].cmap.name for ax in figures[-1].axes] == ["magma", "magma"]
    assert figures[-1].get_suptitle() == "both"
    assert run(plot, "run2_0000.vtkhdf", "run2_0001.vtkhdf", "--together", *several).exit_code == 0
    assert [ax.get_title(loc="left") for ax in figures[-1].axes] == ["t = 0", "t = 1", "", ""]
    assert run(plot, "run2_0000.vtkhdf", "run2_0001.vtkhdf", "--same-scale", *several).exit_code == 0
    before, after = ([ax.images[0].get_clim() for ax in figure.axes] for figure in figures[-2:])
    assert before == after
    assert before[0] != before[1]


def test_numbers_along_a_line(run, folder):
    field = moment(0, 2)
    assert run(plot, "run2_0000.vtkhdf", "--line", "y=0.25", "--csv", "a.csv").stdout == "a.csv\n"
    table = np.genfromtxt(folder / "a.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["noise"], field.line(y=0.25)["noise"])
    assert run(plot, "run1_0000.vtkhdf", "--csv", "b.csv", "-V", "noise").exit_code == 0
    assert (folder / "b.csv").read_text().startswith("x,distance,length,level,noise\n")
    assert not list(folder.glob("*.png"))


CONFIG = """
domain = {lower = 0.1, upper = 0.7}
mesh = {cells = 16, patch = 4}
equation = {type = "euler"}
time = {end = 0.375}
[parameters]
c = 2.0
[initial]
density = "1 + x"
velocity_x = "0.5"
pressure = "1"
[exact]
density = "1 + x*EXACT"
velocity_x = "0.5*c"
pressure = "1"
[output.derived]
speed = "velocity_x"
"""


@pytest.mark.parametrize(("exact", "shown"), [("t", ["first", "last"]), ("c", ["last"])])
def test_curves_are_compared_with_the_exact_solution(run, folder, figures, exact, shown):
    field = random_field(1)
    rows = {"density": 1 + field.data[0], "momentum_x": field.data[0], "energy": field.data[1], "speed": field.data[0]}
    for name, time in (("first", 0.25), ("last", 0.375)):
        known = amr.Field(field.mesh, field.forest, jnp.stack([*rows.values()]), tuple(rows), time)
        io.write(known, folder / f"{name}.vtkhdf", config=CONFIG.replace("EXACT", exact))
        for variable, expected in (("density", None), ("momentum_x", 1.0), ("speed", 1.0)):
            found = run(plot, f"{name}.vtkhdf", "-V", variable)
            assert (found.exit_code, found.stderr) == (0, "")
            lines = figures[-1].axes[0].lines
            assert len(lines) == (name in shown)
            for line in lines:
                x, y = line.get_xydata().T
                density = 1 + x * {"t": time, "c": 2.0}[exact]
                np.testing.assert_allclose(
                    y, density if expected is None else expected * density ** (variable != "speed")
                )
    assert run(plot, "last.vtkhdf", "--no-exact").exit_code == 0
    assert not figures[-1].axes[0].lines
    io.write(known, folder / "last.vtkhdf", config=CONFIG.replace("EXACT", exact).replace("cells = 16", "cells = 17"))
    found = run(plot, "last.vtkhdf")
    assert found.exit_code == 0
    assert "warning: last.vtkhdf: without the exact solution of its config: config.toml" in found.stderr


@pytest.mark.parametrize("time", [0.375, 0.25])
def test_the_picture_of_a_run_has_the_exact_solution_at_the_end(folder, figures, monkeypatch, time):
    monkeypatch.chdir(folder)
    (folder / "tube.toml").write_text(CONFIG.replace("EXACT", "c"))
    field = random_field(1)
    case = load(folder / "tube.toml")
    data = jnp.stack([field.data[0], field.data[0], field.data[0]])
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **options: (figures.append(figure), path.touch()))
    RunFolder(case)._draw(amr.Field(field.mesh, field.forest, data, ("density", "momentum_x", "energy"), time))
    assert len(figures[-1].axes[0].lines) == (time == 0.375)


def test_same_scale(run, figures):
    run(plot, "run2_0000.vtkhdf", "run2_0001.vtkhdf")
    assert image_of(figures[0]).get_clim() != image_of(figures[1]).get_clim()
    run(plot, "run2_0000.vtkhdf", "run2_0001.vtkhdf", "--same-scale")
    assert image_of(figures[2]).get_clim() == image_of(figures[3]).get_clim()
    low, high = (moment(1, 2).minimum(), moment(1, 2).maximum())
    assert image_of(figures[2]).get_clim() == (low, high)


MISTAKES = [
    (["none.vtkhdf"], "none.vtkhdf: cannot be opened: No such file or directory"),
    (["run2_0000.vtkhdf", "-V", "nois"], "--variable: no variable 'nois' here; there are linear, noise; did you mean"),
    (["run3_0000.vtkhdf", "--slice", "x=3"], "--slice: 3.0 is outside the domain, which spans [0.1, 0.7] along x"),
    (["run3_0000.vtkhdf", "--slice", "w=3"], "--slice: expected something like x=0.3, got 'w=3'"),
    (["run3_0000.vtkhdf", "--slice", "x=?"], "--slice: '?' in 'x=?' is not a number"),
    (["run2_0000.vtkhdf", "--slice", "x=0.3"], "--slice: is for fields in 3D, and this one has 2D; try --line"),
    (["run1_0000.vtkhdf", "--slice", "x=0.3"], "--slice: is for fields in 3D, and this one has 1D"),
    (["run2_0000.vtkhdf", "--projection", "z"], "--projection: expected 0, 1 or 'x', 'y', got 'z'"),
    (["run2_0000.vtkhdf", "--line", "y=3"], "--line: [0.1, 3.0] is outside the domain"),
    (["run3_0000.vtkhdf", "--line", "y=0.3"], "--line: fix all coordinates but one (y=0.5, z=0.5)"),
    (["run2_0000.vtkhdf", "--line", "1,2,3"], "--line: expected y=0.5, or two points"),
    (["run2_0000.vtkhdf", "--line", "0.1,0:0.2,0,0"], "--line: expected a point with 2 coordinates"),
    (
        ["run2_0000.vtkhdf", "--cmap", "virdis"],
        "--cmap: matplotlib has no colour map 'virdis'; did you mean 'viridis'?",
    ),
    (["run2_0000.vtkhdf", "--level", "7"], "--level: expected 0 to 2, got 7"),
    (["run2_0000.vtkhdf", "--log", "--vmin", "-1"], "--log: a logarithmic scale needs positive values, got vmin = -1"),
    (["run2_0000.vtkhdf", "--vmin", "3", "--vmax", "1"], "--vmin: 3 is above the upper end of the scale, 1"),
    (["run3_0000.vtkhdf", "--slice", "x", "--line", "y=0.3"], "choose one of --slice and --line"),
    (["run2_0000.vtkhdf", "--levels", "--line", "y=0.3"], "--line shows values, --levels does not"),
    (["run2_0000.vtkhdf", "run2_0001.vtkhdf", "-o", "a.png"], "--output: 2 files make as many pictures"),
    (["run2_0000.vtkhdf", "--contours", "x"], "--contours: expected a number of lines, such as 10, or values, such as"),
    (["run1_0000.vtkhdf", "--contours", "3"], "--contours: is for pictures of a plane, and this field has 1D"),
    (
        ["run2_0000.vtkhdf", "--contours", "3", "--line", "y=0"],
        "--contours is for values in a plane, and not for --line",
    ),
    (["run2_0000.vtkhdf", "--no-fill"], "--no-fill: without colours nothing is to be seen; give contours"),
    (["run2_0000.vtkhdf", "--no-fill", "--levels"], "--no-fill is for values in a plane, and not for --levels"),
    (["run2_0000.vtkhdf", "--vectors", "linear,"], "--vectors: expected the components of a flow, such as u,v, got"),
    (
        ["run2_0000.vtkhdf", "--vectors", "linear"],
        "--vectors: expected two variables, such as ('u', 'v'), or a vector's",
    ),
    (["run2_0000.vtkhdf", "--streamlines", "linear,nois"], "--streamlines: no variable 'nois' here; there are linear"),
    (["run3_0000.vtkhdf", "--vectors", "linear,noise"], "--vectors: three slices need three components"),
    (["run2_0000.vtkhdf", "--csv", "a.csv"], "--csv: writes the numbers along a line; give --line y=0.5"),
    (["run2_0000.vtkhdf", "run2_0001.vtkhdf", "--csv", "a.csv"], "--csv: is for one file with a field"),
    (["run1_0000.vtkhdf", "run2_0000.vtkhdf", "--together"], "--fields: expected one or more fields of as many dim"),
    (["run2_0000.vtkhdf", "-o", "a.docx"], "--output: expected a name in .png"),
    (["run2_0000.vtkhdf", "-o", "run1_0000.vtkhdf/x.png"], "cannot write pictures: run1_0000.vtkhdf: File exists"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_mistakes_are_one_line(run, arguments, message):
    found = run(plot, *arguments)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


def test_damaged_files_are_told(run, folder):
    (folder / "a.vtkhdf").write_bytes(b"nothing")
    found = run(plot, "a.vtkhdf")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "a.vtkhdf: is not an HDF5 file" in found.stderr


@pytest.fixture
def dumps(tmp_path):
    """The folder of a run whose list of dumps has another order than their names."""
    folder = tmp_path / "runs" / "swirl"
    times = [2, 0, 1]
    for number, time in enumerate(times):
        io.write(moment(time, 2), folder / f"swirl_{number:04d}.vtkhdf")
    io.write(moment(9, 2), folder / "swirl_failed.vtkhdf")
    entries = [(folder / f"swirl_{number:04d}.vtkhdf", float(time)) for number, time in enumerate(times)]
    io.write_series(folder / "swirl.vtkhdf.series", entries)
    return folder


def titles(monkeypatch) -> list[str]:
    """Titles of a movie's pictures, in the order of pictures; before these come those that are looked at only."""
    from amr.pictures import movie as module

    seen, original = [], module.pixels

    def pixels(figure, dpi):
        seen.append(figure.axes[0].get_title(loc="left"))
        return original(figure, dpi)

    monkeypatch.setattr(module, "pixels", pixels)
    return seen


def test_movie_lies_in_the_folder(run, dumps, monkeypatch):
    seen = titles(monkeypatch)
    found = run(movie, dumps, "--dpi", 30, "--fps", 5)
    assert found.exit_code == 0, found.stderr
    assert found.stdout == f"{dumps / 'swirl_linear.gif'}\n"
    with Image.open(dumps / "swirl_linear.gif") as gif:
        assert gif.n_frames == 3
        assert gif.info["duration"] == 200
    assert seen[-3:] == ["t = 0", "t = 1", "t = 2"]


def test_movie_without_a_list_goes_by_names(run, dumps, monkeypatch):
    (dumps / "swirl.vtkhdf.series").unlink()
    seen = titles(monkeypatch)
    found = run(movie, dumps, "--dpi", 30, "--levels", "-o", dumps / "new" / "a.gif")
    assert found.exit_code == 0, found.stderr
    assert seen[-3:] == ["t = 2", "t = 0", "t = 1"]
    assert (dumps / "new" / "a.gif").exists()


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (lambda f: None, ["nowhere"], "nowhere: does not exist; expected the folder of a run"),
        (lambda f: None, ["run2_0000.vtkhdf"], "is a file; expected the folder of a run"),
        (lambda f: (f / "empty").mkdir(), ["empty"], "empty: holds no dumps (*.vtkhdf)"),
        (lambda f: None, [".", "-o", "a.avi"], "--output: expected a movie's name in .gif or .mp4, got 'a.avi'"),
        (lambda f: None, [".", "-V", "nois"], "--variable: no variable 'nois' here"),
        (lambda f: (f / "a.vtkhdf.series").write_text("{"), ["."], "a.vtkhdf.series: cannot be read"),
        (lambda f: (f / "a.vtkhdf.series").write_text('{"files": []}'), ["."], "lists no dumps"),
        (
            lambda f: (f / "a.vtkhdf.series").write_text(json.dumps({"files": [{"name": "b.vtkhdf", "time": 0}]})),
            ["."],
            "b.vtkhdf: cannot be opened",
        ),
    ],
)
def test_mistakes_in_movies_are_one_line(run, folder, prepare, arguments, message):
    prepare(folder)
    found = run(movie, *arguments)
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [plot, movie])
def test_help_has_examples(run, command):
    found = run(command, "--help")
    assert f"amrax {command.name} runs/" in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 110


def test_records_and_folders(run, dumps):
    record = dumps / "run_totals.csv"
    record.write_text("step,time,mass\n0,0.0,1.0\n1,0.5,1.25\n")
    done = run(plot, record, dumps)
    assert done.exit_code == 0, done.stderr
    assert record.with_suffix(".png").stat().st_size > 5000
    assert len(done.stdout.splitlines()) == 2
    done = run(plot, dumps, "--variable", "noise", "-V", "noise")
    assert done.stdout == f"{dumps / 'swirl_0000_noise.png'}\n"
    wide = dumps / "run_line.jsonl"
    wide.write_text('{"step": 0, "time": 0.0, "phi": [1, 2]}\n')
    done = run(plot, wide)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{wide} has no columns of numbers but step, time; rows of many numbers")
    done = run(plot, record, "--variable", "mas")
    assert done.exit_code == 2
    assert "did you mean" in done.stderr
