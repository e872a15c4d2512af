"""Files that are replaced: whole or not at all, and nothing else is left behind."""

import os
from pathlib import Path

import numpy as np
import pytest
from sample import random_field

from amr.files.whole import replacing, write_whole
from amr.pictures import movie
from solvers.records.files import RecordFile


@pytest.fixture
def path(tmp_path):
    """A file with something in it, alone in its folder."""
    path = tmp_path / "a.csv"
    path.write_text("step,time\n1,0.1\n2,0.2\n")
    return path


def unchanged(path: Path) -> bool:
    return path.read_text() == "step,time\n1,0.1\n2,0.2\n" and list(path.parent.iterdir()) == [path]


def full(*_, **__):
    raise OSError("disk full")


def test_a_writer_that_fails_leaves_the_old_file(path):
    with pytest.raises(FileExistsError), replacing(path) as temporary:
        (temporary.write_text("half of"), path.mkdir())
    assert unchanged(path)
    with pytest.raises(FileNotFoundError), replacing(path):
        pass  # that wrote nothing
    assert unchanged(path)


@pytest.mark.parametrize("moment", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("write", [lambda path: write_whole(path, "new"), lambda path: RecordFile(path).cut_after(1)])
def test_a_disk_that_is_full_leaves_the_old_file(path, monkeypatch, moment, write):
    monkeypatch.setattr(moment, full)
    with pytest.raises(OSError, match="disk full"):
        write(path)
    monkeypatch.undo()
    assert unchanged(path)


def test_a_movie_that_fails_leaves_the_old_one(path, monkeypatch):
    old = path.rename(path.with_suffix(".gif"))
    monkeypatch.setattr(movie, "encoder", lambda path: full)
    with pytest.raises(OSError, match="disk full"):
        movie.movie([random_field(2)], old)
    assert unchanged(old)


def test_what_is_written_is_on_the_disk_before_it_gets_the_name(path, monkeypatch):
    order, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: order.append(os.fstat(file).st_size) or sync(file))
    monkeypatch.setattr(os, "replace", lambda old, new: order.append(new) or replace(old, new))
    write_whole(path, "új\n")
    assert order == [4, path]
    assert path.read_text(encoding="utf-8") == "új\n"


def test_rows_are_cut(path):
    RecordFile(path).cut_after(1)
    assert path.read_text() == "step,time\n1,0.1\n"
    assert np.loadtxt(path, delimiter=",", skiprows=1).tolist() == [1, 0.1]


def test_missing_folders_are_made(tmp_path):
    write_whole(tmp_path / "a" / "b" / "c.txt", "text")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"
