"""One run at a time in a folder."""

from __future__ import annotations

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

    def take(self) -> None:
        """Take it. Raises `LockedError` if somebody else has it."""
        if fcntl is None:
            return
        file = (self.directory / ".lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "another process"
            file.close()
            text = f"{self.directory} is being written by {owner}; wait for it, or use another folder"
            raise LockedError(text) from None
        except OSError:
            pass  # file systems without locks
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        self.file = file

    def release(self) -> None:
        """Give it back, if it is ours."""
        if self.file is not None:
            (self.directory / ".lock").unlink(missing_ok=True)
            self.file.close()
            self.file = None
