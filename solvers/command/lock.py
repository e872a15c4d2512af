"""One run at a time in a folder."""

import os
import socket
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not on this system: people have to look after it themselves
    fcntl = None  # type: ignore[assignment]


class LockedError(OSError):
    """Another process writes into a folder."""


class FolderLock:
    """A lock on a folder, held by an open file `.lock` in it; the system releases it when the process ends."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.file: IO[str] | None = None
        self._path = directory / ".lock"

    def take(self) -> None:
        """Take it. Raises `LockedError` if somebody else has it."""
        if fcntl is None:
            return
        while (file := self._locked()) is None:
            pass
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        self.file = file

    def _locked(self) -> IO[str] | None:
        """The file, locked; `None` if that was removed, by the one who gave it back, before we had the lock on it."""
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "another process"
            file.close()
            text = f"{self.directory} is being written by {owner}; wait for it, or use another folder"
            raise LockedError(text) from None
        except OSError:
            return file  # file systems without locks
        if self._is_there(file):
            return file
        file.close()
        return None

    def _is_there(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give it back, if it is ours."""
        if self.file is not None:
            self._path.unlink(missing_ok=True)  # while it is ours; who has opened it by now will find it gone
            self.file.close()
            self.file = None
