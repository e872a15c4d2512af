"""The command line, as a person uses it: what it prints, writes, refuses and returns."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import jax
import pytest
from click.testing import CliRunner

from amr.errors import InvalidSettingError
from amr.files.io import read, read_config
from solvers.command.cli import main
from solvers.run.compiling import enable_compilation_cache
from solvers.run.progress import Bar, Lines, reporter

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "AMRAX_CACHE_DIR": ""}
TINY = """\
[domain]
lower = 0.0
upper = 1.0
[mesh]
cells = 16
patch = 8
max_level = 1
[equation]
velocity = 1.0
[initial]
phi = "exp(-((x - 0.5) / 0.1)**2)"
[exact]
phi = "exp(-((x - 0.5) / 0.1)**2)"
[refine]
value = {above = 0.1}
[time]
end = 1.0
[output]
every = 0.5
"""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty folder to work in, with a config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMRAX_CACHE_DIR", "")
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


def amrax(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def command(*arguments, **options):
    return [sys.executable, "-c", "from solvers.command.cli import main; main()", *arguments]


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- without a run ----------------------------------------------------------------------------------------------------


def test_help_and_version_need_no_jax():
    used = "print({'jax', 'numpy'} & {*sys.modules})"
    script = f"import sys, solvers.command.cli as c; c.main(['-h'], standalone_mode=False); {used}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("set()")
    assert "validate" in done.stdout
    assert amrax("--version").output.startswith("amrax, version ")
    assert "mesh.max_level=3" in amrax("run", "--help").output


def test_validate_says_what_would_be_run_and_writes_nothing(workplace):
    before = files(workplace)
    done = amrax("validate", "tiny.toml", "mesh.cells=32")
    assert done.exit_code == 0
    assert "tiny.toml: valid" in done.stdout
    assert "32 to 64" in done.stdout
    assert "  equation  advection: phi\n" in done.stdout
    assert "  scheme    ctu, limiter mc, bounded, cfl 0.9, float64\n" in done.stdout
    assert "3 dumps" in done.stdout
    assert files(workplace) == before


@pytest.mark.parametrize("name", ["run", "validate"])
def test_mistakes_go_to_stderr_and_nothing_is_written(workplace, name):
    (workplace / "tiny.toml").write_text(TINY.replace("cells = 16", "cells = 17").replace('"exp(', '"epx('))
    before = files(workplace)
    done = amrax(name, "tiny.toml", "time.cfl=2")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [line.split(": ")[:2] for line in done.stderr.splitlines() if not line.startswith(" ")] == [
        ["tiny.toml:5", "mesh.cells"],
        ["tiny.toml:11", "initial.phi"],
        ["tiny.toml:13", "exact.phi"],
        ["command line", "time.cfl"],
        ["4 mistakes in the config; nothing was done."],
    ]
    assert "Traceback" not in done.stderr
    assert files(workplace) == before
    assert not (workplace / "runs").exists()


def test_thresholds_for_levels_that_there_are_not_are_a_warning(workplace):
    one = "refine.value={above = [0.1, 0.2, 0.3, 0.4]}"
    done = amrax("validate", "tiny.toml", "mesh.max_level=2", one)
    warning = (
        "warning: command line: refine.value.above: found 4 thresholds, expected at most 2, one for each level until "
        "mesh.max_level = 2; the rest is not used\n"
    )
    assert (done.exit_code, done.stderr) == (0, warning)
    done = amrax("run", "tiny.toml", "mesh.max_level=2", one, "--dry-run")
    assert (done.exit_code, done.stderr) == (0, warning)
    two = "refine.value=[{above = 0.1}, {above = [0.1, 0.2], up_to = 1}]"
    done = amrax("validate", "tiny.toml", "mesh.max_level=2", two)
    assert (
        "refine.value[1].above: found 2 thresholds, expected at most 1, one for each level until up_to = 1"
        in done.stderr
    )
    Path("tiny.toml").write_text(TINY.replace("above = 0.1", "above = [0.1, 0.2]"))
    done = amrax("run", "tiny.toml", "time.end=0.05", "output.picture=false")
    assert (done.exit_code, done.stderr.startswith("warning: tiny.toml:15: refine.value.above: ")) == (0, True)
    for quiet in (("mesh.max_level=2",), ("mesh.max_level=5",), ("mesh.max_level=0",)):
        assert amrax("validate", "tiny.toml", *quiet).stderr == ""


def test_a_missing_file_is_told_with_what_was_meant(workplace):
    done = amrax("run", "tny.toml")
    assert done.exit_code == 2
    assert "tny.toml: no such file (did you mean tiny.toml?)" in done.stderr


@pytest.mark.parametrize(
    "results", ["summary.json", "config.toml", "tiny_0003.vtkhdf", "tiny_failed.vtkhdf", "tiny.png"]
)
def test_results_are_not_overwritten(workplace, results):
    folder = workplace / "runs" / "tiny"
    folder.mkdir(parents=True)
    (folder / results).write_text("precious")
    done = amrax("run", "tiny.toml")
    assert done.exit_code == 2
    assert f"runs/tiny holds results already ({results})" in done.stderr
    assert "--force" in done.stderr
    assert files(folder) == {Path(results): b"precious"}


def test_the_config_itself_is_never_replaced(workplace):
    (workplace / "config.toml").write_text(TINY)
    done = amrax("run", "config.toml", "output.directory=.", "--force")
    assert done.exit_code == 2
    assert "is where this config is" in done.stderr
    assert (workplace / "config.toml").read_text() == TINY


def test_a_file_in_the_place_of_the_folder_is_reported(workplace):
    (workplace / "runs").write_text("")
    done = amrax("run", "tiny.toml")
    assert done.exit_code == 2
    assert "runs is a file, expected a folder" in done.stderr


def test_the_cache_can_be_placed_and_switched_off(tmp_path, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    try:
        monkeypatch.setenv("AMRAX_CACHE_DIR", "")
        enable_compilation_cache()
        assert jax.config.jax_compilation_cache_dir == before
        monkeypatch.delenv("AMRAX_CACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        enable_compilation_cache()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "amrax" / "jax")
        assert (tmp_path / "amrax" / "jax").is_dir()
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


# --- configs to begin with --------------------------------------------------------------------------------------------


def test_examples_lists_every_config_with_what_it_shows(workplace):
    lines = amrax("examples").stdout.splitlines()
    names = [line for line in lines if not line.startswith(" ")]
    assert names == sorted(path.stem for path in (ROOT / "configs").glob("*.toml"))
    first = (ROOT / "configs" / "zalesak_disc.toml").read_text().splitlines()[0]
    told = " ".join(line.strip() for line in lines[lines.index("zalesak_disc") + 1 :])
    assert f"# {told}" == first


def test_init_writes_a_config_that_calls_itself_by_its_name(workplace):
    done = amrax("init", "sod", "tube.toml")
    assert (done.exit_code, done.stdout) == (0, "tube.toml\nto run it: amrax run tube.toml\n")
    text = Path("tube.toml").read_text()
    assert "amrax run tube.toml scheme.riemann=rusanov" in text
    assert text.replace("tube.toml", "configs/sod.toml") == (ROOT / "configs" / "sod.toml").read_text()
    assert amrax("validate", "tube.toml").exit_code == 0
    Path("tube.toml").write_text("mine")
    done = amrax("init", "sod", "tube.toml")
    assert (done.exit_code, "tube.toml: is there already" in done.stderr) == (2, True)
    assert Path("tube.toml").read_text() == "mine"
    assert amrax("init").stdout.startswith("advection_swirl_2d.toml\n")


def test_what_is_not_there_is_told_with_what_there_is(workplace):
    assert "no config 'sodd' comes with Amrax; did you mean sod?" in amrax("init", "sodd").stderr
    assert "amrax examples lists them" in amrax("init", "x").stderr
    assert "no_folder/x.toml: No such file or directory" in amrax("init", "sod", "no_folder/x.toml").stderr
    assert "configs/sod.toml: no such file (amrax init sod writes one)" in amrax("run", "configs/sod.toml").stderr


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run of the real command, and what the command said."""
    place = tmp_path_factory.mktemp("finished")
    (place / "tiny.toml").write_text(TINY)
    done = subprocess.run(
        command("run", "tiny.toml", "time.cfl=0.8"), cwd=place, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return place / "runs" / "tiny", done


def test_a_run_leaves_all_its_files(finished):
    folder, _ = finished
    dumps = [f"tiny_{n:04d}.vtkhdf" for n in range(3)]
    expected = {*dumps, "tiny.vtkhdf.series", "tiny.png", "config.toml", "summary.json"}
    assert {path.name for path in folder.iterdir()} == expected
    assert [read(folder / dump).time for dump in dumps] == pytest.approx([0.0, 0.5, 1.0])
    series = json.loads((folder / "tiny.vtkhdf.series").read_text())
    assert [entry["name"] for entry in series["files"]] == dumps
    assert (folder / "tiny.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_tells_its_progress_and_ends_with_a_table(finished):
    _, done = finished
    assert "t = 0.5: wrote runs/tiny/tiny_0001.vtkhdf" in done.stderr
    assert "patches" in done.stderr
    assert "compiling the run loop for up to 64 patches\n" in done.stderr
    assert re.search(r"^compiled in \d+\.\d s$", done.stderr, re.MULTILINE)
    assert "patches, starting" in done.stderr
    for row in ("steps", "cell updates", "compilation", "phi integral", "phi extrema", "phi error"):
        assert f"\n{row} " in done.stdout
    assert done.stdout.endswith("results in runs/tiny\n")


def test_the_summary_has_what_was_promised(finished):
    folder, _ = finished
    summary = json.loads((folder / "summary.json").read_text())
    assert {
        "time", "steps", "regrids", "cell_updates", "loop_seconds", "compile_seconds", "compilations",
        "updates_per_second", "patches", "cells", "capacity", "growths", "variables",
    } <= summary.keys()  # fmt: skip
    assert summary["time"] == 1.0
    assert {"mean", "max"} <= summary["patches"].keys()
    assert {"mean", "fraction_of_uniform_finest"} <= summary["cells"].keys()
    phi = summary["variables"]["phi"]
    assert {"initial", "final", "relative_change"} <= phi["integral"].keys()
    assert abs(phi["integral"]["relative_change"]) < 1e-13
    assert {"l1", "l2", "linf"} <= phi["error"].keys()
    assert 0 < phi["error"]["l1"] < 0.05
    assert phi["min"] < phi["max"] <= 1.0


def test_the_resolved_config_is_complete_and_is_in_the_dumps(finished):
    folder, _ = finished
    text = (folder / "config.toml").read_text()
    config = tomllib.loads(text)
    assert config["time"] == {"end": 1.0, "cfl": 0.8}
    assert config["scheme"] == {"method": "ctu", "limiter": "mc", "bounded": True, "precision": "float64"}
    assert config["output"]["name"] == "tiny"
    assert read_config(folder / "tiny_0000.vtkhdf") == text


def test_running_the_resolved_config_gives_the_same(finished, workplace):
    folder, _ = finished
    done = amrax("run", folder / "config.toml", "output.directory=again", "output.picture=false")
    assert done.exit_code == 0, done.stderr
    assert not (workplace / "again" / "tiny.png").exists()
    first, second = read(folder / "tiny_0002.vtkhdf"), read(workplace / "again" / "tiny_0002.vtkhdf")
    assert (first.data == second.data).all()


def test_force_replaces_the_results_and_nothing_else(workplace):
    folder = workplace / "runs" / "tiny"
    folder.mkdir(parents=True)
    for name in ("tiny_0007.vtkhdf", "summary.json", "notes.txt", "tiny_b_0001.vtkhdf", "tiny_x.vtkhdf"):
        (folder / name).write_text("old")
    done = amrax("run", "tiny.toml", "--force", "time.end=0.1", "mesh.max_level=0", "scheme.precision=float32")
    assert done.exit_code == 0, done.stderr
    assert not (folder / "tiny_0007.vtkhdf").exists()
    assert json.loads((folder / "summary.json").read_text())["dtype"] == "float32"
    for name in ("notes.txt", "tiny_b_0001.vtkhdf", "tiny_x.vtkhdf"):
        assert (folder / name).read_text() == "old"


def test_force_removes_all_that_the_earlier_run_made(workplace):
    """With another name and module, and its pictures; what people wrote, chose the name of or changed is theirs."""
    (workplace / "amrax_forced.py").write_text("def box(x):\n    return 1.0 * (abs(x - 0.5) < 0.2)\n")
    small, again = ["mesh.max_level=0", "output.directory=runs/a"], ["--force", "output.directory=runs/a"]
    earlier = ["output.name=other", "initial.phi=amrax_forced:box", "time.end=0.05", "record.totals.integrals=true"]
    assert amrax("run", "tiny.toml", *small, *earlier, "checkpoint.every_steps=1").exit_code == 0
    folder = workplace / "runs" / "a"
    assert amrax("plot", folder, folder / "other_0000.vtkhdf", folder / "other_totals.csv").exit_code == 0
    assert amrax("movie", folder).exit_code == 0
    assert {"other_0000_phi.png", "other_phi.gif", "other_totals.png"} <= {path.name for path in folder.iterdir()}
    assert amrax("plot", folder / "other_0001.vtkhdf", "-o", folder / "chosen.png").exit_code == 0
    (folder / "other_0001_phi.png").write_text("retouched")
    (folder / "other_0000_mine.png").write_text("mine")
    left = ("other_0003.vtkhdf.unreadable", "checkpoints/other_00000002.vtkhdf.tmp")
    for name in left:
        (folder / name).write_text("half of it")
    done = amrax("run", "tiny.toml", "time.end=0.05", "output.picture=false", "mesh.max_level=0", *again)
    assert done.exit_code == 0, done.stderr
    ours = {"config.toml", "summary.json", "tiny.vtkhdf.series", "tiny_0000.vtkhdf", "tiny_0001.vtkhdf"}
    assert {str(path) for path in files(folder)} == ours | {"chosen.png", "other_0001_phi.png", "other_0000_mine.png"}
    assert not (folder / "checkpoints").exists()


def test_force_keeps_a_module_that_the_new_run_reads(workplace):
    (workplace / "amrax_kept.py").write_text("def box(x):\n    return 1.0 * (abs(x - 0.5) < 0.2)\n")
    small = ["mesh.max_level=0", "time.end=0.05", "output.picture=false", "initial.phi=amrax_kept:box"]
    assert amrax("run", "tiny.toml", *small).exit_code == 0
    folder = workplace / "runs" / "tiny"
    (folder / "again.toml").write_bytes((folder / "config.toml").read_bytes())
    (workplace / "amrax_kept.py").unlink()
    sys.modules.pop("amrax_kept")
    done = amrax("run", folder / "again.toml", "--force")
    assert done.exit_code == 0, done.stderr
    assert (folder / "amrax_kept.py").exists()


def test_a_user_module_goes_with_the_results(workplace):
    (workplace / "amrax_cli_module.py").write_text("def box(x):\n    return 1.0 * (abs(x - 0.5) < 0.2)\n")
    arguments = ["initial.phi=amrax_cli_module:box", "time.end=0.05", "mesh.max_level=0"]
    done = amrax("run", "tiny.toml", *arguments)
    assert done.exit_code == 0, done.stderr
    assert (workplace / "runs" / "tiny" / "amrax_cli_module.py").exists()
    assert amrax("validate", "runs/tiny/config.toml").exit_code == 0


def test_a_run_that_fails_leaves_its_last_good_field(workplace):
    velocity = "where(0.2 < t and t < 0.8, sqrt(-1), 1)"
    done = amrax("run", "tiny.toml", f"equation.velocity={velocity}", "mesh.max_level=0")
    assert done.exit_code == 1
    assert "the run failed: " in done.stderr
    assert "runs/tiny/tiny_failed.vtkhdf" in done.stderr
    assert read(workplace / "runs" / "tiny" / "tiny_failed.vtkhdf").time < 0.8
    assert not (workplace / "runs" / "tiny" / "summary.json").exists()


@pytest.mark.slow
def test_an_interrupted_run_says_so(workplace):
    process = subprocess.Popen(
        command("run", "tiny.toml", "time.end=1e6", "output.every=1e6"),
        cwd=workplace, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # What a job in the background inherits is to ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    first = workplace / "runs" / "tiny" / "tiny_0000.vtkhdf"
    deadline = time.monotonic() + 60
    while not first.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted at t = " in errors
    assert "amrax resume runs/tiny" in errors
    assert "Traceback" not in errors


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says it is a terminal or not."""

    mode, name, buffer = "w", "terminal", None  # what makes it a TextIO at run time

    def __init__(self, interactive):
        super().__init__()
        self.interactive = interactive

    def isatty(self):
        return self.interactive


def test_a_terminal_gets_a_bar_and_a_log_gets_lines():
    from solvers.run.driver import Progress

    progress = Progress(0.5, 1.0, 7, 30, 64, 2.5e6, "the pool was grown")
    for interactive, kind in ((True, Bar), (False, Lines)):
        stream = Terminal(interactive)
        show = reporter(1.0, stream)
        assert isinstance(show, kind)
        show(progress)
        show.close()
        for words in ("t = 0.5", "step 7", "30 patches", "2.5 million updates/s", "the pool was grown"):
            assert words in stream.getvalue()


def test_a_log_is_not_flooded():
    from solvers.run.driver import Progress

    stream = Terminal(False)
    show = reporter(1.0, stream)
    for step in range(100):
        show(Progress(0.01 * step, 1.0, step, 30, 64, 2.5e6))
    assert stream.getvalue().count("\n") == 1


def test_a_run_that_cannot_start_leaves_nothing(workplace, monkeypatch):
    """Nor does it touch what was in the folder before."""

    def fails(*_):
        raise InvalidSettingError("type", "Mine.max_speed gives -1")

    (workplace / "runs" / "tiny").mkdir(parents=True)
    notes = workplace / "runs" / "tiny" / "notes.txt"
    notes.write_text("mine")
    monkeypatch.setattr("solvers.run.driver.try_own_law", fails)
    result = amrax("run", "tiny.toml")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "the run cannot start: type: Mine.max_speed gives -1"
    assert [path.name for path in (workplace / "runs" / "tiny").iterdir()] == ["notes.txt"]
    notes.unlink()
    amrax("run", "tiny.toml")
    assert not (workplace / "runs" / "tiny").exists()
