"""What a running simulation shows: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import abc
import time as clock
from typing import Any, TextIO

from .driver import Progress

SECONDS_BETWEEN_LINES = 10.0


class Reporter(abc.ABC):
    """Takes the progress of a run and remarks about it."""

    @abc.abstractmethod
    def __call__(self, progress: Progress) -> None:
        """Show how far the run is."""

    @abc.abstractmethod
    def say(self, text: str) -> None:
        """Show a line that stays."""

    @abc.abstractmethod
    def close(self) -> None:
        """The run is over."""


class Bar(Reporter):
    """A progress bar over the simulated time."""

    def __init__(self, end: float, stream: TextIO):
        from tqdm import tqdm

        self.stream = stream
        layout = "{percentage:3.0f}%|{bar}| {postfix}[{elapsed}<{remaining}]"
        self.bar: Any = tqdm(total=end, bar_format=layout, file=stream, dynamic_ncols=True)

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            self.say(progress.message)
        self.bar.n = min(progress.time, progress.end)
        self.bar.set_postfix_str(_words(progress) + " ")

    def say(self, text: str) -> None:
        self.bar.write(text, file=self.stream)

    def close(self) -> None:
        self.bar.close()


class Lines(Reporter):
    """A line every ten seconds, for logs."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.next = clock.monotonic()

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            self.say(progress.message)
        if clock.monotonic() >= self.next:
            self.next = clock.monotonic() + SECONDS_BETWEEN_LINES
            self.say(_words(progress))

    def say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def close(self) -> None:
        pass


def reporter(end: float, stream: TextIO) -> Reporter:
    """A bar if a person watches, lines if not."""
    return Bar(end, stream) if stream.isatty() else Lines(stream)


def _words(progress: Progress) -> str:
    return (
        f"t = {progress.time:.4g} of {progress.end:.4g}, step {progress.step}, {progress.patches} patches, "
        f"{progress.updates_per_second / 1e6:.1f} million updates/s"
    )
