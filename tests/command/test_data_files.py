"""Configs that name data: a run begins with them, and goes on without."""

import numpy as np
import pytest
from click.testing import CliRunner

import amr
from solvers.command.cli import main

TEXT = """
[domain]
lower = [0.0, 0.0]
upper = [1.0, 1.0]
[mesh]
cells = [16, 16]
patch = 8
max_level = 1
[equation]
type = "advection"
velocity = [1.0, 0.5]
[initial]
{initial}
[refine]
value = {{above = 0.3}}
[time]
end = 0.05
[output]
picture = false
"""


def amrax(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def written(initial, name="case.toml"):
        (tmp_path / name).write_text(TEXT.format(initial=initial))
        return name

    return written


def test_a_run_begins_with_a_dump_and_goes_on_without_it(config, tmp_path):
    assert amrax("run", config('phi = "exp(-((x-0.5)**2+(y-0.5)**2)/0.02)"', "first.toml")).exit_code == 0
    dump = tmp_path / "runs" / "first" / "first_0001.vtkhdf"
    done = amrax("run", config('file = "runs/first/first_0001.vtkhdf"', "second.toml"), "time.end=0.3")
    assert done.exit_code == 0, done.output
    start, end = (amr.read(tmp_path / "runs" / "second" / f"second_000{n}.vtkhdf") for n in (0, 1))
    assert start.time == 0
    assert start.integral() == pytest.approx(amr.read(dump).integral(), rel=1e-13)
    # The same in two parts, the second when the data are gone.
    parts = amrax(
        "run", "second.toml", "time.end=0.3", "time.max_steps=2", "checkpoint.every_steps=1", "output.name=parts"
    )
    assert parts.exit_code == 124, parts.output
    dump.unlink()
    assert amrax("validate", "second.toml").exit_code != 0
    rest = amrax("resume", "runs/parts", "time.max_steps=1000")
    assert rest.exit_code == 0, rest.output
    np.testing.assert_array_equal(amr.read(tmp_path / "runs/parts/parts_0001.vtkhdf").data, end.data)


@pytest.mark.parametrize(
    ("initial", "told"),
    [
        ('file = "none.npz"', "13: initial.file: there is no "),
        ('file = "case.toml"', "13: initial.file: found 'case.toml', expected a dump (.vtkhdf), arrays"),
        ('file = "psi.npz"', "13: initial.file: has psi, expected phi"),
        ('file = "psi.npz"\nphi = 1', "14: initial.phi: initial.file gives all variables already"),
        ('phi = "none.npy"', "13: initial.phi: "),
        ('phi = "../out.npy"', "expected a file in the folder of the config or below"),
    ],
)
def test_what_is_wrong_with_data_is_told(config, tmp_path, initial, told):
    np.savez(tmp_path / "psi.npz", psi=np.ones((4, 4)))
    done = amrax("validate", config(initial))
    assert done.exit_code != 0
    assert told in done.output
    assert "Traceback" not in done.output


def test_an_array_is_a_function_of_position(config, tmp_path):
    x = (np.arange(64) + 0.5) / 64
    np.save(tmp_path / "phi.npy", np.exp(-((x[:, None] - 0.5) ** 2 + (x - 0.5) ** 2) / 0.02))
    assert amrax("run", config('phi = "phi.npy"')).exit_code == 0
    start = amr.read(tmp_path / "runs" / "case" / "case_0000.vtkhdf")
    assert start.maximum() > 0.9
    assert (tmp_path / "runs" / "case" / "phi.npy").exists()
