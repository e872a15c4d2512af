"""`amrax run --dry-run` says what a run would take and leaves nothing behind."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from solvers.command import dry_run as module
from solvers.command.cli import main
from solvers.command.dry_run import DryRun, dry_run, machine_memory
from solvers.config.build import load
from solvers.run.driver import RunError

CONFIG = """\
[domain]
lower = 0
upper = 1
[mesh]
cells = 32
patch = 8
[equation]
velocity = 1
[initial]
phi = "exp(-((x - 0.5) / 0.1)**2)"
[time]
end = 0.5
[output]
every = 0.1
every_steps = 5
derived = {twice = "2*phi"}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMRAX_CACHE_DIR", "")
    (tmp_path / "wave.toml").write_text(CONFIG)
    return tmp_path / "wave.toml"


def test_the_command_tells_and_writes_nothing(config):
    refined = ["mesh.max_level=1", "refine.value={above = 0.5}"]
    done = CliRunner().invoke(main, ["run", "wave.toml", "--dry-run", *refined])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    for words in (
        "wave.toml: valid\n",
        "  mesh      at first 6 patches (2 of level 0, 4 of level 1), 48 cells\n",
        " patches, for all there can be\n",
        "  memory    state ",
        "  at most   about ",
        # 64 cells of the finest level, crossed at 0.9 of a cell a step
        "  steps     the first 0.01406; 36 such steps to t = 0.5\n",
        "  dumps     13 of up to 60.8 kB each with a mesh like that\n",
        "  compiled  in ",
    ):
        assert words in done.stdout
    assert [path.name for path in config.parent.iterdir()] == ["wave.toml"]


def test_a_script_gets_numbers(config):
    found = dry_run(load(config, ["time.end=2"]))
    assert (found.levels, found.patches, found.full) == ((4,), 4, 4)
    assert found.first_step == pytest.approx(0.9 / 32)
    assert found.steps == 71
    assert found.dumps == 2 + 19 + 14
    assert found.peak_bytes > found.state_bytes > 32 * 8
    assert found.capacity >= 4
    assert found.full_bytes == found.peak_bytes
    assert found.warning is None
    assert "max_steps" not in str(found)
    assert "71 such steps to t = 2, of which time.max_steps allows 70\n" in str(replace(found, most=70))


def test_a_run_that_would_not_begin_says_why(config):
    case = replace(load(config), initial=lambda x: np.nan * x)
    with pytest.raises(RunError, match="the initial condition is not finite"):
        dry_run(case)


def test_too_little_memory_is_a_warning():
    found = DryRun((4, 8), 64, 16, 64, 10**6, 10**9, 10**8, 0.1, 1.0, 2, 10**5, 3.0)
    assert found.warning.startswith("the run loop needs 1 GB, this machine has 100 MB; try fewer root cells")
    assert found.full_bytes == 4 * 10**9
    assert "it grows if need be, to 64 at most" in str(found)
    assert replace(found, machine_bytes=None).warning is None


def test_a_container_has_its_own_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CGROUP", tmp_path / "none")
    whole = machine_memory()
    monkeypatch.setattr(module, "CGROUP", tmp_path / "max")
    for text, expected in (("max\n", whole), ("1000000\n", 1_000_000)):
        (tmp_path / "max").write_text(text)
        assert machine_memory() == expected
