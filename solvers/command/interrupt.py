"""Ctrl-C, and what batch systems and closing terminals send: the first ends a run in order, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HANGUP = getattr(signal, "SIGHUP", None)  # of a closing terminal; Windows has none
SIGNALLED = 128  # the exit status of what a signal has ended is this and the signal's number
PATIENCE = 0.3  # seconds; wrappers such as srun may pass one signal on twice


class StopRequest:
    """Whether the user has asked to stop; a context manager in whose block signals do no more than ask.

    Python looks at signals between two of its own instructions, but a compilation or a call of the device program is
    one instruction of many seconds. So a thread reads the signals from a socket, where they arrive at once: at the
    first it calls `tell()`, at the second it ends the process.
    """

    def __init__(self, tell: Callable[[], None]):
        self.tell = tell
        self.asked = False
        self.status = SIGNALLED + signal.SIGINT

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> StopRequest:
        self.usable = threading.current_thread() is threading.main_thread()  # no other may handle signals
        if self.usable:
            self.ours, theirs = socket.socketpair()
            theirs.setblocking(False)
            self.theirs = theirs
            # `nohup` has it ignored, to have a run go on when its terminal closes.
            heard = () if HANGUP is None or signal.getsignal(HANGUP) == signal.SIG_IGN else (HANGUP,)
            self.known = (*SIGNALS, *heard)
            self.before = [signal.signal(number, _nothing) for number in self.known]
            self.fd = signal.set_wakeup_fd(theirs.fileno())
            threading.Thread(target=self._listen, name="amrax-signals", daemon=True).start()
        return self

    def __exit__(self, *unused) -> None:
        if not self.usable:
            return
        signal.set_wakeup_fd(self.fd)
        for number, handler in zip(self.known, self.before, strict=True):
            signal.signal(number, handler or signal.SIG_DFL)  # none: it was not one of Python's
        self.theirs.close()  # the thread reads the end of it and is done

    def _listen(self) -> None:
        first = 0.0
        while found := self.ours.recv(1):
            if found[0] not in self.known:
                continue  # of somebody else's
            if not self.asked:
                self.asked, self.status, first = True, SIGNALLED + found[0], time.monotonic()
                with contextlib.suppress(Exception):  # nobody may be there to be told any more
                    self.tell()
            elif time.monotonic() - first > PATIENCE:
                os._exit(self.status)  # files appear whole or not at all, so nothing is left half done
        self.ours.close()


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler must be there, or else the system ends the process."""
