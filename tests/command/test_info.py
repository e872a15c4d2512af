"""`amrax info` says what files and folders of runs hold, and needs no JAX for it."""

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from sample import random_field

import amr
from amr.files.header import FileError
from amr.files.info import file_info
from amr.mesh.forest import root_forest
from solvers.command.cli import main
from solvers.command.run_info import run_info

CONFIG = """\
[domain]
lower = 0
upper = 1
[mesh]
cells = 32
patch = 8
[equation]
variables = ["u", "v"]
velocity = 1
[initial]
u = "exp(-((x - 0.5) / 0.1)**2)"
v = 2
[time]
end = 0.05
[output]
every = 0.025
derived = {both = "u + v"}
picture = false
[checkpoint]
every_steps = 1
"""


def amrax(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a finished run."""
    place = tmp_path_factory.mktemp("info")
    (place / "wave.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRAX_CACHE_DIR", "")
        done = amrax("run", place / "wave.toml", f"output.directory={place / 'wave'}")
    assert done.exit_code == 0, done.stderr
    return place / "wave"


def test_a_file_is_told_as_it_is(folder):
    path = folder / "wave_0002.vtkhdf"
    info, field = file_info(path, ranges=True), amr.read(path)
    levels = np.asarray(field.forest.level)[: field.count]
    assert (info.time, info.step, info.ndim) == (0.05, field.step, 1)
    assert info.levels == tuple(np.bincount(levels))
    assert info.patches == field.count
    assert info.cell_count == field.cells
    assert info.fraction == 1
    assert (info.names, info.derived, info.vectors) == (("u", "v"), ("both",), ())
    assert info.boundaries == (("periodic", "periodic"),)
    values = np.asarray(field.data)[0, ..., : field.count]
    assert info.ranges["u"] == (values.min(), values.max())
    assert info.ranges["both"] == pytest.approx((values.min() + 2, values.max() + 2))
    assert info.resumable
    assert info.bytes == path.stat().st_size
    assert file_info(path).ranges is None


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_leaves_of_every_level_are_counted(tmp_path, ndim):
    field = random_field(ndim)
    amr.io.write(field, tmp_path / "x.vtkhdf")
    info = file_info(tmp_path / "x.vtkhdf")
    assert info.levels == tuple(np.bincount(np.asarray(field.forest.level)[: field.count]))
    assert (info.cell_count, info.fraction) == (field.cells, field.cells / field.mesh.finest_cells)
    assert len(info.levels) > 1
    assert f"level 1     {info.levels[1]:,} patches" in amrax("info", tmp_path / "x.vtkhdf").stdout


def test_the_command_says_it_in_words(folder):
    done = amrax("info", folder / "wave_0000.vtkhdf")
    assert done.exit_code == 0
    for words in (
        "time        0, step 0\n",
        "domain      1D, [0, 1]; periodic\n",
        "root cells  32 in patches of 8\n",
        "v           2 to 2 (variable)\n",
        "(derived variable)\n",
        "of the uniform grid of level 0\n",
        "precision   float64\n",
        "resumable   yes",
    ):
        assert words in done.stdout
    text = amrax("info", folder / "wave_0000.vtkhdf", "--config").stdout
    assert text == (folder / "config.toml").read_text()


def test_a_field_alone_says_that_no_run_goes_on_from_it(tmp_path):
    domain = amr.Domain((0, 0), (1, 2), periodic=(True, False))
    mesh = amr.Mesh(domain, (16, 8), 8)
    field = amr.Field(mesh, root_forest(mesh, 2), jnp.full((2, 8, 8, 2), 3.0), ("a", "b"))
    for name, precision, words in (("x", None, "a field alone"), ("y", "float32", "rounded")):
        path = tmp_path / f"{name}.vtkhdf"
        amr.io.write(field, path, precision=precision, vectors={"both": ("a", "b")})
        done = amrax("info", path)
        assert f"resumable   no, the {'values are' if precision else 'file holds'} {words}" in done.stdout
        assert "vectors     both\n" in done.stdout
        assert "domain      2D, [0, 1] x [0, 2]; periodic, outflow\n" in done.stdout
        assert "root cells  16 x 8 in patches of 8 x 8\n" in done.stdout
        assert amrax("info", path, "--config").exit_code == 2


def test_a_folder_tells_how_far_the_run_came(folder):
    done = amrax("info", folder)
    assert "state  finished, t = 0.05 of 0.05\n" in done.stdout
    assert "wave_0001.vtkhdf  0.025" in done.stdout
    assert "checkpoints" in done.stdout
    info = run_info(folder)
    assert [file.time for file in info.dumps] == [0.0, 0.025, 0.05]
    assert len(info.checkpoints) == 2
    assert info.newest.time == 0.05


def test_a_run_that_is_not_finished_says_how_to_go_on(folder, tmp_path):
    for name in ("config.toml", "wave_0000.vtkhdf", "wave_0001.vtkhdf"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "wave_0002.vtkhdf").write_bytes((folder / "wave_0002.vtkhdf").read_bytes()[:5000])
    done = amrax("info", tmp_path)
    assert "not finished, t = 0.025 of 0.05\n" in done.stdout
    assert f"amrax resume {tmp_path} (from wave_0001.vtkhdf)" in done.stdout
    assert f"damaged   {tmp_path / 'wave_0002.vtkhdf'}: is damaged; use another copy" in done.stdout
    (tmp_path / "wave_failed.vtkhdf").write_bytes((folder / "wave_0001.vtkhdf").read_bytes())
    assert run_info(tmp_path).state == "failed"
    (tmp_path / "config.toml").write_text("[time")
    assert run_info(tmp_path).end is None


def test_json_has_all_of_it(folder):
    file, run = json.loads(amrax("info", folder / "wave_0000.vtkhdf", folder, "--json").stdout)
    assert (file["kind"], run["kind"]) == ("file", "run")
    assert file["cells"] == [32]
    assert file["ranges"]["v"] == [2.0, 2.0]
    assert (run["state"], run["end"], len(run["dumps"])) == ("finished", 0.05, 3)
    assert run["summary"]["time"] == 0.05


def test_mistakes_are_one_line(folder, tmp_path):
    (tmp_path / "text.vtkhdf").write_text("text")
    for path, words in (
        (tmp_path / "none.vtkhdf", "cannot be opened: No such file or directory"),
        (tmp_path, "holds no run (it has no config.toml); expected the folder of a run, or a .vtkhdf file"),
        (tmp_path / "text.vtkhdf", "is not an HDF5 file"),
    ):
        done = amrax("info", folder, path)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{path}: {words}")
        assert done.stderr.count("\n") == 1
    with pytest.raises(FileError):
        run_info(tmp_path / "nowhere")


def test_no_jax_is_needed(folder):
    script = (
        "import sys, solvers.command.cli as c; c.main(['info', *sys.argv[1:]], standalone_mode=False);"
        "print({'jax', 'matplotlib', 'pydantic'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", script, str(folder), str(folder / "wave_0000.vtkhdf")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.endswith("set()\n")


def test_help_begins_with_a_session_and_every_command_has_examples():
    screen = amrax("--help").stdout
    assert [line.split()[1] for line in screen.splitlines() if line.startswith("      amrax ")] == [
        "examples",
        "init",
        "run",
        "info",
        "plot",
    ]
    for name in main.commands:
        assert f"      amrax {name}" in amrax(name, "--help").stdout
