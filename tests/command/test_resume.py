"""A run that is interrupted and resumed, in Python and by the command, equals one that never was."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yt
from click.testing import CliRunner
from daily import daily
from problems import in_calls
from sample import colours

import amr
import solvers
from amr.errors import InvalidSettingError
from amr.files.io import FileError, read_header
from solvers.command.cli import main
from solvers.command.lock import FolderLock
from solvers.run.account import Account
from solvers.run.checkpoint import Checkpoint

CENTRE = (0.4, 0.55, 0.5)


def bump(*x):
    return 1 + jnp.exp(-sum((xi - c) ** 2 for xi, c in zip(x, CENTRE, strict=False)) / 0.01)


def domain(ndim, **options):
    return amr.Domain((0.0,) * ndim, (1.0,) * ndim, **options)


def advection(ndim, dtype, capacity=None):
    mesh = amr.Mesh(domain(ndim), (16,) * ndim, 8, 2 if ndim < 3 else 1, capacity)
    flow = solvers.Advection((1.0, 0.5, 0.25)[:ndim])
    return solvers.Simulation(mesh, flow, refine=amr.Value((1.05, 1.3)[: mesh.max_level]), dtype=dtype)


def same(one, other):
    """Whether two solutions have the same leaves, bits of data, and numbers in the summary."""
    assert one.field.count == other.field.count
    assert np.array_equal(one.field.forest.level, other.field.forest.level)
    assert np.array_equal(one.field.data, other.field.data)
    assert one.field.step == other.field.step
    assert float(one.state.clock.dt) == float(other.state.clock.dt)
    for key in ("steps", "regrids", "cell_updates", "patches", "variables", "capacity", "growths"):
        assert getattr(one.summary, key) == getattr(other.summary, key), key
    return True


@pytest.mark.parametrize(
    ("ndim", "dtype"),
    daily(
        itertools.product([1, 2, 3], ["float32", "float64"]),
        lambda ndim, dtype: (ndim == 2) == (dtype == "float32"),
    ),
)
def test_resumed_equals_uninterrupted(ndim, dtype, tmp_path):
    simulation = advection(ndim, dtype)
    kept = solvers.Checkpoints(tmp_path, every_steps=2, keep=100)
    whole = simulation.run(bump, 0.15, outputs=[0.04, 0.11], checkpoints=kept)
    files = sorted(tmp_path.glob("*.vtkhdf"))
    assert len(files) >= 2
    assert same(whole, simulation.resume(files[len(files) // 2], 0.15, outputs=[0.04, 0.11]))


def test_resumed_equals_uninterrupted_where_the_pool_grew_before_and_after(tmp_path):
    def spreading(x, y):
        return jnp.where((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.01, 1.0, 0.0)

    mesh = amr.Mesh(domain(2), (32, 32), 4, 2, capacity=192)
    simulation = solvers.Simulation(mesh, solvers.Burgers(), refine=amr.Difference(0.02))
    grown = []
    kept = solvers.Checkpoints(tmp_path, every_steps=4, keep=100)
    told = lambda progress: grown.append(progress) if progress.message else None  # noqa: E731
    whole = simulation.run(spreading, 0.5, checkpoints=kept, progress=told)
    assert whole.summary.growths > 0
    capacities = {path: read_header(path)["capacity"] for path in sorted(tmp_path.glob("*.vtkhdf"))}
    paths = list(capacities)
    assert capacities[paths[-1]] > mesh.capacity
    for path in (paths[0], paths[-1]):
        assert same(whole, simulation.resume(path, 0.5))


def laws():
    walls = amr.Mesh(domain(2, periodic=False), (16, 16), 8, 1)
    still = lambda x, y: (bump(x, y), 0.0, 0.0, bump(x, y))  # noqa: E731
    heat = solvers.Diffusion(solvers.NonlinearDiffusivity(lambda u, x, t: 0.01 * u[0]))
    implicit = solvers.MethodOfLines(integrator=solvers.SDIRK2(ratio=30.0))
    periodic = amr.Mesh(domain(1), 32, 8, 1)
    return {
        "euler": (
            solvers.Simulation(walls, solvers.Euler(2), refine=amr.Difference(0.05), boundary=amr.Wall()),
            still,
            0.05,
        ),
        "implicit": (solvers.Simulation(periodic, heat, implicit, amr.Curvature(0.02), longest=0.004), bump, 0.06),
    }


@pytest.mark.parametrize("name", ["euler", "implicit"])
def test_other_equations(name, tmp_path):
    simulation, initial, end = laws()[name]
    kept = solvers.Checkpoints(tmp_path, every_steps=4, keep=100)
    whole = simulation.run(initial, end, checkpoints=kept)
    files = sorted(tmp_path.glob("*.vtkhdf"))
    assert same(whole, simulation.resume(files[len(files) // 2], end))


def test_the_end_of_a_solution_is_a_checkpoint(tmp_path):
    simulation = advection(1, "float64")
    whole = simulation.run(bump, 0.2, outputs=[0.1])
    half = simulation.run(bump, 0.1)
    half.save(tmp_path / "half.vtkhdf")
    on = simulation.resume(tmp_path / "half.vtkhdf", 0.2)
    assert np.array_equal(on.field.data, whole.field.data)
    assert on.summary.resumed == 1
    assert on.summary.steps == whole.summary.steps
    assert np.array_equal(simulation.resume(half.checkpoint, 0.2).field.data, whole.field.data)


def test_checkpoints_keep_the_newest_and_change_nothing(tmp_path):
    simulation = advection(1, "float64")
    plain = simulation.run(bump, 0.3)
    kept = simulation.run(bump, 0.3, checkpoints=solvers.Checkpoints(tmp_path, every_steps=10, keep=2))
    assert same(plain, kept)
    steps = [int(path.stem.split("_")[1]) for path in sorted(tmp_path.glob("*.vtkhdf"))]
    assert len(steps) == 2
    assert steps[1] >= steps[0] + 8
    assert steps[1] > plain.summary.steps - 10


def test_limits_end_a_run_in_order(tmp_path):
    simulation = advection(1, "float64")
    whole = simulation.run(bump, 0.5, outputs=[0.1, 0.2])
    shown, kept = [], solvers.Checkpoints(tmp_path, every_steps=1000)
    part = simulation.run(
        bump, 0.5, outputs=[0.1, 0.2], on_output=lambda field: shown.append(field.time), checkpoints=kept, max_steps=10
    )
    assert 10 <= part.summary.steps < 10 + simulation.interval
    assert part.field.time < 0.5
    assert all(time <= part.field.time for time in shown)
    assert (part.summary.limit, part.summary.to_dict()["limit"]) == ("max_steps = 10", "max_steps = 10")
    assert "ended early by max_steps = 10" in str(part.summary)
    assert "limit" not in whole.summary.to_dict()
    more = simulation.resume(part, 0.5, outputs=[0.1, 0.2], max_steps=21)
    assert 21 <= more.summary.steps < 21 + simulation.interval
    none = simulation.resume(more, 0.5, outputs=[0.1, 0.2], max_minutes=1e-9)
    assert (none.summary.steps, none.summary.limit) == (more.summary.steps, "max_minutes = 1e-09")
    (path,) = tmp_path.glob("*.vtkhdf")
    for end in (none, path):
        assert same(whole, simulation.resume(end, 0.5, outputs=[0.1, 0.2], max_steps=10**6, max_minutes=1e3))
    assert simulation.run(bump, 0.5, max_steps=whole.summary.steps).summary.limit == ""


@pytest.mark.parametrize(("key", "value"), [("max_steps", 0), ("max_steps", 1.5), ("max_minutes", 0.0)])
def test_limits_that_make_no_sense(key, value):
    with pytest.raises(InvalidSettingError, match=f"{key}: expected"):
        advection(1, "float64").run(bump, 0.5, **{key: value})


@pytest.mark.parametrize("where", ["progress", "on_output", "device"])
def test_an_interrupt_loses_nothing(where, monkeypatch):
    simulation = advection(1, "float64")
    whole = simulation.run(bump, 0.5, outputs=[0.1, 0.2])
    calls = []

    def interrupt(_):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt

    options = {where: interrupt} if where != "device" else {}
    if where == "device":
        plain = Account.add
        monkeypatch.setattr(Account, "add", lambda *given: (plain(*given), interrupt(None)))
    with pytest.raises(solvers.Interrupted, match="resume") as stopped:
        simulation.run(bump, 0.5, outputs=[0.1, 0.2], **options)
    assert 0 < stopped.value.checkpoint.field.time < 0.5
    assert same(whole, simulation.resume(stopped.value.checkpoint, 0.5, outputs=[0.1, 0.2]))


def test_where_the_device_fails_the_last_good_state_is_kept(monkeypatch):
    simulation = advection(1, "float64")

    def fail(progress):
        if progress.step > 5:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")

    with pytest.raises(solvers.RunError, match=r"the device failed .*out of memory.*fewer levels") as failed:
        simulation.run(bump, 0.5, outputs=[0.1, 0.2], progress=fail)
    assert 5 < failed.value.field.step < 20
    assert simulation.resume(failed.value.checkpoint, 0.5).summary.steps > failed.value.field.step


def test_checkpoints_of_another_run_do_not_push_out_new_ones(tmp_path):
    simulation = advection(1, "float64")
    for end in (0.4, 0.1):
        simulation.run(bump, end, checkpoints=solvers.Checkpoints(tmp_path, every_steps=4, keep=2))
    steps = [read_header(path)["step"] for path in sorted(tmp_path.glob("*.vtkhdf"))]
    assert len(steps) == 4
    assert steps[1] < steps[2]


def test_a_bounded_run_with_signals_of_the_state_does_not_depend_on_calls():
    mesh = amr.Mesh(domain(2), (16, 16), 8, 1)
    heat = solvers.Advection((1.0, 0.5), diffusivity=solvers.NonlinearDiffusivity(lambda u, x, y, t: 2e-3 * u[0] ** 2))
    scheme = solvers.MethodOfLines(bounded=True)
    simulation = solvers.Simulation(mesh, heat, scheme, amr.Difference(0.05))
    first, advance = in_calls(simulation, bump, 0.1)
    whole, part = advance(first), first
    while float(part.clock.time) < 0.1:
        part = advance(part, 1)
    assert np.array_equal(whole.values, part.values)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"cells": (32,)}, "cells"),
        ({"patch": 4}, "patch"),
        ({"max_level": 0}, "max_level"),
        ({"domain": amr.Domain(0.0, 2.0)}, "upper"),
        ({"domain": amr.Domain(0.0, 1.0, periodic=False)}, "boundary"),
    ],
)
def test_what_does_not_fit_is_refused(change, key, tmp_path):
    advection(1, "float64").run(bump, 0.05).save(tmp_path / "a.vtkhdf")
    mesh = amr.Mesh(**{"domain": domain(1), "cells": (16,), "patch": 8, "max_level": 2} | change)
    other = solvers.Simulation(mesh, solvers.Advection(1.0))
    with pytest.raises(InvalidSettingError, match="the run has") as error:
        other.resume(tmp_path / "a.vtkhdf", 1.0)
    assert error.value.key == key


def test_mistakes(tmp_path):
    simulation = advection(1, "float64")
    solution = simulation.run(bump, 0.05)
    solution.save(tmp_path / "a.vtkhdf")
    solution.field.save(tmp_path / "field.vtkhdf")
    with pytest.raises(FileError, match="a field alone"):
        simulation.resume(tmp_path / "field.vtkhdf", 1.0)
    with pytest.raises(FileError, match="cannot be opened"):
        simulation.resume(tmp_path / "none.vtkhdf", 1.0)
    assert simulation.resume(solution, 0.06).summary.resumed == 1
    with pytest.raises(InvalidSettingError, match=r"use Simulation\.resume"):
        simulation.run(tmp_path / "a.vtkhdf", 0.1)
    with pytest.raises(InvalidSettingError, match=r"jax\.numpy"):
        simulation.run(lambda x: np.exp(-(x**2)), 0.1)
    with pytest.raises(InvalidSettingError, match="several times"):
        simulation.run(bump, 0.1, outputs=0.05)
    with pytest.raises(InvalidSettingError, match="expected a time"):
        simulation.run(bump, "1")
    with pytest.raises(InvalidSettingError, match="expected a checkpoint"):
        simulation.resume(3, 0.1)
    with pytest.raises(InvalidSettingError, match=r"not before the checkpoint's 0\.05"):
        simulation.resume(tmp_path / "a.vtkhdf", 0.01)
    with pytest.raises(InvalidSettingError, match="float32"):
        advection(1, "float32").resume(tmp_path / "a.vtkhdf", 1.0)
    for options in ({}, {"every_steps": 0}, {"every": -1.0}, {"every_steps": 1, "keep": 0}):
        with pytest.raises(InvalidSettingError, match="expected"):
            solvers.Checkpoints(tmp_path, **options)


# --- the command ------------------------------------------------------------------------------------------------------

CONFIG = """\
[parameters]
width = 0.1
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
velocity = [1.0, 0.5]
[initial]
phi = "exp(-((x - 0.5)**2 + (y - 0.5)**2) / width**2)"
[refine]
value = {above = 0.1}
[time]
end = 0.6
[output]
every = 0.1
picture = false
[checkpoint]
every_steps = 7
"""


def amrax(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the command with its folder."""
    place = tmp_path_factory.mktemp("finished")
    (place / "one.toml").write_text(CONFIG)
    done = amrax("run", place / "one.toml", f"output.directory={place / 'one'}")
    assert done.exit_code == 0, done.stderr
    return place / "one"


