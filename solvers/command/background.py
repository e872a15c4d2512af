"""Writing files while the device goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

WAITING = 2  # tasks that may wait; each holds a field in memory


class Background:
    """Does tasks one after the other in a thread of its own, in the order in which they come.

    `do` waits when too many are waiting already. What a task raises is raised by the next `do` or by `finish`; tasks
    behind it are not done. Used as a context manager it finishes at the end.
    """

    def __init__(self, waiting: int = WAITING):
        self.tasks: queue.Queue[Callable[[], object] | None] = queue.Queue(waiting)
        self.error: BaseException | None = None
        self.broken = False
        self.thread = threading.Thread(target=self._work, name="amrax-writer", daemon=True)
        self.thread.start()

    def do(self, task: Callable[[], object]) -> None:
        """Have a task done soon."""
        self._raise()
        self.tasks.put(task)

    def finish(self) -> None:
        """Wait until all is done."""
        if self.thread.is_alive():
            self.tasks.put(None)
            self.thread.join()
        self._raise()

    def _work(self) -> None:
        while (task := self.tasks.get()) is not None:
            if self.broken:
                continue  # what waits behind a failure is dropped, so that nobody waits for ever
            try:
                task()
            except BaseException as error:
                self.error, self.broken = error, True

    def _raise(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def __enter__(self) -> Background:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        try:
            self.finish()
        except BaseException as lost:
            # Where the caller was only interrupted, it must not believe that all before is written.
            if error is None or isinstance(error, KeyboardInterrupt):
                raise
            error.add_note(f"and files could not be written: {lost}")
