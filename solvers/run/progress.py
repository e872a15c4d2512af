"""What a running simulation shows: a bar on a terminal or in a notebook, a plain line now and then elsewhere."""

import abc
import io
import sys
import time as clock
from collections.abc import Callable
from html import escape
from typing import Any, TextIO

from .driver import Progress

SECONDS_BETWEEN_LINES = 10.0
SECONDS_OF_SILENCE = 1.0  # in a notebook: a run that is over by then shows nothing


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

    def __init__(self, end: float, stream: TextIO | io.TextIOBase):
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

    def __init__(self, stream: TextIO | io.TextIOBase):
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


class Live(Reporter):
    """A bar below a cell of a notebook, once the run takes longer than a second."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.begin: float | None = None
        self.done = 0.0
        self.handle: Any = None
        self.patience = clock.monotonic() + SECONDS_OF_SILENCE

    def __call__(self, progress: Progress) -> None:
        self.begin = progress.time if self.begin is None else self.begin
        self.done = (progress.time - self.begin) / max(progress.end - self.begin, 1e-300)
        remarks = [*self.lines[:-1], *([progress.message] if progress.message else [])]
        self.lines = [*remarks, _words(progress)]
        if self.handle is not None or (self.done < 1 and clock.monotonic() >= self.patience):
            self.show()

    def say(self, text: str) -> None:
        self.lines.insert(-1, text)

    def show(self) -> None:
        """Show the bar, in the place where it is already."""
        from IPython.display import display

        if self.handle is None:
            self.handle = display(self, display_id=True)
        else:
            self.handle.update(self)

    def close(self) -> None:
        pass

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        *remarks, now = map(escape, self.lines)
        return "<br>".join([*remarks, f'<progress value="{self.done:.4f}" max="1"></progress> {now}'])


def reporter(end: float, stream: TextIO | io.TextIOBase) -> Reporter:
    """A bar if a person watches, lines if not."""
    return Bar(end, stream) if stream.isatty() else Lines(stream)


def chosen(progress: Callable[[Progress], None] | bool | None, end: float) -> Callable[[Progress], None]:
    """What a run in Python shows: what it is told to, and by default a bar in notebooks and nothing elsewhere."""
    if callable(progress):
        return progress
    if progress is False or (progress is None and not in_notebook()):
        return lambda _: None
    return Live() if in_notebook() else reporter(end, sys.stderr)


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")  # who runs in a notebook has it imported
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _words(progress: Progress) -> str:
    rate = progress.updates_per_second
    doing = f"{rate / 1e6:.1f} million updates/s" if rate else "starting"
    return f"t = {progress.time:.4g} of {progress.end:.4g}, step {progress.step}, {progress.patches} patches, {doing}"
