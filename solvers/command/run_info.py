"""What the folder of a run holds: its dumps and checkpoints, and how far it came. Needs no JAX."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from amr.files import SUFFIX, FileError, FileInfo, by_number, file_info

CHECKPOINTS = "checkpoints"
State = Literal["finished", "failed", "not finished"]


@dataclass(frozen=True)
class RunInfo:
    """A run's folder.

    **Attributes:** `directory`; `state`; `end`: the time to which the config says it goes; `dumps`, `checkpoints`: in
    the order of time; `damaged`: a sentence for each file that cannot be read; `config`: the text of its config;
    `summary`: that of a finished run.
    """

    directory: Path
    state: State
    end: float | None
    dumps: tuple[FileInfo, ...]
    checkpoints: tuple[FileInfo, ...]
    damaged: tuple[str, ...]
    config: str
    summary: dict[str, Any] | None

    @property
    def newest(self) -> FileInfo | None:
        """The file of the latest time that a run can go on from."""
        files = [file for file in (*self.dumps, *self.checkpoints) if file.resumable]
        return max(files, key=lambda file: file.step, default=None)

    @property
    def time(self) -> float | None:
        """How far it came, by its files."""
        return max((file.time for file in (*self.dumps, *self.checkpoints)), default=None)


def run_info(directory: Path) -> RunInfo:
    """Look into the folder of a run. Raises `FileError` if there is none."""
    if not (directory / "config.toml").exists():
        advice = f"expected the folder of a run, or a {SUFFIX} file"
        raise FileError(directory, f"holds no run (it has no config.toml); {advice}")
    config = (directory / "config.toml").read_text(encoding="utf-8")
    damaged: list[str] = []
    dumps = _files(directory, damaged)
    checkpoints = _files(directory / CHECKPOINTS, damaged)
    end, summary = _end(config), _summary(directory / "summary.json")
    failed = any(file.path.stem.endswith("_failed") for file in dumps)
    finished = summary is not None and (end is None or summary.get("time", 0) >= end)
    state: State = "finished" if finished else "failed" if failed else "not finished"
    return RunInfo(directory, state, end, dumps, checkpoints, tuple(damaged), config, summary)


def _files(folder: Path, damaged: list[str]) -> tuple[FileInfo, ...]:
    found = []
    for path in by_number(folder.glob(f"*{SUFFIX}")):
        try:
            found.append(file_info(path))
        except FileError as error:
            damaged.append(str(error))
    return tuple(sorted(found, key=lambda file: file.step))


def _end(config: str) -> float | None:
    try:
        return float(tomllib.loads(config)["time"]["end"])
    except (tomllib.TOMLDecodeError, LookupError, TypeError, ValueError):
        return None  # somebody changed it; the files are worth a look all the same


def _summary(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
