"""Dumps come in the order of their numbers, however many there are, wherever a list of them is made."""

import random
from pathlib import Path
from unittest.mock import Mock, create_autospec

import pytest

from amr.files.info import FileInfo
from amr.files.numbering import by_number
from amr.pictures import movie
from solvers.command import pictures as cli_pictures, run_info
from solvers.run import checkpoints
from solvers.run.checkpoint import Checkpoint

MANY = [f"dump_{number:04d}.vtkhdf" for number in range(1, 10001)]


def names(paths) -> list[str]:
    return [path.name for path in paths]


@pytest.fixture
def folder(tmp_path):
    """The last few dumps of many, empty, beside others."""
    for name in [*MANY[-3:], "dump_failed.vtkhdf", "dump_0001.png"]:
        (tmp_path / name).touch()
    return tmp_path


def test_ten_thousand_dumps():
    mixed = [Path(name) for name in MANY]
    random.Random(0).shuffle(mixed)
    assert names(by_number(mixed)) == MANY
    assert MANY[-2:] == ["dump_9999.vtkhdf", "dump_10000.vtkhdf"]
    assert sorted(MANY) != MANY


def test_runs_in_one_folder_stay_apart():
    wanted = ["a.vtkhdf", "a_9.vtkhdf", "a_10.vtkhdf", "a_10_failed.vtkhdf", "b2_3.vtkhdf", "b2_20.vtkhdf"]
    assert names(by_number(map(Path, sorted(wanted)))) == wanted


@pytest.mark.parametrize(
    "listed",
    [
        movie._several,
        lambda folder: cli_pictures.dumps(folder)[1],
        lambda folder: checkpoints.numbered(folder, "dump"),
    ],
)
def test_everybody_lists_them_by_number(folder, listed):
    assert names(listed(folder)) == MANY[-3:]


def test_infos_of_one_step_come_by_number(folder, monkeypatch):
    def info(path):
        found = create_autospec(FileInfo, instance=True)
        found.path, found.step = path, 7
        return found

    monkeypatch.setattr(run_info, "file_info", info)
    assert names(file.path for file in run_info._files(folder, []))[:3] == MANY[-3:]


def test_checkpoints_with_more_digits_are_the_newest(tmp_path):
    checkpoint = create_autospec(Checkpoint, instance=True)
    checkpoint.save.side_effect = Path.touch
    for step in (99_999_998, 99_999_999, 100_000_000):
        checkpoint.field = Mock(step=step)
        path = checkpoints.write_newest(tmp_path, "run", 2, checkpoint)
    assert path.exists()
    assert names(checkpoints.numbered(tmp_path, "run")) == ["run_99999999.vtkhdf", "run_100000000.vtkhdf"]
