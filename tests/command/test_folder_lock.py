"""One run at a time in a folder, also where one begins while another ends."""

import pytest

from solvers.command import lock as folder_lock
from solvers.command.lock import FolderLock, LockedError

fcntl = pytest.importorskip("fcntl")


def test_one_at_a_time(tmp_path):
    one, other = FolderLock(tmp_path), FolderLock(tmp_path)
    one.take()
    with pytest.raises(LockedError, match="is being written by process"):
        other.take()
    one.release()
    other.take()
    with pytest.raises(LockedError):
        one.take()
    other.release()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("third", [True, False], ids=["a-third-takes-it", "nobody-else-wants-it"])
def test_a_run_that_ends_between_opening_and_locking(tmp_path, monkeypatch, third):
    """The one that waited has a lock on a file that is no longer there: no lock at all."""
    ending, waiting, later = (FolderLock(tmp_path) for _ in range(3))
    ending.take()

    def flock(file, how):
        monkeypatch.undo()
        ending.release()
        if third:
            later.take()
        fcntl.flock(file, how)

    monkeypatch.setattr(folder_lock.fcntl, "flock", flock)
    if third:
        with pytest.raises(LockedError):
            waiting.take()
    else:
        waiting.take()
        with pytest.raises(LockedError):
            later.take()
    assert (tmp_path / ".lock").exists()


def test_file_systems_without_locks(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError("no locks here")

    monkeypatch.setattr(folder_lock.fcntl, "flock", flock)
    lock = FolderLock(tmp_path)
    lock.take()
    lock.release()
    assert not list(tmp_path.iterdir())
