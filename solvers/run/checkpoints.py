"""Files that a run keeps to be resumed from: the newest few, whatever it writes besides."""

import glob
import os
from pathlib import Path
from typing import Any

from amr.errors import InvalidSettingError
from amr.files import SUFFIX, by_number, order
from solvers.records import EveryMinutes, EverySteps, EveryTime, Rule, Series

from .checkpoint import Checkpoint


class Checkpoints:
    """Write a checkpoint every so often, and keep the newest.

    **Arguments:**

    - `directory`: where to; it is made when it is needed.
    - `every`: simulated time; `every_steps`: steps; `every_minutes`: minutes. At least one of them. Checkpoints are
      written soon after that (those by steps at the first regrid), and change nothing in the run.
    - `keep`: how many of them to keep.
    - `name`: what the files begin with; the number of steps follows.

    Raises `InvalidSettingError` for numbers that make no sense.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        *,
        every: Any = None,
        every_steps: Any = None,
        every_minutes: Any = None,
        keep: Any = 2,
        name: str = "checkpoint",
    ):
        self.rules = rules_of(every, every_steps, every_minutes)
        if not self.rules:
            raise InvalidSettingError("checkpoint", "expected one of every, every_steps and every_minutes")
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise InvalidSettingError("keep", f"expected a whole number, 1 or more, got {keep!r}")
        self.directory, self.keep, self.name = Path(directory), keep, name

    def series(self) -> Series:
        """What the driver performs."""
        return Series(self.write, self.rules)

    def write(self, checkpoint: Checkpoint) -> Path:
        """Write one, and only then remove those there are too many of."""
        return write_newest(self.directory, self.name, self.keep, checkpoint)


def rules_of(every: Any, every_steps: Any, every_minutes: Any) -> tuple[Rule, ...]:
    """A rule for each of the numbers that is given."""
    kinds = ((EveryTime, every), (EverySteps, every_steps), (EveryMinutes, every_minutes))
    return tuple(kind(number) for kind, number in kinds if number is not None)


def write_newest(directory: Path, name: str, keep: int, checkpoint: Checkpoint, **options) -> Path:
    """Write `<name>_<step>.vtkhdf` and keep that many of the newest such files."""
    path = directory / f"{name}_{checkpoint.field.step:08d}{SUFFIX}"
    checkpoint.save(path, **options)
    # Those of later steps are of another run, or of a future that was given up: they are not this run's to count.
    for old in [other for other in numbered(directory, name) if order(other) <= order(path)][:-keep]:
        old.unlink(missing_ok=True)
    return path


def numbered(directory: Path, name: str) -> list[Path]:
    """The files `<name>_<number>.vtkhdf` of a folder in the order of their numbers."""
    found = directory.glob(f"{glob.escape(name)}_*{SUFFIX}") if directory.is_dir() else ()
    return by_number(path for path in found if path.stem.removeprefix(f"{name}_").isdecimal())
