"""Where a run can be resumed from, and which settings may have changed since."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

import amr
from amr.errors import InvalidSettingError
from solvers.config import (
    Case,
    Config,
    ConfigError,
    KeyPath,
    Mistakes,
    load,
    read_source,
    read_tables,
    show,
    text_value,
)
from solvers.run import Checkpoint, numbered

from .folder import CHECKPOINTS

NEW_RUN = "start a new run for that"
# What a run that goes on cannot change, by the beginning of the key.
FIXED: dict[KeyPath, str] = {
    ("domain",): f"the solution so far belongs to its domain; {NEW_RUN}",
    ("mesh", "cells"): f"the solution so far lies on this root grid (mesh.max_level may change); {NEW_RUN}",
    ("mesh", "patch"): f"the solution so far lies in patches of this size; {NEW_RUN}",
    ("mesh", "capacity"): "the pool goes on with the room it has, and grows if need be",
    ("equation",): f"the solution so far is one of this equation; {NEW_RUN}",
    ("parameters",): f"formulas of the equation may contain it; {NEW_RUN}",
    ("initial",): f"the start is over; {NEW_RUN}",
    ("scheme", "precision"): f"the solution so far has this precision; {NEW_RUN}",
}

OTHER_ROWS = "its file has other rows already; give the record another name"
DERIVED: KeyPath = ("output", "derived")


class NothingLeftError(Exception):
    """There is nothing left to do, which is no mistake: scripts that resume until a run ends ask once too often."""


def resumable(directory: Path, overrides: Sequence[str], given: Path | None) -> tuple[Case, Checkpoint, list[str]]:
    """The case of a run's folder with what is overridden, where to go on from, and remarks about files passed over.

    `given` is the file to go on from; default the newest that is whole. Raises `ConfigError` where there is nothing to
    go on from, or settings have changed that cannot, and `NothingLeftError` where the run is at its end.
    """
    source = directory / "config.toml"
    if not source.exists():
        advice = "expected the folder of a run"
        raise ConfigError([f"{directory}: holds no run to resume (it has no config.toml); {advice}"])
    for key in (override.partition("=")[0].strip() for override in overrides):
        if key in ("output.directory", "output.name"):
            advice = "the run goes on in its own folder and files; copy it to have two"
            raise ConfigError([f"command line: {key}: {advice}"])
    case = load(source, [*overrides, f"output.directory={text_value(str(directory))}"], begun=True)
    assert case.config.output.name is not None, "the config of a case is resolved"
    remarks: list[str] = []
    if given is not None:
        path, checkpoint = given, _loaded(given)
    else:
        path, checkpoint, remarks = _newest(directory, case.config.output.name)
    _check_settings(source, overrides, case, path, checkpoint)
    return case, checkpoint, remarks


def _newest(directory: Path, name: str) -> tuple[Path, Checkpoint, list[str]]:
    """The newest file that a run can go on from, what is in it, and why newer ones cannot be taken."""
    found = [*numbered(directory / CHECKPOINTS, name), *numbered(directory, name)]
    remarks, steps = [], {}
    for path in found:
        try:
            header = amr.io.read_header(path)
        except amr.io.FileError as error:
            remarks.append(f"passed over: {error}")
            continue
        if header["stored"] == header["computed"] and header.get("restart") is not None:
            steps[path] = header["step"]
            _allow(header["stored"])
    for path in sorted(steps, key=steps.__getitem__, reverse=True):
        try:
            return path, Checkpoint.load(path), remarks
        except amr.io.FileError as error:
            remarks.append(f"passed over: {error}")
    text = f"{directory}: has no dump or checkpoint of full precision that is whole; start the run again with amrax run"
    raise ConfigError([text, *remarks])


def _allow(precision: str) -> None:
    """Let JAX read such data, also if the config now asks for another precision, which is found out later."""
    if precision == "float64":
        jax.config.update("jax_enable_x64", True)


def _loaded(path: Path) -> Checkpoint:
    try:
        _allow(amr.io.read_header(path)["stored"])
        return Checkpoint.load(path)
    except amr.io.FileError as error:
        raise ConfigError([str(error)]) from error


def _check_settings(source: Path, overrides: Sequence[str], case: Case, path: Path, checkpoint: Checkpoint) -> None:
    """Raise `ConfigError` if a run from this checkpoint cannot be gone on with by these settings."""
    mistakes = Mistakes()
    stated = read_source(source, overrides, Mistakes())
    text = amr.io.read_header(path)["config"]
    if text:
        before, now = _settings(text), _settings(case.config.to_toml())
        for key in sorted({key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}, key=str):
            fixed = FIXED | ({DERIVED: "records contain it; give it another name"} if case.records else {})
            reason = next((reason for begin, reason in fixed.items() if key[: len(begin)] == begin), None)
            reason = OTHER_ROWS if _changes_record(key, before, now) else reason
            if reason is not None:
                found = f"found {show(now[key])}" if key in now else "missing"
                had = f", the run had {show(before[key])}" if key in before else ""
                mistakes.add(key, f"{found}{had}; {reason}")
    end, time = case.config.time.end, float(checkpoint.field.time)
    reached = np.dtype(case.simulation.dtype).type(end) <= time
    unfinished = np.dtype(case.simulation.dtype).type(end) == time and not (source.parent / "summary.json").exists()
    if reached and not unfinished:
        if not overrides and not mistakes.entries:
            advice = f"with a later one, such as time.end={2 * end:g}, it goes on"
            raise NothingLeftError(f"{source.parent}: is at its end, time.end = {end:g}; {advice}")
        mistakes.add(("time", "end"), f"found {end:g}, and the run is at {time:g} already; give a later time.end")
    most, step = case.config.time.max_steps, checkpoint.field.step
    if most is not None and most <= step:
        mistakes.add(("time", "max_steps"), f"found {most}, and the run is at step {step} already; allow more")
    if not mistakes.entries:
        try:
            checkpoint.check_fits(case.simulation.setup, case.simulation.dtype)
        except InvalidSettingError as error:
            mistakes.add(("mesh" if error.key == "max_level" else "scheme", error.key), error.message)
    if mistakes.entries:
        raise stated.error(mistakes)


def _changes_record(key: KeyPath, before: Mapping[KeyPath, Any], now: Mapping[KeyPath, Any]) -> bool:
    """Whether a record would get other rows than its file has already."""
    record = key[:2]
    known = all(any(other[:2] == record for other in keys) for keys in (before, now))
    return record[0] == "record" and known and key[2] not in ("every", "every_steps")


def _settings(text: str) -> dict[KeyPath, Any]:
    """All settings of a config's text, with what was left out as it is by default today: a key that was not known when
    a run began has not changed."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}  # not one of ours
    tables = read_tables(data, Mistakes())
    usual = [name for name in data if tables.get(name) is None]
    return dict(_flat(data if usual else tomllib.loads(Config(**tables).to_toml())))


def _flat(table: Mapping[str, Any], path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """All keys with their paths."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*path, key))
        else:
            yield (*path, key), value