def copied(finished, tmp_path):
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-r", finished, folder], check=True)
    return folder


def dumps(folder):
    return sorted(folder.glob("one_*.vtkhdf"))


def test_the_command_resumes_from_the_newest_whole_file(finished, tmp_path):
    folder = copied(finished, tmp_path)
    assert len(dumps(folder)) == 7
    assert len(list((folder / "checkpoints").iterdir())) == 2
    for path in dumps(folder)[4:]:
        path.unlink()
    for path in (folder / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    damaged = bytearray(dumps(folder)[3].read_bytes())
    damaged[len(damaged) // 20 : len(damaged) // 2] = bytes(len(damaged) // 2 - len(damaged) // 20)
    dumps(folder)[3].write_bytes(damaged)
    done = amrax("resume", folder)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("passed over") == 3
    assert "going on from t = 0.2" in done.stderr
    assert "resumed 1 times" in done.stdout
    for ours, theirs in zip(dumps(folder), dumps(finished), strict=True):
        one, other = amr.read(ours), amr.read(theirs)
        assert (one.time, one.step) == (other.time, other.step)
        assert np.array_equal(one.data, other.data)
    series = json.loads((folder / "one.vtkhdf.series").read_text())["files"]
    assert series == json.loads((finished / "one.vtkhdf.series").read_text())["files"]
    summaries = [json.loads((place / "summary.json").read_text()) for place in (folder, finished)]
    assert summaries[0]["variables"] == summaries[1]["variables"]


def test_a_later_end_and_other_thresholds_are_accepted(finished, tmp_path):
    folder = copied(finished, tmp_path)
    done = amrax("resume", folder, "time.end=0.75", "refine.value.above=0.2", "output.every=0.05", "mesh.max_level=2")
    assert done.exit_code == 0, done.stderr
    assert [round(amr.read(path).time, 9) for path in dumps(folder)[6:]] == [0.6, 0.65, 0.7, 0.75]
    again = amrax("resume", folder, "time.end=0.8")
    assert again.exit_code == 0, again.stderr  # the new config is the folder's now
    assert "resumed 2 times" in again.stdout


def test_an_earlier_file_replaces_later_ones_only_if_that_is_wanted(finished, tmp_path):
    folder = copied(finished, tmp_path)
    before = dumps(folder)
    done = amrax("resume", folder, "--from", before[2])
    assert done.exit_code == 2
    assert "holds later results than step" in done.stderr
    assert "--force" in done.stderr
    assert dumps(folder) == before
    done = amrax("resume", folder, "--from", before[2], "--force", "scheme.limiter=minmod")
    assert done.exit_code == 0, done.stderr
    ours, theirs = amr.read(dumps(folder)[-1]), amr.read(dumps(finished)[-1])
    assert ours.time == theirs.time
    points = np.random.default_rng(0).random((50, 2))
    assert not np.array_equal(ours.sample(points), theirs.sample(points))


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("equation.velocity=[1.0, 1.0]", "equation.velocity: found [1.0, 1.0], the run had [1.0, 0.5]; the solution"),
        (
            "mesh.cells=[32, 32]",
            "mesh.cells: found [32, 32], the run had [16, 16]; the solution so far lies on this root",
        ),
        ("mesh.patch=16", "mesh.patch: found 16, the run had 8"),
        ("domain.upper=[2.0, 1.0]", "domain.upper: "),
        ('initial.phi="x"', "initial.phi: "),
        (
            "parameters.width=0.2",
            "parameters.width: found 0.2, the run had 0.1; formulas of the equation may contain it",
        ),
        ("scheme.precision=float32", "scheme.precision: found 'float32', the run had 'float64'"),
        ("output.name=two", "output.name: the run goes on in its own folder and files"),
        ("time.end=0.5", "time.end: found 0.5, and the run is at 0.6 already; give a later time.end"),
        ("mesh.max_level=0", "mesh.max_level: the run has 0, the file patches of level 1"),
    ],
)
def test_what_cannot_change_is_refused_with_the_reason(finished, tmp_path, override, reason):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    end = () if override.startswith("time.end") else ("time.end=1.0",)
    done = amrax("resume", finished, override, *end)
    assert done.exit_code == 2
    assert reason in done.stderr.replace('"', "'")
    assert "Traceback" not in done.stderr
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_limits_of_the_config_end_a_run_that_can_be_resumed(finished, tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    folder = tmp_path / "limited"
    done = amrax("run", tmp_path / "one.toml", f"output.directory={folder}", "time.max_steps=5")
    assert done.exit_code == 124
    assert (
        f"the checkpoint is in {folder}/checkpoints\nto go on: amrax resume {folder} time.max_steps=10" in done.stderr
    )
    assert not (folder / "summary.json").exists()
    done = amrax("resume", folder)
    assert done.exit_code == 2
    assert "time.max_steps: found 5, and the run is at step " in done.stderr
    done = amrax("resume", folder, "time.max_steps=1000", "time.max_minutes=1e-9")
    assert done.exit_code == 124
    assert "stopped by time.max_minutes = 1e-09 at t = " in done.stderr
    assert done.stderr.endswith(f"to go on: amrax resume {folder}\n")
    done = amrax("resume", folder, "time.max_minutes=1000")
    assert done.exit_code == 0, done.stderr
    ours, theirs = amr.read(dumps(folder)[-1]), amr.read(dumps(finished)[-1])
    assert np.array_equal(ours.data, theirs.data)


def test_a_run_at_its_end_is_no_mistake(finished):
    """A script of a batch system resumes until there is nothing left to do."""
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    done = amrax("resume", finished)
    assert done.exit_code == 0
    assert "is at its end, time.end = 0.6; with a later one, such as time.end=1.2, it goes on" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_where_there_is_nothing_to_resume(tmp_path):
    done = amrax("resume", tmp_path)
    assert (done.exit_code, "holds no run to resume" in done.stderr) == (2, True)
    (tmp_path / "one.toml").write_text(CONFIG)
    folder = tmp_path / "rounded"
    short = ("time.end=0.05", "output.precision=float32", "checkpoint.every_steps=1000")
    assert amrax("run", tmp_path / "one.toml", f"output.directory={folder}", *short).exit_code == 0
    done = amrax("resume", folder, "time.end=1.0")
    assert done.exit_code == 2
    assert "no dump or checkpoint of full precision" in done.stderr


def test_checkpoints_serve_where_dumps_are_rounded(tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    folder = tmp_path / "rounded"
    settings = (f"output.directory={folder}", "output.precision=float32", "time.end=0.3")
    assert amrax("run", tmp_path / "one.toml", *settings).exit_code == 0
    done = amrax("resume", folder, "time.end=0.4")
    assert done.exit_code == 0, done.stderr


def test_nothing_is_overwritten_where_dumps_are_missing_or_cannot_be_read(finished, tmp_path):
    folder = copied(finished, tmp_path)
    before = dumps(folder)
    times = {path.name: amr.read(path).time for path in before}
    before[1].unlink()
    before[3].write_text("what is this?")
    done = amrax("resume", folder, "time.end=0.8")
    assert done.exit_code == 0, done.stderr
    assert before[3].with_name(f"{before[3].name}.unreadable").read_text() == "what is this?"
    found = {path.name: amr.read(path).time for path in dumps(folder)}
    assert {name: time for name, time in found.items() if name in times} == {
        name: time for name, time in times.items() if name not in (before[1].name, before[3].name)
    }
    assert [round(time, 9) for name, time in sorted(found.items()) if name not in times] == [0.7, 0.8]
    listed = json.loads((folder / "one.vtkhdf.series").read_text())["files"]
    assert [entry["name"] for entry in listed] == sorted(found)


def test_a_run_that_only_lacks_its_summary_can_be_finished(finished, tmp_path):
    folder = copied(finished, tmp_path)
    (folder / "summary.json").unlink()
    done = amrax("resume", folder)
    assert done.exit_code == 0, done.stderr
    ours, theirs = (json.loads((place / "summary.json").read_text()) for place in (folder, finished))
    assert ours["variables"] == theirs["variables"]


def test_settings_that_are_new_since_the_run_began_have_not_changed(finished, tmp_path):
    folder = copied(finished, tmp_path)
    for path in [*dumps(folder), *(folder / "checkpoints").iterdir()]:
        checkpoint, text = Checkpoint.load(path), read_header(path)["config"]
        checkpoint.save(path, config=text.replace('boundary = "periodic"\n', ""))
    assert 'boundary = "periodic"' not in read_header(dumps(folder)[0])["config"]
    done = amrax("resume", folder, "time.end=0.65")
    assert done.exit_code == 0, done.stderr


def test_one_run_at_a_time_in_a_folder(finished, tmp_path):
    folder = copied(finished, tmp_path)
    lock = FolderLock(folder)
    lock.take()
    done = amrax("resume", folder, "time.end=0.8")
    assert done.exit_code == 2
    assert f"{folder} is being written by process {os.getpid()}" in done.stderr
    lock.release()
    assert amrax("resume", folder, "time.end=0.65").exit_code == 0


def test_modules_that_modules_import_are_kept_with_the_run(tmp_path):
    (tmp_path / "amrax_flow.py").write_text("from amrax_helper import SPEED\ndef flow(x, y):\n    return SPEED, 0.5\n")
    (tmp_path / "amrax_helper.py").write_text("import amrax_numbers\nSPEED = amrax_numbers.ONE\n")
    (tmp_path / "amrax_numbers.py").write_text("ONE = 1.0\n")
    (tmp_path / "one.toml").write_text(
        CONFIG.replace("[1.0, 0.5]", '"amrax_flow:flow"').replace("end = 0.6", "end = 0.1")
    )
    folder = tmp_path / "out"
    assert amrax("run", tmp_path / "one.toml", f"output.directory={folder}").exit_code == 0
    kept = {path.name for path in folder.glob("*.py")}
    done = subprocess.run(
        [sys.executable, "-c", "from solvers.command.cli import main; main()", "resume", str(folder), "time.end=0.15"],
        cwd=tmp_path / "out", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert kept == {"amrax_flow.py", "amrax_helper.py", "amrax_numbers.py"}


LIMITED = """
import resource, sys
from solvers.command.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
main()
"""


@pytest.mark.parametrize("limit", [3000, 15000])
def test_a_full_disk_is_an_error_message(limit, tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), "run", "one.toml", f"output.directory={tmp_path / 'one'}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "AMRAX_CACHE_DIR": ""}, preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "cannot write results" in done.stderr
    assert "Traceback" not in done.stderr
    for path in (tmp_path / "one").rglob("*.vtkhdf"):
        Checkpoint.load(path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_with_a_checkpoint(number, tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    folder = tmp_path / "one"
    process = started(tmp_path, "time.end=1e4", "output.every=1e4", "checkpoint.every_steps=1000000")
    time.sleep(1.0)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number, errors
    assert "stopping after this step" in errors
    assert f"to go on: amrax resume {folder}" in errors
    assert "Traceback" not in errors
    (path,) = (folder / "checkpoints").iterdir()
    checkpoint = Checkpoint.load(path)
    end = checkpoint.field.time + 0.01
    done = amrax("resume", folder, f"time.end={end!r}", "output.every=1e4")
    assert done.exit_code == 0, done.stderr
    assert amr.read(dumps(folder)[-1]).step > checkpoint.field.step


@pytest.mark.slow
def test_the_second_signal_ends_it_at_once(tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    process = started(tmp_path, "time.end=1e4", "output.every=1e4")
    process.send_signal(signal.SIGINT)
    assert "stopping" in next(line for line in process.stderr if "stopping" in line)
    time.sleep(0.5)  # what follows at once is taken for the same
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


@pytest.mark.slow
def test_a_run_under_nohup_does_not_hear_its_terminal_close(tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    process = started(tmp_path, "time.end=1e3", "output.every=1e3", hangup=signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopping" not in errors


def started(place, *overrides, hangup=signal.SIG_DFL):
    """The command in a process of its own, once it has written its first dump; `hangup`: how it takes that its terminal
    closes, whatever the tests were started by."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from solvers.command.cli import main; main()", "run", "one.toml",
         f"output.directory={place / 'one'}", *overrides],
        cwd=place, env={**os.environ, "AMRAX_CACHE_DIR": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not dumps(place / "one") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert dumps(place / "one"), process.communicate()[1] if process.poll() is not None else "no dump in time"
    return process


# --- what is written --------------------------------------------------------------------------------------------------

GAS = """\
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
[mesh]
cells = [16, 16]
patch = 8
[equation]
type = "euler"
[initial]
density = "1 + 0.5 * sin(2*pi*x)"
velocity_x = "0.5"
velocity_y = "0.25 * x"
pressure = "1 + 0.1 * y"
[time]
end = 0.01
[output]
every_steps = 1
precision = "float32"
variable = "mach"
[output.derived]
pressure = "pressure"
velocity_x = "velocity_x"
velocity_y = "momentum_y / density"
mach = "sqrt((velocity_x**2 + velocity_y**2) / (1.4 * pressure / density)) + 0 * t"
"""


def test_derived_variables_and_vectors_are_written_for_the_others(tmp_path):
    (tmp_path / "gas.toml").write_text(GAS)
    folder = tmp_path / "gas"
    done = amrax("run", tmp_path / "gas.toml", f"output.directory={folder}")
    assert done.exit_code == 0, done.stderr
    assert colours(folder / "gas.png") > 100
    path = sorted(folder.glob("gas_*.vtkhdf"))[-1]
    field = amr.read(path, dtype="float32")
    density, momentum_x, momentum_y, energy = (np.asarray(row[..., : field.count].T) for row in field.data)
    pressure = 0.4 * (energy - 0.5 * (momentum_x**2 + momentum_y**2) / density)
    with h5py.File(path) as file:
        assert file["pressure"].dtype == np.float32
        np.testing.assert_allclose(file["pressure"][:, 0, 0], pressure, rtol=1e-6)
        np.testing.assert_allclose(file["velocity_x"][:, 0, 0], momentum_x / density, rtol=1e-6)
        np.testing.assert_allclose(file["velocity_y"][:, 0, 0], momentum_y / density, rtol=1e-6, atol=1e-7)
        vector = file["VTKHDF/CellData/velocity"][...]
        for d, name in enumerate(["velocity_x", "velocity_y"]):
            np.testing.assert_array_equal(vector[:, d], file[name][...].ravel())
        momentum = file["VTKHDF/CellData/momentum"][...]
        np.testing.assert_array_equal(momentum[:, 1], file["momentum_y"][...].ravel())
    mach = np.sqrt((momentum_x**2 + momentum_y**2) / (1.4 * pressure * density))
    found = np.sort(yt.load(str(path)).all_data()["mach"])
    np.testing.assert_allclose(found, np.sort(mach, axis=None), rtol=1e-5)


def test_derived_variables_are_checked(tmp_path):
    (tmp_path / "gas.toml").write_text(GAS.replace('mach = "sqrt(', 'mach = "sqrtt('))
    done = amrax("validate", tmp_path / "gas.toml", 'output.derived.density="1"')
    assert done.exit_code == 2
    assert "output.derived.mach" in done.stderr
    assert "output.derived.density: is the name of something else already" in done.stderr


def test_dumps_every_so_many_steps(tmp_path):
    (tmp_path / "one.toml").write_text(CONFIG)
    folder = tmp_path / "one"
    done = amrax("run", tmp_path / "one.toml", f"output.directory={folder}", "output.every_steps=6", "output.every=0.3")
    assert done.exit_code == 0, done.stderr
    found = [read_header(path) for path in dumps(folder)]
    steps, times = [header["step"] for header in found], [round(header["time"], 9) for header in found]
    assert steps == sorted(set(steps))
    assert {0.0, 0.3, 0.6} <= set(times)
    for multiple in range(6, steps[-1], 6):
        assert any(multiple <= step < multiple + 4 for step in steps), multiple
    jax.clear_caches()
